//! Telling clients that something has changed: put together, and not too often.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::calls::notification;
use super::core::Core;
use super::listens::{UPDATED, list_methods};
use super::methods::Carrier;
use super::sessions::{GENERAL, Session, SessionId, Way};
use crate::io::net::Net;
use crate::mcp::notifier::Changes;

impl Core {
    /// Something has changed: it is told now, or as soon as the last time is long enough ago.
    pub(super) fn changed(&mut self, net: &mut Net) {
        let next = self.told.map_or(net.now(), |told| told + self.limits.changes);
        if next <= net.now() {
            self.tell_changes(net);
        } else if !std::mem::replace(&mut self.telling, true) {
            net.alarm(self.clock, next);
        }
    }

    pub(super) fn tell_changes(&mut self, net: &mut Net) {
        self.telling = false;
        let changes = self.notifier.take();
        if changes.is_empty() {
            return;
        }
        self.told = Some(net.now());
        self.tell_listens(&changes);
        changes.tasks.iter().for_each(|(id, task)| self.tell_task(id, task));
        let ids: Vec<SessionId> = self.sessions.0.keys().map(Arc::clone).collect();
        for id in ids {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            session.changes.lists.extend(&changes.lists);
            let watched = changes.resources.iter().filter(|uri| session.watched.contains(&***uri));
            session.changes.resources.extend(watched.cloned());
            if session.is_heard() {
                self.tell_missed(net, &id);
            }
        }
    }

    /// Tells a session what it was not told.
    pub(super) fn tell_missed(&mut self, _: &mut Net, id: &SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let changes = std::mem::take(&mut session.changes);
        let carrier = carrier(id, session);
        for message in messages(&changes) {
            self.send(&carrier, &message);
        }
    }

    /// Counts who watches a resource; the provider hears of the first and of the last.
    pub(super) fn watch(&mut self, uri: &str, watches: bool) {
        if count(&mut self.watched, uri, watches) {
            self.provider.watched(uri, watches);
        }
    }

    /// The same with a task that the provider keeps elsewhere.
    pub(super) fn watch_task(&mut self, id: &str, watches: bool) {
        if count(&mut self.watched_tasks, id, watches) {
            self.provider.task_watched(id, watches);
        }
    }
}

/// Counts one more or one less; whether it is the first or was the last.
fn count(counts: &mut HashMap<String, usize>, name: &str, more: bool) -> bool {
    let count = counts.entry(name.to_owned()).or_default();
    *count = if more { *count + 1 } else { count.saturating_sub(1) };
    let (is_first, is_last) = (*count == 1 && more, *count == 0 && !more);
    if *count == 0 {
        counts.remove(name);
    }
    is_first || is_last
}

fn carrier(id: &SessionId, session: &Session) -> Carrier {
    match session.way {
        Way::Http => Carrier::Stream(Arc::clone(id), GENERAL),
        Way::OldSse(_) => Carrier::OldSse(Arc::clone(id)),
        Way::Stdio => Carrier::Stdio,
    }
}

fn messages(changes: &Changes) -> Vec<Vec<u8>> {
    let lists = list_methods(changes).into_iter().map(|method| notification(method, "{}"));
    let updates = changes.resources.iter().map(|uri| notification(UPDATED, &json!({ "uri": uri }).to_string()));
    lists.chain(updates).collect()
}
