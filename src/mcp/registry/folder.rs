//! Where the files of the registry are: a folder of this user alone, in which files appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};

/// A larger file is none of ours.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where Linux has the runtime directory of each user.
const SESSIONS: &str = "/run/user";

/// The folder of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Where this user's is: `$XDG_RUNTIME_DIR/brummer/instances`, else where [`Folder::without_environment`] is. It need not exist.
    pub fn of_user() -> Folder {
        Folder::of_environment(std::env::var_os("XDG_RUNTIME_DIR"))
    }

    /// Where a process looks that was given nothing of the session's environment, as AI tools start their servers: in
    /// `/run/user/UID`, if that is this user's, else in `brummer-UID` among the temporary files.
    pub fn without_environment() -> Folder {
        Folder::of_sessions(Path::new(SESSIONS))
    }

    fn of_environment(runtime: Option<OsString>) -> Folder {
        let runtime = runtime.map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
        runtime.map_or_else(Folder::without_environment, |runtime| Folder { path: runtime.join("brummer/instances") })
    }

    fn of_sessions(sessions: &Path) -> Folder {
        let runtime = sessions.join(own_uid().to_string());
        let is_own = |seen: fs::Metadata| seen.is_dir() && seen.uid() == own_uid();
        let base = match fs::symlink_metadata(&runtime).is_ok_and(is_own) {
            true => runtime.join("brummer"),
            false => temporary().join(format!("brummer-{}", own_uid())),
        };
        Folder { path: base.join("instances") }
    }

    /// One at another place.
    pub fn at(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, if it is not there, and makes sure that nobody else may look into it or write to it.
    ///
    /// # Errors
    /// PERMISSION: it, or the folder around it, is another user's or is a link.
    pub fn prepare(&self) -> Result<()> {
        for path in [self.path.parent().filter(|path| path.file_name().is_some_and(is_ours)), Some(&self.path)] {
            path.map_or(Ok(()), make_private)?;
        }
        Ok(())
    }

    /// Why it should not be trusted, if it should not; one that does not exist is fine.
    pub fn fault(&self) -> Option<Error> {
        match fs::symlink_metadata(&self.path) {
            Ok(seen) => check_owner(&self.path, &seen).err(),
            Err(_) => None,
        }
    }

    /// The files of instances in it: name without ending, and what the system says of each.
    pub(super) fn files(&self) -> io::Result<Vec<(String, fs::Metadata)>> {
        let folder = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let named = folder.flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_suffix(".json").filter(|id| !id.is_empty() && !id.starts_with('.'))?;
            let seen = fs::symlink_metadata(entry.path()).ok()?;
            Some((id.to_owned(), seen))
        });
        Ok(named.collect())
    }

    /// The file of one instance.
    pub fn file(&self, id: &str) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }

    /// Reads a file of this user; neither links nor large files are.
    pub(super) fn read(&self, id: &str) -> io::Result<Vec<u8>> {
        let file =
            OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(self.file(id))?;
        let seen = file.metadata()?;
        if !seen.is_file() || seen.uid() != own_uid() || seen.len() > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a small file of this user"));
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
        Ok(text)
    }

    /// Writes a file that others see whole, or not at all. What is lost with the machine's power is of no use after it, so
    /// nothing waits for a disk.
    pub(super) fn write(&self, name: &str, text: &[u8]) -> io::Result<()> {
        let draft = self.path.join(format!(".{name}.{}.draft", std::process::id()));
        // One that was left by a process with this number is of no use.
        let _ = fs::remove_file(&draft);
        let written = create_private(&draft).and_then(|mut file| file.write_all(text));
        written.and_then(|()| fs::rename(&draft, self.path.join(name))).inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Removes a file if it still says what was read.
    pub(super) fn remove(&self, id: &str, text: &[u8]) {
        if self.read(id).is_ok_and(|now| now == text) {
            // Another may have been quicker.
            let _ = fs::remove_file(self.file(id));
        }
    }
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Whether a folder is one that Brummer makes, and not the temporary folder itself.
fn is_ours(name: &std::ffi::OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("brummer"))
}

/// The folder of temporary files that is the same for all processes of a user, whatever their `TMPDIR`; macOS has one for each user.
fn temporary() -> PathBuf {
    let common = Path::new("/tmp");
    if cfg!(target_os = "macos") || !common.is_dir() { std::env::temp_dir() } else { common.to_owned() }
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn make_private(path: &Path) -> Result<()> {
    let attempt = || format!("make the folder of running instances, {}", path.display());
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(Error::io("mcp", attempt(), error)),
        _ => {}
    }
    let seen = fs::symlink_metadata(path).map_err(|error| Error::io("mcp", attempt(), error))?;
    check_owner(path, &seen)?;
    if seen.mode() & 0o077 != 0 {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(path, private).map_err(|error| Error::io("mcp", attempt(), error))?;
    }
    Ok(())
}

fn check_owner(path: &Path, seen: &fs::Metadata) -> Result<()> {
    let refuse = |why: &str| {
        let message = format!("{} {why}; remove it, or set XDG_RUNTIME_DIR to a folder of your own", path.display());
        Err(Error::new("mcp", Code::Permission, message))
    };
    match () {
        () if seen.file_type().is_symlink() => refuse("is a link"),
        () if !seen.is_dir() => refuse("is not a folder"),
        () if seen.uid() != own_uid() => refuse("belongs to another user"),
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_in_the_runtime_directory_or_a_private_one_among_temporary_files() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::of_environment(Some(dir.path().into()));
        assert_eq!(folder.path(), dir.path().join("brummer/instances"));
        for none in [None, Some(OsString::from("relative")), Some("/does/not/exist".into())] {
            assert_eq!(Folder::of_environment(none), Folder::without_environment());
        }
    }

    #[test]
    fn a_process_without_the_sessions_environment_finds_the_same_folder() {
        let sessions = tempfile::tempdir().unwrap();
        let runtime = sessions.path().join(own_uid().to_string());
        let of_temporary = Folder::of_sessions(sessions.path());
        assert!(of_temporary.path().ends_with(format!("brummer-{}/instances", own_uid())), "{of_temporary:?}");
        fs::create_dir(&runtime).unwrap();
        assert_eq!(Folder::of_sessions(sessions.path()), Folder::of_environment(Some(runtime.clone().into())));
        fs::remove_dir(&runtime).unwrap();
        std::os::unix::fs::symlink(sessions.path(), &runtime).unwrap();
        assert_eq!(Folder::of_sessions(sessions.path()), of_temporary, "a link is nobody's runtime directory");
    }

    #[test]
    fn the_folder_is_for_its_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("brummer");
        fs::create_dir(&base).unwrap();
        fs::set_permissions(&base, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = Folder::at(base.join("instances"));
        folder.prepare().unwrap();
        folder.prepare().unwrap();
        for path in [&base, folder.path()] {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o700, "{}", path.display());
        }
        folder.write("a.json", b"{}").unwrap();
        assert_eq!(fs::metadata(folder.file("a")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, dir.path().join("instances")).unwrap();
        let folder = Folder::at(dir.path().join("instances"));
        assert_eq!(folder.prepare().unwrap_err().code(), Code::Permission);
        assert!(folder.fault().is_some_and(|fault| fault.message().contains("is a link")));
    }

    #[test]
    fn links_pipes_and_large_files_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        fs::write(dir.path().join("secret"), "{}").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), folder.file("link")).unwrap();
        fs::write(folder.file("large"), vec![b' '; 70_000]).unwrap();
        fs::create_dir(folder.file("folder")).unwrap();
        for id in ["link", "large", "folder", "missing"] {
            assert!(folder.read(id).is_err(), "{id}");
        }
    }
}
