//! The themes that are there: the tables of their colours.

use ratatui::style::{Color, Modifier, Style};

use super::colors::rgb;
use super::{Glyphs, Theme};

fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn reversed() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

fn strong(color: Color) -> Style {
    fg(color).add_modifier(Modifier::BOLD)
}

/// The sixteen colours of the terminal on its own background.
pub(super) fn ansi(glyphs: Glyphs) -> Theme {
    let hues = [Color::Cyan, Color::Green, Color::Yellow, Color::Magenta, Color::LightBlue];
    Theme {
        name: "ansi".into(),
        ground: None,
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
        processes: hues.into_iter().map(fg).chain(hues.into_iter().map(strong)).collect(),
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
    /// What was found, and behind it; the second is the one with the cursor.
    found: [u32; 2],
    found_here: [u32; 2],
    rule: u32,
    processes: [u32; 12],
}

fn of_palette(palette: &Palette, glyphs: Glyphs) -> Theme {
    let ink = |hex| fg(rgb(hex));
    let on = |[ink, paper]: [u32; 2]| fg(rgb(ink)).bg(rgb(paper));
    Theme {
        name: palette.name.into(),
        ground: None,
        text: ink(palette.text),
        muted: ink(palette.muted),
        accent: ink(palette.accent),
        ok: ink(palette.ok),
        warn: ink(palette.warn),
        error: ink(palette.error),
        cursor: Style::new().bg(rgb(palette.cursor)),
        found: on(palette.found),
        found_here: on(palette.found_here),
        rule: ink(palette.rule),
        processes: palette.processes.into_iter().map(ink).collect(),
        glyphs,
    }
}

/// For a dark background.
pub(super) fn dark(glyphs: Glyphs) -> Theme {
    let palette = Palette {
        name: "dark",
        text: 0xc0caf5,
        muted: 0x9aa0bc,
        accent: 0x7dcfff,
        ok: 0x9ece6a,
        warn: 0xe0af68,
        error: 0xf7768e,
        cursor: 0x283457,
        found: [0xffffff, 0x705a1e],
        found_here: [0x000000, 0xb58900],
        rule: 0x4b5378,
        processes: [
            0x7dcfff, 0x9ece6a, 0xe0af68, 0xbc9cf7, 0x7aa2f7, 0x73daca, 0xff9e64, 0xc0a36e, 0xd7a8e8, 0x8fd3a5,
            0xa9b1f0, 0xe6c384,
        ],
    };
    of_palette(&palette, glyphs)
}

/// For a light background.
pub(super) fn light(glyphs: Glyphs) -> Theme {
    let palette = Palette {
        name: "light",
        text: 0x343b58,
        muted: 0x565a70,
        accent: 0x166775,
        ok: 0x00642a,
        warn: 0x734b0d,
        error: 0xa02a4a,
        cursor: 0xdbe1f5,
        found: [0x343b58, 0xffe9a8],
        found_here: [0x343b58, 0xffc44d],
        rule: 0xb9bed4,
        processes: [
            0x166775, 0x00642a, 0x734b0d, 0x5d2f99, 0x2e5aa8, 0x0b6b5e, 0x8a2f90, 0x8f2f5f, 0x2a2aa0, 0x3a6b00,
            0x713a00, 0x6b5a1e,
        ],
    };
    of_palette(&palette, glyphs)
}

/// White and bright on black, wherever it is drawn: the terminal's own background may be any.
pub(super) fn contrast(glyphs: Glyphs) -> Theme {
    let ink = |hex| fg(rgb(hex));
    let hues = [0x00ffff, 0x00ff00, 0xffff00, 0xff87ff, 0x87afff, 0xffaf00];
    Theme {
        name: "contrast".into(),
        ground: Some(rgb(0)),
        text: ink(0xffffff),
        muted: ink(0xdadada),
        accent: strong(rgb(0x00ffff)),
        ok: ink(0x00ff00),
        warn: strong(rgb(0xffff00)),
        error: strong(rgb(0xff8787)),
        cursor: reversed().add_modifier(Modifier::BOLD),
        found: ink(0).bg(rgb(0xffff00)),
        found_here: strong(rgb(0)).bg(rgb(0x00ffff)),
        rule: ink(0xdadada),
        processes: hues.into_iter().map(ink).collect(),
        glyphs,
    }
}

/// The same with the bright ones of sixteen colours.
pub(super) fn bright(glyphs: Glyphs) -> Theme {
    let hues =
        [Color::LightCyan, Color::LightGreen, Color::LightYellow, Color::LightMagenta, Color::LightBlue, Color::White];
    Theme {
        ground: Some(Color::Black),
        text: strong(Color::White),
        muted: fg(Color::White),
        accent: strong(Color::LightCyan),
        ok: fg(Color::LightGreen),
        warn: strong(Color::LightYellow),
        error: strong(Color::LightRed),
        found: fg(Color::Black).bg(Color::LightYellow),
        found_here: fg(Color::Black).bg(Color::LightCyan),
        rule: fg(Color::White),
        processes: hues.into_iter().map(fg).collect(),
        ..contrast(glyphs)
    }
}

/// Bold, underlined and reversed alone.
pub(super) fn mono(glyphs: Glyphs) -> Theme {
    let underlined = Style::new().add_modifier(Modifier::UNDERLINED);
    Theme {
        name: "mono".into(),
        ground: None,
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

#[cfg(test)]
mod tests {
    use super::super::Depth;
    use super::super::colors::{luminance, parts};
    use super::*;

    /// How much two colours stand apart, from 1 to 21 (WCAG 2).
    fn contrast_of(one: Color, other: Color) -> f64 {
        let [a, b] = [one, other].map(|color| luminance(parts(color)) + 0.05);
        a.max(b) / a.min(b)
    }

    /// Everything that is read, by its name.
    fn read(theme: &Theme) -> Vec<(&'static str, Style)> {
        let named = [
            ("text", theme.text),
            ("muted", theme.muted),
            ("accent", theme.accent),
            ("ok", theme.ok),
            ("warn", theme.warn),
            ("error", theme.error),
        ];
        named.into_iter().chain(theme.processes.iter().map(|style| ("a process", *style))).collect()
    }

    fn check(theme: &Theme, papers: &[Color], least: f64) {
        let cursor = theme.cursor.bg;
        for paper in papers.iter().copied().chain(cursor) {
            for (name, style) in read(theme) {
                let found = contrast_of(style.fg.unwrap(), paper);
                assert!(found >= least, "{}: {name} on {paper}: {found:.2}", theme.name);
            }
        }
        for (name, style) in [("match", theme.found), ("current match", theme.found_here)] {
            let found = contrast_of(style.fg.unwrap(), style.bg.unwrap());
            assert!(found >= least.min(4.5), "{}: {name}: {found:.2}", theme.name);
        }
        for paper in papers {
            let found = contrast_of(theme.rule.fg.unwrap(), *paper);
            assert!(found >= 1.5, "{}: a rule on {paper}: {found:.2}", theme.name);
        }
    }

    #[test]
    fn every_text_stands_out_from_usual_backgrounds_and_from_the_cursor() {
        let named = |name, depth| Theme::new(name, depth, false).unwrap();
        let [dark, light] = [[0x000000, 0x1e1e1e, 0x1a1b26, 0x282c34], [0xffffff, 0xfafafa, 0xfdf6e3, 0xf5f5f5]]
            .map(|all| all.map(rgb));
        for depth in [Depth::True, Depth::Palette] {
            check(&named("dark", depth), &dark, 4.5);
            check(&named("light", depth), &light, 4.5);
            let contrast = named("contrast", depth);
            check(&contrast, &[contrast.ground.unwrap()], 7.0);
        }
        // Without RGB the colours are the terminal's own: what is left is that text and background are both said.
        let bright = named("contrast", Depth::Ansi);
        assert_eq!((bright.text.fg, bright.ground), (Some(Color::White), Some(Color::Black)));
    }
}
