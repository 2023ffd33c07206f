//! The app as its front doors use it, on real children.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::app::command::{Command, Target};
use crate::app::view::{Backend, ProcessRow, Reply, Sampling, Successor};
use crate::app::{App, AppOptions};
use crate::config::{Config, Overrides};
use crate::error::Code;
use crate::event::{ProcessId, Status};

const PATIENCE: Duration = Duration::from_secs(60);

fn app(dir: &Path) -> Arc<App> {
    let mut flags = Overrides::new();
    flags.set("runner", "direct", "--runner");
    let config = Config::load_files(&[dir.join(".brum.toml")], &flags).expect("a good file");
    let dir = dir.to_path_buf();
    let options = AppOptions { dir, config, interactive: false, size: (80, 24), owns_descendants: false };
    App::start(options).expect("threads")
}

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).expect("can be written");
    }
    dir
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not happen");
        std::thread::yield_now();
    }
}

fn row(app: &App, id: ProcessId) -> ProcessRow {
    app.processes().into_iter().find(|row| row.id == id).expect("it is listed")
}

fn ended(app: &App, id: ProcessId) -> ProcessRow {
    wait("the end", || Some(row(app, id)).filter(|row| row.status.is_ended()))
}

fn lines(app: &App) -> Vec<String> {
    app.logs().snapshot().after(0).map(|line| String::from_utf8_lossy(line.plain).into_owned()).collect()
}

#[test]
fn pm01_a_script_starts_under_a_unique_id_and_an_unknown_one_names_the_nearest() {
    let dir = project(&[("package.json", r#"{"scripts":{"hello":"echo hello from $npm_lifecycle_event"}}"#)]);
    let app = app(dir.path());
    let first = app.start_named("hello", &[]).unwrap();
    let second = app.manager().start_script("hello", &crate::runtime::Context::background()).unwrap();
    assert_ne!(first, second);
    assert_eq!(ended(&app, first).status, Status::Success);
    ended(&app, second);
    assert_eq!(lines(&app), ["hello from hello", "hello from hello"]);
    let error = app.start_named("helo", &[]).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.message().contains("`hello`"), "{error}");
    app.shutdown(PATIENCE).unwrap();
}

#[test]
fn pm01_the_nearest_names_are_those_of_scripts_and_of_the_settings() {
    let member = |name: &str| format!(r#"{{"name":"{name}","scripts":{{"deploy":"true"}}}}"#);
    let dir = project(&[
        (".brum.toml", "[processes.worker]\ncommand = \"true\"\n"),
        ("package.json", r#"{"workspaces":["a","b"],"scripts":{"hello":"true"}}"#),
    ]);
    for name in ["a", "b"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("package.json"), member(name)).unwrap();
    }
    let app = app(dir.path());
    let told = |word: &str| app.start_named(word, &[]).unwrap_err();
    assert!(told("wroker").message().ends_with("`wroker`; the nearest is `worker`"), "{}", told("wroker"));
    assert!(told("helo").message().ends_with("the nearest is `hello`"), "{}", told("helo"));
    assert!(told("delpoy").message().ends_with("the nearest are `a:deploy`, `b:deploy`"), "{}", told("delpoy"));
    assert!(told("something-else").message().ends_with("`something-else`"), "{}", told("something-else"));
    let several = told("deploy");
    assert_eq!(several.code(), Code::InvalidState);
    assert!(several.message().contains("`a:deploy` or `b:deploy`"), "{several}");
    let row = app.scripts().iter().find(|row| row.name == "hello").cloned().unwrap();
    assert_eq!((row.cwd.as_str(), app.start_named("hello", &[]).is_ok()), (".", true));
    let cwd = app.processes()[0].cwd.clone();
    assert!(!cwd.ends_with('/') && Path::new(&*cwd).is_absolute(), "{cwd}");
}

#[test]
fn a_process_of_the_settings_gets_its_environment_and_its_folder() {
    let settings =
        "[processes.api]\ncommand = \"echo $A $B; pwd\"\ncwd = \"sub\"\nenv = { A = \"1\" }\nenv_files = [\"x.env\"]\n";
    let dir = project(&[(".brum.toml", settings), ("x.env", "B=2\n")]);
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    let app = app(dir.path());
    let id = app.start_named("api", &[]).unwrap();
    assert_eq!(app.scripts()[0].env, ["x.env (1 key)", "A"], "names, no values");
    assert_eq!(ended(&app, id).status, Status::Success);
    let lines = lines(&app);
    assert_eq!(lines[0], "1 2");
    assert!(lines[1].ends_with("/sub"), "{lines:?}");
}

#[test]
fn running_a_script_again_goes_to_the_running_one_unless_another_is_asked_for() {
    let dir = project(&[("package.json", r#"{"scripts":{"dev":"sleep 100"}}"#)]);
    let app = app(dir.path());
    let run = |another| app.execute(Command::Run { script: "dev".into(), args: vec![], another }).unwrap();
    let Reply::Process { id, fresh: true } = run(false) else { panic!("not started") };
    assert_eq!(run(false), Reply::Process { id, fresh: false });
    assert!(matches!(run(true), Reply::Process { id: other, fresh: true } if other != id));
    assert_eq!(app.scripts()[0].process.map(|newest| newest != id), Some(true));
    app.shutdown(PATIENCE).unwrap();
    assert!(app.processes().iter().all(|row| row.status == Status::Stopped));
}

#[test]
fn pm04_readers_beside_starts_and_ends_see_every_row_whole() {
    let dir = project(&[]);
    let app = app(dir.path());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut looks = 0;
                    while !done.load(std::sync::atomic::Ordering::Acquire) {
                        for process in app.manager().get_all_processes() {
                            let ended = process.status.is_ended();
                            assert_eq!(
                                (process.exit.is_some(), process.ended_ms.is_some()),
                                (ended, ended),
                                "{process:?}"
                            );
                            assert!(!ended || process.pid.is_none(), "{process:?}");
                            let alone = app.manager().get_process(process.id).expect("nothing is forgotten here");
                            assert_eq!((alone.id, &alone.name), (process.id, &process.name));
                        }
                        looks += 1;
                    }
                    looks
                })
            })
            .collect();
        let ids: Vec<ProcessId> = (0..20).map(|_| app.start_argv(&["true".into()]).unwrap()).collect();
        ids.into_iter().for_each(|id| assert_eq!(ended(&app, id).status, Status::Success));
        done.store(true, std::sync::atomic::Ordering::Release);
        assert!(readers.into_iter().all(|reader| reader.join().expect("no reader panics") > 0));
    });
}

#[test]
fn pm07_id_name_and_start_time_never_change() {
    let dir = project(&[]);
    let app = app(dir.path());
    let id = app.start_argv(&["sleep".into(), "100".into()]).unwrap();
    let before = row(&app, id);
    app.execute(Command::Stop(Target::Id(id))).unwrap();
    let after = ended(&app, id);
    assert_eq!((before.id, before.name, before.started_ms), (after.id, after.name, after.started_ms));
    assert!(after.ended_ms.is_some_and(|at| at >= after.started_ms));
}

#[test]
fn a_restart_ends_the_old_one_and_starts_the_same_again() {
    let dir = project(&[]);
    let app = app(dir.path());
    let id = app.start_argv(&["sleep".into(), "100".into()]).unwrap();
    app.execute(Command::Restart(Target::Id(id))).unwrap();
    let fresh = wait("the restart", || app.processes().into_iter().find(|row| row.id != id && row.restarts == 1));
    assert_eq!(&*fresh.name, "sleep");
    assert_eq!(row(&app, id).status, Status::Stopped);
    wait("who it goes on as", || (app.successor(id) == Successor::Is(fresh.id)).then_some(()));
    assert_eq!(app.successor(fresh.id), Successor::Nobody);
    let coming = app.will_start_again(fresh.id);
    assert_eq!(app.successor(fresh.id), Successor::Coming);
    drop(coming);
    assert_eq!(app.successor(fresh.id), Successor::Nobody);
    app.execute(Command::Kill(Target::All)).unwrap();
    ended(&app, fresh.id);
    app.execute(Command::Forget(id)).unwrap();
    assert!(app.processes().iter().all(|row| row.id != id));
    let error = app.execute(Command::Stop(Target::Name("nobody".into()))).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[test]
fn a_failure_and_a_broken_project_file_are_told_as_messages() {
    let dir = project(&[("package.json", "{ \"scripts\": { \"a\": }")]);
    let app = app(dir.path());
    assert!(app.messages()[0].text.contains("package.json:1"), "{:?}", app.messages());
    let id = app.start_argv(&["sh".into(), "-c".into(), "echo Error: no >&2; exit 3".into()]).unwrap();
    let row = ended(&app, id);
    assert_eq!((row.status, row.exit.map(|exit| exit.shell_code())), (Status::Failed, Some(3)));
    assert_eq!((row.lines, row.errors), (1, 1));
    let message =
        wait("the message", || app.messages().into_iter().find(|message| message.text.contains("exited with code 3")));
    assert_eq!(message.failed, Some(id));
    let error = app.start_argv(&["no-such-program-at-all".into()]).unwrap_err();
    assert!(error.message().contains("no-such-program-at-all"), "{error}");
}

#[test]
fn a_url_of_a_local_server_is_shown_with_its_process_and_its_use_is_sampled() {
    let dir = project(&[]);
    let app = app(dir.path());
    let id = app.start_argv(&[
        "sh".into(),
        "-c".into(),
        "echo see https://x.org; echo http://localhost:3000; sleep 100".into(),
    ]);
    let id = id.unwrap();
    let url = wait("the URL", || row(&app, id).url);
    assert_eq!(&*url, "http://localhost:3000");
    app.sample_usage(Sampling::Often);
    let usage = wait("a sample", || row(&app, id).usage);
    assert!(usage.rss_bytes > 0 && usage.processes >= 1);
    app.sample_usage(Sampling::Off);
}

#[test]
fn pf_ten_processes_run_at_once_every_line_is_kept_and_clean_up_ends_all_of_them() {
    let dir = project(&[]);
    let app = app(dir.path());
    let script = "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; sleep 100";
    let ids: Vec<ProcessId> =
        (0..10).map(|_| app.start_argv(&["sh".into(), "-c".into(), script.into()]).unwrap()).collect();
    wait("10,000 lines", || (app.logs().snapshot().len() == 10_000).then_some(()));
    for id in &ids {
        let snapshot = app.logs().snapshot().only(&[*id]);
        let expected = (0..1000).map(|i| format!("line {i}").into_bytes());
        assert!(snapshot.after(0).map(|line| line.plain.to_vec()).eq(expected));
    }
    // How soon, the harness of the benchmarks measures.
    app.shutdown(PATIENCE).unwrap();
    assert!(app.processes().iter().all(|row| row.status.is_ended()));
}

/// The settings of a store that holds little.
const SMALL_STORE: &str = "[log_store]\nmax_entries = 100\nmax_total_entries = 4000\nmax_bytes = 2097152\n";

/// Prints what `from` and later is there, as a front door that must lose nothing; the number after the last line.
fn print(app: &App, from: u64, expected: &mut u64) -> u64 {
    let snapshot = app.logs().snapshot();
    let (mut next, first) = (from, *expected);
    for line in snapshot.after(from) {
        assert_eq!(line.plain, expected.to_string().as_bytes(), "the line after {}", *expected - 1);
        (next, *expected) = (line.seq + 1, *expected + 1);
    }
    if *expected > first {
        app.printed(next, *expected - first);
    }
    next
}

#[test]
fn pm10_a_child_that_outruns_the_printer_is_held_back_and_no_line_is_lost() {
    let dir = project(&[(".brum.toml", SMALL_STORE)]);
    let app = app(dir.path());
    app.hold_lines();
    let id = app.start_argv(&["seq".into(), "300000".into()]).unwrap();
    wait("the store is full", || (!app.logs().has_room()).then_some(()));
    assert!(!row(&app, id).status.is_ended(), "it was not held back");
    let (mut from, mut expected) = (0, 1);
    wait("the end", || {
        let is_ended = row(&app, id).status.is_ended();
        from = print(&app, from, &mut expected);
        is_ended.then_some(())
    });
    assert_eq!((expected, app.logs().snapshot().dropped() < 300_000), (300_001, true));
}

#[test]
fn pm10_a_child_that_is_held_back_can_be_stopped_and_what_it_wrote_is_kept() {
    let dir = project(&[(".brum.toml", SMALL_STORE)]);
    let app = app(dir.path());
    app.hold_lines();
    // A shell and a child of its own: what the grandchild wrote is read, too.
    let id = app.start_argv(&["sh".into(), "-c".into(), "seq 100000000; true".into()]).unwrap();
    wait("the store is full", || (!app.logs().has_room()).then_some(()));
    let held = app.logs().snapshot().len();
    app.execute(Command::Stop(Target::Id(id))).unwrap();
    assert_eq!(ended(&app, id).status, Status::Stopped);
    wait("the rest is read", || (app.logs().snapshot().len() > held).then_some(()));
    app.shutdown(PATIENCE).unwrap();
    let snapshot = app.logs().snapshot();
    let whole = snapshot.after(0).zip(1u64..).take(usize::try_from(snapshot.len()).unwrap() - 1);
    whole.for_each(|(line, number)| assert_eq!(line.plain, number.to_string().as_bytes()));
    assert_eq!(snapshot.dropped(), 0);
}

#[test]
fn requests_of_a_har_file_are_listed_as_imported_written_again_and_cleared() {
    let har = r#"{"log":{"entries":[
        {"startedDateTime":"2024-01-01T00:00:00.000Z","time":5,
         "request":{"method":"GET","url":"http://shop.test/cart","headers":[{"name":"Authorization","value":"Bearer s3cret-s3cret"}]},
         "response":{"status":200,"headers":[],"content":{"size":2,"mimeType":"text/plain","text":"ok"}}},
        {"request":{"method":"GET"}}]}}"#;
    let dir = project(&[("day.har", har)]);
    let app = app(dir.path());
    app.execute(Command::OpenHar { file: "day.har".into() }).unwrap();
    let listed = wait("the import", || app.exchanges("").ok().filter(|all| !all.is_empty()));
    let [exchange] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((&*exchange.opened.url, exchange.status, exchange.done), ("http://shop.test/cart", Some(200), true));
    assert_eq!(exchange.opened.process.as_ref().map(|(_, name)| &**name), Some("imported"));
    app.execute(Command::SaveHar { file: "again.har".into() }).unwrap();
    let text = wait("the file", || std::fs::read_to_string(dir.path().join("again.har")).ok());
    assert!(text.contains("http://shop.test/cart") && !text.contains("s3cret"), "{text}");
    assert!(!dir.path().join("again.har.part").exists());
    app.execute(Command::ClearWeb).unwrap();
    assert!(app.exchanges("").unwrap().is_empty());
    app.execute(Command::OpenHar { file: "none.har".into() }).unwrap();
    wait("the message", || app.messages().iter().any(|message| message.text.contains("none.har")).then_some(()));
    app.shutdown(PATIENCE).unwrap();
}

#[test]
fn a_terminal_is_looked_at_from_its_first_byte_typed_into_and_ends_with_its_process() {
    let dir = project(&[(
        ".brum.toml",
        "[processes.asks]\nterminal = true\ncommand = 'stty size; printf \"Name: \"; read n; echo \"hello $n\"'\n",
    )]);
    let app = app(dir.path());
    let id = app.start_named("asks", &[]).unwrap();
    let attached = app.attach(id, (60, 12)).unwrap();
    let text = || attached.look().picture.all_text();
    wait("the prompt", || text().contains("Name:").then_some(()));
    attached.send(b"Ada\r").unwrap();
    wait("the answer", || text().contains("hello Ada").then_some(()));
    wait("the end", || attached.look().ended.then_some(()));
    ended(&app, id);
    assert_eq!(app.attach(id, (60, 12)).unwrap_err().code(), Code::InvalidState);
    assert!(lines(&app).iter().any(|line| line == "hello Ada"), "the log has it, too: {:?}", lines(&app));
    drop(attached);
    app.shutdown(PATIENCE).unwrap();
}

#[test]
fn what_a_process_has_beside_our_own_environment_is_known_without_its_secrets() {
    let settings =
        "[processes.api]\ncommand = \"exec sleep 600\"\nenv = { A = \"1\", B = \"3\" }\nenv_files = [\"x.env\"]\n";
    let package = r#"{"name":"shop","scripts":{"hello":"true"}}"#;
    let env = "B=2\nC=4\nAPI_TOKEN=hunter2\nDB=postgres://me:hunter2@localhost/shop\n";
    let dir = project(&[(".brum.toml", settings), ("x.env", env), ("package.json", package)]);
    let app = app(dir.path());
    let api = app.start_named("api", &[]).unwrap();
    std::fs::write(dir.path().join("x.env"), "C=other\nD=5\n").unwrap();
    let rows = app.process_environment(api);
    let told: Vec<(&str, &str, Option<&str>)> = rows
        .iter()
        .filter(|row| row.source.as_deref() != Some("Brummer"))
        .map(|row| (&*row.name, row.value.as_deref().unwrap_or("-"), row.source.as_deref()))
        .collect();
    let wanted = [
        ("A", "1", Some(".brum.toml")),
        ("API_TOKEN", "‹masked:7›", None),
        ("B", "3", Some(".brum.toml")),
        ("C", "4", Some("x.env")),
        ("DB", "‹masked:36›", None),
    ];
    assert_eq!(told, wanted, "values are those of the start, sources those that are there now");
    assert!(rows.iter().any(|row| &*row.name == "BRUMMER_PROCESS" && row.source.as_deref() == Some("Brummer")));
    let hello = app.start_named("hello", &[]).unwrap();
    let rows = app.process_environment(hello);
    let of = |name: &str| rows.iter().find(|row| &*row.name == name).expect(name);
    assert_eq!(of("npm_lifecycle_event").value.as_deref(), Some("hello"));
    assert_eq!(of("PATH").source.as_deref(), Some("the environment of npm scripts"));
    let path = of("PATH").value.as_deref().expect("it is changed");
    assert!(path.ends_with("node_modules/.bin:$PATH"), "{path}");
    ended(&app, hello);
    assert!(!app.process_environment(hello).is_empty(), "one that has ended had it too");
    app.execute(Command::Forget(hello)).unwrap();
    assert!(app.process_environment(hello).is_empty());
    app.shutdown(PATIENCE).unwrap();
}
