//! Where everything is: one function for drawing and for the mouse.

use ratatui::layout::Rect;

use crate::tui::empty;
use crate::tui::logs::TimeFormat;
use crate::tui::logs::window::Pane;
use crate::tui::mcp::McpPage;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::text;
use crate::tui::web::Page;

/// How much fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Below 40×10.
    TooSmall,
    /// 40×10.
    Tiny,
    /// 60×16: the list alone.
    Narrow,
    /// 80×20: list over detail.
    Medium,
    /// 110×28: side by side.
    Wide,
}

impl Class {
    pub(crate) fn of((columns, rows): (u16, u16)) -> Class {
        match (columns, rows) {
            (110.., 28..) => Class::Wide,
            (80.., 20..) => Class::Medium,
            (60.., 16..) => Class::Narrow,
            (40.., 10..) => Class::Tiny,
            _ => Class::TooSmall,
        }
    }
}

/// So many children of a process are listed at most.
const MOST_CHILDREN: usize = 6;

/// The parts of the screen; a part that is not there is empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Areas {
    pub(crate) class: Class,
    pub(crate) screen: Rect,
    pub(crate) header: Rect,
    pub(crate) tabs: Rect,
    pub(crate) body: Rect,
    pub(crate) status: Rect,
    pub(crate) footer: Rect,
    /// The rows of the list, without the head of its columns.
    pub(crate) list: Rect,
    pub(crate) columns: Rect,
    /// The action strip.
    pub(crate) strip: Rect,
    pub(crate) detail: Rect,
    /// The processes below the selected one, with a title above.
    pub(crate) children: Rect,
    /// What the process wrote last.
    pub(crate) output: Rect,
    /// Who has called.
    pub(crate) clients: Rect,
    /// The browser's tab that is told of.
    pub(crate) tab: Rect,
    /// The filters in force.
    pub(crate) chips: Rect,
    pub(crate) lines: Rect,
    pub(crate) scrollbar: Rect,
    /// The screen of a child's terminal.
    pub(crate) terminal: Rect,
    /// The text of what is selected.
    pub(crate) text: Rect,
    /// It fills the screen.
    pub(crate) zoomed: bool,
}

/// Where everything is on a screen of the model's size.
pub(crate) fn layout(model: &Model) -> Areas {
    let screen = Rect::new(0, 0, model.size.0, model.size.1);
    let class = Class::of(model.size);
    let none = Rect::default();
    let mut areas = Areas {
        class,
        screen,
        header: none,
        tabs: none,
        body: screen,
        status: none,
        footer: none,
        list: none,
        columns: none,
        strip: none,
        detail: none,
        children: none,
        output: none,
        clients: none,
        tab: none,
        chips: none,
        lines: none,
        scrollbar: none,
        terminal: none,
        text: none,
        zoomed: is_zoomed(model),
    };
    if class == Class::TooSmall {
        return areas;
    }
    if model.attached.as_ref().is_some_and(|attached| !attached.pane || class < Class::Medium) {
        terminal(&mut areas);
        return areas;
    }
    if model.zoom == Some(View::Logs) && areas.zoomed {
        areas.footer = Rect { y: screen.bottom(), height: 0, ..screen };
    } else {
        frame(model, &mut areas);
    }
    match model.view {
        View::Scripts => scripts(model, &mut areas),
        View::Processes => processes(model, &mut areas),
        View::Logs => logs(model, &mut areas),
        View::Errors => errors(model, &mut areas),
        View::Urls => urls(model, &mut areas),
        View::Web => web(model, &mut areas),
        View::Mcp => mcp(model, &mut areas),
        View::Settings => settings(&mut areas),
    }
    if areas.zoomed && model.view != View::Logs {
        return text_alone(areas);
    }
    if let Some(empty) = empty::of(model) {
        areas.strip = empty.strip(model, &areas);
    }
    if model.attached.is_some() {
        let mut output = areas.output;
        take_top(&mut output, 1);
        areas.terminal = output;
    }
    areas
}

/// A child's terminal has the whole screen, but for a row above and one or two below.
fn terminal(areas: &mut Areas) {
    let mut body = areas.screen;
    areas.header = take_top(&mut body, 1);
    areas.footer = take_bottom(&mut body, 1);
    areas.status = take_bottom(&mut body, u16::from(areas.class > Class::Tiny));
    (areas.body, areas.terminal) = (body, body);
}

/// Whether the text in front fills the screen.
pub(crate) fn is_zoomed(model: &Model) -> bool {
    model.zoom == Some(model.view)
}

/// What is selected has the whole screen; the list stays as high as it is when that ends.
fn text_alone(areas: Areas) -> Areas {
    let (screen, none) = (areas.screen, Rect::default());
    let below = Rect { y: screen.bottom(), height: 0, ..screen };
    Areas {
        header: none,
        tabs: none,
        body: screen,
        status: below,
        footer: below,
        columns: none,
        strip: none,
        detail: screen,
        children: none,
        output: none,
        clients: none,
        tab: none,
        chips: none,
        terminal: none,
        text: screen,
        ..areas
    }
}

/// What is left of an area below so many rows, without its rim at the left and the right.
fn below(mut area: Rect, rows: u16, rim: u16) -> Rect {
    take_top(&mut area, rows);
    Rect { x: area.x + rim, width: area.width.saturating_sub(2 * rim), ..area }
}

fn frame(model: &Model, areas: &mut Areas) {
    let mut body = areas.screen;
    areas.header = take_top(&mut body, 1);
    areas.tabs = if areas.class == Class::Tiny { areas.header } else { take_top(&mut body, 1) };
    // Without hints the way out of a child's terminal is named all the same.
    areas.footer = take_bottom(&mut body, u16::from(model.hints || model.attached.is_some()));
    let wanted = areas.class > Class::Tiny || has_find(model) || matches!(model.overlay, Some(Overlay::Find));
    areas.status = take_bottom(&mut body, u16::from(wanted));
    areas.body = body;
}

/// Whether the view is narrowed or searched.
pub(crate) fn has_find(model: &Model) -> bool {
    match model.view {
        View::Scripts => !model.scripts.find.is_empty(),
        View::Processes => !model.processes.find.is_empty(),
        View::Logs => !model.logs.find.field.is_empty(),
        View::Errors => !model.errors.find.is_empty(),
        View::Urls => !model.urls.find.is_empty(),
        View::Settings => !model.settings.find.is_empty(),
        View::Web => !model.web.field().is_empty(),
        View::Mcp => !model.mcp.find.is_empty(),
    }
}

fn scripts(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    let opened = model.scripts.strip.is_some();
    match areas.class {
        Class::Wide => {
            areas.list = take_left(&mut body, areas.body.width * 11 / 20);
            areas.detail = Rect { x: body.x + 2, width: body.width.saturating_sub(2), ..body };
            areas.strip = Rect { y: body.y + 2, height: 1, ..areas.detail };
        }
        Class::Medium => {
            areas.detail = take_bottom(&mut body, if opened { 10 } else { 0 });
            areas.strip = Rect { y: areas.detail.y + 2, height: u16::from(opened), ..areas.detail };
            areas.list = body;
        }
        _ if opened => {
            areas.detail = body;
            areas.strip = Rect { y: body.y + 2, height: 1.min(body.height), ..body };
        }
        _ => areas.list = body,
    }
    areas.text = below(areas.detail, 3, 0);
}

fn processes(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    let opened = model.processes.strip.is_some();
    if areas.class >= Class::Medium {
        let rows = model.processes.shown().len().max(1) as u16;
        areas.columns = take_top(&mut body, 1);
        let most = body.height.saturating_sub(9).max(3);
        areas.list = take_top(&mut body, rows.min(most));
        take_top(&mut body, 1);
        areas.strip = take_top(&mut body, 1);
        let told = areas.class == Class::Wide || opened;
        areas.detail = take_top(&mut body, if told { 2 } else { 0 });
        let children = if told { child_rows(model, body.height, 6) } else { 0 };
        areas.children = take_top(&mut body, children);
        areas.output = body;
    } else if opened {
        areas.strip = Rect { height: 1.min(body.height), ..body };
        areas.detail = take_top(&mut body, 3);
        let children = child_rows(model, body.height, 4);
        areas.children = take_top(&mut body, children);
        areas.output = body;
    } else {
        areas.columns = take_top(&mut body, 1);
        areas.list = body;
    }
    if model.attached.is_none() {
        areas.text = below(areas.output, 1, 0);
    }
}

/// How many of these rows are for the children of the selected process and their title, when so many are left to its lines.
fn child_rows(model: &Model, rows: u16, for_lines: u16) -> u16 {
    let running = model.processes.selected().filter(|row| !row.status.is_ended() && model.attached.is_none());
    let trend = running.and_then(|row| model.processes.trends.get(&row.id));
    let wanted = trend.map_or(0, |trend| trend.most_children.min(MOST_CHILDREN) as u16);
    match wanted.min(rows.saturating_sub(for_lines + 1)) {
        0 => 0,
        rows => rows + 1,
    }
}

fn logs(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    if !areas.zoomed {
        let wanted = areas.class > Class::Tiny || model.logs.has_filters();
        areas.chips = take_top(&mut body, u16::from(wanted));
        let bar = u16::from(areas.class > Class::Tiny);
        areas.scrollbar = Rect { x: body.right() - bar, width: bar, ..body };
        body.width -= bar;
    }
    areas.lines = body;
}

fn errors(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    let shown = model.errors.shown().len() as u16;
    match areas.class {
        Class::Wide => {
            let left = take_left(&mut body, areas.body.width / 2);
            areas.detail = Rect { x: body.x + 2, width: body.width.saturating_sub(2), ..body };
            body = left;
        }
        // The list has the rows that it needs, at most half.
        Class::Medium if shown > 0 => {
            let list = (shown + 2).clamp(5, areas.body.height / 2);
            areas.detail = take_bottom(&mut body, areas.body.height - list);
        }
        _ if model.errors.strip.is_some() && shown > 0 => areas.detail = take_bottom(&mut body, areas.body.height),
        _ => {}
    }
    areas.chips = take_top(&mut body, u16::from(areas.class > Class::Tiny));
    areas.columns = take_top(&mut body, u16::from(shown > 0));
    areas.list = body;
    let above = if areas.class == Class::Medium { 3 } else { 2 };
    let height = areas.detail.height.saturating_sub(above).min(1);
    let (x, width) = (areas.detail.x + 1, areas.detail.width.saturating_sub(1));
    areas.strip = Rect { x, y: areas.detail.y + above, width, height };
    areas.text = below(areas.detail, above + 2, 1);
    if shown == 0 {
        areas.strip = Rect::default();
    }
}

fn settings(areas: &mut Areas) {
    let mut body = areas.body;
    // A row between, and what the longest text needs at this width.
    let rows = match areas.class {
        Class::Wide => 4,
        Class::Medium => 6,
        Class::Narrow => 5,
        Class::Tiny | Class::TooSmall => 0,
    };
    areas.detail = take_bottom(&mut body, rows);
    areas.list = body;
}

fn urls(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    let any = !model.urls.shown().is_empty();
    match areas.class {
        Class::Wide => {
            let left = take_left(&mut body, areas.body.width * 13 / 20);
            areas.detail = Rect { x: body.x + 2, width: body.width.saturating_sub(2), ..body };
            body = left;
        }
        Class::Medium => areas.detail = take_bottom(&mut body, if any { 9 } else { 0 }),
        _ if model.urls.strip.is_some() && any => areas.detail = take_bottom(&mut body, areas.body.height),
        _ => {}
    }
    strip_and_list(areas, body, any);
    let text = below(areas.detail, 3, 0);
    areas.text = Rect { x: text.x + 1, width: text.width.saturating_sub(1), ..text };
}

fn web(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    let any = model.web.len() > 0;
    areas.chips = take_top(&mut body, u16::from(areas.class > Class::Tiny));
    let told = model.web.page == Page::Telemetry && !model.web.tabs.is_empty();
    let beside = areas.class >= Class::Medium || areas.class == Class::Narrow && model.web.strip.is_none();
    areas.tab = take_top(&mut body, u16::from(any && told && beside));
    if any && areas.class >= Class::Medium {
        areas.detail = take_bottom(&mut body, areas.body.height / 2);
    } else if any && model.web.strip.is_some() {
        areas.detail = take_bottom(&mut body, areas.body.height);
    }
    strip_and_list(areas, body, any);
}

fn mcp(model: &Model, areas: &mut Areas) {
    let mut body = areas.body;
    let any = model.mcp.len() > 0;
    let activity = model.mcp.page == McpPage::Activity;
    areas.chips = take_top(&mut body, u16::from(areas.class > Class::Tiny));
    let clients = activity && areas.class >= Class::Medium && !model.mcp.row.clients.is_empty();
    areas.clients = take_top(&mut body, u16::from(clients));
    if any && areas.class >= Class::Medium {
        areas.detail = take_bottom(&mut body, if activity { areas.body.height / 2 } else { 9 });
    } else if any && model.mcp.strip.is_some() {
        areas.detail = take_bottom(&mut body, areas.body.height);
    }
    strip_and_list(areas, body, any);
}

/// The strip is the second row of the detail; the list has a head over its columns.
fn strip_and_list(areas: &mut Areas, mut body: Rect, any: bool) {
    let detail = areas.detail;
    areas.strip = Rect { y: detail.y + 1, height: detail.height.saturating_sub(1).min(1), ..detail };
    areas.text = below(detail, if areas.class >= Class::Medium { 3 } else { 2 }, 1);
    areas.columns = take_top(&mut body, u16::from(any));
    areas.list = body;
}

/// Where the QR code of the selected URL is, with a row above it for who can open it: below the strip, where the list
/// has its detail beside it.
pub(crate) fn qr_pane(areas: &Areas) -> Rect {
    let mut pane = if areas.class == Class::Wide || areas.zoomed { areas.detail } else { Rect::default() };
    take_top(&mut pane, if areas.zoomed { 1 } else { 4 });
    pane
}

/// The widths of the columns before a line's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gutter {
    pub(crate) time: u16,
    pub(crate) name: u16,
    /// All of them with what is between.
    pub(crate) width: u16,
}

/// How the Logs view begins its lines.
pub(crate) fn gutter(model: &Model, class: Class) -> Gutter {
    if is_zoomed(model) {
        return Gutter { time: 0, name: 0, width: 0 };
    }
    let time = if class == Class::Tiny { 0 } else { model.logs.time.width() };
    let most = match class {
        Class::Wide => 14,
        Class::Medium => 12,
        Class::Narrow => 8,
        _ => 6,
    };
    let scope = model.logs.scope.as_ref();
    let names = model.processes.rows.iter().map(|row| &row.name).filter(|name| scope.is_none_or(|s| s.contains(*name)));
    let name = names.map(|name| text::width(name)).max().unwrap_or(0).min(most) as u16;
    let blank = |cells: u16| if cells > 0 { cells + 1 } else { 0 };
    Gutter { time, name, width: 2 + blank(time) + blank(name) + 2 }
}

/// The size of the Logs pane, for moving in it; sane even where nothing is drawn.
pub(crate) fn pane(model: &Model) -> Pane {
    let areas = layout(model);
    let gutter = gutter(model, areas.class);
    let text = usize::from(areas.lines.width.saturating_sub(gutter.width)).max(1);
    Pane { height: usize::from(areas.lines.height).max(1), text }
}

/// Whether a duration with seconds is on the screen: only then is there something to draw each second.
pub(crate) fn ticks(model: &Model) -> bool {
    let class = Class::of(model.size);
    let running = || model.processes.rows.iter().any(|row| !row.status.is_ended());
    !model.reduced_motion
        && match model.view {
            View::Processes => running() && class > Class::TooSmall,
            View::Logs => model.logs.time == TimeFormat::Relative && class > Class::Tiny,
            _ => false,
        }
}

fn take_top(from: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(from.height);
    let taken = Rect { height: rows, ..*from };
    from.y += rows;
    from.height -= rows;
    taken
}

fn take_bottom(from: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(from.height);
    from.height -= rows;
    Rect { y: from.y + from.height, height: rows, ..*from }
}

fn take_left(from: &mut Rect, columns: u16) -> Rect {
    let columns = columns.min(from.width);
    let taken = Rect { width: columns, ..*from };
    from.x += columns;
    from.width -= columns;
    taken
}
