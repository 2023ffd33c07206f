//! Runs a helper of the desktop (a clipboard tool, a browser) that may outlive Brummer, and waits for it only for a while.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::Pid;

use super::child::release;

/// How a helper stood when it was no longer waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Helper {
    /// It has ended, and said that all went well.
    Done,
    /// It still runs.
    Runs(Pid),
}

/// Starts a helper, hands it `input`, and waits for its end.
///
/// # Errors
/// It is not installed, or it failed.
pub(super) fn run(mut command: Command, input: Option<String>, limit: Duration) -> io::Result<Helper> {
    release(&mut command);
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let (ended, end) = mpsc::channel();
    let waiter = std::thread::Builder::new().name("brummer-helper".into()).stack_size(64 * 1024);
    waiter.spawn(move || {
        if let (Some(mut stdin), Some(text)) = (child.stdin.take(), input) {
            // One that does not take the text says so by how it ends.
            let _ = stdin.write_all(text.as_bytes());
        }
        // Nobody listens any more when it was not waited for so long.
        let _ = ended.send(child.wait());
    })?;
    match end.recv_timeout(limit) {
        Ok(Ok(status)) if !status.success() => Err(io::Error::other(format!("it ended with {status}"))),
        // An error says that someone else who waits for all children took its end.
        Ok(_) => Ok(Helper::Done),
        Err(_) => Ok(Helper::Runs(pid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_helper_that_fails_is_told_from_one_that_goes_on() {
        let long = Duration::from_secs(60);
        assert_eq!(run(shell("exit 0"), None, long).unwrap(), Helper::Done);
        assert!(run(shell("exit 3"), None, long).unwrap_err().to_string().contains('3'));
        let Helper::Runs(pid) = run(shell("exec sleep 1000"), None, Duration::from_millis(1)).unwrap() else {
            panic!("it has ended")
        };
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    #[test]
    fn text_that_is_not_taken_holds_nobody_up() {
        let text = "x".repeat(4 << 20);
        assert!(matches!(
            run(shell("exec sleep 1000"), Some(text.clone()), Duration::from_millis(50)),
            Ok(Helper::Runs(pid)) if rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok()
        ));
        let counted = format!("test $(wc -c) -eq {}", text.len());
        assert_eq!(run(shell(&counted), Some(text), Duration::from_secs(60)).unwrap(), Helper::Done);
    }
}
