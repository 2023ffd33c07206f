//! Who is alive: reads the files, drops those of processes that have ended, and tells when something has changed.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use jiff::Timestamp;

use super::folder::Folder;
use super::instance::Instance;

/// More files are not looked at.
const FILES_MAX: usize = 512;

/// What stands in the registry at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The living instances, the first that was started first.
    pub instances: Vec<Instance>,
    /// Files that count for nothing, and why.
    pub troubles: Vec<Trouble>,
}

/// A file that counts for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The name of the file without its ending.
    pub id: String,
    /// Why, as a sentence.
    pub why: String,
}

impl Found {
    /// Looks, and removes the files of processes that have ended. A folder that is not this user's counts as empty.
    pub fn look(folder: &Folder) -> Found {
        Watch::new(folder.clone()).read(true)
    }

    /// Looks without removing anything.
    pub fn inspect(folder: &Folder) -> Found {
        Watch::new(folder.clone()).read(false)
    }
}

/// Looks again and again, and reads only what is new. Nobody is told by the system: whoever wants to know asks, once a
/// second say, and pays some microseconds for each file.
#[derive(Debug)]
pub struct Watch {
    folder: Folder,
    known: BTreeMap<String, Known>,
    last: Option<Vec<Instance>>,
}

#[derive(Debug)]
struct Known {
    mark: (u64, i64, i64, u64),
    text: Vec<u8>,
    read: Result<Instance, String>,
}

impl Watch {
    /// One that has seen nothing yet.
    pub fn new(folder: Folder) -> Watch {
        Watch { folder, known: BTreeMap::new(), last: None }
    }

    /// The living instances, if they are others than at the last look, or say something else of themselves than a time.
    pub fn look(&mut self) -> Option<Vec<Instance>> {
        let now = self.read(true).instances;
        let same = |before: &Vec<Instance>| {
            before.len() == now.len() && before.iter().zip(&now).all(|(old, new)| is_same(old, new))
        };
        let changed = !self.last.as_ref().is_some_and(same);
        self.last = Some(now.clone());
        changed.then_some(now)
    }

    /// What the last look found, with the newest heartbeats.
    pub fn known(&self) -> &[Instance] {
        self.last.as_deref().unwrap_or_default()
    }

    fn read(&mut self, remove: bool) -> Found {
        let mut found = Found::default();
        if let Some(fault) = self.folder.fault() {
            found.troubles.push(Trouble { id: String::new(), why: fault.message().to_owned() });
            return found;
        }
        let now = Timestamp::now();
        let files = self.folder.files().unwrap_or_default();
        self.known.retain(|id, _| files.iter().any(|(name, _)| name == id));
        for (id, seen) in files.into_iter().take(FILES_MAX) {
            let mark = (seen.ino(), seen.mtime(), seen.mtime_nsec(), seen.len());
            if self.known.get(&id).is_none_or(|known| known.mark != mark) {
                self.known.insert(id.clone(), Known::read(&self.folder, &id, mark, now));
            }
            let known = &self.known[&id];
            match &known.read {
                Ok(instance) if instance.is_alive(now) => found.instances.push(instance.clone()),
                Ok(instance) => {
                    if remove {
                        self.folder.remove(&id, &known.text);
                    }
                    let why = format!("process {} has ended without removing it", instance.process_info.pid);
                    found.troubles.push(Trouble { id, why });
                }
                Err(why) => found.troubles.push(Trouble { id, why: why.clone() }),
            }
        }
        found.instances.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
        found
    }
}

impl Known {
    fn read(folder: &Folder, id: &str, mark: (u64, i64, i64, u64), now: Timestamp) -> Known {
        let text = folder.read(id);
        let read = match &text {
            Ok(text) => Instance::parse(text, now),
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        let read = read.and_then(|instance| match instance.id == id {
            true => Ok(instance),
            false => Err("its id is not the file's name".to_owned()),
        });
        Known { mark, text: text.unwrap_or_default(), read }
    }
}

fn is_same(old: &Instance, new: &Instance) -> bool {
    Instance { last_ping: old.last_ping, ..new.clone() } == *old
}

#[cfg(test)]
mod tests {
    use super::super::instance::sample;
    use super::*;

    fn put(folder: &Folder, instance: &Instance) {
        folder.write(&format!("{}.json", instance.id), &serde_json::to_vec(instance).unwrap()).unwrap();
    }

    #[test]
    fn what_is_dead_is_not_listed_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("sleep is everywhere");
        let mut one = sample("of-child");
        one.process_info.pid = child.id();
        let started = crate::io::platform::entry(child.id() as i32).unwrap().started;
        one.process_info.started = started;
        let mut recycled = sample("recycled");
        recycled.process_info.started += 7;
        put(&folder, &one);
        put(&folder, &recycled);
        put(&folder, &sample("living"));
        let ids = |found: &Found| found.instances.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        let found = Found::inspect(&folder);
        assert_eq!((ids(&found).len(), found.troubles.len()), (2, 1));
        assert!(folder.file("recycled").exists(), "an inspection removes nothing");
        child.kill().unwrap();
        // A zombie is dead as well: it is not reaped yet.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while one.is_alive(Timestamp::now()) && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(ids(&Found::look(&folder)), ["living"]);
        child.wait().unwrap();
        assert!(!folder.file("of-child").exists() && !folder.file("recycled").exists());
    }

    #[test]
    fn garbage_is_told_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        put(&folder, &sample("a"));
        std::fs::copy(folder.file("a"), folder.file("b")).unwrap();
        std::fs::write(folder.file("c"), "{").unwrap();
        std::fs::write(dir.path().join(".discovery.lock"), "").unwrap();
        std::fs::write(dir.path().join("readme.txt"), "").unwrap();
        let found = Found::look(&folder);
        assert_eq!(found.instances.len(), 1);
        let mut troubles: Vec<_> = found.troubles.iter().map(|trouble| trouble.id.as_str()).collect();
        troubles.sort_unstable();
        assert_eq!(troubles, ["b", "c"]);
        assert!(folder.file("c").exists());
    }

    #[test]
    fn a_watch_tells_of_what_is_new_and_not_of_heartbeats() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(dir.path());
        let mut watch = Watch::new(folder.clone());
        assert_eq!(watch.look(), Some(Vec::new()));
        assert_eq!(watch.look(), None);
        let mut one = sample("a");
        put(&folder, &one);
        assert_eq!(watch.look().map(|all| all.len()), Some(1));
        one.last_ping += jiff::SignedDuration::from_secs(30);
        put(&folder, &one);
        assert_eq!(watch.look(), None, "a heartbeat");
        one.port = 7778;
        put(&folder, &one);
        assert_eq!(watch.look().map(|all| all[0].port), Some(7778));
        std::fs::remove_file(folder.file("a")).unwrap();
        assert_eq!(watch.look(), Some(Vec::new()));
    }
}
