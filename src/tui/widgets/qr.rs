//! A QR code: dark on light in every theme, with what it says beside it.
//!
//! ```text
//!  █████████████████   QR code
//!  ██ ▄▄▄ █▀▄█ ▄▄▄ █
//!  ██ █ █ █▄▀█ █ █ █   http://192.168.1.20:20888/
//!  ██ ▀▀▀ █ █▀ ▀▀▀ █
//!  ███▀▀█▀▀▄█▄▀█▄▀██   for devices in this network
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::tui::layout::Areas;
use crate::tui::model::Model;
use crate::tui::qr::Card;
use crate::tui::screen::Cursor;
use crate::tui::text::{put, safe, wrap_words};
use crate::tui::theme::Depth;

/// At most so wide is what stands beside a code.
const TEXT_MAX: u16 = 44;

/// Over the whole screen but for the footer.
pub(crate) fn draw(model: &Model, areas: &Areas, card: &Card, buffer: &mut Buffer) -> Cursor {
    let screen = areas.screen;
    let area = Rect { height: screen.height.saturating_sub(1), ..screen }.intersection(buffer.area);
    for at in area.positions() {
        buffer[at].reset();
    }
    buffer.set_style(area, model.theme.text);
    let (width, height) = place(model, card, (area.width, area.height)).unwrap_or_default();
    let text = area.width.saturating_sub(width + 4).min(TEXT_MAX);
    // A line of a few cells says nothing.
    let text = if text < 12 { 0 } else { text };
    let gap = if width > 0 && text > 0 { 2 } else { 0 };
    let x = area.x + area.width.saturating_sub(width + gap + text) / 2;
    let y = area.y + area.height.saturating_sub(height) / 2;
    draw_code(model, card, Rect { x, y, width, height }, buffer);
    let top = if height > 0 { y + 1.min(area.height.saturating_sub(height)) } else { area.y + 1 };
    let beside = Rect { x: x + width + gap, y: top, width: text, height: area.bottom().saturating_sub(top) };
    words(model, card, (area.width, area.height), beside, buffer);
    None
}

/// What stands beside the code.
fn words(model: &Model, card: &Card, room: (u16, u16), area: Rect, buffer: &mut Buffer) {
    let bold = model.theme.accent.add_modifier(Modifier::BOLD);
    let too_small = refusal(model, card, room);
    let who = if too_small.is_some() { "" } else { card.who };
    let parts = [
        ("QR code".to_owned(), bold),
        (safe(&card.says).into_owned(), model.theme.text),
        (who.to_owned(), model.theme.muted),
        (too_small.unwrap_or_default(), model.theme.warn),
    ];
    let mut y = area.y;
    for (text, style) in parts.iter().filter(|(text, _)| !text.is_empty()) {
        for row in wrap_words(text, area.width.into()) {
            if y >= area.bottom() {
                return;
            }
            put(buffer, area.x, y, area.width, &row, *style);
            y += 1;
        }
        // Where there is little room, nothing is between.
        y += u16::from(area.height > 12);
    }
}

/// Why there is no code in so many columns and rows.
pub(crate) fn refusal(model: &Model, card: &Card, (columns, rows): (u16, u16)) -> Option<String> {
    let ascii = model.theme.glyphs.is_ascii();
    match &card.code {
        None => Some("This URL is too long for a QR code.".into()),
        Some(code) if code.rim_within((columns, rows), ascii).is_none() => {
            let (wide, high) = code.least(ascii);
            Some(format!("Its QR code needs {wide}x{high} cells; there are {columns}x{rows}."))
        }
        Some(_) => None,
    }
}

/// The columns and rows that the code takes within so many.
pub(crate) fn place(model: &Model, card: &Card, room: (u16, u16)) -> Option<(u16, u16)> {
    let ascii = model.theme.glyphs.is_ascii();
    let code = card.code.as_ref()?;
    Some(code.cells(code.rim_within(room, ascii)?, ascii))
}

/// Draws the code into an area of exactly its size; nothing into an empty one.
pub(crate) fn draw_code(model: &Model, card: &Card, area: Rect, buffer: &mut Buffer) {
    let ascii = model.theme.glyphs.is_ascii();
    let Some(code) = &card.code else { return };
    let Some(quiet) = code.rim_within((area.width, area.height), ascii) else { return };
    let inks = inks(model.depth);
    for at in area.intersection(buffer.area).positions() {
        let (column, row) = (i32::from(at.x - area.x), i32::from(at.y - area.y));
        let light = |x: i32, y: i32| !code.is_dark(x - i32::from(quiet), y - i32::from(quiet));
        let (symbol, style) = match ascii {
            true => plain_cell(light(column / 2, row), inks),
            false => cell((light(column, 2 * row), light(column, 2 * row + 1)), inks),
        };
        let cell = &mut buffer[at];
        cell.reset();
        cell.set_symbol(symbol).set_style(style);
    }
}

/// Black and white as this terminal can show them, whatever its own colours are. Without colours there are none: light
/// modules are then drawn in the colour of texts, as in every terminal that is dark; in a light one the code is the other
/// way round, which its standard allows.
fn inks(depth: Depth) -> Option<(Color, Color)> {
    match depth {
        Depth::True => Some((Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255))),
        // Of the 256 these two are no theme's.
        Depth::Palette => Some((Color::Indexed(16), Color::Indexed(231))),
        Depth::Ansi => Some((Color::Black, Color::White)),
        Depth::Mono => None,
    }
}

/// Two modules above each other: which of them are light.
fn cell(light: (bool, bool), inks: Option<(Color, Color)>) -> (&'static str, Style) {
    let symbol = match light {
        (true, true) => "█",
        (true, false) => "▀",
        (false, true) => "▄",
        (false, false) => " ",
    };
    // Where all of it is light so is what is behind it: fonts leave gaps between blocks.
    let style = inks.map(|(black, white)| Style::new().fg(white).bg(if light == (true, true) { white } else { black }));
    (symbol, style.unwrap_or_default())
}

/// Half of a module where only ASCII may be drawn.
fn plain_cell(light: bool, inks: Option<(Color, Color)>) -> (&'static str, Style) {
    match inks {
        Some((_, white)) if light => ("#", Style::new().fg(white).bg(white)),
        Some((black, white)) => (" ", Style::new().fg(white).bg(black)),
        None if light => (" ", Style::new().add_modifier(Modifier::REVERSED)),
        None => (" ", Style::new()),
    }
}
