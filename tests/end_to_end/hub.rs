//! `brummer --mcp` between a client and real instances, which are killed, move, stall, talk garbage and end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Pipes, Project, Run, Signal, signal, until, until_within};

/// A stalled instance that was given up comes back with its next heartbeat, of which there is one in 30 s.
const BACK_AGAIN: Duration = Duration::from_secs(150);

/// Where all instances of a test register.
struct Registry(PathBuf);

impl Registry {
    fn of(project: &Project) -> Registry {
        Registry(project.runtime())
    }

    fn folder(&self) -> PathBuf {
        self.0.join("brummer/instances")
    }

    fn entries(&self) -> Vec<(PathBuf, Value)> {
        let files = std::fs::read_dir(self.folder()).into_iter().flatten().flatten().map(|file| file.path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        files
            .filter_map(|path| Some((path.clone(), serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?)))
            .collect()
    }

    /// The entry of the instance in this project.
    fn of_directory(&self, directory: &Path) -> Option<Value> {
        let is_it = |entry: &Value| entry["directory"].as_str().is_some_and(|own| Path::new(own) == directory);
        self.entries().into_iter().map(|(_, entry)| entry).find(is_it)
    }

    fn write(&self, entry: &Value) {
        let path = self.folder().join(format!("{}.json", entry["id"].as_str().expect("an id")));
        std::fs::write(path, entry.to_string()).expect("a file");
    }
}

/// One project, and Brummer in it.
struct One {
    name: String,
    project: Project,
    run: Run,
    entry: Value,
}

impl One {
    fn new(name: &str, registry: Option<&Registry>) -> One {
        let settings = format!(
            "no_mcp = false\nmcp_port = 0\nrunner = \"direct\"\n\n[mcp_manager]\nhealth_check_interval_ms = 3000\n\n\
             [processes.tick]\ncommand = \"while :; do echo a line of {name}; sleep 1; done\"\n\n\
             [processes.slow]\ncommand = \"sleep 3; echo done\"\n"
        );
        let project = Project::named(name);
        project.write(".brum.toml", settings);
        let own = Registry::of(&project);
        let registry = registry.unwrap_or(&own);
        let run = Run::start(command(&project, registry, "--no-tui"));
        let mut one = One { name: name.to_owned(), project, run, entry: Value::Null };
        one.wait_for_entry(registry);
        one
    }

    fn wait_for_entry(&mut self, registry: &Registry) {
        let directory = self.project.dir().canonicalize().expect("it is there");
        let before = self.entry["id"].clone();
        until("the instance is registered", || {
            self.entry = registry.of_directory(&directory).unwrap_or_default();
            self.entry.is_object() && self.entry["id"] != before
        });
    }

    /// The process that serves.
    fn pid(&self) -> u32 {
        self.entry["process_info"]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a pid")
    }

    fn is_gone(&self) {
        until("nobody of the project lives", || self.project.living().is_empty());
    }
}

fn command(project: &Project, registry: &Registry, word: &str) -> Command {
    let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), &[word]);
    command.env("XDG_RUNTIME_DIR", &registry.0);
    command
}

fn text(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {result}")).to_owned()
}

/// What the hub says of the instance with this name, if it lists it.
fn row(client: &mut Pipes, name: &str) -> Option<Value> {
    let listed = client.call("instances_list", json!({}));
    let rows = listed["structuredContent"]["instances"].as_array().expect("a list").clone();
    rows.into_iter().find(|row| row["name"] == name)
}

/// Whether the instance answers a call, and is the right one.
fn answers(client: &mut Pipes, one: &One) -> bool {
    let result = client.call("about", json!({ "instance": one.name }));
    result["structuredContent"]["project"] == one.name.as_str()
}

/// Begins to follow the lines of an instance, and waits until some have come.
fn follow(client: &mut Pipes, one: &One) -> u64 {
    let name = &one.name;
    client.call(&format!("{name}__scripts_run"), json!({ "name": "tick", "until": "started" }));
    // On a machine that stands still a check may fail, which ends the call; the next one is as good.
    for attempt in 0..5 {
        let token = format!("lines of {name} {} {attempt}", one.entry["port"]);
        let id = client.begin(
            "tools/call",
            json!({ "name": "logs_stream", "_meta": { "progressToken": token },
                "arguments": { "instance": name, "follow": true, "limit": 500, "timeout": 600 } }),
        );
        let is_progress = |message: &Value| message["params"]["progressToken"] == token.as_str();
        until("lines come as progress", || client.find(is_progress).is_some() || client.answer(id).is_some());
        if client.answer(id).is_none() {
            return id;
        }
    }
    panic!("calls to {name} do not go on");
}

/// A server that says nothing that anybody understands.
struct Garbage {
    port: u16,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Garbage {
    fn start() -> Garbage {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let ended = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&ended);
        let serve = move || {
            for mut stream in listener.incoming().flatten() {
                if own.load(Ordering::Acquire) {
                    return;
                }
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
            }
        };
        Garbage { port, ended, thread: Some(std::thread::spawn(serve)) }
    }
}

impl Drop for Garbage {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.take().map(JoinHandle::join);
    }
}

/// An entry in the words of a living one, of another instance.
fn entry_like(one: &One, id: &str, change: Value) -> Value {
    let mut entry = one.entry.clone();
    for (name, value) in json!({ "id": id, "name": id, "directory": format!("/nowhere/{id}") })
        .as_object()
        .into_iter()
        .chain(change.as_object())
        .flatten()
    {
        entry[name] = value.clone();
    }
    entry
}

/// Ends instances as a person does, and sees that nothing of them is left.
fn end(all: [One; 2]) {
    for one in all {
        one.run.signal(Signal::TERM);
        one.is_gone();
        one.run.finish();
    }
}

#[test]
fn mc10_five_instances_are_called_through_the_hub_while_they_die_move_stall_and_end() {
    let first = One::new("mill", None);
    let registry = Registry::of(&first.project);
    let mut all = vec![first];
    all.extend(["shop", "api", "docs", "web"].map(|name| One::new(name, Some(&registry))));
    let mut client = Pipes::legacy(command(&all[0].project, &registry, "--mcp"), &json!({}));

    // All are there, each is called, and calls without a name go to that of the client's folder.
    for one in &all {
        until("each is there", || answers(&mut client, one));
        assert!(row(&mut client, &one.name).is_some_and(|row| row["prefix"] == one.name.as_str()), "{}", one.name);
    }
    assert_eq!(client.call("about", json!({}))["structuredContent"]["project"], "mill");
    assert_eq!(client.call("hub_scripts_list", json!({ "instance_id": all[1].entry["id"] }))["isError"], Value::Null);
    let tools = client.ask("tools/list", json!({}))["tools"].to_string();
    assert!(tools.contains("instances_connect") && tools.contains("Which Brummer"), "{tools}");

    an_instance_is_killed_and_started_again(&mut client, &mut all[1], &registry);
    an_instance_stalls(&mut client, &all);
    entries_that_are_none_of_an_instance(&mut client, &all[0], &registry);

    // One that ends as it should is told of and gone.
    let one = all.pop().expect("five");
    let told = client.count("notifications/resources/list_changed");
    one.run.signal(Signal::TERM);
    until("it has left the list", || row(&mut client, &one.name).is_none());
    until("that is told", || client.count("notifications/resources/list_changed") > told);
    assert!(text(&client.call("about", json!({ "instance": "web" }))).contains("No instance is called `web`"));
    one.is_gone();
    one.run.finish();

    // The hub ends with its client, and nobody with it; nothing is left when the others have ended as well.
    client.finish();
    for one in all {
        assert!(!one.project.living().is_empty(), "{} lives on", one.name);
        one.run.signal(Signal::TERM);
        one.is_gone();
        one.run.finish();
    }
    assert_eq!(registry.entries(), []);
}

fn an_instance_is_killed_and_started_again(client: &mut Pipes, one: &mut One, registry: &Registry) {
    let held = follow(client, one);
    let told = client.count("notifications/resources/list_changed");
    let (pid, port) = (one.pid(), one.entry["port"].clone());
    signal(pid, Signal::KILL);
    let ended = client.result(held);
    assert!(
        ended["isError"] == true && text(&ended).contains("`shop`") && text(&ended).contains("went away"),
        "{ended}"
    );
    until("it has left the list", || row(client, "shop").is_none());
    until("that is told", || client.count("notifications/resources/list_changed") > told);
    let resources = client.ask("resources/list", json!({}))["resources"].to_string();
    assert!(!resources.contains("brummer://shop/") && resources.contains("brummer://api/"), "{resources}");
    one.is_gone();

    // Something else has its port meanwhile, so that it comes back at another one; nobody does anything for it.
    let _taken = port.as_u64().and_then(|port| TcpListener::bind(("127.0.0.1", u16::try_from(port).ok()?)).ok());
    let run = Run::start(command(&one.project, registry, "--no-tui"));
    std::mem::replace(&mut one.run, run).finish();
    one.wait_for_entry(registry);
    until("it answers again", || answers(client, one));
    let row = row(client, "shop").expect("it is listed");
    assert_eq!((&row["prefix"], &row["port"]), (&json!("shop"), &one.entry["port"]));
    assert_eq!(client.call("shop__about", json!({}))["structuredContent"]["project"], "shop");
}

fn an_instance_stalls(client: &mut Pipes, all: &[One]) {
    let stalled = &all[2];
    signal(stalled.pid(), Signal::STOP);
    let begun = Instant::now();
    let call = json!({ "name": "about", "arguments": { "instance": stalled.name } });
    let (given_up, waits) = (client.begin("tools/call", call.clone()), client.begin("tools/call", call));
    for one in all.iter().filter(|one| one.name != stalled.name) {
        until("the others answer", || answers(client, one));
    }
    // A check that fails ends the call, five seconds from now at the soonest.
    assert!(client.answer(waits).is_none() || begun.elapsed() > Duration::from_secs(3), "the others were first");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": given_up } }));
    let in_time = begun.elapsed() < Duration::from_secs(3);
    let ended = client.result(waits);
    assert!(ended["isError"] == true && text(&ended).contains("`api`"), "{ended}");
    until("it is known to be stalled", || row(client, &stalled.name).is_some_and(|row| row["state"] != "active"));
    // Whoever guards it has stopped with it, as a shell wants it of a job.
    stalled.run.signal(Signal::CONT);
    signal(stalled.pid(), Signal::CONT);
    until_within(BACK_AGAIN, "it is there again", || {
        row(client, &stalled.name).is_some_and(|row| row["state"] == "active") && answers(client, stalled)
    });
    assert!(!in_time || client.answer(given_up).is_none(), "what was given up is not answered");
}

fn entries_that_are_none_of_an_instance(client: &mut Pipes, one: &One, registry: &Registry) {
    let garbage = Garbage::start();
    let url = format!("http://127.0.0.1:{}/mcp", garbage.port);
    registry.write(&entry_like(one, "garbage", json!({ "port": garbage.port, "url": url })));
    // Says that it is at the address of another instance.
    registry.write(&entry_like(one, "impostor", json!({})));
    let mut process = one.entry["process_info"].clone();
    process["started"] = json!(process["started"].as_u64().expect("a time") + 7);
    registry.write(&entry_like(one, "recycled", json!({ "process_info": process })));
    for name in ["garbage", "impostor"] {
        until("it is known to be none", || row(client, name).is_some_and(|row| row["state"] == "dead"));
    }
    let refused = client.call("about", json!({ "instance": "garbage" }));
    assert!(refused["isError"] == true && text(&refused).contains("does not answer"), "{refused}");
    let refused = client.call("about", json!({ "instance": "impostor" }));
    assert!(refused["isError"] == true && text(&refused).contains("another program"), "{refused}");
    assert!(row(client, "recycled").is_none());
    until("an entry of nobody is removed", || !registry.folder().join("recycled.json").exists());
    until("the others are as they were", || answers(client, one));
    for name in ["garbage", "impostor"] {
        std::fs::remove_file(registry.folder().join(format!("{name}.json"))).expect("it was there");
        until("it has left the list", || row(client, name).is_none());
    }
}

#[test]
fn a_client_of_the_newest_revision_watches_follows_and_gives_up_through_the_hub() {
    let shop = One::new("shop", None);
    let registry = Registry::of(&shop.project);
    let api = One::new("api", Some(&registry));
    let elsewhere = Project::new();
    let mut client = Pipes::modern(command(&elsewhere, &registry, "--mcp"), &json!({}));
    for one in [&shop, &api] {
        until("each is there", || answers(&mut client, one));
    }

    // What is watched at one instance is told with the name that it has among those of all.
    let logs = "brummer://api/logs://recent";
    let filter = json!({ "resourcesListChanged": true, "resourceSubscriptions": [logs] });
    let listen = client.begin("subscriptions/listen", json!({ "notifications": filter }));
    until("it is acknowledged", || client.count("notifications/subscriptions/acknowledged") == 1);
    let held = follow(&mut client, &api);
    until("an update is told", || {
        client
            .find(|message| message["method"] == "notifications/resources/updated" && message["params"]["uri"] == logs)
            .is_some()
    });
    let read = client.ask("resources/read", json!({ "uri": logs }));
    assert!(read["contents"][0]["text"].as_str().is_some_and(|text| text.contains("a line of api")), "{read}");

    // A call that is given up is not answered, and the instance goes on.
    // On a machine that stands still a check may have failed, which ends the call.
    let early = client.answer(held);
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": held } }));
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": listen } }));
    until("the instance goes on", || answers(&mut client, &api));
    assert_eq!(client.answer(held), early);

    client.finish();
    end([shop, api]);
}

#[test]
fn what_takes_long_is_a_task_that_is_told_of_asked_for_and_cancelled_through_the_hub() {
    let shop = One::new("shop", None);
    let registry = Registry::of(&shop.project);
    let api = One::new("api", Some(&registry));
    let capabilities = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    let mut client = Pipes::modern(command(&shop.project, &registry, "--mcp"), &capabilities);
    until("it is there", || answers(&mut client, &api));
    let task = |client: &mut Pipes, tool: &str, arguments: Value| {
        let task = client.call(&format!("api__{tool}"), arguments);
        assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")), "{task}");
        let id = task["taskId"].as_str().expect("an id").to_owned();
        assert!(id.starts_with("api__"), "{id}");
        id
    };
    let get = |client: &mut Pipes, id: &str| client.ask("tasks/get", json!({ "taskId": id }));

    let id = task(&mut client, "scripts_run", json!({ "name": "slow", "until": "exit", "timeout": 100 }));
    until("it is completed", || get(&mut client, &id)["status"] == "completed");
    assert_eq!(get(&mut client, &id)["result"]["structuredContent"]["exitCode"], 0);

    client.call("api__scripts_run", json!({ "name": "tick", "until": "started" }));
    let id = task(&mut client, "logs_stream", json!({ "follow": true, "limit": 500, "timeout": 600 }));
    client.begin("subscriptions/listen", json!({ "notifications": { "taskIds": [id] } }));
    let is_told = |client: &Pipes, status: &str| {
        let is_it =
            |message: &Value| message["method"] == "notifications/tasks" && message["params"]["taskId"] == id.as_str();
        client.find(|message| is_it(message) && message["params"]["status"] == status).is_some()
    };
    until("how it is now is told", || is_told(&client, "working"));
    client.ask("tasks/cancel", json!({ "taskId": id }));
    until("its end is told", || is_told(&client, "cancelled"));
    assert_eq!(get(&mut client, &id)["status"], "cancelled");
    client.finish();
    end([shop, api]);
}

#[test]
fn a_client_that_tells_its_folder_is_asked_for_it_and_served_there() {
    let shop = One::new("shop", None);
    let registry = Registry::of(&shop.project);
    let api = One::new("api", Some(&registry));
    let elsewhere = Project::new();
    let mut client = Pipes::legacy(command(&elsewhere, &registry, "--mcp"), &json!({ "roots": {} }));
    let count = |client: &mut Pipes| {
        let listed = client.call("instances_list", json!({}))["structuredContent"]["instances"].clone();
        listed.as_array().map(|all| all.iter().filter(|row| row["state"] == "active").count())
    };
    until("both are there", || count(&mut client) == Some(2));
    let id = client.begin("tools/call", json!({ "name": "about", "arguments": {} }));
    until("the hub asks", || client.find(|message| message["method"] == "roots/list").is_some());
    let question = client.find(|message| message["method"] == "roots/list").expect("it has come");
    let uri = format!("file://{}", api.project.dir().canonicalize().expect("it is there").display());
    client.send(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "roots": [{ "uri": uri }] } }));
    assert_eq!(client.result(id)["structuredContent"]["project"], "api");
    assert_eq!(client.call("about", json!({}))["structuredContent"]["project"], "api", "it is not asked again");
    assert!(text(&client.call("instances_connect", json!({ "instance_id": "shop" }))).contains("`shop`"));
    assert_eq!(client.call("about", json!({}))["structuredContent"]["project"], "shop", "what is chosen comes first");
    client.finish();
    end([shop, api]);
}
