//! What pages in browsers have told: sessions, and the events of one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{Answer, Done, Refusal, TEXT_BYTES_MAX};
use super::schema::Arguments;
use super::table::Work;
use super::text::{clean, clock, count, iso};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::proxy::capture::redact;
use crate::proxy::telemetry::{Family, PageEvent, Session};

/// Words for `eventType`.
pub(crate) const EVENT_TYPES: &[&str] =
    &["all", "error", "console", "performance", "interaction", "network", "navigation"];

/// A page that was just opened tells what it has to say within this time.
const TELLS_WITHIN: Duration = Duration::from_secs(4);

/// Bytes of an event's own fields.
const DATA_BYTES_MAX: usize = 1500;

fn family(word: &str) -> Option<Family> {
    let all =
        [Family::Error, Family::Console, Family::Performance, Family::Interaction, Family::Network, Family::Navigation];
    all.into_iter().find(|family| family.name() == word)
}

/// A session as values.
pub(crate) fn session_json(toolbox: &Toolbox, session: &Session) -> Value {
    let counts = &session.counts;
    let of = |family| session.of_family(family).count();
    let vitals = session.vitals.rated().map(|(name, value, rating)| {
        let rating = format!("{rating:?}").to_lowercase();
        (name.to_lowercase(), json!({ "value": (value * 1000.0).round() / 1000.0, "rating": rating }))
    });
    let vitals: serde_json::Map<String, Value> = vitals.collect();
    let memory = session.of_family(Family::Performance).rev().find(|event| &*event.name == "memory_usage");
    let open = toolbox.app.pages().open().iter().any(|page| page.session == session.id);
    let mut value = json!({
        "sessionId": &*session.id, "url": redact::url(&session.meta.url), "open": open,
        "startTime": iso(session.first_ms), "lastActivity": iso(session.last_ms),
        "duration": session.last_ms.saturating_sub(session.first_ms), "pages": counts.pages,
        "eventCount": counts.events, "errorCount": counts.errors, "consoleErrorCount": counts.console_errors,
        "requestCount": counts.requests, "failedRequestCount": counts.failed_requests,
        "interactionCount": of(Family::Interaction), "consoleLogCount": of(Family::Console), "performance": vitals,
    });
    if let Some((id, name)) = &session.process {
        value["processName"] = (&**name).into();
        value["processId"] = id.0.to_string().into();
    }
    if let Some(memory) = memory {
        value["latestMemory"] = memory.data.clone();
    }
    value
}

fn session_text(value: &Value) -> String {
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    let open = if value["open"] == true { "open" } else { "closed" };
    format!(
        "{} {} ({open}, last heard {}): {} events, {} errors, {} console errors, {} requests of which {} failed",
        text("sessionId"),
        text("url"),
        text("lastActivity"),
        value["eventCount"],
        value["errorCount"],
        value["consoleErrorCount"],
        value["requestCount"],
        value["failedRequestCount"]
    )
}

/// The sessions of pages that are open now: they are told of before they have told anything.
fn open(toolbox: &Toolbox) -> Vec<Arc<str>> {
    let driven = toolbox.driver.pages().into_iter().rev().filter_map(|page| page.session.map(Arc::from));
    driven.chain(toolbox.app.pages().open().into_iter().map(|page| page.session)).collect()
}

fn is_silent(toolbox: &Toolbox, session: &str) -> bool {
    toolbox.app.telemetry().get_session(session).is_none()
}

pub(crate) fn sessions(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let silent = open(toolbox).into_iter().filter(|session| is_silent(toolbox, session)).collect::<Vec<_>>();
    match silent.is_empty() {
        true => Work::Done(listed(toolbox, arguments)),
        false => Work::Wait(Box::new(Hearing {
            toolbox: Arc::clone(toolbox),
            arguments: arguments.clone(),
            silent,
            until: Instant::now() + TELLS_WITHIN,
        })),
    }
}

/// Waits until pages that have just been opened have told something.
struct Hearing {
    toolbox: Arc<Toolbox>,
    arguments: Arguments,
    silent: Vec<Arc<str>>,
    until: Instant,
}

impl Wait for Hearing {
    fn look(&mut self, now: Instant) -> Look {
        if now < self.until && self.silent.iter().any(|session| is_silent(&self.toolbox, session)) {
            return Look::Not;
        }
        Look::Done(listed(&self.toolbox, &self.arguments))
    }

    fn next(&self) -> Instant {
        self.until
    }
}

fn listed(toolbox: &Toolbox, arguments: &Arguments) -> Done {
    let mut found = toolbox.app.telemetry().sessions();
    if let Some(id) = arguments.text("sessionId") {
        found = vec![known(toolbox, id)?];
    }
    if let Some(name) = arguments.text("processName") {
        found.retain(|session| session.process.as_ref().is_some_and(|(_, own)| **own == *name));
        if found.is_empty() {
            toolbox.named(name)?;
        }
    }
    Ok(sessions_answer(toolbox, &found, arguments.size("limit", 10)))
}

/// Sessions, the one heard last first.
pub(crate) fn sessions_answer(toolbox: &Toolbox, found: &[Arc<Session>], limit: usize) -> Answer {
    let list: Vec<Value> = found.iter().take(limit).map(|session| session_json(toolbox, session)).collect();
    let lines: Vec<String> = list.iter().map(session_text).collect();
    let head = match found.len() {
        0 => "No page has told anything. Open one through its proxyUrl (urls_list, browser_open).".to_owned(),
        all => format!("{}, the one heard last first", count(all, "session", "sessions")),
    };
    Answer::new(format!("{head}\n{}", lines.join("\n")), json!({ "sessions": list, "total": found.len() }))
}

/// A session by its id or by the end of it; none named means the one heard last.
///
/// # Errors
/// Which there are.
pub(crate) fn known(toolbox: &Toolbox, id: &str) -> Result<Arc<Session>, Refusal> {
    let all = toolbox.app.telemetry().sessions();
    let found: Vec<&Arc<Session>> =
        all.iter().filter(|session| *session.id == *id || session.id.ends_with(id)).collect();
    match found.as_slice() {
        [only] => Ok(Arc::clone(only)),
        [] if all.is_empty() => Err(Refusal(format!("No session `{id}`: no page has told anything yet."))),
        [] => {
            let ids: Vec<&str> = all.iter().take(10).map(|session| &*session.id).collect();
            Err(Refusal(format!("No session `{id}`. There are: {}.", ids.join(", "))))
        }
        _ => Err(Refusal(format!("Several sessions end in `{id}`; give the whole id."))),
    }
}

/// An event as values.
fn event_json(event: &PageEvent, number: u64) -> Value {
    let mut value = json!({
        "number": number, "time": iso(event.time_ms), "type": event.family().name(), "event": &*event.name,
        "url": redact::url(&event.url), "message": clean(&event.summary(), 1000),
    });
    let data = event.data.to_string();
    if data.len() <= DATA_BYTES_MAX {
        value["data"] = event.data.clone();
    }
    value
}

pub(crate) fn events(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let begun = (|| {
        let (from_cursor, from) = match arguments.text("cursor") {
            None => (None, None),
            Some(cursor) => {
                let parts = cursor.rsplit_once(':').and_then(|(id, number)| Some((id, number.parse::<u64>().ok()?)));
                let wrong =
                    || Refusal(format!("`cursor` is {cursor:?}; give the cursor of an earlier answer as it was."));
                parts.map(|(id, number)| (Some(id), Some(number))).ok_or_else(wrong)?
            }
        };
        let (session, told) = of_session(toolbox, arguments.text("sessionId").or(from_cursor))?;
        let family = arguments.text("eventType").and_then(family);
        let follow = arguments.flag("follow");
        let from = from.or_else(|| follow.then_some(told.unwrap_or(0)));
        Ok((Events { session, family, limit: arguments.size("limit", 50), from, is_new: told.is_none() }, follow))
    })();
    let (events, follow) = match begun {
        Ok(begun) => begun,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    if !follow && !events.is_new {
        return Work::Done(events.answer(toolbox).map(|(answer, _)| answer));
    }
    let time = if follow { arguments.seconds("timeout", 20) } else { TELLS_WITHIN };
    let enough = if follow { events.limit } else { 1 };
    Work::Wait(Box::new(Follow { toolbox: Arc::clone(toolbox), events, until: Instant::now() + time, enough, told: 0 }))
}

/// The session that is meant, and how many events it has told; `None`: it is open, and has told nothing yet.
fn of_session(toolbox: &Toolbox, id: Option<&str>) -> Result<(Arc<str>, Option<u64>), Refusal> {
    let silent = open(toolbox).into_iter().filter(|session| is_silent(toolbox, session));
    let mut silent = silent.filter(|session| id.is_none_or(|id| session.ends_with(id)));
    if let Some(session) = silent.next() {
        return Ok((session, None));
    }
    let session = match id {
        Some(id) => known(toolbox, id)?,
        None => toolbox.app.telemetry().sessions().into_iter().next().ok_or_else(|| {
            Refusal("No page has told anything. Open one through its proxyUrl (urls_list, browser_open).".into())
        })?,
    };
    Ok((session.id.clone(), Some(session.counts.events)))
}

/// Which events.
struct Events {
    session: Arc<str>,
    family: Option<Family>,
    limit: usize,
    /// Those from this number on, oldest first; `None`: the newest.
    from: Option<u64>,
    /// It had told nothing when it was asked for.
    is_new: bool,
}

impl Events {
    /// The answer, and how many events are in it.
    fn answer(&self, toolbox: &Toolbox) -> Result<(Answer, usize), Refusal> {
        let session = match toolbox.app.telemetry().get_session(&self.session) {
            Some(session) => session,
            None if self.is_new => return Ok((self.silence(), 0)),
            None => return Err(Refusal(format!("Session {} is no longer kept.", self.session))),
        };
        let first = session.counts.events - session.events.len() as u64;
        let numbered = session.events.iter().zip(first..);
        let wanted = |event: &PageEvent| self.family.is_none_or(|family| event.family() == family);
        let mut found: Vec<(&Arc<PageEvent>, u64)> =
            numbered.filter(|(event, number)| wanted(event) && self.from.is_none_or(|from| *number >= from)).collect();
        let total = found.len();
        match self.from {
            Some(_) => found.truncate(self.limit),
            None => drop(found.drain(..total.saturating_sub(self.limit))),
        }
        let whole = found.len() == total || self.from.is_none();
        let next = if whole { session.counts.events } else { found.last().map_or(first, |(_, number)| number + 1) };
        if self.from.is_none() {
            found.reverse();
        }
        let (mut list, mut lines, mut bytes) = (Vec::new(), Vec::new(), 0);
        for (event, number) in &found {
            let value = event_json(event, *number);
            bytes += value.to_string().len();
            if bytes > 2 * TEXT_BYTES_MAX && !list.is_empty() {
                break;
            }
            let what = event.family().name();
            lines.push(format!("{} {what} {}: {}", clock(event.time_ms), event.name, clean(&event.summary(), 300)));
            list.push(value);
        }
        let cursor = format!("{}:{next}", self.session);
        let order = if self.from.is_some() { "oldest first" } else { "newest first" };
        let head = format!(
            "{} of session {}, {} shown, {order}. Next cursor: {cursor}",
            count(total, "event", "events"),
            self.session,
            list.len()
        );
        let shown = list.len();
        let value = json!({ "events": list, "sessionId": &*self.session, "total": total, "cursor": cursor });
        Ok((Answer::new(format!("{head}\n{}", lines.join("\n")), value), shown))
    }

    fn silence(&self) -> Answer {
        let cursor = format!("{}:0", self.session);
        let value = json!({ "events": [], "sessionId": &*self.session, "total": 0, "cursor": cursor });
        Answer::new(format!("The page {} has told nothing yet. Next cursor: {cursor}", self.session), value)
    }
}

/// Hands events on as they come.
struct Follow {
    toolbox: Arc<Toolbox>,
    events: Events,
    until: Instant,
    /// With so many it is over before its time.
    enough: usize,
    told: usize,
}

impl Wait for Follow {
    fn look(&mut self, now: Instant) -> Look {
        let (answer, shown) = match self.events.answer(&self.toolbox) {
            Ok(found) => found,
            Err(refusal) => return Look::Done(Err(refusal)),
        };
        if now >= self.until || shown >= self.enough {
            return Look::Done(Ok(answer));
        }
        if shown > self.told {
            let fresh: Vec<&str> = answer.text.lines().skip(1 + self.told).collect();
            self.told = shown;
            return Look::Progress(shown as f64, fresh.join("\n"));
        }
        Look::Not
    }

    fn next(&self) -> Instant {
        self.until
    }
}
