//! `brummer mcp doctor`: looks at everything that stands between an AI tool and an instance, and says what is wrong and what to do.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum as _;
use serde_json::Value;

use super::install::{Places, URL_DEFAULT};
use super::tools::{Place, Tool};
use crate::error::Result;
use crate::mcp::client::{Client, Options, Target};
use crate::mcp::registry::{Found, Instance};
use crate::runtime::Context;

/// An instance that has not answered by then does not.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// A heartbeat that is older is late.
const LATE: Duration = Duration::from_secs(90);
/// The port that an instance takes if it can.
const PORT: u16 = 7777;

/// What was found, and how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Well,
    Note,
    Bad,
}

#[derive(Debug, Default)]
struct Findings(Vec<(Grade, String)>);

impl Findings {
    fn well(&mut self, text: impl Into<String>) {
        self.0.push((Grade::Well, text.into()));
    }

    fn note(&mut self, text: impl Into<String>) {
        self.0.push((Grade::Note, text.into()));
    }

    fn bad(&mut self, text: impl Into<String>) {
        self.0.push((Grade::Bad, text.into()));
    }

    fn render(&self) -> String {
        let mut out = String::new();
        for (grade, text) in &self.0 {
            let word = match grade {
                Grade::Well => "ok  ",
                Grade::Note => "note",
                Grade::Bad => "BAD ",
            };
            let _ = writeln!(out, "{word}  {text}");
        }
        let bad = self.0.iter().filter(|(grade, _)| *grade == Grade::Bad).count();
        let _ = match bad {
            0 => writeln!(out, "\nNothing is wrong."),
            1 => writeln!(out, "\nOne thing is wrong."),
            _ => writeln!(out, "\n{bad} things are wrong."),
        };
        out
    }
}

/// What is to be printed, and whether all is well.
///
/// # Errors
/// There is no home folder to look into.
pub(in crate::cli) fn doctor(project: &Path) -> Result<(String, bool)> {
    let findings = examine(&Places::of_environment(project)?, PORT);
    Ok((findings.render(), findings.0.iter().all(|(grade, _)| *grade != Grade::Bad)))
}

fn examine(places: &Places, port: u16) -> Findings {
    let mut findings = Findings::default();
    let found = Found::inspect(&places.registry);
    examine_registry(places, &found, &mut findings);
    found.instances.iter().for_each(|instance| examine_instance(instance, &mut findings));
    examine_port(port, &found.instances, &mut findings);
    for tool in Tool::value_variants() {
        let of_project = tool.place(&places.homes, Some(&places.project));
        let of_user = tool.place(&places.homes, None);
        examine_tool(places, *tool, &of_user, &found.instances, &mut findings);
        if of_project != of_user {
            examine_tool(places, *tool, &of_project, &found.instances, &mut findings);
        }
    }
    findings
}

fn examine_registry(places: &Places, found: &Found, findings: &mut Findings) {
    let path = places.registry.path();
    match fs::symlink_metadata(path) {
        Err(_) => findings.note(format!("no instance has registered yet: {} is not there", path.display())),
        Ok(seen) if seen.permissions().mode() & 0o077 != 0 => {
            findings.bad(format!("{} is open to other users: chmod 700 it", path.display()));
        }
        Ok(_) => findings.well(format!("instances register in {}", path.display())),
    }
    for trouble in &found.troubles {
        let file = if trouble.id.is_empty() {
            String::new()
        } else {
            format!("{}: ", places.registry.file(&trouble.id).display())
        };
        findings.bad(format!("{file}{}; remove the file", trouble.why));
    }
    let own = |instance: &&Instance| Path::new(&instance.directory) == places.project;
    match (found.instances.len(), found.instances.iter().find(own)) {
        (0, _) => findings.bad("no Brummer runs: start one with `brummer` in the project's folder"),
        (_, None) => findings.note(format!("no Brummer runs in {}, but elsewhere", places.project.display())),
        (_, Some(_)) => {}
    }
}

fn examine_instance(instance: &Instance, findings: &mut Findings) {
    let name = format!("{} ({}, {})", instance.name, instance.directory, instance.url);
    if instance.silence(jiff::Timestamp::now()) > LATE {
        findings.note(format!("{name}: its last heartbeat is old; is that process stopped (Ctrl+Z)?"));
    }
    let token = match instance.token_path.as_deref().map(|path| (path, fs::read_to_string(path), fs::metadata(path))) {
        None => None,
        Some((_, Ok(token), Ok(seen))) if seen.mode() & 0o077 == 0 => Some(token.trim().to_owned()),
        Some((path, Ok(_), _)) => return findings.bad(format!("{name}: others can read its token: chmod 600 {path}")),
        Some((path, Err(error), _)) => {
            return findings.bad(format!("{name}: its token cannot be read from {path}: {error}"));
        }
    };
    match ask(&instance.name, &instance.url, token, Some(&instance.id)) {
        Err(why) => findings.bad(format!("{name}: {why}")),
        Ok(version) if version != env!("CARGO_PKG_VERSION") => {
            findings.note(format!(
                "{name}: it is version {version}, and this is {}: restart it",
                env!("CARGO_PKG_VERSION")
            ));
        }
        Ok(version) => findings.well(format!("{name}: answers, version {version}")),
    }
}

/// Asks a server for its version.
fn ask(label: &str, url: &str, token: Option<String>, instance: Option<&str>) -> std::result::Result<String, String> {
    let said = |error: crate::error::Error| error.message().to_owned();
    let mut target = Target::of(label, url).map_err(said)?;
    (target.token, target.instance) = (token, instance.map(str::to_owned));
    let client = Client::new(target, Options::new("brummer-doctor"));
    let facts = client.initialize(&Context::background().with_timeout(ANSWER_LIMIT)).map_err(said)?;
    // Nothing hangs on a goodbye that fails.
    let _ = client.close();
    Ok(facts.server.get("version").and_then(Value::as_str).unwrap_or("unknown").to_owned())
}

fn examine_port(port: u16, instances: &[Instance], findings: &mut Findings) {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
    if taken && !instances.iter().any(|instance| instance.port == port) {
        findings.note(format!(
            "port {port} is taken by another program: instances take the next free one, which only the hub finds; tools that call \
             {URL_DEFAULT} do not reach Brummer"
        ));
    }
}

fn examine_tool(places: &Places, tool: Tool, place: &Place, instances: &[Instance], findings: &mut Findings) {
    let Ok(text) = fs::read_to_string(&place.path) else { return };
    let name = format!("{} ({})", tool.name(), place.path.display());
    let entry = match place.entry(&text) {
        Err(why) => return findings.bad(format!("{name}: its settings cannot be read: {why}")),
        Ok(None) => return,
        Ok(Some((_, entry))) => entry,
    };
    let again = format!("brummer mcp install {} --hub", tool.name());
    let word = |key: &str| entry.get(key).and_then(Value::as_str);
    if let Some(program) = word("command") {
        let runs = fs::metadata(program).is_ok_and(|seen| seen.is_file() && seen.permissions().mode() & 0o111 != 0);
        let told = entry.pointer("/env/XDG_RUNTIME_DIR").and_then(Value::as_str).map(Path::new);
        return match runs || !program.contains('/') {
            true if places.runtime().is_some_and(|runtime| told != Some(&*runtime)) => findings.bad(format!(
                "{name}: starts {program}, which will look for instances in {} and not in {}: most tools keep XDG_RUNTIME_DIR from what \
                 they start; set it up anew: {again}",
                places.bare_registry.path().display(),
                places.registry.path().display()
            )),
            true => findings.well(format!("{name}: starts {program}")),
            false => findings.bad(format!("{name}: starts {program}, which is no program; set it up anew: {again}")),
        };
    }
    let Some(url) = ["url", "serverUrl", "httpUrl"].into_iter().find_map(word) else {
        return findings.bad(format!("{name}: neither a command nor a URL stands there; set it up anew: {again}"));
    };
    let at = |instance: &&Instance| instance.url.trim_end_matches('/') == url.trim_end_matches('/');
    match instances.iter().find(at) {
        Some(instance) if !shows_token(tool, &entry, instance) => {
            findings.bad(format!("{name}: calls {url}, and does not show the token of {}: {again}", instance.name));
        }
        Some(instance) => findings.well(format!("{name}: calls {url}, which is {}", instance.name)),
        None if ask("it", url, None, None).is_ok() => findings.well(format!("{name}: calls {url}, which answers")),
        None => {
            findings.bad(format!("{name}: calls {url}, where no Brummer is; start it there, or use the hub: {again}"))
        }
    }
}

/// Whether the settings of a tool have the token that an instance asks for, if it does.
fn shows_token(tool: Tool, entry: &Value, instance: &Instance) -> bool {
    let Some(path) = instance.token_path.as_deref() else { return true };
    let wanted = fs::read_to_string(path).map(|token| format!("Bearer {}", token.trim()));
    let shown = entry.get(tool.headers()).and_then(|headers| headers.get("Authorization")).and_then(Value::as_str);
    wanted.is_ok_and(|wanted| shown == Some(&*wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::mcp::tools::Homes;
    use crate::mcp::client::fake;
    use crate::mcp::registry::{Folder, Registration, Wish, sample};

    fn places(dir: &Path) -> Places {
        Places {
            homes: Homes::of(dir.to_owned(), |_| None),
            state: dir.join("state"),
            project: dir.join("project"),
            program: "/opt/brummer".to_owned(),
            registry: Folder::at(dir.join("brummer/instances")),
            bare_registry: Folder::at(dir.join("brummer/instances")),
        }
    }

    fn told(findings: &Findings, grade: Grade, part: &str) -> bool {
        findings.0.iter().any(|(own, text)| *own == grade && text.contains(part))
    }

    #[test]
    fn without_an_instance_it_says_how_to_start_one() {
        let dir = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let findings = examine(&places(dir.path()), taken.local_addr().unwrap().port());
        assert!(told(&findings, Grade::Bad, "no Brummer runs: start one"), "{findings:?}");
        assert!(told(&findings, Grade::Note, "is taken by another program"), "{findings:?}");
        assert!(findings.render().ends_with("One thing is wrong.\n"));
    }

    #[test]
    fn dead_addresses_stale_files_and_broken_settings_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let closed = fake::Closed::new();
        let port = closed.port;
        let url = format!("http://127.0.0.1:{port}/mcp");
        let wish = Wish { name: "shop", directory: &places.project, port, url: &url, token_path: None };
        let registration = Registration::announce(places.registry.clone(), "shop-1".to_owned(), &wish).unwrap();
        fs::write(places.registry.file("broken"), "{").unwrap();
        fs::create_dir_all(dir.path().join(".cursor")).unwrap();
        fs::write(
            dir.path().join(".cursor/mcp.json"),
            format!("{{\"mcpServers\":{{\"brummer\":{{\"url\":\"{url}x\"}}}}}}"),
        )
        .unwrap();
        fs::write(dir.path().join(".claude.json"), "{\"mcpServers\": [}").unwrap();
        fs::create_dir_all(dir.path().join(".gemini")).unwrap();
        let gone = "{\"mcpServers\":{\"brummer\":{\"command\":\"/opt/gone/brummer\",\"args\":[]}}}";
        fs::write(dir.path().join(".gemini/settings.json"), gone).unwrap();
        let findings = examine(&places, 0);
        for part in [
            "nothing answers",
            "broken.json",
            "where no Brummer is",
            "line 1",
            "/opt/gone/brummer, which is no program",
        ] {
            assert!(told(&findings, Grade::Bad, part), "{part}: {findings:?}");
        }
        fs::set_permissions(places.registry.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(told(&examine(&places, 0), Grade::Bad, "chmod 700"));
        drop(registration);
    }

    /// Registers an instance as it stands.
    fn put(places: &Places, instance: &Instance) {
        places.registry.prepare().unwrap();
        fs::write(places.registry.file(&instance.id), serde_json::to_vec(instance).unwrap()).unwrap();
    }

    #[test]
    fn tokens_versions_heartbeats_and_dead_processes_are_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let server = fake::Instance { name: "shop", id: Some("sleepy"), ..fake::Instance::default() }.start();
        let token = |name: &str, mode: u32| {
            let path = dir.path().join(name);
            fs::write(&path, "s3cret-s3cret").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Some(path.to_string_lossy().into_owned())
        };
        let instance = |id: &str| Instance { url: server.url(), port: server.port, ..sample(id) };
        let mut recycled = instance("recycled");
        recycled.process_info.started += 7;
        let late = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(200);
        for one in [
            Instance { name: "sleepy".to_owned(), last_ping: late, started_at: late, ..instance("sleepy") },
            Instance { name: "open".to_owned(), token_path: token("open.token", 0o644), ..instance("open") },
            Instance { name: "lost".to_owned(), token_path: Some("/none/at/all".to_owned()), ..instance("lost") },
            recycled,
            Instance { name: "moved".to_owned(), ..instance("moved") },
        ] {
            put(&places, &one);
        }
        let findings = examine(&places, 0);
        for part in [
            "open (",
            "chmod 600",
            "lost (",
            "cannot be read from /none/at/all",
            "has ended without removing it",
            "another program has the port of moved now",
        ] {
            assert!(told(&findings, Grade::Bad, part), "{part}: {findings:?}");
        }
        for part in ["its last heartbeat is old", "but elsewhere", "restart it"] {
            assert!(told(&findings, Grade::Note, part), "{part}: {findings:?}");
        }
    }

    #[test]
    fn entries_that_are_half_show_no_token_or_would_find_nobody_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { bare_registry: Folder::at("/run/user/1/brummer/instances"), ..places(dir.path()) };
        let token = dir.path().join("token");
        fs::write(&token, "s3cret-s3cret").unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        let server = fake::Instance { name: "shop", ..fake::Instance::default() }.start();
        let token_path = Some(token.to_string_lossy().into_owned());
        put(&places, &Instance { url: server.url(), port: server.port, token_path, ..sample("shop-1") });
        let write = |tool: Tool, entry: Value| {
            let place = tool.place(&places.homes, None);
            fs::create_dir_all(place.path.parent().unwrap()).unwrap();
            fs::write(&place.path, place.with("", &entry).unwrap()).unwrap();
        };
        let shown = serde_json::json!({ "Authorization": "Bearer s3cret-s3cret" });
        write(Tool::Cursor, serde_json::json!({ "env": {} }));
        write(Tool::Zed, serde_json::json!({ "url": server.url() }));
        write(Tool::Gemini, serde_json::json!({ "httpUrl": server.url(), "headers": shown }));
        write(Tool::Windsurf, serde_json::json!({ "command": "/bin/sh", "args": ["--mcp"] }));
        let runtime = places.runtime().unwrap();
        write(Tool::Codex, serde_json::json!({ "command": "/bin/sh", "env": { "XDG_RUNTIME_DIR": runtime } }));
        let findings = examine(&places, 0);
        for part in ["neither a command nor a URL", "does not show the token", "windsurf", "keep XDG_RUNTIME_DIR"] {
            assert!(told(&findings, Grade::Bad, part), "{part}: {findings:?}");
        }
        for part in ["gemini", "codex"] {
            assert!(told(&findings, Grade::Well, part), "{part}: {findings:?}");
        }
    }
}
