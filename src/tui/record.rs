//! One whole line in front: its text in rows, the cursor over the fields of JSON, and the buttons below.

use std::ops::Range;

use crate::tui::json::{self, Field, Line};
use crate::tui::text::{clean, wrap};

/// What can be done with a field, as it is asked for.
pub(crate) const FIELD_ACTIONS: [&str; 3] = ["Show only lines with this", "Hide lines with this", "Copy value"];

/// The buttons of a whole line.
const BUTTONS: [&str; 5] = ["Close", "Copy", "Only this process", "Hide lines like it", "Open URL"];

/// What has the focus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Focus {
    /// The field with the cursor.
    Field,
    Button(usize),
    /// What can be done with the field.
    Menu(usize),
}

/// A row: a part of one of the lines.
pub(crate) type Row = (usize, Range<usize>);

/// One whole line.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) title: String,
    /// As it is stored, without escapes.
    pub(crate) plain: String,
    /// Over several lines, if it is JSON.
    json: Option<Vec<Line>>,
    pub(crate) pretty: bool,
    /// The lines that are shown, as they are drawn.
    pub(crate) shown: Vec<String>,
    /// The first URL in it.
    pub(crate) url: Option<String>,
    pub(crate) offset: usize,
    pub(crate) focus: Focus,
    /// The line with the field that the cursor is on, or was on before a button had the focus.
    field: usize,
}

impl Record {
    /// `line` is what the fields are looked for in, `plain` all that is shown.
    pub(crate) fn new(title: String, line: &str, plain: String, url: Option<String>) -> Record {
        let json = json::lay_out(line);
        let (pretty, focus) = (json.is_some(), Focus::Button(0));
        let mut record = Record { title, plain, json, pretty, shown: Vec::new(), url, offset: 0, focus, field: 0 };
        record.show(pretty);
        record
    }

    /// Shows it as JSON, or as it is.
    pub(crate) fn show(&mut self, pretty: bool) {
        self.pretty = pretty && self.json.is_some();
        self.shown = match self.json.as_ref().filter(|_| self.pretty) {
            Some(lines) => lines.iter().map(|line| clean(line.text.as_bytes()).text).collect(),
            None => self.plain.lines().map(|line| clean(line.as_bytes()).text).collect(),
        };
        self.offset = 0;
        let first = self.field_from(0, true);
        self.field = first.unwrap_or(0);
        self.focus = if first.is_some() { Focus::Field } else { Focus::Button(0) };
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json.is_some()
    }

    /// The text that is shown, as it is stored.
    pub(crate) fn text(&self) -> String {
        match self.json.as_ref().filter(|_| self.pretty) {
            Some(lines) => lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n"),
            None => self.plain.clone(),
        }
    }

    pub(crate) fn buttons(&self) -> &'static [&'static str] {
        &BUTTONS[..BUTTONS.len() - usize::from(self.url.is_none())]
    }

    /// A line as it is stored, if it is drawn otherwise.
    pub(crate) fn stored(&self, line: usize) -> Option<&str> {
        let stored = match self.json.as_ref().filter(|_| self.pretty) {
            Some(lines) => lines.get(line)?.text.as_str(),
            None => self.plain.lines().nth(line)?,
        };
        (stored != self.shown[line]).then_some(stored)
    }

    fn field_on(&self, line: usize) -> Option<&Field> {
        self.json.as_ref().filter(|_| self.pretty)?.get(line)?.field.as_ref()
    }

    /// The field with the cursor.
    pub(crate) fn field(&self) -> Option<&Field> {
        self.field_on(self.field)
    }

    /// The line that is drawn as the cursor.
    pub(crate) fn cursor(&self) -> Option<usize> {
        self.field().filter(|_| !matches!(self.focus, Focus::Button(_))).map(|_| self.field)
    }

    /// The line of the first field from this line on, or of the last one up to it.
    fn field_from(&self, line: usize, forward: bool) -> Option<usize> {
        let is_field = |line: &usize| self.field_on(*line).is_some();
        if forward { (line..self.shown.len()).find(is_field) } else { (0..=line).rev().find(is_field) }
    }

    /// The rows on a place of so many cells.
    pub(crate) fn rows(&self, cells: usize) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.shown.len());
        for (line, text) in self.shown.iter().enumerate() {
            let starts = wrap(text, cells);
            let ends = starts.iter().skip(1).copied().chain([text.len()]);
            rows.extend(starts.iter().zip(ends).map(|(from, to)| (line, *from..to)));
        }
        rows
    }

    /// Scrolls; the cursor goes along where it would be left behind.
    pub(crate) fn scroll(&mut self, by: isize, rows: &[Row], height: usize) {
        let most = rows.len().saturating_sub(height);
        self.offset = self.offset.saturating_add_signed(by).min(most);
        if self.field().is_none() || rows.is_empty() {
            return;
        }
        let seen = rows.iter().skip(self.offset).take(height.max(1)).map(|(line, _)| *line);
        let (first, last) = (seen.clone().min().unwrap_or(0), seen.max().unwrap_or(0));
        let near = if self.field < first {
            self.field_from(first, true).filter(|line| *line <= last).or_else(|| self.field_from(first, false))
        } else if self.field > last {
            self.field_from(last, false).filter(|line| *line >= first).or_else(|| self.field_from(last, true))
        } else {
            None
        };
        self.field = near.unwrap_or(self.field);
    }

    /// ↑ or ↓: the next field if it is near, else half a page, so that nothing is passed unseen; from the last field to the
    /// buttons, and back from there.
    pub(crate) fn step(&mut self, forward: bool, rows: &[Row], height: usize) {
        let half = (height / 2).max(1);
        let by = if forward { half.cast_signed() } else { -half.cast_signed() };
        if self.field().is_none() {
            return self.scroll(by.signum(), rows, height);
        }
        if let Focus::Button(_) = self.focus {
            if !forward {
                self.focus = Focus::Field;
                self.reveal(rows, height);
            }
            return;
        }
        let next = if forward { self.field_from(self.field + 1, true) } else { self.before() };
        let (top, end) = (self.offset, self.offset + height);
        let near = |line: &usize| {
            let (first, last) = self.span(*line, rows);
            if forward { first < end + half } else { last + half >= top }
        };
        match next.filter(near) {
            Some(next) => {
                self.field = next;
                self.reveal(rows, height);
            }
            None if next.is_some() || self.can_scroll(forward, rows, height) => self.scroll(by, rows, height),
            None if forward => self.focus = Focus::Button(0),
            None => {}
        }
    }

    fn before(&self) -> Option<usize> {
        self.field_from(self.field.checked_sub(1)?, false)
    }

    fn can_scroll(&self, forward: bool, rows: &[Row], height: usize) -> bool {
        if forward { self.offset + height < rows.len() } else { self.offset > 0 }
    }

    /// The first and the last row of a line.
    fn span(&self, line: usize, rows: &[Row]) -> (usize, usize) {
        let first = rows.partition_point(|(other, _)| *other < line);
        (first, rows.partition_point(|(other, _)| *other <= line).max(first + 1) - 1)
    }

    /// Scrolls so that the field with the cursor is seen, from its beginning on.
    pub(crate) fn reveal(&mut self, rows: &[Row], height: usize) {
        let (first, last) = self.span(self.field, rows);
        let lowest = (last + 1).saturating_sub(height).min(first);
        self.offset = self.offset.clamp(lowest, first);
    }

    /// Puts the cursor on this line if it has a field; answers whether it was there already, with the focus.
    pub(crate) fn select(&mut self, line: usize) -> Option<bool> {
        self.field_on(line)?;
        let again = self.field == line && self.focus == Focus::Field;
        (self.field, self.focus) = (line, Focus::Field);
        Some(again)
    }

    /// Moves the focus to another button; from the first one to the left, and around by Tab, to the fields. Where there are
    /// none it goes around the buttons.
    pub(crate) fn turn(&mut self, by: isize, around: bool) {
        let has_field = self.field().is_some();
        let around = around || !has_field;
        let count = self.buttons().len().cast_signed();
        let at = match self.focus {
            Focus::Button(at) => at.cast_signed() + by,
            _ if by < 0 && !around => return,
            _ => {
                if by < 0 {
                    count - 1
                } else {
                    0
                }
            }
        };
        self.focus = match at {
            _ if !(0..count).contains(&at) && has_field && (around || at < 0) => Focus::Field,
            _ if around => Focus::Button(at.rem_euclid(count).cast_unsigned()),
            _ => Focus::Button(at.clamp(0, count - 1).cast_unsigned()),
        };
    }

    /// Undoes the smallest thing; answers whether there was one.
    pub(crate) fn back(&mut self) -> bool {
        let leaves = match self.focus {
            Focus::Menu(_) => true,
            Focus::Button(_) => self.field().is_some(),
            Focus::Field => false,
        };
        if leaves {
            self.focus = Focus::Field;
        }
        leaves
    }
}
