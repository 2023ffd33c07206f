//! What can be run, by package; at the right, the selected one.
//!
//! ```text
//!  ▾ shop (root)  pnpm                                              │ apps/web › dev
//!    dev           turbo run dev               ● running 12m        │ ────────────────────────────────
//!    build         turbo run build             ✓ ok 3m ago          │ [▸Run]  [Run with args…]  [Copy]
//!  ▾ apps/web                                                       │ command   next dev -p 3000
//! ▌  dev           next dev -p 3000            ● running 12m        │ cwd       apps/web
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::view::{ProcessRow, ScriptRow};
use crate::event::{Exit, Status};
use crate::tui::clock;
use crate::tui::layout::{Areas, Class};
use crate::tui::model::{Item, Model};
use crate::tui::screen::Cursor;
use crate::tui::sheet::Line;
use crate::tui::text::{cut, cut_middle, fit, put, safe, width};
use crate::tui::views::empty;
use crate::tui::views::screen::{cursor_row, draw_strip, rule};

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let items = model.scripts.items();
    if items.is_empty() {
        return empty::draw(model, areas, buffer);
    }
    let cursor = draw_list(model, areas.list, &items, buffer);
    if areas.class == Class::Wide {
        for y in areas.body.top()..areas.body.bottom() {
            put(buffer, areas.detail.x - 2, y, 1, model.theme.glyphs.bar(), model.theme.rule);
        }
    }
    if areas.detail.height > 0 && model.scripts.selected().is_some() {
        draw_detail(model, areas, buffer);
    }
    cursor
}

fn draw_list(model: &Model, area: Rect, items: &[Item<'_>], buffer: &mut Buffer) -> Cursor {
    let longest = model.scripts.rows.iter().map(|row| width(&row.name)).max().unwrap_or(0);
    // Where a command could not be read the name has its cells as well.
    let room = usize::from(area.width - state_width(area)).saturating_sub(5);
    let name_width = match longest.clamp(8, 20) {
        name if room < name + COMMAND_MIN => room,
        name => name,
    };
    let position = model.scripts.position();
    let mut cursor = None;
    for (line, (at, item)) in items.iter().enumerate().skip(model.scripts.offset).take(area.height.into()).enumerate() {
        let y = area.y + line as u16;
        match item {
            Item::Heading(row) => heading(model, area, y, row, buffer),
            Item::Script(row) => script(model, area, y, row, name_width, buffer),
        }
        if at == position {
            if model.tab.is_none() {
                cursor_row(model, area, y, buffer);
            }
            cursor = Some((area.x, y, false));
        }
    }
    cursor
}

/// Cells below which a command has no column.
const COMMAND_MIN: usize = 8;

/// Of how a script stands.
fn state_width(area: Rect) -> u16 {
    17.min(area.width / 3)
}

fn heading(model: &Model, area: Rect, y: u16, row: &ScriptRow, buffer: &mut Buffer) {
    let text = format!(" {} {}", model.theme.glyphs.open(), safe(&row.package));
    let x = put(buffer, area.x, y, area.width, &text, model.theme.text.add_modifier(Modifier::BOLD));
    put(buffer, x + 2, y, area.right().saturating_sub(x + 2), &row.runner, model.theme.muted);
}

fn script(model: &Model, area: Rect, y: u16, row: &ScriptRow, name_width: usize, buffer: &mut Buffer) {
    let (sign, word, style) = state(model, row);
    let state_width = state_width(area);
    let state_x = area.right().saturating_sub(state_width);
    let name_style = if row.runnable.is_ok() { model.theme.text } else { model.theme.muted };
    let room = area.width.saturating_sub(4);
    let x = put(buffer, area.x + 3, y, room, &fit(&safe(&row.name), name_width), name_style);
    let room = state_x.saturating_sub(x + 3);
    put(buffer, x + 2, y, room, &fit(&safe(&row.command), room.into()), model.theme.muted);
    put(buffer, state_x, y, state_width, &format!("{sign} {word}"), style);
}

fn process<'a>(model: &'a Model, row: &ScriptRow) -> Option<&'a ProcessRow> {
    row.process.and_then(|id| model.processes.get(id))
}

/// The sign, the words and the style of how a script stands.
fn state(model: &Model, row: &ScriptRow) -> (&'static str, String, Style) {
    if row.runnable.is_err() {
        return (model.theme.glyphs.dash(), "cannot run".into(), model.theme.muted);
    }
    let Some(process) = process(model, row) else { return (" ", "never".into(), model.theme.muted) };
    let (sign, style) = model.theme.status(process.status, process.stopping);
    let ago = clock::short(model.now.saturating_sub(process.ended_ms.unwrap_or(process.started_ms)));
    let word = match process.status {
        _ if process.stopping => "stopping".into(),
        Status::Pending => "starting".into(),
        Status::Running => format!("running {ago}"),
        Status::Success => format!("ok {ago} ago"),
        Status::Stopped => format!("stopped {ago}"),
        Status::Failed => match process.exit {
            Some(Exit::Code(code)) => format!("exit {code}  {ago}"),
            Some(Exit::Signal(signal)) => format!("signal {signal}  {ago}"),
            _ => "not started".into(),
        },
    };
    (sign, word, style)
}

fn draw_detail(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.detail;
    let title = title(model).unwrap_or_default();
    let title = cut(&title, area.width.into());
    put(buffer, area.x, area.y, area.width, &title, model.theme.text.add_modifier(Modifier::BOLD));
    rule(model, Rect { y: area.y + 1, height: 1, ..area }, "", buffer);
    draw_strip(model, areas, buffer);
}

/// The selected script with its package.
pub(super) fn title(model: &Model) -> Option<String> {
    let row = model.scripts.selected()?;
    Some(format!("{} {} {}", safe(&row.package), model.theme.glyphs.right(), safe(&row.name)))
}

/// What is known of the selected script.
///
/// Each fact has a row of its own; a long one goes on in the rows that the others leave.
pub(super) fn facts(model: &Model, cells: usize, rows: usize) -> Option<Vec<Line>> {
    let row = model.scripts.selected()?;
    let (_, word, _) = state(model, row);
    let pid = process(model, row).and_then(|process| process.pid);
    let last = pid.map_or(word.clone(), |pid| format!("{word}, pid {pid}"));
    let runner = if row.runner.is_empty() { "direct" } else { &row.runner };
    let mut facts = vec![
        ("command", &*row.command),
        ("cwd", &*row.cwd),
        ("source", &*row.source),
        ("runs with", runner),
        ("last run", &*last),
    ];
    let env = row.env.join("  ");
    if !env.is_empty() {
        facts.push(("env", &env));
    }
    if let Err(why) = &row.runnable {
        facts.push(("cannot", why));
    }
    // Alone on the screen the title stands above, whole.
    if rows < usize::MAX && title(model).is_some_and(|title| width(&title) > cells) {
        facts.insert(0, ("name", &row.name));
    }
    let mut left = rows.saturating_sub(facts.len());
    let line = |(at, (name, value)): (usize, (&str, &str))| {
        let name = format!("{name:10}");
        let room = cells.saturating_sub(width(&name)).max(1);
        let more = (width(&safe(value)).div_ceil(room).max(1) - 1).min(left);
        left -= more;
        fact(model, at, &name, value, width(&name) + room * (1 + more), rows == usize::MAX).wrapped()
    };
    Some(facts.into_iter().enumerate().map(line).collect())
}

/// A fact with its name; cut in the middle where it has no room, unless it goes on below.
pub(super) fn fact(model: &Model, at: usize, name: &str, value: &str, cells: usize, wraps: bool) -> Line {
    let room = if wraps { usize::MAX } else { cells.saturating_sub(width(name)) };
    let line = Line::new(at, cut_middle(&safe(value), room).into_owned(), model.theme.text);
    line.behind(name, model.theme.muted).stored_as(value)
}

pub(super) fn status(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let rows = &model.scripts.rows;
    let packages = rows.iter().map(|row| &row.package).collect::<std::collections::BTreeSet<_>>().len();
    let plural = |n: usize, one: &str| if n == 1 { format!("{n} {one}") } else { format!("{n} {one}s") };
    let mut text = format!(" {} in {}", plural(rows.len(), "script"), plural(packages, "package"));
    text.push_str(&format!("   running: {}", model.counts().0));
    if !model.project.runner.is_empty() {
        text.push_str(&format!("   manager: {}", model.project.runner));
    }
    if model.scripts.only_runnable {
        text.push_str("   only runnable");
    }
    put(buffer, areas.status.x, areas.status.y, areas.status.width, &text, model.theme.muted);
}
