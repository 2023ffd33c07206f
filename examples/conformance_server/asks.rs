//! Tools that ask before they answer.

use brummer::mcp::call::Call;
use brummer::mcp::protocol::{Ask, CallError, Era, ToolResult};
use serde_json::{Value, json};

pub(crate) const TOOLS: &[&str] = &[
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

pub(crate) fn form(message: &str, properties: Value) -> Ask {
    let required: Vec<String> = properties.as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    Ask::form(message, &json!({ "type": "object", "properties": properties, "required": required }))
}

fn text_form(message: &str, name: &str) -> Ask {
    form(message, json!({ name: { "type": "string" } }))
}

fn sample(text: &str, tokens: u32) -> Ask {
    let content = json!({ "type": "text", "text": text });
    Ask::sample(json!({ "messages": [{ "role": "user", "content": content }], "maxTokens": tokens }))
}

/// Asks what has no answer yet; true if everything has one.
fn has_all(call: Call, asks: Vec<(&'static str, Ask)>) -> Option<Call> {
    let open: Vec<_> = asks.into_iter().filter(|(key, _)| call.answer(key).is_none()).collect();
    if open.is_empty() {
        return Some(call);
    }
    call.ask(open, Some("asked".into()));
    None
}

fn answer(call: &Call, key: &str) -> Value {
    call.answer(key).map(|answer| answer.0.clone()).unwrap_or_default()
}

pub(crate) fn call(call: Call) {
    let argument =
        |name: &str| call.argument(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let asks = match call.name() {
        "test_sampling" => vec![("sample", sample(&argument("prompt"), 100))],
        "test_elicitation" | "test_streaming_elicitation" => {
            let properties = json!({ "username": { "type": "string" }, "email": { "type": "string" } });
            vec![("user", form(&format!("Who are you? {}", argument("message")), properties))]
        }
        "test_elicitation_sep1034_defaults" => vec![("defaults", Ask::form("Defaults", &defaults()))],
        "test_elicitation_sep1330_enums" => vec![("enums", Ask::form("Enumerations", &enums()))],
        "test_missing_capability" => {
            let missing = CallError::missing_capability(&json!({ "sampling": {} }));
            return match call.client().capabilities.sampling {
                true => call.say("The client has sampling."),
                false => call.fail(missing),
            };
        }
        "test_input_required_result_elicitation" => vec![("user_name", text_form("What is your name?", "name"))],
        "test_input_required_result_sampling" => {
            vec![("capital_question", sample("What is the capital of France?", 100))]
        }
        "test_input_required_result_list_roots" => vec![("client_roots", Ask::roots())],
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            vec![("confirm", form("Please confirm", json!({ "ok": { "type": "boolean" } })))]
        }
        "test_input_required_result_multiple_inputs" => vec![
            ("user_name", text_form("What is your name?", "name")),
            ("greeting", sample("Generate a greeting", 50)),
            ("client_roots", Ask::roots()),
        ],
        "test_input_required_result_multi_round" if call.answer("step1").is_none() => {
            vec![("step1", text_form("Step 1: What is your name?", "name"))]
        }
        "test_input_required_result_multi_round" => {
            vec![("step2", text_form("Step 2: What is your favorite color?", "color"))]
        }
        _ => whatever_it_can(&call),
    };
    let Some(call) = has_all(call, asks) else { return };
    let text = match call.name() {
        "test_sampling" => {
            format!("LLM response: {}", answer(&call, "sample")["content"]["text"].as_str().unwrap_or_default())
        }
        "test_elicitation" => format!("User response: {}", answer(&call, "user")),
        "test_elicitation_sep1034_defaults" => completed(&answer(&call, "defaults")),
        "test_elicitation_sep1330_enums" => completed(&answer(&call, "enums")),
        "test_input_required_result_elicitation" => {
            format!("Hello, {}!", answer(&call, "user_name")["content"]["name"].as_str().unwrap_or("nobody"))
        }
        "test_input_required_result_request_state" if call.state() == Some("asked") || call.era() == Era::Legacy => {
            "state-ok".to_owned()
        }
        name => {
            let spec = call.spec();
            let answers: Vec<String> =
                spec.answers.iter().map(|(key, answer)| format!("{key}: {}", answer.0)).collect();
            format!("{name}: {}", answers.join("; "))
        }
    };
    call.finish(ToolResult::text(text));
}

fn completed(answer: &Value) -> String {
    format!(
        "Elicitation completed: action={}, content={}",
        answer["action"].as_str().unwrap_or_default(),
        answer["content"]
    )
}

/// Asks only what was declared.
fn whatever_it_can(call: &Call) -> Vec<(&'static str, Ask)> {
    let all = [
        ("user_name", text_form("What is your name?", "name")),
        ("greeting", sample("Generate a greeting", 50)),
        ("client_roots", Ask::roots()),
    ];
    all.into_iter().filter(|(_, ask)| call.can_ask(ask)).collect()
}

fn defaults() -> Value {
    json!({ "type": "object", "required": [], "properties": {
        "name": { "type": "string", "default": "John Doe" },
        "age": { "type": "integer", "default": 30 },
        "score": { "type": "number", "default": 95.5 },
        "status": { "type": "string", "enum": ["active", "inactive", "pending"], "default": "active" },
        "verified": { "type": "boolean", "default": true },
    } })
}

fn enums() -> Value {
    let titled = json!([
        { "const": "value1", "title": "First Option" },
        { "const": "value2", "title": "Second Option" },
        { "const": "value3", "title": "Third Option" },
    ]);
    json!({ "type": "object", "required": [], "properties": {
        "untitledSingle": { "type": "string", "enum": ["option1", "option2", "option3"] },
        "titledSingle": { "type": "string", "oneOf": titled },
        "legacyEnum": { "type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"] },
        "untitledMulti": { "type": "array", "items": { "type": "string", "enum": ["option1", "option2", "option3"] } },
        "titledMulti": { "type": "array", "items": { "anyOf": titled } },
    } })
}
