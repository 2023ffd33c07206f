//! The header of a frame: two to fourteen bytes, and the mask that a client lays over its payload.

/// What a frame carries. What is not here is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message before it.
    Continuation,
    /// Text in UTF-8.
    Text,
    /// Bytes.
    Binary,
    /// The end: a code and a reason, or nothing.
    Close,
    /// To be answered with the same bytes.
    Ping,
    /// An answer to a ping, or a sign of life.
    Pong,
}

impl Opcode {
    fn of(nibble: u8) -> Option<Opcode> {
        Some(match nibble {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }

    fn nibble(self) -> u8 {
        match self {
            Opcode::Continuation => 0,
            Opcode::Text => 1,
            Opcode::Binary => 2,
            Opcode::Close => 8,
            Opcode::Ping => 9,
            Opcode::Pong => 10,
        }
    }

    /// Whether it may stand between the frames of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }

    /// Its name: `text`, `binary`, `close`, `ping`, `pong`, `continuation`.
    pub fn as_str(self) -> &'static str {
        match self {
            Opcode::Continuation => "continuation",
            Opcode::Text => "text",
            Opcode::Binary => "binary",
            Opcode::Close => "close",
            Opcode::Ping => "ping",
            Opcode::Pong => "pong",
        }
    }
}

/// More bytes than a header has.
pub const HEADER_BYTES_MAX: usize = 14;
/// The payload of a control frame has at most so many bytes.
pub const CONTROL_BYTES_MAX: u64 = 125;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// It is the last frame of its message.
    pub is_last: bool,
    /// The three reserved bits; the highest of them, 4, says that the message is compressed.
    pub reserved: u8,
    /// What it carries.
    pub opcode: Opcode,
    /// The mask over its payload: clients have one, servers have none.
    pub mask: Option<[u8; 4]>,
    /// The bytes of its payload.
    pub payload_bytes: u64,
}

impl FrameHeader {
    /// The header at the start of `bytes` and its length; `Ok(None)` where more must come; an error where it is none: a
    /// reserved opcode, a control frame in pieces or of more than 125 bytes, a length that is none or not the shortest.
    pub fn parse(bytes: &[u8]) -> Result<Option<(FrameHeader, usize)>, &'static str> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::of(first & 15).ok_or("a frame has a reserved opcode")?;
        let is_last = first & 0x80 != 0;
        let length_bytes = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if opcode.is_control() && (!is_last || length_bytes > 0) {
            return Err("a control frame is in pieces or longer than 125 bytes");
        }
        let mask_bytes = if second & 0x80 != 0 { 4 } else { 0 };
        let Some((length, rest)) = rest.split_at_checked(length_bytes) else { return Ok(None) };
        let Some((mask, _)) = rest.split_at_checked(mask_bytes) else { return Ok(None) };
        let payload_bytes = match length_bytes {
            0 => u64::from(second & 0x7f),
            _ => length.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        };
        let shortest = match length_bytes {
            0 => 0,
            2 => 126,
            _ => 0x1_0000,
        };
        if payload_bytes < shortest || payload_bytes >> 63 != 0 {
            return Err("the length of a frame is not written in its shortest form");
        }
        let header =
            FrameHeader { is_last, reserved: (first >> 4) & 7, opcode, mask: mask.try_into().ok(), payload_bytes };
        Ok(Some((header, 2 + length_bytes + mask_bytes)))
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_last) << 7 | self.reserved << 4 | self.opcode.nibble());
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        match self.payload_bytes {
            bytes @ 0..=125 => out.push(masked | bytes as u8),
            bytes @ 126..=0xffff => {
                out.push(masked | 126);
                out.extend_from_slice(&(bytes as u16).to_be_bytes());
            }
            bytes => {
                out.push(masked | 127);
                out.extend_from_slice(&bytes.to_be_bytes());
            }
        }
        out.extend_from_slice(self.mask.as_ref().map_or(&[], |mask| &mask[..]));
    }
}

/// Lays a mask over bytes, or takes it off, of which the first is number `offset` of the payload.
///
/// ```
/// let mut bytes = *b"Hello";
/// brummer::wire::websocket::mask(&mut bytes, [0x37, 0xfa, 0x21, 0x3d], 0);
/// assert_eq!(bytes, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
pub fn mask(bytes: &mut [u8], key: [u8; 4], offset: u64) {
    let at = (offset % 4) as usize;
    let key = [key[at], key[(at + 1) % 4], key[(at + 2) % 4], key[(at + 3) % 4]];
    let mut words = bytes.chunks_exact_mut(4);
    for word in &mut words {
        for (byte, key) in word.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_parsed() {
        for payload_bytes in [0, 1, 125, 126, 0xffff, 0x1_0000, u64::MAX >> 1] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let header = FrameHeader { is_last: false, reserved: 4, opcode: Opcode::Binary, mask, payload_bytes };
                let mut out = Vec::new();
                header.write(&mut out);
                assert_eq!(FrameHeader::parse(&out), Ok(Some((header, out.len()))));
                assert!(out.len() <= HEADER_BYTES_MAX);
                (0..out.len()).for_each(|end| assert_eq!(FrameHeader::parse(&out[..end]), Ok(None)));
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            &[0x83, 0][..],
            &[0x8b, 0],
            &[0x09, 0],
            &[0x89, 126, 0, 200],
            &[0x82, 126, 0, 125],
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(FrameHeader::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_mask_goes_on_from_any_offset() {
        let whole: Vec<u8> = (0..23).collect();
        let key = [9, 8, 7, 6];
        let mut masked = whole.clone();
        mask(&mut masked, key, 0);
        for cut in 0..whole.len() {
            let mut pieces = masked.clone();
            let (left, right) = pieces.split_at_mut(cut);
            mask(left, key, 0);
            mask(right, key, cut as u64);
            assert_eq!(pieces, whole);
        }
    }
}
