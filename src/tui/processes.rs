//! What the Processes view knows: its rows, in which order they are shown, which are marked, and how much each used lately.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::app::view::ProcessRow;
use crate::event::{ProcessId, Status};
use crate::tui::field::Field;
use crate::tui::model::narrow;

/// The column that the processes are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Status,
    Name,
    Cpu,
    Memory,
    Uptime,
    Lines,
    Errors,
}

impl Sort {
    pub(crate) const ALL: [Sort; 7] =
        [Sort::Status, Sort::Name, Sort::Cpu, Sort::Memory, Sort::Uptime, Sort::Lines, Sort::Errors];

    pub(crate) fn name(self) -> &'static str {
        ["status", "name", "cpu", "memory", "uptime", "lines", "errors"][self as usize]
    }
}

/// Which processes are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StatusFilter {
    #[default]
    All,
    Running,
    Failed,
    Ended,
}

impl StatusFilter {
    pub(crate) const ALL: [StatusFilter; 4] =
        [StatusFilter::All, StatusFilter::Running, StatusFilter::Failed, StatusFilter::Ended];

    pub(crate) fn name(self) -> &'static str {
        ["all", "running", "failed", "ended"][self as usize]
    }

    fn holds(self, status: Status) -> bool {
        match self {
            StatusFilter::All => true,
            StatusFilter::Running => !status.is_ended(),
            StatusFilter::Failed => status == Status::Failed,
            StatusFilter::Ended => status.is_ended(),
        }
    }
}

/// Cells of the time before each line of what a process wrote.
pub(crate) const OUTPUT_SIGN: usize = 14;

/// What is measured of a process from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct Trend {
    lines: u64,
    at: u64,
    /// Lines a second.
    pub(crate) rate: u64,
    /// Percent of a core, newest last, one every two seconds.
    pub(crate) cpu: VecDeque<f32>,
    /// MiB of resident memory, in the same way.
    pub(crate) memory: VecDeque<f32>,
    /// The most children that it had: what is kept free for them does not come and go.
    pub(crate) most_children: usize,
}

/// A minute of samples.
const SAMPLES: usize = 30;
const SAMPLE_MILLIS: u64 = 2000;

/// The Processes view.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    /// In order of start.
    pub(crate) rows: Vec<ProcessRow>,
    /// In the order that is shown.
    pub(crate) order: Vec<ProcessId>,
    pub(crate) selected: Option<ProcessId>,
    pub(crate) marked: BTreeSet<ProcessId>,
    pub(crate) offset: usize,
    pub(crate) sort: Sort,
    pub(crate) status: StatusFilter,
    pub(crate) find: Field,
    pub(crate) strip: Option<usize>,
    /// Until then the order is held, because the cursor was moved.
    pub(crate) hold_until: u64,
    pub(crate) trends: HashMap<ProcessId, Trend>,
    /// What this process wrote is shown up to this line, while it is read.
    pub(crate) held: Option<(ProcessId, u64)>,
}

impl Processes {
    pub(crate) fn get(&self, id: ProcessId) -> Option<&ProcessRow> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Up to which line what it wrote is shown; none: to the newest.
    pub(crate) fn held(&self, id: ProcessId) -> Option<u64> {
        self.held.filter(|(held, _)| *held == id).map(|(_, seq)| seq)
    }

    /// The rows that are shown, in order.
    pub(crate) fn shown(&self) -> Vec<&ProcessRow> {
        let current: BTreeSet<ProcessId> = self.current().map(|row| row.id).collect();
        let rows = self.order.iter().filter(|id| current.contains(id)).filter_map(|id| self.get(*id));
        rows.filter(|row| self.shows(row)).collect()
    }

    /// Those that were not started again: a process that was is shown as what it is now.
    pub(crate) fn current(&self) -> impl Iterator<Item = &ProcessRow> {
        let again = |row: &&ProcessRow| {
            self.rows.iter().any(|other| other.name == row.name && other.id > row.id && other.restarts > row.restarts)
        };
        self.rows.iter().filter(move |row| !row.status.is_ended() || !again(row))
    }

    /// Whether a process that is started again each time fails again and again: in a minute [`CRASHES`] of its runs.
    pub(crate) fn is_crash_loop(&self, row: &ProcessRow, now: u64) -> bool {
        is_crash_loop(&self.rows, row, now)
    }

    fn shows(&self, row: &ProcessRow) -> bool {
        self.status.holds(row.status) && narrow(self.find.text(), &[&row.name, &row.command])
    }

    pub(crate) fn selected(&self) -> Option<&ProcessRow> {
        let shown = self.shown();
        shown.iter().find(|row| Some(row.id) == self.selected).or(shown.first()).copied()
    }

    pub(crate) fn position(&self) -> usize {
        let selected = self.selected().map(|row| row.id);
        self.shown().iter().position(|row| Some(row.id) == selected).unwrap_or(0)
    }

    /// What an action is about: the marked ones, else the selected one.
    pub(crate) fn targets(&self) -> Vec<ProcessId> {
        if self.marked.is_empty() {
            return self.selected().map(|row| row.id).into_iter().collect();
        }
        self.marked.iter().copied().collect()
    }

    /// Takes new rows; the order of those that were shown changes only when it is not held.
    pub(crate) fn take(&mut self, rows: Vec<ProcessRow>, now: u64) {
        self.follow_restart(&rows);
        self.rows = rows;
        let ids: BTreeSet<ProcessId> = self.rows.iter().map(|row| row.id).collect();
        self.marked.retain(|id| ids.contains(id));
        self.trends.retain(|id, _| ids.contains(id));
        for row in &self.rows {
            let trend =
                self.trends.entry(row.id).or_insert_with(|| Trend { lines: row.lines, at: now, ..Trend::default() });
            trend.look(row, now);
        }
        self.arrange(now);
    }

    /// A process that is started again is another one: the selection goes on to it.
    fn follow_restart(&mut self, rows: &[ProcessRow]) {
        let Some(selected) = self.selected() else { return };
        let fresh =
            rows.iter().rfind(|row| row.name == selected.name && row.id > selected.id && self.get(row.id).is_none());
        let ended = rows.iter().find(|row| row.id == selected.id).is_none_or(|row| row.status.is_ended());
        if let Some(id) = fresh.filter(|_| ended).map(|row| row.id) {
            self.selected = Some(id);
        }
    }

    /// Sorts, unless the order is held; then new ones come last and those that are gone go.
    pub(crate) fn arrange(&mut self, now: u64) {
        if now >= self.hold_until {
            let mut rows: Vec<&ProcessRow> = self.rows.iter().collect();
            rows.sort_by(|a, b| self.compare(a, b).then_with(|| a.name.cmp(&b.name)).then(a.id.cmp(&b.id)));
            self.order = rows.into_iter().map(|row| row.id).collect();
            return;
        }
        let rows = &self.rows;
        self.order.retain(|id| rows.iter().any(|row| row.id == *id));
        let fresh: Vec<_> = rows.iter().map(|row| row.id).filter(|id| !self.order.contains(id)).collect();
        self.order.extend(fresh);
    }

    fn compare(&self, a: &ProcessRow, b: &ProcessRow) -> std::cmp::Ordering {
        let cpu = |row: &ProcessRow| row.usage.map_or(-1.0, |usage| usage.cpu_percent);
        let memory = |row: &ProcessRow| row.usage.map_or(0, |usage| usage.rss_bytes);
        match self.sort {
            Sort::Status => rank(a.status).cmp(&rank(b.status)),
            Sort::Name => std::cmp::Ordering::Equal,
            Sort::Cpu => cpu(b).total_cmp(&cpu(a)),
            Sort::Memory => memory(b).cmp(&memory(a)),
            Sort::Uptime => a.started_ms.cmp(&b.started_ms),
            Sort::Lines => b.lines.cmp(&a.lines),
            Sort::Errors => b.errors.cmp(&a.errors),
        }
    }
}

/// So many failures in so short a time are a crash loop.
const CRASHES: usize = 3;
const CRASHES_MILLIS: u64 = 60_000;

/// Whether so many runs failed in the time before this one ended, or before now if it runs; it is one of them.
fn is_crash_loop(rows: &[ProcessRow], row: &ProcessRow, now: u64) -> bool {
    let from = row.ended_ms.unwrap_or(now).saturating_sub(CRASHES_MILLIS);
    let of_it = |other: &&ProcessRow| {
        other.name == row.name && (other.id == row.id || other.id < row.id && other.restarts < row.restarts)
    };
    let failed = |other: &&ProcessRow| other.status == Status::Failed && other.ended_ms.is_some_and(|at| at >= from);
    rows.iter().filter(of_it).filter(failed).count() >= CRASHES
}

/// Whether the failure of this run began a crash loop: the run before was in none.
pub(crate) fn begins_crash_loop(rows: &[ProcessRow], row: &ProcessRow) -> bool {
    let before = rows.iter().rfind(|other| other.name == row.name && other.restarts + 1 == row.restarts);
    let ended = row.ended_ms.unwrap_or_default();
    row.status == Status::Failed
        && is_crash_loop(rows, row, ended)
        && before.is_none_or(|before| !is_crash_loop(rows, before, ended))
}

fn rank(status: Status) -> u8 {
    match status {
        Status::Failed => 0,
        Status::Pending => 1,
        Status::Running => 2,
        Status::Stopped => 3,
        Status::Success => 4,
    }
}

impl Trend {
    fn look(&mut self, row: &ProcessRow, now: u64) {
        let elapsed = now.saturating_sub(self.at);
        if elapsed >= SAMPLE_MILLIS {
            self.rate = row.lines.saturating_sub(self.lines) * 1000 / elapsed;
            (self.lines, self.at) = (row.lines, now);
            if let Some(usage) = row.usage.filter(|_| !row.status.is_ended()) {
                let slots = (elapsed / SAMPLE_MILLIS) as usize;
                push(&mut self.cpu, usage.cpu_percent, slots);
                push(&mut self.memory, usage.rss_bytes as f32 / (1024.0 * 1024.0), slots);
            }
        }
        self.most_children = self.most_children.max(row.children.len());
    }
}

/// Adds a sample; where some were left out meanwhile, because nothing had changed, the last one stands for them.
fn push(samples: &mut VecDeque<f32>, value: f32, slots: usize) {
    let last = samples.back().copied().unwrap_or(value);
    samples.extend(std::iter::repeat_n(last, slots.min(SAMPLES) - 1));
    samples.push_back(value);
    samples.drain(..samples.len().saturating_sub(SAMPLES));
}
