//! What the front doors see of the proxy: rows of URLs and exchanges, an exchange as text, and what pages told.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::service::{NOBODY, Seen, Web};
use crate::app::errors::id_of;
use crate::app::messages::now_ms;
use crate::app::view::{Answer, ErrorOrigin, ErrorRow, ExchangePart, PageEvent, ProxyRow, UrlRow};
use crate::error::{Code, Error, Result};
use crate::event::{Level, ProcessId};
use crate::io::local;
use crate::proxy::capture::copy::{curl, fetch};
use crate::proxy::capture::decode::{self, show, show_frame};
use crate::proxy::capture::redact::{self, masked};
use crate::proxy::capture::timing::{Step, spans};
use crate::proxy::capture::{Filter, Query, Secrets, jwt};
use crate::proxy::telemetry::{self, ErrorGroup, ErrorKind, Family, Original, Session, StackFrame};
use crate::proxy::{Exchange, ExchangeId, Headers, Injection, Mapping};

/// Events that are shown; older ones are still in the store.
const EVENTS_MAX: usize = 1000;

impl Web {
    pub(crate) fn urls(&self) -> Vec<UrlRow> {
        let mappings = self.proxy().map(|proxy| proxy.mappings());
        let kept = self.capture.requests(&Query::default());
        let all = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let own = self.own_address();
        let rows = all.iter().cloned().map(|seen| {
            let mappings = mappings.iter().flat_map(|all| all.iter());
            let mapping =
                mappings.clone().find(|mapping| mapping.process == seen.process && origin(&seen.url) == &*mapping.url);
            let requests = mapping.map_or(0, |mapping| {
                let to_it = |exchange: &&Arc<Exchange>| {
                    exchange.opened.url.strip_prefix(&*mapping.url).is_some_and(|rest| rest.starts_with('/'))
                };
                kept.iter().filter(to_it).count() as u64
            });
            UrlRow {
                proxied: mapping.map(|mapping| mapping.proxy_url.clone()),
                named: mapping.map(|mapping| mapping.name_url.clone()),
                network: network(&seen, mapping.zip(own), &all),
                url: seen.url,
                process: seen.process,
                name: seen.name,
                requests,
                seen_ms: seen.seen_ms,
                answer: Answer::NotAsked,
            }
        });
        let mut rows: Vec<UrlRow> = rows.collect();
        rows.sort_by_key(|row| row.proxied.is_none());
        rows
    }

    /// The servers that were announced, the newest first, each with its process; those that nobody has announced have none.
    pub(crate) fn announced(&self) -> Vec<(Option<ProcessId>, Arc<str>)> {
        let all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |seen: &Seen| (Some(seen.process).filter(|process| *process != NOBODY), Arc::clone(&seen.url));
        all.iter().rev().map(of).collect()
    }

    /// The address of this machine at which others reach the proxy, where they may.
    fn own_address(&self) -> Option<Ipv4Addr> {
        self.is_open_to_others().then(local::own_address).flatten()
    }

    /// The same place behind the proxy's address of that server.
    pub(crate) fn proxied(&self, url: &str) -> Option<String> {
        let mappings = self.proxy()?.mappings();
        let server = origin(url);
        let same = |own: &str| own == server || own == server.replace("127.0.0.1", "localhost");
        let mapping = mappings
            .iter()
            .find(|mapping| same(&mapping.url) || server == mapping.url.replace("127.0.0.1", "localhost"))?;
        Some(format!("{}{}", mapping.proxy_url, path(url)))
    }

    pub(crate) fn row(&self) -> ProxyRow {
        let sums = self.capture.summary();
        let proxy = self.proxy().filter(|proxy| proxy.is_running());
        let full = proxy.as_ref().is_some_and(|proxy| proxy.is_full());
        ProxyRow {
            port: proxy.as_ref().map(|proxy| proxy.port()),
            full,
            pac: proxy.filter(|_| full).map(|proxy| format!("http://127.0.0.1:{}/proxy.pac", proxy.port()).into()),
            telemetry: self.tells(),
            exchanges: (sums.total, sums.failed),
        }
    }

    pub(crate) fn exchanges(&self, filter: &str) -> Result<Vec<Arc<Exchange>>> {
        let filter = match filter.trim() {
            "" => None,
            text => {
                Some(Filter::parse(text).map_err(|error| Error::new("filter", Code::InvalidState, error.to_string()))?)
            }
        };
        Ok(self.capture.requests(&Query { filter, ..Query::default() }))
    }

    pub(crate) fn exchange_text(&self, id: ExchangeId, part: ExchangePart, reveal: bool) -> Vec<String> {
        let Some(exchange) = self.capture.get(id) else { return vec!["no longer kept".into()] };
        let secrets = if reveal { Secrets::Shown } else { Secrets::Masked };
        let shown = if reveal { (*exchange).clone() } else { masked(&exchange) };
        match part {
            ExchangePart::Head => head(&shown, &exchange, secrets),
            ExchangePart::RequestBody => body(&shown.opened.headers, &shown.request_body),
            ExchangePart::ResponseBody => body(&shown.response.headers, &shown.response.body),
            ExchangePart::Frames => frames(&shown),
            ExchangePart::Timing => timing(&shown),
            ExchangePart::Fetch => fetch(&exchange, secrets).lines().map(str::to_owned).collect(),
            ExchangePart::Curl => curl(&exchange, secrets).lines().map(str::to_owned).collect(),
        }
    }

    pub(crate) fn page_events(&self) -> Vec<PageEvent> {
        let store = self.telemetry.store();
        let (errors, console) = (store.errors(None), store.console_errors(None));
        let groups: Vec<&ErrorGroup> = errors.iter().chain(&console).collect();
        let sessions = store.sessions();
        let all = sessions.iter().flat_map(|session| session.events.iter().map(move |event| (session, event)));
        let mut all: Vec<(&Arc<Session>, &Arc<telemetry::PageEvent>)> = all.collect();
        all.sort_by_key(|(_, event)| std::cmp::Reverse(event.time_ms));
        all.truncate(EVENTS_MAX);
        all.into_iter().map(|(session, event)| page_event(session, event, &groups)).collect()
    }

    /// Errors of pages.
    pub(crate) fn page_errors(&self) -> Vec<ErrorRow> {
        let store = self.telemetry.store();
        let sessions = store.sessions();
        let groups = store.errors(None).into_iter().chain(store.console_errors(None));
        groups.map(|group| error_row(&group, &sessions)).collect()
    }
}

fn error_row(group: &ErrorGroup, sessions: &[Arc<Session>]) -> ErrorRow {
    let session = sessions.iter().find(|session| session.id == group.session);
    let name = session.and_then(|session| Some(Arc::clone(&session.process.as_ref()?.1)));
    let name = name.unwrap_or_else(|| "".into());
    let message = group.message.lines().next().unwrap_or_default();
    let kind = message.split_once(": ").map(|(kind, _)| kind.trim_start_matches("Uncaught "));
    let kind = kind.filter(|kind| kind.ends_with("Error") && !kind.contains(' '));
    ErrorRow {
        id: id_of((&*name, group.kind, group.fingerprint)),
        origin: ErrorOrigin::Page {
            page: path(&redact::url(&group.url)).into(),
            session: short(&group.session).into(),
        },
        level: match group.kind {
            ErrorKind::Exception | ErrorKind::Rejection | ErrorKind::Console => Level::Error,
            ErrorKind::Resource | ErrorKind::Policy => Level::Warn,
        },
        kind: kind.map(Arc::from),
        message: message.into(),
        stack: places(&group.frames, &group.originals).join("\n").into(),
        name,
        count: group.count,
        first_ms: group.first_ms,
        last_ms: group.last_ms,
    }
}

/// The frames of a stack, where they are known to be at their original places.
fn places(frames: &[StackFrame], originals: &[Option<Original>]) -> Vec<String> {
    let place = |(at, frame): (usize, &StackFrame)| {
        let (file, line, column) = match originals.get(at).and_then(Option::as_ref) {
            Some(original) => (&original.file, original.line, original.column),
            None => (&frame.url, frame.line, frame.column),
        };
        match &*frame.function {
            "" => format!("at {file}:{line}:{column}"),
            function => format!("at {function} ({file}:{line}:{column})"),
        }
    };
    frames.iter().enumerate().map(place).collect()
}

/// The end of a tab's number.
pub(super) fn short(session: &str) -> String {
    let begin = session.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    session[begin..].to_owned()
}

/// Where other devices of the network reach a server: behind the proxy, if that listens for them; else at an address that its
/// process has told for them, which has the same port.
fn network(seen: &Seen, behind: Option<(&Mapping, Ipv4Addr)>, all: &[Seen]) -> Option<Arc<str>> {
    if let Some((mapping, own)) = behind {
        return Some(format!("http://{own}:{}", mapping.port).into());
    }
    let for_others =
        |url: &str| local::host(url).is_some_and(|host| host.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback()));
    let server = origin(&seen.url);
    let told = all.iter().filter(|other| other.process == seen.process && for_others(&other.url));
    told.map(|other| origin(&other.url)).find(|other| local::port(other) == local::port(server)).map(Arc::from)
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    &url[..end]
}

fn head(shown: &Exchange, exchange: &Exchange, secrets: Secrets) -> Vec<String> {
    let mut lines = vec![format!("{} {}", shown.opened.method, shown.opened.url)];
    lines.push(summary(shown));
    lines.extend(shown.failure.as_ref().map(|failure| format!("{}: {}", failure.kind, failure.text)));
    match &shown.injection {
        Injection::NotAPage => {}
        Injection::Done { policy_loosened: true } => {
            lines.push("the telemetry script was put in; its Content-Security-Policy was loosened for it".into());
        }
        Injection::Done { policy_loosened: false } => lines.push("the telemetry script was put in".into()),
        Injection::Not(why) => lines.push(format!("the telemetry script was not put in: {why}")),
    }
    lines.extend([String::new(), "request".into()]);
    lines.extend(fields(&shown.opened.headers));
    lines.extend([String::new(), "answer".into()]);
    lines.extend(fields(&shown.response.headers));
    for token in jwt::find(exchange, secrets) {
        lines.extend([String::new(), format!("token in {}, {}", token.place, token.standing(now_ms() as i64 / 1000))]);
        let claims = token.header.iter().chain(&token.claims);
        lines.extend(claims.map(|(name, value)| format!("  {name}: {value}")));
    }
    lines
}

/// `500 Internal Server Error · 84 ms (wait 80, body 4) · 1126 bytes · via http://localhost:20002 · from curl (4711)`
fn summary(shown: &Exchange) -> String {
    let reason = |status| http::StatusCode::from_u16(status).ok()?.canonical_reason();
    let mut parts = vec![match shown.status {
        None => "no answer".to_owned(),
        Some(status) => format!("{status} {}", reason(status).unwrap_or("status")),
    }];
    if let Some(total) = shown.phases.total {
        let spans = spans(&shown.phases);
        let steps: Vec<String> =
            spans.iter().map(|span| format!("{} {}", step(span.step), millis(span.took()))).collect();
        let steps = if steps.len() > 1 { format!(" ({})", steps.join(", ")) } else { String::new() };
        parts.push(format!("{} ms{steps}", millis(total)));
    }
    if shown.status.is_some() {
        parts.push(format!("{} bytes", shown.response.body.bytes));
    }
    let host = shown.opened.headers.get("host").map(String::from_utf8_lossy);
    parts.extend(
        host.filter(|host| !origin(&shown.opened.url).ends_with(&format!("//{host}")))
            .map(|host| format!("via {host}")),
    );
    parts.extend(shown.caller.as_ref().map(|caller| format!("from {} ({})", caller.name, caller.pid)));
    parts.extend(shown.retried.then(|| "sent twice".to_owned()));
    parts.join(" · ")
}

/// Milliseconds, with a place behind the point where that says something.
fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 9.95 { format!("{millis:.1}") } else { format!("{millis:.0}") }
}

fn step(step: Step) -> &'static str {
    match step {
        Step::Connect => "connect",
        Step::Wait => "wait",
        Step::Body => "body",
    }
}

fn fields(headers: &Headers) -> Vec<String> {
    headers.into_iter().map(|(name, value)| format!("  {name}: {}", String::from_utf8_lossy(value))).collect()
}

fn body(headers: &Headers, body: &crate::proxy::Body) -> Vec<String> {
    if body.bytes == 0 {
        return vec!["no body".into()];
    }
    let shown = show(headers, body);
    let mut lines = vec![format!("{} of {} bytes, {}", body.kept.len(), body.bytes, shown.kind.name())];
    lines.extend(shown.notes);
    lines.push(String::new());
    lines.extend(shown.text.lines().map(str::to_owned));
    lines
}

fn frames(shown: &Exchange) -> Vec<String> {
    let (up, down) = shown.frames_total;
    let mut lines = vec![format!("{up} up, {down} down, the newest {} kept", shown.frames.len()), String::new()];
    for frame in &decode::frames(shown) {
        let sign = if frame.up { '↑' } else { '↓' };
        let text = show_frame(frame).text;
        lines.push(format!("{sign} {} {} bytes  {}", frame.kind, frame.bytes, text.replace('\n', " ")));
    }
    lines
}

fn timing(shown: &Exchange) -> Vec<String> {
    let spans = spans(&shown.phases);
    if spans.is_empty() {
        return vec!["nothing was measured yet".into()];
    }
    spans.iter().map(|span| format!("{:<8} {:?}", step(span.step), span.took())).collect()
}

fn page_event(session: &Session, event: &telemetry::PageEvent, groups: &[&ErrorGroup]) -> PageEvent {
    let stack = event.text("stack").unwrap_or_default();
    let group = groups.iter().find(|group| !stack.is_empty() && &*group.stack == stack);
    let originals = group.map_or(&[][..], |group| &group.originals);
    let places = places(&telemetry::stack::frames(stack), originals);
    let mut detail: Vec<Box<str>> = places.into_iter().map(Box::from).collect();
    if detail.is_empty() {
        let pretty = serde_json::to_string_pretty(&event.data).unwrap_or_default();
        detail.extend(pretty.lines().map(Box::from));
    }
    let level = match (event.is_error(), event.text("level")) {
        (true, _) => Level::Error,
        (false, Some("warn" | "warning")) => Level::Warn,
        _ => Level::Info,
    };
    let kind = match event.family() {
        Family::Performance if &*event.name == "web_vital" => "web-vital",
        family => family.name(),
    };
    PageEvent {
        time_ms: event.time_ms,
        session: short(&session.id).into(),
        page: path(&redact::url(&event.url)).into(),
        kind: kind.into(),
        text: event.summary().into(),
        detail: detail.into(),
        level,
    }
}

/// The path of a URL, with its query.
fn path(url: &str) -> &str {
    match &url[origin(url).len()..] {
        "" => "/",
        path => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::headers::HeaderBuffer;
    use crate::proxy::{ExchangeId, Mode, Opened, Phases};

    #[test]
    fn a_request_is_summed_up_in_a_line() {
        let summed = |host: &str, status, times: [Option<u64>; 3]| {
            let mut headers = HeaderBuffer::default();
            headers.push("Host", host.as_bytes());
            let (mode, method, url) = (Mode::Reverse, "POST".into(), "http://localhost:4000/pay?x=1".into());
            let opened = Opened { time_ms: 0, mode, method, url, process: None, headers: headers.take() };
            let mut exchange = Exchange::new(ExchangeId(1), opened);
            exchange.status = status;
            exchange.response.body.bytes = 1126;
            let [connect, first_byte, total] = times.map(|time| time.map(Duration::from_micros));
            exchange.phases = Phases { connect, first_byte, total };
            summary(&exchange)
        };
        assert_eq!(
            summed("localhost:20002", Some(500), [Some(500), Some(80_500), Some(84_400)]),
            "500 Internal Server Error · 84 ms (connect 0.5, wait 80, body 3.9) · 1126 bytes · via localhost:20002"
        );
        assert_eq!(summed("localhost:4000", Some(299), [None, None, Some(9_949)]), "299 status · 9.9 ms · 1126 bytes");
        assert_eq!(summed("localhost:4000", None, [None; 3]), "no answer");
    }
}
