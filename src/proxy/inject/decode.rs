//! Decompresses a page while it streams; what grows out of all proportion is broken off.

use std::io::Write;

use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// Decoded bytes that are always allowed.
const BYTES_ALLOWED: u64 = 8 << 20;
/// Beyond them, so many for each byte that came.
const RATIO_MAX: u64 = 400;
/// The decoder is fed in pieces of this size, so that the bound is looked at often.
const PIECE_BYTES: usize = 4 << 10;

/// How a page is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// deflate: with the head of zlib, or without, as some servers send it.
    Deflate,
}

impl Coding {
    /// The coding that the values of `Content-Encoding` name.
    ///
    /// # Errors
    /// Why the page cannot be read here.
    pub fn of<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<Coding, &'static str> {
        let mut coding = Coding::Plain;
        for word in values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
            let found = match word.to_ascii_lowercase().as_slice() {
                b"" | b"identity" => continue,
                b"gzip" | b"x-gzip" => Coding::Gzip,
                b"deflate" => Coding::Deflate,
                b"br" => return Err("it is compressed with brotli although it was asked for plain"),
                b"zstd" => return Err("it is compressed with zstd although it was asked for plain"),
                _ => return Err("it is compressed in an unknown way although it was asked for plain"),
            };
            if coding != Coding::Plain {
                return Err("it is compressed twice");
            }
            coding = found;
        }
        Ok(coding)
    }
}

/// Compressed bytes in, plain ones out.
pub struct Decoder {
    state: State,
    taken: u64,
    given: u64,
}

enum State {
    Gzip(MultiGzDecoder<Vec<u8>>),
    /// The first byte of a deflate stream, until the second tells which kind it is.
    Undecided(Vec<u8>),
    Deflate(Decompress),
    /// A deflate stream has ended; what stands behind it is dropped.
    Ended,
    Broken,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoder({} -> {})", self.taken, self.given)
    }
}

/// The compressed bytes make no sense, or far too much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl Decoder {
    /// A decoder; `None` for what is not compressed.
    pub fn new(coding: Coding) -> Option<Decoder> {
        let state = match coding {
            Coding::Plain => return None,
            Coding::Gzip => State::Gzip(MultiGzDecoder::new(Vec::new())),
            Coding::Deflate => State::Undecided(Vec::new()),
        };
        Some(Decoder { state, taken: 0, given: 0 })
    }

    /// Takes the next bytes, and appends what they mean to `out`.
    ///
    /// # Errors
    /// From then on everything fails; what was appended before is right.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        for piece in bytes.chunks(PIECE_BYTES) {
            let before = out.len();
            self.taken += piece.len() as u64;
            let result = self.decode(piece, out);
            self.given += (out.len() - before) as u64;
            let problem = match result {
                Err(_) => Some("the compressed page is damaged"),
                Ok(()) if self.given > BYTES_ALLOWED.max(self.taken * RATIO_MAX) => Some("it decompresses without end"),
                Ok(()) => None,
            };
            if let Some(problem) = problem {
                self.state = State::Broken;
                return Err(Broken(problem));
            }
        }
        Ok(())
    }

    /// The bytes have ended: appends the last ones, and says whether the stream was whole.
    ///
    /// # Errors
    /// It ended in the middle.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let whole = match &mut self.state {
            State::Gzip(decoder) => {
                let whole = self.taken == 0 || decoder.try_finish().is_ok();
                out.append(decoder.get_mut());
                whole
            }
            State::Undecided(first) => first.is_empty(),
            State::Ended => true,
            State::Deflate(_) | State::Broken => false,
        };
        if whole { Ok(()) } else { Err(Broken("the compressed page is damaged")) }
    }

    fn decode(&mut self, piece: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
        match &mut self.state {
            State::Gzip(decoder) => {
                let result = gunzip(decoder, piece);
                out.append(decoder.get_mut());
                result
            }
            State::Undecided(first) => {
                first.extend_from_slice(piece);
                let &[a, b, ..] = &first[..] else { return Ok(()) };
                let has_head = a & 0x0f == 8 && u16::from_be_bytes([a, b]).is_multiple_of(31);
                let first = std::mem::take(first);
                self.state = State::Deflate(Decompress::new(has_head));
                self.decode(&first, out)
            }
            State::Deflate(decoder) => {
                if inflate(decoder, piece, out)? == Status::StreamEnd {
                    self.state = State::Ended;
                }
                Ok(())
            }
            State::Ended => Ok(()),
            State::Broken => Err(std::io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Writes all of it and flushes, so that a part of a page is there as soon as its bytes are.
fn gunzip(decoder: &mut MultiGzDecoder<Vec<u8>>, mut piece: &[u8]) -> std::io::Result<()> {
    while !piece.is_empty() {
        match decoder.write(piece)? {
            0 => break,
            taken => piece = &piece[taken..],
        }
    }
    decoder.flush()
}

fn inflate(decoder: &mut Decompress, mut piece: &[u8], out: &mut Vec<u8>) -> std::io::Result<Status> {
    loop {
        out.reserve(4 * PIECE_BYTES);
        let taken = decoder.total_in();
        let status = decoder.decompress_vec(piece, out, FlushDecompress::None)?;
        piece = &piece[(decoder.total_in() - taken) as usize..];
        // With room left in the output, there is nothing more to come out.
        if status == Status::StreamEnd || (piece.is_empty() && out.len() < out.capacity()) {
            return Ok(status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    fn page() -> Vec<u8> {
        (0..3000).flat_map(|n| format!("<p>{n} {}</p>\n", n * n).into_bytes()).collect()
    }

    fn compressed(page: &[u8]) -> [(Coding, Vec<u8>); 3] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(page).unwrap();
        zlib.write_all(page).unwrap();
        raw.write_all(page).unwrap();
        let deflate = Coding::Deflate;
        [(Coding::Gzip, gzip.finish().unwrap()), (deflate, zlib.finish().unwrap()), (deflate, raw.finish().unwrap())]
    }

    fn decode(coding: Coding, bytes: &[u8], size: usize) -> (Vec<u8>, Result<(), Broken>) {
        let (mut decoder, mut out) = (Decoder::new(coding).unwrap(), Vec::new());
        for chunk in bytes.chunks(size) {
            if let Err(broken) = decoder.feed(chunk, &mut out) {
                return (out, Err(broken));
            }
        }
        let end = decoder.finish(&mut out);
        (out, end)
    }

    #[test]
    fn a_page_is_the_same_however_it_was_compressed_and_cut() {
        let page = page();
        for (coding, bytes) in compressed(&page) {
            for size in [1, 2, 3, 100, 5000, usize::MAX] {
                let (out, end) = decode(coding, &bytes, size);
                assert!(end.is_ok() && out == page, "{coding:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn what_is_flushed_early_comes_out_early() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"<!doctype html><head>").unwrap();
        encoder.flush().unwrap();
        let (mut decoder, mut out) = (Decoder::new(Coding::Gzip).unwrap(), Vec::new());
        decoder.feed(encoder.get_ref(), &mut out).unwrap();
        assert_eq!(out, b"<!doctype html><head>");
    }

    #[test]
    fn damaged_and_cut_streams_are_seen() {
        let page = page();
        for (coding, bytes) in compressed(&page) {
            assert!(decode(coding, &bytes[..bytes.len() / 2], 50).1.is_err(), "{coding:?} cut");
            let mut damaged = bytes.clone();
            damaged[40..60].fill(0xff);
            let (out, end) = decode(coding, &damaged, 50);
            assert!(end.is_err() || out != page, "{coding:?} damaged");
        }
        assert!(decode(Coding::Gzip, b"<!doctype html>", 50).1.is_err());
    }

    #[test]
    fn a_bomb_is_broken_off() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![0u8; 1 << 20];
        (0..64).for_each(|_| encoder.write_all(&zeros).unwrap());
        let bomb = encoder.finish().unwrap();
        let (out, end) = decode(Coding::Gzip, &bomb, 16 << 10);
        assert_eq!(end, Err(Broken("it decompresses without end")));
        assert!(out.len() < 32 << 20, "{}", out.len());
    }

    #[test]
    fn the_coding_is_read_from_its_fields() {
        let of = |value: &'static str| Coding::of(std::iter::once(value.as_bytes()));
        assert_eq!(of("GZIP"), Ok(Coding::Gzip));
        assert_eq!(of("identity, x-gzip"), Ok(Coding::Gzip));
        assert_eq!(of("deflate"), Ok(Coding::Deflate));
        assert_eq!(of(""), Ok(Coding::Plain));
        for value in ["br", "zstd", "gzip, gzip", "compress"] {
            assert!(of(value).is_err(), "{value}");
        }
    }
}
