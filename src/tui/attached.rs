//! A child's terminal that is looked at: its picture, and what the person does with it.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::app::attach::Seen;
use crate::event::ProcessId;
use crate::tui::layout::layout;
use crate::tui::model::Model;
use crate::wire::screen::Picture;

/// The leader waits so long for a second key; then it leaves.
pub(crate) const LEADER_MILLIS: u64 = 1_000;

/// The terminal in front.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) id: ProcessId,
    pub(crate) name: Arc<str>,
    /// Nothing before the first look.
    pub(crate) picture: Option<Picture>,
    /// Bytes that came too fast to be shown.
    pub(crate) lost: u64,
    /// The child has closed its terminal.
    pub(crate) ended: bool,
    /// It is in the lower part of the Processes view instead of on the whole screen.
    pub(crate) pane: bool,
    /// When the leader was pressed.
    pub(crate) leader: Option<u64>,
    /// Where the button went down.
    pub(crate) pressed: Option<(u16, u16)>,
    /// Selected text, from one place (column, row) to another; while there is some the picture stands still.
    pub(crate) selection: Option<((u16, u16), (u16, u16))>,
    /// It was started again: the next process of that name is looked at.
    pub(crate) again: bool,
}

impl Attached {
    pub(crate) fn new(id: ProcessId, name: Arc<str>) -> Attached {
        Attached {
            id,
            name,
            picture: None,
            lost: 0,
            ended: false,
            pane: false,
            leader: None,
            pressed: None,
            selection: None,
            again: false,
        }
    }

    /// Takes what was seen, unless something is selected.
    pub(crate) fn take(&mut self, seen: Seen) {
        self.ended = seen.ended;
        self.lost = seen.lost;
        if self.selection.is_none() && self.pressed.is_none() {
            self.picture = Some(seen.picture);
        }
    }

    /// Whether what is shown is what stands there now.
    pub(crate) fn is_live(&self) -> bool {
        self.selection.is_none() && self.picture.as_ref().is_none_or(|picture| picture.offset == 0)
    }

    /// The selected text.
    pub(crate) fn selected(&self) -> Option<String> {
        let (from, to) = self.selection?;
        self.picture.as_ref().map(|picture| picture.text(from, to))
    }
}

/// The size of the child's terminal; sane even where nothing is drawn.
pub(crate) fn size(model: &Model) -> (u16, u16) {
    let Rect { width, height, .. } = layout(model).terminal;
    (width.max(2), height.max(1))
}
