//! The row above a list: the pages of a view and its filters, as chips that keys, arrows and clicks press.
//!
//! ```text
//!  [Requests] Telemetry   type: [all] pages api images other ws   status: [all] ok failed open   881 requests, 14 failed
//! ```

use ratatui::layout::Rect;

use crate::tui::clock::count;
use crate::tui::errors::Severity;
use crate::tui::layout::Areas;
use crate::tui::mcp::McpPage;
use crate::tui::model::{Model, View};
use crate::tui::text::{cut, safe, width};
use crate::tui::web::Page;
use crate::tui::web_filter::{EVENT_KINDS, Ended, Kind};

/// What a chip chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chip {
    Severity(Severity),
    Page(Page),
    Kind(Kind),
    Ended(Ended),
    /// The events of this kind; none: all.
    Event(Option<&'static str>),
    /// The next of the tabs, or all of them again.
    Session,
    McpPage(McpPage),
    /// The next of the clients, or all of them again.
    Client,
    CopyAddress,
    CopyClientSettings,
    SetUpTool,
}

/// Of chips that do something none is chosen.
const NONE: usize = usize::MAX;

/// Chips of which one is chosen.
struct Group {
    label: &'static str,
    chips: Vec<(Chip, String)>,
    chosen: usize,
}

/// A chip on the screen.
#[derive(Debug)]
pub(crate) struct Spot {
    /// What pressing it chooses.
    pub(crate) chip: Chip,
    pub(crate) text: String,
    pub(crate) chosen: bool,
    /// It stands for its whole group, pressing it chooses the next; or it does something: leaving it by ↓ must not.
    pub(crate) cycles: bool,
    pub(crate) area: Rect,
}

/// The row as a whole: what stands before the chips, the chips, the labels between them, and what stands behind.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) spots: Vec<Spot>,
    pub(crate) texts: Vec<(u16, String)>,
}

/// Whether the view in front has chips.
pub(crate) fn any(model: &Model, areas: &Areas) -> bool {
    areas.chips.height > 0 && !groups(model).is_empty()
}

fn groups(model: &Model) -> Vec<Group> {
    match model.view {
        View::Errors => {
            let errors = &model.errors;
            let shown = |severity: &Severity| {
                *severity != Severity::Muted || !errors.muted.is_empty() || errors.severity == Severity::Muted
            };
            vec![group("", Severity::ALL.into_iter().filter(shown), errors.severity, Chip::Severity, Severity::title)]
        }
        View::Web => {
            let web = &model.web;
            let pages = group("", Page::ALL, web.page, Chip::Page, Page::title);
            if web.page == Page::Requests {
                let kinds = group("type: ", Kind::ALL, web.kind, Chip::Kind, Kind::title);
                return vec![pages, kinds, group("status: ", Ended::ALL, web.ended, Chip::Ended, Ended::title)];
            }
            let kinds = std::iter::once(None).chain(EVENT_KINDS.map(Some));
            let kinds = group("type: ", kinds, web.event_kind, Chip::Event, |kind| kind.unwrap_or("all"));
            let session = web.session.as_ref().map_or("all".into(), |session| safe(session).into_owned());
            vec![pages, kinds, Group { label: "tab: ", chips: vec![(Chip::Session, session)], chosen: 0 }]
        }
        View::Mcp => {
            let mcp = &model.mcp;
            let mut groups = vec![group("", McpPage::ALL, mcp.page, Chip::McpPage, McpPage::title)];
            if mcp.page == McpPage::Activity && !mcp.row.clients.is_empty() {
                let client = mcp.client.as_ref().map_or("all".into(), |client| cut(&safe(client), 20).into_owned());
                groups.push(Group { label: "client: ", chips: vec![(Chip::Client, client)], chosen: 0 });
            }
            let mut chips = vec![(Chip::SetUpTool, "Install…".to_owned())];
            if mcp.row.address.is_some() && mcp.page == McpPage::Activity {
                chips.insert(0, (Chip::CopyClientSettings, "Copy settings".to_owned()));
                chips.insert(0, (Chip::CopyAddress, "Copy address".to_owned()));
            }
            groups.push(Group { label: "", chips, chosen: NONE });
            groups
        }
        _ => Vec::new(),
    }
}

fn group<T: Copy + PartialEq>(
    label: &'static str,
    all: impl IntoIterator<Item = T>,
    chosen: T,
    chip: fn(T) -> Chip,
    title: fn(T) -> &'static str,
) -> Group {
    let all: Vec<T> = all.into_iter().collect();
    let at = all.iter().position(|one| *one == chosen).unwrap_or(0);
    Group { label, chips: all.into_iter().map(|one| (chip(one), title(one).to_owned())).collect(), chosen: at }
}

/// What stands before the chips, and behind them.
fn around(model: &Model) -> (String, String) {
    let plural = |n: u64, one: &str| format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" });
    match model.view {
        View::Errors => {
            let (groups, errors) = model.errors.totals();
            let fresh = match model.errors.unseen() {
                0 => String::new(),
                fresh => format!(" · {fresh} new"),
            };
            (format!("{} · {}{fresh}   ", plural(errors, "error"), plural(groups as u64, "group")), String::new())
        }
        View::Mcp if model.mcp.page == McpPage::Instances => {
            (String::new(), plural(model.mcp.row.instances.len() as u64, "instance"))
        }
        View::Mcp => (String::new(), safe(model.mcp.row.address.as_deref().unwrap_or_default()).into_owned()),
        View::Web if model.web.page == Page::Requests => {
            let (all, failed) = model.urls.proxy.exchanges;
            (String::new(), format!("{}, {} failed", plural(all, "request"), count(failed)))
        }
        View::Web => {
            let events = plural(model.web.events.len() as u64, "event");
            (String::new(), format!("{events}, {}", plural(model.web.sessions().len() as u64, "tab")))
        }
        _ => (String::new(), String::new()),
    }
}

/// Where everything of the row is; where not all of a group has room, its chosen chip stands for it.
pub(crate) fn row(model: &Model, areas: &Areas) -> Row {
    let area = areas.chips;
    let groups = groups(model);
    if area.height == 0 || groups.is_empty() {
        return Row::default();
    }
    let (before, behind) = around(model);
    // The chosen one has brackets; a blank stands between them.
    let whole = |group: &Group| group.chips.iter().map(|(_, text)| width(text) + 1).sum::<usize>() + 2;
    let alone = |group: &Group| group.chips.get(group.chosen).map_or(0, |(_, text)| width(text) + 3);
    let cells: usize = groups.iter().map(|group| width(group.label) + whole(group) + 1).sum();
    let room = usize::from(area.width).saturating_sub(1 + width(&before));
    let mut row = Row::default();
    let mut x = area.x + 1;
    let mut left = room;
    if !before.is_empty() {
        row.texts.push((x, before.clone()));
        x = x.saturating_add(width(&before) as u16);
    }
    for (at, group) in groups.iter().enumerate() {
        // The pages come first and are always told apart.
        let after: usize = groups[at + 1..].iter().map(|group| width(group.label) + alone(group) + 1).sum();
        let opened = cells <= room || width(group.label) + whole(group) + after <= left;
        if !group.label.is_empty() {
            row.texts.push((x, group.label.to_owned()));
            x = x.saturating_add(width(group.label) as u16);
        }
        let mut used = width(group.label) + 1;
        for (number, (chip, text)) in group.chips.iter().enumerate() {
            let chosen = number == group.chosen;
            if !opened && !chosen {
                continue;
            }
            let cycles = !opened || matches!(chip, Chip::Session | Chip::Client) || group.chosen == NONE;
            let next = group.chips[(number + 1) % group.chips.len()].0;
            let cells = width(text) as u16 + if chosen { 2 } else { 0 };
            let spot = Rect::new(x, area.y, cells, 1).intersection(area);
            row.spots.push(Spot {
                chip: if !opened { next } else { *chip },
                text: if chosen { format!("[{text}]") } else { text.clone() },
                chosen,
                cycles,
                area: spot,
            });
            x = x.saturating_add(cells + 1);
            used += usize::from(cells) + 1;
        }
        x = x.saturating_add(1);
        left = left.saturating_sub(used);
    }
    if usize::from(x) + width(&behind) <= usize::from(area.right()) {
        row.texts.push((x, behind));
    }
    row
}
