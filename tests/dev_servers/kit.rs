//! A project with a real development server: its sources are those beside this file, its packages come by their names once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use brummer::proxy::browser::find;

use crate::harness::is_installed;

/// Stays between runs: packages, and what npm says of them.
const KEPT: [&str; 3] = ["node_modules", "package-lock.json", "installed.json"];

/// The folder of a project, ready to run; nobody else uses one of these folders as long as this lives.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) dir: PathBuf,
    _turn: File,
}

impl Kit {
    /// The project of this name with its packages; `None`, and a reason, without tmux, npm, a browser or the registry.
    pub(crate) fn unpack(name: &str) -> Option<Kit> {
        if !(is_installed("tmux") && is_installed("npm") && has_browser()) {
            return None;
        }
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("below target").join("test-tools");
        let dir = tools.join(name);
        fs::create_dir_all(&dir).expect("a folder");
        let turn = File::create(tools.join("lock")).expect("a file");
        turn.lock().expect("a turn");
        for entry in fs::read_dir(&dir).expect("a folder").flatten() {
            let path = entry.path();
            match path.is_dir() {
                _ if KEPT.iter().any(|kept| *entry.file_name() == **kept) => {}
                true => fs::remove_dir_all(path).expect("it goes"),
                false => fs::remove_file(path).expect("it goes"),
            }
        }
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dev_servers/projects").join(name), &dir);
        install(&dir).then_some(Kit { dir, _turn: turn })
    }
}

/// Whether a browser is here. With `BRUMMER_NO_SKIP=1` a missing one fails the test.
fn has_browser() -> bool {
    let found = find::browser();
    if let Err(error) = &found {
        skip(&error.to_string());
    }
    found.is_ok()
}

fn skip(why: &str) {
    assert!(std::env::var_os("BRUMMER_NO_SKIP").is_none(), "nothing may be skipped: {why}");
    eprintln!("skipped: {why}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => fs::write(&target, fs::read(entry.path()).expect("a file")).expect("a file"),
        }
    }
}

/// Installs what `package.json` names, unless that has been done; `false`, and why, if it cannot be.
fn install(dir: &Path) -> bool {
    let (wanted, done) = (fs::read(dir.join("package.json")).expect("a file"), dir.join("installed.json"));
    if fs::read(&done).is_ok_and(|done| done == wanted) {
        return true;
    }
    let mut command = Command::new("npm");
    command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    let output = command.current_dir(dir).stdin(Stdio::null()).output().expect("npm starts");
    if output.status.success() {
        fs::write(done, wanted).expect("a file");
        return true;
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    skip(&format!("npm cannot install the packages of {}: {}", dir.display(), said.trim()));
    false
}
