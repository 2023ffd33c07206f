//! What things look like: colours by meaning, and the glyphs that say the same without colour.

use ratatui::style::{Color, Modifier, Style};

use crate::error::{Code, Error, Result};
use crate::event::{Level, Status};

/// The names that `/theme` and `ui.theme` take.
pub(crate) const NAMES: [&str; 6] = ["auto", "ansi", "dark", "light", "contrast", "mono"];

/// The styles of everything that is drawn, by what it means.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    /// Its name.
    pub(crate) name: &'static str,
    pub(crate) text: Style,
    pub(crate) muted: Style,
    pub(crate) accent: Style,
    pub(crate) ok: Style,
    pub(crate) warn: Style,
    pub(crate) error: Style,
    /// Laid over the row with the cursor.
    pub(crate) cursor: Style,
    pub(crate) found: Style,
    pub(crate) found_here: Style,
    pub(crate) rule: Style,
    processes: Vec<Style>,
    /// The glyphs.
    pub(crate) glyphs: Glyphs,
}

/// The few signs of the chrome, each one cell wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glyphs {
    ascii: bool,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Attributes only.
    Mono,
    /// The 16 named ones.
    Ansi,
    /// The 256 of the palette.
    Palette,
    /// All.
    True,
}

impl Depth {
    /// What the environment says.
    pub(crate) fn of_environment(get: impl Fn(&str) -> Option<String>) -> Depth {
        let term = get("TERM").unwrap_or_default();
        match get("COLORTERM").as_deref() {
            _ if get("NO_COLOR").is_some_and(|value| !value.is_empty()) => Depth::Mono,
            Some("truecolor" | "24bit") => Depth::True,
            _ if term.contains("256color") => Depth::Palette,
            _ => Depth::Ansi,
        }
    }
}

impl Theme {
    /// The theme of that name, as far as the terminal can show it.
    ///
    /// # Errors
    /// INVALID_STATE: there is no such theme.
    pub(crate) fn new(name: &str, depth: Depth, ascii: bool) -> Result<Theme> {
        let glyphs = Glyphs { ascii };
        let mut theme = match name {
            _ if depth == Depth::Mono => mono(glyphs),
            "auto" | "ansi" | "" => ansi(glyphs),
            "dark" => dark(glyphs),
            "light" => light(glyphs),
            "contrast" => contrast(glyphs),
            "mono" => mono(glyphs),
            _ => {
                let text = format!("there is no theme `{name}`; there are {}", NAMES.join(", "));
                return Err(Error::new("tui", Code::InvalidState, text));
            }
        };
        theme.name = NAMES.into_iter().find(|known| *known == name).unwrap_or("auto");
        if depth != Depth::True {
            theme.reduce();
        }
        Ok(theme)
    }

    /// The colour of a process: the same for the same name, in every run.
    pub(crate) fn process(&self, name: &str) -> Style {
        // FNV-1a: spreads short names well and needs no state.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        self.processes[(hash >> 8) as usize % self.processes.len()]
    }

    /// The sign and the style of a process's state.
    pub(crate) fn status(&self, status: Status, stopping: bool) -> (&'static str, Style) {
        let glyphs = self.glyphs;
        match status {
            _ if stopping => (glyphs.busy(), self.warn),
            Status::Pending => (glyphs.busy(), self.warn),
            Status::Running => (glyphs.running(), self.ok),
            Status::Stopped => (glyphs.stopped(), self.muted),
            Status::Failed => (glyphs.failed(), self.error),
            Status::Success => (glyphs.done(), self.ok),
        }
    }

    /// The letter and the style of a level; Info has none.
    pub(crate) fn level(&self, level: Level) -> (&'static str, Style) {
        match level {
            Level::Debug => ("D", self.muted),
            Level::Info => (" ", self.text),
            Level::Warn => ("W", self.warn),
            Level::Error | Level::Critical => ("E", self.error),
        }
    }

    fn reduce(&mut self) {
        let fixed = [
            &mut self.text,
            &mut self.muted,
            &mut self.accent,
            &mut self.ok,
            &mut self.warn,
            &mut self.error,
            &mut self.cursor,
            &mut self.found,
            &mut self.found_here,
            &mut self.rule,
        ];
        for style in fixed.into_iter().chain(&mut self.processes) {
            style.fg = style.fg.map(to_palette);
            style.bg = style.bg.map(to_palette);
        }
    }
}

/// The nearest colour of the 6×6×6 cube.
fn to_palette(color: Color) -> Color {
    let step = |value: u8| (u16::from(value) * 5 + 127) / 255;
    match color {
        Color::Rgb(r, g, b) => Color::Indexed((16 + 36 * step(r) + 6 * step(g) + step(b)) as u8),
        other => other,
    }
}

fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

fn rgb(hex: u32) -> Color {
    let [_, r, g, b] = hex.to_be_bytes();
    Color::Rgb(r, g, b)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn reversed() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

fn ansi(glyphs: Glyphs) -> Theme {
    let hues = [Color::Cyan, Color::Green, Color::Yellow, Color::Magenta, Color::LightBlue];
    let plain = hues.into_iter().map(fg);
    let strong = hues.into_iter().map(|hue| fg(hue).add_modifier(Modifier::BOLD));
    Theme {
        name: "ansi",
        text: Style::new(),
        muted: Style::new().add_modifier(Modifier::DIM),
        accent: fg(Color::Cyan),
        ok: fg(Color::Green),
        warn: fg(Color::Yellow),
        error: fg(Color::Red),
        cursor: reversed(),
        found: fg(Color::Black).bg(Color::Yellow),
        found_here: fg(Color::Black).bg(Color::Cyan),
        rule: Style::new().add_modifier(Modifier::DIM),
        processes: plain.chain(strong).collect(),
        glyphs,
    }
}

/// The colours of a theme for one kind of background.
struct Palette {
    name: &'static str,
    text: u32,
    muted: u32,
    accent: u32,
    ok: u32,
    warn: u32,
    error: u32,
    /// Behind the row with the cursor.
    cursor: u32,
    /// Behind what was found.
    found: u32,
    found_here: Style,
    rule: u32,
    processes: [u32; 12],
}

fn of_palette(palette: &Palette, glyphs: Glyphs) -> Theme {
    let ink = |hex| fg(rgb(hex));
    let behind = |hex| Style::new().bg(rgb(hex));
    Theme {
        name: palette.name,
        text: ink(palette.text),
        muted: ink(palette.muted),
        accent: ink(palette.accent),
        ok: ink(palette.ok),
        warn: ink(palette.warn),
        error: ink(palette.error),
        cursor: behind(palette.cursor),
        found: behind(palette.found),
        found_here: palette.found_here,
        rule: ink(palette.rule),
        processes: palette.processes.into_iter().map(ink).collect(),
        glyphs,
    }
}

fn dark(glyphs: Glyphs) -> Theme {
    let palette = Palette {
        name: "dark",
        text: 0xc0caf5,
        muted: 0x737aa2,
        accent: 0x7dcfff,
        ok: 0x9ece6a,
        warn: 0xe0af68,
        error: 0xf7768e,
        cursor: 0x283457,
        found: 0x705a1e,
        found_here: fg(Color::Black).bg(rgb(0xb58900)),
        rule: 0x3b4261,
        processes: [
            0x7dcfff, 0x9ece6a, 0xe0af68, 0xbb9af7, 0x7aa2f7, 0x73daca, 0xff9e64, 0xc0a36e, 0xd7a8e8, 0x8fd3a5,
            0xa9b1f0, 0xe6c384,
        ],
    };
    of_palette(&palette, glyphs)
}

fn light(glyphs: Glyphs) -> Theme {
    let palette = Palette {
        name: "light",
        text: 0x343b58,
        muted: 0x6b7089,
        accent: 0x166775,
        ok: 0x33635c,
        warn: 0x8f5e15,
        error: 0xa02a4a,
        cursor: 0xdbe1f5,
        found: 0xffe9a8,
        found_here: Style::new().bg(rgb(0xffc44d)),
        rule: 0xb9bed4,
        processes: [
            0x166775, 0x33635c, 0x8f5e15, 0x7847bd, 0x2e5aa8, 0x0f7b6c, 0xb15c00, 0x6b5a1e, 0x8a3fa0, 0x2f7d3a,
            0x4a55b0, 0x7a6200,
        ],
    };
    of_palette(&palette, glyphs)
}

fn contrast(glyphs: Glyphs) -> Theme {
    let strong = |color| fg(color).add_modifier(Modifier::BOLD);
    let hues =
        [Color::LightCyan, Color::LightGreen, Color::LightYellow, Color::LightMagenta, Color::LightBlue, Color::White];
    Theme {
        name: "contrast",
        text: bold(),
        muted: Style::new(),
        accent: strong(Color::LightCyan),
        ok: fg(Color::LightGreen),
        warn: strong(Color::LightYellow),
        error: strong(Color::LightRed),
        cursor: reversed().add_modifier(Modifier::BOLD),
        found: reversed(),
        found_here: reversed().add_modifier(Modifier::BOLD),
        rule: Style::new(),
        processes: hues.into_iter().map(fg).collect(),
        glyphs,
    }
}

fn mono(glyphs: Glyphs) -> Theme {
    let underlined = Style::new().add_modifier(Modifier::UNDERLINED);
    Theme {
        name: "mono",
        text: Style::new(),
        muted: Style::new(),
        accent: bold(),
        ok: Style::new(),
        warn: underlined,
        error: bold(),
        cursor: reversed(),
        found: underlined,
        found_here: reversed(),
        rule: Style::new(),
        processes: vec![Style::new()],
        glyphs,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_wins_over_everything() {
        let get = |key: &str| (key == "NO_COLOR" || key == "COLORTERM").then(|| "truecolor".to_string());
        assert_eq!(Depth::of_environment(get), Depth::Mono);
        assert_eq!(Theme::new("dark", Depth::Mono, false).unwrap().text, Style::new());
    }

    #[test]
    fn every_named_theme_is_there_and_others_are_an_error_that_names_them() {
        for name in NAMES {
            assert_eq!(Theme::new(name, Depth::True, false).unwrap().name, name);
        }
        assert!(Theme::new("solar", Depth::True, false).unwrap_err().message().contains("contrast"));
    }

    #[test]
    fn without_true_colour_no_rgb_is_left() {
        let theme = Theme::new("light", Depth::Palette, false).unwrap();
        assert!(matches!(theme.text.fg, Some(Color::Indexed(_))));
        assert!(theme.processes.iter().all(|style| matches!(style.fg, Some(Color::Indexed(_)))));
    }

    #[test]
    fn a_process_keeps_its_colour() {
        let theme = Theme::new("auto", Depth::Ansi, false).unwrap();
        assert_eq!(theme.process("web"), theme.process("web"));
        let few: std::collections::HashSet<_> = ["web", "api", "worker", "db", "e2e"].map(|n| theme.process(n)).into();
        assert!(few.len() > 2);
    }
}
