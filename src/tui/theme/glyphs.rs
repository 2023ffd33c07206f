//! The signs that say without colour what colour says: each one cell wide, and each with one of ASCII.

/// The few signs of the chrome, each one cell wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glyphs {
    pub(super) ascii: bool,
}

macro_rules! glyphs {
    ($($(#[$doc:meta])* $name:ident: $unicode:literal $ascii:literal;)*) => {
        impl Glyphs { $($(#[$doc])* pub(crate) fn $name(self) -> &'static str { if self.ascii { $ascii } else { $unicode } })* }
    };
}

glyphs! {
    running: "●" "*";
    busy: "◐" "~";
    stopped: "○" ".";
    failed: "✗" "x";
    done: "✓" "v";
    paused: "‖" "|";
    bullet: "•" "+";
    cursor: "▌" ">";
    gutter: "▌" "|";
    here: "▸" ">";
    open: "▾" "-";
    tab_left: "▐" "[";
    tab_right: "▌" "]";
    line: "─" "-";
    bar: "│" "|";
    thumb: "█" "#";
    down: "↓" "v";
    /// What was given to a call, and what it answered.
    given: "→" ">";
    answered: "←" "<";
    left: "‹" "<";
    right: "›" ">";
    dash: "—" "-";
    /// Where a text is cut.
    more: "…" "~";
    times: "×" "x";
    folded: "⏎ " "";
    at_least: "≥" ">=";
    /// In a waterfall: until the first byte, then the answer, and what is not over yet.
    waiting: "░" ".";
    answering: "█" "#";
    unfinished: "▒" "=";
    corner_tl: "┌" "+";
    corner_tr: "┐" "+";
    corner_bl: "└" "+";
    corner_br: "┘" "+";
}

impl Glyphs {
    /// The eight heights of a small bar chart.
    pub(crate) fn bars(self) -> [&'static str; 8] {
        if self.ascii {
            ["_", ".", ".", ":", "-", "=", "+", "#"]
        } else {
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        }
    }

    /// Whether only ASCII may be drawn.
    pub(crate) fn is_ascii(self) -> bool {
        self.ascii
    }
}
