//! Text that was selected with the mouse: from one place within a line to another.

use std::ops::Range;

use crate::tui::logs::LogView;
use crate::tui::logs::window::clean_line;

/// A place in the text as it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    pub(crate) seq: u64,
    /// Bytes before it, of the cleaned text.
    pub(crate) at: usize,
}

/// Selected text; either end may be the later one. The letter at the later end belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Marked {
    pub(crate) from: Spot,
    pub(crate) to: Spot,
}

impl Marked {
    /// The part of a line's cleaned text that is selected.
    pub(crate) fn within(self, seq: u64, text: &str) -> Option<Range<usize>> {
        let (from, to) = (self.from.min(self.to), self.from.max(self.to));
        if !(from.seq..=to.seq).contains(&seq) {
            return None;
        }
        let begin = if seq == from.seq { from.at.min(text.len()) } else { 0 };
        let end = if seq == to.seq { next_letter(text, to.at) } else { text.len() };
        Some(begin..end.max(begin))
    }
}

/// The end of the letter at `at`.
pub(crate) fn next_letter(text: &str, at: usize) -> usize {
    (at + 1..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len())
}

/// The word around a place: what a path, a URL or a name is made of.
pub(crate) fn word(text: &str, at: usize) -> Range<usize> {
    let is_word = |ch: char| ch.is_alphanumeric() || "_-./:@%+~#?&=$".contains(ch);
    let at = at.min(text.len());
    if !text[at..].starts_with(is_word) {
        return at..at;
    }
    let begin = text[..at].char_indices().rev().take_while(|(_, ch)| is_word(*ch)).last().map_or(at, |(from, _)| from);
    let end = text[at..].find(|ch| !is_word(ch)).map_or(text.len(), |length| at + length);
    let end = begin + text[begin..end].trim_end_matches(['.', ':', '?']).len();
    begin..end.max(next_letter(text, at).min(end.max(at)))
}

impl LogView {
    /// The selected text: of whole lines as it is stored, of parts as it is drawn.
    pub(crate) fn marked_text(&self, most: usize) -> Option<String> {
        let marked = self.marked?;
        let (from, to) = (marked.from.seq.min(marked.to.seq), marked.from.seq.max(marked.to.seq));
        let (rows, mut text) = (self.rows(), String::new());
        let mut next = rows.at_or_after(from);
        while let Some(line) = next.filter(|seq| *seq <= to).and_then(|seq| rows.get(seq)) {
            if line.seq != from {
                text.push('\n');
            }
            let clean = clean_line(&line).text;
            match marked.within(line.seq, &clean) {
                Some(part) if part == (0..clean.len()) => text.push_str(&String::from_utf8_lossy(line.plain)),
                Some(part) => text.push_str(&clean[part]),
                None => {}
            }
            if text.len() > most {
                break;
            }
            next = rows.next(line.seq);
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_name_a_path_or_a_url() {
        let text = "see http://localhost:3000/a?b=c. Or (src/größe.rs:4:2) now";
        assert_eq!(&text[word(text, 8)], "http://localhost:3000/a?b=c");
        assert_eq!(&text[word(text, 40)], "src/größe.rs:4:2");
        assert_eq!(word(text, 3), 3..3);
        assert_eq!(word(text, text.len()), text.len()..text.len());
    }

    #[test]
    fn a_selection_holds_the_letters_at_both_ends_whichever_came_first() {
        let spot = |seq, at| Spot { seq, at };
        let marked = Marked { from: spot(7, 2), to: spot(5, 4) };
        assert_eq!(marked.within(5, "0123456"), Some(4..7));
        assert_eq!(marked.within(6, "0123456"), Some(0..7));
        assert_eq!(marked.within(7, "01ö"), Some(0..4));
        assert_eq!(marked.within(8, "0123456"), None);
    }
}
