//! What the URLs view and the Web view know: their rows, what is selected in them, what is shown of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::style::Style;

use crate::app::view::{ExchangePart, PageEvent, PageSession, ProxyRow, UrlRow};
use crate::event::ProcessId;
use crate::proxy::capture::redact;
use crate::proxy::{Exchange, ExchangeId, Traffic};
use crate::tui::field::Field;
use crate::tui::model::{View, narrow};
use crate::tui::qr::Card;
use crate::tui::sheet::{Line, Row, lay_out};
use crate::tui::text::clean;
use crate::tui::web_filter::{Ended, Kind};

/// A URL, by what names it.
pub(crate) type UrlKey = (ProcessId, Arc<str>);

/// The URLs view.
#[derive(Debug, Default)]
pub(crate) struct Urls {
    pub(crate) rows: Vec<UrlRow>,
    pub(crate) proxy: ProxyRow,
    pub(crate) selected: Option<UrlKey>,
    pub(crate) offset: usize,
    pub(crate) find: Field,
    /// The focused button of the action strip.
    pub(crate) strip: Option<usize>,
    /// The code of the selected one, where it stands beside the list.
    pub(crate) qr: Option<Card>,
    /// Servers are asked whether they answer.
    pub(crate) watched: bool,
    /// Those that were forgotten, and what each time they were.
    pub(crate) forgotten: BTreeSet<UrlKey>,
    pub(crate) undo: Vec<Vec<UrlKey>>,
}

impl Urls {
    /// The rows that are shown.
    pub(crate) fn shown(&self) -> Vec<&UrlRow> {
        self.kept().filter(|row| narrow(self.find.text(), &[&row.url, &row.name])).collect()
    }

    /// The rows that were not forgotten.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &UrlRow> {
        self.rows.iter().filter(|row| self.forgotten.is_empty() || !self.forgotten.contains(&Urls::key(row)))
    }

    pub(crate) fn key(row: &UrlRow) -> UrlKey {
        (row.process, Arc::clone(&row.url))
    }

    /// The selected row; the first one that is shown if the selected one is not.
    pub(crate) fn selected(&self) -> Option<&UrlRow> {
        self.shown().get(self.position()).copied()
    }

    /// Its place among [`Urls::shown`].
    pub(crate) fn position(&self) -> usize {
        let wanted = self.selected.as_ref();
        let is = |row: &&UrlRow| wanted.is_some_and(|(process, url)| row.process == *process && row.url == *url);
        self.shown().iter().position(is).unwrap_or(0)
    }
}

/// The two pages of the Web view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    /// What went through the proxy.
    #[default]
    Requests,
    /// What pages in browsers told.
    Telemetry,
}

impl Page {
    pub(crate) const ALL: [Page; 2] = [Page::Requests, Page::Telemetry];

    pub(crate) fn title(self) -> &'static str {
        ["Requests", "Telemetry"][self as usize]
    }

    pub(crate) fn other(self) -> Page {
        Page::ALL[1 - self as usize]
    }
}

/// A page's event: they have no numbers, so it is told from its equals by how many of them are older.
pub(crate) type EventKey = (PageEvent, usize);

/// What the text below the list is of, and whether its secrets are shown.
pub(crate) type TextKey = (ExchangeId, ExchangePart, bool);

/// Up to where the Web view was cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cleared {
    /// Requests up to this one are hidden.
    pub(crate) request: Option<ExchangeId>,
    /// Events up to this time are hidden.
    pub(crate) time_ms: Option<u64>,
}

/// The Web view.
#[derive(Debug, Default)]
pub(crate) struct Web {
    pub(crate) page: Page,
    pub(crate) cleared: Cleared,
    /// What `cleared` was before.
    pub(crate) undo: Vec<Cleared>,
    /// Newest first; those that pass the filter and were not cleared.
    pub(crate) exchanges: Vec<Arc<Exchange>>,
    /// What is wrong with the filter; what it found before is kept.
    pub(crate) error: Option<String>,
    pub(crate) filter: Field,
    pub(crate) kind: Kind,
    pub(crate) ended: Ended,
    /// How often the axis of the waterfall was halved.
    pub(crate) zoom: u8,
    /// The selected exchange; none: the newest one, whichever it is.
    pub(crate) selected: Option<ExchangeId>,
    /// The newest one when following ended.
    pub(crate) paused_at: Option<ExchangeId>,
    /// Newest first.
    pub(crate) events: Vec<PageEvent>,
    /// The tabs that they came from, the one that spoke last first.
    pub(crate) tabs: Vec<PageSession>,
    /// Only events of this kind, and of this tab.
    pub(crate) event_kind: Option<&'static str>,
    pub(crate) session: Option<Arc<str>>,
    /// Those of them that are shown.
    narrowed: Vec<usize>,
    pub(crate) find: Field,
    pub(crate) event: Option<EventKey>,
    pub(crate) event_paused_at: Option<EventKey>,
    /// The first row of each page's list.
    pub(crate) offsets: [usize; 2],
    pub(crate) strip: Option<usize>,
    pub(crate) part: ExchangePart,
    /// The request whose secrets are shown, while it is selected.
    pub(crate) reveal: Option<ExchangeId>,
    /// Of what the text was asked for last, and of what the text is that is here.
    pub(crate) asked: Option<TextKey>,
    pub(crate) text_of: Option<TextKey>,
    pub(crate) text: Vec<String>,
    /// Counts texts; and which of them is wrapped, to how many cells.
    texts: u64,
    wrapped: Option<(u64, usize)>,
    /// The text, or the event, wrapped to the width of its place.
    pub(crate) rows: Vec<Row>,
    pub(crate) scroll: usize,
    /// The view that was in front last.
    pub(crate) front: Option<View>,
    /// What was asked of the app last: the page and its filter; and a number, to tell late answers.
    pub(crate) wanted: Option<(Page, String)>,
    pub(crate) turn: u64,
    pub(crate) answered: u64,
    /// The app has answered for each of the pages.
    pub(crate) loaded: [bool; 2],
}

/// More rows of a text are not shown; copying takes all of it.
const ROWS_MAX: usize = 20_000;

impl Web {
    /// The events that are shown.
    pub(crate) fn shown_events(&self) -> Vec<&PageEvent> {
        self.narrowed.iter().filter_map(|at| self.events.get(*at)).collect()
    }

    /// Looks which events are to be shown; after they or the text in the find bar have changed.
    pub(crate) fn narrow_events(&mut self) {
        let find = self.find.text();
        let holds = |event: &PageEvent| {
            Some(event.time_ms) > self.cleared.time_ms
                && self.event_kind.is_none_or(|kind| *event.kind == *kind)
                && self.session.as_ref().is_none_or(|session| event.session == *session)
                && narrow(find, &[&event.text, &event.page, &event.kind])
        };
        self.narrowed = (0..self.events.len()).filter(|at| holds(&self.events[*at])).collect();
    }

    /// The tabs that events have come from.
    pub(crate) fn sessions(&self) -> Vec<Arc<str>> {
        let sessions: BTreeSet<&Arc<str>> = self.events.iter().map(|event| &event.session).collect();
        sessions.into_iter().cloned().collect()
    }

    /// The tab that is meant: the chosen one, else that of the selected event.
    pub(crate) fn tab(&self) -> Option<&PageSession> {
        let of_event = || self.selected_event().map(|event| &event.session);
        let id = self.session.as_ref().or_else(of_event)?;
        self.tabs.iter().find(|tab| tab.id == *id)
    }

    /// Takes the exchanges that pass the filter.
    pub(crate) fn take_exchanges(&mut self, mut exchanges: Vec<Arc<Exchange>>) {
        exchanges.retain(|exchange| Some(exchange.id) > self.cleared.request);
        self.exchanges = exchanges;
    }

    /// Whether there is something that can be cleared.
    pub(crate) fn has_rows(&self) -> bool {
        !self.exchanges.is_empty() || self.events.iter().any(|event| Some(event.time_ms) > self.cleared.time_ms)
    }

    /// Hides requests up to this one, if they are not hidden yet.
    pub(crate) fn hide_requests(&mut self, newest: Option<ExchangeId>) {
        self.cleared.request = self.cleared.request.max(newest);
        let shown = std::mem::take(&mut self.exchanges);
        self.take_exchanges(shown);
    }

    /// Hides all that came before now; answers how often that was done and not undone.
    pub(crate) fn clear(&mut self, now: u64) -> usize {
        self.undo.push(self.cleared);
        self.cleared.time_ms = self.cleared.time_ms.max(Some(now));
        self.hide_requests(self.exchanges.first().map(|exchange| exchange.id));
        self.narrow_events();
        (self.selected, self.event, self.strip, self.offsets) = (None, None, None, [0; 2]);
        self.undo.len()
    }

    /// Brings back what was cleared last: asks for it again.
    pub(crate) fn undo(&mut self) {
        if let Some(before) = self.undo.pop() {
            (self.cleared, self.wanted) = (before, None);
            self.narrow_events();
        }
    }

    /// Whether a chip leaves something out.
    pub(crate) fn is_chosen_from(&self) -> bool {
        match self.page {
            Page::Requests => (self.kind, self.ended) != (Kind::All, Ended::All),
            Page::Telemetry => self.event_kind.is_some() || self.session.is_some(),
        }
    }

    /// Takes the text of an exchange, or none.
    pub(crate) fn set_text(&mut self, of: Option<TextKey>, text: Vec<String>) {
        if self.text_of != of {
            self.scroll = 0;
        }
        (self.text_of, self.text) = (of, text);
        self.texts += 1;
    }

    /// How many rows the page in front has.
    pub(crate) fn len(&self) -> usize {
        match self.page {
            Page::Requests => self.exchanges.len(),
            Page::Telemetry => self.narrowed.len(),
        }
    }

    /// The row with the cursor.
    pub(crate) fn position(&self) -> usize {
        match self.page {
            Page::Requests => self.exchange_at(self.selected),
            Page::Telemetry => event_at(&self.shown_events(), self.event.as_ref()),
        }
    }

    /// Where this exchange is, or the next older one that is still here.
    fn exchange_at(&self, id: Option<ExchangeId>) -> usize {
        let Some(id) = id else { return 0 };
        let found = self.exchanges.iter().position(|exchange| exchange.id <= id);
        found.unwrap_or(self.exchanges.len().saturating_sub(1))
    }

    pub(crate) fn selected(&self) -> Option<&Arc<Exchange>> {
        self.exchanges.get(self.exchange_at(self.selected))
    }

    pub(crate) fn selected_event(&self) -> Option<&PageEvent> {
        let shown = self.shown_events();
        shown.get(event_at(&shown, self.event.as_ref())).copied()
    }

    /// New rows come to the top and the cursor is on the newest.
    pub(crate) fn follows(&self) -> bool {
        match self.page {
            Page::Requests => self.selected.is_none(),
            Page::Telemetry => self.event.is_none(),
        }
    }

    /// Selects this row of the page in front, which then stays where it is.
    pub(crate) fn select(&mut self, at: usize) {
        let follows = self.follows();
        match self.page {
            Page::Requests => {
                if follows {
                    self.paused_at = self.exchanges.first().map(|exchange| exchange.id);
                }
                self.selected = self.exchanges.get(at).map(|exchange| exchange.id);
            }
            Page::Telemetry => {
                let shown = self.shown_events();
                let (first, here) = (event_key(&shown, 0), event_key(&shown, at));
                if follows {
                    self.event_paused_at = first;
                }
                self.event = here;
            }
        }
    }

    pub(crate) fn follow(&mut self) {
        match self.page {
            Page::Requests => self.selected = None,
            Page::Telemetry => self.event = None,
        }
        self.offsets[self.page as usize] = 0;
    }

    /// How many rows have come since following ended.
    pub(crate) fn fresh(&self) -> usize {
        match self.page {
            _ if self.follows() => 0,
            Page::Requests => self.exchange_at(self.paused_at),
            Page::Telemetry => event_at(&self.shown_events(), self.event_paused_at.as_ref()),
        }
    }

    /// The text of the find bar of the page in front.
    pub(crate) fn field(&self) -> &Field {
        match self.page {
            Page::Requests => &self.filter,
            Page::Telemetry => &self.find,
        }
    }

    /// Wraps what stands below the list.
    pub(crate) fn wrap(&mut self, cells: usize) {
        let wanted = Some((self.texts, cells)).filter(|_| self.page == Page::Requests);
        if wanted.is_some() && self.wrapped == wanted {
            return;
        }
        self.wrapped = wanted;
        let mut rows = Vec::new();
        let own: Vec<String>;
        let lines: &[String] = match self.page {
            Page::Requests => &self.text,
            Page::Telemetry => {
                own = self.selected_event().map(event_lines).unwrap_or_default();
                &own
            }
        };
        for (number, line) in lines.iter().enumerate() {
            let text = clean(line.as_bytes()).text;
            let stored = (text != *line).then(|| line.clone());
            let shown = Line { stored, wraps: true, ..Line::new(number, text, Style::new()) };
            rows.extend(lay_out(vec![shown], cells, true));
            if rows.len() > ROWS_MAX {
                rows.truncate(ROWS_MAX);
                let more = Line::new(number + 1, "… more is not shown".into(), Style::new());
                rows.extend(lay_out(vec![more], cells, true));
                break;
            }
        }
        if self.page == Page::Telemetry && self.rows != rows {
            self.scroll = 0;
        }
        self.rows = rows;
    }
}

fn event_lines(event: &PageEvent) -> Vec<String> {
    let mut lines: Vec<String> = event.text.lines().map(str::to_string).collect();
    lines.extend(event.detail.iter().flat_map(|line| line.lines()).map(|line| format!("  {line}")));
    lines
}

fn event_key(shown: &[&PageEvent], at: usize) -> Option<EventKey> {
    let event = *shown.get(at)?;
    Some((event.clone(), shown[at + 1..].iter().filter(|other| **other == event).count()))
}

/// Where this event is, or the next older one that is still here.
fn event_at(shown: &[&PageEvent], key: Option<&EventKey>) -> usize {
    let Some((event, older)) = key else { return 0 };
    let equal = |(_, other): &(usize, &&PageEvent)| **other == event;
    let found = shown.iter().enumerate().rev().filter(equal).nth(*older).map(|(at, _)| at);
    let near = || shown.iter().position(|other| other.time_ms <= event.time_ms);
    found.or_else(near).unwrap_or(shown.len().saturating_sub(1))
}

/// Whether messages or events travel, one by one.
pub(crate) fn has_frames(exchange: &Exchange) -> bool {
    matches!(exchange.traffic, Traffic::WebSocket | Traffic::EventStream)
}

/// The path with its query, secrets masked; before it the host, for what did not come by the address of one server.
pub(crate) fn place(exchange: &Exchange) -> String {
    use crate::proxy::Mode;
    let url = redact::url(&exchange.opened.url);
    let rest = url.split_once("://").map_or(&url[..], |(_, rest)| rest);
    match exchange.opened.mode {
        Mode::Forward | Mode::Tunnel => rest.to_owned(),
        Mode::Reverse | Mode::Replay => match &rest[rest.find(['/', '?', '#']).unwrap_or(rest.len())..] {
            "" => "/".to_owned(),
            path => path.to_owned(),
        },
    }
}
