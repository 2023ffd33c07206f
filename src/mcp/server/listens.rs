//! Subscriptions of the modern era: a request that stays open and tells of changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::calls::notification;
use super::connection::Reads;
use super::core::Core;
use super::limits::WATCHED_MAX;
use super::methods::{Asked, Carrier, Done};
use crate::io::net::Net;
use crate::mcp::notifier::Changes;
use crate::mcp::protocol::{CallError, Era, ListKind, meta};
use crate::wire::jsonrpc::Id;

/// A subscription.
pub(super) struct Listen {
    pub(super) carrier: Carrier,
    pub(super) id: Id,
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: BTreeSet<String>,
    tasks: BTreeSet<String>,
}

impl Listen {
    fn of(carrier: Carrier, id: Id, filter: &Map<String, Value>) -> Listen {
        let is = |name: &str| filter.get(name) == Some(&Value::Bool(true));
        let texts = |name: &str| {
            let texts = filter.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            texts.take(WATCHED_MAX).map(str::to_owned).collect()
        };
        Listen {
            carrier,
            id,
            tools: is("toolsListChanged"),
            prompts: is("promptsListChanged"),
            resources: is("resourcesListChanged"),
            uris: texts("resourceSubscriptions"),
            tasks: texts("taskIds"),
        }
    }

    /// What of its filter is heeded.
    fn heeded(&self) -> Value {
        let mut heeded = Map::new();
        for (name, is) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if is {
                heeded.insert(name.into(), true.into());
            }
        }
        if !self.uris.is_empty() {
            heeded.insert("resourceSubscriptions".into(), json!(self.uris));
        }
        if !self.tasks.is_empty() {
            heeded.insert("taskIds".into(), json!(self.tasks));
        }
        heeded.into()
    }

    fn message(&self, method: &str, mut params: Value) -> Vec<u8> {
        params["_meta"] = json!({ meta::SUBSCRIPTION: self.id });
        notification(method, &params.to_string())
    }

    /// What it is told of these changes.
    fn told(&self, changes: &Changes) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        for method in list_methods(changes) {
            let wanted = match method {
                TOOLS => self.tools,
                PROMPTS => self.prompts,
                _ => self.resources,
            };
            if wanted {
                messages.push(self.message(method, json!({})));
            }
        }
        let uris = changes.resources.iter().filter(|uri| self.uris.contains(&***uri));
        messages.extend(uris.map(|uri| self.message(UPDATED, json!({ "uri": uri }))));
        messages
    }
}

const TOOLS: &str = "notifications/tools/list_changed";
const PROMPTS: &str = "notifications/prompts/list_changed";
const RESOURCES: &str = "notifications/resources/list_changed";
const TASK: &str = "notifications/tasks";
pub(super) const UPDATED: &str = "notifications/resources/updated";

/// The notifications for these changes of lists, each once.
pub(super) fn list_methods(changes: &Changes) -> BTreeSet<&'static str> {
    let method = |kind: &ListKind| match kind {
        ListKind::Tools => TOOLS,
        ListKind::Prompts => PROMPTS,
        ListKind::Resources | ListKind::Templates => RESOURCES,
    };
    changes.lists.iter().map(method).collect()
}

impl Core {
    pub(super) fn listen(&mut self, net: &mut Net, asked: &Asked<'_>, carrier: &Carrier) -> Result<Done, CallError> {
        let filter: Map<String, Value> = asked
            .params
            .read("notifications")
            .ok_or_else(|| CallError::invalid_params("`subscriptions/listen` needs `notifications`, an object."))?;
        let mut listen = Listen::of(carrier.clone(), asked.id.clone(), &filter);
        let takes_tasks = asked.who.client.capabilities.tasks;
        listen.tasks.retain(|id| takes_tasks && (self.tasks.contains_key(id) || self.provider.keeps(id)));
        let keep_alive = self.limits.keep_alive;
        if let Carrier::Reply(key) = carrier {
            let Some(connection) = self.connection(*key) else { return Ok(Done::Open) };
            if let Some(exchange) = &mut connection.exchange {
                exchange.reads = Reads::Changes;
            }
            connection.begin_events();
            net.set_deadline(*key, Some(keep_alive));
        }
        let first =
            listen.message("notifications/subscriptions/acknowledged", json!({ "notifications": listen.heeded() }));
        for uri in &listen.uris {
            self.watch(uri, true);
        }
        self.send(carrier, &first);
        // What came about before the client could listen would never be told.
        let missed = listen.tasks.iter().filter_map(|id| self.task_now(id));
        let missed: Vec<Vec<u8>> = missed.map(|task| listen.message(TASK, task)).collect();
        missed.iter().for_each(|message| self.send(carrier, message));
        for id in listen.tasks.iter().filter(|id| !self.tasks.contains_key(*id)).cloned().collect::<Vec<_>>() {
            self.watch_task(&id, true);
        }
        self.listens.push(listen);
        Ok(Done::Open)
    }

    pub(super) fn tell_listens(&mut self, changes: &Changes) {
        let told: Vec<(Carrier, Vec<Vec<u8>>)> =
            self.listens.iter().map(|listen| (listen.carrier.clone(), listen.told(changes))).collect();
        for (carrier, messages) in told {
            messages.iter().for_each(|message| self.send(&carrier, message));
        }
    }

    /// Tells who listens for this task how it is now.
    pub(super) fn tell_task(&mut self, id: &str, task: &Value) {
        let wanted = self.listens.iter().filter(|listen| listen.tasks.contains(id));
        let told: Vec<(Carrier, Vec<u8>)> =
            wanted.map(|listen| (listen.carrier.clone(), listen.message(TASK, task.clone()))).collect();
        told.iter().for_each(|(carrier, message)| self.send(carrier, message));
    }

    /// The client has closed the stream of a subscription.
    pub(super) fn leave_listen(&mut self, carrier: &Carrier) {
        self.drop_listens(|listen| listen.carrier == *carrier);
    }

    /// Whether there was a subscription that fits, which is no more.
    pub(super) fn drop_listens(&mut self, fits: impl Fn(&Listen) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.listens).into_iter().partition(|listen| fits(listen));
        self.listens = kept;
        let gone: Vec<Listen> = gone;
        for uri in gone.iter().flat_map(|listen| &listen.uris) {
            self.watch(uri, false);
        }
        for id in gone
            .iter()
            .flat_map(|listen| &listen.tasks)
            .filter(|id| self.watched_tasks.contains_key(*id))
            .collect::<Vec<_>>()
        {
            self.watch_task(id, false);
        }
    }

    /// Answers all subscriptions: there will be no more changes.
    pub(super) fn end_listens(&mut self, net: &mut Net) {
        for listen in std::mem::take(&mut self.listens) {
            let result = json!({
                "resultType": "complete",
                "_meta": { meta::SERVER: self.provider.server(), meta::SUBSCRIPTION: listen.id },
            });
            self.answer(net, &listen.carrier, &listen.id, Era::Modern, Ok(&result.to_string()));
        }
    }
}
