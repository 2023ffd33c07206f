//! The text of a pane: lines laid out in rows, which of them are on the screen, and what is selected of them with the mouse.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use crate::tui::logs::marked::{Marked, Spot, next_letter, word};
use crate::tui::text::{Clean, prefix, width, wrap};

/// A line of a pane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Its number: smaller ones stand above it. A line keeps its own as long as it is the same.
    pub(crate) number: u64,
    /// Stands before the text and is no part of it: a time, a sign, the name of a fact.
    pub(crate) sign: (String, Style),
    /// As it is drawn.
    pub(crate) text: Clean,
    pub(crate) style: Style,
    /// As it is stored, where that is something else.
    pub(crate) stored: Option<String>,
    /// It goes on below where it has no room; otherwise it is cut.
    pub(crate) wraps: bool,
}

impl Line {
    pub(crate) fn new(number: usize, text: String, style: Style) -> Line {
        Line { number: number as u64, text: Clean { text, runs: Vec::new() }, style, ..Line::default() }
    }

    /// With this before it.
    pub(crate) fn behind(self, sign: impl Into<String>, style: Style) -> Line {
        Line { sign: (sign.into(), style), ..self }
    }

    /// With what is copied instead of the whole line.
    pub(crate) fn stored_as(self, stored: impl Into<String>) -> Line {
        Line { stored: Some(stored.into()), ..self }
    }

    pub(crate) fn wrapped(self) -> Line {
        Line { wraps: true, ..self }
    }
}

/// A row: a line, or a part of one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) line: u64,
    /// Bytes of the line on rows above.
    pub(crate) begin: usize,
    pub(crate) sign: (String, Style),
    pub(crate) text: Clean,
    pub(crate) style: Style,
    pub(crate) stored: Option<String>,
}

impl Row {
    /// The selected part of its text.
    pub(crate) fn selected(&self, marked: Marked) -> Option<Range<usize>> {
        let (from, to) = (marked.from.min(marked.to), marked.from.max(marked.to));
        if !(from.seq..=to.seq).contains(&self.line) {
            return None;
        }
        let text = &self.text.text;
        let begin = if self.line == from.seq { from.at.saturating_sub(self.begin).min(text.len()) } else { 0 };
        let end = match to.at.checked_sub(self.begin) {
            _ if self.line != to.seq => text.len(),
            Some(at) => next_letter(text, at),
            None => 0,
        };
        let whole = |at: usize| text.is_char_boundary(at);
        (begin <= end && whole(begin) && whole(end)).then_some(begin..end)
    }
}

/// The text of a pane.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) area: Rect,
    pub(crate) rows: Vec<Row>,
    /// Which of the rows is the first on the screen.
    pub(crate) first: usize,
}

/// The rows of lines on a place of so many cells.
pub(crate) fn lay_out(lines: Vec<Line>, cells: usize, wraps: bool) -> Vec<Row> {
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let indent = width(&line.sign.0);
        let room = cells.saturating_sub(indent).max(1);
        let mut sign = line.sign;
        if !(wraps || line.wraps) || width(&line.text.text) <= room {
            let (text, style, stored) = (line.text, line.style, line.stored);
            rows.push(Row { line: line.number, begin: 0, sign, text, style, stored });
            continue;
        }
        let starts = wrap(&line.text.text, room);
        let ends = starts.iter().skip(1).copied().chain([line.text.text.len()]);
        for (from, to) in starts.iter().copied().zip(ends) {
            let text = line.text.part(from..to);
            let stored = line.stored.clone().filter(|_| from == 0);
            rows.push(Row { line: line.number, begin: from, sign: sign.clone(), text, style: line.style, stored });
            sign.0 = " ".repeat(indent);
        }
    }
    rows
}

impl Sheet {
    /// The rows that are on the screen.
    pub(crate) fn seen(&self) -> &[Row] {
        let from = self.first.min(self.rows.len());
        &self.rows[from..self.rows.len().min(from + usize::from(self.area.height))]
    }

    /// The first row when the last one is the last on the screen.
    pub(crate) fn most(&self) -> usize {
        self.rows.len().saturating_sub(self.area.height.into())
    }

    /// The place in the text on this spot of the screen, or the nearest one on its row; none below the last row.
    pub(crate) fn spot(&self, at: Position) -> Option<Spot> {
        let row = self.seen().get(usize::from(at.y.checked_sub(self.area.y)?))?;
        let begin = usize::from(self.area.x) + width(&row.sign.0);
        let column = usize::from(at.x).saturating_sub(begin);
        Some(Spot { seq: row.line, at: row.begin + prefix(&row.text.text, column) })
    }

    /// The nearest place in the text.
    pub(crate) fn nearest(&self, at: Position) -> Option<Spot> {
        let last = self.area.y + (self.seen().len() as u16).checked_sub(1)?;
        self.spot(Position { x: at.x, y: at.y.clamp(self.area.y, last) })
    }

    /// The word around a place, or its line.
    pub(crate) fn around(&self, spot: Spot, whole: bool) -> Option<Marked> {
        let rows = self.rows.iter().filter(|row| row.line == spot.seq);
        let text: String = rows.map(|row| row.text.text.as_str()).collect();
        let part = if whole { 0..text.len() } else { word(&text, spot.at) };
        let last = text[part.clone()].char_indices().next_back()?.0;
        let place = |at| Spot { seq: spot.seq, at };
        Some(Marked { from: place(part.start), to: place(part.start + last) })
    }

    /// The rows that a selection goes over.
    fn between(&self, marked: Marked) -> &[Row] {
        let (first, last) = (marked.from.seq.min(marked.to.seq), marked.from.seq.max(marked.to.seq));
        let from = self.rows.partition_point(|row| row.line < first);
        &self.rows[from..self.rows.partition_point(|row| row.line <= last).max(from)]
    }

    /// What tells whether the lines that a selection goes over are still the same.
    pub(crate) fn print(&self, marked: Marked) -> u64 {
        let mut hasher = DefaultHasher::new();
        for row in self.between(marked) {
            (row.line, row.begin, &row.text.text).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// The selected text: of whole lines as it is stored, of parts as it is drawn; rows of a line are one line.
    pub(crate) fn text(&self, marked: Marked) -> String {
        let mut text = String::new();
        let rows = self.between(marked);
        for (at, line) in rows.chunk_by(|row, next| row.line == next.line).enumerate() {
            if at > 0 {
                text.push('\n');
            }
            let part = |row: &Row| row.selected(marked).unwrap_or(0..0);
            let whole = line.iter().all(|row| part(row) == (0..row.text.text.len()));
            match line.first().and_then(|row| row.stored.as_ref()).filter(|_| whole) {
                Some(stored) => text.push_str(stored),
                None => line.iter().for_each(|row| text.push_str(&row.text.text[part(row)])),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let lines = vec![
            Line::new(0, "one    two".into(), Style::new()).stored_as("one\ttwo"),
            Line::new(1, "漢字漢字漢字".into(), Style::new()).behind("→ ", Style::new()).wrapped(),
            Line::new(2, "cut off here".into(), Style::new()),
        ];
        Sheet { area: Rect::new(10, 5, 8, 4), rows: lay_out(lines, 8, false), first: 0 }
    }

    fn marked(from: (u64, usize), to: (u64, usize)) -> Marked {
        Marked { from: Spot { seq: from.0, at: from.1 }, to: Spot { seq: to.0, at: to.1 } }
    }

    #[test]
    fn rows_of_a_line_are_copied_as_one_line_and_a_whole_line_as_it_is_stored() {
        let sheet = sheet();
        assert_eq!(sheet.rows.iter().map(|row| row.text.text.as_str()).collect::<Vec<_>>()[1..3], ["漢字漢", "字漢字"]);
        assert_eq!(sheet.text(marked((0, 0), (2, 2))), "one\ttwo\n漢字漢字漢字\ncut");
        assert_eq!(sheet.text(marked((1, 9), (0, 4))), "   two\n漢字漢字");
        assert_eq!(sheet.text(marked((1, 3), (1, 3))), "字");
    }

    #[test]
    fn a_spot_is_the_letter_there_and_a_line_has_its_words() {
        let sheet = sheet();
        let at = |x, y| sheet.spot(Position { x, y });
        assert_eq!(at(14, 6), Some(Spot { seq: 1, at: 3 }));
        assert_eq!(at(10, 7), Some(Spot { seq: 1, at: 9 }), "before the text is its beginning");
        assert_eq!((at(17, 5), at(12, 9)), (Some(Spot { seq: 0, at: 7 }), None));
        assert_eq!(sheet.nearest(Position { x: 99, y: 99 }), Some(Spot { seq: 2, at: 12 }));
        let word = sheet.around(Spot { seq: 2, at: 5 }, false).unwrap();
        assert_eq!(sheet.text(word), "off");
        assert_eq!(sheet.text(sheet.around(Spot { seq: 1, at: 0 }, true).unwrap()), "漢字漢字漢字");
        assert_eq!(sheet.around(Spot { seq: 2, at: 3 }, false), None);
    }
}
