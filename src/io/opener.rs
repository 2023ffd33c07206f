//! Opens a web page in the person's browser: by `$BROWSER` or by the desktop's own opener, never through a shell.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::helper;

/// What has not failed by then is taken for a browser that is open.
const FAILS_WITHIN: Duration = Duration::from_secs(2);

/// A program that opens a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opener {
    /// One of `$BROWSER`: the program and its words; `%s` in one of them stands for the URL.
    Browser(Vec<String>),
    /// The desktop's opener on Linux.
    XdgOpen,
    /// The one of macOS.
    Open,
}

impl Opener {
    /// The openers that may work here, best first. Without a display only `$BROWSER` can know one.
    pub fn candidates(get: impl Fn(&str) -> Option<String>) -> Vec<Opener> {
        let set = |key: &str| get(key).is_some_and(|value| !value.is_empty());
        let browsers = get("BROWSER").unwrap_or_default();
        let words = |browser: &str| browser.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let browsers = browsers.split(':').map(words).filter(|words| !words.is_empty());
        let mut openers: Vec<Opener> = browsers.map(Opener::Browser).collect();
        if cfg!(target_os = "macos") {
            let remote = set("SSH_CONNECTION") || set("SSH_TTY");
            openers.extend(Some(Opener::Open).filter(|_| !remote));
        } else if set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WSL_DISTRO_NAME") {
            openers.push(Opener::XdgOpen);
        }
        openers
    }

    /// The name that is told to the person.
    pub fn name(&self) -> &str {
        match self {
            Opener::Browser(words) => words.first().map_or("$BROWSER", String::as_str),
            Opener::XdgOpen => "xdg-open",
            Opener::Open => "open",
        }
    }

    fn command(&self, url: &str) -> Command {
        let Opener::Browser(words) = self else {
            let mut command = Command::new(self.name());
            command.arg(url);
            return command;
        };
        let mut command = Command::new(self.name());
        let arguments = words.get(1..).unwrap_or_default();
        command.args(arguments.iter().map(|word| word.replace("%s", url)));
        if !arguments.iter().any(|word| word.contains("%s")) {
            command.arg(url);
        }
        command
    }

    /// Whether it opens more than web pages: `vscode://file/…`, say.
    pub fn knows_schemes(&self) -> bool {
        !matches!(self, Opener::Browser(_))
    }

    /// Opens a place in an editor by its URL; waits a moment to see whether that fails.
    ///
    /// # Errors
    /// INVALID_INPUT for what is no `vscode://file/` URL; nothing opens it.
    pub fn open_editor(&self, url: &str) -> io::Result<()> {
        if !url.starts_with("vscode://file/") || url.contains(|ch: char| ch.is_control() || ch.is_whitespace()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only vscode://file/ URLs are opened"));
        }
        helper::run(self.command(url), None, FAILS_WITHIN).map(drop)
    }

    /// Opens the page; waits a moment to see whether that fails.
    ///
    /// # Errors
    /// INVALID_INPUT for what is no http or https URL; the program is not installed, or failed.
    pub fn open(&self, url: &str) -> io::Result<()> {
        if !is_web(url) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only http and https URLs are opened"));
        }
        helper::run(self.command(url), None, FAILS_WITHIN).map(drop)
    }
}

/// Starts an editor that has a window of its own; waits a moment to see whether that fails.
///
/// # Errors
/// It is not installed, or failed.
pub fn start_window(command: Command) -> io::Result<()> {
    helper::run(command, None, FAILS_WITHIN).map(drop)
}

/// Whether this is the URL of a web page and nothing else: a program that is handed it can take it for nothing else.
pub fn is_web(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    let rest = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://"));
    let odd = |ch: char| ch.is_control() || ch.is_whitespace();
    rest.is_some_and(|rest| !rest.is_empty()) && !url.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_pages_are_opened() {
        for url in ["http://localhost:3000/", "HTTPS://example.com/?a=b;c&d=$(e)", "http://[::1]:1"] {
            assert!(is_web(url), "{url}");
        }
        for url in
            ["", "http://", "file:///etc/passwd", "ws://x", "javascript:alert(1)", "--help", "http://a b", "http://a\n"]
        {
            assert!(!is_web(url), "{url}");
            assert_eq!(Opener::XdgOpen.open(url).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn the_browsers_of_the_person_come_first_and_without_a_display_they_are_all() {
        let get = |key: &str| (key == "BROWSER").then(|| "firefox --new-tab %s:w3m".to_string());
        let browser = |words: &[&str]| Opener::Browser(words.iter().map(ToString::to_string).collect());
        let wanted = [browser(&["firefox", "--new-tab", "%s"]), browser(&["w3m"])];
        assert_eq!(Opener::candidates(get)[..2], wanted);
        if cfg!(target_os = "linux") {
            assert_eq!(Opener::candidates(get).len(), 2);
            assert!(Opener::candidates(|_| None).is_empty());
            assert_eq!(Opener::candidates(|key| (key == "DISPLAY").then(|| ":0".into())), [Opener::XdgOpen]);
        }
    }

    #[test]
    fn no_shell_sees_the_url() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        let program = folder.path().join("browser");
        std::fs::write(&program, format!("#!/bin/sh\nprintf '%s|' \"$@\" > {}\n", seen.display())).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let program = program.display().to_string();
        let url = "http://localhost/?a=$(touch%20x)&b;c'd\"";
        for (words, said) in [(vec![], format!("{url}|")), (vec!["--url=%s", "-n"], format!("--url={url}|-n|"))] {
            let words = std::iter::once(program.clone()).chain(words.into_iter().map(str::to_owned)).collect();
            Opener::Browser(words).open(url).unwrap();
            assert_eq!(std::fs::read_to_string(&seen).unwrap(), said);
        }
        assert!(Opener::Browser(vec!["/no/such/browser".into()]).open(url).is_err());
    }
}
