//! A child's terminal.
//!
//! ```text
//!  api ─ terminal 80x21 ─ all keys go to the process
//! > cart.items
//! [ { sku: 'A1', qty: 2 } ]
//! > ▏
//!  ● LIVE  scrollback 1,204                                       pid 48130
//! ^] leave, or one more key  F12 leave
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color as Paint, Modifier, Style};

use crate::app::view::ProcessRow;
use crate::event::Status;
use crate::tui::attached::Attached;
use crate::tui::clock;
use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{cut, is_harmful, of_one_cell, put, safe, width};
use crate::tui::theme::Depth;
use crate::tui::views::screen::rule;
use crate::wire::screen::{Cell, Color, Look, Picture};

/// Draws the title, the child's screen and the state; in a pane, the rule above it is the title.
pub(super) fn draw(model: &Model, attached: &Attached, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    title(model, attached, areas, buffer);
    if areas.status.height > 0 && areas.terminal == areas.body {
        status(model, attached, areas.status, buffer);
    }
    let picture = attached.picture.as_ref()?;
    paint(model, picture, areas.terminal, buffer);
    select(model, attached, areas.terminal, buffer);
    let (x, y) = picture.cursor.filter(|_| attached.is_live() && !attached.ended)?;
    let area = areas.terminal;
    (x < area.width && y < area.height).then_some((area.x + x, area.y + y, true))
}

fn title(model: &Model, attached: &Attached, areas: &Areas, buffer: &mut Buffer) {
    let Rect { width: columns, height: rows, .. } = areas.terminal;
    let what = if attached.ended {
        "it has ended"
    } else if attached.leader.is_some() {
        "the next key is for brummer"
    } else {
        "all keys go to the process"
    };
    let line = model.theme.glyphs.line();
    let name = safe(&attached.name);
    let text = format!("{} {line} terminal {columns}x{rows} {line} {what}", cut(&name, 24));
    if areas.terminal != areas.body {
        let area = Rect { height: 1, ..areas.output };
        return rule(model, area, &text, buffer);
    }
    let area = areas.header;
    let end =
        put(buffer, area.x, area.y, area.width, &format!(" {text}"), model.theme.accent.add_modifier(Modifier::BOLD));
    let title = attached.picture.as_ref().map_or("", |picture| &*picture.title);
    let room = usize::from(area.right().saturating_sub(end + 3));
    let title = cut(title, room);
    let x = area.right().saturating_sub(width(&title) as u16 + 1);
    put(buffer, x.max(end), area.y, area.right().saturating_sub(x.max(end)), &title, model.theme.muted);
}

fn status(model: &Model, attached: &Attached, area: Rect, buffer: &mut Buffer) {
    let theme = &model.theme;
    let row = model.processes.get(attached.id);
    let history = attached.picture.as_ref().map_or(0, |picture| picture.history);
    let offset = attached.picture.as_ref().map_or(0, |picture| picture.offset);
    let (state, style) = if attached.ended {
        (ending(model, row), theme.warn)
    } else if attached.selection.is_some() {
        (format!("{} SELECTED  y copies, Esc goes on", theme.glyphs.paused()), theme.warn)
    } else if offset > 0 {
        (format!("{} {} ROWS BACK  Esc goes on", theme.glyphs.paused(), clock::count(offset as u64)), theme.warn)
    } else {
        (format!("{} LIVE", theme.glyphs.running()), theme.ok)
    };
    let x = put(buffer, area.x + 1, area.y, area.width.saturating_sub(1), &state, style);
    let mut more = format!("  scrollback {}", clock::count(history as u64));
    if attached.lost > 0 {
        more.push_str(&format!("  {} came too fast to be shown; the logs have all", clock::bytes(attached.lost)));
    }
    let end = put(buffer, x, area.y, area.right().saturating_sub(x), &more, theme.muted);
    if let Some(pid) = row.and_then(|row| row.pid) {
        let text = format!("pid {pid} ");
        let x = area.right().saturating_sub(width(&text) as u16).max(end + 1);
        put(buffer, x, area.y, area.right().saturating_sub(x), &text, theme.muted);
    }
}

fn ending(model: &Model, row: Option<&ProcessRow>) -> String {
    let (sign, how) = match row {
        Some(row) if row.status.is_ended() => {
            let (sign, _) = model.theme.status(row.status, false);
            (sign, row.exit.map_or_else(|| row.status.name().to_string(), |exit| exit.describe()))
        }
        _ => (model.theme.status(Status::Stopped, false).0, "it has closed its terminal".to_string()),
    };
    format!("{sign} {how}  Esc leaves, r starts it again")
}

/// Draws a child's screen; nothing of it is a control character, and nothing is drawn outside of the area.
pub(super) fn paint(model: &Model, picture: &Picture, area: Rect, buffer: &mut Buffer) {
    let columns = area.width.min(picture.columns);
    let mut text = String::new();
    for (y, row) in picture.rows.iter().take(area.height.into()).enumerate() {
        let y = area.y + y as u16;
        for x in 0..columns {
            let cell = row.cell(x.into());
            let Some(place) = buffer.cell_mut((area.x + x, y)) else { continue };
            let fits = x + u16::from(cell.width()) <= columns;
            match (cell.width(), cell.plain()) {
                // Behind a wide letter: the letter has taken this place.
                (0, _) => continue,
                (1, Some(letter)) if !is_harmful(letter) => _ = place.set_char(of_one_cell(letter)),
                _ if fits => {
                    text.clear();
                    cell.write(&mut text);
                    // Marks that make a letter wider or narrower, about which terminals disagree, are left out.
                    if width(&text) != usize::from(cell.width()) {
                        text.truncate(text.chars().next().map_or(0, char::len_utf8));
                    }
                    place.set_symbol(if text.chars().any(is_harmful) { "\u{fffd}" } else { &text });
                }
                _ => _ = place.set_char(' '),
            }
            place.set_style(style(model, cell));
            if cell.width() == 2
                && fits
                && let Some(behind) = buffer.cell_mut((area.x + x + 1, y))
            {
                behind.set_symbol(" ").set_style(style(model, cell));
            }
        }
    }
}

fn style(model: &Model, cell: Cell) -> Style {
    let look = cell.look();
    let mut style = model.theme.text;
    if model.depth != Depth::Mono {
        style.fg = paint_of(look.fg).or(style.fg);
        style.bg = paint_of(look.bg).or(style.bg);
    }
    for (flag, modifier) in [
        (Look::BOLD, Modifier::BOLD),
        (Look::DIM, Modifier::DIM),
        (Look::ITALIC, Modifier::ITALIC),
        (Look::UNDERLINE, Modifier::UNDERLINED),
        (Look::REVERSE, Modifier::REVERSED),
        (Look::HIDDEN, Modifier::HIDDEN),
        (Look::STRIKE, Modifier::CROSSED_OUT),
    ] {
        if look.has(flag) {
            style = style.add_modifier(modifier);
        }
    }
    style
}

fn paint_of(color: Color) -> Option<Paint> {
    match color {
        Color::Default => None,
        Color::Indexed(index) => Some(Paint::Indexed(index)),
        Color::Rgb(r, g, b) => Some(Paint::Rgb(r, g, b)),
    }
}

fn select(model: &Model, attached: &Attached, area: Rect, buffer: &mut Buffer) {
    let Some((from, to)) = attached.selection else { return };
    let (from, to) = if (from.1, from.0) <= (to.1, to.0) { (from, to) } else { (to, from) };
    for y in from.1..=to.1.min(area.height.saturating_sub(1)) {
        let begin = if y == from.1 { from.0 } else { 0 };
        let end = if y == to.1 { to.0 } else { area.width.saturating_sub(1) };
        for x in begin..=end.min(area.width.saturating_sub(1)) {
            if let Some(place) = buffer.cell_mut((area.x + x, area.y + y)) {
                place.set_style(model.theme.cursor);
            }
        }
    }
}
