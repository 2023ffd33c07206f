//! What was changed in whose settings, so that it can be taken back: a small file among the user's state.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Change {
    /// The entry that stood there before, as it was written.
    pub(super) before: Option<String>,
    /// Whether the file was there before.
    pub(super) existed: bool,
}

/// All changes that were not taken back, by the path of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    path: PathBuf,
    changes: BTreeMap<String, Change>,
}

impl Record {
    /// Reads it. One that cannot be read counts as empty.
    pub(super) fn read(state: &Path) -> Record {
        let path = state.join("brummer/mcp-install.json");
        let text = fs::read_to_string(&path).unwrap_or_default();
        Record { path, changes: serde_json::from_str(&text).unwrap_or_default() }
    }

    pub(super) fn of(&self, file: &Path) -> Option<&Change> {
        self.changes.get(&*file.to_string_lossy())
    }

    /// Keeps what stood there before the first change; a second one changes nothing about that.
    pub(super) fn add(&mut self, file: &Path, change: Change) -> Result<()> {
        self.changes.entry(file.to_string_lossy().into_owned()).or_insert(change);
        self.write()
    }

    pub(super) fn forget(&mut self, file: &Path) -> Result<()> {
        self.changes.remove(&*file.to_string_lossy());
        self.write()
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.changes).unwrap_or_default();
        write_whole(&self.path, &text, 0o600)
    }
}

/// Writes a file so that it is there whole or as it was; links are followed, and its permissions stay.
pub(super) fn write_whole(path: &Path, text: &str, mode: u32) -> Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let attempt = || format!("write {}", path.display());
    let failed = |error| Error::io("cli", attempt(), error);
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.brummer", std::process::id()));
    let draft = path.with_file_name(name);
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&draft)?;
        if let Ok(seen) = fs::metadata(&path) {
            file.set_permissions(seen.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&draft))).map_err(failed)
}
