//! Long lines as wholes: which lines of a log are pieces of one, and a search that runs over the seams between them.
//!
//! A line of more than 32 KiB is kept in pieces, and pieces of the other stream and segment borders may lie between them.
//! Only segments with such a piece are looked through, by the union of their tags, so logs without long lines pay nothing.
//! The pieces are joined again, their escape sequences stripped from the whole, and searched as one text, of which at most
//! a megabyte is in memory at a time: an expression sees at least half a megabyte from the start of each match on, and a
//! literal all that it needs. Of an escape sequence that runs over a seam, 4 KiB before it are known. What `\r` wrote over
//! was taken out of each piece by itself.

use std::ops::Range;

use crate::event::Ending;
use crate::wire::ansi;

use super::line::Tag;
use super::pattern::Pattern;
use super::snapshot::View;

/// Bytes that are joined at a time.
pub(super) const JOIN_BYTES_MAX: usize = 1 << 20;
/// Bytes before a place at which an expression may look: a letter.
const CONTEXT_BYTES: usize = 4;

/// The long lines of a view.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// Their pieces as indices in the log; in order of the first.
    pub(super) lines: Vec<Vec<u64>>,
    /// All these pieces, in order.
    pieces: Vec<u64>,
}

impl Seams {
    /// Finds them. A piece whose line began in what is gone counts as what its ending makes it.
    pub(super) fn of(view: &View) -> Seams {
        let mut seams = Seams::default();
        // The line that goes on, by stream.
        let mut open: [Option<usize>; 2] = [None; 2];
        for segment in view.lines.segments() {
            if open == [None; 2] && !Tag::may_continue(segment.tags()) {
                continue;
            }
            for line in segment.lines().filter(|line| (view.from..view.to).contains(&line.index)) {
                let tag = Tag::unpack(line.tag);
                let (slot, goes_on) = (tag.stream as usize, tag.ending == Ending::Continued);
                let at = match open[slot].take() {
                    Some(at) => at,
                    None if goes_on => {
                        seams.lines.push(Vec::new());
                        seams.lines.len() - 1
                    }
                    None => continue,
                };
                open[slot] = goes_on.then_some(at);
                seams.lines[at].push(line.index);
                seams.pieces.push(line.index);
            }
        }
        seams
    }

    /// The long lines that begin in this part of the log.
    pub(super) fn beginning_in(&self, log: Range<u64>) -> Range<usize> {
        let before = |index: u64| self.lines.partition_point(|pieces| pieces[0] < index);
        before(log.start)..before(log.end)
    }

    /// What is left of a part of the log when the pieces are taken out.
    pub(super) fn between(&self, log: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let place = |index: u64| self.pieces.partition_point(|piece| *piece < index);
        let pieces = self.pieces[place(log.start)..place(log.end)].iter().copied();
        let starts = std::iter::once(log.start).chain(pieces.clone().map(|piece| piece + 1));
        starts.zip(pieces.chain([log.end])).map(|(start, end)| start..end).filter(|run| !run.is_empty())
    }
}

/// A long line, joined as far as it is being searched.
#[derive(Debug, Default)]
struct Joined {
    text: Vec<u8>,
    /// Where in the text its pieces begin, from number `first` on.
    starts: Vec<usize>,
    first: usize,
    /// The start of an escape sequence at the end of the last piece.
    open: Vec<u8>,
}

impl Joined {
    fn push(&mut self, raw: &[u8]) {
        self.starts.push(self.text.len());
        if self.open.is_empty() {
            self.open.extend_from_slice(ansi::strip_start(raw, &mut self.text));
        } else {
            let both = [&self.open, raw].concat();
            self.open.clear();
            self.open.extend_from_slice(ansi::strip_start(&both, &mut self.text));
        }
    }

    /// What was opened does not go on.
    fn end(&mut self) {
        ansi::strip(&std::mem::take(&mut self.open), &mut self.text);
    }

    /// The number of the piece that holds this byte, and where it ends.
    fn piece_at(&self, offset: usize) -> (usize, usize) {
        let next = self.starts.partition_point(|start| *start <= offset);
        (self.first + next - 1, self.starts.get(next).copied().unwrap_or(self.text.len()))
    }

    /// Gives up the first bytes.
    fn forget(&mut self, bytes: usize) {
        self.text.drain(..bytes);
        let gone = self.starts.partition_point(|start| *start <= bytes).saturating_sub(1);
        self.starts.drain(..gone);
        self.first += gone;
        self.starts.iter_mut().for_each(|start| *start = start.saturating_sub(bytes));
    }
}

/// Hands the number of each piece in which a match begins to `take`, once; a match begins behind the one before it and
/// the piece that that began in. Says `false` when `go_on`, asked for each stretch of `bytes_max`, ended it.
pub(super) fn search<'a>(
    mut pieces: impl Iterator<Item = &'a [u8]>,
    pattern: &Pattern,
    bytes_max: usize,
    go_on: &dyn Fn() -> bool,
    take: &mut dyn FnMut(usize),
) -> bool {
    // How far behind its start a match may end; one byte more settles whether it is a whole word.
    let reach = pattern.literal_len().map_or(bytes_max / 2, |len| len + 1);
    let bytes_max = bytes_max.max(2 * reach);
    let (mut joined, mut from, mut is_whole) = (Joined::default(), 0, false);
    let mut last = None;
    while !is_whole {
        if !go_on() {
            return false;
        }
        while joined.text.len() < bytes_max && !is_whole {
            match pieces.next() {
                Some(raw) => joined.push(raw),
                None => {
                    joined.end();
                    is_whole = true;
                }
            }
        }
        let sure = if is_whole { usize::MAX } else { joined.text.len() - reach };
        while let Some(hit) = pattern.find_at(&joined.text, from)
            && hit.start < sure
        {
            let (piece, end) = joined.piece_at(hit.start);
            if last.replace(piece) != Some(piece) {
                take(piece);
            }
            from = hit.end.max(end).max(hit.start + 1);
        }
        if !is_whole {
            from = from.max(sure);
            let known = from.saturating_sub(CONTEXT_BYTES);
            joined.forget(known);
            from -= known;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{ProcessId, Stream};
    use crate::logs::{LogLimits, LogStore, PatternOptions, Query, Snapshot, Writer};

    const PIECE: usize = 32 << 10;

    fn store(max_bytes: usize) -> (std::sync::Arc<LogStore>, Writer) {
        let store = LogStore::new(LogLimits { max_entries: 1, max_bytes, ..LogLimits::default() });
        let writer = store.writer(ProcessId(1), "web");
        (store, writer)
    }

    fn query(text: &str, regex: bool) -> Query {
        let options = PatternOptions { regex, ..PatternOptions::default() };
        Query { text: text.into(), options, ..Query::default() }
    }

    /// The hits' places in the log, oldest first.
    fn hits(snapshot: &Snapshot, query: &Query) -> Vec<u64> {
        let found = snapshot.search(query, &|| false).unwrap();
        assert!(found.complete && (query.limit.is_some() || found.count == found.hits.len() as u64));
        let mut places: Vec<_> = found.hits.iter().map(|hit| snapshot.rank(hit.seq)).collect();
        places.reverse();
        places
    }

    /// `before` bytes of `x`, the text, and `y` up to two more pieces.
    fn line(before: usize, text: &str) -> Vec<u8> {
        [&vec![b'x'; before][..], text.as_bytes(), &[b'y'; 2 * PIECE]].concat()
    }

    /// The pieces in which a match of the whole line begins.
    fn plainly(pieces: &[Vec<u8>], pattern: &Pattern) -> Vec<usize> {
        let mut whole = Vec::new();
        ansi::strip(&pieces.concat(), &mut whole);
        let start = |at: usize| {
            let mut before = Vec::new();
            ansi::strip_start(&pieces[..at].concat(), &mut before);
            before.len()
        };
        let starts: Vec<_> = (0..pieces.len()).map(start).collect();
        let (mut found, mut from) = (Vec::new(), 0);
        while let Some(hit) = pattern.find_at(&whole, from) {
            let piece = starts.iter().rposition(|start| *start <= hit.start).unwrap();
            found.push(piece);
            found.dedup();
            from = starts.get(piece + 1).copied().unwrap_or(whole.len()).max(hit.end).max(hit.start + 1);
        }
        found
    }

    fn pattern(text: &str, regex: bool, word: bool) -> Pattern {
        Pattern::new(text, PatternOptions { regex, word, ..PatternOptions::default() }).unwrap()
    }

    fn found(pieces: &[Vec<u8>], pattern: &Pattern, bytes_max: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let pieces = pieces.iter().map(|piece| &piece[..]);
        assert!(search(pieces, pattern, bytes_max, &|| true, &mut |piece| found.push(piece)));
        found
    }

    #[test]
    fn a_match_is_found_over_any_number_of_seams_and_counted_where_it_begins() {
        let pieces = [&b"one nee"[..], b"", b"\x1b[", b"31md", b"le two \x1b", b"[0mneedle"].map(<[u8]>::to_vec);
        for bytes_max in [1, 16, 1000] {
            assert_eq!(found(&pieces, &pattern("needle", false, true), bytes_max), [0, 5], "{bytes_max}");
            assert_eq!(found(&pieces, &pattern("^one", false, false), bytes_max), [0; 0], "{bytes_max}");
        }
        assert_eq!(found(&pieces, &pattern("^one.*needle$", true, false), 1000), [0]);
        assert_eq!(found(&pieces, &pattern(r"ne+dle\b", true, false), 1000), [0, 5]);
        assert_eq!(found(&pieces, &pattern("x*", true, false), 1000), [0, 3, 4, 5]);
    }

    #[test]
    fn no_more_than_a_stretch_of_a_line_is_joined_and_the_search_can_be_ended_between_two() {
        let pieces = vec![vec![b'x'; 100]; 50];
        let asked = std::cell::Cell::new(0);
        let go_on = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let whole = search(pieces.iter().map(|p| &p[..]), &pattern("needle", false, false), 500, &go_on, &mut |_| {});
        assert!(!whole && asked.get() == 3);
        let long = "x".repeat(3000);
        assert_eq!(found(&pieces, &pattern(&long, false, false), 500), [0]);
    }

    #[test]
    fn ls04_a_match_over_one_seam_and_over_two_is_found_where_it_begins() {
        let (store, mut writer) = store(64 << 20);
        writer.line(Stream::Out, &line(PIECE - 3, "needle"), Ending::Newline);
        writer.line(Stream::Out, &line(PIECE - 3, &format!("head{}tail", "-".repeat(PIECE))), Ending::Newline);
        writer.line(Stream::Out, b"needle", Ending::Newline);
        writer.publish();
        let snapshot = store.snapshot();
        assert_eq!(hits(&snapshot, &query("needle", false)), [0, 9]);
        assert_eq!(hits(&snapshot, &query("ne+d.e", true)), [0, 9]);
        assert_eq!(hits(&snapshot, &query("head-*tail", true)), [4]);
        assert_eq!(hits(&snapshot, &query(&format!("head{}tail", "-".repeat(PIECE)), false)), [4]);
        assert_eq!(hits(&snapshot, &query("^x[^z]*y$", true)), [0, 4]);
        assert_eq!(hits(&snapshot, &query("yneedle", false)), [0; 0], "a line ends at its newline");
        assert_eq!(hits(&snapshot, &Query { limit: Some(1), ..query("needle", false) }), [9]);
    }

    #[test]
    fn ls04_what_the_other_stream_wrote_between_two_pieces_is_no_part_of_their_line() {
        let (store, mut writer) = store(64 << 20);
        writer.line(Stream::Out, b"one nee", Ending::Continued);
        writer.line(Stream::Err, b"other nee", Ending::Continued);
        writer.line(Stream::Err, b"needle", Ending::Newline);
        writer.line(Stream::Err, b"needle", Ending::Newline);
        writer.line(Stream::Out, b"dle two", Ending::Newline);
        writer.publish();
        let snapshot = store.snapshot();
        assert_eq!(hits(&snapshot, &query("one needle two", false)), [0]);
        assert_eq!(hits(&snapshot, &query("^needle$", true)), [3]);
        let word = PatternOptions { word: true, ..PatternOptions::default() };
        assert_eq!(hits(&snapshot, &Query { options: word, ..query("needle", false) }), [0, 3]);
        assert_eq!(hits(&snapshot, &query("neeneedle", false)), [1]);
        assert_eq!(hits(&snapshot, &query("nee.*other", true)), [0; 0]);
        assert_eq!(hits(&snapshot, &query("", false)), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn ls04_an_escape_sequence_in_a_seam_is_no_part_of_the_text() {
        let (store, mut writer) = store(64 << 20);
        for (cut, text) in
            [(5, "nee\x1b[31mdle"), (5, "n\x1b[1;31mee\x1b[0mdle"), (1, "n\x1b]8;;http://a.dev\x1b\\eedle")]
        {
            writer.line(Stream::Out, &line(PIECE - cut, text), Ending::Newline);
        }
        writer.publish();
        let snapshot = store.snapshot();
        assert_eq!(hits(&snapshot, &query("xneedley", false)), [0, 4, 8]);
        assert_eq!(hits(&snapshot, &query("xne{2}dley", true)), [0, 4, 8]);
        assert_eq!(hits(&snapshot, &query("31m", false)), [0; 0]);
    }

    #[test]
    fn ls04_a_long_line_is_one_over_the_borders_of_segments_and_without_its_first_pieces() {
        let (store, mut writer) = store(2 << 20);
        let long: Vec<u8> = (0..200_000).flat_map(|number| format!("number {number:07} ").into_bytes()).collect();
        writer.line(Stream::Out, &long, Ending::Newline);
        writer.publish();
        let snapshot = store.snapshot();
        assert!(store.metrics().evicted > 20 && snapshot.len() > 20, "{:?}", store.metrics());
        let kept: Vec<u8> = snapshot.after(0).flat_map(|line| line.raw.to_vec()).collect();
        assert!(long.ends_with(&kept));
        let mut seams = vec![0];
        seams.extend(snapshot.after(0).scan(0, |end, line| {
            *end += line.raw.len();
            Some(*end)
        }));
        seams.pop();
        for at in 1..seams.len() {
            let around = std::str::from_utf8(&kept[seams[at] - 20..seams[at] + 1]).unwrap();
            assert_eq!(hits(&snapshot, &query(around, false)), [at as u64 - 1], "{around}");
            assert_eq!(hits(&snapshot, &query(&around.replace('0', r"\d"), true)).first(), Some(&(at as u64 - 1)));
        }
        assert_eq!(hits(&snapshot, &query("number 0000001", false)), [0; 0]);
        let from = snapshot.at_rank(9).unwrap().seq;
        let around = std::str::from_utf8(&kept[seams[9] - 10..seams[9] + 10]).unwrap();
        assert_eq!(hits(&snapshot, &Query { from_seq: Some(from), ..query(around, false) }), [0; 0]);
        assert_eq!(hits(&snapshot, &Query { from_seq: Some(from - 1), ..query(around, false) }), [8]);
    }

    #[test]
    fn ls04_the_newest_hits_are_found_first_also_when_their_line_began_long_ago() {
        let (store, mut writer) = store(64 << 20);
        writer.line(Stream::Out, b"old", Ending::Continued);
        for at in 0..40_000 {
            writer.line(Stream::Err, format!("an old line with number {at} in it").as_bytes(), Ending::Newline);
        }
        writer.line(Stream::Out, b" and newest old", Ending::Newline);
        writer.publish();
        let snapshot = store.snapshot();
        assert_eq!(hits(&snapshot, &query("old and newest", false)), [0]);
        let newest = snapshot.search(&Query { limit: Some(1), ..query("old", false) }, &|| false).unwrap();
        assert_eq!(newest.hits[0].seq, snapshot.last_seq().unwrap());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ls04_a_search_finds_what_is_in_the_joined_lines(
            steps in proptest::collection::vec((any::<bool>(), "([ab ]|\x1b\\[3?m?|\x1b\\]8|\x1b\\\\){0,10}", any::<bool>(), 0..10u8), 1..60),
            text in "[ab ]{1,3}",
            regex in proptest::sample::select(&["a.b", "^b", "b$", "a[^b]", r"\bab", "b *a"][..])
        ) {
            let (store, mut writer) = store(64 << 20);
            for (is_out, text, goes_on, filler) in &steps {
                let stream = if *is_out { Stream::Out } else { Stream::Err };
                // Now and then a line that is long enough to fill segments; no sequence runs through it.
                let text = if *filler == 0 { format!("{text}\x07{}{text}", "z".repeat(9000)) } else { text.clone() };
                writer.line(stream, text.as_bytes(), if *goes_on { Ending::Continued } else { Ending::Newline });
            }
            writer.publish();
            let snapshot = store.snapshot();
            let kept: Vec<_> = snapshot.after(0).map(|line| (line.stream, line.raw.to_vec(), line.ending)).collect();
            for (query, pattern) in [(query(&text, false), pattern(&text, false, false)), (query(regex, true), pattern(regex, true, false))] {
                let mut expected = Vec::new();
                for stream in [Stream::Out, Stream::Err] {
                    let (mut places, mut pieces) = (Vec::new(), Vec::new());
                    for (place, (_, raw, ending)) in kept.iter().enumerate().filter(|(_, line)| line.0 == stream) {
                        places.push(place as u64);
                        pieces.push(raw.clone());
                        if *ending != Ending::Continued {
                            expected.extend(plainly(&pieces, &pattern).into_iter().map(|piece| places[piece]));
                            (places, pieces) = Default::default();
                        }
                    }
                    if !pieces.is_empty() {
                        expected.extend(plainly(&pieces, &pattern).into_iter().map(|piece| places[piece]));
                    }
                }
                expected.sort_unstable();
                prop_assert_eq!(hits(&snapshot, &query), expected);
            }
        }

        #[test]
        fn a_line_in_pieces_is_searched_as_a_whole(
            pieces in proptest::collection::vec("([abA ]|\x1b\\[3?m?|\x1b\\]8|\x1b\\\\|é){0,12}", 1..30),
            text in "[abA ]{1,4}", word: bool,
            regex in proptest::sample::select(&["a.b", "(a|b)+", r"\ba", "^a", "b$", r"\Aa", "a[^b]", "é", "a*", "[ab]{2} "][..])
        ) {
            let pieces: Vec<_> = pieces.into_iter().map(String::into_bytes).collect();
            for pattern in [pattern(&text, false, word), pattern(regex, true, false)] {
                let expected = plainly(&pieces, &pattern);
                prop_assert_eq!(&found(&pieces, &pattern, 1 << 20), &expected);
                if regex != "(a|b)+" || pattern.literal_len().is_some() {
                    prop_assert_eq!(&found(&pieces, &pattern, 24), &expected);
                }
            }
        }
    }
}
