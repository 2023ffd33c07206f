//! The frame around every view.
//!
//! ```text
//!  brummer  ~/code/shop                     7 proc  ● 3  ◐ 1  ✗ 1   cpu 38%  mem 1.2G   14:02
//!  1 Scripts  ▐2 Processes▌  3 Logs
//!  …
//!  7 processes   ● 3  ◐ 1  ✗ 1   sort: status
//! ↑↓ move  Enter logs  s stop/start  r restart  / commands  ? help
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};

use crate::tui::clock;
use crate::tui::footer;
use crate::tui::layout::{Areas, Class, gutter, layout};
use crate::tui::model::{Model, Overlay, View};
use crate::tui::screen::Cursor;
use crate::tui::text::{self, put};
use crate::tui::update::strip::{Button, buttons, focused};
use crate::tui::views::{attached, errors, logs, mcp, processes, scripts, settings, sheet, urls, web};
use crate::tui::widgets;

/// Draws everything and answers where the terminal's cursor belongs.
pub(crate) fn draw(model: &Model, buffer: &mut Buffer) -> Cursor {
    let cursor = draw_all(model, buffer);
    if let Some(ground) = model.theme.ground {
        buffer.content.iter_mut().filter(|cell| cell.bg == Color::Reset).for_each(|cell| cell.bg = ground);
    }
    cursor
}

fn draw_all(model: &Model, buffer: &mut Buffer) -> Cursor {
    let areas = layout(model);
    buffer.set_style(areas.screen, model.theme.text);
    if areas.class == Class::TooSmall {
        too_small(model, areas.screen, buffer);
        return None;
    }
    let full = model.attached.as_ref().filter(|_| areas.terminal == areas.body);
    if full.is_none() {
        header(model, &areas, buffer);
        draw_tabs(model, &areas, buffer);
    }
    let mut cursor = match model.view {
        _ if full.is_some() => None,
        View::Urls if areas.zoomed => {
            urls::draw_code(model, &areas, buffer);
            None
        }
        View::Scripts | View::Processes | View::Errors | View::Web | View::Mcp if areas.zoomed => None,
        View::Scripts => scripts::draw(model, &areas, buffer),
        View::Processes => processes::draw(model, &areas, buffer),
        View::Logs => logs::draw(model, &areas, buffer),
        View::Errors => errors::draw(model, &areas, buffer),
        View::Settings => settings::draw(model, &areas, buffer),
        View::Urls => urls::draw(model, &areas, buffer),
        View::Web => web::draw(model, &areas, buffer),
        View::Mcp => mcp::draw(model, &areas, buffer),
    };
    if full.is_none() {
        sheet::draw(model, &areas, buffer);
        status(model, &areas, buffer);
    }
    if let Some(attached) = &model.attached {
        cursor = attached::draw(model, attached, &areas, buffer);
    }
    draw_footer(model, &areas, buffer);
    widgets::toast::draw(model, &areas, buffer);
    if let Some(over) = overlay(model, &areas, buffer) {
        cursor = Some(over);
    }
    if model.theme.glyphs.is_ascii() {
        plain_signs(model, &areas, buffer);
    }
    no_half_letters(buffer);
    cursor.filter(|(x, y, _)| *x < areas.screen.width && *y < areas.screen.height)
}

/// A wide letter whose second half something lies over is not drawn: it would hide that, and leave a hole when it goes.
fn no_half_letters(buffer: &mut Buffer) {
    let Rect { width, height, .. } = buffer.area;
    for at in (0..usize::from(width) * usize::from(height)).filter(|at| (at + 1) % usize::from(width) > 0) {
        let symbol = buffer.content[at].symbol();
        if symbol.len() > 1 && text::width(symbol) > 1 && buffer.content[at + 1].symbol() != " " {
            buffer.content[at].set_symbol(" ");
        }
    }
}

/// Where only ASCII may be drawn, the signs in the program's own texts are others; what children wrote is left as it is.
fn plain_signs(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let begin = areas.lines.x + gutter(model, areas.class).width;
    let ours = model.overlay.is_some() || (model.attached.is_none() && crate::tui::empty::of(model).is_some());
    let of_children = |at: Position| {
        (areas.lines.contains(at) && at.x >= begin) || areas.output.contains(at) || areas.terminal.contains(at)
    };
    for at in areas.screen.positions().filter(|at| ours || !of_children(*at)) {
        let sign = match buffer[at].symbol() {
            "…" => "~",
            "·" => "-",
            "‹" => "<",
            "›" => ">",
            _ => continue,
        };
        buffer[at].set_symbol(sign);
    }
}

fn overlay(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    match model.overlay.as_ref()? {
        Overlay::Command(line) => widgets::command_line::draw(model, areas, line, buffer),
        Overlay::Find => widgets::find::cursor(model, areas),
        Overlay::Help { filter, offset } => widgets::help::draw(model, areas, filter, *offset, buffer),
        Overlay::Dialog(dialog) => widgets::dialog::draw(model, areas, dialog, buffer),
        Overlay::Messages { offset } => widgets::messages::draw(model, areas, *offset, buffer),
        Overlay::Record(record) => widgets::record::draw(model, areas, record, buffer),
        Overlay::Tour(tour) => widgets::tour::draw(model, areas, tour, buffer),
        Overlay::Environment(popup) => widgets::env::draw(model, areas, popup, buffer),
        Overlay::Qr(card) => widgets::qr::draw(model, areas, card, buffer),
        Overlay::Choose { items, cursor } => widgets::choose::draw(model, areas, items, *cursor, buffer),
    }
}

fn too_small(model: &Model, screen: Rect, buffer: &mut Buffer) {
    let (running, starting, failed) = model.counts();
    let size = format!("terminal is {}x{}", screen.width, screen.height);
    put(buffer, 0, 0, screen.width, &size, model.theme.warn);
    put(buffer, 0, 1, screen.width, "brummer needs 40x10", model.theme.warn);
    let counts = format!("{} running · {failed} failed", running + starting);
    put(buffer, 0, 2, screen.width, &counts, model.theme.text);
    if let Some(Overlay::Dialog(dialog)) = &model.overlay {
        let question = format!("{} y/n", text::safe(&dialog.title));
        put(buffer, 0, 3, screen.width, &question, model.theme.cursor);
    } else if let Some(key) = model.keymap.keys(crate::tui::keymap::Action::Quit).first() {
        put(buffer, 0, 3, screen.width, &format!("{key} quit"), model.theme.muted);
    }
}

fn header(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.header;
    if area.height == 0 {
        return;
    }
    let theme = &model.theme;
    let (running, starting, failed) = model.counts();
    let wide = areas.class == Class::Wide;
    let gap = if wide { "  " } else { " " };
    let mut right: Vec<(String, Style)> = Vec::new();
    if wide {
        right.push((format!("{} proc  ", model.processes.current().count()), theme.text));
    }
    right.push((format!("{} {running}{gap}", theme.glyphs.running()), theme.ok));
    if starting > 0 {
        right.push((format!("{} {starting}{gap}", theme.glyphs.busy()), theme.warn));
    }
    if failed > 0 {
        right.push((format!("{} {failed}{gap}", theme.glyphs.failed()), theme.error));
    }
    if let Some((cpu, memory)) = usage(model).filter(|_| areas.class >= Class::Medium) {
        let label = if wide {
            format!(" cpu {cpu:.0}%  mem {}   ", clock::bytes(memory))
        } else {
            format!("{cpu:.0}% {}  ", clock::bytes(memory))
        };
        right.push((label, theme.text));
    }
    if let Some(port) = model.mcp.port().filter(|_| wide) {
        right.push((format!("mcp :{port}{gap}"), theme.accent));
    }
    if let Some(port) = model.urls.proxy.port.filter(|_| areas.class >= Class::Medium) {
        right.push((format!("proxy :{port}{gap}"), theme.accent));
    }
    let problems = model.panel().iter().filter(|message| message.level >= crate::event::Level::Error).count();
    if problems > 0 && areas.class > Class::Tiny {
        right.push((format!("{}{problems}{gap}", theme.glyphs.bullet()), theme.error));
    }
    if areas.class > Class::Tiny {
        right.push((model.clock.minutes(model.now), theme.muted));
    }
    let width: usize = right.iter().map(|(part, _)| text::width(part)).sum();
    let mut x = area.right().saturating_sub(width as u16 + u16::from(wide));
    let end = x;
    for (part, style) in right {
        x = put(buffer, x, area.y, area.right().saturating_sub(x), &part, style);
    }
    if areas.class > Class::Tiny {
        let bold = theme.accent.add_modifier(Modifier::BOLD);
        let x = put(buffer, area.x, area.y, end, " brummer  ", bold);
        let room = usize::from(end.saturating_sub(x + 1));
        put(
            buffer,
            x,
            area.y,
            room as u16,
            &text::cut_middle(&model.folder(&model.project.dir.to_string_lossy()), room),
            theme.muted,
        );
    }
}

/// What all that runs uses.
fn usage(model: &Model) -> Option<(f32, u64)> {
    let all = model.processes.rows.iter().filter(|row| !row.status.is_ended()).filter_map(|row| row.usage);
    all.fold(None, |sum: Option<(f32, u64)>, usage| {
        let (cpu, memory) = sum.unwrap_or_default();
        Some((cpu + usage.cpu_percent, memory + usage.rss_bytes))
    })
}

/// Where the tabs are; where not all have room, only the one in front and the one that has the focus.
pub(crate) fn tabs(model: &Model, areas: &Areas) -> Vec<(View, Rect)> {
    let alone = areas.class <= Class::Narrow;
    let mut x = areas.tabs.x + if areas.class == Class::Narrow { 2 } else { 0 };
    let gap = if areas.class == Class::Wide { 1 } else { 0 };
    let all = View::ALL.into_iter().filter(|view| !alone || *view == model.tab.unwrap_or(model.view));
    all.filter(|_| areas.tabs.height > 0)
        .map(|view| {
            let width = (text::width(&label(view, areas.class)) + text::width(&badge(model, view))) as u16 + 2;
            let rect = Rect::new(x, areas.tabs.y, width, 1);
            x += width + gap;
            (view, rect.intersection(areas.screen))
        })
        .collect()
}

fn label(view: View, class: Class) -> String {
    let title = if class == Class::Medium { view.short_title() } else { view.title() };
    format!("{} {title}", view.number())
}

/// How much of a view the person has not seen.
fn badge(model: &Model, view: View) -> String {
    match view {
        View::Errors => match model.errors.unseen() {
            0 => String::new(),
            unseen => format!("{}{}", model.theme.glyphs.bullet(), unseen.min(999)),
        },
        _ => String::new(),
    }
}

fn draw_tabs(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let theme = &model.theme;
    for (view, rect) in tabs(model, areas) {
        let active = view == model.view;
        let (left, right) = if active { (theme.glyphs.tab_left(), theme.glyphs.tab_right()) } else { (" ", " ") };
        let focused = model.tab == Some(view);
        let style = match (active, focused) {
            (_, true) => theme.cursor,
            (true, _) => theme.accent.add_modifier(Modifier::BOLD),
            _ => theme.text,
        };
        let title = format!("{left}{}", label(view, areas.class));
        let x = put(buffer, rect.x, rect.y, rect.width, &title, style);
        let news = if focused { style } else { theme.error };
        let x = put(buffer, x, rect.y, rect.right().saturating_sub(x), &badge(model, view), news);
        put(buffer, x, rect.y, rect.right().saturating_sub(x), right, style);
    }
    if let Some((view, rect)) = tabs(model, areas).first().filter(|_| areas.class <= Class::Narrow) {
        let beyond = View::ALL.into_iter().filter(|other| other != view);
        let news: String = beyond.map(|other| badge(model, other)).collect();
        arrows(model, areas, *rect, &news, buffer);
    }
}

/// Says that there are other tabs, and what is new in them.
fn arrows(model: &Model, areas: &Areas, tab: Rect, news: &str, buffer: &mut Buffer) {
    let theme = &model.theme;
    let (mut x, y) = (tab.right() + 1, tab.y);
    if areas.class == Class::Tiny {
        x = put(buffer, x, y, 1, theme.glyphs.left(), theme.muted);
    } else {
        put(buffer, areas.tabs.x, y, 1, theme.glyphs.left(), theme.muted);
    }
    x = put(buffer, x, y, 1, theme.glyphs.right(), theme.muted);
    put(buffer, x + 1, y, areas.tabs.right().saturating_sub(x + 1), news, theme.error);
}

fn status(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    if areas.status.height == 0 {
        return;
    }
    let finding = matches!(model.overlay, Some(Overlay::Find)) || crate::tui::layout::has_find(model);
    let left_end = match told(model, areas).filter(|_| !finding) {
        None if finding => widgets::find::draw(model, areas, buffer),
        None => areas.status.x,
        Some(line) => {
            let x = put(buffer, areas.status.x + 1, areas.status.y, areas.status.width, &line, model.theme.accent) + 1;
            if !says_how_it_stands(model) {
                return;
            }
            x
        }
    };
    match model.view {
        View::Scripts if !finding => scripts::status(model, areas, buffer),
        View::Processes if !finding => processes::status(model, areas, buffer),
        View::Settings if !finding => settings::status(model, areas, buffer),
        View::Errors if !finding => errors::status(model, areas, buffer),
        View::Urls if !finding => urls::status(model, areas, buffer),
        View::Logs => logs::status(model, areas, left_end, buffer),
        View::Web => web::status(model, areas, left_end, buffer),
        View::Mcp => mcp::status(model, areas, left_end, buffer),
        _ => {}
    }
}

/// Whether the status says at its right whether the list goes on.
fn says_how_it_stands(model: &Model) -> bool {
    matches!(model.view, View::Logs | View::Web | View::Mcp)
}

/// What a view that is new tells of itself: at the left of the status, where it moves and hides nothing of the view.
fn told(model: &Model, areas: &Areas) -> Option<String> {
    let kept = match model.view {
        View::Logs if areas.class == Class::Wide => 40,
        View::Logs => 28,
        View::Web => 36,
        View::Mcp => 20,
        _ => 2,
    };
    let line = crate::tui::tour::told(model, areas.status.width.saturating_sub(kept).into())?;
    Some(line).filter(|line| !line.is_empty() && model.settings.changed.is_empty())
}

fn draw_footer(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let mut x = areas.footer.x;
    for hint in footer::shown(model, areas).into_iter().filter(|_| areas.footer.height > 0) {
        x = put(
            buffer,
            x,
            areas.footer.y,
            areas.footer.right().saturating_sub(x),
            &hint.keys_text(model.theme.glyphs),
            model.theme.accent,
        );
        let text = format!(" {}  ", hint.text);
        x = put(buffer, x, areas.footer.y, areas.footer.right().saturating_sub(x), &text, model.theme.muted);
    }
}

/// Where the buttons of the action strip are.
pub(crate) fn strip_spots(model: &Model, areas: &Areas) -> Vec<(Button, Rect)> {
    let area = areas.strip;
    let mut x = area.x;
    if model.view == View::Processes
        && let Some(row) = model.processes.selected()
    {
        x += text::width(&row.name).min(14) as u16 + 4;
    }
    let here = focused(model).unwrap_or(0);
    let buttons = buttons(model);
    let width = |at: usize, button: Button| text::width(&button.label(model)) as u16 + 2 + u16::from(at == here);
    // Where not all have room, the first ones give way to the one with the focus.
    let until = |first: usize| {
        buttons.iter().enumerate().take(here + 1).skip(first).map(|(at, button)| width(at, *button) + 1).sum::<u16>()
    };
    let first = (0..here).find(|first| x + until(*first) <= area.right() + 1).unwrap_or(here);
    let mut spots = Vec::new();
    for (at, button) in buttons.iter().copied().enumerate().skip(first).filter(|_| area.height > 0) {
        let width = width(at, button);
        if x + width > area.right() {
            break;
        }
        spots.push((button, Rect::new(x, area.y, width, 1)));
        x += width + 1;
    }
    spots
}

/// Draws the buttons of the action strip.
pub(super) fn draw_strip(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let here = focused(model);
    let all = buttons(model);
    for (button, rect) in strip_spots(model, areas) {
        let at = all.iter().position(|other| *other == button).unwrap_or(0);
        let first = at == here.unwrap_or(0);
        let sign = if first { model.theme.glyphs.here() } else { "" };
        let style = if here == Some(at) { model.theme.cursor } else { model.theme.text };
        put(buffer, rect.x, rect.y, rect.width, &format!("[{sign}{}]", button.label(model)), style);
    }
}

/// A line across, with a title in it.
pub(super) fn rule(model: &Model, area: Rect, title: &str, buffer: &mut Buffer) {
    let line = model.theme.glyphs.line();
    for x in area.left()..area.right() {
        put(buffer, x, area.y, 1, line, model.theme.rule);
    }
    if !title.is_empty() {
        let title = if model.theme.glyphs.is_ascii() { title.replace('·', "-") } else { title.to_owned() };
        put(buffer, area.x + 2, area.y, area.width.saturating_sub(4), &format!(" {title} "), model.theme.muted);
    }
}

/// Lays the style of the cursor over a row; its sign stands in the first column.
pub(super) fn cursor_row(model: &Model, area: Rect, y: u16, buffer: &mut Buffer) {
    let row = Rect { y, height: 1, ..area }.intersection(buffer.area);
    buffer.set_style(row, model.theme.cursor);
    put(buffer, area.x, y, 1, model.theme.glyphs.cursor(), Style::new());
}
