//! The selected process: what can be done with it, what it uses, the processes below it, and what it wrote last.
//!
//! ```text
//!  api:  [▸Logs]  [Stop]  [Restart]  [Terminal]  [Open URL]
//!  command  tsx watch src/index.ts   cwd apps/api   pid 48130 (3 children)   terminal
//!  cpu ▂▂▃▃▃▄▃▃▂▂ 8.1%, at most 22%   memory ▅▅▅▆▆▆▇▇▇█ 201M, at most 201M
//! ── api · 3 children ───────────────────────────────────────────────────────────────────────────────────
//!    48131    0.1%    40M  node node_modules/.bin/tsx watch src/index.ts
//!    48142    8.0%   150M    node --require preflight.cjs src/index.ts
//! ── api · last output ──────────────────────────────────────────────────────────────────────────────────
//!  14:02:29.118 GET /api/cart 200 in 12ms
//! ```

use std::collections::VecDeque;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::view::ProcessRow;
use crate::tui::clock;
use crate::tui::layout::{Areas, Class};
use crate::tui::logs::window::clean_line;
use crate::tui::model::Model;
use crate::tui::processes::OUTPUT_SIGN;
use crate::tui::sheet::Line;
use crate::tui::text::{clean_ansi, cut, cut_middle, put, safe, width};
use crate::tui::views::screen::{draw_strip, rule};
use crate::tui::views::spark::spark;

const LABEL: &str = " command  ";

/// The last minute of CPU.
pub(super) fn cpu_spark(model: &Model, row: &ProcessRow) -> String {
    model.processes.trends.get(&row.id).map_or(String::new(), |trend| bars(model, &trend.cpu, 10.0))
}

/// A minute of samples, three a bar; one as high as this is full.
fn bars(model: &Model, samples: &VecDeque<f32>, full: f32) -> String {
    spark(model, samples.iter().copied(), full, 3)
}

pub(super) fn draw_detail(model: &Model, areas: &Areas, row: &ProcessRow, buffer: &mut Buffer) {
    let (strip, detail) = (areas.strip, areas.detail);
    if strip.height > 0 {
        let name = format!("{}:", cut(&safe(&row.name), 14));
        put(buffer, strip.x + 1, strip.y, strip.width.saturating_sub(1), &name, model.theme.process(&row.name));
        draw_strip(model, areas, buffer);
    }
    let y = if areas.class >= Class::Medium { detail.y } else { detail.y + 1 };
    if detail.height > 0 {
        put(buffer, detail.x, y, detail.width, &facts(model, row, detail.width.into()), model.theme.muted);
        draw_trends(model, Rect { y: y + 1, height: 1, ..detail }, row, buffer);
    }
    if areas.children.height > 1 {
        draw_children(model, areas.children, row, buffer);
    }
    if areas.output.height > 1 {
        output(model, areas.output, row, buffer);
    }
}

/// Where not all has room whole parts are left out, and only the command is cut.
fn facts(model: &Model, row: &ProcessRow, cells: usize) -> String {
    let children = match row.pid.and(row.usage).map_or(0, |usage| usage.processes.saturating_sub(1)) {
        0 => String::new(),
        1 => " (1 child)".into(),
        number => format!(" ({number} children)"),
    };
    let pid = row.pid.map_or(String::new(), |pid| format!("   pid {pid}"));
    let cwd = format!("   cwd {}", model.folder(&row.cwd));
    let terminal = if row.terminal { "   terminal" } else { "" };
    let command = safe(&row.command);
    let room = cells.saturating_sub(width(LABEL));
    // A long command leaves the others half of the row.
    let left = room.saturating_sub(width(&command).min(room / 2));
    let tellings =
        [format!("{cwd}{pid}{children}{terminal}"), format!("{cwd}{pid}{children}"), format!("{pid}{children}"), pid];
    let rest = tellings.into_iter().find(|rest| width(rest) <= left).unwrap_or_default();
    format!("{LABEL}{}{rest}", cut_middle(&command, room.saturating_sub(width(&rest))))
}

/// CPU and memory of the last minute, as far as there is room; of one that has ended, of its last minute.
fn draw_trends(model: &Model, area: Rect, row: &ProcessRow, buffer: &mut Buffer) {
    let Some(trend) = model.processes.trends.get(&row.id).filter(|trend| !trend.cpu.is_empty()) else { return };
    let theme = &model.theme;
    let usage = row.usage.filter(|_| !row.status.is_ended());
    let most = |samples: &VecDeque<f32>| samples.iter().copied().fold(0.0, f32::max);
    let memory = |mebibytes: f32| clock::bytes((f64::from(mebibytes) * 1024.0 * 1024.0) as u64);
    let parts = [
        (" cpu ".to_string(), theme.muted),
        (bars(model, &trend.cpu, 10.0), theme.accent),
        (usage.map_or(String::new(), |usage| format!(" {:.1}%", usage.cpu_percent)), theme.text),
        (format!(" at most {:.0}%", most(&trend.cpu)), theme.muted),
        ("   memory ".to_string(), theme.muted),
        (bars(model, &trend.memory, 1.0), theme.accent),
        (usage.map_or(String::new(), |usage| format!(" {}", clock::bytes(usage.rss_bytes))), theme.text),
        (format!(" at most {}", memory(most(&trend.memory))), theme.muted),
    ];
    // Where not all has room, what it was at most is left out, then memory.
    let cells = |parts: &[&(String, _)]| parts.iter().map(|(text, _)| width(text)).sum::<usize>();
    let all: Vec<_> = parts.iter().collect();
    let now: Vec<_> = [0, 1, 2, 4, 5, 6].map(|at| &parts[at]).into();
    let fitting = [all, now].into_iter().find(|parts| cells(parts) <= area.width.into());
    let mut x = area.x;
    for (text, style) in fitting.unwrap_or_else(|| parts[..3].iter().collect()) {
        x = put(buffer, x, area.y, area.right().saturating_sub(x), text, *style);
    }
}

fn draw_children(model: &Model, area: Rect, row: &ProcessRow, buffer: &mut Buffer) {
    let count = row.usage.map_or(0, |usage| usage.processes.saturating_sub(1) as usize);
    let title = format!("{} · {count} {}", safe(&row.name), if count == 1 { "child" } else { "children" });
    rule(model, Rect { height: 1, ..area }, &title, buffer);
    let rows = usize::from(area.height) - 1;
    let listed = if count > rows { rows - 1 } else { rows };
    let room = usize::from(area.width);
    for (at, child) in row.children.iter().take(listed).enumerate() {
        let figures = format!("{:>8} {:>6.1}% {:>6}  ", child.pid, child.cpu_percent, clock::bytes(child.rss_bytes));
        let y = area.y + 1 + at as u16;
        let x = put(buffer, area.x, y, area.width, &figures, model.theme.text);
        let indent = 2 * (child.depth.saturating_sub(1) as usize).min(room / 8);
        let (x, left) = (x + indent as u16, room.saturating_sub(width(&figures) + indent));
        put(buffer, x, y, left as u16, &cut(&safe(&child.command), left), model.theme.muted);
    }
    if count > rows {
        let more = format!("{:>8}", format!("{} more", count - listed.min(row.children.len())));
        put(buffer, area.x, area.bottom() - 1, area.width, &more, model.theme.muted);
    }
}

fn output(model: &Model, area: Rect, row: &ProcessRow, buffer: &mut Buffer) {
    let which = if model.processes.held(row.id).is_some() { "earlier" } else { "last" };
    let title = format!("{} · {which} output", safe(&row.name));
    rule(model, Rect { height: 1, ..area }, &title, buffer);
    if output_lines(model, 1, false).is_none() {
        put(buffer, area.x + 1, area.y + 1, area.width.saturating_sub(1), "nothing written yet", model.theme.muted);
    }
}

/// More lines than this are not selected at a time.
const LINES_MAX: usize = 10_000;
/// The numbers of lines that are not finished begin here: below all others.
const UNFINISHED: u64 = 1 << 63;

/// What the selected process wrote, as many lines as there are rows, up to where it is held; and which of them are on the
/// screen. All of it: also what is selected of the lines above and below.
pub(super) fn output_lines(model: &Model, rows: usize, all: bool) -> Option<(Vec<Line>, (u64, u64))> {
    let id = model.processes.selected()?.id;
    let only = model.logs.all.only(&[id]);
    let held = model.processes.held(id);
    let unfinished: Vec<_> = only.partials().take(if held.is_none() { rows } else { 0 }).collect();
    let newest = only.before(held.map_or(u64::MAX, |seq| seq.saturating_add(1)));
    let (mut first, mut last) = (None, None);
    for line in newest.take(rows - unfinished.len()) {
        (first, last) = (Some(line.seq), last.or(Some(line.seq)));
    }
    let mut lines = Vec::new();
    if let (Some(first), Some(last)) = (first, last) {
        let marked = model.selection.as_ref().and_then(|selection| selection.marked).filter(|_| all);
        let (from, to) = marked.map_or((first, last), |marked| {
            (first.min(marked.from.seq).min(marked.to.seq), last.max(marked.from.seq).max(marked.to.seq))
        });
        lines.extend(only.after(from).take_while(|line| line.seq <= to).take(LINES_MAX).map(|line| {
            let time = format!(" {} ", model.clock.millis(line.time_ms));
            let (_, style) = model.theme.level(line.level);
            Line {
                number: line.seq,
                sign: (time, model.theme.muted),
                text: clean_line(&line),
                style,
                stored: Some(String::from_utf8_lossy(line.plain).into_owned()),
                wraps: false,
            }
        }));
    }
    for (at, partial) in unfinished.iter().enumerate() {
        let number = UNFINISHED + at as u64;
        let (sign, text) = ((" ".repeat(OUTPUT_SIGN), model.theme.muted), clean_ansi(partial.state()));
        lines.push(Line { number, sign, text, style: model.theme.text, ..Line::default() });
    }
    let last = if unfinished.is_empty() { last } else { Some(u64::MAX) };
    Some((lines, (first.unwrap_or(UNFINISHED), last?)))
}
