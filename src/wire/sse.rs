//! Server-sent events: a parser that looks on while the stream passes, exact to the standard, and a writer.
//!
//! It keeps the first bytes of an event's data only, so that a stream without end costs a bounded amount of memory.

use memchr::memchr2;

/// Names of events and their ids are kept up to so many bytes.
const NAME_BYTES_MAX: usize = 256;
/// The longest field name with its colon and space, and room to see that a longer one is none.
const FIELD_BYTES: usize = 16;

/// An event that was dispatched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its name; `message` where it has none.
    pub kind: &'a [u8],
    /// The id of the last event that had one.
    pub id: &'a [u8],
    /// The first bytes of its data.
    pub kept: &'a [u8],
    /// All bytes of its data.
    pub bytes: u64,
}

/// Reads a stream of events in whatever pieces it comes.
#[derive(Debug)]
pub struct EventStream {
    keep_bytes: usize,
    /// The current line, cut after what is of interest, and its whole length.
    line: Vec<u8>,
    line_bytes: u64,
    /// The line before ended with CR: a LF now belongs to it.
    after_return: bool,
    is_first_line: bool,
    kind: Vec<u8>,
    id: Vec<u8>,
    data: Vec<u8>,
    /// Bytes of the data with the line feed after each line.
    data_bytes: u64,
    retry_ms: Option<u64>,
}

impl EventStream {
    /// One that keeps so many bytes of the data of each event.
    pub fn new(keep_bytes: usize) -> EventStream {
        EventStream {
            keep_bytes,
            line: Vec::new(),
            line_bytes: 0,
            after_return: false,
            is_first_line: true,
            kind: Vec::new(),
            id: Vec::new(),
            data: Vec::new(),
            data_bytes: 0,
            retry_ms: None,
        }
    }

    /// After how many milliseconds the client shall connect again, if the server has said so.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Reads on, and tells `dispatch` of every event that ends. What the stream ends within is no event.
    ///
    /// ```
    /// let mut stream = brummer::wire::sse::EventStream::new(100);
    /// let mut events = Vec::new();
    /// stream.feed(b"event: tick\ndata: 1\ndata: 2\n\n", |event| events.push((event.kind.to_vec(), event.kept.to_vec())));
    /// assert_eq!(events, [(b"tick".to_vec(), b"1\n2".to_vec())]);
    /// ```
    pub fn feed(&mut self, mut bytes: &[u8], mut dispatch: impl FnMut(Event<'_>)) {
        while let [first, rest @ ..] = bytes {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = rest;
                continue;
            }
            let Some(end) = memchr2(b'\r', b'\n', bytes) else { return self.keep(bytes) };
            self.keep(&bytes[..end]);
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(&mut dispatch);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let room = (self.keep_bytes.max(NAME_BYTES_MAX) + FIELD_BYTES).saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..room.min(part.len())]);
        self.line_bytes += part.len() as u64;
    }

    fn end_line(&mut self, dispatch: &mut impl FnMut(Event<'_>)) {
        let mut line = std::mem::take(&mut self.line);
        let mut bytes = std::mem::take(&mut self.line_bytes);
        if std::mem::take(&mut self.is_first_line) && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
            bytes -= 3;
        }
        match bytes {
            0 => self.end_event(dispatch),
            _ => self.field(&line, bytes),
        }
        line.clear();
        self.line = line;
    }

    fn field(&mut self, line: &[u8], bytes: u64) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = line.split_at(colon.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let short = &value[..value.len().min(NAME_BYTES_MAX)];
        match name {
            b"data" => {
                let before = (line.len() - value.len()) as u64;
                self.data_bytes += bytes - before + 1;
                let room = self.keep_bytes.saturating_sub(self.data.len());
                self.data.extend(value.iter().chain(b"\n").take(room));
            }
            b"event" => self.kind = short.to_vec(),
            b"id" if !value.contains(&0) => self.id = short.to_vec(),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry_ms = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            }
            _ => {}
        }
    }

    /// An event without data is none, yet its name is forgotten.
    fn end_event(&mut self, dispatch: &mut impl FnMut(Event<'_>)) {
        if self.data_bytes > 0 {
            let bytes = self.data_bytes - 1;
            let kept = &self.data[..self.data.len().min(usize::try_from(bytes).unwrap_or(usize::MAX))];
            let kind = if self.kind.is_empty() { b"message" } else { &self.kind[..] };
            dispatch(Event { kind, id: &self.id, kept, bytes });
        }
        self.kind.clear();
        self.data.clear();
        self.data_bytes = 0;
    }
}

/// Appends an event. Line ends in `kind` and `id` would end the field there, and NUL makes an id none: they are left out.
///
/// ```
/// let mut out = Vec::new();
/// brummer::wire::sse::write_event(Some("log"), Some("7"), "a\r\nb", &mut out);
/// assert_eq!(out, b"event: log\nid: 7\ndata: a\ndata: b\n\n");
/// ```
pub fn write_event(kind: Option<&str>, id: Option<&str>, data: &str, out: &mut Vec<u8>) {
    for (name, value, odd) in [("event", kind, &b"\r\n"[..]), ("id", id, b"\r\n\0")] {
        if let Some(value) = value {
            field(name, value.bytes().filter(|byte| !odd.contains(byte)), out);
        }
    }
    let data = data.as_bytes();
    let mut start = 0;
    loop {
        let end = memchr2(b'\r', b'\n', &data[start..]).map(|at| start + at);
        field("data", data[start..end.unwrap_or(data.len())].iter().copied(), out);
        let Some(end) = end else { break };
        start = end + if data[end..].starts_with(b"\r\n") { 2 } else { 1 };
    }
    out.push(b'\n');
}

/// Appends a comment without text: a sign of life that is no event.
pub fn write_keep_alive(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

fn field(name: &str, value: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(bytes: &[u8], step: usize, keep: usize) -> Vec<String> {
        let (mut stream, mut found) = (EventStream::new(keep), Vec::new());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for piece in bytes.chunks(step) {
            stream.feed(piece, |event| {
                found.push(format!("{}|{}|{}|{}", text(event.kind), text(event.id), text(event.kept), event.bytes));
            });
        }
        found
    }

    #[test]
    fn events_are_those_of_the_standard_however_they_are_cut() {
        for (stream, want) in [
            ("data: a\n\n", &["message||a|1"][..]),
            ("\u{feff}data: a\r\rdata:b\r\n\r\n", &["message||a|1", "message||b|1"]),
            ("data: a\n\u{feff}data: b\n\n", &["message||a|1"]),
            ("data\n\ndata\ndata\n\ndata:\n", &["message|||0", "message||\n|1"]),
            ("data:  a\ndata:b:c\n\n", &["message|| a\nb:c|6"]),
            ("event: x\nid: 1\ndata: a\n\ndata: b\n\n", &["x|1|a|1", "message|1|b|1"]),
            ("event: x\n\ndata: b\n\n", &["message||b|1"]),
            ("id: 1\n\nid\ndata: a\n\nid: 2\0\ndata: b\n\n", &["message||a|1", "message||b|1"]),
            (": comment\n:\nDATA: no\ndatax: no\n data: no\ndata: a\n\n", &["message||a|1"]),
            ("data: a\n", &[]),
            ("data: a\r\n\n", &["message||a|1"]),
            ("data: 0123456789\ndata: x\n\n", &["message||01234567|12"]),
        ] {
            for step in 1..=stream.len() {
                assert_eq!(events(stream.as_bytes(), step, 8), want, "{stream:?} by {step}");
            }
        }
    }

    #[test]
    fn a_line_without_end_costs_no_memory_without_end() {
        let mut stream = EventStream::new(8);
        stream.feed(b"data: ", |_| ());
        (0..1000).for_each(|_| stream.feed(&[b'x'; 1000], |_| ()));
        assert!(stream.line.capacity() < 2000);
        let mut bytes = 0;
        stream.feed(b"\n\n", |event| bytes = event.bytes);
        assert_eq!(bytes, 1_000_000);
    }

    #[test]
    fn a_time_to_connect_again_is_digits_only() {
        let mut stream = EventStream::new(8);
        stream.feed(b"retry: 1500\nretry: 2x\nretry:\n\n", |_| ());
        assert_eq!(stream.retry_ms(), Some(1500));
    }

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        write_event(None, None, "", &mut out);
        write_keep_alive(&mut out);
        write_event(Some("a\nb"), Some("1"), "x\ny\r\rz\n", &mut out);
        assert_eq!(events(&out, 1, 99), ["message|||0", "ab|1|x\ny\n\nz\n|7"]);
    }
}
