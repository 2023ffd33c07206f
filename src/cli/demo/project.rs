//! The demo's folder: a `.brum.toml` under the system's temporary folder, removed when the demo ends.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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
        let project = Project { dir: fresh_folder(&std::env::temp_dir())? };
        let file = project.dir.join(".brum.toml");
        fs::write(&file, configuration(program))
            .map_err(|error| Error::io("demo", format!("write {}", file.display()), error))?;
        Ok(project)
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

fn fresh_folder(parent: &Path) -> Result<PathBuf> {
    for number in 0..100 {
        let dir = parent.join(format!("brummer-demo-{}-{number}", std::process::id()));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("demo", format!("make the folder {}", dir.display()), error)),
        }
    }
    Err(Error::new("demo", Code::AlreadyExists, format!("remove the folders brummer-demo-* in {}", parent.display())))
}

fn configuration(program: &Path) -> String {
    let mut text = String::new();
    for name in Part::ALL.map(Part::name) {
        // A list of strings in JSON is one in TOML, too.
        let command = serde_json::json!([program.display().to_string(), WORD, name]);
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
        assert_eq!(words, ["/opt/it's here/brummer", "demo-part", "api"]);
        assert_eq!(table["processes"].as_table().unwrap().len(), 4);
        drop(project);
        assert!(!dir.exists());
    }
}
