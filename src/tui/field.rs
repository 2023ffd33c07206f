//! One line of text that is being edited.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The text and where the cursor stands in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Field {
    text: String,
    /// A byte offset, always between two characters.
    cursor: usize,
}

/// A line is not longer than this, whatever is pasted.
const BYTES_MAX: usize = 4096;

impl Field {
    /// With this text as far as it can be typed, the cursor at its end.
    pub(crate) fn new(text: impl Into<String>) -> Field {
        let mut field = Field::default();
        field.insert(&text.into());
        field
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text before the cursor.
    pub(crate) fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// Inserts text; newlines become blanks, other controls go.
    pub(crate) fn insert(&mut self, text: &str) {
        for ch in text.chars() {
            let ch = if matches!(ch, '\n' | '\r' | '\t') { ' ' } else { ch };
            if !ch.is_control() && self.text.len() < BYTES_MAX {
                self.text.insert(self.cursor, ch);
                self.cursor += ch.len_utf8();
            }
        }
    }

    fn left(&self) -> usize {
        self.before().chars().next_back().map_or(0, |ch| self.cursor - ch.len_utf8())
    }

    fn right(&self) -> usize {
        self.text[self.cursor..].chars().next().map_or(self.cursor, |ch| self.cursor + ch.len_utf8())
    }

    fn word_left(&self) -> usize {
        let trimmed = self.before().trim_end();
        trimmed.rfind(char::is_whitespace).map_or(0, |at| at + trimmed[at..].chars().next().map_or(1, char::len_utf8))
    }

    fn word_right(&self) -> usize {
        let rest = &self.text[self.cursor..];
        let word = rest.len() - rest.trim_start().len();
        rest[word..].find(char::is_whitespace).map_or(self.text.len(), |at| self.cursor + word + at)
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    /// Takes an editing key; answers whether it was one.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Left => self.cursor = self.left(),
            KeyCode::Right => self.cursor = self.right(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Backspace => self.remove(self.left(), self.cursor),
            KeyCode::Delete => self.remove(self.cursor, self.right()),
            KeyCode::Char('a') if ctrl => self.cursor = 0,
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            KeyCode::Char('w') if ctrl => self.remove(self.word_left(), self.cursor),
            KeyCode::Char('u') if ctrl => self.remove(0, self.cursor),
            KeyCode::Char('k') if ctrl => self.text.truncate(self.cursor),
            KeyCode::Char('b') if alt => self.cursor = self.word_left(),
            KeyCode::Char('f') if alt => self.cursor = self.word_right(),
            KeyCode::Char(ch) if !ctrl && !alt => self.insert(ch.encode_utf8(&mut [0; 4])),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn press(field: &mut Field, code: KeyCode, modifiers: KeyModifiers) -> bool {
        field.key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn words_are_deleted_and_jumped_over() {
        let mut field = Field::new("run dev  now");
        press(&mut field, KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "run dev  ");
        press(&mut field, KeyCode::Char('b'), KeyModifiers::ALT);
        assert_eq!(field.before(), "run ");
        press(&mut field, KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(field.text(), "run ");
    }

    #[test]
    fn what_is_pasted_is_one_line_and_runs_nothing() {
        let mut field = Field::default();
        field.insert("a\nb\x1b[31m");
        assert_eq!(field.text(), "a b[31m");
        assert_eq!(Field::new("a\0b").text(), "ab");
        assert!(!press(&mut field, KeyCode::Enter, KeyModifiers::NONE));
    }

    proptest! {
        #[test]
        fn the_cursor_always_stands_between_two_characters(keys in proptest::collection::vec((0_usize..14, any::<char>()), 0..60)) {
            let mut field = Field::new("añ 漢");
            for (kind, ch) in keys {
                let (code, modifiers) = match kind {
                    0 => (KeyCode::Left, KeyModifiers::NONE),
                    1 => (KeyCode::Right, KeyModifiers::NONE),
                    2 => (KeyCode::Backspace, KeyModifiers::NONE),
                    3 => (KeyCode::Delete, KeyModifiers::NONE),
                    4 => (KeyCode::Char('w'), KeyModifiers::CONTROL),
                    5 => (KeyCode::Char('b'), KeyModifiers::ALT),
                    6 => (KeyCode::Char('f'), KeyModifiers::ALT),
                    7 => (KeyCode::Char('k'), KeyModifiers::CONTROL),
                    _ => (KeyCode::Char(ch), KeyModifiers::NONE),
                };
                press(&mut field, code, modifiers);
                prop_assert!(field.text().is_char_boundary(field.cursor));
            }
        }
    }
}
