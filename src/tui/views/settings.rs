//! What holds, where it was said, and what it can be; below, what the selected setting does.
//!
//! ```text
//!   Appearance
//! ▌   Theme                      auto            default             [auto ansi dark light contrast mono]
//!     Glyphs                     unicode         .brum.toml:3        [unicode ascii]
//!
//!  ui.theme: The colours. Seen at once.
//!  w writes to .brum.toml of the project, S to your own file, u undoes.
//! ```

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

use crate::tui::keymap::Action;
use crate::tui::layout::{Areas, Class};
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::settings::{Line, Row};
use crate::tui::text::{cut, cut_middle, fit, put, safe, wrap_words};
use crate::tui::update::is_at_once;
use crate::tui::views::screen::cursor_row;

/// Cells of label, value and source; 0: there is no such column.
fn columns(class: Class) -> [usize; 3] {
    match class {
        Class::Wide => [27, 22, 20],
        Class::Medium => [27, 20, 20],
        Class::Narrow => [24, 16, 12],
        _ => [22, 12, 0],
    }
}

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let (lines, position) = model.settings.view();
    let mut cursor = None;
    let rows = lines.iter().enumerate().skip(model.settings.offset).take(areas.list.height.into());
    for (line, (at, row)) in rows.enumerate() {
        let y = areas.list.y + line as u16;
        match row {
            Line::Heading(title) => {
                let style = model.theme.accent.add_modifier(Modifier::BOLD);
                put(buffer, areas.list.x + 2, y, areas.list.width.saturating_sub(2), title, style);
            }
            Line::Row(row) => draw_row(model, areas, y, row, buffer),
        }
        if at == position && matches!(row, Line::Row(_)) {
            if model.tab.is_none() {
                cursor_row(model, areas.list, y, buffer);
            }
            cursor = Some((areas.list.x, y, false));
        }
    }
    if lines.is_empty() {
        let room = areas.list.width.saturating_sub(2);
        put(
            buffer,
            areas.list.x + 2,
            areas.list.y + 1,
            room,
            "No setting matches; Esc shows all again",
            model.theme.muted,
        );
    }
    about(model, areas, buffer);
    cursor
}

fn draw_row(model: &Model, areas: &Areas, y: u16, row: &Row, buffer: &mut Buffer) {
    let [label, value, source] = columns(areas.class);
    let theme = &model.theme;
    let room = |x: u16| areas.list.right().saturating_sub(x);
    let x = areas.list.x + 4;
    let x = put(buffer, x, y, room(x), &fit(&safe(&row.label), label), theme.text) + 1;
    let changed = model.settings.changed.contains_key(&row.name);
    let ink = if changed { theme.warn } else { theme.text };
    let told = safe(&row.value);
    let last = row.name.is_empty() || (source == 0 && row.choices.is_empty());
    let cells = if last { usize::from(room(x)) } else { value };
    let x = put(buffer, x, y, room(x), &fit(&cut_middle(&told, cells), cells), ink) + 1;
    if source == 0 || row.name.is_empty() {
        return;
    }
    let x = put(buffer, x, y, room(x), &fit(&safe(&row.source), source), if changed { ink } else { theme.muted }) + 1;
    if areas.class == Class::Wide && row.choices.len() > 1 {
        let choices = format!("[{}]", row.choices.join(" "));
        put(buffer, x, y, room(x), &cut(&choices, room(x).into()), theme.muted);
    }
}

fn about(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.detail;
    let Some(row) = model.settings.selected().filter(|_| area.height > 1) else { return };
    let key = |action| model.keymap.keys(action).first().map(|key| key.written(model.theme.glyphs)).unwrap_or_default();
    let when = match () {
        () if row.name.is_empty() => "",
        () if is_at_once(&row.name) => " A change is seen at once.",
        () => " A change holds from the next start on.",
    };
    let name = if row.name.is_empty() { &row.label } else { &row.name };
    let width = usize::from(area.width.saturating_sub(1));
    let of = match row.choices.len() > 1 {
        true => format!(" One of {}.", safe(&row.choices.join(", "))),
        false => String::new(),
    };
    let mut lines = wrap_words(&format!("{}: {}{of}{when}", safe(name), safe(&row.about)), width);
    lines.extend(wrap_words(
        &format!(
            "{} writes changes to the project's .brum.toml, {} to your own file, {} takes the last one back.",
            key(Action::WriteSettings),
            key(Action::WriteUser),
            key(Action::UndoSetting)
        ),
        width,
    ));
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        put(buffer, area.x + 1, y, area.width.saturating_sub(1), line, model.theme.muted);
    }
}

pub(super) fn status(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.status;
    let text = " default < your files < parents < project < flags";
    put(buffer, area.x, area.y, area.width, &cut(text, area.width.into()), model.theme.muted);
    let count = model.settings.changed.len();
    if count > 0 {
        let text = format!("{count} not written ");
        let x = area.right().saturating_sub(text.len() as u16);
        put(buffer, x, area.y, text.len() as u16, &text, model.theme.warn);
    }
}
