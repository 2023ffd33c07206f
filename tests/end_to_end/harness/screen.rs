//! A real terminal: a tmux server of its own with one shell in it.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use super::project::Project;
use super::tools::is_installed;
use super::wait::{until, until_within};

/// The terminal; its server ends with it.
#[derive(Debug)]
pub(crate) struct Screen {
    socket: String,
    /// Commands that [`Screen::shell`] ran.
    commands: Cell<u32>,
}

impl Screen {
    /// A project with these settings and a terminal in it, unless there is no tmux.
    pub(crate) fn with(settings: &str) -> Option<(Project, Screen)> {
        is_installed("tmux").then(|| {
            let project = Project::configured(settings);
            let screen = Screen::open(&project, 110, 30);
            (project, screen)
        })
    }

    /// Leaves by the dialog and looks at what is left.
    pub(crate) fn quit(&self, project: &Project) {
        self.press(&["q"]);
        self.wait_for("Quit brummer?");
        self.press(&["y"]);
        self.wait_for("ready$");
        nobody_is_left(project);
    }

    /// A shell in the project's folder, with a prompt of `ready$ `.
    pub(crate) fn open(project: &Project, columns: u16, rows: u16) -> Screen {
        let socket = project.temporary().parent().expect("a parent").join("tmux").display().to_string();
        std::fs::create_dir_all(project.dir()).expect("a folder");
        let mut command = Command::new("tmux");
        command.args(["-S", &socket, "-f", "/dev/null", "new-session", "-d"]);
        command.args(["-x", &columns.to_string(), "-y", &rows.to_string()]);
        command.args(["-c", &project.dir().display().to_string()]);
        command.arg("exec env PS1='ready$ ' ENV= TERM=tmux-256color sh -i");
        command.envs(project.environment()).env_remove("TMUX").env_remove("NO_COLOR");
        let output = command.output().expect("tmux starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let screen = Screen { socket, commands: Cell::new(0) };
        screen.wait_for("ready$");
        screen
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-S", &self.socket]).args(args).output().expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Presses keys by their names, such as `Enter`, `C-c`, `Down`, `q`.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types text.
    pub(crate) fn type_text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Types text and presses Enter.
    pub(crate) fn enter(&self, text: &str) {
        self.type_text(text);
        self.press(&["Enter"]);
    }

    /// Runs a command of Brummer's command line.
    pub(crate) fn command(&self, command: &str) {
        // The slash opens it; what follows is typed into it.
        self.type_text("/");
        self.enter(command);
    }

    /// Leaves the terminal of a process.
    pub(crate) fn leave_process(&self) {
        self.press(&["F12"]);
        self.wait_gone("all keys go to the process");
    }

    /// Clicks; the first column and row are 1.
    pub(crate) fn click(&self, column: usize, row: usize) {
        self.type_text(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// Starts Brummer with these arguments.
    pub(crate) fn brummer(&self, args: &str) {
        self.type_text(&format!("'{}' {args}", env!("CARGO_BIN_EXE_brummer")));
        self.press(&["Enter"]);
    }

    /// Closes by Escape what shows this text. The next key waits for that: one that follows an Escape at once is one with Alt
    /// to a terminal, however the program reads it.
    pub(crate) fn close(&self, shown: &str) {
        self.wait_for(shown);
        self.press(&["Escape"]);
        self.wait_gone(shown);
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What is on the screen, with the sequences that make its colours.
    pub(crate) fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-e", "-p"])
    }

    /// Waits until this is on the screen.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(&format!("`{text}` is shown"), |screen| screen.contains(text));
    }

    /// Waits until this is no longer on the screen.
    pub(crate) fn wait_gone(&self, text: &str) {
        self.wait_until(&format!("`{text}` is no longer shown"), |screen| !screen.contains(text));
    }

    /// Waits until the screen is as asked.
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(what, || condition(&self.text()));
        }));
        if shown.is_err() {
            panic!("waited in vain until {what}; the screen:\n{}", self.text());
        }
    }

    /// Waits until the terminal is as the shell had it: what a program wrote at its end may be on its way when it has ended.
    pub(crate) fn wait_given_back(&self) {
        until("the screen is given back", || self.is_given_back());
    }

    /// Whether the main screen is shown, with the cursor, and the mouse belongs to the terminal.
    pub(crate) fn is_given_back(&self) -> bool {
        let modes = "#{alternate_on} #{cursor_flag} #{mouse_any_flag}";
        self.tmux(&["display-message", "-p", modes]).trim() == "0 1 0"
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Runs a command in the shell and gives back what it prints; only when the shell has its prompt.
    pub(crate) fn shell(&self, command: &str) -> String {
        let number = self.commands.get() + 1;
        self.commands.set(number);
        self.type_text(&format!("clear; {command}; echo do''ne {number}"));
        self.press(&["Enter"]);
        let end = format!("\ndone {number}\n");
        self.wait_until("the command is done", |screen| screen.contains(&end));
        self.text().split(&end).next().unwrap_or_default().to_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
        let gone = || !self.tmux(&["list-sessions"]).contains("windows");
        until_within(Duration::from_secs(60), "the tmux server has ended", gone);
    }
}

/// Only the shell and tmux live in the project.
pub(crate) fn nobody_is_left(project: &Project) {
    until("nobody is left", || {
        let own = |command: &str| command.starts_with("tmux") || command.starts_with("sh -i");
        project.living().iter().all(|living| own(&living.command))
    });
}
