//! The server's side of a WebSocket of text messages: what a page needs to talk with Brummer itself.
//!
//! Strict: a client masks its frames, uses no extension, and sends UTF-8 within the cap; whoever does not is closed with
//! the code that the standard has for it.

use super::frame::{CONTROL_BYTES_MAX, FrameHeader, Opcode, mask};
use crate::wire::http1::{Known, Method, Refusal, RequestHead, Version};

/// Appends the answer 101 to a request for a WebSocket, or refuses it. The Origin is the caller's to check.
pub fn write_handshake(head: &RequestHead, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let fields = head.fields();
    let upgrades = fields.connection().upgrade && fields.has_token(Known::Upgrade, "websocket");
    if head.kind() != Method::Get || head.version() != Version::Http11 || !upgrades {
        return Err(Refusal::new(426, "Here is a WebSocket: ask for it with GET and Upgrade: websocket."));
    }
    if head.field("sec-websocket-version") != Some(b"13") {
        return Err(Refusal::new(426, "The only Sec-WebSocket-Version that is spoken is 13."));
    }
    // 16 bytes in base64.
    let key = head.field("sec-websocket-key").filter(|key| key.len() == 24 && key.ends_with(b"=="));
    let key = key.ok_or(Refusal::new(400, "Sec-WebSocket-Key is missing or none."))?;
    let accept = tungstenite::handshake::derive_accept_key(key);
    for part in [
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ",
        &accept,
        "\r\n\r\n",
    ] {
        out.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

/// Close codes of RFC 6455 §7.4.1.
const NORMAL: u16 = 1000;
const PROTOCOL: u16 = 1002;
const NO_TEXT: u16 = 1003;
const NO_UTF8: u16 = 1007;
const TOO_BIG: u16 = 1009;

/// The conversation is over. What [`Server::read`] wrote is still to be sent, then the connection closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The close code: the client's, or ours for what it did.
    pub code: u16,
}

/// Reads a client's frames and answers its pings and its close. After [`Closed`] it is done with.
#[derive(Debug)]
pub struct Server {
    message_bytes_max: usize,
    input: Vec<u8>,
    message: Vec<u8>,
    within_message: bool,
}

impl Server {
    /// One that takes messages of at most so many bytes.
    pub fn new(message_bytes_max: usize) -> Server {
        Server { message_bytes_max, input: Vec::new(), message: Vec::new(), within_message: false }
    }

    /// Takes bytes from the client; `text` gets each message, `out` what has to be sent back.
    pub fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>, mut text: impl FnMut(&str)) -> Result<(), Closed> {
        self.input.extend_from_slice(bytes);
        let mut input = std::mem::take(&mut self.input);
        let mut at = 0;
        let result = loop {
            match self.frame(&mut input[at..], out, &mut text) {
                Ok(0) => break Ok(()),
                Ok(used) => at += used,
                Err(code) => break Err(Closed { code }),
            }
        };
        input.drain(..at);
        self.input = input;
        // A client's close was answered with its own code already.
        result.inspect_err(|closed| write_close(out, closed.code))
    }

    /// Reads one frame if it is whole, and says how many bytes it had; else the code to close with.
    fn frame(&mut self, input: &mut [u8], out: &mut Vec<u8>, text: &mut impl FnMut(&str)) -> Result<usize, u16> {
        let Some((header, start)) = FrameHeader::parse(input).map_err(|_| PROTOCOL)? else { return Ok(0) };
        let key = header.mask.filter(|_| header.reserved == 0).ok_or(PROTOCOL)?;
        match (header.opcode, self.within_message) {
            (Opcode::Continuation, false) | (Opcode::Text, true) => return Err(PROTOCOL),
            (Opcode::Binary, _) => return Err(NO_TEXT),
            _ => {}
        }
        let room = self.message_bytes_max - self.message.len();
        let bytes = usize::try_from(header.payload_bytes).map_err(|_| TOO_BIG)?;
        if bytes > room && !header.opcode.is_control() {
            return Err(TOO_BIG);
        }
        let Some(payload) = input.get_mut(start..start + bytes) else { return Ok(0) };
        mask(payload, key, 0);
        match header.opcode {
            Opcode::Close => return Err(close_code(payload)),
            Opcode::Ping => write(out, Opcode::Pong, payload),
            Opcode::Pong => {}
            _ => self.message(header.is_last, payload, text)?,
        }
        Ok(start + bytes)
    }

    fn message(&mut self, is_last: bool, payload: &[u8], text: &mut impl FnMut(&str)) -> Result<(), u16> {
        self.within_message = !is_last;
        self.message.extend_from_slice(payload);
        if is_last {
            text(std::str::from_utf8(&self.message).map_err(|_| NO_UTF8)?);
            self.message.clear();
        }
        Ok(())
    }
}

/// The code to answer a client's close with: its own, if it is one.
fn close_code(payload: &[u8]) -> u16 {
    let (code, reason) = match payload {
        [] => return NORMAL,
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        _ => return PROTOCOL,
    };
    match code {
        _ if std::str::from_utf8(reason).is_err() => NO_UTF8,
        1000..=1003 | 1007..=1014 | 3000..=4999 => code,
        _ => PROTOCOL,
    }
}

/// Appends a text message.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    write(out, Opcode::Text, text.as_bytes());
}

/// Appends a ping, to learn whether the client is still there.
pub fn write_ping(out: &mut Vec<u8>) {
    write(out, Opcode::Ping, b"");
}

/// Appends the end with a code.
pub fn write_close(out: &mut Vec<u8>, code: u16) {
    write(out, Opcode::Close, &code.to_be_bytes());
}

fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    debug_assert!(!opcode.is_control() || payload.len() as u64 <= CONTROL_BYTES_MAX);
    let payload_bytes = payload.len() as u64;
    FrameHeader { is_last: true, reserved: 0, opcode, mask: None, payload_bytes }.write(out);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::http1::parse_request;

    fn sent(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first, 0x80 | payload.len() as u8, 5, 6, 7, 8];
        out.extend_from_slice(payload);
        mask(&mut out[6..], [5, 6, 7, 8], 0);
        out
    }

    fn talk(bytes: &[u8], step: usize) -> (Vec<String>, Vec<u8>, Option<u16>) {
        let (mut server, mut texts, mut out) = (Server::new(20), Vec::new(), Vec::new());
        for piece in bytes.chunks(step) {
            if let Err(closed) = server.read(piece, &mut out, |text| texts.push(text.to_owned())) {
                return (texts, out, Some(closed.code));
            }
        }
        (texts, out, None)
    }

    #[test]
    fn text_pings_and_close_are_understood_however_they_are_cut() {
        let bytes = [
            sent(0x81, b"one"),
            sent(0x01, "tw\u{f6}".as_bytes().split_at(3).0),
            sent(0x89, b"?"),
            sent(0x80, "tw\u{f6}".as_bytes().split_at(3).1),
            sent(0x8a, b""),
            sent(0x88, b"\x0f\xa0bye"),
            sent(0x81, b"never read"),
        ]
        .concat();
        for step in 1..=bytes.len() {
            let (texts, out, code) = talk(&bytes, step);
            assert_eq!((texts, code), (vec!["one".to_owned(), "tw\u{f6}".to_owned()], Some(4000)));
            assert_eq!(out, b"\x8a\x01?\x88\x02\x0f\xa0");
        }
    }

    #[test]
    fn what_a_client_must_not_do_has_its_code() {
        for (bytes, code) in [
            (b"\x81\x03one".to_vec(), PROTOCOL),
            (sent(0xc1, b"x"), PROTOCOL),
            (sent(0x80, b"x"), PROTOCOL),
            (sent(0x83, b"x"), PROTOCOL),
            (sent(0x82, b"x"), NO_TEXT),
            (sent(0x81, b"\xff"), NO_UTF8),
            (sent(0x81, &[b'x'; 21]), TOO_BIG),
            ([sent(0x01, &[b'x'; 15]), sent(0x80, &[b'x'; 6])].concat(), TOO_BIG),
            ([sent(0x01, b"x"), sent(0x81, b"y")].concat(), PROTOCOL),
            (sent(0x88, b""), NORMAL),
            (sent(0x88, b"x"), PROTOCOL),
            (sent(0x88, b"\x03\xed"), PROTOCOL),
        ] {
            let (texts, out, closed) = talk(&bytes, 1);
            assert_eq!((texts.len(), closed), (0, Some(code)), "{bytes:?}");
            assert_eq!(out, [&[0x88, 2][..], &code.to_be_bytes()].concat());
        }
    }

    #[test]
    fn a_handshake_is_the_one_of_the_standard() {
        let ask = |fields: &str| {
            let (mut head, mut out) = (RequestHead::default(), Vec::new());
            parse_request(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes(), &mut head).unwrap();
            write_handshake(&head, &mut out).map(|()| String::from_utf8(out).unwrap()).map_err(|refusal| refusal.status)
        };
        let good = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        assert!(ask(good).is_ok_and(|answer| answer.contains("Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")));
        assert_eq!(ask(&good.replace("13", "8")), Err(426));
        assert_eq!(ask(&good.replace("dGhl", "")), Err(400));
        assert_eq!(ask(""), Err(426));
    }
}
