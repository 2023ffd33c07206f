//! A program on a pseudo terminal of our own, its screen emulated, so that "when was this visible" can be measured.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

struct Seen {
    parser: vt100::Parser,
    bytes: u64,
}

/// A running program and what its screen shows.
pub struct Screen {
    child: Child,
    keyboard: File,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    pub started: Instant,
}

/// Both ends of a new pseudo terminal, of 200 columns and 50 rows.
pub fn open_pty() -> (OwnedFd, OwnedFd) {
    let size = libc::winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut master, mut slave) = (0, 0);
    // SAFETY: openpty writes two descriptors, which nobody else owns; the name and the settings may be null.
    let result = unsafe { libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null_mut(), &size) };
    assert_eq!(result, 0, "openpty: {}", std::io::Error::last_os_error());
    // SAFETY: both are open and ours alone.
    unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) }
}

impl Screen {
    /// Starts `command` as the leader of a session on the terminal.
    pub fn start(mut command: Command) -> Screen {
        let (master, slave) = open_pty();
        for fd in [master.as_raw_fd(), slave.as_raw_fd()] {
            // SAFETY: sets a flag of a descriptor that is open.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        let stdio = || Stdio::from(slave.try_clone().expect("a descriptor is left"));
        command.stdin(stdio()).stdout(stdio()).stderr(stdio()).env("TERM", "xterm-256color");
        // SAFETY: setsid and ioctl are safe between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY as _, 0);
                Ok(())
            });
        }
        let started = Instant::now();
        let child = command.spawn().expect("the program starts");
        let parser = vt100::Parser::new(50, 200, 0);
        let seen = Arc::new((Mutex::new(Seen { parser, bytes: 0 }), Condvar::new()));
        let mut output = File::from(master.try_clone().expect("a descriptor is left"));
        let shared = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                let mut seen = shared.0.lock().expect("not poisoned");
                seen.parser.process(&buffer[..length]);
                seen.bytes += length as u64;
                shared.1.notify_all();
            }
        });
        Screen { child, keyboard: File::from(master), seen, started }
    }

    /// Waits until the screen satisfies `condition`; the instant when it was seen to.
    pub fn wait(&self, limit: Duration, mut condition: impl FnMut(&str) -> bool) -> Option<Instant> {
        let end = Instant::now() + limit;
        let mut seen = self.seen.0.lock().expect("not poisoned");
        loop {
            if condition(&seen.parser.screen().contents()) {
                return Some(Instant::now());
            }
            let left = end.checked_duration_since(Instant::now())?;
            seen = self.seen.1.wait_timeout(seen, left).expect("not poisoned").0;
        }
    }

    /// What the screen shows now.
    pub fn text(&self) -> String {
        self.seen.0.lock().expect("not poisoned").parser.screen().contents()
    }

    /// Bytes that the program has written so far.
    pub fn bytes(&self) -> u64 {
        self.seen.0.lock().expect("not poisoned").bytes
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal is open");
    }

    /// The process that was started, and its children.
    pub fn pids(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        [own].into_iter().chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect()
    }

    /// Presses the keys that leave, and waits; kills what is still there after the limit.
    pub fn quit(mut self, keys: &str, limit: Duration) -> Duration {
        let asked = Instant::now();
        self.press(keys);
        while asked.elapsed() < limit {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return asked.elapsed();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        asked.elapsed()
    }
}
