//! Looks at the directories of a project and puts together what they offer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalog::{Catalog, Script};
use super::manager::{Manager, RunnerChoice};
use super::package_json::{PackageJson, RawScript};
use super::recipe::{Recipe, Run, read};
use super::tools::Tools;
use super::{cargo, composer, deno, go, just, make, package_json, procfile, python, vscode, workspace};
use crate::error::{Code, Error, Result};

/// What the person who starts it wants.
#[derive(Clone, Debug)]
pub struct DetectOptions {
    /// Who is to run package scripts.
    pub runner: RunnerChoice,
    /// The manager of a project that names none and has no lock file.
    pub preferred: Manager,
    /// Where programs are looked for.
    pub path: OsString,
}

impl Default for DetectOptions {
    /// [`RunnerChoice::Auto`], npm, and the PATH of this process.
    fn default() -> DetectOptions {
        let path = std::env::var_os("PATH").unwrap_or_default();
        DetectOptions { runner: RunnerChoice::Auto, preferred: Manager::Npm, path }
    }
}

/// A directory with scripts and the one who runs them.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) dir: PathBuf,
    /// From the root of the project; empty there.
    pub(super) relative_dir: String,
    pub(super) file: PathBuf,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) scripts: Vec<RawScript>,
    pub(super) manager: Manager,
    pub(super) manager_version: Option<String>,
    /// Whether Brummer runs the scripts itself.
    pub(super) direct: bool,
}

impl Package {
    /// `npm` for a package.json, whoever runs it; `deno` for a deno.json.
    fn source(&self) -> &'static str {
        if self.file.ends_with("package.json") { "npm" } else { "deno" }
    }

    /// Whether `preX` and `postX` run around a script `X`: not with yarn 2, and not around tasks of deno.
    pub(super) fn has_hooks(&self) -> bool {
        self.source() == "npm" && self.manager != Manager::YarnBerry
    }
}

impl Catalog {
    /// Finds what the project around `dir` offers. A file that cannot be understood becomes one of
    /// [`Catalog::problems`]; only a directory that is not there is an error.
    pub fn scan(dir: &Path, options: &DetectOptions) -> Result<Catalog> {
        let started_in = absolute(dir);
        if !started_in.is_dir() {
            let message = format!("look for scripts in {}: it is not a directory", dir.display());
            return Err(Error::new("detect", Code::NotFound, message).with("dir", dir.display().to_string()));
        }
        let root = project_dir(&started_in);
        let tools = Tools::new(options.path.clone());
        let mut scan = Scan {
            root: &root,
            options,
            tools: &tools,
            packages: Vec::new(),
            scripts: Vec::new(),
            problems: Vec::new(),
            fallback_told: false,
        };
        scan.package_scripts();
        scan.deno_tasks();
        scan.other_ecosystems();
        let Scan { packages, scripts, problems, .. } = scan;
        let node = tools.find("node");
        Ok(Catalog::new(root, started_in, tools.path().to_owned(), node, packages, scripts, problems))
    }
}

/// The directory from the root, without a slash at its end. Links stay as they were typed, but for a path with `..`,
/// whose parents only the file system knows.
fn absolute(dir: &Path) -> PathBuf {
    let path = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let path = match path.components().any(|part| part == std::path::Component::ParentDir) {
        true => path.canonicalize().unwrap_or(path),
        false => path,
    };
    path.components().collect()
}

/// The files that make a directory a project of its own.
const MARKERS: [&str; 16] = [
    "package.json",
    "deno.json",
    "deno.jsonc",
    "Procfile",
    "GNUmakefile",
    "makefile",
    "Makefile",
    "justfile",
    "Justfile",
    ".justfile",
    "Cargo.toml",
    "go.mod",
    "pyproject.toml",
    "composer.json",
    ".vscode/tasks.json",
    ".git",
];

/// `dir`, or the nearest directory above it with a package.json, as npm looks for it; not beyond a repository.
fn project_dir(dir: &Path) -> PathBuf {
    if MARKERS.iter().any(|name| dir.join(name).exists()) {
        return dir.to_owned();
    }
    for parent in dir.ancestors().skip(1) {
        if parent.join("package.json").is_file() {
            return parent.to_owned();
        }
        if parent.join(".git").exists() {
            break;
        }
    }
    dir.to_owned()
}

/// Looks for one ecosystem in a directory.
type Detector = fn(&Path, &Tools, &mut Vec<Error>) -> Vec<Recipe>;

struct Scan<'s> {
    root: &'s Path,
    options: &'s DetectOptions,
    tools: &'s Tools,
    packages: Vec<Package>,
    scripts: Vec<Script>,
    problems: Vec<Error>,
    /// That a wanted manager is not there was said.
    fallback_told: bool,
}

impl Scan<'_> {
    fn read_package(&mut self, dir: &Path) -> Option<(PathBuf, PackageJson)> {
        let file = dir.join("package.json");
        let text = read(&file, &mut self.problems)?;
        match package_json::parse(&file, &text) {
            Ok(package) => Some((file, package)),
            Err(error) => {
                self.problems.push(error);
                None
            }
        }
    }

    fn package_scripts(&mut self) {
        let root = self.root.to_owned();
        let own = self.read_package(&root);
        let pnpm = workspace::pnpm_patterns(&root, &mut self.problems);
        let of_npm = own.as_ref().map(|(_, package)| package.workspaces.clone()).unwrap_or_default();
        let patterns = pnpm.unwrap_or(of_npm);
        let said =
            own.as_ref().and_then(|(_, package)| chosen(&root, package)).or_else(|| Manager::from_lock_file(&root));
        let above = || manager_above(&root);
        let manager = said.or_else(above).unwrap_or_else(|| self.options.preferred.in_dir(&root));
        if let Some((file, package)) = own {
            self.add_package(String::new(), file, package, manager);
        }
        for member in workspace::members(&root, &patterns) {
            let dir = root.join(&member);
            if let Some((file, package)) = self.read_package(&dir) {
                let own = chosen(&dir, &package).unwrap_or(manager);
                self.add_package(member, file, package, own);
            }
        }
    }

    fn add_package(&mut self, relative_dir: String, file: PathBuf, package: PackageJson, manager: Manager) {
        let (manager, direct) = self.runner(manager, !package.scripts.is_empty());
        let version = package.manager.as_deref().and_then(|field| field.split_once('@'));
        let version = version.filter(|(name, _)| *name == manager.program()).map(|(_, version)| version);
        let manager_version = version.map(|version| version.split('+').next().unwrap_or(version).to_owned());
        self.add(Package {
            dir: self.root.join(&relative_dir),
            relative_dir,
            file,
            name: package.name,
            version: package.version,
            variables: package.variables,
            scripts: package.scripts,
            manager,
            manager_version,
            direct,
        });
    }

    /// Who runs the scripts of a package that uses `manager`, and whether that is Brummer itself.
    fn runner(&mut self, manager: Manager, has_scripts: bool) -> (Manager, bool) {
        let (manager, asked) = match self.options.runner {
            RunnerChoice::Auto => (manager, false),
            RunnerChoice::Direct => return (manager, true),
            RunnerChoice::Use(wanted) if wanted.program() == manager.program() => (manager, true),
            RunnerChoice::Use(wanted) => (wanted.in_dir(self.root), true),
        };
        let direct = !self.tools.has(manager.program());
        if direct && asked && has_scripts && !std::mem::replace(&mut self.fallback_told, true) {
            let name = manager.program();
            let message = format!("run scripts with {name}: it is not on PATH; they are run without a manager instead");
            self.problems.push(Error::new("detect", Code::NotFound, message).with("runner", name));
        }
        (manager, direct)
    }

    fn deno_tasks(&mut self) {
        let Some((file, scripts)) = deno::tasks(self.root, &mut self.problems) else { return };
        let direct = self.options.runner == RunnerChoice::Direct || !self.tools.has("deno");
        self.add(Package {
            dir: self.root.to_owned(),
            relative_dir: String::new(),
            file,
            name: None,
            version: None,
            variables: Vec::new(),
            scripts,
            manager: Manager::Deno,
            manager_version: None,
            direct,
        });
    }

    fn add(&mut self, package: Package) {
        let index = self.packages.len();
        let shown = package.name.clone().unwrap_or_else(|| shown_dir(&package.dir, &package.relative_dir));
        for (i, script) in package.scripts.iter().enumerate() {
            let command = match script.text.as_str() {
                "" => script.dependencies.join(", "),
                text => text.to_owned(),
            };
            self.scripts.push(Script {
                title: String::new(),
                name: script.name.clone(),
                package: shown.clone(),
                dir: package.dir.clone(),
                relative_dir: package.relative_dir.clone(),
                command,
                file: package.file.clone(),
                line: script.line,
                runner: if package.direct { "direct" } else { package.manager.program() },
                source: package.source(),
                run: Run::Package { package: index, script: i },
            });
        }
        self.packages.push(package);
    }

    fn other_ecosystems(&mut self) {
        let detectors: [Detector; 8] =
            [procfile::find, make::find, just::find, cargo::find, go::find, python::find, composer::find, vscode::find];
        let shown = shown_dir(self.root, "");
        for find in detectors {
            for recipe in find(self.root, self.tools, &mut self.problems) {
                let dir = match &recipe.run {
                    Run::Shell { dir: Some(dir), .. } => dir.clone(),
                    _ => self.root.to_owned(),
                };
                self.scripts.push(Script {
                    title: String::new(),
                    name: recipe.name,
                    package: shown.clone(),
                    dir,
                    relative_dir: String::new(),
                    command: recipe.command,
                    file: recipe.file,
                    line: recipe.line,
                    runner: recipe.runner,
                    source: recipe.runner,
                    run: recipe.run,
                });
            }
        }
    }
}

/// The manager that a package names itself: its field first, then its lock file.
fn chosen(dir: &Path, package: &PackageJson) -> Option<Manager> {
    package.manager.as_deref().and_then(Manager::from_field).or_else(|| Manager::from_lock_file(dir))
}

/// The manager of the workspace that a directory lies in.
fn manager_above(dir: &Path) -> Option<Manager> {
    let mut inside = dir;
    while !inside.join(".git").exists() {
        inside = inside.parent()?;
        let file = inside.join("package.json");
        // A directory above counts only where it is a workspace; its faults are not ours to report.
        let package = read(&file, &mut Vec::new()).and_then(|text| package_json::parse(&file, &text).ok());
        let is_workspace = package.as_ref().is_some_and(|package| !package.workspaces.is_empty());
        if is_workspace || inside.join("pnpm-workspace.yaml").is_file() {
            return chosen(inside, &package.unwrap_or_default());
        }
    }
    None
}

fn shown_dir(dir: &Path, relative: &str) -> String {
    match (relative, dir.file_name()) {
        ("", Some(name)) => name.to_string_lossy().into_owned(),
        ("", None) => dir.display().to_string(),
        _ => relative.to_owned(),
    }
}
