//! Calls that became tasks: kept until their time is over, asked for by name.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::asks::requests;
use super::calls::Asking;
use super::core::Core;
use super::methods::{Asked, Carrier, Done};
use crate::io::net::Net;
use crate::mcp::call::reply::wrap;
use crate::mcp::call::{CallKind, Progress, TaskWork};
use crate::mcp::protocol::{Answer, Ask, CallError, Era};

/// A task.
pub(super) struct Task {
    /// The call behind it, while it goes on.
    call: Option<u64>,
    state: State,
    message: Option<String>,
    created: String,
    updated: String,
    ttl: Duration,
    poll: Duration,
    expires: Instant,
    /// How many questions it had: each gets a name that no other of the task has.
    asked: usize,
    /// Questions that are open, by the name that the client knows: the provider's key, and the question.
    open: BTreeMap<String, (String, Ask)>,
}

enum State {
    Working,
    Asking,
    Completed(String),
    Failed(CallError),
    Cancelled,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            State::Working => "working",
            State::Asking => "input_required",
            State::Completed(_) => "completed",
            State::Failed(_) => "failed",
            State::Cancelled => "cancelled",
        }
    }

    fn is_over(&self) -> bool {
        !matches!(self, State::Working | State::Asking)
    }
}

impl Task {
    fn set(&mut self, state: State) {
        self.state = state;
        self.updated = now_text();
    }

    fn json(&self, id: &str) -> Value {
        let mut task = json!({
            "taskId": id,
            "status": self.state.name(),
            "createdAt": self.created,
            "lastUpdatedAt": self.updated,
            "ttlMs": millis(self.ttl),
            "pollIntervalMs": millis(self.poll),
        });
        if let Some(message) = &self.message {
            task["statusMessage"] = message.as_str().into();
        }
        task
    }

    /// With its end, or with what it wants to know.
    fn details(&self, id: &str) -> Value {
        let mut task = self.json(id);
        match &self.state {
            State::Completed(result) => task["result"] = serde_json::from_str(result).unwrap_or_default(),
            State::Failed(error) => {
                task["error"] = json!({ "code": error.code, "message": error.message });
                if let Some(data) = error.data.as_ref().and_then(|data| serde_json::from_str(data.get()).ok()) {
                    task["error"]["data"] = data;
                }
            }
            State::Asking => {
                let open = self.open.iter().map(|(name, (_, ask))| (name.clone(), ask.clone())).collect();
                task["inputRequests"] = requests(&open);
            }
            State::Working | State::Cancelled => {}
        }
        task
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn now_text() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// How far it is, in words.
fn words(Progress { progress, total, message }: &Progress) -> String {
    match (message, total) {
        (Some(message), Some(total)) => format!("{message} ({progress} of {total})"),
        (Some(message), None) => message.clone(),
        (None, Some(total)) => format!("{progress} of {total}"),
        (None, None) => progress.to_string(),
    }
}

impl Core {
    /// A call becomes a task, and its request is answered with that.
    pub(super) fn become_task(&mut self, net: &mut Net, number: u64, ttl: Duration, poll: Duration) {
        if self.tasks.len() >= self.limits.tasks {
            self.expire_tasks(net.now());
        }
        if self.tasks.len() >= self.limits.tasks {
            return;
        }
        let name = self.seal.name();
        let Some(pending) = self.pending.get_mut(&number) else { return };
        if matches!(pending.carrier, Carrier::Task(_)) {
            return;
        }
        let carrier = std::mem::replace(&mut pending.carrier, Carrier::Task(name.clone()));
        let (id, reached) = (pending.id.clone(), pending.reached.take());
        let now = now_text();
        let task = Task {
            call: Some(number),
            state: State::Working,
            message: reached.as_ref().map(words),
            created: now.clone(),
            updated: now,
            ttl,
            poll,
            expires: net.now() + ttl,
            asked: 0,
            open: BTreeMap::new(),
        };
        let mut result = task.json(&name);
        result["resultType"] = "task".into();
        result["_meta"] = json!({ crate::mcp::protocol::meta::SERVER: self.provider.server() });
        self.tasks.insert(name, task);
        self.tick(net);
        self.answer(net, &carrier, &id, Era::Modern, Ok(&result.to_string()));
    }

    pub(super) fn task_progressed(&mut self, id: &str, progress: &Progress) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.message = Some(words(progress));
        task.updated = now_text();
    }

    /// Does something with a task of this server, or has the provider called for one that it keeps elsewhere.
    pub(super) fn of_task(
        &mut self,
        asked: &Asked<'_>,
        work: TaskWork,
        own: impl FnOnce(&mut Core) -> Result<Done, CallError>,
    ) -> Result<Done, CallError> {
        let id = asked.text("taskId").unwrap_or_default();
        if !asked.who.client.capabilities.tasks || self.tasks.contains_key(&id) || !self.provider.keeps(&id) {
            return own(self);
        }
        let mut spec = self.spec(asked, CallKind::Task(work), id);
        spec.arguments = asked.params.get("inputResponses").map(ToOwned::to_owned);
        Ok(Done::Call(Box::new(spec)))
    }

    /// What `tasks/get` would say of a task.
    pub(super) fn task_now(&self, id: &str) -> Option<Value> {
        self.tasks.get(id).map(|task| task.details(id))
    }

    /// Tells who wants to know how a task is now.
    fn task_changed(&mut self, id: &str) {
        if let Some(task) = self.task_now(id) {
            self.tell_task(id, &task);
        }
    }

    pub(super) fn task_finished(&mut self, id: &str, result: Result<String, CallError>) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.call = None;
        task.open.clear();
        if !task.state.is_over() {
            task.set(result.map_or_else(State::Failed, State::Completed));
            self.task_changed(id);
        }
    }

    pub(super) fn task_asks(&mut self, id: &str, number: u64, asking: Asking) {
        let Some(task) = self.tasks.get_mut(id) else { return };
        for (key, ask) in &asking.asks {
            task.asked += 1;
            task.open.insert(format!("{key}-{}", task.asked), (key.clone(), ask.clone()));
        }
        task.set(State::Asking);
        if let Some(pending) = self.pending.get_mut(&number) {
            pending.asked = Some(asking);
        }
        self.task_changed(id);
    }

    fn task_of(&mut self, asked: &Asked<'_>) -> Result<(String, &mut Task), CallError> {
        if !asked.who.client.capabilities.tasks {
            let required = json!({ "extensions": { crate::mcp::protocol::meta::TASKS: {} } });
            return Err(CallError::missing_capability(&required));
        }
        let id = asked.text("taskId")?;
        match self.tasks.get_mut(&id) {
            Some(task) => Ok((id, task)),
            None => Err(CallError::unknown_task()),
        }
    }

    fn acknowledged(&self) -> Result<Done, CallError> {
        Ok(Done::Result(wrap("{}", Era::Modern, &self.server)))
    }

    pub(super) fn task_get(&mut self, asked: &Asked<'_>) -> Result<Done, CallError> {
        let (id, task) = self.task_of(asked)?;
        let text = task.details(&id).to_string();
        Ok(Done::Result(wrap(&text, Era::Modern, &self.server)))
    }

    /// Answers to what a task wants to know: some or all.
    pub(super) fn task_update(&mut self, net: &mut Net, asked: &Asked<'_>) -> Result<Done, CallError> {
        let given: BTreeMap<String, Value> = asked.params.read("inputResponses").unwrap_or_default();
        let (id, task) = self.task_of(asked)?;
        let mut answers = Vec::new();
        for (name, answer) in given {
            let Some((key, ask)) = task.open.get(&name) else { continue };
            if !ask.fits(&answer) {
                let name = super::methods::shortened(&name);
                return Err(CallError::invalid_params(format!("The answer `{name}` is none to what was asked.")));
            }
            answers.push((name, key.clone(), answer));
        }
        for (name, _, _) in &answers {
            task.open.remove(name);
        }
        let (number, is_answered) = (task.call, task.open.is_empty() && matches!(task.state, State::Asking));
        if is_answered {
            task.set(State::Working);
        }
        if let Some(number) = number {
            if let Some(asking) = self.pending.get_mut(&number).and_then(|pending| pending.asked.as_mut()) {
                asking.answers.extend(answers.into_iter().map(|(_, key, answer)| (key, Answer(answer))));
            }
            if is_answered {
                self.task_changed(&id);
                self.resume(net, number);
            }
        }
        self.acknowledged()
    }

    pub(super) fn task_cancel(&mut self, asked: &Asked<'_>) -> Result<Done, CallError> {
        let (id, task) = self.task_of(asked)?;
        let ends = !task.state.is_over();
        if ends {
            task.open.clear();
            task.set(State::Cancelled);
        }
        if let Some(pending) = task.call.take().and_then(|number| self.pending.remove(&number)) {
            pending.shared.cancel.cancel();
        }
        if ends {
            self.task_changed(&id);
        }
        self.acknowledged()
    }

    pub(super) fn expire_tasks(&mut self, now: Instant) {
        let Core { tasks, pending, .. } = self;
        tasks.retain(|_, task| {
            let is_kept = task.expires > now;
            if let Some(pending) = task.call.filter(|_| !is_kept).and_then(|number| pending.remove(&number)) {
                pending.shared.cancel.cancel();
            }
            is_kept
        });
    }
}
