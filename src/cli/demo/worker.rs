//! The demo's worker: progress that redraws its line, colours, and log lines in JSON.

use std::io;
use std::thread;
use std::time::Duration;

use super::part::Pen;

const STEP: Duration = Duration::from_millis(60);
const STEPS: u32 = 20;

pub(super) fn run(pen: &Pen) -> io::Result<u8> {
    pen.out("worker ready, 3 queues")?;
    for job in 1_u32.. {
        pen.out(format!("{{\"level\":\"info\",\"msg\":\"job taken\",\"job\":{job},\"queue\":\"mail\"}}"))?;
        for step in 0..=STEPS {
            pen.state(format!("job {job} {} {:3}%", bar(step), step * 100 / STEPS))?;
            thread::sleep(STEP);
        }
        pen.out("")?;
        pen.out(format!("{} job {job}: sent {} mails", pen.paint(32, "✔"), 20 + job * 7 % 13))?;
        if job % 3 == 0 {
            pen.out(format!("{{\"level\":\"warn\",\"msg\":\"queue is filling\",\"waiting\":{}}}", job * 11))?;
        }
        thread::sleep(STEP * 10);
    }
    Ok(0)
}

fn bar(step: u32) -> String {
    (0..STEPS).map(|at| if at < step { '█' } else { '░' }).collect()
}
