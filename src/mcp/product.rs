//! Brummer behind the protocol: its tools, resources, prompts and completions as a [`Provider`].

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::call::{Call, CallKind, TaskOptions};
use super::notifier::Notifier;
use super::protocol::{Ask, Item, List, ListKind, ServerInfo, ToolResult};
use super::provider::Provider;
use super::resources::{self, Watched, Watching};
use super::tools::answer::{Done, Refusal, result};
use super::tools::schema::Arguments;
use super::tools::table::{TOOLS, Tool, Work, as_promised, tool};
use super::tools::text::clean;
use super::tools::toolbox::Toolbox;
use super::tools::waits::{Wait, Waiter};
use super::{again, prompts, tools};
use crate::app::view::McpKind;
use crate::app::{App, McpBoard};
use crate::error::Result;
use crate::runtime::Priority;
use crate::sync::cancel::CancelGuard;

/// Under this key a person is asked.
const SURE: &str = "confirm";

/// A client that takes tasks gets one for what is not over by then, and is free until it asks for the end.
const TASK_AFTER: Duration = Duration::from_secs(1);

/// So long a task is kept beyond the longest time that its tool waits.
const TASK_KEPT: Duration = Duration::from_secs(600);

/// The longest wait of a tool that was given no `timeout`.
const WAIT_SECONDS_MAX: u64 = 600;

/// Characters of a name, of arguments and of an answer that are kept for the view of calls.
const NAME_CHARS_MAX: usize = 160;
const ARGUMENTS_CHARS_MAX: usize = 4000;
const ANSWER_CHARS_MAX: usize = 6000;

/// Brummer as a provider.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: calls are worked on by the app's pool; what waits belongs to one thread.
///   **Waits**: none, but in [`Product::stop`]. **Cleanup**: [`Product::stop`], also when it is dropped.
pub struct Product {
    toolbox: Arc<Toolbox>,
    watched: Arc<Watched>,
    info: ServerInfo,
    /// Made when somebody asks for them: most runs of the program are never asked.
    lists: [OnceLock<Arc<List>>; 4],
}

impl Product {
    /// The product of this app.
    ///
    /// # Errors
    /// What the system says if it refuses a thread.
    pub fn new(app: &Arc<App>) -> Result<Product> {
        let info = ServerInfo {
            name: "brummer".into(),
            title: Some("Brummer".into()),
            version: env!("CARGO_PKG_VERSION").into(),
            instructions: Some(tools::INSTRUCTIONS.into()),
        };
        Ok(Product { toolbox: Toolbox::new(app)?, watched: Arc::default(), info, lists: Default::default() })
    }

    /// The server is here: `about` says so, and the view of the app.
    pub fn serves_at(&self, address: &str) {
        // A server has one address for as long as it lives.
        let _ = self.toolbox.address.set(address.to_owned());
        let board = self.toolbox.app.mcp_board();
        let toolbox = Arc::downgrade(&self.toolbox);
        // A toolbox that is gone has stopped, and stopping takes this away.
        board.calls_by(Some(Arc::new(move |name, given| match toolbox.upgrade() {
            Some(toolbox) => again::call(&toolbox, name, given),
            None => Ok(()),
        })));
        board.serves(Some(address));
    }

    /// Has something looked after now and then, on the thread of the waiting calls.
    pub(super) fn keep(&self, wait: Box<dyn Wait>) {
        self.toolbox.waits.add(wait, Box::new(Nobody));
    }

    /// Ends what calls have begun: waits are told, a driven browser is closed.
    pub fn stop(&self) {
        let board = self.toolbox.app.mcp_board();
        board.calls_by(None);
        board.serves(None);
        self.toolbox.stop();
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Provider for Product {
    fn server(&self) -> &ServerInfo {
        &self.info
    }

    fn list(&self, kind: ListKind) -> Arc<List> {
        let (at, items): (usize, fn() -> Vec<Item>) = match kind {
            ListKind::Tools => (0, || TOOLS.iter().map(|tool| Item::from(&tool.listed())).collect()),
            ListKind::Resources => (1, || resources::resources().iter().map(Item::from).collect()),
            ListKind::Templates => (2, || resources::templates().iter().map(Item::from).collect()),
            ListKind::Prompts => (3, || prompts::prompts().iter().map(Item::from).collect()),
        };
        Arc::clone(self.lists[at].get_or_init(|| Arc::new(List::new(items()))))
    }

    fn call(&self, call: Call) {
        let toolbox = Arc::clone(&self.toolbox);
        // A call that the pool refuses is dropped, and so answered with an error.
        let _ = self.toolbox.app.pool().spawn(Priority::Normal, move || answer(&toolbox, call));
    }

    fn started(&self, notifier: Notifier) {
        let watching = Watching::new(&self.toolbox, &self.watched, notifier);
        self.keep(Box::new(watching));
    }

    fn watched(&self, uri: &str, watched: bool) {
        let (toolbox, all, uri) = (Arc::clone(&self.toolbox), Arc::clone(&self.watched), uri.to_owned());
        // Refused at the end only, when nothing is told any more.
        let _ = self.toolbox.app.pool().spawn(Priority::Normal, move || all.set(&toolbox, &uri, watched));
    }
}

/// Whom the watching of resources answers: it never ends before the server does.
struct Nobody;

impl Waiter for Nobody {
    fn is_gone(&self) -> bool {
        false
    }

    fn progress(&mut self, _: f64, _: String) {}

    fn finish(self: Box<Self>, _: Done) {}
}

/// Answers a call, on the pool.
pub(super) fn answer(toolbox: &Arc<Toolbox>, call: Call) {
    match call.kind() {
        CallKind::Tool => run(toolbox, call),
        CallKind::Resource => {
            let noted = Noted::new(toolbox, &call);
            match resources::read(toolbox, call.name()) {
                Ok(found) => {
                    noted.ends(true, found.contents.first().and_then(|first| first.text.as_deref()).unwrap_or("read"));
                    call.finish(found);
                }
                Err(error) => {
                    noted.ends(false, &error.message);
                    call.fail(error);
                }
            }
        }
        CallKind::Prompt => {
            let noted = Noted::new(toolbox, &call);
            let given = match call.arguments::<BTreeMap<String, String>>() {
                Ok(given) => given,
                Err(why) => return call.fail(super::protocol::CallError::invalid_params(why)),
            };
            match prompts::get(toolbox, call.name(), &given) {
                Ok(prompt) => {
                    noted.ends(true, prompt.description.as_deref().unwrap_or("given"));
                    call.finish(prompt);
                }
                Err(error) => {
                    noted.ends(false, &error.message);
                    call.fail(error);
                }
            }
        }
        CallKind::Completion => {
            let completion = prompts::complete(toolbox, call.name(), call.completion());
            call.finish(completion);
        }
        // Its tasks are the server's.
        CallKind::Task(_) => call.fail(super::protocol::CallError::unknown_task()),
    }
}

fn run(toolbox: &Arc<Toolbox>, call: Call) {
    let Some(tool) = tool(call.name()) else {
        let error = super::protocol::CallError::unknown_tool(call.name());
        return call.fail(error);
    };
    let given = call.arguments::<Map<String, Value>>().map_err(Refusal);
    let arguments = match given.and_then(|given| Arguments::check(tool.input, given)) {
        Ok(arguments) => arguments,
        Err(refusal) => {
            Noted::new(toolbox, &call).ends(false, &refusal.0);
            return call.finish(result(Err(refusal)));
        }
    };
    if let Some(call) = confirmed(toolbox, tool, &arguments, call) {
        let noted = Noted::new(toolbox, &call);
        let waker = toolbox.waits.waker();
        match (tool.run)(toolbox, &arguments) {
            Work::Done(done) => noted.finish(call, done),
            Work::Wait(wait) => {
                let guard = call.on_cancel(waker);
                let task_at = call.can_be_task().then(|| Instant::now() + TASK_AFTER);
                let ttl = TASK_KEPT + arguments.seconds("timeout", WAIT_SECONDS_MAX);
                toolbox.waits.add(wait, Box::new(Calling { call, noted, task_at, ttl, _guard: guard }));
            }
        }
    }
}

/// The call, once the person has agreed or need not be asked; else it is asked, or answered.
fn confirmed(toolbox: &Arc<Toolbox>, tool: &Tool, arguments: &Arguments, call: Call) -> Option<Call> {
    let question = tool.confirm.and_then(|confirm| confirm(toolbox, arguments));
    let asked_now = question.as_ref().and_then(|question| question.page.clone());
    // A yes is for the page that was asked about; by now another may be the newest.
    let is_other = asked_now.as_deref().is_some_and(|page| call.state() != Some(page));
    if let Some(answer) = call.answer(SURE).filter(|answer| !(is_other && answer.accepted())) {
        if answer.accepted() {
            asked_now.into_iter().for_each(|page| toolbox.may_drive(page));
            return Some(call);
        }
        let text = "The person said no; nothing was done.";
        Noted::new(toolbox, &call).ends(false, text);
        call.finish(ToolResult::error(text));
        return None;
    }
    let Some(question) = question else { return Some(call) };
    let ask = Ask::confirm(&question.text);
    if !call.can_ask(&ask) {
        return Some(call);
    }
    call.ask([(SURE, ask)], question.page.map(|page| page.to_string()));
    None
}

/// A call that is written down for the view.
struct Noted {
    board: Arc<McpBoard>,
    number: u64,
}

impl Noted {
    fn new(toolbox: &Toolbox, call: &Call) -> Noted {
        let (board, client) = (Arc::clone(toolbox.app.mcp_board()), call.client());
        let arguments = match call.arguments_text() {
            "{}" => String::new(),
            text => clean(text, ARGUMENTS_CHARS_MAX),
        };
        let client = (clean(&client.name, 60), clean(&client.version, 30));
        let kind = match call.kind() {
            CallKind::Resource => McpKind::Resource,
            CallKind::Prompt => McpKind::Prompt,
            _ => McpKind::Tool,
        };
        let name = clean(call.name(), NAME_CHARS_MAX);
        let again = again::of(call, &arguments);
        let number = board.begins((&client.0, &client.1), (kind, again), &name, &arguments);
        Noted { board, number }
    }

    fn ends(&self, is_good: bool, text: &str) {
        self.board.ends(self.number, is_good, &clean(first_lines(text, ANSWER_CHARS_MAX), ANSWER_CHARS_MAX));
    }

    fn finish(&self, call: Call, done: Done) {
        let done = as_promised(call.name(), done);
        match &done {
            Ok(answer) => self.ends(true, &answer.text),
            Err(Refusal(why)) => self.ends(false, why),
        }
        call.finish(result(done));
    }
}

/// As many whole lines as fit, one at least: no secret is cut in two.
fn first_lines(text: &str, bytes_max: usize) -> &str {
    let within = &text[..text.floor_char_boundary(bytes_max)];
    let end = match within.rfind('\n') {
        _ if within.len() == text.len() => text.len(),
        Some(end) => end,
        None => text.find('\n').unwrap_or(text.len()),
    };
    &text[..end]
}

/// A call that waits.
struct Calling {
    call: Call,
    noted: Noted,
    /// When it becomes a task.
    task_at: Option<Instant>,
    /// How long that is kept.
    ttl: Duration,
    /// Wakes those who look when the call is cancelled.
    _guard: CancelGuard,
}

impl Waiter for Calling {
    fn is_gone(&self) -> bool {
        let gone = self.call.is_cancelled();
        if gone {
            self.noted.ends(false, "cancelled");
        }
        gone
    }

    fn progress(&mut self, progress: f64, text: String) {
        self.call.progress(progress, None, Some(&text));
    }

    fn patience(&self) -> Option<Instant> {
        self.task_at
    }

    fn goes_on(&mut self, now: Instant) {
        if self.task_at.is_some_and(|at| at <= now) {
            self.task_at = None;
            self.call.become_task(TaskOptions { ttl: self.ttl, ..TaskOptions::default() });
        }
    }

    fn finish(self: Box<Self>, done: Done) {
        self.noted.finish(self.call, done);
    }
}

#[cfg(test)]
mod tests {
    use super::first_lines;

    #[test]
    fn of_a_long_answer_whole_lines_are_kept_and_one_at_least() {
        assert_eq!(first_lines("one\ntwo\nthree", 100), "one\ntwo\nthree");
        assert_eq!(first_lines("one\ntwo\nthree", 9), "one\ntwo");
        assert_eq!(first_lines("one and more\ntwo", 5), "one and more");
        assert_eq!(first_lines("ääää", 3), "ääää");
    }
}
