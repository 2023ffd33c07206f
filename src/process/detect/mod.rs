//! Finds what a project can run: the scripts of package.json and its workspaces, and the tasks of other ecosystems.
//!
//! Start with `catalog`: what was found, how it is named, and how it becomes a spec. `scan` looks at the directories.
//! Package scripts: `package_json`, `deno`, `workspace` (with `glob`) read; `manager` says who runs them; `direct` is
//! for when that manager is not there. Every other ecosystem is one file: `procfile`, `make`, `just`, `cargo`, `go`,
//! `python`, `composer`, `vscode`; each offers only what its tool, which must be on PATH, can run.
//!
//! Nothing is executed while looking, and no directory is searched beyond those that the project itself names.

mod cargo;
mod catalog;
mod composer;
mod deno;
mod direct;
mod glob;
mod go;
mod json;
mod just;
mod make;
mod manager;
mod package_json;
mod procfile;
mod python;
mod recipe;
mod scan;
mod tools;
mod vscode;
mod workspace;

#[cfg(test)]
mod tests;

pub use catalog::{Catalog, Found, Script};
pub use manager::{Manager, RunnerChoice};
pub use scan::DetectOptions;
