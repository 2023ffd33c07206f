//! What a page tells: one event, and the families that events belong to.

use std::sync::Arc;

use serde_json::Value;

/// The family of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// An exception, a rejection without a handler, a resource that did not load, a policy that was broken.
    Error,
    /// Something written to the console.
    Console,
    /// A request by `fetch` or `XMLHttpRequest`, a WebSocket, an EventSource, a loaded resource.
    Network,
    /// A page was loaded, shown, hidden, or changed its address.
    Navigation,
    /// Times, vitals, memory.
    Performance,
    /// A click or a submit.
    Interaction,
    /// Changes of the document, as counts.
    Document,
    /// What the page itself sends through `window.brummer`, and everything unknown.
    Custom,
}

/// The families of the names that are known.
const FAMILIES: &[(&str, Family)] = &[
    ("javascript_error", Family::Error),
    ("unhandled_rejection", Family::Error),
    ("resource_error", Family::Error),
    ("csp_violation", Family::Error),
    ("custom_error", Family::Error),
    ("console_output", Family::Console),
    ("network_request", Family::Network),
    ("network_response", Family::Network),
    ("network_error", Family::Network),
    ("websocket", Family::Network),
    ("event_source", Family::Network),
    ("resource_timing", Family::Network),
    ("monitor_initialized", Family::Navigation),
    ("page_load", Family::Navigation),
    ("dom_state", Family::Navigation),
    ("visibility_change", Family::Navigation),
    ("route_change", Family::Navigation),
    ("navigation_timing", Family::Performance),
    ("performance_metrics", Family::Performance),
    ("long_task", Family::Performance),
    ("paint_timing", Family::Performance),
    ("largest_contentful_paint", Family::Performance),
    ("layout_shift", Family::Performance),
    ("first_input_delay", Family::Performance),
    ("web_vital", Family::Performance),
    ("memory_usage", Family::Performance),
    ("performance_mark", Family::Performance),
    ("performance_measure", Family::Performance),
    ("user_interaction", Family::Interaction),
    ("dom_mutation", Family::Document),
];

impl Family {
    /// The family of an event of this name.
    pub fn of(name: &str) -> Family {
        FAMILIES.iter().find(|(known, _)| *known == name).map_or(Family::Custom, |(_, family)| *family)
    }

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Family::Error => "error",
            Family::Console => "console",
            Family::Network => "network",
            Family::Navigation => "navigation",
            Family::Performance => "performance",
            Family::Interaction => "interaction",
            Family::Document => "document",
            Family::Custom => "custom",
        }
    }
}

/// One event of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PageEvent {
    /// Its name, as the page sent it: `javascript_error`.
    pub name: Arc<str>,
    /// When, milliseconds since 1970, by the page's clock.
    pub time_ms: u64,
    /// The address of the page at that time, without secrets.
    pub url: Arc<str>,
    /// The load of the page that it came from.
    pub page: Arc<str>,
    /// Its fields.
    pub data: Value,
    /// About what it takes in memory.
    pub(super) bytes: usize,
}

impl PageEvent {
    /// Its family.
    pub fn family(&self) -> Family {
        Family::of(&self.name)
    }

    /// A field that is text.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field)?.as_str()
    }

    /// A field that is a number.
    pub fn number(&self, field: &str) -> Option<f64> {
        self.data.get(field)?.as_f64()
    }

    /// Whether it is an exception, an error on the console, or a request that failed.
    pub fn is_error(&self) -> bool {
        match self.family() {
            Family::Error => true,
            Family::Console => self.text("level") == Some("error"),
            Family::Network => {
                &*self.name == "network_error" || self.number("status").is_some_and(|status| status >= 400.0)
            }
            _ => false,
        }
    }

    /// One line that says what happened.
    pub fn summary(&self) -> String {
        let text = |field| self.text(field).unwrap_or_default();
        let number = |field| self.number(field).unwrap_or_default();
        match &*self.name {
            "javascript_error" | "custom_error" | "console_output" => text("message").to_owned(),
            "unhandled_rejection" => text("reason").to_owned(),
            "network_request" => format!("{} {}", text("method"), text("url")),
            "network_response" => {
                format!("{} {} → {} in {:.0} ms", text("method"), text("url"), number("status"), number("duration"))
            }
            "network_error" => format!("{} {} failed: {}", text("method"), text("url"), text("error")),
            "route_change" => format!("{} → {}", text("from"), text("to")),
            "user_interaction" => format!("{} {}", text("action"), text("selector")),
            "web_vital" => format!("{} {:.3}", text("metric"), number("value")),
            "long_task" => format!("{:.0} ms", number("duration")),
            _ => compact(&self.data),
        }
    }
}

/// The fields of an object in one line, long values cut.
fn compact(data: &Value) -> String {
    let Some(fields) = data.as_object() else { return data.to_string() };
    let parts = fields.iter().filter(|(_, value)| !value.is_null()).take(6).map(|(key, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let short: String = text.chars().take(60).collect();
        format!("{key}={short}")
    });
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(name: &str, data: Value) -> PageEvent {
        PageEvent { name: name.into(), time_ms: 0, url: "".into(), page: "".into(), data, bytes: 0 }
    }

    #[test]
    fn errors_are_known_whatever_family_they_come_in() {
        assert!(event("javascript_error", json!({})).is_error());
        assert!(event("console_output", json!({ "level": "error" })).is_error());
        assert!(!event("console_output", json!({ "level": "warn" })).is_error());
        assert!(event("network_error", json!({})).is_error());
        assert!(event("network_response", json!({ "status": 404 })).is_error());
        assert!(!event("network_response", json!({ "status": 304 })).is_error());
        assert!(!event("anything", json!({})).is_error());
    }

    #[test]
    fn a_summary_says_what_happened() {
        let response = event("network_response", json!({"method":"GET","url":"/a","status":200,"duration":3.4}));
        assert_eq!(response.summary(), "GET /a → 200 in 3 ms");
        assert_eq!(event("mine", json!({"a":1,"b":null,"c":"x"})).summary(), "a=1 c=x");
        assert_eq!(event("mine", json!(null)).summary(), "null");
    }
}
