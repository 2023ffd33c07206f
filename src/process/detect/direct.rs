//! Runs a package script without its manager: the environment and the steps that the manager would have made.
//!
//! What scripts find, as under npm: `node_modules/.bin` of the package and of every directory above it on PATH;
//! `npm_lifecycle_event` and `npm_lifecycle_script`; `npm_package_json`, `npm_package_name`, `npm_package_version`,
//! `npm_package_{config,engines,bin}_…`; `npm_config_user_agent`, which names the project's manager and Brummer;
//! `npm_command`; `INIT_CWD`; `NODE` and `npm_node_execpath` where node is on PATH.
//!
//! Not there: `npm_execpath`, for there is no manager to be called; one that was inherited is removed, and tools that
//! ask for it fall back to calling the manager by name.

use std::ffi::OsString;
use std::path::Path;

use super::manager::Manager;
use super::package_json::RawScript;
use super::recipe::{quote, with_args};
use super::scan::Package;

/// The line for the shell. One step is the script itself; several are shells of their own, each only if the one
/// before it succeeded, and the arguments go to the script itself alone.
pub(super) fn line(package: &Package, script: &RawScript, args: &[String]) -> String {
    let steps = steps(package, script);
    if let [only] = steps.as_slice() {
        return with_args(&only.text, args);
    }
    let own = |step: &RawScript| if step.name == script.name { args } else { &[] };
    let shells = steps.iter().map(|step| {
        let (event, text) = (quote(&step.name), quote(&step.text));
        let run = quote(&with_args(&step.text, own(step)));
        format!("npm_lifecycle_event={event} npm_lifecycle_script={text} sh -c {run}")
    });
    shells.collect::<Vec<_>>().join(" && ")
}

/// What runs, in order: `preX`, `X`, `postX`, or a task behind the tasks that it depends on.
fn steps<'p>(package: &'p Package, script: &'p RawScript) -> Vec<&'p RawScript> {
    let named = |name: &str| package.scripts.iter().find(|other| other.name == name);
    if package.has_hooks() {
        let around = [named(&format!("pre{}", script.name)), Some(script), named(&format!("post{}", script.name))];
        return around.into_iter().flatten().collect();
    }
    let mut order = Vec::new();
    behind_dependencies(package, script, &mut Vec::new(), &mut order);
    // A task that is only a list of others has no step of its own.
    order.retain(|step| !step.text.is_empty());
    order
}

fn behind_dependencies<'p>(
    package: &'p Package,
    script: &'p RawScript,
    seen: &mut Vec<&'p str>,
    order: &mut Vec<&'p RawScript>,
) {
    // A task that was met before is in the order already, or waits for us: a circle.
    if seen.contains(&script.name.as_str()) {
        return;
    }
    seen.push(&script.name);
    for name in &script.dependencies {
        if let Some(other) = package.scripts.iter().find(|other| other.name == *name) {
            behind_dependencies(package, other, seen, order);
        }
    }
    order.push(script);
}

/// The changes to the environment.
pub(super) fn environment(
    package: &Package,
    script: &RawScript,
    started_in: &Path,
    path: &OsString,
    node: Option<&Path>,
) -> Vec<(String, Option<String>)> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut env = vec![
        ("PATH".to_owned(), Some(path_with_bins(&package.dir, path))),
        ("INIT_CWD".to_owned(), Some(text(started_in))),
        ("npm_command".to_owned(), Some("run-script".to_owned())),
        ("npm_config_user_agent".to_owned(), Some(user_agent(package.manager, package.manager_version.as_deref()))),
        ("npm_execpath".to_owned(), None),
        ("npm_lifecycle_event".to_owned(), Some(script.name.clone())),
        ("npm_lifecycle_script".to_owned(), Some(script.text.clone())),
        ("npm_package_json".to_owned(), Some(text(&package.file))),
        ("npm_package_name".to_owned(), package.name.clone()),
        ("npm_package_version".to_owned(), package.version.clone()),
    ];
    env.extend(package.variables.iter().map(|(key, value)| (format!("npm_package_{key}"), Some(value.clone()))));
    if let Some(node) = node {
        env.extend(["NODE", "npm_node_execpath"].map(|key| (key.to_owned(), Some(text(node)))));
    }
    env
}

fn path_with_bins(dir: &Path, path: &OsString) -> String {
    let bins = dir.ancestors().map(|dir| dir.join("node_modules").join(".bin"));
    let all: Vec<_> = bins.chain(std::env::split_paths(path)).collect();
    // A directory whose name holds a colon cannot stand on any PATH; then the old one has to do.
    std::env::join_paths(all).unwrap_or_else(|_| path.clone()).to_string_lossy().into_owned()
}

/// Tools look at the first word, to learn which manager a project is run with.
fn user_agent(manager: Manager, version: Option<&str>) -> String {
    let (program, version) = (manager.program(), version.unwrap_or("?"));
    let (own, os, machine) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    format!("{program}/{version} brummer/{own} {os} {machine}")
}
