//! When each of the requests on the screen ran, side by side on one axis of time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::proxy::Exchange;
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::text::{put, width};
use crate::tui::views::web::millis;

/// The axis: milliseconds since 1970, and the cells that they are spread over.
pub(super) struct Waterfall {
    from: u64,
    to: u64,
    cells: u16,
}

/// When an exchange began, when its first byte came and when it ended; what has not happened is `None`.
fn times(exchange: &Exchange) -> (u64, Option<u64>, Option<u64>) {
    let begin = exchange.opened.time_ms;
    let after = |time: std::time::Duration| begin.saturating_add(time.as_millis() as u64);
    let end = exchange.phases.total.map(after).or(exchange.done.then_some(begin));
    (begin, exchange.phases.first_byte.map(after), end.filter(|_| exchange.done))
}

impl Waterfall {
    /// An axis that these exchanges fit on; what is open reaches to the end of it.
    pub(super) fn over<'a>(model: &Model, exchanges: impl Iterator<Item = &'a Exchange>, cells: u16) -> Waterfall {
        let (mut from, mut to) = (u64::MAX, 0);
        for exchange in exchanges {
            let (begin, _, end) = times(exchange);
            (from, to) = (from.min(begin), to.max(end.unwrap_or(model.now.max(begin))));
        }
        let (from, to) = (from.min(to), to.max(from.min(to).saturating_add(1)));
        let Some(selected) = model.web.selected().filter(|_| model.web.zoom > 0) else {
            return Waterfall { from, to, cells };
        };
        // A part of the time, with the selected one a fifth from its left.
        let part = ((to - from) >> model.web.zoom).max(1);
        let begin = times(selected).0.saturating_sub(part / 5).clamp(from, to - part.min(to - from));
        Waterfall { from: begin, to: begin + part, cells }
    }

    fn cell(&self, time: u64) -> u16 {
        let (span, last) = (self.to - self.from, u64::from(self.cells.max(1) - 1));
        // Spans are far from 2^48 ms, but an app's clock may say anything.
        let at = time.clamp(self.from, self.to) - self.from;
        (u128::from(at) * u128::from(last) / u128::from(span)) as u16
    }

    pub(super) fn draw<'a>(
        &self,
        model: &Model,
        areas: &Areas,
        place: Rect,
        rows: impl Iterator<Item = &'a Exchange>,
        buffer: &mut Buffer,
    ) {
        let (theme, glyphs) = (&model.theme, model.theme.glyphs);
        for y in areas.columns.y..place.bottom() {
            put(buffer, place.x, y, 1, glyphs.bar(), theme.rule);
        }
        let left = place.x + 1;
        let head = model.clock.clock(self.from);
        put(buffer, left, areas.columns.y, self.cells, &head, theme.muted);
        let span = format!("+{}", millis(self.to - self.from));
        let x = (left + self.cells).saturating_sub(width(&span) as u16);
        put(buffer, x, areas.columns.y, self.cells, &span, theme.muted);
        for (line, exchange) in rows.take(place.height.into()).enumerate() {
            let y = place.y + line as u16;
            let (begin, first, end) = times(exchange);
            if begin > self.to || end.is_some_and(|end| end < self.from) {
                // Outside of the part that is shown.
                let (x, sign) =
                    if begin > self.to { (self.cells.max(1) - 1, glyphs.right()) } else { (0, glyphs.left()) };
                put(buffer, left + x, y, 1, sign, theme.muted);
                continue;
            }
            let (from, to) = (self.cell(begin), end.map_or(self.cells.max(1) - 1, |end| self.cell(end)));
            let answer = first.map_or(to, |first| self.cell(first));
            for cell in from..=to {
                let (sign, style) = match () {
                    () if end.is_none() => (glyphs.unfinished(), theme.accent),
                    () if cell < answer => (glyphs.waiting(), theme.muted),
                    () if exchange.is_error() => (glyphs.answering(), theme.error),
                    () => (glyphs.answering(), theme.accent),
                };
                put(buffer, left + cell, y, 1, sign, style);
            }
        }
    }
}
