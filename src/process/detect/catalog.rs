//! What was found: the scripts in order, by name, and as specs.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::direct;
use super::recipe::{Run, with_args};
use super::scan::Package;
use crate::error::{Code, Error, Result};
use crate::process::spec::{ProcessSpec, Program};

/// Something that a project can run.
#[derive(Clone, Debug)]
pub struct Script {
    /// The name that finds exactly this one, and that its process gets: `dev`, `web:dev`, `make:test`.
    pub title: String,
    /// Its name in its file.
    pub name: String,
    /// The name of its package; where it has none, that of its directory.
    pub package: String,
    /// Where it runs.
    pub dir: PathBuf,
    /// The directory of its package from the root of the project; empty there.
    pub relative_dir: String,
    /// What it runs, as it stands in its file or as a person would type it.
    pub command: String,
    /// Where it stands.
    pub file: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
    /// Who runs it: a manager, `direct`, `make`, `cargo` and so on.
    pub runner: &'static str,
    /// What it belongs to, whoever runs it: `npm` for every package.json, `deno`, `make`, `cargo` and so on.
    pub source: &'static str,
    pub(super) run: Run,
}

/// What a name means.
#[derive(Clone, Debug)]
pub enum Found<'c> {
    /// This script.
    Script(&'c Script),
    /// Any of these; the title of each tells them apart.
    Ambiguous(Vec<&'c Script>),
    /// Nothing; the title that is nearest, if one is near.
    NotFound {
        /// The title.
        nearest: Option<String>,
    },
}

impl<'c> Found<'c> {
    /// The script, or the error that a person is told.
    pub fn script(self, name: &str) -> Result<&'c Script> {
        let (code, message) = match self {
            Found::Script(script) => return Ok(script),
            Found::Ambiguous(scripts) => {
                let titles: Vec<String> = scripts.iter().map(|script| format!("`{}`", script.title)).collect();
                (Code::InvalidState, format!("several scripts are named `{name}`: say {}", titles.join(" or ")))
            }
            Found::NotFound { nearest: Some(near) } => {
                (Code::NotFound, format!("no script is named `{name}`; the nearest is `{near}`"))
            }
            Found::NotFound { nearest: None } => (Code::NotFound, format!("no script is named `{name}`")),
        };
        Err(Error::new("detect", code, message).with("script", name))
    }
}

/// Everything that a project can run, as it was when it was scanned.
///
/// - **Thread safety**: `Send + Sync`; it never changes after it was made. **Progress**: wait-free. **Waits**: none.
///   **Cleanup**: none.
#[derive(Debug)]
pub struct Catalog {
    root: PathBuf,
    started_in: PathBuf,
    path: OsString,
    node: Option<PathBuf>,
    packages: Vec<Package>,
    scripts: Vec<Script>,
    problems: Vec<Error>,
}

impl Catalog {
    pub(super) fn new(
        root: PathBuf,
        started_in: PathBuf,
        path: OsString,
        node: Option<PathBuf>,
        packages: Vec<Package>,
        mut scripts: Vec<Script>,
        problems: Vec<Error>,
    ) -> Catalog {
        let titles = titles(&scripts);
        scripts.iter_mut().zip(titles).for_each(|(script, title)| script.title = title);
        Catalog { root, started_in, path, node, packages, scripts, problems }
    }

    /// The directory of the project: where it was looked for, or one above.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All scripts: those of the root first, in the order of their files, then package by package.
    pub fn scripts(&self) -> &[Script] {
        &self.scripts
    }

    /// What could not be understood, and is therefore not among the scripts.
    pub fn problems(&self) -> &[Error] {
        &self.problems
    }

    /// The script that a person means: a name of the root; `package:name`, `directory:name` or `source:name`; or a name
    /// that only one package has.
    pub fn find(&self, name: &str) -> Found<'_> {
        let named = |script: &&Script| script.name == name;
        let mut of_root: Vec<&Script> =
            self.scripts.iter().filter(|s| s.relative_dir.is_empty()).filter(named).collect();
        // A name that a package.json or a deno.json gives is meant before one that a tool has for every project.
        if of_root.iter().any(|script| is_package(script)) {
            of_root.retain(|script| is_package(script));
        }
        for candidates in [of_root, self.qualified(name), self.scripts.iter().filter(named).collect()] {
            match candidates.as_slice() {
                [] => {}
                [only] => return Found::Script(only),
                _ => return Found::Ambiguous(candidates),
            }
        }
        Found::NotFound { nearest: self.nearest(name) }
    }

    fn qualified(&self, name: &str) -> Vec<&Script> {
        let splits: Vec<(&str, &str)> = name.match_indices(':').map(|(at, _)| (&name[..at], &name[at + 1..])).collect();
        let meant = |script: &&Script| {
            splits.iter().any(|(qualifier, own)| script.name == *own && script.answers_to(qualifier))
        };
        self.scripts.iter().filter(meant).collect()
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let spellings = self.scripts.iter().flat_map(|script| [(&script.title, script), (&script.name, script)]);
        // A word that was not typed to its end is nearer than one that was typed wrong.
        let begun =
            spellings.clone().filter(|(text, _)| !name.is_empty() && text.starts_with(name)).map(|(_, script)| script);
        if let Some(script) = begun.min_by_key(|script| script.title.len()) {
            return Some(script.title.clone());
        }
        let scored = spellings.map(|(text, script)| (strsim::damerau_levenshtein(name, text), text.len(), script));
        let (distance, length, script) = scored.min_by_key(|(distance, ..)| *distance)?;
        (distance <= 1 + name.len().min(length) / 3).then(|| script.title.clone())
    }

    /// What is to be run when `script`, which is one of this catalog's, is started with more arguments.
    pub fn spec(&self, script: &Script, extra_args: &[String]) -> ProcessSpec {
        let (program, env) = match &script.run {
            Run::Argv { argv, separator } => {
                let separator = separator.filter(|_| !extra_args.is_empty()).map(str::to_owned);
                let argv = argv.iter().cloned().chain(separator).chain(extra_args.iter().cloned());
                (Program::Argv(argv.collect()), Vec::new())
            }
            Run::Shell { line, env, .. } => {
                let env = env.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
                (Program::Shell(with_args(line, extra_args)), env.collect())
            }
            Run::Package { package, script } => self.package_spec(&self.packages[*package], *script, extra_args),
        };
        let mut spec = ProcessSpec::new(script.title.clone(), program, script.dir.clone());
        spec.env = env;
        spec
    }

    fn package_spec(
        &self,
        package: &Package,
        script: usize,
        args: &[String],
    ) -> (Program, Vec<(String, Option<String>)>) {
        let script = &package.scripts[script];
        if !package.direct {
            return (Program::Argv(package.manager.argv(&script.name, args)), Vec::new());
        }
        let env = direct::environment(package, script, &self.started_in, &self.path, self.node.as_deref());
        (Program::Shell(direct::line(package, script, args)), env)
    }
}

fn is_package(script: &Script) -> bool {
    matches!(script.run, Run::Package { .. })
}

impl Script {
    /// The names of the variables that its file sets for it.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let set = match &self.run {
            Run::Shell { env, .. } => &env[..],
            Run::Package { .. } | Run::Argv { .. } => &[],
        };
        set.iter().map(|(name, _)| name.as_str())
    }

    fn answers_to(&self, qualifier: &str) -> bool {
        let short = || self.package.rsplit_once('/').is_some_and(|(_, short)| short == qualifier);
        let of_root = self.relative_dir.is_empty() && self.source == qualifier;
        of_root || self.relative_dir == qualifier || self.package == qualifier || short()
    }
}

/// For each script the shortest name that [`Catalog::find`] takes for it and no other.
fn titles(scripts: &[Script]) -> Vec<String> {
    let mut by_name: HashMap<&str, Vec<&Script>> = HashMap::new();
    scripts.iter().for_each(|script| by_name.entry(&script.name).or_default().push(script));
    let of_root =
        |name: &str| by_name.get(name).is_some_and(|same| same.iter().any(|script| script.relative_dir.is_empty()));
    scripts.iter().map(|script| title(script, &by_name[script.name.as_str()], &of_root)).collect()
}

fn title(script: &Script, same_name: &[&Script], of_root: &dyn Fn(&str) -> bool) -> String {
    let rivals =
        |like: &dyn Fn(&Script) -> bool| same_name.iter().any(|other| !std::ptr::eq(*other, script) && like(other));
    if script.relative_dir.is_empty() {
        let shadowed = rivals(&|other| other.relative_dir.is_empty() && (is_package(other) || !is_package(script)));
        return if shadowed { format!("{}:{}", script.source, script.name) } else { script.name.clone() };
    }
    let short = script.package.rsplit_once('/').map_or(script.package.as_str(), |(_, short)| short);
    for qualifier in [short, &script.package] {
        let title = format!("{qualifier}:{}", script.name);
        if !rivals(&|other| other.answers_to(qualifier)) && !of_root(&title) {
            return title;
        }
    }
    format!("{}:{}", script.relative_dir, script.name)
}
