//! A project in a folder of its own; every process that is started in it carries a word by which it is found again.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::processes::{Living, Signal, carriers, signal};
use super::run::Run;

/// The variable that every process of a test inherits.
pub(crate) const MARK: &str = "BRUMMER_TEST";

/// That every view has told what it is for.
const HINTS_SEEN: &str = "scripts 3\nprocesses 3\nlogs 3\nerrors 3\nurls 3\nweb 3\nmcp 3\nsettings 3\n";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The project; what it was given is removed at the end, with every process that is left.
#[derive(Debug)]
pub(crate) struct Project {
    folder: tempfile::TempDir,
    dir: PathBuf,
    mark: String,
}

impl Project {
    /// An empty project.
    pub(crate) fn new() -> Project {
        Project::named("project")
    }

    /// An empty project in a folder of this name.
    pub(crate) fn named(name: &str) -> Project {
        let mut project = Project::at(PathBuf::new());
        project.dir = project.folder.path().join(name);
        project
    }

    /// A project in a folder that stays.
    pub(crate) fn at(dir: PathBuf) -> Project {
        let folder = tempfile::Builder::new().prefix("brummer-test-").tempdir().expect("a folder");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let project = Project { folder, dir, mark: format!("{}-{count}", std::process::id()) };
        std::fs::create_dir_all(project.home()).expect("a home");
        std::fs::create_dir_all(project.runtime()).expect("a folder");
        // A hundred of them at once would take each other's ports; who tests the server turns it on.
        std::fs::write(project.home().join(".brum.toml"), "no_mcp = true\n").expect("a file");
        // Nobody who runs these is new to it.
        let state = project.home().join(".local/state/brummer");
        std::fs::create_dir_all(&state).expect("a folder");
        std::fs::write(state.join("hints.txt"), HINTS_SEEN).expect("a file");
        project
    }

    /// A project with a `.brum.toml`.
    pub(crate) fn configured(text: &str) -> Project {
        let project = Project::new();
        project.write(".brum.toml", text);
        project
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The home folder of what runs in it.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where running instances register themselves.
    pub(crate) fn runtime(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// An empty folder for temporary files of what runs in the project.
    pub(crate) fn temporary(&self) -> PathBuf {
        let dir = self.folder.path().join("tmp");
        std::fs::create_dir_all(&dir).expect("a folder");
        dir
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir().join(name);
        std::fs::create_dir_all(path.parent().expect("below the project")).expect("a folder");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The environment that everything in the project gets: no settings of the person who runs the tests.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let home = self.home().display().to_string();
        vec![
            (MARK, self.mark.clone()),
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", format!("{home}/.config")),
            ("XDG_STATE_HOME", format!("{home}/.local/state")),
            ("XDG_RUNTIME_DIR", self.runtime().display().to_string()),
            ("TMPDIR", self.temporary().display().to_string()),
            ("SHELL", "/bin/sh".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
        ]
    }

    /// A command in the project, not yet started; nothing of the caller's terminal reaches it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        std::fs::create_dir_all(self.dir()).expect("a folder");
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir()).envs(self.environment()).env_remove("NO_COLOR");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Brummer with its output in pipes.
    pub(crate) fn brummer(&self, args: &[&str]) -> Run {
        Run::start(self.command(env!("CARGO_BIN_EXE_brummer"), args))
    }

    /// Everybody that was started in this project and lives.
    pub(crate) fn living(&self) -> Vec<Living> {
        carriers(&format!("{MARK}={}", self.mark))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // After a test that failed something may be left; it was started here, so it is ended here.
        for left in self.living() {
            signal(left.pid, Signal::KILL);
        }
    }
}
