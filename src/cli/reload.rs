//! Looks at the files of the settings now and then, and tells the UI what they say once one has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::entry::load_with;
use crate::app::App;
use crate::app::view::Backend as _;
use crate::config::Config;
use crate::event::Level;
use crate::tui::Handle;

/// How often it is looked.
const PERIOD: Duration = Duration::from_secs(1);

/// When a file was changed last, and its length; none if it is not there.
type Stamp = Option<(SystemTime, u64)>;

/// What is known of the files.
struct Watch {
    dir: PathBuf,
    files: Vec<PathBuf>,
    /// As they were when they were read last, and at the last look.
    read: Vec<Stamp>,
    seen: Vec<Stamp>,
}

/// Watches until the app ends.
pub(super) fn watch(app: &Arc<App>, handle: Handle) {
    let dir = app.project().dir;
    let files = Config::candidates(&dir);
    let seen = stamps(&files);
    let (mut watch, flags) = (Watch { dir, files, read: seen.clone(), seen }, app.config().overrides());
    app.every(PERIOD, move || {
        if watch.is_due() {
            match load_with(&watch.dir, flags.clone()) {
                Ok(config) => handle.settings(config),
                Err(error) => handle.notice(Level::Warn, refusal(error.message(), &watch.dir)),
            }
        }
    });
}

impl Watch {
    /// Whether a file has changed and has been left alone since the last look: half of one is not read.
    fn is_due(&mut self) -> bool {
        let now = stamps(&self.files);
        let quiet = now == self.seen;
        self.seen = now;
        let due = quiet && self.seen != self.read;
        if due {
            self.read.clone_from(&self.seen);
        }
        due
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| file.metadata().and_then(|found| Ok((found.modified()?, found.len()))).ok();
    files.iter().map(stamp).collect()
}

/// The first fault, short: the file, the line and what is wrong, and that nothing has changed.
fn refusal(message: &str, dir: &Path) -> String {
    let first = message.lines().next().unwrap_or_default();
    let short = first.strip_prefix(&format!("{}/", dir.display())).unwrap_or(first);
    format!("settings as before: {short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_once_it_has_been_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        let files = vec![file.clone()];
        let seen = stamps(&files);
        let mut watch = Watch { dir: folder.path().into(), files, read: seen.clone(), seen };
        assert!(!watch.is_due());
        std::fs::write(&file, "a").unwrap();
        assert!(!watch.is_due(), "it may be half of what is being written");
        std::fs::write(&file, "ab").unwrap();
        assert!(!watch.is_due());
        assert!(watch.is_due() && !watch.is_due());
        std::fs::remove_file(&file).unwrap();
        assert!(!watch.is_due() && watch.is_due() && !watch.is_due());
    }

    #[test]
    fn a_refusal_names_the_file_without_its_folder() {
        let text = refusal("/home/me/shop/.brum.toml:3: `ui.them` is not a setting\nmore", Path::new("/home/me/shop"));
        assert_eq!(text, "settings as before: .brum.toml:3: `ui.them` is not a setting");
    }
}
