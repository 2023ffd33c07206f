//! Who is left after a stop: children that ignore signals, make sessions of their own, or fork twice.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row};

use crate::app::{brummer, in_folder};
use crate::screen::Screen;

/// Each line is a tree; every process of it sleeps for a number of seconds that nobody else uses.
const TREES: &[(&str, &str)] = &[
    ("deaf", "trap '' INT TERM HUP; sleep 98701; sleep 98701"),
    ("session", "setsid sleep 98701 & sleep 98701"),
    ("twice", "(sh -c 'sleep 98701 & sleep 98701 &' &); sleep 98701"),
    ("deaf-session", "setsid sh -c \"trap '' INT TERM HUP; sleep 98701; sleep 98701\" & sleep 98701"),
];

fn living() -> usize {
    let output = Command::new("pgrep").args(["-fc", "sleep 98701$"]).output().expect("pgrep runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0)
}

/// Seconds until nobody is left; infinite after ten.
fn gone() -> f64 {
    let start = Instant::now();
    while living() > 0 {
        if start.elapsed() > Duration::from_secs(10) {
            return f64::INFINITY;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed().as_secs_f64()
}

fn started(program: &Path, dir: &Path) -> Screen {
    let names: Vec<&str> = TREES.iter().map(|(name, _)| *name).collect();
    let screen = Screen::start(in_folder(program, dir, &names));
    let end = Instant::now() + Duration::from_secs(10);
    while living() < 7 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    screen
}

fn signal(pid: u32, number: i32) {
    // SAFETY: kill takes two integers, and the process is a child of ours or of one.
    unsafe { libc::kill(pid as i32, number) };
}

/// What is done to the program, by name.
type Way = (&'static str, fn(&mut Screen));

/// Measures every way out.
pub fn run(report: &mut Report, _effort: Effort) {
    let program = brummer();
    let dir = std::env::temp_dir().join(format!("brummer-stop-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary folder");
    let entries =
        TREES.iter().map(|(name, line)| format!("[processes.{name}]\ncommand = {line:?}\ngrace = \"500ms\"\n"));
    std::fs::write(dir.join(".brum.toml"), entries.collect::<String>()).expect("can be written");
    report.section("seconds until nobody is left of four stubborn trees, grace 0.5 s");
    let ways: [Way; 5] = [
        ("Ctrl+C twice", |screen| screen.press("\x03\x03")),
        ("SIGTERM", |screen| signal(screen.pids()[0], libc::SIGTERM)),
        ("SIGHUP", |screen| signal(screen.pids()[0], libc::SIGHUP)),
        ("SIGKILL of the app", |screen| signal(screen.pids()[1], libc::SIGKILL)),
        ("SIGKILL of the guardian", |screen| signal(screen.pids()[0], libc::SIGKILL)),
    ];
    for (name, way) in ways {
        let mut screen = started(&program, &dir);
        way(&mut screen);
        report.row(&Row::lower(name, "s", gone()).target(2.0));
        screen.quit("", Duration::from_secs(3));
    }
    let _ = std::fs::remove_dir_all(&dir);
}
