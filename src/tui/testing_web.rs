//! What the mock has for the URLs view and the Web view.

use std::sync::Arc;
use std::time::Duration;

use crate::app::view::{Answer, ErrorOrigin, ErrorRow, ExchangePart, PageEvent, PageSession, ProxyRow, UrlRow};
use crate::error::{Code, Error, Result};
use crate::event::{Level, ProcessId};
use crate::proxy::capture::Filter;
use crate::proxy::headers::Headers;
use crate::proxy::{Body, Exchange, ExchangeId, Failure, Mode, Opened, Phases, Traffic};
use crate::tui::testing::NOW;

/// URLs, exchanges and events, newest first.
#[derive(Clone, Default)]
pub(crate) struct WebMock {
    pub(crate) urls: Vec<UrlRow>,
    pub(crate) proxy: ProxyRow,
    pub(crate) exchanges: Vec<Arc<Exchange>>,
    pub(crate) events: Vec<PageEvent>,
    pub(crate) tabs: Vec<PageSession>,
    pub(crate) errors: Vec<ErrorRow>,
}

fn url(id: u64, name: &str, url: &str, port: Option<u16>, (requests, answer): (u64, Answer)) -> UrlRow {
    UrlRow {
        url: url.into(),
        process: ProcessId(id),
        name: name.into(),
        proxied: port.map(|port| format!("http://localhost:{port}/").into()),
        named: port.map(|_| format!("http://{name}.localhost:19888/").into()),
        network: port.filter(|port| *port == 20888).map(|port| format!("http://192.168.1.20:{port}").into()),
        requests,
        seen_ms: NOW - 720_000,
        answer,
    }
}

/// One that has ended: method, path, status, milliseconds until the first byte and until the end, bytes.
pub(crate) fn exchange(
    id: u64,
    method: &str,
    path: &str,
    status: u16,
    (first, total): (u64, u64),
    bytes: u64,
) -> Exchange {
    let opened = Opened {
        time_ms: NOW - 4000 + id * 150,
        mode: Mode::Reverse,
        method: method.into(),
        url: format!("http://localhost:3000{path}").into(),
        process: Some((ProcessId(1 + id % 2), ["web", "api"][id as usize % 2].into())),
        headers: Headers::default(),
    };
    let mut exchange = Exchange::new(ExchangeId(id), opened);
    exchange.status = Some(status);
    exchange.response.body = Body { bytes, ..Body::default() };
    let [first_byte, total] = [first, total].map(|time| Some(Duration::from_millis(time)));
    exchange.phases = Phases { connect: None, first_byte, total };
    exchange.done = true;
    exchange
}

fn event(ago: u64, kind: &str, text: &str, level: Level, detail: &[&str]) -> PageEvent {
    PageEvent {
        time_ms: NOW - ago,
        session: "3f2a".into(),
        page: "/checkout".into(),
        kind: kind.into(),
        text: text.into(),
        detail: detail.iter().map(|line| Box::from(*line)).collect(),
        level,
    }
}

/// A tab of a browser; one that tells neither its heap nor of long tasks, or one that does, in so many figures.
pub(crate) fn tab(id: &str, place: &str, browser: &str, figures: Option<u16>) -> PageSession {
    let figures = figures.map(|count| 0..count);
    let heap = figures.clone().map(|all| all.map(|at| (20.0 + f32::from(at) * 0.7) * 1_048_576.0).collect());
    let took = figures.map(|all| all.map(|at| if at % 17 == 9 { 140.0 } else { 0.0 }).collect());
    PageSession {
        id: id.into(),
        place: place.into(),
        browser: browser.into(),
        viewport: Some((1440, 900)),
        first_ms: NOW - 88_000,
        heap: heap.unwrap_or_default(),
        long_tasks: took.map(|took| (3, took)),
    }
}

fn page_error() -> ErrorRow {
    ErrorRow {
        id: 7,
        origin: ErrorOrigin::Page { page: "/checkout".into(), session: "3f2a".into() },
        name: "web".into(),
        level: Level::Error,
        kind: None,
        message: "Uncaught (in promise) Error: Request failed with status 500".into(),
        stack:
            "at onSubmit (webpack://shop/./src/pay.tsx:31:11)\nat x (http://localhost:20888/node_modules/react.js:1:2)"
                .into(),
        count: 3,
        first_ms: NOW - 90_000,
        last_ms: NOW - 1600,
    }
}

impl WebMock {
    pub(crate) fn full() -> WebMock {
        let mut hmr = exchange(3, "GET", "/_next/webpack-hmr", 101, (2, 2), 0);
        (hmr.traffic, hmr.done, hmr.phases.total) = (Traffic::WebSocket, false, None);
        let mut slow = exchange(4, "GET", "/api/slow", 0, (0, 0), 0);
        (slow.status, slow.done, slow.phases) = (None, false, Phases::default());
        let mut refused = exchange(8, "GET", "/api/stock", 502, (0, 1), 0);
        refused.failure = Some(Failure { kind: "refused", text: "nobody listens on 127.0.0.1:4000".into() });
        let long = "/assets/a/very/long/path/that/goes/on/and/on/through/many/folders/before/it/ends/chunk-4f3a9c.js";
        let exchanges = [
            exchange(1, "GET", "/", 200, (40, 48), 18_432),
            exchange(2, "GET", "/assets/app.js", 304, (3, 3), 0),
            hmr,
            slow,
            exchange(5, "GET", long, 200, (9, 21), 3 << 20),
            exchange(6, "GET", "/api/cart?escape=\x1b[31mred", 200, (11, 12), 3482),
            exchange(7, "POST", "/api/checkout", 500, (580, 684), 1126),
            refused,
        ];
        WebMock {
            urls: vec![
                url(1, "web", "http://localhost:3000/", Some(20888), (412, Answer::Status(200))),
                url(2, "api", "http://localhost:4000/", Some(20889), (97, Answer::Status(404))),
                url(
                    4,
                    "test",
                    "http://localhost:6006/?path=/story/a-component--with-a-long-name",
                    None,
                    (0, Answer::NotAsked),
                ),
            ],
            proxy: ProxyRow {
                port: Some(19888),
                full: false,
                pac: Some("http://127.0.0.1:19888/proxy.pac".into()),
                telemetry: true,
                exchanges: (881, 14),
            },
            exchanges: exchanges.into_iter().rev().map(Arc::new).collect(),
            events: vec![
                event(
                    1600,
                    "error",
                    "Uncaught (in promise) Error: Request failed with status 500",
                    Level::Error,
                    &["onSubmit pay.tsx:31:11 (apps/web/src/pay.tsx)", "react-dom (5 frames)"],
                ),
                event(1900, "interaction", "click button#pay", Level::Info, &[]),
                event(2000, "web-vital", "LCP 1,240 ms (good)", Level::Info, &[]),
                event(2300, "console", "warn: Each child in a list should have a unique \x1b[1mkey", Level::Warn, &[]),
                event(2900, "navigation", "load 612 ms", Level::Info, &[]),
            ],
            tabs: vec![tab("3f2a", "localhost:3000/checkout", "Chrome 131", Some(60))],
            errors: vec![page_error()],
        }
    }

    /// Those that pass the filter; `~z` is none.
    pub(crate) fn exchanges(&self, filter: &str) -> Result<Vec<Arc<Exchange>>> {
        let filter = Filter::parse(filter).map_err(|_| {
            let text = "there is no `~z`; there are ~u ~m ~c ~s ~b ~p ~h ~t ~e";
            Error::new("filter", Code::InvalidState, text)
        })?;
        Ok(self.exchanges.iter().filter(|exchange| filter.matches(exchange)).cloned().collect())
    }

    pub(crate) fn text(&self, id: ExchangeId, part: ExchangePart, reveal: bool) -> Vec<String> {
        let Some(exchange) = self.exchanges.iter().find(|exchange| exchange.id == id) else { return Vec::new() };
        let secret = if reveal { "Bearer s3cret" } else { "Bearer (hidden)" };
        let opened = &exchange.opened;
        match part {
            ExchangePart::Head => vec![
                format!("{} {}", opened.method, opened.url),
                format!("authorization: {secret}"),
                format!("status {}", exchange.status.unwrap_or(0)),
                "content-type: application/json\x07".into(),
            ],
            ExchangePart::RequestBody => (0..60).map(|row| format!("row {row} of the body")).collect(),
            ExchangePart::Curl => vec!["curl -X POST \\".into(), format!("  -H '{secret}' {}", opened.url)],
            _ => vec![format!("{part:?} of {}", id.0)],
        }
    }

    /// Something else: so many of each, with this text in them.
    pub(crate) fn change(&mut self, count: u64, text: &str) {
        let row = |id| {
            let mut exchange = exchange(id, text, &format!("/{text}"), 200, (id, id * 9), id << 9);
            (exchange.done, exchange.traffic) = (id % 3 > 0, [Traffic::Http, Traffic::WebSocket][id as usize % 2]);
            Arc::new(exchange)
        };
        self.exchanges = (count / 2..count).rev().map(row).collect();
        let answers = [Answer::NotAsked, Answer::Status(500), Answer::Open, Answer::Late, Answer::Nobody];
        let row = |id| {
            let answer = answers[id as usize % answers.len()];
            url(id, text, &format!("http://{text}:{id}"), Some(id as u16), (id, answer))
        };
        self.urls = (0..count % 7).map(row).collect();
        self.events = (0..count).rev().map(|id| event(id / 3, text, text, Level::Error, &[text])).collect();
        self.tabs = vec![tab("3f2a", text, text, (!count.is_multiple_of(3)).then_some(count as u16 * 2))];
        self.proxy.port = (!count.is_multiple_of(3)).then_some(19_888);
    }
}
