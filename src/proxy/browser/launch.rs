//! Starts a browser with a profile of its own, talks to it over a pipe, and leaves nothing: no process, no file.
//!
//! The pipe is the browser's leash: when Brummer's end of it closes, however Brummer ends, the browser quits by itself.
//! The profile lies in the folder for temporary files under a name with Brummer's process number; one that was left by a
//! Brummer that was killed is removed by the next.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::find;
use super::protocol::Protocol;
use super::tab::Tab;
use crate::error::{Code, Error, Result};
use crate::io::companion::Companion;

/// A browser needs some seconds on a slow machine before it answers.
const START_WITHIN: Duration = Duration::from_secs(30);
/// It is asked to quit and has so long for it.
const QUIT_WITHIN: Duration = Duration::from_secs(3);
/// What does not quit is killed within this time.
const KILL_WITHIN: Duration = Duration::from_secs(10);
/// Profiles begin with this; the process number follows.
const PROFILE: &str = "brummer-browser-";

/// How the browser is to be started.
#[derive(Clone, Debug)]
pub struct BrowserOptions {
    /// Which one; `None` for the best that is found.
    pub program: Option<PathBuf>,
    /// Without a window.
    pub headless: bool,
    /// Width and height of the window.
    pub window: (u32, u32),
}

impl Default for BrowserOptions {
    fn default() -> BrowserOptions {
        BrowserOptions { program: None, headless: false, window: (1280, 800) }
    }
}

/// A running browser.
///
/// Thread safety: `Send + Sync`. Progress: blocking. Waits: each call for the browser, at most as long as it says.
/// Cleanup: dropping it ends the browser and removes its profile.
pub struct Browser {
    protocol: Arc<Protocol>,
    running: Mutex<Option<Running>>,
}

struct Running {
    companion: Companion,
    reader: JoinHandle<()>,
    profile: Profile,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Browser(running: {})", self.is_running())
    }
}

impl Browser {
    /// Starts a browser and waits until it answers.
    ///
    /// # Errors
    /// NOT_FOUND without a browser; what the system says if it cannot be started; TIMEOUT or NETWORK if it does not come up.
    pub fn start(options: &BrowserOptions) -> Result<Browser> {
        let program = options.program.clone().map_or_else(find::browser, Ok)?;
        let failed = |attempt: &str, error| Error::io("browser", format!("{attempt} `{}`", program.display()), error);
        let profile = Profile::create().map_err(|error| failed("make a profile for", error))?;
        let mark = profile.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let command = command(&program, &profile.path, options);
        let (companion, input, output) = Companion::spawn(command, &mark).map_err(|error| failed("start", error))?;
        let protocol = Arc::new(Protocol::new(input));
        let reading = Arc::clone(&protocol);
        let thread = std::thread::Builder::new().name("brummer-browser".into());
        let reader = thread.spawn(move || reading.read_all(output)).map_err(|error| failed("read from", error))?;
        let running = Mutex::new(Some(Running { companion, reader, profile }));
        let browser = Browser { protocol, running };
        browser.protocol.ask(None, "Browser.getVersion", json!({}), START_WITHIN).map_err(|error| {
            let message = format!("`{}` was started but does not answer: {}", program.display(), error.message());
            Error::new("browser", error.code(), message)
        })?;
        Ok(browser)
    }

    /// The browser's name and version.
    ///
    /// # Errors
    /// NETWORK if it has ended.
    pub fn version(&self) -> Result<String> {
        let version = self.protocol.ask(None, "Browser.getVersion", json!({}), START_WITHIN)?;
        Ok(version.get("product").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Opens a page: in the empty tab that a browser begins with, or in a new one.
    ///
    /// # Errors
    /// INVALID_STATE for an address that no page has; TIMEOUT if it is not loaded in time; NETWORK if the browser ends.
    pub fn open(&self, url: &str, timeout: Duration) -> Result<Tab> {
        let until = Instant::now() + timeout;
        let tabs = self.tabs()?;
        let tab = match tabs.into_iter().find(|(_, url)| url == "about:blank") {
            Some((target, _)) => self.attach(&target)?,
            None => {
                let made = self.protocol.ask(None, "Target.createTarget", json!({"url": "about:blank"}), timeout)?;
                self.attach(made.get("targetId").and_then(Value::as_str).unwrap_or_default())?
            }
        };
        tab.navigate(url, until.saturating_duration_since(Instant::now()))?;
        Ok(tab)
    }

    /// The tab that telemetry knows as this session, if it is one of this browser.
    ///
    /// # Errors
    /// NETWORK if the browser has ended.
    pub fn tab_of_session(&self, session: &str) -> Result<Option<Tab>> {
        for (target, _) in self.tabs()? {
            let tab = self.attach(&target)?;
            let code = "window.__brummer && window.__brummer.session";
            let found = tab.evaluate(code, Duration::from_secs(5)).is_ok_and(|own| own.value.as_str() == Some(session));
            if found {
                return Ok(Some(tab));
            }
        }
        Ok(None)
    }

    /// The tabs: their targets and addresses.
    fn tabs(&self) -> Result<Vec<(String, String)>> {
        let targets = self.protocol.ask(None, "Target.getTargets", json!({}), START_WITHIN)?;
        let list = targets.get("targetInfos").and_then(Value::as_array).cloned().unwrap_or_default();
        let text =
            |target: &Value, field: &str| target.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let pages = list.iter().filter(|target| text(target, "type") == "page");
        Ok(pages.map(|target| (text(target, "targetId"), text(target, "url"))).collect())
    }

    fn attach(&self, target: &str) -> Result<Tab> {
        let params = json!({"targetId": target, "flatten": true});
        let attached = self.protocol.ask(None, "Target.attachToTarget", params, START_WITHIN)?;
        let session = attached.get("sessionId").and_then(Value::as_str).unwrap_or_default();
        Tab::attached(Arc::clone(&self.protocol), target, session)
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        !self.protocol.is_closed()
    }

    /// Waits until the browser has ended, perhaps because its user closed it; `false` when the time is up.
    pub fn wait(&self, timeout: Duration) -> bool {
        self.protocol.wait_closed(timeout)
    }

    /// Ends the browser and removes its profile. Ending it twice is once.
    ///
    /// # Errors
    /// TIMEOUT if a process of it cannot be killed.
    pub fn stop(&self) -> Result<()> {
        let Some(Running { mut companion, reader, profile }) = self.running.lock().take() else { return Ok(()) };
        if self.is_running() {
            // Whether it answers or not, it ends now.
            let _ = self.protocol.ask(None, "Browser.close", json!({}), QUIT_WITHIN);
            self.protocol.wait_closed(QUIT_WITHIN);
        }
        let ended = companion.end(KILL_WITHIN);
        if ended {
            // The other end of its pipe is closed, so it ends; a panic of it has been told.
            let _ = reader.join();
        }
        drop(profile);
        if ended {
            return Ok(());
        }
        let message = format!("the browser (process {}) does not end", companion.pid());
        Err(Error::new("browser", Code::Timeout, message))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = self.stop();
    }
}

/// The command: a shell that puts the pipes to where the browser looks for them, and becomes the browser.
fn command(program: &Path, profile: &Path, options: &BrowserOptions) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"]).arg(program);
    command.args([
        "--remote-debugging-pipe",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-breakpad",
        "--disable-component-update",
        "--disable-default-apps",
        "--disable-sync",
        "--disable-features=Translate,MediaRouter,OptimizationHints",
        "--password-store=basic",
        "--use-mock-keychain",
    ]);
    let (width, height) = options.window;
    command.arg(format!("--window-size={width},{height}"));
    let mut folder = std::ffi::OsString::from("--user-data-dir=");
    folder.push(profile);
    command.arg(folder);
    if options.headless {
        command.args(["--headless=new", "--mute-audio", "--disable-gpu", "--disable-dev-shm-usage"]);
    }
    if rustix::process::geteuid().is_root() {
        // Chromium refuses to run its sandbox for root, as in most containers.
        command.arg("--no-sandbox");
    }
    command.arg("about:blank");
    command
}

/// A folder that is removed with its contents.
#[derive(Debug)]
struct Profile {
    path: PathBuf,
}

impl Profile {
    fn create() -> std::io::Result<Profile> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = std::env::temp_dir();
        remove_left_over(&folder);
        let id = std::process::id();
        loop {
            let path = folder.join(format!("{PROFILE}{id}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Profile { path }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // Left to the next start if it cannot be removed now.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes profiles whose Brummer is gone. Only a folder of this user can be removed by it.
fn remove_left_over(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PROFILE)?.split_once('-')?.0.parse::<i32>().ok());
        let pid = owner.and_then(rustix::process::Pid::from_raw);
        // A process of another user answers with EPERM: it lives.
        let gone = pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH));
        if gone && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_goes_with_its_owner_and_what_was_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{PROFILE}{}-0", i32::MAX));
        let own = folder.path().join(format!("{PROFILE}{}-0", std::process::id()));
        let other = folder.path().join(format!("{PROFILE}x"));
        [&left, &own, &other].iter().for_each(|path| fs::create_dir(path).unwrap());
        remove_left_over(folder.path());
        assert!(!left.exists() && own.exists() && other.exists());
        let profile = Profile::create().unwrap();
        let path = profile.path.clone();
        assert!(path.exists());
        drop(profile);
        assert!(!path.exists());
    }

    #[test]
    fn a_program_that_is_no_browser_is_told_and_leaves_nothing() {
        let options = BrowserOptions { program: Some("/bin/true".into()), ..BrowserOptions::default() };
        let error = Browser::start(&options).expect_err("it is no browser");
        assert_eq!(error.code(), Code::Network);
        assert!(error.message().contains("/bin/true"), "{error}");
    }
}
