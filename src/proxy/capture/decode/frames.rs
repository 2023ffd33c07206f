//! The messages of a WebSocket that compresses them (permessage-deflate, RFC 7692), as far as they can be read.
//!
//! A message is compressed with what went before it as dictionary, unless the ends agreed otherwise: so a message can be read
//! when all before it in its direction are there, and whole.

use std::collections::VecDeque;

use flate2::{Decompress, FlushDecompress, Status};

use crate::proxy::{Exchange, Frame};

/// The longest that a message becomes; the rest is not shown.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// What every message ends with and the sender leaves out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The messages of an exchange; those that were compressed and can be read are not any more, the others still say so.
pub fn frames(exchange: &Exchange) -> VecDeque<Frame> {
    let mut frames = exchange.frames.clone();
    if frames.iter().any(|frame| frame.compressed) {
        for (up, total) in [(true, exchange.frames_total.0), (false, exchange.frames_total.1)] {
            let count = frames.iter().filter(|frame| frame.up == up).count() as u64;
            let direction = Direction { each_alone: each_alone(exchange, up), whole: count == total };
            direction.read(frames.iter_mut().filter(|frame| frame.up == up));
        }
    }
    frames
}

/// Whether the ends agreed that messages of this direction do not build on each other.
fn each_alone(exchange: &Exchange, up: bool) -> bool {
    let name = if up { "client_no_context_takeover" } else { "server_no_context_takeover" };
    let has = |value: &[u8]| String::from_utf8_lossy(value).to_ascii_lowercase().contains(name);
    exchange.response.headers.all("sec-websocket-extensions").any(has)
}

struct Direction {
    each_alone: bool,
    /// Nothing is missing in front of the first.
    whole: bool,
}

impl Direction {
    fn read<'a>(&self, frames: impl Iterator<Item = &'a mut Frame>) {
        // What went before is known, and stands in here.
        let mut history = (self.whole || self.each_alone).then(|| Decompress::new(false));
        for frame in frames.filter(|frame| frame.compressed) {
            let Some(decompress) = &mut history else { return };
            let is_whole = frame.kept.len() as u64 == frame.bytes;
            let (plain, is_good) = inflate(decompress, &frame.kept, is_whole);
            if is_good || !plain.is_empty() {
                frame.compressed = false;
                frame.bytes = if is_good { plain.len() as u64 } else { frame.bytes.max(plain.len() as u64 + 1) };
                frame.kept = plain.into();
            }
            match (is_good, self.each_alone) {
                (true, false) => {}
                (_, true) => history = Some(Decompress::new(false)),
                (false, false) => history = None,
            }
        }
    }
}

/// What a message is, and whether it is all of it and the next can build on it.
fn inflate(decompress: &mut Decompress, kept: &[u8], is_whole: bool) -> (Vec<u8>, bool) {
    let mut plain = Vec::new();
    let tail: &[u8] = if is_whole { &TAIL } else { &[] };
    for mut input in [kept, tail] {
        loop {
            if plain.len() >= MESSAGE_BYTES_MAX {
                return (plain, false);
            }
            plain.reserve(4096.max(input.len() * 2).min(MESSAGE_BYTES_MAX));
            let (read, written) = (decompress.total_in(), plain.len());
            let Ok(status) = decompress.decompress_vec(input, &mut plain, FlushDecompress::Sync) else {
                return (plain, false);
            };
            input = &input[(decompress.total_in() - read) as usize..];
            // A last block ends the stream; a new one begins with the next message.
            if status == Status::StreamEnd {
                decompress.reset(false);
                break;
            }
            let has_room = plain.len() < plain.capacity();
            if has_room && (input.is_empty() || plain.len() == written) {
                break;
            }
        }
    }
    (plain, is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Traffic;
    use crate::proxy::capture::redact::masked;
    use crate::proxy::capture::tests::{exchange, headers};
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    /// The messages as an end sends them that keeps its window, or that does not.
    fn compressed(texts: &[&str], each_alone: bool) -> Vec<Frame> {
        let mut compress = Compress::new(Compression::default(), false);
        let mut frame = |text: &&str| {
            if each_alone {
                compress.reset();
            }
            let mut out = Vec::with_capacity(text.len() * 2 + 100);
            compress.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync).expect("in memory");
            assert!(out.ends_with(&TAIL));
            out.truncate(out.len() - 4);
            let bytes = out.len() as u64;
            Frame { time_ms: 0, up: false, kind: "text".into(), kept: out.into(), bytes, compressed: true }
        };
        texts.iter().map(&mut frame).collect()
    }

    fn socket(frames: Vec<Frame>, total: u64, extension: &str) -> Exchange {
        let mut socket = exchange(1);
        socket.traffic = Traffic::WebSocket;
        socket.response.headers = headers(&[("Sec-WebSocket-Extensions", extension)]);
        socket.frames = frames.into();
        socket.frames_total = (0, total);
        socket
    }

    fn texts(exchange: &Exchange) -> Vec<String> {
        let text = |frame: &Frame| match frame.compressed {
            true => "?".to_owned(),
            false => String::from_utf8_lossy(&frame.kept).into_owned(),
        };
        frames(exchange).iter().map(text).collect()
    }

    const SAID: [&str; 3] = [
        "{\"type\":\"update\",\"n\":1}",
        "{\"type\":\"update\",\"n\":2}",
        "{\"type\":\"token\",\"token\":\"hunter2\"}",
    ];

    #[test]
    fn messages_that_build_on_each_other_are_read_as_long_as_all_are_there() {
        let mut sent = compressed(&SAID, false);
        let plain = Frame { kept: (*b"small").into(), bytes: 5, compressed: false, ..sent[0].clone() };
        sent.insert(1, plain);
        assert_eq!(texts(&socket(sent.clone(), 4, "permessage-deflate")), [SAID[0], "small", SAID[1], SAID[2]]);
        let last = sent.split_off(2);
        assert_eq!(texts(&socket(last, 4, "permessage-deflate")), ["?", "?"]);
    }

    #[test]
    fn messages_of_their_own_are_read_whatever_is_missing() {
        let mut sent = compressed(&SAID, true);
        sent.remove(0);
        sent[0].kept = sent[0].kept[..10].into();
        let read = texts(&socket(sent, 3, "permessage-deflate; server_no_context_takeover"));
        assert!(SAID[1].starts_with(&read[0]) && read[0].len() > 2, "{read:?}");
        assert_eq!(read[1], SAID[2]);
    }

    #[test]
    fn secrets_in_messages_are_masked_and_what_cannot_be_read_is_left_out() {
        let shown = masked(&socket(compressed(&SAID, false), 3, "permessage-deflate"));
        assert_eq!(&*shown.frames[2].kept, "{\"type\":\"token\",\"token\":\"‹masked:7›\"}".as_bytes());
        let shown = masked(&socket(compressed(&SAID, false).split_off(1), 3, "permessage-deflate"));
        assert!(shown.frames.iter().all(|frame| frame.compressed && frame.kept.is_empty()));
    }

    #[test]
    fn a_bomb_is_read_up_to_a_bound() {
        let long = "x".repeat(20 << 20);
        let read = frames(&socket(compressed(&[&long, "next"], false), 2, ""));
        assert!(read[0].kept.len() < 3 << 20 && read[0].bytes > read[0].kept.len() as u64);
        assert!(read[1].compressed, "what builds on what was not read cannot be");
    }

    proptest! {
        #[test]
        fn any_messages_come_out_as_they_went_in(texts_sent in prop::collection::vec("[a-f]{0,300}", 1..6), each_alone: bool) {
            let said: Vec<&str> = texts_sent.iter().map(String::as_str).collect();
            let extension = if each_alone { "permessage-deflate; server_no_context_takeover" } else { "permessage-deflate" };
            prop_assert_eq!(texts(&socket(compressed(&said, each_alone), said.len() as u64, extension)), texts_sent);
        }

        #[test]
        fn no_bytes_make_it_panic(data: Vec<Vec<u8>>) {
            let frame = |kept: &Vec<u8>| Frame {
                time_ms: 0, up: false, kind: "text".into(), bytes: kept.len() as u64, kept: kept[..].into(), compressed: true,
            };
            drop(frames(&socket(data.iter().map(frame).collect(), data.len() as u64, "")));
        }
    }
}
