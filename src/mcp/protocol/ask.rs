//! Questions that a call asks of the client while it goes on, and their answers.

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

/// A question: of the user, of the client's model, or of the client.
#[derive(Clone, Debug)]
pub struct Ask {
    /// `elicitation/create`, `sampling/createMessage` or `roots/list`.
    pub method: String,
    /// What the method takes, as JSON.
    pub params: Option<Box<RawValue>>,
}

impl Ask {
    /// A form: flat, with strings, numbers, booleans and enumerations only.
    pub fn form(message: &str, schema: &Value) -> Ask {
        Ask::of("elicitation/create", json!({ "message": message, "requestedSchema": schema }))
    }

    /// Yes or no; `Answer::accepted` says which.
    pub fn confirm(message: &str) -> Ask {
        let schema = json!({ "type": "object", "properties": {
            "confirm": { "type": "boolean", "title": "Go on?", "default": false }
        }, "required": ["confirm"] });
        Ask::form(message, &schema)
    }

    /// What the client's model says to this.
    pub fn sample(params: Value) -> Ask {
        Ask::of("sampling/createMessage", params)
    }

    /// The client's root directories.
    pub fn roots() -> Ask {
        Ask { method: "roots/list".into(), params: None }
    }

    fn of(method: &str, params: Value) -> Ask {
        Ask { method: method.into(), params: to_raw_value(&params).ok() }
    }

    /// Which kind of elicitation it is, if it says so.
    pub fn mode(&self) -> Option<String> {
        let params: Value = serde_json::from_str(self.params.as_ref()?.get()).ok()?;
        Some(params.get("mode")?.as_str()?.to_owned())
    }

    /// The capabilities that a client must have declared for it.
    pub fn required(&self) -> Value {
        match &*self.method {
            "elicitation/create" if self.mode().as_deref() == Some("url") => json!({ "elicitation": { "url": {} } }),
            "elicitation/create" => json!({ "elicitation": { "form": {} } }),
            "roots/list" => json!({ "roots": {} }),
            _ => json!({ "sampling": {} }),
        }
    }

    /// Whether this can be the answer to it.
    pub fn fits(&self, answer: &Value) -> bool {
        match &*self.method {
            "elicitation/create" => {
                let content = answer.get("content");
                match answer.get("action").and_then(Value::as_str) {
                    Some("accept") => content.is_none_or(Value::is_object),
                    Some("decline" | "cancel") => true,
                    _ => false,
                }
            }
            "roots/list" => answer.get("roots").is_some_and(Value::is_array),
            _ => answer.get("role").is_some_and(Value::is_string) && answer.get("content").is_some(),
        }
    }
}

/// What the client answered: the result of the method that was asked.
#[derive(Clone, Debug)]
pub struct Answer(pub Value);

impl Answer {
    /// The content of a form that the user accepted.
    pub fn content(&self) -> Option<&serde_json::Map<String, Value>> {
        let accepted = self.0.get("action").and_then(Value::as_str) == Some("accept");
        self.0.get("content").filter(|_| accepted)?.as_object()
    }

    /// Whether the user said yes to [`Ask::confirm`].
    ///
    /// ```
    /// use brummer::mcp::protocol::Answer;
    /// use serde_json::json;
    /// assert!(Answer(json!({"action": "accept", "content": {"confirm": true}})).accepted());
    /// assert!(!Answer(json!({"action": "accept", "content": {"confirm": false}})).accepted());
    /// assert!(!Answer(json!({"action": "decline"})).accepted());
    /// ```
    pub fn accepted(&self) -> bool {
        self.content().is_some_and(|content| content.get("confirm") == Some(&Value::Bool(true)))
    }
}
