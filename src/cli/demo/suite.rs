//! The demo's test run: some that pass, one that fails, exit code 1.

use std::io;
use std::thread;
use std::time::Duration;

use super::part::Pen;

const FILES: [&str; 5] = ["cart", "prices", "login", "search", "mail"];

pub(super) fn run(pen: &Pen) -> io::Result<u8> {
    let pause = || thread::sleep(Duration::from_millis(250));
    for (number, file) in FILES.iter().enumerate() {
        pause();
        pen.out(format!("{} src/{file}.test.js ({} ms)", pen.paint(32, "PASS"), 12 + number * 9))?;
    }
    pause();
    pen.out(format!("{} src/checkout.test.js", pen.paint(31, "FAIL")))?;
    pen.out("  ● checkout › adds the shipping cost")?;
    pen.out("")?;
    pen.out(format!("    Expected: {}", pen.paint(32, "54.80")))?;
    pen.out(format!("    Received: {}", pen.paint(31, "49.90")))?;
    pen.out("      at Object.<anonymous> (src/checkout.test.js:18:23)")?;
    pen.out("")?;
    pen.out(format!("Tests:  {}, 5 passed, 6 total", pen.paint(31, "1 failed")))?;
    Ok(1)
}
