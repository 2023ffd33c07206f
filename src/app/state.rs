//! What Brummer remembers of how a person uses it: small files in a folder of their own, each of them replaced as a whole.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A file is not longer than this: one that is was not written by Brummer.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Characters of a folder's name in that of a file.
const NAME_MAX: usize = 60;

/// The folder. Nothing in it is needed: whoever cannot read or write goes on without.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: as the disk's. **Waits**: none but for the disk. **Cleanup**: none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolder {
    path: PathBuf,
}

impl StateFolder {
    /// That of the person who runs this: `$XDG_STATE_HOME/brummer`, else `~/.local/state/brummer`; none without a home.
    pub fn of_user() -> Option<StateFolder> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
        Some(StateFolder::at(state.join("brummer")))
    }

    /// Any other folder; it need not be there.
    pub fn at(path: impl Into<PathBuf>) -> StateFolder {
        StateFolder { path: path.into() }
    }

    /// The file of this kind that belongs to a project: another one for each folder.
    pub fn of_project(&self, kind: &str, dir: &Path) -> PathBuf {
        let last = dir.file_name().unwrap_or_default().to_string_lossy();
        let safe = last.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(NAME_MAX);
        let number = fnv(dir.as_os_str().as_encoded_bytes());
        self.path.join(kind).join(format!("{}-{number:016x}.txt", safe.collect::<String>()))
    }

    /// A file that belongs to no project.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Reads a file of the state; none if it is not there. It need not be text: somebody else may have written it.
///
/// # Errors
/// What the system said; it is no file, or too long for one of ours.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    // Nothing waits for the other end of a pipe.
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let seen = file.metadata()?;
    if !seen.is_file() || seen.len() > FILE_BYTES_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is not a small file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file of the state, in a folder that its user alone can look into. Others see it whole, or as it was; what is lost with
/// the machine's power is not worth a wait for the disk.
///
/// # Errors
/// What the system said; the file is as it was then.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.draft", std::process::id()));
    // One that was left by a process with this number is of no use.
    let _ = fs::remove_file(&draft);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
    let written = made.and_then(|mut file| file.write_all(text.as_bytes()));
    written.and_then(|()| fs::rename(&draft, path)).inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// FNV-1a: the same number for the same bytes, whatever the program was built with.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_has_a_file_of_its_own_whatever_its_folder_is_called() {
        let state = StateFolder::at("/state");
        let name = |dir: &str| state.of_project("ports", Path::new(dir));
        assert_eq!(name("/home/me/my shop"), Path::new("/state/ports/my-shop-3b62a71bbf88d9ad.txt"));
        assert_ne!(name("/home/me/shop"), name("/home/you/shop"));
        assert_ne!(name("/home/a-b/c"), name("/home/a/b/c"));
        assert_ne!(name("/"), name("/é"));
        let long = name(&format!("/{}", "é".repeat(400)));
        assert!(long.file_name().is_some_and(|name| name.len() < 100), "{long:?}");
    }

    #[test]
    fn what_was_written_is_read_and_nobody_else_can() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFolder::at(dir.path().join("state")).of_project("history", Path::new("/shop"));
        assert_eq!(read(&file).unwrap(), None);
        for text in ["one\n", "two\n"] {
            write(&file, text).unwrap();
            assert_eq!(read(&file).unwrap().unwrap(), text.as_bytes());
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = file.parent().unwrap();
        assert_eq!((mode(&file), mode(folder), mode(folder.parent().unwrap())), (0o600, 0o700, 0o700));
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        write(&file, "three\n").unwrap();
        assert_eq!(mode(folder), 0o700);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_small_file_is_not_read_and_a_write_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        read(dir.path()).unwrap_err();
        let long = dir.path().join("long");
        fs::write(&long, vec![b'x'; FILE_BYTES_MAX as usize + 1]).unwrap();
        read(&long).unwrap_err();
        // A folder has the name.
        let taken = dir.path().join("taken");
        fs::create_dir_all(taken.join("below")).unwrap();
        write(&taken, "text").unwrap_err();
        write(&long.join("file"), "text").unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
