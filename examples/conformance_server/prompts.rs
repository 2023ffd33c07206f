//! The prompts of the suite, and the one that asks before it answers.

use brummer::mcp::call::Call;
use brummer::mcp::protocol::{Argument, Block, Contents, Item, Message, Prompt, PromptResult};

use crate::asks::form;
use crate::tools::png;
use crate::unknown;

pub(crate) fn all() -> Vec<Item> {
    let one = |name: &str, arguments: &[&str]| {
        let argument = |name: &&str| Argument { name: (*name).into(), required: true, ..Argument::default() };
        let arguments = arguments.iter().map(argument).collect();
        Item::from(&Prompt {
            name: name.into(),
            description: Some(format!("Fixture {name}.")),
            arguments,
            ..Prompt::default()
        })
    };
    vec![
        one("test_simple_prompt", &[]),
        one("test_prompt_with_arguments", &["arg1", "arg2"]),
        one("test_prompt_with_embedded_resource", &["resourceUri"]),
        one("test_prompt_with_image", &[]),
        one("test_input_required_result_prompt", &[]),
    ]
}

pub(crate) fn get(call: Call) {
    let argument =
        |name: &str| call.argument(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let blocks = match call.name() {
        "test_simple_prompt" => vec![Block::text("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let text = format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2"));
            vec![Block::text(text)]
        }
        "test_prompt_with_embedded_resource" => {
            let text = "Embedded resource content for testing.";
            let resource = Contents::text(argument("resourceUri"), "text/plain", text);
            vec![Block::Resource { resource }, Block::text("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => vec![png(), Block::text("Please analyze the image above.")],
        "test_input_required_result_prompt" => match call.answer("user_context") {
            Some(answer) => vec![Block::text(format!("Context: {}", answer.0["content"]["context"]))],
            None => {
                let ask =
                    form("What context should the prompt use?", serde_json::json!({ "context": { "type": "string" } }));
                return call.ask([("user_context", ask)], None);
            }
        },
        _ => return unknown(call),
    };
    call.finish(PromptResult { description: None, messages: blocks.into_iter().map(Message::user).collect() });
}
