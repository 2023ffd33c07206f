//! What one tab has told: its newest events, counts of all of them, and the vitals of its page.

use std::collections::VecDeque;
use std::sync::Arc;

use super::batch::{Batch, PageMeta};
use super::curve::Curve;
use super::event::{Family, PageEvent};
use crate::event::ProcessId;

/// The vital figures of a page: the last value of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Vitals {
    /// Largest contentful paint, milliseconds.
    pub lcp: Option<f64>,
    /// Cumulative layout shift.
    pub cls: Option<f64>,
    /// Interaction to next paint, milliseconds.
    pub inp: Option<f64>,
    /// First contentful paint, milliseconds.
    pub fcp: Option<f64>,
    /// Time to the first byte, milliseconds.
    pub ttfb: Option<f64>,
}

/// How good a figure is, by the limits that web.dev gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// Good.
    Good,
    /// To be improved.
    Middling,
    /// Poor.
    Poor,
}

/// A vital: its name, the limit of good and that of middling.
const LIMITS: [(&str, f64, f64); 5] = [
    ("LCP", 2500.0, 4000.0),
    ("CLS", 0.1, 0.25),
    ("INP", 200.0, 500.0),
    ("FCP", 1800.0, 3000.0),
    ("TTFB", 800.0, 1800.0),
];

impl Vitals {
    fn slot(&mut self, metric: &str) -> Option<&mut Option<f64>> {
        Some(match metric {
            "LCP" => &mut self.lcp,
            "CLS" => &mut self.cls,
            "INP" => &mut self.inp,
            "FCP" => &mut self.fcp,
            "TTFB" => &mut self.ttfb,
            _ => return None,
        })
    }

    /// Those that are known: name, value, rating.
    pub fn rated(&self) -> impl Iterator<Item = (&'static str, f64, Rating)> {
        let values = [self.lcp, self.cls, self.inp, self.fcp, self.ttfb];
        LIMITS.iter().zip(values).filter_map(|(&(name, good, middling), value)| {
            let value = value?;
            let rating = if value <= good {
                Rating::Good
            } else if value <= middling {
                Rating::Middling
            } else {
                Rating::Poor
            };
            Some((name, value, rating))
        })
    }
}

/// Counts of all events of a session, those included that are no longer kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All that came.
    pub events: u64,
    /// Those that were too old to be kept.
    pub evicted: u64,
    /// Those that the page itself left out.
    pub dropped: u64,
    /// Exceptions, rejections, resources, policies.
    pub errors: u64,
    /// `console.error`.
    pub console_errors: u64,
    /// Answers to `fetch` and `XMLHttpRequest`, and failures of them.
    pub requests: u64,
    /// Those that failed, or had a status of 400 and above.
    pub failed_requests: u64,
    /// Loads of a page.
    pub pages: u64,
}

/// Tasks of a tab that took longer than 50 milliseconds each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LongTasks {
    /// All of them so far.
    pub count: u64,
    /// The milliseconds that they took.
    pub took_ms: Curve,
}

/// A heap that is larger or smaller by less than this part is told by the curve alone: its events are to leave room for others.
const HEAP_CHANGE: f64 = 0.05;

/// A page may say anything; what is larger is no heap and no time.
const FIGURE_MAX: f64 = 1e15;

/// A tab, from its first page on.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number, as the page gave it to itself.
    pub id: Arc<str>,
    /// The managed process behind its origin.
    pub process: Option<(ProcessId, Arc<str>)>,
    /// The load of the page that spoke last.
    pub page: Arc<str>,
    /// What is known of that page.
    pub meta: PageMeta,
    /// When it spoke first, milliseconds since 1970 by our clock.
    pub first_ms: u64,
    /// When it spoke last.
    pub last_ms: u64,
    /// The newest events, the newest last.
    pub events: VecDeque<Arc<PageEvent>>,
    /// Counts of all.
    pub counts: Counts,
    /// The vitals of the last load.
    pub vitals: Vitals,
    /// Bytes of JavaScript's heap; empty where the browser does not tell them.
    pub heap: Curve,
    /// Tasks that held the page up.
    pub long_tasks: LongTasks,
    /// The heap as the newest event about it that is kept tells it.
    heap_kept: f64,
    pub(super) bytes: usize,
}

impl Session {
    pub(super) fn new(id: Arc<str>, now_ms: u64) -> Session {
        Session {
            id,
            process: None,
            page: "".into(),
            meta: PageMeta::default(),
            first_ms: now_ms,
            last_ms: now_ms,
            events: VecDeque::new(),
            counts: Counts::default(),
            vitals: Vitals::default(),
            heap: Curve::default(),
            long_tasks: LongTasks::default(),
            heap_kept: 0.0,
            bytes: size_of::<Session>(),
        }
    }

    /// Takes in a batch, and keeps the newest `events_max` events.
    pub(super) fn take(&mut self, batch: Batch, now_ms: u64, events_max: usize) {
        let frame = batch.meta.frame;
        if !frame && batch.page != self.page {
            self.page = batch.page;
            self.counts.pages += 1;
            self.vitals = Vitals::default();
        }
        if !frame || self.meta.url.is_empty() {
            self.meta = batch.meta;
        }
        self.last_ms = now_ms;
        self.counts.dropped += batch.dropped;
        for event in batch.events {
            // The page and its frames share what these figures are about.
            if !frame && !self.measure(&event) {
                continue;
            }
            self.count(&event);
            self.bytes += event.bytes;
            self.events.push_back(Arc::new(event));
        }
        while self.events.len() > events_max {
            self.evict();
        }
    }

    /// Lets go of the oldest event; `false` if there is none.
    pub(super) fn evict(&mut self) -> bool {
        let Some(event) = self.events.pop_front() else { return false };
        self.bytes -= event.bytes;
        self.counts.evicted += 1;
        true
    }

    /// Takes in what an event says of the heap and of long tasks; answers whether the event itself is to be kept.
    fn measure(&mut self, event: &PageEvent) -> bool {
        let figure = |field| event.number(field).filter(|figure| (0.0..FIGURE_MAX).contains(figure));
        let mut kept = true;
        match &*event.name {
            "memory_usage" => {
                if let Some(heap) = figure("usedJSHeapSize") {
                    self.heap.measured(event.time_ms, heap as f32);
                    kept = (heap - self.heap_kept).abs() >= self.heap_kept * HEAP_CHANGE;
                    self.heap_kept = if kept { heap } else { self.heap_kept };
                }
            }
            "long_task" => {
                self.long_tasks.count += 1;
                self.long_tasks.took_ms.add(event.time_ms, figure("duration").unwrap_or_default() as f32);
            }
            _ => {}
        }
        self.long_tasks.took_ms.go_on(event.time_ms, 0.0);
        if let Some(heap) = self.heap.last() {
            self.heap.go_on(event.time_ms, heap);
        }
        kept
    }

    fn count(&mut self, event: &PageEvent) {
        let counts = &mut self.counts;
        counts.events += 1;
        let failed = event.is_error();
        match event.family() {
            Family::Error => counts.errors += 1,
            Family::Console if failed => counts.console_errors += 1,
            Family::Network if matches!(&*event.name, "network_response" | "network_error") => {
                counts.requests += 1;
                counts.failed_requests += u64::from(failed);
            }
            // A route within the page: the address of the session follows.
            Family::Navigation if event.page == self.page && !event.url.is_empty() => {
                self.meta.url = Arc::clone(&event.url);
            }
            Family::Performance if &*event.name == "web_vital" && event.page == self.page => {
                let value = event.number("value");
                if let Some(slot) = event.text("metric").and_then(|metric| self.vitals.slot(metric)) {
                    *slot = value.or(*slot);
                }
            }
            _ => {}
        }
    }

    /// The scripts that its pages loaded, the newest first, each once.
    pub fn scripts(&self) -> Vec<Arc<str>> {
        let mut found: Vec<Arc<str>> = Vec::new();
        let loads = self.events.iter().rev().filter(|event| event.text("initiatorType") == Some("script"));
        for name in loads.filter_map(|event| event.text("name")).take(100) {
            if found.iter().all(|known| **known != *name) {
                found.push(name.into());
            }
        }
        found
    }

    /// The newest events of a family, the newest last.
    pub fn of_family(&self, family: Family) -> impl DoubleEndedIterator<Item = &Arc<PageEvent>> {
        self.events.iter().filter(move |event| event.family() == family)
    }
}
