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
use crate::tui::text::{clean_ansi, cut, cut_middle, put, safe, width};
use crate::tui::views::logs::draw_clean;
use crate::tui::views::screen::{draw_strip, rule};
use crate::tui::views::spark::spark;

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
    let y = if areas.class >= Class::Medium { detail.y } else { detail.y + 2 };
    if detail.height > 0 {
        let facts = facts(row);
        put(buffer, detail.x, y, detail.width, &cut_middle(&facts, detail.width.into()), model.theme.muted);
        draw_trends(model, Rect { y: y + 1, height: 1, ..detail }, row, buffer);
    }
    if areas.children.height > 1 {
        draw_children(model, areas.children, row, buffer);
    }
    if areas.output.height > 1 {
        output(model, areas.output, row, buffer);
    }
}

fn facts(row: &ProcessRow) -> String {
    let terminal = if row.terminal { "   terminal" } else { "" };
    let children = match row.usage.map_or(0, |usage| usage.processes.saturating_sub(1)) {
        0 => String::new(),
        1 => " (1 child)".into(),
        number => format!(" ({number} children)"),
    };
    let pid = row.pid.map_or(String::new(), |pid| format!("   pid {pid}{children}"));
    format!(" command  {}   cwd {}{pid}{terminal}", safe(&row.command), safe(&row.cwd))
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
    let title = format!("{} · last output", safe(&row.name));
    rule(model, Rect { height: 1, ..area }, &title, buffer);
    let only = model.logs.all.only(&[row.id]);
    let rows = usize::from(area.height) - 1;
    let unfinished: Vec<_> = only.partials().take(rows).collect();
    let lines: Vec<_> = only.before(u64::MAX).take(rows - unfinished.len()).collect();
    for (at, line) in lines.iter().rev().enumerate() {
        let y = area.y + 1 + at as u16;
        let x = put(buffer, area.x + 1, y, 12, &model.clock.millis(line.time_ms), model.theme.muted) + 1;
        let (_, style) = model.theme.level(line.level);
        draw_clean(
            model,
            &clean_line(line),
            0,
            Rect::new(x, y, area.right().saturating_sub(x), 1),
            style,
            None,
            buffer,
        );
    }
    for (at, partial) in unfinished.iter().enumerate() {
        let y = area.y + 1 + (lines.len() + at) as u16;
        let place = Rect { x: area.x + 14, y, width: area.width.saturating_sub(14), height: 1 };
        draw_clean(model, &clean_ansi(partial.state()), 0, place, model.theme.text, None, buffer);
    }
    if lines.is_empty() && unfinished.is_empty() {
        put(buffer, area.x + 1, area.y + 1, area.width.saturating_sub(1), "nothing written yet", model.theme.muted);
    }
}
