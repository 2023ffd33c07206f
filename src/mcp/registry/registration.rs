//! An instance tells of itself: one file, written anew at each heartbeat and removed at the end.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;

use super::folder::Folder;
use super::instance::{Instance, ProcessInfo};
use crate::error::{Error, Result};

/// Time between two heartbeats.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);

/// Characters of the folder's name that an id begins with.
const ID_NAME_CHARS: usize = 40;

/// What an instance wants to be known by.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    /// The project's name; the folder's where it is empty.
    pub name: &'a str,
    /// The project's folder, absolute.
    pub directory: &'a Path,
    /// The port of its MCP server.
    pub port: u16,
    /// Where its MCP server is.
    pub url: &'a str,
    /// The file with the token that its server asks for, if it does.
    pub token_path: Option<&'a Path>,
}

/// This instance's file. Dropping it removes the file.
#[derive(Debug)]
pub struct Registration {
    folder: Folder,
    instance: Mutex<Instance>,
}

impl Registration {
    /// Writes the file. `id` comes from [`Registration::new_id`].
    ///
    /// # Errors
    /// The folder is not this user's, or nothing can be written there.
    pub fn announce(folder: Folder, id: String, wish: &Wish<'_>) -> Result<Registration> {
        folder.prepare()?;
        let now = Timestamp::now();
        let name = if wish.name.is_empty() { folder_name(wish.directory) } else { wish.name.to_owned() };
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let instance = Instance {
            id,
            name,
            directory: text(wish.directory),
            port: wish.port,
            started_at: now,
            last_ping: now,
            process_info: ProcessInfo::own(),
            url: wish.url.to_owned(),
            token_path: wish.token_path.map(text),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let registration = Registration { folder, instance: Mutex::new(instance) };
        registration.write(&registration.instance.lock())?;
        Ok(registration)
    }

    /// An id that no other run has: `shop-90cf31be07a2d4e1`.
    pub fn new_id(directory: &Path) -> String {
        let name: String =
            folder_name(directory).chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
        let name: String = name.chars().take(ID_NAME_CHARS).collect();
        let salt = (std::process::id(), Timestamp::now().as_nanosecond());
        format!("{name}-{:016x}", RandomState::new().hash_one(salt))
    }

    /// What stands in the file.
    pub fn instance(&self) -> Instance {
        self.instance.lock().clone()
    }

    /// Says again that this instance lives; to be called every [`HEARTBEAT_EVERY`]. A file that somebody removed is back.
    ///
    /// # Errors
    /// Nothing can be written there; the next heartbeat may succeed.
    pub fn beat(&self) -> Result<()> {
        let mut instance = self.instance.lock();
        instance.last_ping = Timestamp::now();
        self.folder.prepare()?;
        self.write(&instance)
    }

    /// The server is elsewhere now.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn move_to(&self, port: u16, url: &str) -> Result<()> {
        let mut instance = self.instance.lock();
        (instance.port, instance.url) = (port, url.to_owned());
        self.write(&instance)
    }

    fn write(&self, instance: &Instance) -> Result<()> {
        let text = serde_json::to_vec_pretty(instance).unwrap_or_default();
        let attempt = || format!("write {}", self.folder.file(&instance.id).display());
        let name = format!("{}.json", instance.id);
        self.folder.write(&name, &text).map_err(|error| Error::io("mcp", attempt(), error))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // It may be gone already, and a reader drops the file of a process that has ended.
        let _ = std::fs::remove_file(self.folder.file(&self.instance.lock().id));
    }
}

fn folder_name(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "project".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::listing::Found;
    use super::*;

    fn announce(folder: &Folder) -> Registration {
        let directory = Path::new("/home/a/my shop");
        let wish = Wish { name: "", directory, port: 7777, url: "http://127.0.0.1:7777/mcp", token_path: None };
        Registration::announce(folder.clone(), Registration::new_id(directory), &wish).unwrap()
    }

    #[test]
    fn an_instance_is_listed_from_its_announcement_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("brummer/instances"));
        let (one, two) = (announce(&folder), announce(&folder));
        let (first, second) = (one.instance(), two.instance());
        assert!(first.id.starts_with("myshop-") && first.id != second.id && first.name == "my shop");
        let listed = Found::look(&folder).instances;
        assert!(listed.contains(&first) && listed.contains(&second) && listed.len() == 2);
        drop(one);
        assert_eq!(Found::look(&folder).instances, [second]);
        drop(two);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_heartbeat_moves_the_time_and_brings_a_removed_file_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path().join("instances"));
        let one = announce(&folder);
        let before = one.instance().last_ping;
        std::fs::remove_dir_all(folder.path()).unwrap();
        one.beat().unwrap();
        one.move_to(7780, "http://127.0.0.1:7780/mcp").unwrap();
        let found = Found::look(&folder).instances;
        assert_eq!(found, [one.instance()]);
        assert!(found[0].last_ping > before && found[0].port == 7780);
    }
}
