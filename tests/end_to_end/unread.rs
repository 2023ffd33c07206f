//! A terminal that nobody reads, like that of a window that hangs: leaving does not wait for it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Child;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::harness::{Project, Signal, children_of, signal, until};

/// Changes the whole screen many times a second.
const SETTINGS: &str = r#"
grace = '300ms'
[processes.flood]
command = 'n=0; while :; do n=$((n+1)); seq $n 7 $((n+400)); sleep 0.05; done'
"#;

/// Both ends of a terminal.
fn terminal() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("it is ours");
    let size = Winsize { ws_col: 160, ws_row: 50, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size).expect("it has a size");
    let path = std::ffi::OsString::from_vec(ptsname(&master, Vec::new()).expect("a name").into_bytes());
    let slave = OpenOptions::new().read(true).write(true).open(path).expect("its other end");
    (master.into(), slave)
}

/// Whether a terminal has taken nothing for a moment.
fn is_full(slave: &File) -> bool {
    let moment = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    poll(&mut [PollFd::new(slave, PollFlags::OUT)], Some(&moment)).expect("it can be asked") == 0
}

/// Ends Brummer by keys or by a signal.
type Leave = fn(&mut File, &Child);

#[test]
fn tm06_leaving_does_not_wait_for_a_terminal_that_nobody_reads() {
    let ways: [(&str, Leave); 3] = [
        ("q y", |keys, _| keys.write_all(b"qy").expect("keys are taken")),
        ("SIGTERM", |_, child| signal(child.id(), Signal::TERM)),
        ("SIGKILL of the app", |_, child| {
            children_of(child.id()).into_iter().for_each(|app| signal(app, Signal::KILL));
        }),
    ];
    for (way, leave) in ways {
        let project = Project::configured(SETTINGS);
        let (mut master, slave) = terminal();
        let stream = || slave.try_clone().expect("another one");
        let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), &["flood"]);
        command.stdin(stream()).stdout(stream()).stderr(stream()).env("TERM", "xterm-256color");
        let mut child = command.spawn().expect("it starts");
        until("the terminal is full", || is_full(&slave));
        leave(&mut master, &child);
        // Whoever waits for the terminal waits for ever.
        until(&format!("it has ended by {way}"), || child.try_wait().expect("it is asked").is_some());
        assert_eq!(project.living(), [], "after {way}");
    }
}
