//! Undoes `Content-Encoding`: gzip, deflate, br, zstd, in whatever order, within bounds, and as far as a cut body goes.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::proxy::{Body, Headers};

/// The longest a body becomes by decompression; the rest is not shown.
pub const DECODED_BYTES_MAX: usize = 8 << 20;
/// How many times longer it may become, beyond the first [`RATIO_FREE_BYTES`].
const RATIO_MAX: usize = 1000;
const RATIO_FREE_BYTES: usize = 1 << 20;
/// Encodings on top of each other.
const LAYERS_MAX: usize = 4;
/// The window of a zstd frame: HTTP allows 8 MiB, and single segments have their own size for it.
const ZSTD_WINDOW_BYTES_MAX: u64 = 32 << 20;

/// A body without its encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain<'a> {
    /// What it is.
    pub bytes: Cow<'a, [u8]>,
    /// Why it is not all of it, or still encoded.
    pub notes: Vec<String>,
    /// An encoding is left that nobody here can read.
    pub still_encoded: bool,
}

/// The body without its encodings, as far as it was kept and can be read.
pub fn plain<'a>(headers: &Headers, body: &'a Body) -> Plain<'a> {
    let mut plain = Plain { bytes: Cow::Borrowed(&body.kept[..]), notes: Vec::new(), still_encoded: false };
    if body.is_cut() {
        plain.notes.push(format!("{} of {} bytes were kept", body.kept.len(), body.bytes));
    }
    let mut layers = Vec::new();
    for value in headers.all("content-encoding") {
        let value = String::from_utf8_lossy(value).to_ascii_lowercase();
        layers.extend(value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()));
    }
    layers.retain(|name| name != "identity");
    if body.kept.is_empty() {
        return plain;
    }
    for (done, name) in layers.iter().rev().enumerate() {
        let known = (done < LAYERS_MAX).then(|| decoder(name)).flatten();
        let Some(decode) = known else {
            plain.notes.push(format!("the encoding `{}` cannot be undone here", name.escape_debug()));
            plain.still_encoded = true;
            return plain;
        };
        let mut output = Output::for_input(plain.bytes.len());
        let end = decode(&plain.bytes, &mut output);
        match end {
            // A body that never was what it says, of an imported file for example, is shown as it is.
            End::Broken if output.bytes.is_empty() => {
                plain.notes.push(format!("the body is not {name}, as its head says"));
                return plain;
            }
            End::Broken if !body.is_cut() => plain.notes.push(format!("the {name} data is broken or cut")),
            End::Full => plain.notes.push(format!("only the first {} bytes are decompressed", output.bytes.len())),
            End::Broken | End::Whole => {}
        }
        plain.bytes = Cow::Owned(output.bytes);
    }
    plain
}

type Decode = fn(&[u8], &mut Output) -> End;

fn decoder(name: &str) -> Option<Decode> {
    Some(match name {
        "gzip" | "x-gzip" => |data, output| output.read(MultiGzDecoder::new(data)),
        "deflate" => deflate,
        "br" => |data, output| output.read(brotli_decompressor::Decompressor::new(data, 4096)),
        "zstd" => zstd,
        _ => return None,
    })
}

/// How a decompression came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of it.
    Whole,
    /// The data ends too early, or is none.
    Broken,
    /// There is more than may be shown.
    Full,
}

/// What has come out, and how much may.
struct Output {
    bytes: Vec<u8>,
    most: usize,
}

impl Output {
    fn for_input(bytes: usize) -> Output {
        let most = RATIO_FREE_BYTES.max(bytes.saturating_mul(RATIO_MAX)).min(DECODED_BYTES_MAX);
        Output { bytes: Vec::new(), most }
    }

    /// Adds what fits; whether that was all.
    fn add(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len().min(self.most - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..fits]);
        fits == bytes.len()
    }

    /// Reads to the end, to an error, or until it is full.
    fn read(&mut self, mut decoder: impl Read) -> End {
        let mut buffer = [0; 16 << 10];
        loop {
            match decoder.read(&mut buffer) {
                Ok(0) => return End::Whole,
                Ok(count) if self.add(&buffer[..count]) => {}
                Ok(_) => return End::Full,
                Err(_) => return End::Broken,
            }
        }
    }
}

/// By its specification in a zlib wrapper, by some servers without.
fn deflate(data: &[u8], output: &mut Output) -> End {
    let wrapped = matches!(data, [a, b, ..] if a & 15 == 8 && (u32::from(*a) * 256 + u32::from(*b)).is_multiple_of(31));
    if wrapped { output.read(ZlibDecoder::new(data)) } else { output.read(DeflateDecoder::new(data)) }
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Frame by frame; those that are to be skipped are.
fn zstd(mut data: &[u8], output: &mut Output) -> End {
    while !data.is_empty() {
        match data {
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, rest @ ..] => {
                let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
                data = rest.get(length..).unwrap_or_default();
            }
            _ => match zstd_frame(data, output) {
                Ok(used) => data = &data[used..],
                Err(end) => return end,
            },
        }
    }
    End::Whole
}

/// Decompresses one frame; how many bytes it was.
fn zstd_frame(data: &[u8], output: &mut Output) -> Result<usize, End> {
    if zstd_window(data).is_none_or(|bytes| bytes > ZSTD_WINDOW_BYTES_MAX) {
        return Err(End::Broken);
    }
    let mut rest = data;
    let mut decoder = FrameDecoder::new();
    decoder.init(&mut rest).map_err(|_| End::Broken)?;
    let mut good = data.len() - rest.len();
    let from = output.bytes.len();
    while !decoder.is_finished() {
        if decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1)).is_err() {
            output.bytes.truncate(from);
            return Err(whole_blocks(&data[..good], output));
        }
        good = data.len() - rest.len();
        if !output.add(&decoder.collect().unwrap_or_default()) {
            return Err(End::Full);
        }
    }
    Ok(good)
}

/// The decoder holds a window back until a frame is finished: the whole blocks of a cut one are read with an empty last
/// block behind them (and four bytes for a checksum, which nobody compares).
fn whole_blocks(blocks: &[u8], output: &mut Output) -> End {
    let closed = [blocks, &[1, 0, 0, 0, 0, 0, 0]].concat();
    let mut rest = &closed[..];
    let mut decoder = FrameDecoder::new();
    if decoder.init(&mut rest).is_err() {
        return End::Broken;
    }
    while !decoder.is_finished() {
        if decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBlocks(1)).is_err() {
            return End::Broken;
        }
        if !output.add(&decoder.collect().unwrap_or_default()) {
            return End::Full;
        }
    }
    End::Broken
}

/// How much memory a frame asks for: its window, or its whole size if it is a single segment (RFC 8878, 3.1.1.1).
fn zstd_window(data: &[u8]) -> Option<u64> {
    let rest = data.strip_prefix(&ZSTD_MAGIC)?;
    let (&descriptor, rest) = rest.split_first()?;
    if descriptor & 0x20 == 0 {
        let window = rest.first()?;
        let base = 1u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let dictionary_len = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size_len = 1 << (descriptor >> 6);
    let mut size = [0; 8];
    size[..size_len].copy_from_slice(rest.get(dictionary_len..dictionary_len + size_len)?);
    Some(u64::from_le_bytes(size) + if size_len == 2 { 256 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{body, headers};
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn text(bytes: usize) -> Vec<u8> {
        let words = (0u32..).flat_map(|n| format!("{} ", n.wrapping_mul(2_654_435_761)).into_bytes());
        words.take(bytes).collect()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(data).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn undone<'a>(encoding: &str, body: &'a Body) -> Plain<'a> {
        plain(&headers(&[("Content-Encoding", encoding)]), body)
    }

    /// `text(n)` as zstd and brotli: literal blocks only, as no encoder of theirs is at hand.
    fn zstd_of(data: &[u8]) -> Vec<u8> {
        let mut frame = ZSTD_MAGIC.to_vec();
        frame.extend([0x00, 0x58]);
        let blocks: Vec<&[u8]> = data.chunks(100_000).collect();
        for (number, block) in blocks.iter().enumerate() {
            let last = u32::from(number + 1 == blocks.len());
            frame.extend(&((block.len() as u32) << 3 | last).to_le_bytes()[..3]);
            frame.extend_from_slice(block);
        }
        frame
    }

    fn brotli_of(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // WBITS 16, then metablocks: not last, 4 nibbles of length, uncompressed, each aligned to a byte.
        let (mut bits, mut count) = (0u64, 1);
        for block in data.chunks(60_000) {
            for (value, width) in [(0, 1), (0, 2), (block.len() as u64 - 1, 16), (1, 1)] {
                bits |= value << count;
                count += width;
            }
            out.extend(&bits.to_le_bytes()[..usize::div_ceil(count, 8)]);
            (bits, count) = (0, 0);
            out.extend_from_slice(block);
        }
        out.push(3);
        out
    }

    #[test]
    fn every_encoding_is_undone_and_in_any_order() {
        let data = text(300_000);
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(&data).expect("in memory");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&data).expect("in memory");
        for (encoding, encoded) in [
            ("gzip", gzip(&data)),
            ("X-GZip", [gzip(&data[..1000]), gzip(&data[1000..])].concat()),
            ("deflate", raw.finish().expect("in memory")),
            ("deflate", zlib.finish().expect("in memory")),
            ("br", brotli_of(&data)),
            ("zstd", zstd_of(&data)),
            ("zstd", [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &zstd_of(&data)].concat()),
            ("zstd, gzip", gzip(&zstd_of(&data))),
            ("identity", data.clone()),
        ] {
            let encoded = body(&encoded);
            let plain = undone(encoding, &encoded);
            assert!(plain.bytes == data, "{encoding}: {} bytes, {:?}", plain.bytes.len(), plain.notes);
            assert_eq!(plain.notes, [""; 0], "{encoding}");
        }
    }

    #[test]
    fn of_a_cut_body_all_is_shown_that_can_be_read() {
        let data = text(300_000);
        for (encoding, encoded, least) in
            [("gzip", gzip(&data), 100_000), ("br", brotli_of(&data), 120_000), ("zstd", zstd_of(&data), 100_000)]
        {
            let kept = encoded.len() * 2 / 3;
            let cut = Body { kept: encoded[..kept].into(), bytes: encoded.len() as u64 };
            let plain = undone(encoding, &cut);
            assert!(plain.bytes.len() >= least, "{encoding}: {} bytes", plain.bytes.len());
            assert!(data.starts_with(&plain.bytes), "{encoding}");
            assert_eq!(plain.notes, [format!("{kept} of {} bytes were kept", encoded.len())]);
            let broken = body(&encoded[..kept]);
            assert!(undone(encoding, &broken).notes[0].contains("broken or cut"));
        }
    }

    #[test]
    fn a_bomb_is_shown_up_to_a_bound() {
        let bomb = gzip(&vec![0; 100 << 20]);
        let bomb = body(&gzip(&bomb));
        let plain = undone("gzip, gzip", &bomb);
        assert!(plain.bytes.len() <= DECODED_BYTES_MAX && !plain.notes.is_empty(), "{}", plain.bytes.len());
        // 128 KiB of the same byte in each block of four bytes.
        let mut frame = [&ZSTD_MAGIC[..], &[0x00, 0x70]].concat();
        (0..4000).for_each(|_| frame.extend_from_slice(&[0x02, 0x00, 0x10, b'x']));
        let frame = body(&frame);
        assert!(undone("zstd", &frame).bytes.len() <= DECODED_BYTES_MAX);
        let greedy = body(&[&ZSTD_MAGIC[..], &[0x00, 0xf8, 1, 0, 0]].concat());
        assert!(undone("zstd", &greedy).notes[0].contains("is not zstd"));
    }

    #[test]
    fn what_cannot_be_undone_is_shown_as_it_is_and_said() {
        let plain_text = body(b"hello");
        let plain = undone("gzip", &plain_text);
        assert_eq!((&plain.bytes[..], plain.still_encoded), (&b"hello"[..], false));
        assert!(plain.notes[0].contains("not gzip"), "{:?}", plain.notes);
        let plain = undone("dcb", &plain_text);
        assert!(plain.still_encoded && plain.notes[0].contains("`dcb` cannot be undone"), "{:?}", plain.notes);
        let deep = body(&gzip(&gzip(&gzip(&gzip(&gzip(b"x"))))));
        assert!(undone("gzip,gzip,gzip,gzip,gzip", &deep).still_encoded);
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(
            data: Vec<u8>, prefix in 0..4usize, encoding in prop::sample::select(vec!["gzip", "deflate", "br", "zstd"]),
        ) {
            let prefix = [&[][..], &ZSTD_MAGIC, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &[0x78, 0x9c]][prefix];
            let data = body(&[prefix, &data].concat());
            prop_assert!(undone(encoding, &data).bytes.len() <= DECODED_BYTES_MAX.max(data.kept.len()));
        }
    }
}
