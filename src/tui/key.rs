//! A key as a person writes it: `ctrl+p`, `space`, `R`, `shift+up`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::theme::Glyphs;

/// A key with its modifiers. Shift is part of a letter (`R`), not a modifier of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: [(&str, KeyCode); 15] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("delete", KeyCode::Delete),
    ("backspace", KeyCode::Backspace),
];

impl Key {
    /// The key that was pressed.
    pub(crate) fn of(event: KeyEvent) -> Key {
        let mut modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers.remove(KeyModifiers::SHIFT);
        }
        // Four control characters have no letter; they arrive under the digits of an old keyboard.
        let code = match event.code {
            KeyCode::Char(digit @ '4'..='7') if modifiers == KeyModifiers::CONTROL => {
                KeyCode::Char([b'\\', b']', b'^', b'_'][usize::from(digit as u8 - b'4')].into())
            }
            code => code,
        };
        Key { code, modifiers }
    }

    /// The event that this key sends.
    pub(crate) fn as_event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// Reads a key; `None` if there is no such key, or if no terminal can send it apart from another.
    pub(crate) fn parse(text: &str) -> Option<Key> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((modifier, after)) = rest.split_once('+').filter(|(_, after)| !after.is_empty()) {
            modifiers |= match modifier.to_ascii_lowercase().as_str() {
                "ctrl" => KeyModifiers::CONTROL,
                "alt" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => return None,
            };
            rest = after;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(ch), None) => KeyCode::Char(if modifiers.is_empty() { ch } else { ch.to_ascii_lowercase() }),
            _ => code(&rest.to_ascii_lowercase())?,
        };
        let key = match code {
            KeyCode::Tab if modifiers == KeyModifiers::SHIFT => {
                Key { code: KeyCode::BackTab, modifiers: KeyModifiers::NONE }
            }
            KeyCode::Char(ch) if modifiers == KeyModifiers::SHIFT => {
                Key { code: KeyCode::Char(ch.to_ascii_uppercase()), modifiers: KeyModifiers::NONE }
            }
            _ => Key { code, modifiers },
        };
        Some(key).filter(|key| !key.is_ambiguous())
    }

    /// Ctrl+H, I, J, M, [ are other keys to a terminal, Ctrl+S and Q stop and start its output.
    fn is_ambiguous(self) -> bool {
        self.modifiers.contains(KeyModifiers::CONTROL)
            && matches!(self.code, KeyCode::Char('h' | 'i' | 'j' | 'm' | '[' | 's' | 'q'))
    }

    /// As it is written on the screen, where arrows are words if only ASCII may be drawn.
    pub(crate) fn written(self, glyphs: Glyphs) -> String {
        let mut hint = self.hint();
        if glyphs.is_ascii() {
            for (arrow, word) in [("↑", "Up"), ("↓", "Down"), ("←", "Left"), ("→", "Right")] {
                hint = hint.replace(arrow, word);
            }
        }
        hint
    }

    /// As it is written in hints: short.
    pub(crate) fn hint(self) -> String {
        let name = match self.code {
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::Char(' ') => "Space".into(),
            KeyCode::Char(ch) if self.modifiers == KeyModifiers::CONTROL => {
                return format!("^{}", ch.to_ascii_uppercase());
            }
            KeyCode::Char(ch) => ch.to_string(),
            KeyCode::F(number) => format!("F{number}"),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::BackTab => "Shift+Tab".into(),
            other => other.to_string(),
        };
        let modifiers =
            [(KeyModifiers::CONTROL, "Ctrl+"), (KeyModifiers::ALT, "Alt+"), (KeyModifiers::SHIFT, "Shift+")];
        let written: String = modifiers
            .iter()
            .filter(|(modifier, _)| self.modifiers.contains(*modifier))
            .map(|(_, name)| *name)
            .collect();
        written + &name
    }
}

fn code(name: &str) -> Option<KeyCode> {
    if let Some((_, code)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    let number = name.strip_prefix('f')?.parse().ok()?;
    Some(KeyCode::F(number)).filter(|_| (1..=12).contains(&number))
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written() {
        for (text, hint) in [
            ("ctrl+p", "^P"),
            ("space", "Space"),
            ("R", "R"),
            ("shift+up", "Shift+↑"),
            ("+", "+"),
            ("f1", "F1"),
            ("alt+r", "Alt+r"),
            ("shift+tab", "Shift+Tab"),
        ] {
            assert_eq!(Key::parse(text).unwrap().hint(), hint, "{text}");
        }
        for bad in ["", "hyper+x", "f13", "ctrl+h", "ctrl+s", "word"] {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_capital_letter_is_the_same_with_and_without_the_shift_flag() {
        let with = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT);
        let without = KeyEvent::new(KeyCode::Char('R'), KeyModifiers::NONE);
        assert_eq!(Key::of(with), Key::of(without));
    }
}
