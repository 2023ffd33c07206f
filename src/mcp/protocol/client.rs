//! Who asks, and what that client can do.

use serde_json::Value;
use serde_json::value::RawValue;

use super::meta;

/// A client, as it presents itself: in `initialize`, or in every request.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Its name: `claude-code`. Empty where it gave none.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a client can do for a server.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// Shows a form to its user.
    pub elicit_form: bool,
    /// Opens a URL for its user.
    pub elicit_url: bool,
    /// Asks its model.
    pub sampling: bool,
    /// Tells its root directories.
    pub roots: bool,
    /// Takes a task for an answer (extension).
    pub tasks: bool,
    /// All of it as it was declared.
    pub raw: Option<Box<RawValue>>,
}

impl Capabilities {
    /// Reads what was declared.
    pub fn of(raw: &RawValue) -> Capabilities {
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let has = |name: &str| value.get(name).is_some_and(Value::is_object);
        let elicitation = value.get("elicitation").and_then(Value::as_object);
        // Before there were two kinds, an empty object meant forms.
        let elicits = |kind: &str| elicitation.is_some_and(|modes| modes.get(kind).is_some_and(Value::is_object));
        Capabilities {
            elicit_form: elicits("form") || elicitation.is_some_and(|modes| !modes.contains_key("url")),
            elicit_url: elicits("url"),
            sampling: has("sampling"),
            roots: has("roots"),
            tasks: value.get("extensions").is_some_and(|all| all.get(meta::TASKS).is_some_and(Value::is_object)),
            raw: Some(raw.to_owned()),
        }
    }

    /// Whether the client answers requests of this method.
    pub fn answers(&self, method: &str, mode: Option<&str>) -> bool {
        match (method, mode) {
            ("elicitation/create", Some("url")) => self.elicit_url,
            ("elicitation/create", _) => self.elicit_form,
            ("sampling/createMessage", _) => self.sampling,
            ("roots/list", _) => self.roots,
            _ => false,
        }
    }
}

impl Client {
    /// A client of this name (`{"name": …, "version": …}`) with these capabilities.
    pub fn of(info: Option<&RawValue>, capabilities: Option<&RawValue>) -> Client {
        let info: Value = info.and_then(|info| serde_json::from_str(info.get()).ok()).unwrap_or_default();
        let text = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Client {
            name: text("name"),
            version: text("version"),
            capabilities: capabilities.map(Capabilities::of).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::to_raw_value;

    #[test]
    fn capabilities_of_every_revision_are_read() {
        for (text, form, url, tasks) in [
            (r#"{}"#, false, false, false),
            (r#"{"elicitation":{}}"#, true, false, false),
            (r#"{"elicitation":{"form":{}}}"#, true, false, false),
            (r#"{"elicitation":{"url":{}}}"#, false, true, false),
            (r#"{"elicitation":{"form":{},"url":{}}}"#, true, true, false),
            (r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#, false, false, true),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let read = Capabilities::of(&to_raw_value(&value).unwrap());
            assert_eq!((read.elicit_form, read.elicit_url, read.tasks), (form, url, tasks), "{text}");
        }
    }
}
