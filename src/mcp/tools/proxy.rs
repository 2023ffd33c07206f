//! What went through the proxy: URLs and their addresses, requests in a list or in full, and sending one again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Done, Refusal, TEXT_BYTES_MAX};
use super::schema::Arguments;
use super::table::{Question, Work};
use super::text::{clean, clock, count, cut, iso, size};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::app::view::{Backend, ExchangePart};
use crate::proxy::capture::decode::show;
use crate::proxy::capture::diff::diff;
use crate::proxy::capture::redact::masked;
use crate::proxy::capture::replay::Changes;
use crate::proxy::capture::{Secrets, redact};
use crate::proxy::{Body, Exchange, ExchangeId, Headers, Traffic};

/// Words for `status`.
pub(crate) const STATUSES: &[&str] = &["all", "success", "error"];

/// Characters of a body.
const BODY_CHARS_MAX: usize = 6000;

/// Messages of a WebSocket or an event stream.
const FRAMES_MAX: usize = 50;

pub(crate) fn urls(toolbox: &Arc<Toolbox>, _: &Arguments) -> Work {
    Work::Done(mappings(toolbox))
}

/// The URLs of servers and what the proxy calls them.
pub(crate) fn mappings(toolbox: &Toolbox) -> Done {
    let (rows, proxy) = (toolbox.app.urls(), toolbox.app.proxy());
    let url = |row: &crate::app::view::UrlRow| {
        let mut value = json!({
            "url": redact::url(&row.url), "processName": &*row.name, "requests": row.requests, "seenAt": iso(row.seen_ms),
        });
        if row.process.0 > 0 {
            value["processId"] = row.process.0.to_string().into();
        }
        for (name, address) in [("proxyUrl", &row.proxied), ("namedUrl", &row.named)] {
            if let Some(address) = address {
                value[name] = (&**address).into();
            }
        }
        value
    };
    let list: Vec<Value> = rows.iter().map(url).collect();
    let line = |row: &crate::app::view::UrlRow| {
        let proxied = row.proxied.as_deref().map_or(String::new(), |proxied| format!("  through the proxy: {proxied}"));
        format!("{}: {}{proxied}", row.name, redact::url(&row.url))
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    let head = match proxy.port {
        Some(port) => format!("{}, proxy on port {port}", count(rows.len(), "URL", "URLs")),
        None => format!("{}, the proxy has not begun", count(rows.len(), "URL", "URLs")),
    };
    let mut state =
        json!({ "exchanges": proxy.exchanges.0, "failed": proxy.exchanges.1, "telemetry": proxy.telemetry });
    if let Some(port) = proxy.port {
        state["port"] = port.into();
    }
    Ok(Answer::new(format!("{head}\n{}", lines.join("\n")), json!({ "urls": list, "proxy": state })))
}

/// One request in a list.
pub(crate) fn brief(exchange: &Exchange) -> Value {
    let mut value = json!({
        "id": exchange.id.0, "time": iso(exchange.opened.time_ms), "method": &*exchange.opened.method,
        "url": cut(redact::url(&exchange.opened.url).into_owned(), 300), "isError": exchange.is_error(),
    });
    if let Some(status) = exchange.status {
        value["statusCode"] = status.into();
    }
    if let Some(took) = exchange.duration() {
        value["durationMs"] = json!((took.as_secs_f64() * 10_000.0).round() / 10.0);
        value["responseSize"] = exchange.response.body.bytes.into();
    } else {
        value["pending"] = true.into();
    }
    if let Some((_, name)) = &exchange.opened.process {
        value["processName"] = (&**name).into();
    }
    if let Some(failure) = &exchange.failure {
        value["error"] = clean(&format!("{}: {}", failure.kind, failure.text), 300).into();
    }
    if let Some(kind) = exchange.content_type() {
        value["contentType"] = clean(&kind, 80).into();
    }
    value
}

/// The same in one line.
fn brief_text(exchange: &Exchange) -> String {
    let status = exchange.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
    let took = exchange.duration().map_or("pending".to_owned(), |took| format!("{} ms", took.as_millis()));
    let failure = exchange.failure.as_ref().map_or(String::new(), |failure| format!(" ({})", failure.kind));
    let url = cut(redact::url(&exchange.opened.url).into_owned(), 200);
    let bytes = size(exchange.response.body.bytes);
    let time = clock(exchange.opened.time_ms);
    format!("#{} {time} {} {url} → {status}{failure} in {took}, {bytes}", exchange.id.0, exchange.opened.method)
}

pub(crate) fn requests(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    Work::Done(match arguments.value("id").and_then(Value::as_u64) {
        Some(id) => in_full(toolbox, ExchangeId(id)),
        None => listed(toolbox, arguments),
    })
}

fn listed(toolbox: &Toolbox, arguments: &Arguments) -> Done {
    let filter = arguments.text("filter").unwrap_or_default();
    let mut found = toolbox.app.exchanges(filter).map_err(|error| Refusal(format!("`filter`: {}", error.message())))?;
    if let Some(name) = arguments.text("processName") {
        let known =
            found.iter().any(|exchange| exchange.opened.process.as_ref().is_some_and(|(_, own)| **own == *name));
        if !known {
            // Unknown names are refused; one without requests is not.
            toolbox.named(name)?;
        }
        found.retain(|exchange| exchange.opened.process.as_ref().is_some_and(|(_, own)| **own == *name));
    }
    match arguments.text("status") {
        Some("success") => found.retain(|exchange| exchange.done && !exchange.is_error()),
        Some("error") => found.retain(|exchange| exchange.is_error()),
        _ => {}
    }
    let total = found.len();
    if let Some(cursor) = arguments.text("cursor") {
        let wrong = |_| Refusal(format!("`cursor` is {cursor:?}; give the cursor of an earlier answer as it was."));
        let before: u64 = cursor.parse().map_err(wrong)?;
        found.retain(|exchange| exchange.id.0 < before);
    }
    let limit = arguments.size("limit", 30);
    let more = found.len() > limit;
    found.truncate(limit);
    Ok(list_answer(&found, total, more))
}

/// Requests, newest first.
pub(crate) fn list_answer(found: &[Arc<Exchange>], total: usize, more: bool) -> Answer {
    let failed = found.iter().filter(|exchange| exchange.is_error()).count();
    let mut value =
        json!({ "requests": found.iter().map(|exchange| brief(exchange)).collect::<Vec<_>>(), "total": total });
    let mut head = format!(
        "{}, {} shown, {failed} of them failed, newest first",
        count(total, "request", "requests"),
        found.len()
    );
    if let Some(last) = found.last().filter(|_| more) {
        value["cursor"] = last.id.0.to_string().into();
        head += &format!(". Next cursor: {}", last.id.0);
    }
    let lines: Vec<String> = found.iter().map(|exchange| brief_text(exchange)).collect();
    Answer::new(format!("{head}\n{}", lines.join("\n")), value)
}

fn kept(toolbox: &Toolbox, id: ExchangeId) -> Result<Arc<Exchange>, Refusal> {
    toolbox.app.capture().get(id).ok_or_else(|| {
        let newest = toolbox.app.exchanges("").ok().and_then(|all| Some((all.last()?.id.0, all.first()?.id.0)));
        Refusal(match newest {
            Some((first, last)) => format!("No request {} is kept; kept are some of {first} to {last}.", id.0),
            None => format!("No request {} is kept: none went through the proxy. urls_list has its addresses.", id.0),
        })
    })
}

/// A request with everything that is kept of it, without secrets.
pub(crate) fn in_full(toolbox: &Toolbox, id: ExchangeId) -> Done {
    let exchange = kept(toolbox, id)?;
    let shown = masked(&exchange);
    let mut value = brief(&shown);
    value["request"] = side(&shown.opened.headers, &shown.request_body);
    value["response"] = side(&shown.response.headers, &shown.response.body);
    let ms = |time: Option<std::time::Duration>| time.map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0);
    let phases = &shown.phases;
    value["timing"] =
        json!({ "connectMs": ms(phases.connect), "firstByteMs": ms(phases.first_byte), "totalMs": ms(phases.total) });
    value["curl"] = toolbox.app.exchange_text(id, ExchangePart::Curl, false).join("\n").into();
    if let Some(caller) = &shown.caller {
        value["caller"] = json!({ "pid": caller.pid, "name": &*caller.name });
    }
    let mut parts = vec![ExchangePart::Head, ExchangePart::RequestBody, ExchangePart::ResponseBody];
    if matches!(shown.traffic, Traffic::WebSocket | Traffic::EventStream) {
        let lines = toolbox.app.exchange_text(id, ExchangePart::Frames, false);
        let lines: Vec<String> = lines.iter().take(FRAMES_MAX).map(|line| clean(line, 300)).collect();
        value["frames"] = json!(lines);
        parts.push(ExchangePart::Frames);
    }
    let text = |part: &ExchangePart| {
        let lines = toolbox.app.exchange_text(id, *part, false);
        clean(&lines.join("\n"), BODY_CHARS_MAX)
    };
    let text = parts.iter().map(text).collect::<Vec<_>>().join("\n\n");
    Ok(Answer::new(cut(text, TEXT_BYTES_MAX), json!({ "requests": [value], "total": 1 })))
}

fn side(headers: &Headers, body: &Body) -> Value {
    let mut fields = Map::new();
    for (name, value) in headers {
        let text = clean(&String::from_utf8_lossy(value), 500);
        match fields.get_mut(name).and_then(|old| old.as_str().map(|old| format!("{old}, {text}"))) {
            Some(both) => fields.insert(name.to_owned(), both.into()),
            None => fields.insert(name.to_owned(), text.into()),
        };
    }
    let mut value = json!({ "headers": fields, "bodyBytes": body.bytes });
    if body.bytes > 0 {
        let shown = show(headers, body);
        value["bodyKind"] = shown.kind.name().into();
        value["body"] = clean(&shown.text, BODY_CHARS_MAX).into();
        if body.is_cut() {
            value["bodyKept"] = body.kept.len().into();
        }
    }
    value
}

/// What to ask before a request is sent again that may change something.
pub(crate) fn confirm_replay(toolbox: &Toolbox, arguments: &Arguments) -> Option<Question> {
    let exchange = toolbox.app.capture().get(ExchangeId(arguments.whole("id", 0)))?;
    let method = arguments.text("method").unwrap_or(&exchange.opened.method).to_ascii_uppercase();
    let url = arguments.text("url").unwrap_or(&exchange.opened.url);
    let elsewhere = arguments.text("url").is_some();
    let changes = !matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let times = arguments.whole("times", 1);
    let often = if times > 1 { format!(" {times} times") } else { String::new() };
    (changes || elsewhere).then(|| format!("Send {method} {}{often}?", redact::url(url)).into())
}

pub(crate) fn replay(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let begun = (|| {
        let first = kept(toolbox, ExchangeId(arguments.whole("id", 0)))?;
        let fields = arguments.object("headers");
        let set = |(name, value): (&String, &Value)| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some((name.clone(), text.clone()))),
            other => Err(Refusal(format!("`headers.{name}` is {other}; expected: text, or null to remove it."))),
        };
        let set: Vec<Option<(String, String)>> = fields.into_iter().flatten().map(set).collect::<Result<_, _>>()?;
        let remove = fields.into_iter().flatten().filter(|(_, value)| value.is_null()).map(|(name, _)| name.clone());
        let changes = Changes {
            method: arguments.text("method").map(str::to_owned),
            url: arguments.text("url").map(str::to_owned),
            set: set.into_iter().flatten().collect(),
            remove: remove.collect(),
            body: arguments.value("body").and_then(Value::as_str).map(|body| body.as_bytes().to_vec()),
        };
        let mut again = Replay {
            toolbox: Arc::clone(toolbox),
            left: arguments.size("times", 1),
            until: Instant::now() + arguments.seconds("timeout", 30),
            first,
            changes,
            sent: VecDeque::new(),
            answers: Vec::new(),
        };
        again.send()?;
        Ok(again)
    })();
    match begun {
        Ok(wait) => Work::Wait(Box::new(wait)),
        Err(refusal) => Work::Done(Err(refusal)),
    }
}

/// Sends a request as often as was asked, each when the one before was answered.
struct Replay {
    toolbox: Arc<Toolbox>,
    first: Arc<Exchange>,
    changes: Changes,
    left: usize,
    sent: VecDeque<ExchangeId>,
    answers: Vec<Arc<Exchange>>,
    until: Instant,
}

impl Replay {
    fn send(&mut self) -> Result<(), Refusal> {
        self.left -= 1;
        self.sent.push_back(self.toolbox.app.send_again(self.first.id, &self.changes)?);
        Ok(())
    }

    fn answer(&self) -> Answer {
        let mut lines = Vec::new();
        let mut list = Vec::new();
        for answer in &self.answers {
            let change = diff(&self.first, answer, Secrets::Masked);
            let told = match (change.is_same(), change.lines_changed()) {
                (true, _) => "the same answer".to_owned(),
                (false, (0, 0)) => "other header fields, the same body".to_owned(),
                (false, (less, more)) => format!("{more} lines more and {less} less"),
            };
            let shown = masked(answer);
            let mut value = brief(&shown);
            value["same"] = change.is_same().into();
            value["difference"] = told.as_str().into();
            value["response"] = side(&shown.response.headers, &shown.response.body);
            lines.push(format!("{}: {told}", brief_text(&shown)));
            list.push(value);
        }
        let open = self.sent.len();
        if open > 0 {
            lines.push(format!("{} not answered in time", count(open, "request was", "requests were")));
        }
        if let Some(last) = self.answers.last() {
            let body = self.toolbox.app.exchange_text(last.id, ExchangePart::ResponseBody, false);
            lines.push(clean(&body.join("\n"), BODY_CHARS_MAX));
        }
        Answer::new(lines.join("\n"), json!({ "answers": list, "unanswered": open }))
    }
}

impl Wait for Replay {
    fn look(&mut self, now: Instant) -> Look {
        while let Some(id) = self.sent.front().copied() {
            let found = self.toolbox.app.capture().get(id);
            match found.filter(|exchange| exchange.done) {
                Some(exchange) => {
                    self.sent.pop_front();
                    self.answers.push(exchange);
                }
                None if now >= self.until => return Look::Done(Ok(self.answer())),
                None => return Look::Not,
            }
            if self.left > 0
                && let Err(refusal) = self.send()
            {
                return Look::Done(Err(refusal));
            }
        }
        Look::Done(Ok(self.answer()))
    }

    fn next(&self) -> Instant {
        self.until
    }
}
