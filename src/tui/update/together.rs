//! What belongs to a request in Web: the lines that its process wrote meanwhile, and the error that came with it.

use crate::app::view::ErrorRow;
use crate::event::{Level, ProcessId};
use crate::logs::Snapshot;
use crate::proxy::Exchange;
use crate::tui::message::Effect;
use crate::tui::model::{Model, View};
use crate::tui::source::is_together;
use crate::tui::update::strip::Button;
use crate::tui::update::{dispatch, errors, tell};

/// The ways from a request to what belongs to it.
pub(super) fn buttons(model: &Model, exchange: &Exchange) -> Vec<Button> {
    let lines = exchange.opened.process.is_some().then_some(Button::LinesOfRequest);
    let error = error(model, exchange).map(|row| Button::Error(row.id));
    lines.into_iter().chain(error).collect()
}

/// The newest group of errors that came while the request failed.
fn error<'m>(model: &'m Model, exchange: &Exchange) -> Option<&'m ErrorRow> {
    let failed = exchange.failure.is_some() || exchange.status.is_some_and(|status| status >= 400);
    let mut groups = model.errors.rows.iter().rev().filter(|row| model.errors.count(row) > 0);
    groups.find(|row| failed && is_together(row, exchange))
}

/// `Error TypeError ×12`
pub(super) fn error_label(model: &Model, id: u64) -> String {
    let Some(row) = model.errors.rows.iter().find(|row| row.id == id) else { return "Error".into() };
    let kind = row.kind.as_deref().unwrap_or(&row.message);
    let times = if row.count > 1 { format!(" {}{}", model.theme.glyphs.times(), row.count) } else { String::new() };
    format!("Error {}{times}", crate::tui::text::cut(&crate::tui::text::safe(kind), 18))
}

/// Goes to a group in Errors.
pub(super) fn show_error(model: &mut Model, id: u64) -> Vec<Effect> {
    let effects = dispatch::go(model, View::Errors);
    errors::reveal(model, id);
    effects
}

/// Goes to the first line that the process of the selected request wrote after its beginning.
pub(super) fn show_lines(model: &mut Model) -> Vec<Effect> {
    let Some(exchange) = model.web.selected() else { return Vec::new() };
    let Some((process, _)) = exchange.opened.process else { return Vec::new() };
    match line_at(&model.logs.all, process, exchange.opened.time_ms) {
        Some(seq) => errors::show_line(model, seq),
        None => {
            tell::tell(model, Level::Info, "its process wrote no line that is still kept");
            Vec::new()
        }
    }
}

/// The first line of a process that came then or later, else its last one before.
fn line_at(lines: &Snapshot, process: ProcessId, time_ms: u64) -> Option<u64> {
    let own = lines.only(&[process]);
    let (mut from, mut to) = (0, own.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let is_before = own.at_rank(middle).is_some_and(|line| line.time_ms < time_ms);
        if is_before { from = middle + 1 } else { to = middle }
    }
    own.at_rank(from).or_else(|| own.at_rank(from.checked_sub(1)?)).map(|line| line.seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::view::Backend;
    use crate::tui::testing::Mock;

    #[test]
    fn the_line_of_a_time_is_the_first_one_of_the_process_from_then_on() {
        let mock = Mock::empty();
        assert_eq!(line_at(&mock.logs().snapshot(), ProcessId(1), 0), None);
        for line in 0..200 {
            mock.line(1 + line % 2, ["web", "api"][line as usize % 2], &format!("line {line}"));
            if line % 50 == 0 {
                let begin = std::time::Instant::now();
                while begin.elapsed().as_millis() < 3 {
                    std::thread::yield_now();
                }
            }
        }
        let lines = mock.logs().snapshot();
        let own: Vec<(u64, u64)> =
            lines.after(0).filter(|line| line.process == ProcessId(2)).map(|line| (line.time_ms, line.seq)).collect();
        assert_eq!(own.len(), 100);
        let (first, last) = (own[0], own[99]);
        for time in first.0 - 1..=last.0 + 1 {
            let wanted = own.iter().find(|(of, _)| *of >= time).unwrap_or(&last).1;
            assert_eq!(line_at(&lines, ProcessId(2), time), Some(wanted), "{time} of {own:?}");
        }
        assert_eq!(line_at(&lines, ProcessId(3), first.0), None);
    }
}
