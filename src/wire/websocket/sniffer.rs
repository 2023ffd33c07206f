//! Sees the messages in one direction of a WebSocket whose bytes are copied by somebody else, and never disturbs the copy.
//!
//! Bytes that are no frames make it lost: it says so, and looks no further. It keeps the first bytes of a message only.

use super::frame::{FrameHeader, HEADER_BYTES_MAX, Opcode, mask};

/// A message that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// What it is; never [`Opcode::Continuation`].
    pub opcode: Opcode,
    /// Its first bytes, without the mask.
    pub kept: &'a [u8],
    /// All of its bytes.
    pub bytes: u64,
    /// The bytes are compressed (permessage-deflate).
    pub compressed: bool,
}

#[derive(Debug)]
struct Message {
    opcode: Opcode,
    kept: Vec<u8>,
    bytes: u64,
    compressed: bool,
}

impl Message {
    fn new(opcode: Opcode) -> Message {
        Message { opcode, kept: Vec::new(), bytes: 0, compressed: false }
    }

    fn start(&mut self, header: &FrameHeader) {
        self.kept.clear();
        (self.opcode, self.bytes, self.compressed) = (header.opcode, 0, header.reserved & 4 != 0);
    }
}

/// Looks at one direction.
#[derive(Debug)]
pub struct Sniffer {
    keep_bytes: usize,
    head: [u8; HEADER_BYTES_MAX],
    head_bytes: usize,
    frame: Option<FrameHeader>,
    passed: u64,
    data: Message,
    within_message: bool,
    control: Message,
    lost: Option<&'static str>,
}

impl Sniffer {
    /// One that keeps so many bytes of each message.
    pub fn new(keep_bytes: usize) -> Sniffer {
        Sniffer {
            keep_bytes,
            head: [0; HEADER_BYTES_MAX],
            head_bytes: 0,
            frame: None,
            passed: 0,
            data: Message::new(Opcode::Text),
            within_message: false,
            control: Message::new(Opcode::Ping),
            lost: None,
        }
    }

    /// Why it sees no more messages: what passes are no frames.
    pub fn lost(&self) -> Option<&'static str> {
        self.lost
    }

    /// Looks at bytes that pass, and tells `seen` of every message that ends in them.
    ///
    /// ```
    /// use brummer::wire::websocket::{Opcode, Sniffer};
    /// let mut sniffer = Sniffer::new(3);
    /// let mut texts = Vec::new();
    /// sniffer.feed(b"\x81\x05Hello\x89\x00", |seen| texts.push((seen.opcode, seen.kept.to_vec(), seen.bytes)));
    /// assert_eq!(texts, [(Opcode::Text, b"Hel".to_vec(), 5), (Opcode::Ping, vec![], 0)]);
    /// ```
    pub fn feed(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Seen<'_>)) {
        while self.lost.is_none() {
            let Some(header) = self.frame else {
                match self.header(&mut bytes) {
                    Ok(true) => continue,
                    Ok(false) => return,
                    Err(why) => return self.lost = Some(why),
                }
            };
            let left = usize::try_from(header.payload_bytes - self.passed).unwrap_or(usize::MAX);
            let (payload, rest) = bytes.split_at(left.min(bytes.len()));
            self.payload(&header, payload);
            bytes = rest;
            if self.passed < header.payload_bytes {
                return;
            }
            self.end(&header, &mut seen);
        }
    }

    /// Takes bytes for the header of a frame; whether it is whole.
    fn header(&mut self, bytes: &mut &[u8]) -> Result<bool, &'static str> {
        while let Some((byte, rest)) = bytes.split_first() {
            self.head[self.head_bytes] = *byte;
            self.head_bytes += 1;
            *bytes = rest;
            let Some((header, _)) = FrameHeader::parse(&self.head[..self.head_bytes])? else { continue };
            (self.frame, self.head_bytes, self.passed) = (Some(header), 0, 0);
            match (header.opcode, self.within_message) {
                (Opcode::Continuation, false) => return Err("a continuation has no message"),
                (Opcode::Text | Opcode::Binary, true) => return Err("a message begins within another"),
                (Opcode::Continuation, true) => {}
                (opcode, _) if opcode.is_control() => self.control.start(&header),
                _ => self.data.start(&header),
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn payload(&mut self, header: &FrameHeader, payload: &[u8]) {
        let message = if header.opcode.is_control() { &mut self.control } else { &mut self.data };
        let room = self.keep_bytes.saturating_sub(message.kept.len()).min(payload.len());
        let start = message.kept.len();
        message.kept.extend_from_slice(&payload[..room]);
        if let Some(key) = header.mask {
            mask(&mut message.kept[start..], key, self.passed);
        }
        message.bytes = message.bytes.saturating_add(payload.len() as u64);
        self.passed += payload.len() as u64;
    }

    fn end(&mut self, header: &FrameHeader, seen: &mut impl FnMut(Seen<'_>)) {
        self.frame = None;
        let message = if header.opcode.is_control() { &self.control } else { &self.data };
        if !header.opcode.is_control() {
            self.within_message = !header.is_last;
        }
        if header.is_last {
            let Message { opcode, ref kept, bytes, compressed } = *message;
            seen(Seen { opcode, kept, bytes, compressed });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(is_last: bool, opcode: Opcode, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let payload_bytes = payload.len() as u64;
        FrameHeader { is_last, reserved: 0, opcode, mask: key, payload_bytes }.write(&mut out);
        let start = out.len();
        out.extend_from_slice(payload);
        mask(&mut out[start..], key.unwrap_or_default(), 0);
        out
    }

    fn messages(bytes: &[u8], step: usize, keep: usize) -> (Vec<(Opcode, Vec<u8>, u64)>, bool) {
        let (mut sniffer, mut found) = (Sniffer::new(keep), Vec::new());
        for piece in bytes.chunks(step) {
            sniffer.feed(piece, |seen| found.push((seen.opcode, seen.kept.to_vec(), seen.bytes)));
        }
        (found, sniffer.lost().is_some())
    }

    #[test]
    fn messages_in_pieces_with_controls_between_are_seen_however_they_are_cut() {
        let key = Some([1, 2, 3, 4]);
        let mut bytes = frame(false, Opcode::Text, key, b"Hello, ");
        bytes.extend(frame(true, Opcode::Ping, key, b"are you there"));
        bytes.extend(frame(false, Opcode::Continuation, key, b""));
        bytes.extend(frame(true, Opcode::Continuation, key, b"world"));
        bytes.extend(frame(true, Opcode::Binary, None, &[7; 300]));
        bytes.extend(frame(true, Opcode::Close, key, &[3, 232]));
        for step in 1..=bytes.len() {
            let (found, lost) = messages(&bytes, step, 9);
            assert!(!lost);
            assert_eq!(
                found,
                [
                    (Opcode::Ping, b"are you t".to_vec(), 13),
                    (Opcode::Text, b"Hello, wo".to_vec(), 12),
                    (Opcode::Binary, vec![7; 9], 300),
                    (Opcode::Close, vec![3, 232], 2),
                ]
            );
        }
    }

    #[test]
    fn garbage_makes_it_lost_after_what_was_seen() {
        let mut bytes = frame(true, Opcode::Text, None, b"hi");
        bytes.extend(b"GET / HTTP/1.1\r\n");
        let (found, lost) = messages(&bytes, 3, 9);
        assert_eq!((found.len(), lost), (1, true));
        assert!(messages(&frame(true, Opcode::Continuation, None, b""), 1, 9).1);
        let mut nested = frame(false, Opcode::Text, None, b"a");
        nested.extend(frame(true, Opcode::Binary, None, b"b"));
        assert!(messages(&nested, 1, 9).1);
    }
}
