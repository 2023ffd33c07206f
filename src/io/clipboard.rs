//! Copies text with the clipboard tool of the desktop or of tmux; the caller's thread waits for the tool.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal};

/// A tool that has not taken the text by then is given up.
const TOOL_MAX: Duration = Duration::from_secs(2);

/// A program that copies its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// tmux's buffer, handed on to the terminal outside.
    Tmux,
    /// Wayland.
    WlCopy,
    /// X11.
    Xclip,
    /// macOS.
    Pbcopy,
}

impl Tool {
    /// The tools that may work here, best first; none in a remote session, whose desktop is elsewhere.
    pub fn candidates(get: impl Fn(&str) -> Option<String>) -> Vec<Tool> {
        let set = |key: &str| get(key).is_some_and(|value| !value.is_empty());
        let remote = set("SSH_CONNECTION") || set("SSH_TTY");
        let mut tools = Vec::new();
        if set("TMUX") {
            tools.push(Tool::Tmux);
        }
        if cfg!(target_os = "macos") && !remote {
            tools.push(Tool::Pbcopy);
        }
        if set("WAYLAND_DISPLAY") && !remote {
            tools.push(Tool::WlCopy);
        }
        if set("DISPLAY") && !remote {
            tools.push(Tool::Xclip);
        }
        tools
    }

    /// The name that is told to the person.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Tmux => "tmux",
            Tool::WlCopy => "wl-copy",
            Tool::Xclip => "xclip",
            Tool::Pbcopy => "pbcopy",
        }
    }

    fn command(self) -> Command {
        let (program, args): (&str, &[&str]) = match self {
            Tool::Tmux => ("tmux", &["load-buffer", "-w", "-"]),
            Tool::WlCopy => ("wl-copy", &[]),
            Tool::Xclip => ("xclip", &["-selection", "clipboard"]),
            Tool::Pbcopy => ("pbcopy", &[]),
        };
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Copies `text`.
    ///
    /// # Errors
    /// The tool is not installed, failed, or did not end in time.
    pub fn copy(self, text: &str) -> io::Result<()> {
        let mut child = self.command().spawn()?;
        let mut stdin = child.stdin.take().expect("standard input was asked for as a pipe");
        stdin.write_all(text.as_bytes())?;
        drop(stdin);
        let tool = Pid::from_child(&child);
        let (ended, end) = mpsc::channel();
        let waiter = std::thread::Builder::new().name("brummer-clipboard".into()).stack_size(64 * 1024);
        // Nobody listens any more when the tool was given up.
        waiter.spawn(move || ended.send(child.wait()))?;
        match end.recv_timeout(TOOL_MAX) {
            Ok(Ok(status)) if !status.success() => {
                Err(io::Error::other(format!("{} ended with {status}", self.name())))
            }
            // An error says that someone else who waits for all children took its end: the text was taken.
            Ok(_) => Ok(()),
            Err(_) => {
                rustix::process::kill_process(tool, Signal::KILL)?;
                Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} did not end", self.name())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_session_uses_no_desktop_tool() {
        let local = |key: &str| (key == "DISPLAY").then(|| ":0".to_string());
        assert!(Tool::candidates(local).contains(&Tool::Xclip));
        let remote = |key: &str| ["DISPLAY", "SSH_TTY", "TMUX"].contains(&key).then(|| "x".to_string());
        assert_eq!(Tool::candidates(remote), [Tool::Tmux]);
    }
}
