//! Sets an AI tool up: shows what changes in its settings, changes it, and can take it back.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::diff::diff;
use super::record::{Change, Record, write_whole};
use super::tools::{Homes, Place, Reach, Tool};
use crate::error::{Code, Error, Result};
use crate::mcp::registry::{Folder, Found};
use crate::mcp::token::Token;

/// Where an instance's server is if nothing else is known.
pub(super) const URL_DEFAULT: &str = "http://127.0.0.1:7777/mcp";

/// What is asked for.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Wish {
    pub(in crate::cli) tool: Tool,
    /// All instances of this user, by the hub; else the one of this project.
    pub(in crate::cli) hub: bool,
    /// As it was before.
    pub(in crate::cli) undo: bool,
    /// Show what would change, and change nothing.
    pub(in crate::cli) dry_run: bool,
    /// The settings say that a token is asked for.
    pub(in crate::cli) token: bool,
}

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) homes: Homes,
    pub(super) state: PathBuf,
    pub(super) project: PathBuf,
    pub(super) program: String,
    pub(super) registry: Folder,
    /// The registry as a process sees it that has nothing of the session's environment.
    pub(super) bare_registry: Folder,
}

impl Places {
    pub(super) fn of_environment(project: &Path) -> Result<Places> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = set("HOME");
        let home =
            home.ok_or_else(|| Error::new("cli", Code::NotFound, "HOME is not set: no settings are found without it"))?;
        let program =
            std::env::current_exe().map_err(|error| Error::io("cli", "find this program's own file", error))?;
        Ok(Places {
            state: set("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state")),
            homes: Homes::of(home, set),
            project: project.to_owned(),
            program: program.to_string_lossy().into_owned(),
            registry: Folder::of_user(),
            bare_registry: Folder::without_environment(),
        })
    }

    /// The runtime directory that the registry is in, if a tool has to be told of it.
    pub(super) fn runtime(&self) -> Option<PathBuf> {
        let runtime = self.registry.path().ancestors().nth(2).map(Path::to_owned);
        runtime.filter(|_| self.registry != self.bare_registry)
    }

    /// The file of a tool that is meant.
    fn place(&self, wish: &Wish) -> Place {
        let project = (!wish.hub && !wish.tool.needs_the_hub()).then_some(&*self.project);
        wish.tool.place(&self.homes, project)
    }
}

/// Does it; what is to be printed.
///
/// # Errors
/// The file is not what it should be, or cannot be written; it is as it was then.
pub(in crate::cli) fn install(project: &Path, wish: &Wish) -> Result<String> {
    install_at(&Places::of_environment(project)?, wish)
}

fn install_at(places: &Places, wish: &Wish) -> Result<String> {
    let place = places.place(wish);
    let old = match fs::read_to_string(&place.path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io("cli", format!("read {}", place.path.display()), error)),
    };
    let mut record = Record::read(&places.state);
    if wish.undo {
        undo(&place, old.as_deref(), &mut record, wish)
    } else {
        set_up(places, &place, old.as_deref(), &mut record, wish)
    }
}

fn set_up(places: &Places, place: &Place, old: Option<&str>, record: &mut Record, wish: &Wish) -> Result<String> {
    let text = old.unwrap_or_default();
    let before = place.entry(text).map_err(|why| unreadable(place, &why))?;
    let entry = wish.tool.entry(&reach(places, wish)?);
    let tool = wish.tool.name();
    if before.as_ref().is_some_and(|(_, found)| *found == entry) {
        return Ok(format!("{tool} is set up already: {}\n", place.path.display()));
    }
    let new = place.with(text, &entry).map_err(|why| unreadable(place, &why))?;
    let mut out = shown(place, text, &new);
    if wish.dry_run {
        return Ok(out);
    }
    record.add(&place.path, Change { before: before.map(|(text, _)| text), existed: old.is_some() })?;
    write_whole(&place.path, &new, 0o600)?;
    let hub = if wish.hub { " --hub" } else { "" };
    let _ = writeln!(out, "{tool} is set up; restart it, or have it read its settings again.");
    let _ = writeln!(out, "To take it back: brummer mcp install {tool}{hub} --undo");
    Ok(out)
}

fn undo(place: &Place, old: Option<&str>, record: &mut Record, wish: &Wish) -> Result<String> {
    let tool = wish.tool.name();
    let change = record.of(&place.path).cloned();
    let Some(text) = old.filter(|text| place.entry(text).is_ok_and(|entry| entry.is_some()) || change.is_some()) else {
        return Ok(format!("Brummer is not in the settings of {tool}: {}\n", place.path.display()));
    };
    let new = match change.as_ref().and_then(|change| change.before.as_deref()) {
        Some(before) => place.restored(text, before),
        None => place.without(text),
    };
    let new = new.map_err(|why| unreadable(place, &why))?;
    let mut out = shown(place, text, &new);
    if wish.dry_run {
        return Ok(out);
    }
    if change.is_some_and(|change| !change.existed) && place.is_nothing(&new) {
        let failed = |error| Error::io("cli", format!("remove {}", place.path.display()), error);
        fs::remove_file(&place.path).map_err(failed)?;
    } else {
        write_whole(&place.path, &new, 0o600)?;
    }
    record.forget(&place.path)?;
    let _ = writeln!(out, "The settings of {tool} are as they were.");
    Ok(out)
}

fn shown(place: &Place, old: &str, new: &str) -> String {
    format!("{}\n{}", place.path.display(), masked(&diff(old, new)))
}

/// How the tool shall reach Brummer: the hub, or the instance of this project.
fn reach(places: &Places, wish: &Wish) -> Result<Reach> {
    if wish.hub || wish.tool.needs_the_hub() {
        // Tools start their servers with little of the session's environment.
        let runtime = places.runtime();
        return Ok(Reach::Hub { program: places.program.clone(), runtime });
    }
    let found = Found::inspect(&places.registry).instances;
    let own = found.into_iter().find(|instance| Path::new(&instance.directory) == places.project);
    let (url, path) = match own {
        Some(instance) => (instance.url, instance.token_path.map(PathBuf::from)),
        None => (URL_DEFAULT.to_owned(), wish.token.then(|| places.state.join("brummer/mcp-token"))),
    };
    if path.is_some() && wish.tool.has_file_of_project(&places.homes, &places.project) {
        let message = "this project's Brummer asks for a token, which should not stand in a project's files: use --hub, which \
                       finds the token by itself";
        return Err(Error::new("cli", Code::InvalidState, message));
    }
    let token = path.map(|path| Token::at(&path)).transpose()?;
    Ok(Reach::Url { url, token: token.map(|token| token.reveal().to_owned()) })
}

/// Tokens are in the file, and need not be on the screen.
fn masked(text: &str) -> String {
    let mut parts = text.split("Bearer ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let end = part.find(['"', '\'', '\n']).unwrap_or(part.len());
        format!("{out}Bearer ‹masked›{}", &part[end..])
    })
}

fn unreadable(place: &Place, why: &str) -> Error {
    let message = format!("{} is not what it should be: {why}; nothing was changed", place.path.display());
    Error::new("cli", Code::InvalidState, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    fn places(dir: &Path) -> Places {
        let below = |name: &str| {
            let path = dir.join(name);
            fs::create_dir_all(&path).unwrap();
            path
        };
        Places {
            homes: Homes::of(below("home"), |_| None),
            state: below("state"),
            project: below("project"),
            program: "/opt/brummer".to_owned(),
            registry: Folder::at(dir.join("instances")),
            bare_registry: Folder::at(dir.join("instances")),
        }
    }

    fn wish(tool: Tool, hub: bool) -> Wish {
        Wish { tool, hub, undo: false, dry_run: false, token: false }
    }

    #[test]
    fn every_tool_is_set_up_shown_and_brought_back() {
        for tool in Tool::value_variants() {
            for hub in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let places = places(dir.path());
                let wish = wish(*tool, hub);
                let path = places.place(&wish).path;
                let dry = install_at(&places, &Wish { dry_run: true, ..wish.clone() }).unwrap();
                assert!(dry.contains("+ ") && !path.exists(), "{dry}");
                let said = install_at(&places, &wish).unwrap();
                assert!(said.contains("brummer") && said.contains("--undo"), "{said}");
                let text = fs::read_to_string(&path).unwrap();
                let wanted = if hub || tool.needs_the_hub() { "/opt/brummer" } else { URL_DEFAULT };
                assert!(text.contains(wanted), "{text}");
                assert!(install_at(&places, &wish).unwrap().contains("already"));
                install_at(&places, &Wish { undo: true, ..wish.clone() }).unwrap();
                assert!(!path.exists(), "it was not there before");
                let again = install_at(&places, &Wish { undo: true, ..wish }).unwrap();
                assert!(again.contains("not in the settings"));
            }
        }
    }

    #[test]
    fn the_hub_is_told_of_a_runtime_directory_that_it_would_not_find() {
        for tool in Tool::value_variants() {
            let dir = tempfile::tempdir().unwrap();
            let places = Places { registry: Folder::at("/mnt/run/brummer/instances"), ..places(dir.path()) };
            let wish = wish(*tool, true);
            install_at(&places, &wish).unwrap();
            let text = fs::read_to_string(places.place(&wish).path).unwrap();
            assert!(text.contains("XDG_RUNTIME_DIR") && text.contains("\"/mnt/run\""), "{text}");
            assert!(install_at(&places, &wish).unwrap().contains("already"));
        }
    }

    #[test]
    fn what_stood_there_before_comes_back_whatever_was_changed_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let wish = wish(Tool::Zed, true);
        let path = places.place(&wish).path;
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let before = "// mine\n{\n  \"theme\": \"One\",\n  \"context_servers\": {\n    \"brummer\": { \"url\": \"x\" /* old */ }\n  },\n}\n";
        fs::write(&path, before).unwrap();
        install_at(&places, &wish).unwrap();
        let between = fs::read_to_string(&path).unwrap();
        assert!(between.starts_with("// mine") && between.contains("/opt/brummer"), "{between}");
        fs::write(&path, between.replace("One", "Two")).unwrap();
        install_at(&places, &Wish { undo: true, ..wish }).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("One", "Two"));
    }

    #[test]
    fn a_token_goes_into_the_users_own_files_alone_and_is_not_shown() {
        for tool in Tool::value_variants() {
            let dir = tempfile::tempdir().unwrap();
            let places = places(dir.path());
            let wish = Wish { token: true, ..wish(*tool, false) };
            let path = places.place(&wish).path;
            let of_project = tool.has_file_of_project(&places.homes, &places.project);
            let said = install_at(&places, &wish);
            if of_project {
                assert!(said.unwrap_err().message().contains("--hub") && !path.exists());
            } else if !tool.needs_the_hub() {
                let token = fs::read_to_string(places.state.join("brummer/mcp-token")).unwrap();
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.contains(&format!("Bearer {token}")) && text.contains("Authorization"), "{text}");
                let said = said.unwrap();
                assert!(!said.contains(&token) && said.contains("‹masked›"), "{said}");
                assert!(install_at(&places, &wish).unwrap().contains("already"));
                let undone = install_at(&places, &Wish { undo: true, ..wish }).unwrap();
                assert!(!undone.contains(&token) && !path.exists(), "{undone}");
            }
            install_at(&places, &Wish { token: true, ..self::wish(*tool, true) }).unwrap();
        }
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let wish = wish(Tool::ClaudeCode, false);
        let path = places.place(&wish).path;
        fs::write(&path, "{\n  \"mcpServers\": [\n}").unwrap();
        let error = install_at(&places, &wish).unwrap_err();
        assert!(error.message().contains(".mcp.json") && error.message().contains("line 3"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"mcpServers\": [\n}");
    }
}
