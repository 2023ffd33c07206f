//! A real server at each end of the hub: what clients and instances say to each other passes through it.

use crossbeam::channel::{Receiver, Sender, unbounded};

use serde_json::value::{RawValue, to_raw_value};

use super::*;
use crate::mcp::call::{Call, TaskOptions};
use crate::mcp::client::{self, Incoming, Reply, Target, Wanted};
use crate::mcp::protocol::{Ask, Era, Item, Level, List, ServerInfo, Tool};
use crate::mcp::registry::Watch;
use crate::mcp::server::{Config, Server};
use crate::runtime::Context;

/// An instance whose calls the test holds.
struct Held {
    info: ServerInfo,
    tools: Arc<List>,
    none: Arc<List>,
    calls: Sender<Call>,
}

impl Provider for Held {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn list(&self, kind: ListKind) -> Arc<List> {
        Arc::clone(if kind == ListKind::Tools { &self.tools } else { &self.none })
    }

    fn call(&self, call: Call) {
        // After the end of a test nobody holds it.
        let _ = self.calls.send(call);
    }
}

/// A client, the hub and two instances, `shop` and `api`.
struct Way {
    client: client::Client,
    calls: [Receiver<Call>; 2],
    // In the order in which they are to end.
    _front: Server,
    hub: Arc<Hub>,
    _instances: Vec<Server>,
    _dir: tempfile::TempDir,
}

fn instance_of(name: &str, dir: &Path) -> (Server, Receiver<Call>) {
    let (sender, calls) = unbounded();
    let tool = Tool { name: "work".into(), input_schema: json!({ "type": "object" }), ..Tool::default() };
    let held = Held {
        info: ServerInfo { name: "brummer".into(), version: "1".into(), ..ServerInfo::default() },
        tools: Arc::new(List::new(vec![Item::from(&tool)])),
        none: Arc::new(List::new(Vec::new())),
        calls: sender,
    };
    let config = Config { instance: Some(name.to_owned()), ..Config::on_port(0) };
    let server = Server::start(config, Arc::new(held)).unwrap();
    let entry = Instance { version: "1".to_owned(), ..file(name, server.port()) };
    std::fs::write(dir.join(format!("{name}.json")), serde_json::to_vec(&entry).unwrap()).unwrap();
    (server, calls)
}

fn way(era: Era) -> Way {
    let dir = tempfile::tempdir().unwrap();
    let (shop, of_shop) = instance_of("shop", dir.path());
    let (api, of_api) = instance_of("api", dir.path());
    let options = Options {
        registry: Folder::at(dir.path()),
        folder: "/home/me/shop".into(),
        settings: Settings::default(),
        each: false,
    };
    let hub = Arc::new(Hub::start(options).unwrap());
    assert!(hub.settle(PATIENCE));
    let front = Server::start(Config::on_port(0), Arc::clone(&hub) as Arc<dyn Provider>).unwrap();
    let options = client::Options {
        capabilities: raw(&json!({ "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} } })),
        ..client::Options::new("test")
    };
    let target = Target::of("hub", &front.url()).unwrap();
    if era == Era::Legacy {
        options.eras.learn(&format!("127.0.0.1:{}", front.port()), Era::Legacy);
    }
    let client = client::Client::new(target, options);
    assert_eq!(client.initialize(&Context::background()).unwrap().version.era(), era);
    Way { client, calls: [of_shop, of_api], _front: front, hub, _instances: vec![shop, api], _dir: dir }
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

impl Way {
    fn held(&self, at: usize) -> Call {
        self.calls[at].recv_timeout(PATIENCE).expect("the call comes")
    }

    /// Calls a method; what came before the answer with it.
    fn ask(&self, context: &Context, method: &'static str, params: &Value, meta: &Value) -> (Reply, Vec<Value>) {
        let members = |value: &Value| -> Vec<(String, Box<RawValue>)> {
            value.as_object().unwrap().iter().map(|(name, value)| (name.clone(), raw(value))).collect()
        };
        let (params, meta) = (members(params), members(meta));
        let params: Vec<(&str, &RawValue)> = params.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let meta: Vec<(&str, &RawValue)> = meta.iter().map(|(name, value)| (name.as_str(), &**value)).collect();
        let mut heard = Vec::new();
        let call = client::Call { params: &params, meta: &meta, ..client::Call::new(method) };
        let reply = self.client.call(context, &call, &mut |incoming| {
            if let Incoming::Notification { method, params } = incoming {
                let params: Value = serde_json::from_str(params.unwrap().get()).unwrap();
                heard.push(json!({ "method": method, "params": params }));
            }
            Ok(())
        });
        (reply.unwrap(), heard)
    }

    fn result(&self, method: &'static str, params: &Value) -> Value {
        let context = Context::background().with_timeout(PATIENCE);
        serde_json::from_str(self.ask(&context, method, params, &json!({})).0.result().unwrap().get()).unwrap()
    }

    fn until(&self, what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < end, "{what}");
            std::thread::yield_now();
        }
    }

    /// Begins a call of `work` at `api`, and has it become a task.
    fn task(&self) -> (Call, String) {
        std::thread::scope(|scope| {
            let params = json!({ "name": "work", "arguments": { "instance": "api" } });
            let begun = scope.spawn(move || self.result("tools/call", &params));
            let held = self.held(1);
            held.become_task(TaskOptions::default());
            let task = begun.join().unwrap();
            assert_eq!((&task["resultType"], &task["status"]), (&json!("task"), &json!("working")));
            (held, task["taskId"].as_str().unwrap().to_owned())
        })
    }
}

#[test]
fn mc10_progress_and_log_messages_pass_in_both_eras_and_bear_the_clients_own_names() {
    for era in [Era::Modern, Era::Legacy] {
        let way = way(era);
        if era == Era::Legacy {
            way.result("logging/setLevel", &json!({ "level": "info" }));
        }
        let meta =
            json!({ "progressToken": "mine", "io.modelcontextprotocol/logLevel": "info", "traceparent": "00-1" });
        let context = Context::background().with_timeout(PATIENCE);
        let (reply, heard) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| way.ask(&context, "tools/call", &json!({ "name": "work" }), &meta));
            let held = way.held(0);
            assert!(held.spec().meta.as_ref().unwrap().get().contains("\"traceparent\":\"00-1\""));
            held.progress(1.0, Some(4.0), Some("a step"));
            held.log(Level::Debug, None, &"no");
            held.log(Level::Warning, Some("part"), &json!({ "deep": [1] }));
            held.say("done");
            asked.join().unwrap()
        });
        let told: Vec<Value> = heard
            .iter()
            .map(|message| json!([message["method"], message["params"]["progressToken"], message["params"]["data"]]))
            .collect();
        let progress = json!(["notifications/progress", "mine", null]);
        assert_eq!(told, [progress, json!(["notifications/message", null, { "deep": [1] }])], "{era:?}");
        assert_eq!(heard[0]["params"]["message"], "a step");
        assert!(reply.result().unwrap().get().contains("done"));
    }
}

#[test]
fn mc10_a_call_that_the_client_gives_up_is_given_up_at_the_instance_in_both_eras() {
    for era in [Era::Modern, Era::Legacy] {
        let way = way(era);
        let context = Context::background().with_timeout(PATIENCE);
        std::thread::scope(|scope| {
            let (way, own) = (&way, context.clone());
            let arguments = json!({ "instance": "api" });
            let (name, arguments) = (raw(&json!("work")), raw(&arguments));
            let asked = scope.spawn(move || {
                let params: [(&str, &RawValue); 2] = [("name", &name), ("arguments", &arguments)];
                let call = client::Call { params: &params, ..client::Call::new("tools/call") };
                way.client.call(&own, &call, &mut |_| Ok(()))
            });
            let held = way.held(1);
            context.cancel();
            assert!(asked.join().unwrap().is_err());
            way.until("the instance hears of it", || held.is_cancelled());
        });
    }
}

#[test]
fn mc10_a_task_of_an_instance_is_asked_for_answered_and_ended_through_the_hub() {
    let way = way(Era::Modern);
    let get = |id: &str| way.result("tasks/get", &json!({ "taskId": id }));
    let (held, id) = way.task();
    assert!(id.starts_with("api__"), "{id}");
    held.ask([("sure", Ask::confirm("Sure?"))], None);
    way.until("it asks", || get(&id)["status"] == "input_required");
    let task = get(&id);
    assert_eq!(task["taskId"], json!(id));
    let name = task["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let answers = json!({ name: { "action": "accept", "content": { "confirm": true } } });
    way.result("tasks/update", &json!({ "taskId": id, "inputResponses": answers }));
    let held = way.held(1);
    assert!(held.answer("sure").is_some(), "the answer came to the instance");
    held.say("end");
    way.until("it is completed", || get(&id)["status"] == "completed");
    assert_eq!(get(&id)["result"]["content"][0]["text"], "end");

    let (held, id) = way.task();
    for _ in 0..2 {
        way.result("tasks/cancel", &json!({ "taskId": id }));
    }
    way.until("the instance has heard of it", || held.is_cancelled());
    assert_eq!(get(&id)["status"], "cancelled");
    let context = Context::background().with_timeout(PATIENCE);
    for unknown in ["api__x", "x", "web__x"] {
        let reply = way.ask(&context, "tasks/get", &json!({ "taskId": unknown }), &json!({})).0;
        assert!(matches!(reply, Reply::Failure { code: -32602, .. }), "{unknown}: {reply:?}");
    }
}

#[test]
fn mc10_who_listens_for_a_task_is_told_of_each_of_its_states_through_the_hub() {
    let way = way(Era::Modern);
    let (held, id) = way.task();
    let (context, told) = (Context::background(), parking_lot::Mutex::new(Vec::new()));
    let wanted = Wanted { tasks: vec![id.clone(), "api__x".into(), "x".into()], ..Wanted::default() };
    std::thread::scope(|scope| {
        let listened = scope.spawn(|| {
            way.client.listen(&context, &wanted, &mut |incoming| {
                if let Incoming::Notification { method, params } = incoming {
                    let params: Value = serde_json::from_str(params.unwrap().get()).unwrap();
                    told.lock().push((method.to_owned(), params));
                }
            })
        });
        let is_told = |status: &str| told.lock().iter().any(|(_, params)| params["status"] == status);
        way.until("it listens", || !told.lock().is_empty());
        // What is not an instance's is not heeded.
        assert_eq!(told.lock()[0].1["notifications"]["taskIds"], json!([id, "api__x"]));
        way.until("how it is now is told", || is_told("working"));
        held.ask([("sure", Ask::confirm("Sure?"))], None);
        way.until("that it asks is told", || is_told("input_required"));
        way.result("tasks/cancel", &json!({ "taskId": id }));
        way.until("its end is told", || is_told("cancelled"));
        context.cancel();
        assert!(listened.join().unwrap().is_err());
    });
    let told = told.lock();
    let (method, params) = told.last().unwrap();
    assert_eq!((method.as_str(), &params["taskId"]), ("notifications/tasks", &json!(id)));
    assert!(params["_meta"]["io.modelcontextprotocol/subscriptionId"].is_i64(), "the client's own: {params}");
}

#[test]
fn a_stop_ends_calls_that_go_on_with_a_word() {
    let way = way(Era::Modern);
    let context = Context::background().with_timeout(PATIENCE);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| way.ask(&context, "tools/call", &json!({ "name": "work" }), &json!({})));
        let _held = way.held(0);
        way.hub.stop();
        let result = asked.join().unwrap().0.result().unwrap();
        assert!(result.get().contains("\"isError\":true"), "{}", result.get());
    });
    let folder = Folder::at(way._dir.path());
    assert_eq!(Watch::new(folder).look().map(|all| all.len()), Some(2), "the instances live on");
}
