//! Draws a captured screen as SVG: one text for each run of one look, its width said, so that any font keeps the columns.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar as _;

const CELL: (f32, f32) = (8.4, 18.0);
const MARGIN: f32 = 10.0;
/// The sixteen colours as programs in the picture use them, on a dark and on a light ground.
const DARK: [u32; 16] = [
    0x15161e, 0xf7768e, 0x9ece6a, 0xe0af68, 0x7aa2f7, 0xbb9af7, 0x7dcfff, 0xa9b1d6, 0x414868, 0xf7768e, 0x9ece6a,
    0xe0af68, 0x7aa2f7, 0xbb9af7, 0x7dcfff, 0xc0caf5,
];
const LIGHT: [u32; 16] = [
    0x343b58, 0xa02a4a, 0x33635c, 0x8f5e15, 0x2e5aa8, 0x7847bd, 0x166775, 0x6b7089, 0x6b7089, 0xa02a4a, 0x33635c,
    0x8f5e15, 0x2e5aa8, 0x7847bd, 0x166775, 0x343b58,
];

#[derive(Clone, Copy, Default, PartialEq)]
struct Look {
    fg: Option<u32>,
    bg: Option<u32>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    reverse: bool,
}

/// The picture of what tmux has captured with its colours.
pub(super) fn draw(captured: &str, columns: u16, rows: u16, light: bool) -> String {
    let (named, ground, text) = if light { (LIGHT, 0xfbfbfd, 0x343b58) } else { (DARK, 0x1a1b26, 0xc0caf5) };
    let width = f32::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n<style>text{{white-space:pre}}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#{ground:06x}\"/>\n"
    );
    let mut look = Look::default();
    for (y, line) in captured.lines().take(rows.into()).enumerate() {
        let mut column = 0;
        for (look, run) in runs(line, &mut look, &named) {
            let cells: usize = run.chars().map(|ch| ch.width().unwrap_or(0)).sum();
            piece(&mut svg, (column, y, cells), look, &run, (ground, text));
            column += cells;
        }
    }
    svg + "</svg>\n"
}

fn piece(
    svg: &mut String,
    (column, y, cells): (usize, usize, usize),
    look: Look,
    run: &str,
    (ground, text): (u32, u32),
) {
    let (mut fg, mut bg) = (look.fg.unwrap_or(text), look.bg);
    if look.reverse {
        (fg, bg) = (bg.unwrap_or(ground), Some(fg));
    }
    let (left, top) = (MARGIN + column as f32 * CELL.0, MARGIN + y as f32 * CELL.1);
    let width = cells as f32 * CELL.0;
    if let Some(bg) = bg {
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{}\" fill=\"#{bg:06x}\"/>",
            CELL.1
        );
    }
    // Blanks at both ends are only places.
    let inner = run.trim();
    if inner.is_empty() {
        return;
    }
    let before = run.len() - run.trim_start().len();
    let width = (cells - (run.len() - inner.len())) as f32 * CELL.0;
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\"",
        left + before as f32 * CELL.0,
        top + 13.5
    );
    let _ = write!(svg, " fill=\"#{fg:06x}\"");
    for (on, attribute) in [
        (look.bold, " font-weight=\"700\""),
        (look.dim, " opacity=\".65\""),
        (look.italic, " font-style=\"italic\""),
        (look.underline, " text-decoration=\"underline\""),
    ] {
        svg.push_str(if on { attribute } else { "" });
    }
    let escaped = inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(svg, ">{escaped}</text>");
}

/// The runs of a line; the look goes on from line to line.
fn runs(line: &str, look: &mut Look, named: &[u32; 16]) -> Vec<(Look, String)> {
    let mut runs = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let end = rest.find('\x1b').unwrap_or(rest.len());
        if end > 0 {
            runs.push((*look, rest[..end].to_owned()));
        }
        rest = &rest[end..];
        if let Some(after) = rest.strip_prefix("\x1b[") {
            let last = after.find(|ch: char| ch.is_ascii_alphabetic()).unwrap_or(after.len() - 1);
            if after[last..].starts_with('m') {
                apply(&after[..last], look, named);
            }
            rest = &after[last + 1..];
        } else {
            // A change of the letters' set and the like.
            rest = rest.get(3..).unwrap_or_default();
        }
    }
    runs
}

fn apply(parameters: &str, look: &mut Look, named: &[u32; 16]) {
    let numbers: Vec<u32> = parameters.split([';', ':']).map(|part| part.parse().unwrap_or(0)).collect();
    let mut rest = numbers.as_slice();
    while let Some((&number, after)) = rest.split_first() {
        rest = after;
        match number {
            0 => *look = Look::default(),
            1 => look.bold = true,
            2 => look.dim = true,
            3 => look.italic = true,
            4 => look.underline = true,
            7 => look.reverse = true,
            22 => (look.bold, look.dim) = (false, false),
            23 => look.italic = false,
            24 => look.underline = false,
            27 => look.reverse = false,
            30..=37 => look.fg = Some(named[number as usize - 30]),
            39 => look.fg = None,
            40..=47 => look.bg = Some(named[number as usize - 40]),
            49 => look.bg = None,
            90..=97 => look.fg = Some(named[number as usize - 82]),
            100..=107 => look.bg = Some(named[number as usize - 92]),
            38 | 48 => {
                let (color, after) = extended(rest, named);
                rest = after;
                if number == 38 { look.fg = color } else { look.bg = color }
            }
            _ => {}
        }
    }
}

fn extended<'a>(rest: &'a [u32], named: &[u32; 16]) -> (Option<u32>, &'a [u32]) {
    match rest {
        [2, r, g, b, after @ ..] => (Some(r << 16 | g << 8 | b), after),
        [5, index, after @ ..] => (Some(indexed(*index, named)), after),
        _ => (None, &[]),
    }
}

fn indexed(index: u32, named: &[u32; 16]) -> u32 {
    let step = |level: u32| if level == 0 { 0 } else { 55 + level * 40 };
    match index {
        0..=15 => named[index as usize],
        16..=231 => {
            let at = index - 16;
            step(at / 36) << 16 | step(at / 6 % 6) << 8 | step(at % 6)
        }
        _ => (8 + (index - 232) * 10) * 0x01_0101,
    }
}

#[test]
fn a_screen_becomes_texts_of_one_look_with_their_widths() {
    let picture = draw(" a\x1b[1;31m<b>\x1b[0m 漢\x1b[48;2;1;2;3m \x1b[0m\n\x1b[7mx", 10, 2, false);
    assert!(picture.contains("<text x=\"18.4\" y=\"23.5\" textLength=\"8.4\" fill=\"#c0caf5\">a</text>"), "{picture}");
    assert!(picture.contains("fill=\"#f7768e\" font-weight=\"700\">&lt;b&gt;</text>"), "{picture}");
    assert!(picture.contains("textLength=\"16.8\" fill=\"#c0caf5\">漢</text>"), "{picture}");
    assert!(picture.contains("fill=\"#010203\"/>") && picture.contains("fill=\"#1a1b26\">x</text>"), "{picture}");
}
