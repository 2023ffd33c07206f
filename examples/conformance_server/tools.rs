//! Tools that answer by themselves.

use std::time::Duration;

use brummer::mcp::call::Call;
use brummer::mcp::protocol::{Block, Contents, Era, Item, Level, Tool, ToolResult};
use serde_json::{Value, json};

use crate::{asks, tasks, unknown};

/// A picture of one dot.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";
/// A sound of no length.
const WAV: &[u8] = b"RIFF$\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0";
const STEP: Duration = Duration::from_millis(60);

pub(crate) fn png() -> Block {
    Block::image(PNG, "image/png")
}

fn tool(name: &str, input_schema: Value) -> Item {
    let description = format!("Fixture {name}.");
    Item::from(&Tool { name: name.into(), description, input_schema, ..Tool::default() })
}

fn nothing() -> Value {
    json!({ "type": "object", "additionalProperties": false })
}

fn with(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

pub(crate) fn all() -> Vec<Item> {
    let plain = [
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_tool_with_logging",
        "test_error_handling",
        "test_tool_with_progress",
        "test_reconnection",
        "test_missing_capability",
        "test_streaming_elicitation",
        "test_logging_tool",
        "test_trigger_tool_change",
        "test_trigger_prompt_change",
        "test_elicitation_sep1034_defaults",
        "test_elicitation_sep1330_enums",
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_tampered_state",
        "test_input_required_result_capabilities",
        "failing_job",
        "protocol_error_job",
        "multi_input",
        "test_tool_with_task",
    ];
    let mut tools: Vec<Item> = plain.iter().map(|name| tool(name, nothing())).collect();
    tools.push(tool("test_sampling", with(&["prompt"])));
    tools.push(tool("test_elicitation", with(&["message"])));
    tools.push(tool("echo", with(&["message"])));
    tools.push(tool("greet", json!({ "type": "object", "properties": { "name": { "type": "string" } } })));
    tools.push(tool("confirm_delete", json!({ "type": "object", "properties": { "filename": { "type": "string" } } })));
    let seconds =
        json!({ "type": "object", "properties": { "seconds": { "type": "number" }, "label": { "type": "string" } } });
    tools.push(tool("slow_compute", seconds));
    tools.push(tool(
        "test_x_mcp_header",
        json!({ "type": "object", "properties": {
        "region": { "type": "string", "x-mcp-header": "Region" },
        "level": { "type": "integer", "x-mcp-header": "Level" },
    } }),
    ));
    tools.push(tool("json_schema_2020_12_tool", every_keyword()));
    tools
}

fn every_keyword() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": { "$anchor": "addressDef", "type": "object", "properties": {
            "street": { "type": "string" }, "city": { "type": "string" }
        } } },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" }
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false
    })
}

/// Runs on a thread of its own: what it does takes time.
pub(crate) fn aside(call: Call, work: impl FnOnce(Call) + Send + 'static) {
    std::thread::spawn(move || work(call));
}

pub(crate) fn call(call: Call) {
    let resource = |uri: &str, text: &str| Block::Resource { resource: Contents::text(uri, "text/plain", text) };
    match call.name() {
        "test_simple_text" => call.say("This is a simple text response for testing."),
        "echo" => {
            let message = call.argument("message").and_then(|message| message.as_str().map(str::to_owned));
            call.say(message.unwrap_or_default());
        }
        "test_image_content" => call.finish(ToolResult::blocks(vec![png()])),
        "test_audio_content" => call.finish(ToolResult::blocks(vec![Block::audio(WAV, "audio/wav")])),
        "test_embedded_resource" => {
            let block = resource("test://embedded-resource", "This is an embedded resource content.");
            call.finish(ToolResult::blocks(vec![block]));
        }
        "test_multiple_content_types" => {
            let text = Block::text("Multiple content types test:");
            let embedded =
                Contents::text("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#);
            call.finish(ToolResult::blocks(vec![text, png(), Block::Resource { resource: embedded }]));
        }
        "test_error_handling" => call.finish(ToolResult::error("This tool intentionally returns an error for testing")),
        "test_tool_with_logging" | "test_logging_tool" => aside(call, log),
        "test_tool_with_progress" => aside(call, progress),
        "test_reconnection" => aside(call, reconnect),
        "json_schema_2020_12_tool" | "test_x_mcp_header" => {
            let text = format!("Called with {}.", call.arguments_text());
            call.say(text);
        }
        "greet"
        | "slow_compute"
        | "failing_job"
        | "protocol_error_job"
        | "confirm_delete"
        | "multi_input"
        | "test_tool_with_task" => tasks::call(call),
        name if asks::TOOLS.contains(&name) => asks::call(call),
        _ => unknown(call),
    }
}

fn log(call: Call) {
    for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        call.log(Level::Info, None, &text);
        std::thread::sleep(STEP);
    }
    call.say("Tool with logging executed successfully");
}

fn progress(call: Call) {
    for step in [0.0, 50.0, 100.0] {
        call.progress(step, Some(100.0), Some("Going on"));
        std::thread::sleep(STEP);
    }
    call.say("Tool with progress executed successfully");
}

fn reconnect(call: Call) {
    if call.era() == Era::Legacy {
        call.release();
    }
    std::thread::sleep(STEP);
    call.say("Reconnection test completed successfully.");
}
