//! A terminal that takes what the UI is allowed to write and nothing else, and shows it.

use crate::tui::text::{is_harmful, width};
use crate::wire::screen::Emulator;

/// A screen that is written to; it shows what a terminal would.
pub(super) struct Strict {
    emulator: Emulator,
    size: (u16, u16),
}

impl Strict {
    pub(super) fn new(size: (u16, u16)) -> Strict {
        Strict { emulator: Emulator::new(size.0, size.1), size }
    }

    /// The terminal has another size.
    pub(super) fn resize(&mut self, size: (u16, u16)) {
        self.emulator.resize(size.0, size.1);
        self.size = size;
    }

    /// Takes the bytes of a frame: one synchronized update of letters, places on the screen, looks, and the cursor's.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.emulator.feed(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        if text.is_empty() {
            return Ok(());
        }
        let inner = text.strip_prefix("\x1b[?2026h").and_then(|text| text.strip_suffix("\x1b[?2026l"));
        let mut rest = inner.ok_or("it is not one synchronized update")?;
        let mut column = 0;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("\x1b[") {
                let end = after.find(|ch: char| !matches!(ch, '0'..='9' | ';' | '?')).ok_or("a sequence has no end")?;
                let (parameters, last) = (&after[..end], after[end..].chars().next().unwrap_or(' '));
                column = self.sequence(parameters, last, column)?;
                rest = &after[end + last.len_utf8()..];
            } else {
                // What begins otherwise begins with a character that is refused.
                let run = &rest[..rest.find("\x1b[").unwrap_or(rest.len())];
                if let Some(ch) = run.chars().find(|ch| is_harmful(*ch)) {
                    return Err(format!("{ch:?} is written"));
                }
                column += width(run);
                if column > self.size.0.into() {
                    return Err(format!("{run:?} ends in column {column} of {}", self.size.0));
                }
                rest = &rest[run.len()..];
            }
        }
        Ok(())
    }

    /// The column after this sequence.
    fn sequence(&self, parameters: &str, last: char, column: usize) -> Result<usize, String> {
        match (parameters, last) {
            ("?25", 'h' | 'l') | ("2", 'J') => Ok(column),
            (looks, 'm') if looks.split(';').all(|part| part.parse::<u8>().is_ok()) => Ok(column),
            (place, 'H') => {
                let numbers =
                    place.split_once(';').and_then(|(row, column)| Some((row.parse().ok()?, column.parse().ok()?)));
                let (row, column): (u16, u16) = numbers.ok_or(format!("{place:?} is no place"))?;
                let inside = (1..=self.size.1).contains(&row) && (1..=self.size.0).contains(&column);
                if inside {
                    Ok(usize::from(column) - 1)
                } else {
                    Err(format!("{row};{column} is not on {:?}", self.size))
                }
            }
            _ => Err(format!("{parameters:?}{last:?} is written")),
        }
    }

    /// The rows that are seen, without trailing blanks.
    pub(super) fn rows(&self) -> Vec<String> {
        let columns = self.size.0.into();
        self.emulator.picture(0).rows.iter().map(|row| row.text(0, columns).trim_end().to_string()).collect()
    }
}

#[test]
fn the_strict_terminal_takes_a_frame_and_refuses_what_is_not_ours() {
    let mut strict = Strict::new((4, 2));
    let frame = |inner: &str| format!("\x1b[?2026h{inner}\x1b[?2026l").into_bytes();
    strict.take(&frame("\x1b[0m\x1b[2J\x1b[2;1H\x1b[0;31mab漢\x1b[?25l")).unwrap();
    assert_eq!(strict.rows(), ["", "ab漢"]);
    for wrong in ["\x1b[3;1Ha", "\x1b[1;1Habcde", "\x1b[1;1Ha\x07", "\x1b[?1049l", "\x1b]0;t\x07", "\u{202e}", "\n"] {
        assert!(strict.take(&frame(wrong)).is_err(), "{wrong:?}");
    }
    assert!(strict.take(b"a").is_err());
}
