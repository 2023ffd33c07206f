//! What a server says unasked: lists that changed, resources that were updated, over one stream that stays open.

use serde_json::value::RawValue;

use super::answer::{Came, Incoming};
use super::client::Client;
use super::request::{Call, get, message, post};
use crate::error::{Code, Error, Result};
use crate::mcp::protocol::{Era, meta};
use crate::runtime::Context;
use crate::wire::http1::Method;

/// What to hear of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// That the lists of tools, resources and prompts have changed.
    pub lists: bool,
    /// That what can be read at these URIs has changed.
    pub uris: Vec<String>,
    /// That these tasks have changed (extension of the modern era).
    pub tasks: Vec<String>,
}

impl Wanted {
    fn filter(&self) -> Box<RawValue> {
        let mut value = serde_json::json!({
            "toolsListChanged": self.lists,
            "promptsListChanged": self.lists,
            "resourcesListChanged": self.lists,
            "resourceSubscriptions": self.uris,
        });
        if !self.tasks.is_empty() {
            value["taskIds"] = self.tasks.clone().into();
        }
        serde_json::value::to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

impl Client {
    /// Listens on this thread until the server ends the stream or the context ends; a deadline of the context counts.
    ///
    /// In the legacy era what to hear of is not said here but by `resources/subscribe`; `Ok(false)`: that server says nothing unasked.
    ///
    /// # Errors
    /// Those of a call. A stream that broke may be listened to again.
    pub fn listen(&self, context: &Context, wanted: &Wanted, tell: &mut dyn FnMut(Incoming<'_>)) -> Result<bool> {
        let session = self.session(context)?;
        let mut hear = |incoming: Incoming<'_>| {
            match incoming {
                Incoming::Request { id, method: "ping", .. } => self.respond(context, id, Ok("{}"))?,
                other => tell(other),
            }
            Ok(())
        };
        let filter = wanted.filter();
        let params: [(&str, &RawValue); 1] = [("notifications", &filter)];
        let takes_tasks = serde_json::json!({ "extensions": { meta::TASKS: {} } });
        let takes_tasks = serde_json::value::to_raw_value(&takes_tasks).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let declared: [(&str, &RawValue); 1] = [(meta::CAPABILITIES, &takes_tasks)];
        let meta: &[(&str, &RawValue)] = if wanted.tasks.is_empty() { &[] } else { &declared };
        let call = Call { params: &params, meta, ..Call::new("subscriptions/listen") };
        let (id, version) = (self.next_id(), session.version);
        let (bytes, method, id) = match version.era() {
            Era::Modern => {
                let body = message(Some(&id), &call, version, self.options());
                (post(self.target(), &call, Some(version), None, &body), Method::Post, Some(id))
            }
            Era::Legacy => (get(self.target(), version, session.id.as_deref(), None), Method::Get, None),
        };
        match self.exchange(context, &bytes, method, id.as_ref(), true, &mut hear)?.0 {
            Came::Reply(reply) => reply.result().map(|_| true),
            Came::Broken { error: Some(error), .. } => Err(error),
            Came::Broken { .. } | Came::Accepted => Ok(true),
            Came::Status { status: 405, .. } => Ok(false),
            Came::Status { status, text, .. } => {
                let message = format!("{} answered with status {status}: {text}", self.target().label);
                Err(Error::new("mcp", Code::Network, message))
            }
        }
    }
}
