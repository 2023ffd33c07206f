//! What AI tools have called for, and the Brummers that run; below, the selected one of them.
//!
//! ```text
//!  [Activity]  Instances   client: [all]   Copy address  Copy settings  Install…   http://127.0.0.1:7777/mcp
//!  clients  ● claude-code 1.0.12  38 calls  last 14:02:30    ● cursor 0.42  9 calls  last 14:02:21
//!  TIME         CLIENT        TOOL                 TARGET       TIME TAKEN  RESULT
//! ▌14:02:30.020 claude-code   logs_search          api                14ms  ✓ 3 matches
//!  14:02:20.114 cursor        proxy_requests       api                 9ms  ✗ invalid filter
//! ─ #46 logs_search · claude-code · 14:02:30 ──────────────────────────────────────────────
//! [▸Arguments] [Answer] [Copy] [Copy as curl] [Logs of api]
//!
//!  → {"pattern":"checkout","processId":"api","limit":20}
//!
//!  ← 3 matches
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::view::{McpCall, McpInstance};
use crate::tui::clock;
use crate::tui::json;
use crate::tui::layout::{Areas, Class};
use crate::tui::mcp::{McpPage, target};
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::sheet::{Line, lay_out};
use crate::tui::text::{clean, cut, put, safe, width};
use crate::tui::views::errors::Ink;
use crate::tui::views::screen::{draw_strip, rule};
use crate::tui::views::table::{self, Column, table};
use crate::tui::views::web::millis;
use crate::tui::views::{chips, empty};

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    let chip = chips::draw(model, areas, buffer);
    clients(model, areas.clients, buffer);
    let mcp = &model.mcp;
    if mcp.len() == 0 {
        return chip.or(empty::draw(model, areas, buffer));
    }
    let offset = mcp.offsets[mcp.page as usize];
    match mcp.page {
        McpPage::Activity => {
            let (calls, columns) = (mcp.calls(), call_columns(areas.class));
            let rows = calls.iter().skip(offset).copied();
            table(model, areas, (areas.list, columns), rows, |call, head| call_cell(model, areas, call, head), buffer);
        }
        McpPage::Instances => {
            let (instances, columns) = (mcp.instances(), instance_columns(areas.class));
            let rows = instances.iter().skip(offset).copied();
            table(model, areas, (areas.list, columns), rows, |one, head| instance_cell(model, one, head), buffer);
        }
    }
    let mut cursor = table::cursor(model, areas.list, mcp.position().checked_sub(offset), buffer);
    if areas.detail.height > 0 {
        detail(model, areas, buffer);
        cursor = cursor.or(Some((areas.strip.x, areas.strip.y, false)));
    }
    chip.or(cursor)
}

/// Who has called, the one that called last first; what has no room is counted.
fn clients(model: &Model, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let (theme, all) = (&model.theme, &model.mcp.row.clients);
    let mut x = put(buffer, area.x + 1, area.y, area.width, "clients  ", theme.muted);
    for (at, client) in all.iter().enumerate() {
        let (sign, ink) = match () {
            () if model.mcp.is_busy(client) => (theme.glyphs.busy(), theme.warn),
            () if model.mcp.is_here(client, model.now) => (theme.glyphs.running(), theme.ok),
            () => (theme.glyphs.stopped(), theme.muted),
        };
        let name = name_of(&client.name);
        let version = safe(&client.version);
        let calls = if client.calls == 1 { "call" } else { "calls" };
        let last = model.clock.clock(client.last_ms);
        let rest = format!("  {} {calls}  last {last}    ", clock::count(client.calls));
        let label = format!("{} {}", cut(&name, 24), cut(&version, 12));
        let needed = width(label.trim_end()) + width(rest.trim_end()) + 2;
        let more = format!("+{}", all.len() - at);
        let kept = if at + 1 == all.len() { 0 } else { width(&more) + 1 };
        if usize::from(x) + needed + kept > usize::from(area.right()) {
            put(buffer, x, area.y, area.right().saturating_sub(x), &more, theme.muted);
            return;
        }
        x = put(buffer, x, area.y, 2, &format!("{sign} "), ink);
        let chosen = model.mcp.client.as_ref() == Some(&client.name);
        let style = if chosen { theme.accent.add_modifier(Modifier::BOLD) } else { theme.text };
        x = put(buffer, x, area.y, area.right().saturating_sub(x), label.trim_end(), style);
        x = put(buffer, x, area.y, area.right().saturating_sub(x), &rest, theme.muted);
    }
}

/// A client's name; some give none.
fn name_of(name: &str) -> String {
    if name.is_empty() { "(no name)".into() } else { safe(name).into_owned() }
}

fn call_columns(class: Class) -> &'static [Column] {
    match class {
        Class::Wide => &[
            ("TIME", 12, false),
            ("CLIENT", 14, false),
            ("TOOL", 22, false),
            ("TARGET", 18, false),
            ("TOOK", 7, true),
            ("RESULT", 0, false),
        ],
        Class::Medium => &[
            ("TIME", 8, false),
            ("CLIENT", 11, false),
            ("TOOL", 18, false),
            ("TARGET", 10, false),
            ("TOOK", 6, true),
            ("RESULT", 0, false),
        ],
        Class::Narrow => &[("TIME", 8, false), ("TOOL", 18, false), ("TOOK", 6, true), ("RESULT", 0, false)],
        _ => &[("TOOL", 0, false), ("TOOK", 6, true), ("RESULT", 12, false)],
    }
}

fn call_cell(model: &Model, areas: &Areas, call: &McpCall, head: &str) -> (String, Style) {
    let (theme, glyphs) = (&model.theme, model.theme.glyphs);
    match head {
        "TIME" if areas.class == Class::Wide => (model.clock.millis(call.time_ms), theme.muted),
        "TIME" => (model.clock.clock(call.time_ms), theme.muted),
        "CLIENT" => (name_of(&call.client), theme.process(&call.client)),
        "TOOL" => (safe(&call.name).into_owned(), theme.text),
        "TARGET" => match target(call, &model.processes.rows) {
            Some(target) => (safe(&target).into_owned(), theme.text),
            None => (glyphs.dash().into(), theme.muted),
        },
        "TOOK" => match &call.end {
            Some(end) => (millis(end.took_ms), theme.text),
            None => (glyphs.more().into(), theme.accent),
        },
        _ => match &call.end {
            None => (format!("{} goes on", glyphs.busy()), theme.accent),
            Some(end) => {
                let (sign, style) =
                    if end.is_good { (glyphs.done(), theme.text) } else { (glyphs.failed(), theme.error) };
                (format!("{sign} {}", safe(end.text.lines().next().unwrap_or_default())), style)
            }
        },
    }
}

fn instance_columns(class: Class) -> &'static [Column] {
    match class {
        Class::Wide => &[
            ("STATE", 12, false),
            ("PROJECT", 18, false),
            ("FOLDER", 0, false),
            ("PORT", 5, true),
            ("PID", 7, true),
            ("UPTIME", 7, true),
            ("VERSION", 9, false),
            ("SEEN", 8, false),
        ],
        Class::Medium => &[
            ("STATE", 12, false),
            ("PROJECT", 14, false),
            ("FOLDER", 0, false),
            ("PORT", 5, true),
            ("PID", 7, true),
            ("UPTIME", 6, true),
        ],
        Class::Narrow => &[("STATE", 12, false), ("PROJECT", 14, false), ("FOLDER", 0, false), ("PORT", 5, true)],
        _ => &[("STATE", 10, false), ("PROJECT", 0, false), ("PORT", 5, true)],
    }
}

/// Three heartbeats were left out.
const SILENT_MILLIS: u64 = 95_000;

fn instance_cell(model: &Model, one: &McpInstance, head: &str) -> (String, Style) {
    let (theme, glyphs) = (&model.theme, model.theme.glyphs);
    match head {
        "STATE" => match model.now.saturating_sub(one.seen_ms) {
            _ if one.is_own => (format!("{} this one", glyphs.running()), theme.ok),
            silent if silent >= SILENT_MILLIS => {
                (format!("{} silent {}", glyphs.busy(), clock::short(silent)), theme.warn)
            }
            _ => (format!("{} running", glyphs.running()), theme.ok),
        },
        "PROJECT" => (safe(&one.name).into_owned(), theme.text),
        "FOLDER" => (model.folder(&one.directory), theme.muted),
        "PORT" => (one.port.to_string(), theme.accent),
        "PID" => (one.pid.to_string(), theme.text),
        "UPTIME" => (clock::short(model.now.saturating_sub(one.started_ms)), theme.text),
        "VERSION" if one.version.is_empty() => (glyphs.dash().into(), theme.muted),
        "VERSION" => (safe(&one.version).into_owned(), theme.text),
        _ => (model.clock.clock(one.seen_ms), theme.muted),
    }
}

fn detail(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.detail;
    let room = usize::from(area.width).saturating_sub(6);
    rule(model, Rect { height: 1, ..area }, &cut(&title(model).unwrap_or_default(), room), buffer);
    draw_strip(model, areas, buffer);
}

/// What is selected, in a line.
pub(super) fn title(model: &Model) -> Option<String> {
    let mcp = &model.mcp;
    match mcp.page {
        McpPage::Activity => mcp.selected().map(|call| {
            let when = model.clock.clock(call.time_ms);
            format!("#{} {} · {} · {when}", call.number, safe(&call.name), name_of(&call.client))
        }),
        McpPage::Instances => mcp.selected_instance().map(|one| safe(&one.id).into_owned()),
    }
}

/// What stands below the strip: what was given and what was answered, or where an instance is; and the number of the line
/// where the answer begins.
pub(super) fn lines(model: &Model, cells: usize) -> (Vec<Line>, u64) {
    let mut lines = Vec::new();
    let (glyphs, theme) = (model.theme.glyphs, &model.theme);
    if let Some(one) = model.mcp.selected_instance() {
        let pairs = [
            ("folder", model.folder(&one.directory)),
            ("address", safe(&one.url).into_owned()),
            ("process", format!("{}, since {}", one.pid, model.clock.clock(one.started_ms))),
            ("version", safe(&one.version).into_owned()),
        ];
        for (at, (name, value)) in pairs.into_iter().enumerate() {
            lines.push(Line::new(at, value, theme.text).behind(format!("{name:9}"), theme.text));
        }
    }
    let Some(call) = model.mcp.selected() else { return (lines, 0) };
    let given = given(call, cells.saturating_sub(2));
    paragraph(&mut lines, glyphs.given(), &given, Ink::Text.style(model));
    lines.push(Line::new(lines.len(), String::new(), theme.text));
    let answer = lines.len() as u64;
    match &call.end {
        None => {
            let since = format!("it waits for its answer since {}", model.clock.clock(call.time_ms));
            paragraph(&mut lines, glyphs.busy(), &since, Ink::Accent.style(model));
        }
        Some(end) => {
            let ink = if end.is_good { Ink::Text } else { Ink::Here };
            paragraph(&mut lines, glyphs.answered(), &end.text, ink.style(model));
        }
    }
    (lines, answer)
}

/// The row where the answer begins.
pub(crate) fn answer_row(model: &Model, cells: usize) -> usize {
    let (lines, answer) = lines(model, cells);
    lay_out(lines, cells, false).partition_point(|row| row.line < answer)
}

/// The arguments: in one line where that has room, else a line each.
fn given(call: &McpCall, cells: usize) -> String {
    let text = call.arguments.trim();
    match json::lay_out(text).filter(|_| width(text) > cells) {
        _ if text.is_empty() => "nothing was given".into(),
        Some(lines) => lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n"),
        None => text.to_owned(),
    }
}

/// Lines behind a sign, wrapped and indented by it.
fn paragraph(lines: &mut Vec<Line>, sign: &str, text: &str, style: Style) {
    let mut sign = format!("{sign} ");
    for line in text.lines().chain(text.is_empty().then_some("")) {
        let shown = Line::new(lines.len(), clean(line.as_bytes()).text, style);
        lines.push(shown.behind(std::mem::replace(&mut sign, "  ".into()), style).stored_as(line).wrapped());
    }
}

pub(super) fn status(model: &Model, areas: &Areas, from: u16, buffer: &mut Buffer) {
    let (area, glyphs, mcp) = (areas.status, model.theme.glyphs, &model.mcp);
    let plural = |n: u64, one: &str| format!("{} {one}{}", clock::count(n), if n == 1 { "" } else { "s" });
    if from == area.x {
        let (calls, failed) = mcp.row.total;
        let median = mcp.median_ms().map_or(String::new(), |median| format!(" · p50 {}", millis(median)));
        let text = match mcp.page {
            McpPage::Activity => format!(" {} · {failed} failed{median}", plural(calls, "call")),
            McpPage::Instances => format!(" {}", plural(mcp.row.instances.len() as u64, "instance")),
        };
        put(buffer, area.x, area.y, area.width, &cut(&text, area.width.into()), model.theme.muted);
    }
    let (state, style) = match mcp.fresh() {
        _ if mcp.page == McpPage::Instances => return,
        _ if mcp.follows() => (format!("{} FOLLOW ", glyphs.running()), model.theme.ok),
        0 => (format!("{} PAUSED ", glyphs.paused()), model.theme.warn),
        fresh => (format!("{} PAUSED  {} new ", glyphs.paused(), clock::count(fresh as u64)), model.theme.warn),
    };
    let x = area.right().saturating_sub(width(&state) as u16);
    if x >= from.max(area.x + 30) {
        put(buffer, x, area.y, area.right().saturating_sub(x), &state, style);
    }
}
