//! Tools that become tasks where the client takes one.

use std::sync::mpsc::channel;
use std::time::Duration;

use brummer::mcp::call::{Call, TaskOptions};
use brummer::mcp::protocol::{CallError, ToolResult, meta};
use serde_json::json;

use crate::asks::form;
use crate::tools::aside;

const OPTIONS: TaskOptions = TaskOptions { ttl: Duration::from_secs(300), poll: Duration::from_millis(100) };

pub(crate) fn call(call: Call) {
    match call.name() {
        "greet" => {
            let name = call.argument("name").and_then(|name| name.as_str().map(str::to_owned));
            call.say(format!("Hello, {}!", name.as_deref().unwrap_or("World")));
        }
        "failing_job" if !call.can_be_task() => {
            let required = json!({ "extensions": { meta::TASKS: {} } });
            call.fail(CallError::missing_capability(&required));
        }
        "test_tool_with_task" => {
            let Some(answer) = call.answer("user_name") else {
                let ask = form("What is your name?", json!({ "name": { "type": "string" } }));
                return call.ask([("user_name", ask)], None);
            };
            let text = format!("Hello, {}!", answer.0["content"]["name"].as_str().unwrap_or("nobody"));
            call.become_task(OPTIONS);
            aside(call, |call| call.say(text));
        }
        name => {
            let yes = json!({ "confirm": { "type": "boolean" } });
            let asks = match name {
                "confirm_delete" => vec![("confirm", form("Really delete?", yes))],
                "multi_input" => vec![("first", form("First?", yes.clone())), ("second", form("Second?", yes))],
                _ => Vec::new(),
            };
            call.become_task(OPTIONS);
            let open: Vec<_> = asks.into_iter().filter(|(key, _)| call.answer(key).is_none()).collect();
            match open.is_empty() {
                false => call.ask(open, None),
                true => aside(call, work),
            }
        }
    }
}

fn work(call: Call) {
    let seconds = call.argument("seconds").and_then(|seconds| seconds.as_f64()).unwrap_or(0.2);
    let (cancelled, told) = channel();
    let guard = call.on_cancel(move || {
        let _ = cancelled.send(());
    });
    let was_cancelled = told.recv_timeout(Duration::from_secs_f64(seconds.clamp(0.0, 60.0))).is_ok();
    drop(guard);
    match call.name() {
        _ if was_cancelled => call.say("Cancelled."),
        "failing_job" => call.finish(ToolResult::error("The job has failed, as it always does.")),
        "protocol_error_job" => call.fail(CallError::internal("The server has failed, as it always does.")),
        "slow_compute" => call.say(format!("Computed for {seconds} seconds.")),
        _ => call.say("Done."),
    }
}
