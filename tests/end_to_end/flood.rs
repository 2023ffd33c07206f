//! A child that prints as fast as it can: every line arrives, in order.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use crate::harness::{Project, Signal, signal, until};

/// A million in a release build, as the promise says; fewer where everything is slower.
const LINES: usize = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

#[test]
fn pm10_every_line_of_a_flood_arrives_in_order() {
    let limits = "[log_store]\nmax_entries = 2000000\nmax_total_entries = 2000000\nmax_bytes = '1GiB'\n\
                  [resources]\nmemory_limit_mb = 4096\n";
    let project = Project::configured(&format!("{limits}[processes.flood]\ncommand = 'seq 1 {LINES}'\n"));
    for terminal in ["never", "always"] {
        let run = project.brummer(&["--output", "json", "--terminal", terminal, "flood"]).finish();
        assert_eq!((run.code(), run.stderr.as_str()), (0, ""));
        let mut expected = 1;
        for line in run.stdout.lines().filter(|line| line.starts_with("{\"type\":\"line\"")) {
            let wanted = format!(",\"text\":\"{expected}\",");
            assert!(line.contains(&wanted), "{expected} was expected, on {terminal} terminal: {line}");
            expected += 1;
        }
        assert_eq!(expected, LINES + 1);
        assert!(!run.stdout.contains("{\"type\":\"skipped\""));
    }
}

#[test]
fn pm10_a_flood_through_a_slow_reader_waits_and_loses_nothing() {
    const LINES: usize = 300_000;
    let limits = "[log_store]\nmax_entries = 500\nmax_total_entries = 5000\nmax_bytes = '2MiB'\n";
    let project = Project::configured(&format!("{limits}[processes.flood]\ncommand = 'seq 1 {LINES}'\n"));
    let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), &["--no-tui", "flood"]);
    let mut child = command.stderr(Stdio::inherit()).spawn().expect("it starts");
    // Slower than what it reads from: every line is taken out of a pipe of 64 KiB in pieces of 256 bytes.
    let mut reader = BufReader::with_capacity(256, child.stdout.take().expect("piped")).lines();
    let mut expected = 1;
    while let Some(line) = reader.next().transpose().expect("text") {
        std::thread::yield_now();
        assert!(!line.contains("dropped"), "{line}");
        let text = line.rsplit(' ').next().unwrap_or_default();
        expected += usize::from(text == expected.to_string());
    }
    assert_eq!(expected, LINES + 1);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_flood_whose_reader_does_not_read_is_ended_by_signals() {
    for signals in [1, 2] {
        let project = Project::configured("grace = '100ms'\n[processes.flood]\ncommand = 'yes'\n");
        let mut child =
            project.command(env!("CARGO_BIN_EXE_brummer"), &["--no-tui", "flood"]).spawn().expect("it starts");
        // Its standard output stays open, and nobody reads: the pipe fills up.
        let out = child.stdout.take().expect("piped");
        // Full is less than 64 KiB of bytes: each write begins a page of its own.
        let waiting = || rustix::io::ioctl_fionread(&out).expect("a pipe") >= 20_000;
        until("the pipe is full", waiting);
        signal(child.id(), Signal::TERM);
        until("it has ended", || {
            let is_ended = child.try_wait().expect("it can be asked").is_some();
            if !is_ended && signals == 2 {
                signal(child.id(), Signal::TERM);
            }
            is_ended
        });
        let status = child.wait().expect("it has ended");
        // One of many signals may end the guardian itself, when everybody else is gone.
        assert!(status.code() == Some(143) || status.signal() == Some(15), "{status}");
        until("nobody is left", || project.living().is_empty());
    }
}
