//! Who is asked, and how an answer finds its way: channels by session, questions by number.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde_json::Value;

use super::ask::{self, Ask, Evaluation, Picture, Snapshot, View};
use crate::error::{Code, Error, Result};
use crate::proxy::engine::{ChannelId, PageChannel, PageOrigin};
use crate::proxy::telemetry::batch::clean_text;
use crate::sync::CowCell;

/// A page that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPage {
    /// Its session: the tab.
    pub session: Arc<str>,
    /// Its address when it opened its channel.
    pub url: Arc<str>,
    /// Its title then.
    pub title: Arc<str>,
    /// Where it comes from.
    pub origin: PageOrigin,
}

/// The channels to all pages.
///
/// Thread safety: `Send + Sync`; any number of questions at once, each to one page. Progress: blocking on a short lock.
/// Waits: a question for its answer, at most as long as it says. Cleanup: a question whose page goes ends with an error.
#[derive(Default)]
pub struct Pages {
    state: Mutex<State>,
    answered: Condvar,
    hooks: CowCell<Vec<Hook>>,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("state", &*self.state.lock()).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    channels: HashMap<ChannelId, Channel>,
    questions: HashMap<u64, Question>,
    asked: u64,
}

#[derive(Debug)]
struct Channel {
    way: PageChannel,
    origin: PageOrigin,
    /// Known once the page has said who it is.
    page: Option<OpenPage>,
}

#[derive(Debug)]
struct Question {
    channel: ChannelId,
    answer: Option<Result<Value>>,
}

impl Pages {
    /// A page has opened a channel.
    pub(in crate::proxy) fn opened(&self, way: PageChannel, origin: PageOrigin) {
        self.state.lock().channels.insert(way.id(), Channel { way, origin, page: None });
    }

    /// A channel is closed: whoever waits for an answer over it is told.
    pub(in crate::proxy) fn closed(&self, channel: ChannelId) {
        let mut state = self.state.lock();
        state.channels.remove(&channel);
        for question in state.questions.values_mut().filter(|question| question.channel == channel) {
            question.answer.get_or_insert_with(|| Err(gone("the page went away before it answered")));
        }
        drop(state);
        self.tell();
    }

    /// Where a channel comes from, if it is open.
    pub(in crate::proxy) fn origin(&self, channel: ChannelId) -> Option<PageOrigin> {
        self.state.lock().channels.get(&channel).map(|channel| channel.origin.clone())
    }

    /// A page has said something that is no telemetry.
    pub(in crate::proxy) fn said(&self, id: ChannelId, message: Value) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        match message.get("type").and_then(Value::as_str) {
            Some("hello") => {
                let Some(channel) = state.channels.get_mut(&id) else { return };
                let text =
                    |field: &str| clean_text(message.pointer(field).and_then(Value::as_str).unwrap_or_default(), 2048);
                channel.page = Some(OpenPage {
                    session: clean_text(message.get("sessionId").and_then(Value::as_str).unwrap_or_default(), 64)
                        .into(),
                    url: text("/metadata/url").into(),
                    title: text("/metadata/title").into(),
                    origin: channel.origin.clone(),
                });
                drop(guard);
                self.tell();
            }
            Some("answer") => {
                let number = message.get("id").and_then(Value::as_u64).unwrap_or_default();
                // Only the page that was asked may answer, and only once.
                let question = state.questions.get_mut(&number).filter(|question| question.channel == id);
                if let Some(question) = question.filter(|question| question.answer.is_none()) {
                    question.answer = Some(Ok(message));
                    drop(guard);
                    self.tell();
                }
            }
            _ => {}
        }
    }

    /// The pages that can be asked, the one that came last first.
    pub fn open(&self) -> Vec<OpenPage> {
        let state = self.state.lock();
        let mut open: Vec<_> =
            state.channels.iter().filter_map(|(id, channel)| Some((*id, channel.page.clone()?))).collect();
        open.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        open.into_iter().map(|(_, page)| page).collect()
    }

    /// Waits until a page of this session can be asked; `false` when the time is up.
    pub fn wait_for(&self, session: &str, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.state.lock();
        while state.of_session(session).is_none() {
            if self.answered.wait_until(&mut state, until).timed_out() {
                return state.of_session(session).is_some();
            }
        }
        true
    }

    /// Runs JavaScript in the page of a session. What it throws is an [`Evaluation`] too.
    ///
    /// # Errors
    /// NOT_FOUND if the session has no open page, TIMEOUT if there is no answer in time, NETWORK if the page goes away.
    pub fn evaluate(&self, session: &str, code: &str, timeout: Duration) -> Result<Evaluation> {
        let answer = self.ask(session, &Ask::Evaluate { code: code.to_owned() }, timeout)?;
        Ok(Evaluation::read(answer))
    }

    /// Sends the page of a session to another address, and says which that is.
    ///
    /// # Errors
    /// As [`Pages::evaluate`]; INVALID_STATE if it is not an address for a page.
    pub fn navigate(&self, session: &str, url: &str, timeout: Duration) -> Result<String> {
        let answer = self.ask(session, &Ask::Navigate { url: url.to_owned() }, timeout)?;
        ask::failure(&answer).map_or_else(|| Ok(Snapshot::read(&answer).url), Err)
    }

    /// Loads the page of a session again.
    ///
    /// # Errors
    /// As [`Pages::evaluate`].
    pub fn reload(&self, session: &str, timeout: Duration) -> Result<()> {
        let answer = self.ask(session, &Ask::Reload, timeout)?;
        ask::failure(&answer).map_or(Ok(()), Err)
    }

    /// The document of a session's page as it stands: all of it, or the first element that matches.
    ///
    /// # Errors
    /// As [`Pages::evaluate`]; INVALID_STATE if nothing matches.
    pub fn snapshot(&self, session: &str, selector: Option<&str>, limit: usize, timeout: Duration) -> Result<Snapshot> {
        let question = Ask::Snapshot { selector: selector.map(str::to_owned), limit };
        let answer = self.ask(session, &question, timeout)?;
        ask::failure(&answer).map_or_else(|| Ok(Snapshot::read(&answer)), Err)
    }

    /// A picture that the page makes of itself; it says that it is an approximation.
    ///
    /// # Errors
    /// As [`Pages::evaluate`]; INVALID_STATE if the page cannot draw itself.
    pub fn screenshot(&self, session: &str, timeout: Duration) -> Result<Picture> {
        let answer = self.ask(session, &Ask::Screenshot(View::default()), timeout)?;
        ask::failure(&answer).map_or_else(|| Picture::read(&answer), Err)
    }

    fn ask(&self, session: &str, question: &Ask, timeout: Duration) -> Result<Value> {
        let until = Instant::now() + timeout;
        let number = self.send(session, question)?;
        let mut state = self.state.lock();
        loop {
            if let Some(answer) = state.take_answer(number) {
                return answer;
            }
            if self.answered.wait_until(&mut state, until).timed_out() {
                let late = state.questions.remove(&number).and_then(|question| question.answer);
                return late.unwrap_or_else(|| {
                    let message = format!("the page did not answer within {timeout:?}; perhaps it is busy or paused");
                    Err(Error::new("page", Code::Timeout, message).with("session", session))
                });
            }
        }
    }

    /// Sends a question to the page of a session, and answers the question's number.
    pub(super) fn send(&self, session: &str, question: &Ask) -> Result<u64> {
        question.check()?;
        let (number, way) = {
            let mut state = self.state.lock();
            let way = state.of_session(session).ok_or_else(|| {
                Error::new("page", Code::NotFound, "the session has no open page; load it in the browser and try again")
                    .with("session", session)
            })?;
            state.asked += 1;
            let number = state.asked;
            state.questions.insert(number, Question { channel: way.id(), answer: None });
            (number, way)
        };
        way.send(question.message(number).to_string());
        Ok(number)
    }

    /// The answer to a question, once it is there; it can be taken once.
    pub(super) fn take_answer(&self, number: u64) -> Option<Result<Value>> {
        self.state.lock().take_answer(number)
    }

    /// Nobody waits for an answer to this question any more.
    pub(super) fn give_up(&self, number: u64) {
        self.state.lock().questions.remove(&number);
    }

    /// Calls `hook` whenever a page was opened, has answered or has gone, on the thread that heard of it, so it must be quick.
    pub fn on_change(&self, hook: impl Fn() + Send + Sync + 'static) {
        let hook: Hook = Arc::new(hook);
        self.hooks.update(|hooks| hooks.iter().cloned().chain([hook.clone()]).collect());
    }

    fn tell(&self) {
        self.answered.notify_all();
        self.hooks.load().iter().for_each(|hook| hook());
    }
}

impl State {
    fn take_answer(&mut self, number: u64) -> Option<Result<Value>> {
        let answer = self.questions.get_mut(&number)?.answer.take()?;
        self.questions.remove(&number);
        Some(answer)
    }

    /// The way to the page of a session: the newest, if a reload has left an older one behind.
    fn of_session(&self, session: &str) -> Option<PageChannel> {
        let open = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.page.as_ref().is_some_and(|page| &*page.session == session));
        open.max_by_key(|(id, _)| **id).map(|(_, channel)| channel.way.clone())
    }
}

fn gone(message: &str) -> Error {
    Error::new("page", Code::Network, message)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
