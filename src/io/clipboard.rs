//! Copies text with the clipboard tool of the desktop or of tmux; the caller's thread waits for the tool.

use std::io;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::helper::{self, Helper};

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
        command.args(args);
        command
    }

    /// Copies `text`.
    ///
    /// # Errors
    /// The tool is not installed, failed, or did not end in time.
    pub fn copy(self, text: &str) -> io::Result<()> {
        match helper::run(self.command(), Some(text.to_owned()), TOOL_MAX)? {
            Helper::Done => Ok(()),
            Helper::Runs(tool) => {
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
