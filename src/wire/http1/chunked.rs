//! Bodies in chunks: a decoder that takes any cut of the bytes, and the little that an encoder needs.
//!
//! Chunks are forwarded anew: extensions go, sizes are written as we would, trailers are kept only up to a cap.

use super::fields::{Field, Known};
use super::refusal::Refusal;

/// Bytes of all extensions of a body; their line may have [`LINE_BYTES_MAX`].
const EXTENSION_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a line with a chunk's size.
const LINE_BYTES_MAX: usize = 256;
/// Bytes of the trailers of a body.
const TRAILER_BYTES_MAX: usize = 16 * 1024;
/// Fields in the trailers of a body.
const TRAILER_FIELDS_MAX: usize = 64;
/// Hexadecimal digits of a size: all of a u64.
const SIZE_DIGITS_MAX: u8 = 16;

/// What [`Decoder::decode`] found at the start of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// Bytes of the body; ask again with the input after `used`.
    Data {
        /// The bytes of the body, a part of the input.
        payload: &'a [u8],
        /// The bytes of the input that are done with.
        used: usize,
    },
    /// All of the input is done with, and the body has not ended.
    More,
    /// The body has ended; what follows `used` belongs to the next message.
    End {
        /// The bytes of the input that are done with.
        used: usize,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first digit of a size.
    #[default]
    Start,
    Size,
    /// White space between a size and its extension or the end of the line.
    Space,
    Extension,
    /// CR of a size's line was read.
    SizeFeed,
    Data,
    DataReturn,
    DataFeed,
    /// At the start of a trailer's line.
    Trailer,
    TrailerLine,
    TrailerFeed,
    /// CR of the empty line that ends all.
    EndFeed,
    Ended,
}

/// Takes a chunked body apart, in whatever pieces it comes. It fails for good: after an error the connection is lost.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    left: u64,
    digits: u8,
    line_bytes: usize,
    extension_bytes: usize,
    trailers: Vec<u8>,
}

impl Decoder {
    /// One at the start of a body.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Makes it ready for another body, with its memory kept.
    pub fn reset(&mut self) {
        let mut trailers = std::mem::take(&mut self.trailers);
        trailers.clear();
        *self = Decoder { trailers, ..Decoder::default() };
    }

    /// Whether the end was read.
    pub fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// The trailers, once the body has ended; those that frame, route or authorise are left out.
    pub fn trailers(&self) -> Trailers<'_> {
        Trailers { section: if self.has_ended() { &self.trailers } else { b"" } }
    }

    /// Reads on. A refusal has the status 400; on the answers' side it means 502, or a cut if the head has gone out.
    ///
    /// ```
    /// use brummer::wire::http1::{Decoded, Decoder};
    /// let mut decoder = Decoder::new();
    /// let input = b"5;x=y\r\nhello\r\n0\r\n\r\nnext";
    /// assert_eq!(decoder.decode(input), Ok(Decoded::Data { payload: b"hello", used: 12 }));
    /// assert_eq!(decoder.decode(&input[12..]), Ok(Decoded::End { used: 7 }));
    /// ```
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<'a>, Refusal> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.state == State::Data {
                let bytes = usize::try_from(self.left).unwrap_or(usize::MAX).min(input.len() - at);
                self.left -= bytes as u64;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
                return Ok(Decoded::Data { payload: &input[at..at + bytes], used: at + bytes });
            }
            if self.state == State::Ended {
                break;
            }
            at += 1;
            self.state = self.after(byte)?;
        }
        if self.state == State::Ended { Ok(Decoded::End { used: at }) } else { Ok(Decoded::More) }
    }

    fn after(&mut self, byte: u8) -> Result<State, Refusal> {
        match self.state {
            State::Start | State::Size | State::Space | State::Extension => self.in_size_line(byte),
            State::SizeFeed => match (byte, self.left) {
                (b'\n', 0) => Ok(State::Trailer),
                (b'\n', _) => Ok(State::Data),
                _ => Err(LINE),
            },
            State::DataReturn => expect(byte, b'\r', State::DataFeed, SURPLUS),
            State::DataFeed => {
                (self.digits, self.line_bytes) = (0, 0);
                expect(byte, b'\n', State::Start, SURPLUS)
            }
            State::Trailer | State::TrailerLine | State::TrailerFeed => self.in_trailers(byte),
            State::EndFeed if byte == b'\n' => self.end(),
            State::EndFeed => Err(LINE),
            State::Data | State::Ended => Ok(self.state),
        }
    }

    fn in_size_line(&mut self, byte: u8) -> Result<State, Refusal> {
        self.line_bytes += 1;
        if self.line_bytes > LINE_BYTES_MAX {
            return Err(Refusal::bad("The line of a chunk's size has more than 256 bytes."));
        }
        let has_size = self.state != State::Start;
        match byte {
            b'\r' if has_size => Ok(State::SizeFeed),
            _ if self.state == State::Extension => self.in_extension(byte),
            b';' if has_size => self.in_extension(byte),
            b' ' | b'\t' if has_size => Ok(State::Space),
            _ if self.state == State::Space => Err(SIZE),
            _ => {
                let digit = (byte as char).to_digit(16).ok_or(SIZE)?;
                if self.digits == SIZE_DIGITS_MAX {
                    return Err(SIZE);
                }
                self.digits += 1;
                self.left = (self.left << 4) | u64::from(digit);
                Ok(State::Size)
            }
        }
    }

    fn in_extension(&mut self, byte: u8) -> Result<State, Refusal> {
        self.extension_bytes += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX {
            return Err(Refusal::bad("The chunks' extensions have more than 16 KiB."));
        }
        let is_control = (byte < b' ' && byte != b'\t') || byte == 0x7f;
        if is_control {
            Err(Refusal::bad("A chunk's extension holds a control character."))
        } else {
            Ok(State::Extension)
        }
    }

    fn in_trailers(&mut self, byte: u8) -> Result<State, Refusal> {
        if self.state == State::Trailer && byte == b'\r' {
            return Ok(State::EndFeed);
        }
        if self.trailers.len() == TRAILER_BYTES_MAX {
            return Err(Refusal::bad("The trailers have more than 16 KiB."));
        }
        self.trailers.push(byte);
        match (self.state, byte) {
            (State::TrailerFeed, b'\n') => Ok(State::Trailer),
            (State::TrailerFeed, _) | (_, b'\n') => Err(LINE),
            (State::TrailerLine, b'\r') => Ok(State::TrailerFeed),
            _ => Ok(State::TrailerLine),
        }
    }

    /// All lines of the section are there; the empty one that ends it is kept with them, if there are any.
    fn end(&mut self) -> Result<State, Refusal> {
        if self.trailers.is_empty() {
            return Ok(State::Ended);
        }
        self.trailers.extend_from_slice(b"\r\n");
        match parse(&self.trailers, &mut [httparse::EMPTY_HEADER; TRAILER_FIELDS_MAX]) {
            Some(_) => Ok(State::Ended),
            None => Err(Refusal::bad("A trailer is not `name: value`.")),
        }
    }
}

const SIZE: Refusal = Refusal::bad("A chunk's size is not 1 to 16 hexadecimal digits.");
const LINE: Refusal = Refusal::bad("A line between chunks does not end with CR LF.");
const SURPLUS: Refusal = Refusal::bad("A chunk is longer than its size says.");

fn expect(byte: u8, wanted: u8, next: State, refusal: Refusal) -> Result<State, Refusal> {
    if byte == wanted { Ok(next) } else { Err(refusal) }
}

fn parse<'a, 'h>(section: &'a [u8], room: &'h mut [httparse::Header<'a>]) -> Option<&'h [httparse::Header<'a>]> {
    match httparse::parse_headers(section, room) {
        Ok(httparse::Status::Complete((_, fields))) => Some(fields),
        _ => None,
    }
}

/// The fields after a chunked body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trailers<'a> {
    section: &'a [u8],
}

impl Trailers<'_> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.section.is_empty()
    }

    /// Calls `each` with every trailer that may be passed on.
    pub fn each(&self, mut each: impl FnMut(Field<'_>)) {
        let mut room = [httparse::EMPTY_HEADER; TRAILER_FIELDS_MAX];
        for header in parse(self.section, &mut room).unwrap_or_default() {
            let field = Field { name: header.name, value: header.value, known: Known::of(header.name.as_bytes()) };
            if may_trail(&field) {
                each(field);
            }
        }
    }

    /// Appends the last chunk with these trailers: the end of a body. Without trailers it is [`LAST_CHUNK`].
    pub fn write_last_chunk(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"0\r\n");
        self.each(|field| {
            for part in [field.name.as_bytes(), b": ", field.value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        });
        out.extend_from_slice(b"\r\n");
    }
}

/// What frames, routes, authorises or selects must stand in the head, where it was looked for.
fn may_trail(field: &Field<'_>) -> bool {
    const NEVER: [&str; 12] = [
        "Cache-Control",
        "Content-Encoding",
        "Content-Range",
        "Content-Type",
        "Date",
        "If-Match",
        "If-None-Match",
        "Pragma",
        "Range",
        "Retry-After",
        "WWW-Authenticate",
        "Vary",
    ];
    field.known == Known::Other && !NEVER.iter().any(|name| field.is(name))
}

/// The end of a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// What follows the bytes of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The line before a chunk's bytes.
#[derive(Clone, Copy, Debug)]
pub struct ChunkHeader {
    bytes: [u8; 18],
    start: usize,
}

impl ChunkHeader {
    /// The line before a chunk of so many bytes; not for none, which would end the body.
    ///
    /// ```
    /// assert_eq!(brummer::wire::http1::ChunkHeader::new(0x1a2).as_bytes(), b"1a2\r\n");
    /// ```
    pub fn new(bytes: usize) -> ChunkHeader {
        debug_assert!(bytes > 0, "an empty chunk ends the body");
        let mut header = ChunkHeader { bytes: *b"0000000000000000\r\n", start: 16 };
        let mut left = bytes;
        loop {
            header.start -= 1;
            header.bytes[header.start] = b"0123456789abcdef"[left & 15];
            left >>= 4;
            if left == 0 {
                return header;
            }
        }
    }

    /// The line with its end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, its trailers and the bytes left, with the input cut into pieces of `step` bytes.
    fn decode(input: &[u8], step: usize) -> Result<(Vec<u8>, Vec<String>, usize), &'static str> {
        let mut decoder = Decoder::new();
        let (mut body, mut at, mut end) = (Vec::new(), 0, 0);
        loop {
            end = (end + step).min(input.len());
            while at < end {
                match decoder.decode(&input[at..end]).map_err(|refusal| refusal.reason)? {
                    Decoded::Data { payload, used } => {
                        body.extend_from_slice(payload);
                        at += used;
                    }
                    Decoded::More => at = end,
                    Decoded::End { used } => {
                        let mut trailers = Vec::new();
                        let text = |field: Field| format!("{}={}", field.name, String::from_utf8_lossy(field.value));
                        decoder.trailers().each(|field| trailers.push(text(field)));
                        return Ok((body, trailers, at + used));
                    }
                }
            }
            if end == input.len() {
                return Err("partial");
            }
        }
    }

    #[test]
    fn a_body_is_the_same_however_it_is_cut() {
        let input = b"5\r\nhello\r\n006 \t;x=\"y\"\r\n world\r\n0;last\r\nA: b\r\nHost: evil\r\nDigest:  z \r\n\r\nGET";
        for step in 1..=input.len() {
            let (body, trailers, used) = decode(input, step).unwrap();
            assert_eq!((body.as_slice(), used), (&b"hello world"[..], input.len() - 3));
            assert_eq!(trailers, ["A=b", "Digest=z"]);
        }
        for end in 0..input.len() - 3 {
            assert_eq!(decode(&input[..end], 3), Err("partial"));
        }
    }

    #[test]
    fn chunks_that_two_readers_could_read_differently_are_refused() {
        for input in [
            "\r\n",
            "x\r\n",
            ";x\r\n",
            " 5\r\nhello\r\n",
            "5\nhello\r\n",
            "5\r\nhello\n",
            "5\r\nhello6\r\n",
            "0x5\r\n",
            "+5\r\n",
            "-5\r\n",
            "5 5\r\n",
            "5,\r\n",
            "00000000000000005\r\n",
            "5;a\nb\r\n",
            "5;a\rb\r\n",
            "5;\0\r\n",
            "0\r\n\n",
            "0\r\nA\r\n\r\n",
            "0\r\nA : b\r\n\r\n",
            "0\r\n A: b\r\n\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\nA: \x01\r\n\r\n",
            "5\r\rhello",
        ] {
            for step in [1, input.len()] {
                let result = decode(input.as_bytes(), step);
                assert!(result.is_err_and(|reason| reason != "partial"), "{input:?}");
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_capped() {
        let line = |bytes: usize| format!("1;{}\r\nx\r\n", "e".repeat(bytes));
        assert!(decode(format!("{}0\r\n\r\n", line(253)).as_bytes(), 7).is_ok());
        assert!(decode(line(255).as_bytes(), 7).is_err_and(|reason| reason.contains("256")));
        assert!(decode(line(250).repeat(70).as_bytes(), 7).is_err_and(|reason| reason.contains("16 KiB")));
        let trailer = |bytes: usize| format!("0\r\nA: {}\r\n\r\n", "t".repeat(bytes));
        assert!(decode(trailer(16_000).as_bytes(), 7).is_ok());
        assert!(decode(trailer(17_000).as_bytes(), 7).is_err_and(|reason| reason.contains("16 KiB")));
        assert!(decode(format!("0\r\n{}\r\n", "A: b\r\n".repeat(65)).as_bytes(), 7).is_err());
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut out = Vec::new();
        for bytes in [1, 15, 16, 255, 4096, 70_000] {
            out.extend_from_slice(ChunkHeader::new(bytes).as_bytes());
            out.extend(std::iter::repeat_n(b'x', bytes));
            out.extend_from_slice(CHUNK_END);
        }
        Trailers { section: b"A: b\r\nContent-Length: 5\r\n\r\n" }.write_last_chunk(&mut out);
        let (body, trailers, used) = decode(&out, 1000).unwrap();
        assert_eq!(
            (body.len(), used, trailers),
            (1 + 15 + 16 + 255 + 4096 + 70_000, out.len(), vec!["A=b".to_owned()])
        );
        let mut last = Vec::new();
        Trailers::default().write_last_chunk(&mut last);
        assert_eq!(last, LAST_CHUNK);
        assert_eq!(ChunkHeader::new(usize::MAX).as_bytes(), b"ffffffffffffffff\r\n");
    }
}
