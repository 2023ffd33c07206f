//! The demo's folder: a `.brum.toml` under the system's temporary folder, removed when the demo ends, or by the next demo.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::part::{Part, WORD};
use crate::error::{Code, Error, Result};

/// A folder that exists as long as this value.
#[derive(Debug)]
pub(in crate::cli) struct Project {
    dir: PathBuf,
}

impl Project {
    /// Makes the folder and its configuration; `program` is this program's path.
    pub(in crate::cli) fn create(program: &Path) -> Result<Project> {
        let parent = std::env::temp_dir();
        remove_left(&parent);
        let project = Project { dir: fresh_folder(&parent)? };
        let file = project.dir.join(".brum.toml");
        let link = project.dir.join(PROGRAM);
        symlink(program, &link)
            .map_err(|error| Error::io("demo", format!("make the link {}", link.display()), error))?;
        project.write(&file, &configuration())?;
        // What the stacks of the demo name is there to be shown and opened.
        for (name, text) in SOURCES {
            project.write(&project.dir.join(name), text)?;
        }
        Ok(project)
    }

    fn write(&self, file: &Path, text: &str) -> Result<()> {
        let folder = file.parent().unwrap_or(&self.dir);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(file, text));
        written.map_err(|error| Error::io("demo", format!("write {}", file.display()), error))
    }

    /// The names of its processes, in the order in which they are started.
    pub(in crate::cli) fn names() -> impl Iterator<Item = &'static str> {
        Part::ALL.into_iter().map(Part::name)
    }

    /// Where it is.
    pub(in crate::cli) fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // It may be gone already: both the guardian and the app remove it, so that the death of either leaves nothing.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Files that the demo's errors come from.
const SOURCES: [(&str, &str); 2] =
    [("src/checkout.js", include_str!("checkout.js")), ("src/checkout.test.js", include_str!("checkout.test.js"))];

/// Before the process id of the demo in a folder's name.
const PREFIX: &str = "brummer-demo-";

/// Removes the folders of demos that were killed at once with all their parts.
fn remove_left(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        if pid.and_then(Pid::from_raw).is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH)) {
            // Somebody else's folder stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn fresh_folder(parent: &Path) -> Result<PathBuf> {
    for number in 0..100 {
        let dir = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("demo", format!("make the folder {}", dir.display()), error)),
        }
    }
    Err(Error::new("demo", Code::AlreadyExists, format!("remove the folders {PREFIX}* in {}", parent.display())))
}

/// The link to this program in the folder, so that commands are short.
const PROGRAM: &str = "brummer";

fn configuration() -> String {
    let mut text = String::new();
    for name in Part::ALL.map(Part::name) {
        // A list of strings in JSON is one in TOML, too.
        let command = serde_json::json!([format!("./{PROGRAM}"), WORD, name]);
        let _ = writeln!(text, "[processes.{name}]\ncommand = {command}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_holds_the_four_processes_and_is_gone_afterwards() {
        let project = Project::create(Path::new("/opt/it's here/brummer")).unwrap();
        let dir = project.dir().to_owned();
        let text = fs::read_to_string(dir.join(".brum.toml")).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let command = table["processes"]["api"]["command"].as_array().unwrap();
        let words: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words, ["./brummer", "demo-part", "api"]);
        assert_eq!(fs::read_link(dir.join("brummer")).unwrap(), Path::new("/opt/it's here/brummer"));
        assert_eq!(table["processes"].as_table().unwrap().len(), 4);
        let line = |file: &str, number: usize| {
            fs::read_to_string(dir.join(file)).unwrap().lines().nth(number - 1).unwrap().to_owned()
        };
        assert!(line("src/checkout.js", 42).contains("summary.total"), "the line that the stack names");
        assert!(line("src/checkout.test.js", 18).contains("54.80"), "the line that the suite names");
        drop(project);
        assert!(!dir.exists());
    }

    #[test]
    fn folders_of_demos_that_are_gone_are_removed_and_no_others() {
        let parent = tempfile::tempdir().unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let gone = format!("{PREFIX}{}-0", ended.id());
        let own = format!("{PREFIX}{}-0", std::process::id());
        let names = [gone.as_str(), &own, "brummer-demo-x", "other"];
        names.iter().for_each(|name| fs::create_dir(parent.path().join(name)).unwrap());
        remove_left(parent.path());
        let left = names.map(|name| parent.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
    }
}
