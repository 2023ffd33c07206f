//! The DevTools protocol over a pipe: questions with numbers, their answers, and events, each a JSON text ended by a zero byte.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde_json::{Value, json};

use crate::error::{Code, Error, Result};

/// The longest message that is read; a picture of a long page has some megabytes.
const MESSAGE_BYTES_MAX: u64 = 128 << 20;
/// The newest events are kept for whoever waits for one.
const EVENTS_MAX: usize = 1024;

/// Something that the browser tells unasked.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Counts from 1.
    pub(super) number: u64,
    /// The tab, if it is about one.
    pub(super) session: Option<Arc<str>>,
    /// `Page.loadEventFired`.
    pub(super) method: Arc<str>,
    /// What is told.
    pub(super) params: Value,
}

/// The browser's end of the pipe has many users: all tabs ask over it.
pub(super) struct Protocol {
    writer: Mutex<Box<dyn Write + Send>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: u64,
    /// Questions without and with their answers.
    answers: HashMap<u64, Option<Value>>,
    events: VecDeque<Event>,
    told: u64,
    closed: bool,
}

impl Protocol {
    /// A protocol that writes to `writer`; whoever reads calls [`Protocol::read_all`].
    pub(super) fn new(writer: impl Write + Send + 'static) -> Protocol {
        Protocol { writer: Mutex::new(Box::new(writer)), state: Mutex::default(), changed: Condvar::new() }
    }

    /// Reads until the browser closes the pipe. To be called on a thread of its own.
    pub(super) fn read_all(&self, reader: impl Read) {
        let mut reader = BufReader::with_capacity(64 << 10, reader);
        let mut message = Vec::new();
        loop {
            message.clear();
            let read = reader.by_ref().take(MESSAGE_BYTES_MAX).read_until(0, &mut message);
            if !read.is_ok_and(|bytes| bytes > 0) || message.pop() != Some(0) {
                break;
            }
            // What cannot be read is passed over: its question runs into its deadline.
            if let Ok(value) = serde_json::from_slice(&message) {
                self.take(value);
            }
        }
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    fn take(&self, mut message: Value) {
        let mut state = self.state.lock();
        if let Some(number) = message.get("id").and_then(Value::as_u64) {
            if let Some(answer) = state.answers.get_mut(&number) {
                *answer = Some(message);
            }
        } else if let Some(method) = message.get("method").and_then(Value::as_str) {
            state.told += 1;
            let (number, method) = (state.told, Arc::from(method));
            let session = message.get("sessionId").and_then(Value::as_str).map(Arc::from);
            let params = message.get_mut("params").map(Value::take).unwrap_or_default();
            if state.events.len() == EVENTS_MAX {
                state.events.pop_front();
            }
            state.events.push_back(Event { number, session, method, params });
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Asks the browser, or one of its tabs.
    pub(super) fn ask(&self, session: Option<&str>, method: &str, params: Value, timeout: Duration) -> Result<Value> {
        let until = Instant::now() + timeout;
        let number = {
            let mut state = self.state.lock();
            state.asked += 1;
            let number = state.asked;
            state.answers.insert(number, None);
            number
        };
        let mut question = json!({"id": number, "method": method, "params": params});
        if let Some(session) = session {
            question["sessionId"] = session.into();
        }
        let mut bytes = question.to_string().into_bytes();
        bytes.push(0);
        let written = {
            let mut writer = self.writer.lock();
            writer.write_all(&bytes).and_then(|()| writer.flush())
        };
        let mut state = self.state.lock();
        if written.is_err() {
            state.closed = true;
        }
        loop {
            if state.answers.get(&number).is_some_and(Option::is_some) {
                let answer = state.answers.remove(&number).flatten().unwrap_or_default();
                return read_answer(method, answer);
            }
            let problem = if state.closed {
                Some(ended())
            } else if self.changed.wait_until(&mut state, until).timed_out() {
                Some(Error::new("browser", Code::Timeout, format!("{method} was not answered within {timeout:?}")))
            } else {
                None
            };
            if let Some(problem) = problem {
                let late = state.answers.remove(&number).flatten();
                return late.map_or(Err(problem), |answer| read_answer(method, answer));
            }
        }
    }

    /// The number of the last event, to wait for one after it.
    pub(super) fn told(&self) -> u64 {
        self.state.lock().told
    }

    /// The events of a tab after the one of that number that are still kept.
    pub(super) fn events_after(&self, number: u64, session: &str) -> Vec<Event> {
        let state = self.state.lock();
        let mine = |event: &&Event| event.number > number && event.session.as_deref() == Some(session);
        state.events.iter().filter(mine).cloned().collect()
    }

    /// Waits for an event after the one of that number.
    pub(super) fn wait_for(&self, number: u64, timeout: Duration, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
        let until = Instant::now() + timeout;
        let mut state = self.state.lock();
        loop {
            if let Some(event) = state.events.iter().find(|event| event.number > number && wanted(event)) {
                return Ok(event.clone());
            }
            if state.closed {
                return Err(ended());
            }
            if self.changed.wait_until(&mut state, until).timed_out() {
                return Err(Error::new("browser", Code::Timeout, format!("it did not happen within {timeout:?}")));
            }
        }
    }

    /// Whether the browser has closed its end.
    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Waits until the browser closes its end; `false` when the time is up.
    pub(super) fn wait_closed(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.state.lock();
        while !state.closed {
            if self.changed.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.closed
    }
}

fn ended() -> Error {
    Error::new("browser", Code::Network, "the browser has ended")
}

fn read_answer(method: &str, mut answer: Value) -> Result<Value> {
    match answer.pointer("/error/message").and_then(Value::as_str) {
        Some(message) => Err(Error::new("browser", Code::InvalidState, format!("{method}: {message}"))),
        None => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    /// A browser made of a thread: it answers each question with what `answer` says.
    fn with_browser(answer: impl Fn(&Value) -> Vec<Value> + Send, test: impl FnOnce(&Protocol)) {
        let (questions, to_browser) = std::io::pipe().unwrap();
        let (answers, mut from_browser) = std::io::pipe().unwrap();
        let protocol = Protocol::new(to_browser);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for message in BufReader::new(questions).split(0).map_while(std::result::Result::ok) {
                    let question: Value = serde_json::from_slice(&message).unwrap();
                    if question["method"] == "Browser.close" {
                        break;
                    }
                    for message in answer(&question) {
                        from_browser.write_all(format!("{message}\0").as_bytes()).unwrap();
                    }
                }
            });
            let reading = scope.spawn(|| protocol.read_all(answers));
            test(&protocol);
            let _ = protocol.ask(None, "Browser.close", Value::Null, SOON);
            reading.join().unwrap();
        });
    }

    #[test]
    fn an_answer_finds_its_question_and_an_event_whoever_waits() {
        let answer = |question: &Value| {
            vec![
                json!({"id": 999, "result": "nobody asked"}),
                json!({"method": "Page.loaded", "sessionId": question["sessionId"], "params": {"n": 1}}),
                json!({"id": question["id"], "result": question["params"]}),
            ]
        };
        with_browser(answer, |protocol| {
            let before = protocol.told();
            assert_eq!(protocol.ask(Some("s"), "Do.it", json!({"a": "b"}), SOON).unwrap(), json!({"a": "b"}));
            let event = protocol.wait_for(before, SOON, |event| &*event.method == "Page.loaded").unwrap();
            assert_eq!((event.session.as_deref(), &event.params["n"]), (Some("s"), &json!(1)));
            assert_eq!(protocol.events_after(before, "s").len(), 1);
            assert!(protocol.events_after(before, "t").is_empty());
            assert!(protocol.wait_for(event.number, Duration::from_millis(1), |_| true).unwrap_err().is_timeout());
        });
    }

    #[test]
    fn errors_silence_and_the_end_are_told_apart() {
        let answer = |question: &Value| match question["method"].as_str() {
            Some("Silent") => vec![],
            _ => vec![json!({"id": question["id"], "error": {"message": "no such thing"}})],
        };
        with_browser(answer, |protocol| {
            let error = protocol.ask(None, "Do.it", Value::Null, SOON).unwrap_err();
            assert_eq!((error.code(), error.message()), (Code::InvalidState, "Do.it: no such thing"));
            assert!(protocol.ask(None, "Silent", Value::Null, Duration::from_millis(5)).unwrap_err().is_timeout());
            assert_eq!(protocol.ask(None, "Browser.close", Value::Null, SOON).unwrap_err().code(), Code::Network);
            assert!(protocol.is_closed() && protocol.wait_closed(Duration::ZERO));
            assert_eq!(protocol.ask(None, "Do.it", Value::Null, SOON).unwrap_err().code(), Code::Network);
        });
    }
}
