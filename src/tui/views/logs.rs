//! What was written, of all processes or of some, newest at the bottom.
//!
//! ```text
//!  show: all  level ≥ info  proc: web api  hide: /healthz   (1,204 hidden · \ toggles filters)
//!  ▌14:02:29.118 api      GET /api/cart 200 in 12ms
//! ▸▌14:02:29.403 api    E TypeError: Cannot read properties of undefined (reading 'total')
//! ── mark 1 · 14:02:27 · before clicking Pay ──────────────────────────────────────────────
//!                                                        ‖ 318 new lines, 2 errors  End ↓
//!  find: checkout▏  .* [Aa] W   3/17  highlight            ‖ PAUSED at 14:02:29   182,330 lines
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::event::Level;
use crate::logs::LineRef;
use crate::tui::clock;
use crate::tui::keymap::Action;
use crate::tui::layout::{Areas, Class, Gutter, gutter, pane};
use crate::tui::logs::TimeFormat;
use crate::tui::logs::filter::Pattern;
use crate::tui::logs::window::{Row, clean_line};
use crate::tui::model::Model;
use crate::tui::screen::Cursor;
use crate::tui::text::{self, Clean, fit, put, safe, width};
use crate::tui::theme::Depth;
use crate::tui::update::attached;
use crate::tui::views::empty;

pub(super) fn draw(model: &Model, areas: &Areas, buffer: &mut Buffer) -> Cursor {
    chips(model, areas, buffer);
    let window = model.logs.window(pane(model));
    if window.is_empty() {
        return empty::draw(model, areas, buffer);
    }
    let gutter = gutter(model, areas.class);
    let mut cursor = None;
    let mut above = None;
    for (at, row) in window.iter().enumerate() {
        let area = Rect { y: areas.lines.y + at as u16, height: 1, ..areas.lines };
        match row {
            Row::Line { seq, part, same } => {
                let Some(line) = model.logs.rows().get(*seq) else { continue };
                draw_line(model, area, &line, *part, *same, &gutter, above, buffer);
                above = Some(line.time_ms);
                if !model.logs.place.follow && model.logs.place.cursor == *seq && *part == 0 {
                    cursor = Some((area.x, area.y, false));
                }
            }
            Row::Partial(index) => partial(model, area, *index, &gutter, buffer),
            Row::Mark(index) => mark(model, area, *index, buffer),
            Row::Dropped(count) => {
                let more = model.theme.glyphs.more();
                let text = format!("{more} {} older lines dropped (the store is full)", clock::count(*count));
                put(buffer, area.x + 1, area.y, area.width, &text, model.theme.muted);
            }
        }
    }
    scrollbar(model, areas, &window, buffer);
    if let Some((text, rect)) = pill(model, areas) {
        put(buffer, rect.x, rect.y, rect.width, &text, model.theme.found_here);
    }
    cursor
}

fn chips(model: &Model, areas: &Areas, buffer: &mut Buffer) {
    let area = areas.chips;
    if area.height == 0 {
        return;
    }
    let logs = &model.logs;
    let theme = &model.theme;
    if !logs.has_filters() {
        put(buffer, area.x, area.y, area.width, " show: all", theme.muted);
        return;
    }
    let mut chips = Vec::new();
    if let Some(level) = logs.filter.level {
        chips.push(format!("level {} {}", theme.glyphs.at_least(), level.name()));
    }
    if let Some(scope) = &logs.scope {
        let names: Vec<&str> = scope.iter().map(|name| &**name).collect();
        let label = if logs.before_solo.is_some() { "only" } else { "proc" };
        chips.push(format!("{label}: {}", names.join(" ")));
    }
    let listed = |label: &str, patterns: &[Pattern]| {
        let words: Vec<&str> = patterns.iter().map(|pattern| pattern.source.as_str()).collect();
        (!words.is_empty()).then(|| format!("{label}: {}", words.join(", ")))
    };
    chips.extend(listed("show", &logs.filter.show));
    chips.extend(listed("hide", &logs.filter.hide));
    if !logs.filter.cleared.is_empty() {
        chips.push("cleared".into());
    }
    let key = model.keymap.keys(Action::Filters).first().map(|key| key.hint()).unwrap_or_default();
    let more = if logs.hits.as_ref().is_some_and(|hits| hits.scanning) { "+" } else { "" };
    let tail = if logs.filters_off {
        format!("   (filters off · {key} on)")
    } else {
        format!("   ({}{more} hidden · {key} off)", clock::count(logs.hidden()))
    };
    let style = if logs.filters_off { theme.muted } else { theme.accent };
    let room = usize::from(area.width).saturating_sub(width(&tail) + 1);
    let text = format!(" {}", chips.join("  "));
    let x = put(buffer, area.x, area.y, area.width, &text::cut(&safe(&text), room), style);
    put(buffer, x, area.y, area.right().saturating_sub(x), &tail, theme.muted);
}

#[expect(clippy::too_many_arguments, reason = "a row of the screen is made of all of these")]
fn draw_line(
    model: &Model,
    area: Rect,
    line: &LineRef<'_>,
    part: usize,
    same: usize,
    gutter: &Gutter,
    above: Option<u64>,
    buffer: &mut Buffer,
) {
    let theme = &model.theme;
    let clean = clean_line(line);
    let (letter, level) = theme.level(line.level);
    let style = if line.level >= Level::Error { level } else { theme.text };
    let text_area = Rect { x: area.x + gutter.width, width: area.width.saturating_sub(gutter.width), ..area };
    let mut skip = model.logs.sideways;
    let mut shown = clean;
    if model.logs.wrap {
        skip = 0;
        shown = part_of(shown, part, text_area.width.into());
    }
    let pattern = model.logs.find.pattern.as_ref();
    let here = model.logs.place.cursor == line.seq && !model.logs.place.follow;
    draw_clean(model, &shown, skip, text_area, style, pattern.map(|pattern| (pattern, here)), buffer);
    draw_marked(model, line, part, skip, text_area, buffer);
    if gutter.width > 0 {
        let process = theme.process(line.name);
        put(buffer, area.x + 1, area.y, 1, theme.glyphs.gutter(), process);
        let mut x = area.x + 2;
        if gutter.time > 0 {
            let time = if part == 0 { time(model, line.time_ms, above) } else { String::new() };
            put(buffer, x, area.y, gutter.time, &time, theme.muted);
            x += gutter.time + 1;
        }
        if gutter.name > 0 {
            let name = if part == 0 { fit(&safe(line.name), gutter.name.into()) } else { String::new() };
            put(buffer, x, area.y, gutter.name, &name, process);
            x += gutter.name + 1;
        }
        put(buffer, x, area.y, 1, if part == 0 { letter } else { " " }, level);
    }
    if same > 1 && part == 0 {
        let count = format!(" {}{same} ", theme.glyphs.times());
        let cells = width(&count) as u16;
        put(buffer, area.right().saturating_sub(cells), area.y, cells, &count, theme.accent);
    }
    let folded = if part == 0 { model.logs.folded_behind(line).count() } else { 0 };
    if folded > 0 {
        let what = if folded == 1 { "frame" } else { "frames" };
        let text = format!(" {}+{folded} {what} ", theme.glyphs.folded());
        let cells = width(&text) as u16;
        put(buffer, area.right().saturating_sub(cells), area.y, cells, &text, theme.muted);
    }
    let selected =
        model.logs.anchor.is_some() && model.logs.selection().is_some_and(|(from, to)| (from..=to).contains(&line.seq));
    if selected {
        buffer.set_style(area, theme.cursor);
    }
    if here && part == 0 {
        if !selected && model.logs.marked.is_none() {
            buffer.set_style(area, theme.cursor);
        }
        put(buffer, area.x, area.y, 1.min(gutter.width), theme.glyphs.here(), theme.accent);
    }
}

/// Lays the style of the cursor over the part of a row that is selected with the mouse.
fn draw_marked(model: &Model, line: &LineRef<'_>, part: usize, skip: usize, area: Rect, buffer: &mut Buffer) {
    let Some(marked) = model.logs.marked else { return };
    let text = clean_line(line).text;
    let Some(range) = marked.within(line.seq, &text) else { return };
    let (mut from, mut to) = (text::prefix(&text, skip), text.len());
    if model.logs.wrap {
        let starts = text::wrap(&text, area.width.into());
        from = starts.get(part).copied().unwrap_or(to);
        to = starts.get(part + 1).copied().unwrap_or(to);
    }
    let (begin, end) = (range.start.clamp(from, to), range.end.clamp(from, to));
    let (x, cells) = (width(&text[from..begin]) as u16, width(&text[begin..end]) as u16);
    let rect = Rect { x: area.x.saturating_add(x), width: cells, ..area }.intersection(area);
    buffer.set_style(rect.intersection(buffer.area), model.theme.cursor);
}

/// One row of a wrapped line.
fn part_of(clean: Clean, part: usize, cells: usize) -> Clean {
    let starts = text::wrap(&clean.text, cells);
    let from = starts.get(part).copied().unwrap_or(clean.text.len());
    let to = starts.get(part + 1).copied().unwrap_or(clean.text.len());
    clean.part(from..to)
}

/// Draws cleaned text from a column on; matches are marked.
pub(super) fn draw_clean(
    model: &Model,
    clean: &Clean,
    skip: usize,
    area: Rect,
    base: Style,
    find: Option<(&Pattern, bool)>,
    buffer: &mut Buffer,
) {
    let skipped = text::prefix(&clean.text, skip);
    let room = usize::from(area.width);
    let end = skipped + text::prefix(&clean.text[skipped..], room);
    let mut cuts: Vec<(usize, Style)> = vec![(skipped, base)];
    for (at, style) in &clean.runs {
        let style = if model.depth == Depth::Mono { Style { fg: None, bg: None, ..*style } } else { *style };
        let style = base.patch(style);
        if *at <= skipped {
            cuts[0].1 = style
        } else if *at < end {
            cuts.push((*at, style))
        }
    }
    let mut x = area.x;
    for (at, (from, style)) in cuts.iter().enumerate() {
        let to = cuts.get(at + 1).map_or(end, |(next, _)| *next);
        x = put(buffer, x, area.y, area.right().saturating_sub(x), &clean.text[*from..to], *style);
    }
    let more = model.theme.glyphs.more();
    if end < clean.text.len() && area.width > 0 {
        put(buffer, area.right() - 1, area.y, 1, more, model.theme.muted);
    }
    if skipped > 0 && area.width > 0 {
        put(buffer, area.x, area.y, 1, more, model.theme.muted);
    }
    if let Some((pattern, here)) = find {
        let style = if here { model.theme.found_here } else { model.theme.found };
        mark_matches(clean, pattern, skipped..end, area, style, buffer);
    }
}

fn mark_matches(
    clean: &Clean,
    pattern: &Pattern,
    seen: std::ops::Range<usize>,
    area: Rect,
    style: Style,
    buffer: &mut Buffer,
) {
    let mut from = 0;
    while let Some((begin, end)) = pattern.find(clean.text.as_bytes(), from).filter(|(begin, _)| *begin < seen.end) {
        from = end.max(begin + 1);
        let floor = |at: usize| (0..=at).rev().find(|at| clean.text.is_char_boundary(*at)).unwrap_or(0);
        let (begin, end) = (floor(begin.clamp(seen.start, seen.end)), floor(end.clamp(seen.start, seen.end)));
        if begin < end {
            let x = width(&clean.text[seen.start..begin]) as u16;
            let cells = width(&clean.text[begin..end]) as u16;
            let rect = Rect::new(area.x + x, area.y, cells, 1).intersection(area).intersection(buffer.area);
            buffer.set_style(rect, Style { fg: Some(style.fg.unwrap_or(Color::Reset)), ..style });
        }
        if from > clean.text.len() {
            break;
        }
    }
}

fn time(model: &Model, time: u64, above: Option<u64>) -> String {
    match model.logs.time {
        TimeFormat::Clock => model.clock.clock(time),
        TimeFormat::Millis => model.clock.millis(time),
        TimeFormat::Relative => format!("{:>6}", clock::short(model.now.saturating_sub(time))),
        TimeFormat::Delta => {
            let delta = above.map_or(0, |above| time.saturating_sub(above));
            format!("{:>8}", format!("+{}.{:03}", delta / 1000, delta % 1000))
        }
        TimeFormat::Off => String::new(),
    }
}

fn partial(model: &Model, area: Rect, index: usize, gutter: &Gutter, buffer: &mut Buffer) {
    let Some(partial) = model.logs.lines.partials().nth(index) else { return };
    let style = model.theme.process(partial.name);
    if gutter.width > 0 {
        put(buffer, area.x + 1, area.y, 1, model.theme.glyphs.gutter(), style);
        if gutter.name > 0 {
            let x = area.x + gutter.width - gutter.name - 3;
            put(buffer, x, area.y, gutter.name, &fit(&safe(partial.name), gutter.name.into()), style);
        }
    }
    let text = Rect { x: area.x + gutter.width, width: area.width.saturating_sub(gutter.width), ..area };
    draw_clean(model, &text::clean_ansi(partial.state()), 0, text, model.theme.text, None, buffer);
}

fn mark(model: &Model, area: Rect, index: usize, buffer: &mut Buffer) {
    let Some(mark) = model.logs.marks.get(index) else { return };
    let mut text = format!("mark {} · {}", index + 1, model.clock.clock(mark.time));
    if !mark.text.is_empty() {
        text.push_str(&format!(" · {}", safe(&mark.text)));
    }
    super::screen::rule(model, area, &text, buffer);
}

/// What arrived while the view was pinned: its text and its place.
pub(crate) fn pill(model: &Model, areas: &Areas) -> Option<(String, Rect)> {
    let new = model.logs.new_lines();
    if model.logs.place.follow || new == 0 || areas.lines.height < 3 {
        return None;
    }
    let glyphs = model.theme.glyphs;
    let errors = match model.logs.new_errors {
        0 => String::new(),
        1 => ", 1 error".into(),
        errors => format!(", {} errors", clock::count(errors)),
    };
    let word = match new {
        _ if areas.class < Class::Wide => " new",
        1 => " new line",
        _ => " new lines",
    };
    let text = format!(" {} {}{word}{errors}  End {} ", glyphs.paused(), clock::count(new), glyphs.down());
    let cells = (width(&text) as u16).min(areas.lines.width);
    let rect = Rect::new(areas.lines.right() - cells, areas.lines.bottom() - 1, cells, 1);
    Some((text, rect))
}

fn scrollbar(model: &Model, areas: &Areas, window: &[Row], buffer: &mut Buffer) {
    let area = areas.scrollbar;
    let total = model.logs.lines.len();
    let height = u64::from(area.height);
    if area.width == 0 || total <= height || height == 0 {
        return;
    }
    let seq = window.iter().find_map(|row| match row {
        Row::Line { seq, .. } => Some(*seq),
        _ => None,
    });
    let rank = seq.map_or(0, |seq| model.logs.lines.rank(seq));
    let size = (height * height / total).max(1);
    let top = if model.logs.place.follow { height - size } else { (rank * height / total).min(height - size) };
    for row in 0..height {
        let thumb = (top..top + size).contains(&row);
        let (sign, style) = if thumb {
            (model.theme.glyphs.thumb(), model.theme.muted)
        } else {
            (model.theme.glyphs.bar(), model.theme.rule)
        };
        put(buffer, area.x, area.y + row as u16, 1, sign, style);
    }
}

/// `api draws full screen: a attach`
fn attach_hint(model: &Model) -> Option<String> {
    let row = attached::full_screen(model)?;
    let key = model.keymap.keys(Action::AttachLine).first()?.written(model.theme.glyphs);
    Some(format!("{} draws full screen: {key} attach", safe(&row.name)))
}

pub(super) fn status(model: &Model, areas: &Areas, from: u16, buffer: &mut Buffer) {
    let logs = &model.logs;
    let glyphs = model.theme.glyphs;
    let lines = format!("   {} lines ", clock::count(logs.lines.len()));
    let (state, style) = if logs.place.follow {
        (format!("{} FOLLOW", glyphs.running()), model.theme.ok)
    } else {
        let at = logs.lines.get(logs.paused_at).map(|line| model.clock.clock(line.time_ms));
        let at = at.filter(|_| areas.class == Class::Wide).map_or(String::new(), |at| format!(" at {at}"));
        (format!("{} PAUSED{at}", glyphs.paused()), model.theme.warn)
    };
    let area = areas.status;
    let cells = (width(&state) + width(&lines)) as u16;
    let x = area.right().saturating_sub(cells);
    if x < from {
        return;
    }
    if let Some(hint) = attach_hint(model).filter(|_| from == area.x) {
        let room = x.saturating_sub(area.x + 2);
        put(buffer, area.x + 1, area.y, room, &text::cut(&hint, room.into()), model.theme.accent);
    }
    let x = put(buffer, x, area.y, cells, &state, style);
    put(buffer, x, area.y, area.right().saturating_sub(x), &lines, model.theme.muted);
}
