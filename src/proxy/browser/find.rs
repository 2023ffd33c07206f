//! Which browser to start: one that speaks the DevTools protocol, wherever systems put it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};

/// The variable that names the browser to take.
pub const VARIABLE: &str = "BRUMMER_BROWSER";

/// Names on PATH, best first.
const NAMES: [&str; 10] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
    "google-chrome-beta",
    "google-chrome-unstable",
];

/// Places outside of PATH on macOS.
const APPLICATIONS: [&str; 5] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Brave Browser.app/Contents/MacOS/Brave Browser",
    "/Applications/Google Chrome Canary.app/Contents/MacOS/Google Chrome Canary",
];

/// The browser to start.
///
/// # Errors
/// NOT_FOUND if there is none; the message says which are looked for.
pub fn browser() -> Result<PathBuf> {
    find(std::env::var_os(VARIABLE).as_deref(), std::env::var_os("PATH").as_deref(), &|path| path.is_file())
}

fn find(named: Option<&OsStr>, path: Option<&OsStr>, is_file: &dyn Fn(&Path) -> bool) -> Result<PathBuf> {
    let folders: Vec<PathBuf> = path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    let on_path = |name: &OsStr| folders.iter().map(|folder| folder.join(name)).find(|path| is_file(path));
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let found = if Path::new(named).is_absolute() {
            Some(PathBuf::from(named)).filter(|path| is_file(path))
        } else {
            on_path(named)
        };
        return found.ok_or_else(|| {
            let message = format!("{VARIABLE} names `{}`, which is not there", named.display());
            Error::new("browser", Code::NotFound, message)
        });
    }
    let applications = || APPLICATIONS.iter().map(PathBuf::from).find(|path| is_file(path));
    NAMES.iter().find_map(|name| on_path(OsStr::new(name))).or_else(applications).ok_or_else(|| {
        let message = format!(
            "no browser was found: install Chromium, Chrome, Edge or Brave, or name one in {VARIABLE} (looked for {} on PATH)",
            NAMES.join(", ")
        );
        Error::new("browser", Code::NotFound, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(named: Option<&str>, there: &[&str]) -> Result<PathBuf> {
        let path = OsStr::new("/a:/b");
        find(named.map(OsStr::new), Some(path), &|path| there.iter().any(|there| Path::new(there) == path))
    }

    #[test]
    fn the_best_browser_on_the_path_is_taken() {
        assert_eq!(found(None, &["/b/chromium", "/a/google-chrome"]).unwrap(), Path::new("/b/chromium"));
        assert_eq!(found(None, &["/b/microsoft-edge"]).unwrap(), Path::new("/b/microsoft-edge"));
        assert_eq!(found(None, &[APPLICATIONS[0]]).unwrap(), Path::new(APPLICATIONS[0]));
    }

    #[test]
    fn a_browser_that_is_named_is_taken_or_missed() {
        assert_eq!(found(Some("x"), &["/b/x", "/a/chromium"]).unwrap(), Path::new("/b/x"));
        assert_eq!(found(Some("/c/x"), &["/c/x"]).unwrap(), Path::new("/c/x"));
        assert!(found(Some("x"), &["/a/chromium"]).unwrap_err().message().contains("`x`"));
        assert!(found(None, &[]).unwrap_err().message().contains("install Chromium"));
    }
}
