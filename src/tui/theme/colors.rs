//! How many colours a terminal has, and the nearest of them to a colour that it has not.

use ratatui::style::Color;

use crate::config;

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

    /// The nearest colour that the terminal has.
    pub(super) fn nearest(self, color: Color) -> Color {
        match (self, color) {
            (Depth::Palette, Color::Rgb(r, g, b)) => Color::Indexed(to_palette([r, g, b])),
            (Depth::Ansi, Color::Rgb(r, g, b)) => NAMED[to_named([r, g, b])],
            (Depth::Ansi, Color::Indexed(index)) => NAMED[to_named(of_palette(index))],
            _ => color,
        }
    }
}

/// The first sixteen, by their numbers.
const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// What they are where nobody has changed them.
const USUAL: [u32; 16] = [
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00,
    0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
];

/// The steps of the 6×6×6 cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// A colour of the settings as it is drawn.
pub(super) fn drawn(color: config::Color) -> Color {
    match color {
        config::Color::Default => Color::Reset,
        config::Color::Index(index) => NAMED.get(usize::from(index)).copied().unwrap_or(Color::Indexed(index)),
        config::Color::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

pub(super) fn rgb(hex: u32) -> Color {
    let [_, r, g, b] = hex.to_be_bytes();
    Color::Rgb(r, g, b)
}

/// Black or white, whichever is easier to read on this.
pub(super) fn ink_on(color: Color) -> Color {
    // Halfway between black and white, as the eye sees it: both have a contrast of 4.58 there.
    if luminance(parts(color)) > 0.179 { rgb(0) } else { rgb(0xff_ffff) }
}

/// Red, green, blue; of a colour of the terminal's own choice what it usually is.
pub(super) fn parts(color: Color) -> [u8; 3] {
    match color {
        Color::Rgb(r, g, b) => [r, g, b],
        Color::Indexed(index) => of_palette(index),
        named => of_palette(NAMED.iter().position(|known| *known == named).unwrap_or(0) as u8),
    }
}

fn of_palette(index: u8) -> [u8; 3] {
    match index {
        0..16 => {
            let [_, r, g, b] = USUAL[usize::from(index)].to_be_bytes();
            [r, g, b]
        }
        16..232 => [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(|step| STEPS[usize::from(step)]),
        232.. => [8 + 10 * (index - 232); 3],
    }
}

/// The nearest of the cube and of the greys; never one of the first sixteen, which may be any colour.
fn to_palette(color: [u8; 3]) -> u8 {
    let away = |index: &u8| {
        let other = of_palette(*index);
        (0..3).map(|part| u32::from(color[part].abs_diff(other[part])).pow(2)).sum::<u32>()
    };
    (16..=255).min_by_key(away).unwrap_or(16)
}

/// The number of the named colour of the same hue; of a grey, by its lightness.
fn to_named(color: [u8; 3]) -> usize {
    let [low, high] = [color.iter().min(), color.iter().max()].map(|part| u16::from(*part.unwrap_or(&0)));
    let middle = low.midpoint(high);
    if high - low < 48 {
        return match middle {
            0..64 => 0,
            64..160 => 8,
            160..232 => 7,
            _ => 15,
        };
    }
    let bits = color.iter().enumerate().filter(|(_, part)| u16::from(**part) > middle);
    bits.map(|(bit, _)| 1 << bit).sum::<usize>() + if middle > 150 { 8 } else { 0 }
}

/// How light the eye finds a colour, from 0 to 1 (WCAG 2).
pub(super) fn luminance(color: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_wins_over_everything() {
        let get = |key: &str| (key == "NO_COLOR" || key == "COLORTERM").then(|| "truecolor".to_string());
        assert_eq!(Depth::of_environment(get), Depth::Mono);
    }

    #[test]
    fn a_colour_that_a_terminal_has_not_becomes_the_nearest_that_it_has() {
        let nearest = |depth: Depth, hex| depth.nearest(rgb(hex));
        for (hex, palette, named) in [
            (0xff8700, 208, Color::Yellow),
            (0x7dcfff, 117, Color::LightCyan),
            (0xf7768e, 210, Color::LightRed),
            (0x73daca, 80, Color::LightCyan),
            (0xa02a4a, 125, Color::Red),
            (0x808080, 244, Color::DarkGray),
            (0x000000, 16, Color::Black),
            (0xffffff, 231, Color::White),
        ] {
            assert_eq!(nearest(Depth::Palette, hex), Color::Indexed(palette), "{hex:06x}");
            assert_eq!(nearest(Depth::Ansi, hex), named, "{hex:06x}");
            assert_eq!(nearest(Depth::True, hex), rgb(hex));
        }
        assert_eq!(Depth::Ansi.nearest(Color::Indexed(196)), Color::Red);
        assert_eq!(Depth::Palette.nearest(Color::Indexed(196)), Color::Indexed(196));
        assert_eq!(Depth::Ansi.nearest(Color::Blue), Color::Blue);
        assert_eq!((16..=255).find(|index| to_palette(of_palette(*index)) != *index), None);
    }

    #[test]
    fn ink_is_read_on_whatever_it_stands() {
        for (paper, ink) in [(0xffff00, 0), (0x283457, 0xff_ffff), (0xb58900, 0), (0x00005f, 0xff_ffff)] {
            assert_eq!(ink_on(rgb(paper)), rgb(ink), "{paper:06x}");
        }
        assert_eq!(ink_on(Color::LightCyan), rgb(0));
        assert_eq!(ink_on(Color::Blue), rgb(0xff_ffff));
    }
}
