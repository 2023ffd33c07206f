//! The line above what pages told: the tab in question, its browser, and how it fares.
//!
//! ```text
//!  tab 3f2a  localhost:3000/checkout  Chrome 131  1440x900  since 14:01:02   heap ▂▂▃▃▄▅▅▆ 61 MB   long tasks ▁▁▃▁▁▁ 3
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::view::PageSession;
use crate::tui::clock::count;
use crate::tui::model::Model;
use crate::tui::text::{cut_middle, put, safe, width};
use crate::tui::views::spark::spark;

/// Of five seconds that were held up for so long, a bar is full.
const HELD_UP_MS: f32 = 200.0;
/// Samples of five seconds a bar.
const EACH: usize = 6;
/// In fewer cells an address says nothing.
const PLACE_CELLS_MIN: usize = 12;

/// A part of the line: what it says, how it looks, and which is left out first where not all has room; those that never are
/// have none.
struct Part {
    text: String,
    style: Style,
    goes: Option<u8>,
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let Some(tab) = model.web.tab().filter(|_| area.height > 0) else { return };
    let mut parts = parts(model, tab);
    let room = usize::from(area.width).saturating_sub(1);
    let cells = |parts: &[Part]| parts.iter().map(|part| width(&part.text)).sum::<usize>();
    for turn in 0..3 {
        if cells(&parts) > room {
            parts.retain(|part| part.goes != Some(turn));
        }
    }
    // The address is cut before the curves are.
    let over = cells(&parts).saturating_sub(room);
    if let Some(at) = parts.iter().position(|part| part.goes == Some(PLACE)).filter(|_| over > 0) {
        let left = width(&parts[at].text).saturating_sub(over);
        if left < PLACE_CELLS_MIN + GAP.len() {
            parts.remove(at);
        } else {
            parts[at].text = format!("{GAP}{}", cut_middle(parts[at].text.trim_start(), left - GAP.len()));
        }
    }
    let mut x = area.x + 1;
    for part in &parts {
        x = put(buffer, x, area.y, area.right().saturating_sub(x), &part.text, part.style);
    }
}

/// When the address is cut: after all that is left out.
const PLACE: u8 = 3;
const GAP: &str = "  ";

fn parts(model: &Model, tab: &PageSession) -> Vec<Part> {
    let theme = &model.theme;
    let mut parts = Vec::new();
    let mut add = |text: String, style, goes| {
        if !text.trim().is_empty() {
            parts.push(Part { text, style, goes });
        }
    };
    add(format!("tab {}", safe(&tab.id)), theme.accent.add_modifier(Modifier::BOLD), None);
    add(format!("{GAP}{}", safe(&tab.place)), theme.text, Some(PLACE));
    add(format!("{GAP}{}", safe(&tab.browser)), theme.muted, Some(2));
    let viewport = tab.viewport.map_or(String::new(), |(wide, high)| format!("{GAP}{wide}x{high}"));
    add(viewport, theme.muted, Some(0));
    add(format!("{GAP}since {}", model.clock.clock(tab.first_ms)), theme.muted, Some(1));
    if let Some(heap) = tab.heap.last() {
        add(format!("{GAP}heap "), theme.muted, None);
        add(spark(model, tab.heap.iter().copied(), 1.0, EACH), theme.accent, None);
        add(format!(" {}", megabytes(*heap)), theme.text, None);
    }
    if let Some((tasks, took)) = &tab.long_tasks {
        add(format!("{GAP}long tasks "), theme.muted, None);
        add(spark(model, took.iter().copied(), HELD_UP_MS, EACH), theme.accent, None);
        add(format!(" {}", count(*tasks)), theme.text, None);
    }
    parts
}

/// `4.2 MB`, `61 MB`, `1,204 MB`.
fn megabytes(bytes: f32) -> String {
    let megabytes = bytes / 1_048_576.0;
    if megabytes < 10.0 { format!("{megabytes:.1} MB") } else { format!("{} MB", count(megabytes.round() as u64)) }
}
