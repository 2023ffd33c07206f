//! Which programs are there: look-ups on PATH, without running anything.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The programs on one PATH; an answer is kept, so that a scan asks the file system once for each.
#[derive(Debug)]
pub(super) struct Tools {
    path: OsString,
    known: RefCell<Vec<(String, Option<PathBuf>)>>,
}

impl Tools {
    pub(super) fn new(path: OsString) -> Tools {
        Tools { path, known: RefCell::new(Vec::new()) }
    }

    pub(super) fn path(&self) -> &OsStr {
        &self.path
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// For tests: as if these were on PATH.
    #[cfg(test)]
    pub(super) fn pretend<const N: usize>(&self, names: [&str; N]) {
        let known = names.map(|name| (name.to_owned(), Some(PathBuf::from(name))));
        self.known.borrow_mut().extend(known);
    }

    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        if let Some((_, found)) = self.known.borrow().iter().find(|(known, _)| known == name) {
            return found.clone();
        }
        let found = std::env::split_paths(&self.path)
            .filter(|dir| !dir.as_os_str().is_empty())
            .map(|dir| dir.join(name))
            .find(|file| is_executable(file));
        self.known.borrow_mut().push((name.to_owned(), found.clone()));
        found
    }
}

/// Whether it is a file that somebody may execute.
pub(super) fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}
