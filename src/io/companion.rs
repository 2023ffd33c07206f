//! A program that is talked to over its input and output, and that ends with Brummer, with all that it has started.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::child::become_child;
use super::platform;
use super::tree::{self, MARK, Root};

/// A running companion. Dropping it ends it.
#[derive(Debug)]
pub struct Companion {
    child: Child,
    root: Root,
    ended: bool,
}

impl Companion {
    /// Starts it in a session of its own, with its input and output as pipes. `mark` is a word that no other child has:
    /// its descendants are known by it.
    ///
    /// # Errors
    /// What the system says if the program cannot be started.
    pub fn spawn(mut command: Command, mark: &str) -> io::Result<(Companion, ChildStdin, ChildStdout)> {
        // What loses its parent while the tree is killed comes to this process, and is found.
        platform::adopt_orphans();
        command.env(MARK, mark).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // SAFETY: between fork and exec only system calls are made: no allocation, no lock (see `become_child`).
        unsafe { command.pre_exec(|| become_child(None, None, false)) };
        let mut child = command.spawn()?;
        let pid = child.id() as i32;
        let started = platform::entry(pid).map_or(0, |entry| entry.started);
        let root = Root { pid, started, word: format!("{MARK}={mark}") };
        let pipes = child.stdin.take().zip(child.stdout.take());
        let mut companion = Companion { child, root, ended: false };
        match pipes {
            Some((input, output)) => Ok((companion, input, output)),
            None => {
                companion.end(Duration::from_secs(1));
                Err(io::Error::other("the program was started without pipes"))
            }
        }
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.root.pid as u32
    }

    /// Kills it and all that it has started; `false` if something still lives when the time is up.
    pub fn end(&mut self, within: Duration) -> bool {
        if self.ended {
            return true;
        }
        let root = self.root.clone();
        let living = tree::kill_all(|snapshot| snapshot.members(&root), Instant::now() + within);
        self.ended = living.is_empty();
        if self.ended {
            // How it ended does not matter, nor whether somebody else has reaped it.
            let _ = self.child.wait();
        }
        self.ended
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        self.end(Duration::from_secs(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};

    #[test]
    fn a_companion_is_talked_to_and_ends_with_all_that_it_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & setsid sleep 1000 & echo ready; read line; echo \"$line\"; sleep 1000"]);
        let mark = format!("companion-test-{}", std::process::id());
        let (mut companion, mut input, output) = Companion::spawn(command, &mark).unwrap();
        let mut lines = BufReader::new(output).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        input.write_all(b"hello\n").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "hello");
        assert!(companion.end(Duration::from_secs(30)));
        assert!(lines.next().is_none(), "the output is closed");
        let root = companion.root.clone();
        assert!(tree::Snapshot::take().members(&root).is_empty());
        assert!(companion.end(Duration::ZERO), "it has ended once and for all");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(Companion::spawn(Command::new("/no/such/program"), "companion-none").is_err());
    }
}
