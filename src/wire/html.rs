//! Puts a text into the head of an HTML page while it streams by: no DOM, no buffering beyond 1 KiB, one insertion at most.
//!
//! The text goes right after `<head …>`, or before the first tag or text that comes without one (never before the doctype,
//! which would switch the page to quirks mode). Where the answer's head names no charset, a `<meta charset>` that comes
//! next stays first. What does not begin like a document passes unchanged, and so does a page that has the text already.
//! However the bytes are split, the result is the same; after the insertion everything is copied.

use std::sync::Arc;

use memchr::memmem;

/// Bytes that are held back at most while it is not known what they are, and white space that is passed before a tag.
pub const HOLD_BYTES_MAX: usize = 1024;

/// What is to be put in, and how.
#[derive(Clone, Debug)]
pub struct Insertion {
    /// The text, a tag.
    pub text: Arc<str>,
    /// What tells that a page has such a text already: a part of its tag.
    pub mark: &'static str,
    /// The answer's head names the charset, so a `<meta charset>` has no claim to the first place.
    pub charset_known: bool,
}

/// What became of the insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is known yet.
    Open,
    /// The text was put in.
    Inserted,
    /// It was not, and the page is unchanged; why.
    Not(&'static str),
}

/// The machine: bytes in, the same bytes with the text out.
///
/// ```
/// use brummer::wire::html::{Insert, Insertion};
///
/// let what = Insertion { text: "<script></script>".into(), mark: "data-mark", charset_known: true };
/// let (mut insert, mut page) = (Insert::new(what), Vec::new());
/// for part in ["<!DOCTYPE html><ht", "ml lang=en><head", "><title>x"] {
///     insert.feed(part.as_bytes(), &mut page);
/// }
/// insert.finish(&mut page);
/// assert_eq!(page, b"<!DOCTYPE html><html lang=en><head><script></script><title>x");
/// ```
#[derive(Debug)]
pub struct Insert {
    what: Insertion,
    place: Place,
    held: Vec<u8>,
    /// It begins like a document: with a doctype, a tag of `html` or `head`, a comment or a byte order mark.
    document: bool,
    /// A doctype or a tag of `html` was there, so that text belongs to a page as well.
    sure: bool,
    /// White space passed before anything else.
    blank: usize,
    outcome: Outcome,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between the things that come before the head.
    Between,
    /// In a comment, with the state of its end.
    Comment(Dashes),
    /// In `<!…>`, `<?…>` or `</…>`.
    Bogus,
    /// In the tag of `html`, or, if so told, of `head`.
    Tag { head: bool, at: Attribute },
    /// The place of the text is at the beginning of what is held.
    Found,
    /// Behind the insertion, or where there will be none.
    Plain,
}

/// How much of a comment's end was seen; `<!-->` and `<!--->` are comments too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dashes {
    Opened,
    OpenedOne,
    Zero,
    One,
    Two,
    Bang,
}

/// Where in a tag's attributes a byte stands; a quote counts only where a value begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    Outside,
    Name,
    AfterName,
    BeforeValue,
    Quoted(u8),
    Bare,
}

impl Attribute {
    /// The state after `byte`; `None` when it ended the tag.
    fn next(self, byte: u8) -> Option<Attribute> {
        use Attribute::*;
        let blank = is_blank(byte);
        Some(match (self, byte) {
            (Quoted(quote), _) if byte == quote => Outside,
            (Quoted(_), _) => self,
            (_, b'>') => return None,
            (Outside | AfterName, b'/') => Outside,
            (Outside, b'=') => Name,
            (Name | AfterName, b'=') => BeforeValue,
            (Name, b'/') => Outside,
            (Name | AfterName, _) if blank => AfterName,
            (Outside | Bare, _) if blank => Outside,
            (BeforeValue, b'"' | b'\'') => Quoted(byte),
            (BeforeValue, _) if blank => BeforeValue,
            (BeforeValue | Bare, _) => Bare,
            (Outside | Name | AfterName, _) => Name,
        })
    }
}

impl Dashes {
    /// The state after `byte`; `None` when it ended the comment.
    fn next(self, byte: u8) -> Option<Dashes> {
        use Dashes::*;
        Some(match (self, byte) {
            (Opened | OpenedOne | Two | Bang, b'>') => return None,
            (Opened, b'-') => OpenedOne,
            (OpenedOne | One | Two, b'-') => Two,
            (Zero | Bang, b'-') => One,
            (Two, b'!') => Bang,
            _ => Zero,
        })
    }
}

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// More bytes are needed.
    Partial,
    Text,
    Comment,
    /// `<!…`, `<?…`, `</` without a name; whether it is a doctype.
    Bogus(bool),
    /// A tag whose name has this many bytes.
    Tag(usize),
    /// An end tag.
    End,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

fn token(bytes: &[u8]) -> Token {
    match bytes {
        [] | [b'<'] | [b'<', b'/'] => Token::Partial,
        [b'<', b'!', rest @ ..] => {
            let starts = |word: &[u8]| {
                let common = rest.len().min(word.len());
                rest[..common].eq_ignore_ascii_case(&word[..common])
            };
            match rest.len() {
                0 => Token::Partial,
                1 if starts(b"--") => Token::Partial,
                _ if starts(b"--") => Token::Comment,
                n if n < 7 && starts(b"doctype") => Token::Partial,
                _ => Token::Bogus(starts(b"doctype")),
            }
        }
        [b'<', b'/', byte, ..] if byte.is_ascii_alphabetic() => Token::End,
        [b'<', b'?' | b'/', ..] => Token::Bogus(false),
        [b'<', byte, rest @ ..] if byte.is_ascii_alphabetic() => {
            let end = rest.iter().position(|&byte| is_blank(byte) || matches!(byte, b'/' | b'>'));
            end.map_or(Token::Partial, |end| Token::Tag(end + 1))
        }
        _ => Token::Text,
    }
}

/// The length of the tag at the beginning of `bytes`, which has a name of `name` bytes.
fn tag_end(bytes: &[u8], name: usize) -> Option<usize> {
    let mut at = Attribute::Outside;
    for (index, &byte) in bytes.iter().enumerate().skip(1 + name) {
        match at.next(byte) {
            Some(next) => at = next,
            None => return Some(index + 1),
        }
    }
    None
}

/// The length of the comment or the like at the beginning of `bytes`.
fn skipped_end(bytes: &[u8], comment: bool) -> Option<usize> {
    if !comment {
        return memchr::memchr(b'>', bytes).map(|at| at + 1);
    }
    let mut dashes = Dashes::Opened;
    for (index, &byte) in bytes.iter().enumerate().skip(4) {
        match dashes.next(byte) {
            Some(next) => dashes = next,
            None => return Some(index + 1),
        }
    }
    None
}

/// Whether a whole `<meta …>` names the charset.
fn names_charset(tag: &[u8]) -> bool {
    let lower = tag.to_ascii_lowercase();
    memmem::find_iter(&lower, b"charset").any(|at| {
        let before = lower[at - 1];
        // `charset=` of its own, or within `content="text/html; charset=…"`.
        let after = lower[at + 7..].iter().find(|byte| !is_blank(**byte));
        (is_blank(before) || matches!(before, b';' | b'/' | b'"' | b'\'')) && after == Some(&b'=')
    })
}

impl Insert {
    /// A machine for one answer.
    pub fn new(what: Insertion) -> Insert {
        let held = Vec::new();
        let (document, sure) = (false, false);
        Insert { what, place: Place::Between, held, document, sure, blank: 0, outcome: Outcome::Open }
    }

    /// What became of it so far.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether everything that comes now passes as it is, so that feeding it can be saved.
    pub fn is_plain(&self) -> bool {
        self.place == Place::Plain
    }

    /// Takes the next bytes of the page, and appends to `out` what can be passed on.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Plain => {
                    out.extend_from_slice(rest);
                    return;
                }
                Place::Between => self.between(rest, out),
                Place::Found => self.found(rest, out),
                Place::Comment(_) | Place::Bogus | Place::Tag { .. } => self.skip(rest, out),
            };
        }
    }

    /// The page has ended: appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self.place {
            Place::Plain => {}
            Place::Found => self.decide(true, out),
            _ => self.give_up("the page has no tag to stand beside", out),
        }
    }

    fn give_up(&mut self, why: &'static str, out: &mut Vec<u8>) {
        self.outcome = Outcome::Not(why);
        self.go_plain(out);
    }

    fn go_plain(&mut self, out: &mut Vec<u8>) {
        self.place = Place::Plain;
        out.append(&mut self.held);
        self.held = Vec::new();
    }

    /// Passes bytes on until what is being skipped ends.
    fn skip<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        for (index, &byte) in bytes.iter().enumerate() {
            let next = match self.place {
                Place::Comment(dashes) => dashes.next(byte).map(Place::Comment),
                Place::Tag { head, at } => at.next(byte).map(|at| Place::Tag { head, at }),
                _ => (byte != b'>').then_some(Place::Bogus),
            };
            let Some(next) = next else {
                let head = matches!(self.place, Place::Tag { head: true, .. });
                self.place = if head { Place::Found } else { Place::Between };
                out.extend_from_slice(&bytes[..=index]);
                return &bytes[index + 1..];
            };
            self.place = next;
        }
        out.extend_from_slice(bytes);
        &[]
    }

    /// Finds out what comes next before the head; one byte at a time, since it is a handful of them.
    fn between<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (&byte, rest) = bytes.split_first().expect("there is a byte, the caller has looked");
        if self.held.is_empty() && is_blank(byte) {
            out.push(byte);
            self.blank += 1;
            if self.blank > HOLD_BYTES_MAX && !self.document {
                self.give_up("the page begins with nothing but white space", out);
            }
            return rest;
        }
        self.held.push(byte);
        if !self.document && self.byte_order_mark(out) {
            return rest;
        }
        match token(&self.held) {
            Token::Partial if self.held.len() >= HOLD_BYTES_MAX => self.give_up("a tag that does not end", out),
            Token::Partial => {}
            Token::Comment => self.pass(Place::Comment(Dashes::Opened), out),
            Token::Bogus(doctype) => {
                self.sure |= doctype;
                self.pass(if byte == b'>' { Place::Between } else { Place::Bogus }, out);
            }
            Token::Tag(name) => self.tag(name, byte, out),
            Token::Text | Token::End if self.sure => self.place = Place::Found,
            Token::Text | Token::End => self.give_up("it does not begin like a document", out),
        }
        if self.place == Place::Found && !self.held.is_empty() {
            self.decide(false, out);
        }
        rest
    }

    /// Whether the bytes held are a byte order mark or the beginning of one, and have been seen to.
    fn byte_order_mark(&mut self, out: &mut Vec<u8>) -> bool {
        match self.held[..] {
            [0xef] | [0xef, 0xbb] | [0xfe] | [0xff] => return true,
            [0xef, 0xbb, 0xbf] => self.pass(Place::Between, out),
            [0xfe, 0xff] | [0xff, 0xfe] => self.give_up("the page is UTF-16", out),
            _ => return false,
        }
        true
    }

    fn tag(&mut self, name: usize, byte: u8, out: &mut Vec<u8>) {
        let word = &self.held[1..=name];
        let head = word.eq_ignore_ascii_case(b"head");
        if head || word.eq_ignore_ascii_case(b"html") {
            self.sure = true;
            match Attribute::Outside.next(byte) {
                Some(at) => self.pass(Place::Tag { head, at }, out),
                None => self.pass(if head { Place::Found } else { Place::Between }, out),
            }
        } else if self.document {
            self.place = Place::Found;
        } else {
            self.give_up("it does not begin like a document", out);
        }
    }

    /// Lets go of what is held; it was a part of a document's beginning.
    fn pass(&mut self, place: Place, out: &mut Vec<u8>) {
        self.document = true;
        self.place = place;
        out.append(&mut self.held);
    }

    /// Gathers what follows the place that was found, until it can be decided.
    fn found<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(bytes.len().min(HOLD_BYTES_MAX - self.held.len()));
        self.held.extend_from_slice(taken);
        self.decide(self.held.len() == HOLD_BYTES_MAX, out);
        rest
    }

    /// Puts the text in, if it is known where; at the `end` of the page or of what may be held, it is known.
    fn decide(&mut self, end: bool, out: &mut Vec<u8>) {
        let (place, open) = match place_in(&self.held, self.what.mark, self.what.charset_known) {
            Ahead::Marked => return self.give_up("the script is in the page already", out),
            Ahead::Place(place) => (place, false),
            Ahead::Open(place) => (place, true),
        };
        if open && !end {
            return;
        }
        out.extend_from_slice(&self.held[..place]);
        out.extend_from_slice(self.what.text.as_bytes());
        self.held.drain(..place);
        self.outcome = Outcome::Inserted;
        self.go_plain(out);
    }
}

/// What is known of the bytes behind the place.
enum Ahead {
    /// The text stands there.
    Marked,
    /// The text goes after so many bytes.
    Place(usize),
    /// It would go there if no more bytes came.
    Open(usize),
}

/// Looks at what follows the place: a `<meta charset>` may go first, and the text may be there already.
fn place_in(bytes: &[u8], mark: &str, charset_known: bool) -> Ahead {
    let (mut place, mut at) = (0, 0);
    let mut may_pass_meta = true;
    loop {
        at += bytes[at..].iter().take_while(|&&byte| is_blank(byte)).count();
        let here = &bytes[at..];
        let skipped = match token(here) {
            Token::Partial => return Ahead::Open(place),
            Token::Text | Token::End => return Ahead::Place(place),
            Token::Comment => skipped_end(here, true),
            Token::Bogus(_) => skipped_end(here, false),
            Token::Tag(name) => {
                let word = &here[1..=name];
                let meta = may_pass_meta && word.eq_ignore_ascii_case(b"meta");
                if !meta && !word.eq_ignore_ascii_case(b"script") {
                    return Ahead::Place(place);
                }
                let Some(end) = tag_end(here, name) else { return Ahead::Open(place) };
                if !meta {
                    let marked = memmem::find(&here[..end], mark.as_bytes()).is_some();
                    return if marked { Ahead::Marked } else { Ahead::Place(place) };
                }
                if !names_charset(&here[..end]) {
                    return Ahead::Place(place);
                }
                may_pass_meta = false;
                if !charset_known {
                    place = at + end;
                }
                Some(end)
            }
        };
        match skipped {
            Some(end) => at += end,
            None => return Ahead::Open(place),
        }
    }
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
