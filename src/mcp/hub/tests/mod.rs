//! The hub between a client and instances that are killed, move, stall or talk garbage.

mod through;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Hub, Options};
use crate::mcp::Notifier;
use crate::mcp::call::{CallKind, CallSpec, Desk};
use crate::mcp::client::fake::{self, PATIENCE, Server};
use crate::mcp::manager::Settings;
use crate::mcp::protocol::{Answer, CallError, Client, ListKind};
use crate::mcp::provider::Provider;
use crate::mcp::registry::{Folder, Instance, sample};

/// A hub, a registry, and what was told of changes.
struct Lab {
    dir: tempfile::TempDir,
    hub: Hub,
    changes: Box<dyn Fn() -> (Vec<ListKind>, Vec<String>)>,
}

impl Lab {
    fn new(folder: &str, servers: &[(&str, &Server)]) -> Lab {
        Lab::with(folder, servers, false)
    }

    fn with(folder: &str, servers: &[(&str, &Server)], each: bool) -> Lab {
        let dir = tempfile::tempdir().unwrap();
        servers.iter().for_each(|(name, server)| register(dir.path(), name, server.port));
        let settings = Settings { backoff_first: Duration::from_millis(10), ..Settings::default() };
        let registry = Folder::at(dir.path());
        let hub = Hub::start(Options { registry, folder: PathBuf::from(folder), settings, each }).unwrap();
        let (notifier, changes) = Notifier::pair();
        hub.started(notifier);
        assert!(hub.settle(PATIENCE));
        Lab { dir, hub, changes: Box::new(changes) }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn begin(&self, spec: CallSpec) -> Desk {
        let (call, desk) = Desk::call(spec);
        self.hub.call(call);
        desk
    }

    fn tool(&self, name: &str, arguments: &Value) -> Result<Value, CallError> {
        self.begin(CallSpec::new(CallKind::Tool, name).with(arguments)).result(PATIENCE)
    }

    /// The text of a tool's result.
    fn text(&self, name: &str, arguments: &Value) -> String {
        let result = self.tool(name, arguments).unwrap_or_else(|error| panic!("{name}: {error}"));
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    fn names(&self, kind: ListKind) -> Vec<String> {
        self.hub.list(kind).items.iter().map(|item| item.name.to_string()).collect()
    }

    fn instances(&self) -> Vec<Value> {
        let result = self.tool("instances_list", &json!({})).unwrap();
        result["structuredContent"]["instances"].as_array().unwrap().clone()
    }

    fn wait(&self, what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < end, "{what}: {:?}", self.instances());
            std::thread::yield_now();
        }
    }
}

fn file(name: &str, port: u16) -> Instance {
    Instance {
        name: name.to_owned(),
        directory: format!("/home/me/{name}"),
        port,
        version: String::new(),
        url: format!("http://127.0.0.1:{port}/mcp"),
        ..sample(name)
    }
}

fn register(dir: &Path, name: &str, port: u16) {
    let draft = dir.join(".draft");
    std::fs::write(&draft, serde_json::to_vec(&file(name, port)).unwrap()).unwrap();
    std::fs::rename(draft, dir.join(format!("{name}.json"))).unwrap();
}

fn instance(name: &'static str) -> Server {
    fake::Instance { name, ..Default::default() }.start()
}

#[test]
fn one_instance_is_called_without_being_named() {
    let shop = instance("shop");
    let lab = Lab::new("/elsewhere", &[("shop", &shop)]);
    assert_eq!(lab.text("whoami", &json!({})), "shop");
    assert_eq!(lab.text("shop__whoami", &json!({})), "shop");
    assert_eq!(lab.text("hub_whoami", &json!({ "instance_id": "shop" })), "shop");
    let names =
        ["instances_list", "instances_connect", "instances_disconnect", "whoami", "echo", "slow", "steps", "fail"];
    assert_eq!(lab.names(ListKind::Tools), names);
    assert_eq!(lab.names(ListKind::Resources), ["brummer://shop/logs://recent"]);
    assert_eq!(lab.names(ListKind::Templates), ["brummer://shop/logs://process/{name}"]);
    assert_eq!(lab.names(ListKind::Prompts), ["debug_error"]);
    let rows = lab.instances();
    assert_eq!(
        (&rows[0]["default"], &rows[0]["state"], &rows[0]["prefix"]),
        (&json!(true), &json!("active"), &json!("shop"))
    );
    assert_eq!(lab.tool("nothing", &json!({})).unwrap_err().code, -32602);
}

#[test]
fn results_and_errors_pass_untouched_and_arguments_of_the_hub_do_not_reach_the_instance() {
    let (shop, api) = (instance("shop"), instance("api"));
    let lab = Lab::new("/elsewhere", &[("shop", &shop), ("api", &api)]);
    let text = lab.text("echo", &json!({ "text": "ü", "instance": "api", "deep": { "instance": 1 } }));
    assert_eq!(text, json!({ "text": "ü", "deep": { "instance": 1 } }).to_string());
    let error = lab.tool("fail", &json!({ "instance": "shop" })).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (-32602, "no such thing"));
    let read = |uri: &str| lab.begin(CallSpec::new(CallKind::Resource, uri)).result(PATIENCE).unwrap();
    assert_eq!(read("brummer://api/logs://recent")["contents"][0]["text"], "logs://recent of api");
    assert_eq!(read("brummer://api/logs://recent")["contents"][0]["uri"], "brummer://api/logs://recent");
    let prompt = lab.begin(CallSpec::new(CallKind::Prompt, "api__debug_error")).result(PATIENCE).unwrap();
    assert_eq!(prompt["description"], "api");
}

#[test]
fn of_several_the_one_of_the_folder_is_meant_or_the_one_that_was_chosen() {
    let (shop, api) = (instance("shop"), instance("api"));
    let all = [("shop", &shop), ("api", &api)];
    let lab = Lab::new("/home/me/api/src", &all);
    assert_eq!(lab.text("whoami", &json!({})), "api");
    assert!(lab.text("instances_connect", &json!({ "instance_id": "shop" })).contains("`shop`"));
    assert_eq!(lab.text("whoami", &json!({})), "shop");
    lab.text("instances_disconnect", &json!({}));
    assert_eq!(lab.text("whoami", &json!({})), "api");
    assert!(lab.text("instances_connect", &json!({ "instance_id": "web" })).contains("shop, api"));
    let lab = Lab::new("/elsewhere", &all);
    let refused = lab.text("whoami", &json!({}));
    assert!(refused.contains("Several Brummers run") && refused.contains("/home/me/shop"), "{refused}");
    assert_eq!(lab.text("whoami", &json!({ "instance": "/home/me/shop/" })), "shop");
    assert_eq!(lab.text("whoami", &json!({})), "shop", "the last used");
}

#[test]
fn a_client_that_tells_its_folder_is_asked_once() {
    let (shop, api) = (instance("shop"), instance("api"));
    let lab = Lab::new("/elsewhere", &[("shop", &shop), ("api", &api)]);
    let capabilities = serde_json::value::to_raw_value(&json!({ "roots": {} })).unwrap();
    let spec =
        CallSpec { client: Arc::new(Client::of(None, Some(&capabilities))), ..CallSpec::new(CallKind::Tool, "whoami") };
    let asked = lab.begin(spec.clone()).result(PATIENCE).unwrap_err();
    assert!(asked.message.contains("asks"), "{asked}");
    let roots = json!({ "roots": [{ "uri": "file:///home/me/api" }] });
    let answered = CallSpec { answers: [(super::forward::ROOTS.to_owned(), Answer(roots))].into(), ..spec.clone() };
    assert_eq!(lab.begin(answered).result(PATIENCE).unwrap()["content"][0]["text"], "api");
    assert_eq!(lab.begin(spec).result(PATIENCE).unwrap()["content"][0]["text"], "api");
    let sent = api.heard().pop().unwrap();
    assert!(sent.params().get("inputResponses").is_none(), "the hub's own question is not the instance's");
}

#[test]
fn questions_of_an_instance_reach_the_client_and_the_answers_the_instance() {
    let inner = fake::Instance { name: "shop", ..Default::default() };
    let shop = Server::start(move |request, out| {
        if request.method() != "tools/call" {
            return inner.serve_one(request, out);
        }
        let params = request.params();
        if params["requestState"] == "s-1" && params["inputResponses"]["sure"]["action"] == "accept" {
            return out.result(
                request,
                &json!({ "resultType": "complete", "content": [{ "type": "text", "text": "done" }] }),
            );
        }
        let form = json!({ "method": "elicitation/create", "params": { "message": "Sure?" } });
        out.result(
            request,
            &json!({ "resultType": "input_required", "inputRequests": { "sure": form }, "requestState": "s-1" }),
        );
    });
    let lab = Lab::new("/elsewhere", &[("shop", &shop)]);
    let capabilities =
        serde_json::value::to_raw_value(&json!({ "elicitation": { "form": {} }, "extensions": {} })).unwrap();
    let client = Arc::new(Client::of(None, Some(&capabilities)));
    let spec = CallSpec { client, ..CallSpec::new(CallKind::Tool, "whoami") };
    let desk = lab.begin(spec.clone());
    let Some(crate::mcp::call::Event::Ask { asks, state }) = desk.event(PATIENCE) else { panic!("it asks") };
    assert_eq!((asks[0].0.as_str(), asks[0].1.method.as_str()), ("sure", "elicitation/create"));
    let declared = &shop.heard().pop().unwrap().params()["_meta"]["io.modelcontextprotocol/clientCapabilities"].clone();
    assert_eq!(*declared, json!({ "elicitation": { "form": {} } }));
    let answers = [("sure".to_owned(), Answer(json!({ "action": "accept" })))].into();
    assert_eq!(lab.begin(CallSpec { answers, state, ..spec }).result(PATIENCE).unwrap()["content"][0]["text"], "done");
}

#[test]
fn progress_passes_through_and_a_cancel_reaches_the_instance() {
    let shop = instance("shop");
    let lab = Lab::new("/elsewhere", &[("shop", &shop)]);
    let desk = lab.begin(CallSpec { wants_progress: true, ..CallSpec::new(CallKind::Tool, "steps") });
    let mut steps = Vec::new();
    while let Some(crate::mcp::call::Event::Progress(step)) = desk.event(PATIENCE) {
        steps.push((step.progress, step.total));
    }
    assert_eq!(steps, [(1.0, Some(2.0)), (2.0, Some(2.0))]);
    let desk = lab.begin(CallSpec::new(CallKind::Tool, "slow"));
    shop.wait_for("tools/call", 2);
    desk.cancel();
    assert!(desk.result(PATIENCE).is_err(), "nothing but the word that it was given up");
    assert_eq!(lab.text("whoami", &json!({})), "shop");
}

#[test]
fn with_several_instances_a_tool_is_listed_once_and_takes_the_instance_as_an_argument() {
    let shop = instance("shop");
    let api = fake::Instance { name: "api", more_tools: vec!["deploy"], ..Default::default() }.start();
    let lab = Lab::new("/elsewhere", &[("shop", &shop), ("api", &api)]);
    let names = lab.names(ListKind::Tools);
    assert_eq!(names.iter().filter(|name| name.contains("whoami")).count(), 1, "{names:?}");
    let list = lab.hub.list(ListKind::Tools);
    let tool = |name: &str| list.items.iter().find(|tool| &*tool.name == name).unwrap().json.get().to_owned();
    assert!(tool("whoami").contains("Which Brummer"));
    assert_eq!(lab.text("deploy", &json!({})), "deploy", "only one has it");
    let prompts = lab.names(ListKind::Prompts);
    assert_eq!(prompts, ["debug_error", "shop__debug_error", "api__debug_error"]);
    drop(lab);
    let lab = Lab::with("/elsewhere", &[("shop", &shop), ("api", &api)], true);
    let names = lab.names(ListKind::Tools);
    assert!(names.contains(&"shop__whoami".to_owned()) && names.contains(&"api__deploy".to_owned()), "{names:?}");
}

#[test]
fn mc10_updates_of_resources_that_are_watched_reach_the_client_in_both_eras() {
    for legacy in [false, true] {
        let inner = fake::Instance { name: "shop", legacy, ..Default::default() };
        let bell = Arc::clone(&inner.bell);
        let shop = inner.start();
        let lab = Lab::new("/elsewhere", &[("shop", &shop)]);
        for uri in ["brummer://shop/logs://recent", "logs://recent"] {
            lab.hub.watched(uri, true);
        }
        match legacy {
            true => shop.wait_for("resources/subscribe", 1),
            false => {
                let is_wanted = |request: &fake::Request| {
                    request.params()["notifications"]["resourceSubscriptions"] == json!(["logs://recent"])
                };
                lab.wait("listens for it", || shop.heard().iter().any(is_wanted));
            }
        }
        bell.say("notifications/resources/updated", json!({ "uri": "logs://recent" }));
        bell.say("notifications/resources/updated", json!({ "uri": "logs://errors" }));
        let heard = parking_lot::Mutex::new(std::collections::BTreeSet::new());
        lab.wait("is told", || {
            heard.lock().extend((lab.changes)().1);
            heard.lock().len() == 2
        });
        assert!(heard.lock().contains("brummer://shop/logs://recent") && heard.lock().contains("logs://recent"));
    }
}

#[test]
fn an_instance_that_says_its_list_changed_is_asked_again() {
    let inner = fake::Instance { name: "shop", ..Default::default() };
    let bell = Arc::clone(&inner.bell);
    let shop = inner.start();
    let _lab = Lab::new("/elsewhere", &[("shop", &shop)]);
    bell.say("notifications/tools/list_changed", json!({}));
    shop.wait_for("tools/list", 2);
}

#[test]
fn instances_that_come_and_go_are_told_of() {
    let (shop, api) = (instance("shop"), instance("api"));
    let lab = Lab::new("/elsewhere", &[]);
    assert!(lab.text("whoami", &json!({})).contains("No Brummer runs"));
    register(lab.path(), "shop", shop.port);
    lab.wait("shop is found", || lab.names(ListKind::Tools).contains(&"whoami".to_owned()));
    lab.wait("that is told", || (lab.changes)().0.contains(&ListKind::Tools));
    register(lab.path(), "api", api.port);
    lab.wait("api is found", || lab.names(ListKind::Resources).len() == 2);
    std::fs::remove_file(lab.path().join("shop.json")).unwrap();
    lab.wait("shop is gone", || lab.names(ListKind::Resources).len() == 1);
    assert_eq!(lab.text("whoami", &json!({})), "api");
    assert_eq!(lab.instances().len(), 1);
}

#[test]
fn an_instance_that_is_killed_ends_its_calls_with_a_word_and_comes_back_at_another_port() {
    let (shop, api) = (instance("shop"), instance("api"));
    let lab = Lab::new("/home/me/shop", &[("shop", &shop), ("api", &api)]);
    let desk = lab.begin(CallSpec::new(CallKind::Tool, "slow"));
    shop.wait_for("tools/call", 1);
    drop(shop);
    let result = desk.result(PATIENCE).unwrap();
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(result["isError"] == true && text.contains("`shop`") && text.contains("went away"), "{text}");
    lab.wait("it is dead", || lab.instances()[0]["state"] == "dead");
    assert_eq!(lab.text("api__whoami", &json!({})), "api");
    let shop = instance("shop again");
    register(lab.path(), "shop", shop.port);
    lab.wait("it is back", || lab.instances()[0]["state"] == "active");
    assert_eq!(lab.text("whoami", &json!({})), "shop again");
    assert_eq!(lab.instances()[0]["prefix"], "shop");
}

#[test]
fn mc10_an_instance_that_stalls_or_talks_garbage_delays_nobody() {
    let inner = fake::Instance { name: "stalled", ..Default::default() };
    let stalled = Server::start(move |request, out| match request.method() {
        "tools/call" => out.wait_until_closed(),
        _ => inner.serve_one(request, out),
    });
    let inner = fake::Instance { name: "garbage", ..Default::default() };
    let garbage = Server::start(move |request, out| match request.method() {
        "tools/call" => {
            out.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{{{{{");
            out.close();
        }
        _ => inner.serve_one(request, out),
    });
    let shop = instance("shop");
    let lab = Lab::new("/home/me/shop", &[("stalled", &stalled), ("garbage", &garbage), ("shop", &shop)]);
    let waiting: Vec<Desk> = (0..30)
        .map(|_| lab.begin(CallSpec::new(CallKind::Tool, "whoami").with(&json!({ "instance": "stalled" }))))
        .collect();
    for _ in 0..20 {
        assert_eq!(lab.text("whoami", &json!({})), "shop");
        assert!(lab.text("whoami", &json!({ "instance": "garbage" })).contains("garbage"));
    }
    let (full, held): (Vec<Desk>, Vec<Desk>) =
        waiting.into_iter().partition(|desk| desk.event(Duration::from_millis(1)).is_some());
    assert_eq!((full.len(), held.len()), (6, 24), "those beyond the share of one instance are refused at once");
    drop(lab);
    for desk in held {
        assert_eq!(desk.result(PATIENCE).unwrap()["isError"], true, "ended with the hub");
    }
}
