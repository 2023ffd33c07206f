//! The state of the Logs view: following or pinned, filters, find, marks, selection.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::event::{Level, ProcessId};
use crate::logs::{LineRef as Line, Snapshot as Lines};
use crate::tui::field::Field;
use crate::tui::logs::filter::{Filter, Pattern, PatternMode, Test};
use crate::tui::logs::folds::{Folds, frames_after, is_frame};
use crate::tui::logs::marked::Marked;
use crate::tui::logs::rows::Rows;
use crate::tui::logs::scan::{Found, Hits, OWN_MAX, Request, Which};

/// How times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    #[default]
    Clock,
    Millis,
    /// How long ago.
    Relative,
    /// Since the line above.
    Delta,
    Off,
}

impl TimeFormat {
    pub(crate) const ALL: [TimeFormat; 5] =
        [TimeFormat::Clock, TimeFormat::Millis, TimeFormat::Relative, TimeFormat::Delta, TimeFormat::Off];

    pub(crate) fn name(self) -> &'static str {
        ["clock", "ms", "relative", "delta", "off"][self as usize]
    }

    /// Cells that it takes.
    pub(crate) fn width(self) -> u16 {
        [8, 12, 6, 8, 0][self as usize]
    }
}

/// What find does to the lines that do not match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FindMode {
    #[default]
    Highlight,
    Only,
    Context,
}

impl FindMode {
    pub(crate) const ALL: [FindMode; 3] = [FindMode::Highlight, FindMode::Only, FindMode::Context];

    pub(crate) fn name(self) -> &'static str {
        ["highlight", "only matches", "±3 lines"][self as usize]
    }
}

/// A mark that a person set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// It stands after this line.
    pub(crate) after: u64,
    pub(crate) time: u64,
    pub(crate) text: String,
}

/// How the text of the find bar is meant: each can be on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FindOption {
    /// A regular expression.
    Regex,
    /// Capitals count.
    Case,
    /// Whole words.
    Word,
}

impl FindOption {
    /// In the order of the bar.
    pub(crate) const ALL: [FindOption; 3] = [FindOption::Regex, FindOption::Case, FindOption::Word];

    /// As the bar shows it.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            FindOption::Regex => ".*",
            FindOption::Case => "Aa",
            FindOption::Word => "W",
        }
    }
}

impl Find {
    /// Whether an option is on.
    pub(crate) fn has(&self, option: FindOption) -> bool {
        match option {
            FindOption::Regex => self.mode.regex || self.field.text().starts_with("re:"),
            FindOption::Case => self.mode.case,
            FindOption::Word => self.mode.word,
        }
    }

    /// Switches an option.
    pub(crate) fn toggle(&mut self, option: FindOption) {
        match option {
            FindOption::Regex => match self.field.text().strip_prefix("re:") {
                Some(rest) => (self.field, self.mode.regex) = (Field::new(rest), false),
                None => self.mode.regex ^= true,
            },
            FindOption::Case => self.mode.case ^= true,
            FindOption::Word => self.mode.word ^= true,
        }
    }
}

/// A search in the lines.
#[derive(Debug, Default)]
pub(crate) struct Find {
    pub(crate) field: Field,
    pub(crate) mode: PatternMode,
    pub(crate) shows: FindMode,
    /// The option of the open bar that has the focus; the text has it if there is none.
    pub(crate) option: Option<FindOption>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) error: Option<String>,
    pub(crate) hits: Option<Hits>,
    /// Where the person was before: for Esc.
    pub(crate) before: Option<Place>,
}

/// Where the person is in the lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) follow: bool,
    /// The line at the top of the screen, and which of its rows.
    pub(crate) top: (u64, usize),
    pub(crate) cursor: u64,
}

/// What can be undone: a whole clear, or that of one process.
#[derive(Clone, Debug)]
pub(crate) enum Cleared {
    All(u64),
    Process(ProcessId, Option<u64>),
}

/// The Logs view.
#[derive(Debug)]
pub(crate) struct LogView {
    /// Everything.
    pub(crate) all: Lines,
    /// The lines of the chosen processes; the same as `all` if none are chosen.
    pub(crate) lines: Lines,
    /// The chosen processes.
    pub(crate) scope: Option<BTreeSet<Arc<str>>>,
    /// The ids that the chosen names stand for.
    ids: Option<Vec<ProcessId>>,
    /// The scope before solo.
    pub(crate) before_solo: Option<Option<BTreeSet<Arc<str>>>>,
    pub(crate) filter: Filter,
    pub(crate) filters_off: bool,
    pub(crate) hits: Option<Hits>,
    pub(crate) find: Find,
    pub(crate) place: Place,
    /// The newest line when following ended.
    pub(crate) paused_at: u64,
    counted_to: u64,
    pub(crate) new_errors: u64,
    pub(crate) floor: u64,
    pub(crate) undo: Vec<Cleared>,
    pub(crate) marks: Vec<Mark>,
    /// The other end of the selected lines.
    pub(crate) anchor: Option<u64>,
    /// Text selected with the mouse.
    pub(crate) marked: Option<Marked>,
    pub(crate) sideways: usize,
    pub(crate) wrap: bool,
    pub(crate) time: TimeFormat,
    pub(crate) collapse: bool,
    pub(crate) folds: Folds,
    filter_newest: Arc<AtomicU64>,
    find_newest: Arc<AtomicU64>,
}

impl LogView {
    /// Follows these lines.
    pub(crate) fn new(lines: Lines) -> LogView {
        LogView {
            all: lines.clone(),
            lines,
            scope: None,
            ids: None,
            before_solo: None,
            filter: Filter::default(),
            filters_off: false,
            hits: None,
            find: Find::default(),
            place: Place { follow: true, top: (0, 0), cursor: 0 },
            paused_at: 0,
            counted_to: 0,
            new_errors: 0,
            floor: 0,
            undo: Vec::new(),
            marks: Vec::new(),
            anchor: None,
            marked: None,
            sideways: 0,
            wrap: false,
            time: TimeFormat::Clock,
            collapse: false,
            folds: Folds::default(),
            filter_newest: Arc::default(),
            find_newest: Arc::default(),
        }
    }

    /// The lines as they are shown.
    pub(crate) fn rows(&self) -> Rows<'_> {
        let find = self.find.hits.as_ref().map(|hits| (hits, self.find.shows));
        // Where only matches are shown, each of them is.
        let folds = Some(&self.folds).filter(|_| find.is_none_or(|(_, mode)| mode == FindMode::Highlight));
        Rows { lines: &self.lines, floor: self.floor, filter: self.hits.as_ref(), find, folds }
    }

    /// The frames that are folded behind this one.
    pub(crate) fn folded_behind<'a>(&'a self, line: &Line<'_>) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let rows = self.rows();
        let folded = |next: &Line<'_>| rows.hides(next) && rows.folds.is_some_and(|folds| folds.on);
        let any = is_frame(line) && frames_after(line, &self.lines).next().is_some_and(|next| folded(&next));
        let frames = any.then(|| frames_after(line, &self.lines));
        frames.into_iter().flatten().filter(move |frame| rows.passes(frame.seq))
    }

    /// Opens the frames behind this one, or closes those that begin with it; answers whether there were any.
    pub(crate) fn toggle_fold(&mut self, seq: u64) -> bool {
        let Some(line) = self.lines.get(seq) else { return false };
        if self.folded_behind(&line).next().is_some() {
            self.folds.open(&line, &self.lines);
            return true;
        }
        self.folds.close(&line)
    }

    /// What Enter does with the line that has the cursor.
    pub(crate) fn open_word(&self) -> &'static str {
        match self.cursor_line() {
            Some(line) if self.folded_behind(&line).next().is_some() => "unfold",
            Some(line) if self.folds.begins_open(&line) => "fold",
            _ => "expand",
        }
    }

    /// Opens the frames among which a folded line is.
    pub(crate) fn unfold(&mut self, seq: u64) {
        if let Some(line) = self.lines.get(seq).filter(|line| self.rows().hides(line)) {
            self.folds.open(&line, &self.lines);
        }
    }

    /// Folds all frames, or none; the cursor goes to the frame that stands for its line.
    pub(crate) fn fold_all(&mut self) {
        self.folds.toggle();
        let line = self.lines.get(self.place.cursor);
        if let Some(first) = line.and_then(|line| self.folds.behind(&line, &self.lines)) {
            self.place.cursor = first;
        }
    }

    /// Takes a new snapshot.
    pub(crate) fn take(&mut self, all: Lines) -> Vec<Request> {
        self.all = all;
        self.narrow();
        let mut requests = Vec::new();
        requests.extend(self.hits.as_mut().and_then(|hits| hits.arrive(Which::Filter, &self.lines)));
        requests.extend(self.find.hits.as_mut().and_then(|hits| hits.arrive(Which::Find, &self.lines)));
        self.count();
        requests
    }

    fn narrow(&mut self) {
        let ids = self.ids.as_ref().filter(|_| !self.filters_off);
        self.lines = ids.map_or_else(|| self.all.clone(), |ids| self.all.only(ids));
    }

    /// Counts the errors among the lines that arrived while the view was pinned.
    fn count(&mut self) {
        let Some(last) = self.lines.last_seq().filter(|_| !self.place.follow) else { return };
        if last < self.counted_to {
            return;
        }
        let new = self.lines.after(self.counted_to).take(OWN_MAX);
        self.new_errors += new.filter(|line| line.level >= Level::Error).count() as u64;
        self.counted_to = last + 1;
    }

    /// The lines that arrived since the view was pinned and pass the filter.
    pub(crate) fn new_lines(&self) -> u64 {
        match (&self.hits, self.lines.last_seq()) {
            (Some(hits), _) => (hits.list.len() - hits.rank(self.paused_at + 1)) as u64,
            (None, Some(last)) if last > self.paused_at => self.lines.len() - self.lines.rank(self.paused_at + 1),
            _ => 0,
        }
    }

    /// How many lines the filters hide.
    pub(crate) fn hidden(&self) -> u64 {
        let shown = self.hits.as_ref().map_or(self.lines.len(), |hits| hits.list.len() as u64);
        self.all.len().saturating_sub(shown)
    }

    /// Whether anything narrows what is shown, be it switched off at the moment.
    pub(crate) fn has_filters(&self) -> bool {
        !self.filter.is_empty() || self.scope.is_some()
    }

    /// The processes have changed: the chosen names may stand for others.
    pub(crate) fn resolve(&mut self, processes: &[(Arc<str>, ProcessId)]) -> Vec<Request> {
        let ids = self.scope.as_ref().map(|names| {
            processes.iter().filter(|(name, _)| names.contains(name)).map(|(_, id)| *id).collect::<Vec<_>>()
        });
        if ids == self.ids {
            return Vec::new();
        }
        self.ids = ids;
        self.refilter()
    }

    /// Looks through everything again, because the rules have changed.
    pub(crate) fn refilter(&mut self) -> Vec<Request> {
        self.narrow();
        let mut requests = Vec::new();
        self.hits = None;
        if !self.filters_off && !self.filter.is_empty() {
            let test = Test { filter: self.filter.clone(), pattern: None };
            let (hits, request) = Hits::start(Which::Filter, test, &self.lines, &self.filter_newest);
            self.hits = Some(hits);
            requests.push(request);
        }
        requests.extend(self.search());
        requests
    }

    /// Looks for the pattern, or ends the search if there is none.
    pub(crate) fn search(&mut self) -> Option<Request> {
        let Some(pattern) = self.find.pattern.clone() else {
            self.find.hits = None;
            return None;
        };
        let filter = if self.filters_off { Filter::default() } else { self.filter.clone() };
        let test = Test { filter, pattern: Some(pattern) };
        let (hits, request) = Hits::start(Which::Find, test, &self.lines, &self.find_newest);
        self.find.hits = Some(hits);
        Some(request)
    }

    /// The text or the mode of the search has changed.
    pub(crate) fn set_pattern(&mut self) -> Option<Request> {
        self.find.error = None;
        if self.find.field.is_empty() {
            self.find.pattern = None;
            return self.search();
        }
        match Pattern::new(self.find.field.text(), self.find.mode) {
            Ok(pattern) => {
                self.find.pattern = Some(pattern);
                self.search()
            }
            Err(error) => {
                self.find.error = Some(error);
                None
            }
        }
    }

    /// Takes what a worker found; lines that arrived while it worked are tested next.
    pub(crate) fn found(&mut self, found: Found) -> Option<Request> {
        let which = found.which;
        let hits = match which {
            Which::Filter => self.hits.as_mut(),
            Which::Find => self.find.hits.as_mut(),
        }?;
        hits.take(found);
        if hits.scanning { None } else { hits.arrive(which, &self.lines) }
    }

    /// Follows the newest line.
    pub(crate) fn follow(&mut self) {
        self.place.follow = true;
        self.anchor = None;
        self.marked = None;
    }

    /// Pins what is on the screen; `top` is its first row.
    pub(crate) fn pin(&mut self, top: (u64, usize), cursor: u64) {
        if self.place.follow {
            self.paused_at = self.lines.last_seq().unwrap_or(0);
            self.counted_to = self.paused_at + 1;
            self.new_errors = 0;
        }
        self.place = Place { follow: false, top, cursor };
    }

    /// The selected lines, oldest first; the one with the cursor if none are selected.
    pub(crate) fn selection(&self) -> Option<(u64, u64)> {
        if self.place.follow {
            return None;
        }
        let cursor = self.place.cursor;
        let anchor = self.anchor.unwrap_or(cursor);
        Some((anchor.min(cursor), anchor.max(cursor)))
    }

    /// The line with the cursor; none while following.
    pub(crate) fn cursor_line(&self) -> Option<Line<'_>> {
        self.rows().get(self.place.cursor).filter(|_| !self.place.follow)
    }
}
