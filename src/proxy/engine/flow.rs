//! One direction of an exchange: bytes are taken out of their framing on one side and put into another on the other.
//!
//! **Bounds.** What is read stays in its buffer (64 KiB) until it is written; what had to be framed anew waits in `out` (64 KiB).
//! When the sink takes no more, nothing is read. **Copies.** A body with a length, or one that ends with its connection, is written
//! from where it was read, beside the head, in one call; a large one is not even copied (`bulk`).

use std::io::{self, ErrorKind, IoSlice};

use super::bulk::{Bulk, Spliced};
use super::hooks::BodyFilter;
use super::limits::{OUT_BYTES, SHARE_BYTES};
use super::tap::Tap;
use super::upstream::Link;
use crate::io::net::{Buffer, Net};
use crate::wire::http1::chunked::{CHUNK_END, LAST_CHUNK};
use crate::wire::http1::{ChunkHeader, Decoded, Decoder, Framing, Refusal};

/// How the end of what comes is known.
#[derive(Debug, Default)]
pub(super) enum Reader {
    /// Nothing comes, or nothing more.
    #[default]
    Done,
    Length(u64),
    Chunked(Decoder),
    UntilClose,
}

impl Reader {
    pub(super) fn new(framing: Framing) -> Reader {
        match framing {
            Framing::None | Framing::Length(0) => Reader::Done,
            Framing::Length(bytes) => Reader::Length(bytes),
            Framing::Chunked => Reader::Chunked(Decoder::new()),
            Framing::UntilClose => Reader::UntilClose,
        }
    }
}

/// Why a direction stopped for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// All of it was passed on.
    Finished,
    /// The source has nothing now.
    Starved,
    /// The sink takes nothing now.
    Blocked,
    /// It has had its share of this turn.
    Share,
}

/// Why a direction stopped for good.
#[derive(Debug)]
pub(super) enum Broken {
    /// The source failed, or ended before its end.
    Source(Option<io::Error>),
    /// The sink takes nothing more.
    Sink,
    /// What came makes no sense.
    Garbage(Refusal),
}

/// One direction.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) reader: Reader,
    /// Write it in chunks.
    pub(super) chunks: bool,
    /// Pass trailers on.
    pub(super) trailers: bool,
    /// Heads and framed bytes that were not written yet, from `sent` on.
    pub(super) out: Vec<u8>,
    pub(super) sent: usize,
    /// All of the message lies in `out` and stays there, to be sent again.
    pub(super) hold: bool,
    /// Bytes of the body as they came, without their framing.
    pub(super) bytes: u64,
    /// The first of them.
    pub(super) kept: Vec<u8>,
    pub(super) keep_max: usize,
    pub(super) filter: Option<Box<dyn BodyFilter>>,
    pub(super) tap: Option<Box<Tap>>,
    filtered: Vec<u8>,
    /// How many bytes may move now, by rule.
    pub(super) allowance: Option<usize>,
    pub(super) bulk: Bulk,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Flow({:?}, {} bytes, {} waiting)", self.reader, self.bytes, self.waiting())
    }
}

impl Flow {
    /// Makes it ready for another exchange; its memory stays.
    pub(super) fn reset(&mut self) {
        let memory = |bytes: &mut Vec<u8>, most: usize| {
            let mut bytes = std::mem::take(bytes);
            bytes.clear();
            if bytes.capacity() > most { Vec::new() } else { bytes }
        };
        let out = memory(&mut self.out, 4 * OUT_BYTES);
        let (filtered, kept) = (memory(&mut self.filtered, OUT_BYTES), memory(&mut self.kept, 2 * OUT_BYTES));
        *self = Flow { out, filtered, kept, ..Flow::default() };
    }

    /// Framed bytes that wait for the sink.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Whether the end was read (not yet whether it was written).
    pub(super) fn is_read(&self) -> bool {
        matches!(self.reader, Reader::Done)
    }

    /// Whether everything was passed on.
    pub(super) fn is_finished(&self) -> bool {
        self.is_read() && self.waiting() == 0
    }

    /// Whether bytes may go from where they were read to where they are written.
    fn direct(&self, input: &Buffer) -> usize {
        if self.chunks || self.filter.is_some() {
            return 0;
        }
        match self.reader {
            Reader::Length(left) => usize::try_from(left).unwrap_or(usize::MAX).min(input.len()),
            Reader::UntilClose => input.len(),
            Reader::Done | Reader::Chunked(_) => 0,
        }
    }

    /// Moves what can be moved.
    pub(super) fn pump(
        &mut self,
        net: &mut Net,
        from: &mut Link,
        input: &mut Buffer,
        to: &mut Link,
    ) -> Result<Moved, Broken> {
        let mut moved = 0;
        loop {
            if moved >= SHARE_BYTES || self.allowance == Some(0) {
                return Ok(Moved::Share);
            }
            match self.splice(net, from, input, to)? {
                Spliced::Bytes(count) => {
                    moved += count;
                    continue;
                }
                Spliced::Stop(moved) => return Ok(moved),
                Spliced::Copy => {}
            }
            let direct = self.direct(input);
            if direct == 0 && !self.is_read() && !input.is_empty() {
                self.frame(input, OUT_BYTES)?;
            }
            if direct > 0 || self.waiting() > 0 {
                match self.write(net, to, &input.data()[..direct]) {
                    Ok((count, taken)) => {
                        self.saw(&input.data()[..taken]);
                        self.took(taken);
                        input.consume(taken);
                        moved += count;
                        if let Some(allowance) = &mut self.allowance {
                            *allowance = allowance.saturating_sub(count);
                        }
                        continue;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Moved::Blocked),
                    Err(_) => return Err(Broken::Sink),
                }
            }
            if self.is_read() {
                return Ok(Moved::Finished);
            }
            match from.read_into(net, input) {
                Ok(0) => self.source_ended()?,
                Ok(_) if input.is_full() => self.bulk.begin(),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Moved::Starved),
                Err(error) => return Err(Broken::Source(Some(error))),
            }
        }
    }

    /// Writes what waits and then `direct`; how many bytes in all, and how many of `direct`.
    fn write(&mut self, net: &mut Net, to: &mut Link, direct: &[u8]) -> io::Result<(usize, usize)> {
        let room = self.allowance.unwrap_or(usize::MAX);
        let waiting = self.waiting().min(room);
        let out = &self.out[self.sent..self.sent + waiting];
        let direct = &direct[..direct.len().min(room - waiting)];
        let count = match (waiting, direct.len()) {
            (0, _) => to.write(net, &[IoSlice::new(direct)])?,
            (_, 0) => to.write(net, &[IoSlice::new(out)])?,
            _ => to.write(net, &[IoSlice::new(out), IoSlice::new(direct)])?,
        };
        self.sent += count.min(waiting);
        if self.sent == self.out.len() && !self.hold {
            self.out.clear();
            self.sent = 0;
        }
        Ok((count, count.saturating_sub(waiting)))
    }

    /// The message will not be sent again.
    pub(super) fn release(&mut self) {
        self.hold = false;
        if self.waiting() == 0 {
            self.out.clear();
            self.sent = 0;
        }
    }

    /// Writes what waits, at no pace but the sink's; whether all of it was taken.
    pub(super) fn flush(&mut self, net: &mut Net, to: &mut Link) -> io::Result<bool> {
        let allowance = self.allowance.take();
        let result = self.flush_all(net, to);
        self.allowance = allowance;
        result
    }

    fn flush_all(&mut self, net: &mut Net, to: &mut Link) -> io::Result<bool> {
        while self.waiting() > 0 {
            match self.write(net, to, &[]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    pub(super) fn took(&mut self, count: usize) {
        if let Reader::Length(left) = &mut self.reader {
            *left -= count as u64;
            if *left == 0 {
                self.reader = Reader::Done;
            }
        }
    }

    /// Bytes of the body are on their way: counts, keeps and shows them.
    pub(super) fn saw(&mut self, payload: &[u8]) {
        self.bytes += payload.len() as u64;
        if self.kept.len() < self.keep_max {
            let more = (self.keep_max - self.kept.len()).min(payload.len());
            self.kept.extend_from_slice(&payload[..more]);
        }
        if let Some(tap) = &mut self.tap {
            tap.see(payload);
        }
    }

    /// Takes the body out of its framing and leaves it in `out`, up to about `most` bytes.
    pub(super) fn gather(&mut self, input: &mut Buffer, most: usize) -> Result<(), Broken> {
        self.frame(input, most)
    }

    /// Takes what is in the input out of its framing and appends it in the other, as long as no more than `most` bytes wait.
    fn frame(&mut self, input: &mut Buffer, most: usize) -> Result<(), Broken> {
        while !input.is_empty() && !self.is_read() && self.waiting() < most {
            let data = input.data();
            let mut reader = std::mem::take(&mut self.reader);
            let (payload, used, ended) = match &mut reader {
                Reader::Done => (&data[..0], 0, true),
                Reader::UntilClose => (data, data.len(), false),
                Reader::Length(left) => {
                    let bytes = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
                    *left -= bytes as u64;
                    (&data[..bytes], bytes, *left == 0)
                }
                Reader::Chunked(decoder) => match decoder.decode(data) {
                    Ok(Decoded::Data { payload, used }) => (payload, used, false),
                    Ok(Decoded::More) => (&data[..0], data.len(), false),
                    Ok(Decoded::End { used }) => (&data[..0], used, true),
                    Err(refusal) => {
                        // Its end is not read and never will be: nothing after it is another message.
                        self.reader = reader;
                        return Err(Broken::Garbage(refusal));
                    }
                },
            };
            self.saw(payload);
            let passed = self.pass(payload).and_then(|()| if ended { self.end(&reader) } else { Ok(()) });
            input.consume(used);
            if passed.is_err() || !ended {
                self.reader = reader;
            }
            passed?;
        }
        Ok(())
    }

    /// Appends bytes of the body in the sink's framing.
    fn pass(&mut self, payload: &[u8]) -> Result<(), Broken> {
        if payload.is_empty() {
            return Ok(());
        }
        let Some(mut filter) = self.filter.take_if(|filter| !filter.is_done()) else {
            self.append(payload);
            return Ok(());
        };
        let mut filtered = std::mem::take(&mut self.filtered);
        filter.feed(payload, &mut filtered);
        self.append(&filtered);
        filtered.clear();
        self.filtered = filtered;
        self.filter = Some(filter);
        self.check_filter()
    }

    /// What a filter cannot make of the body, nobody can.
    fn check_filter(&self) -> Result<(), Broken> {
        let why = self.filter.as_ref().and_then(|filter| filter.broken());
        why.map_or(Ok(()), |why| Err(Broken::Garbage(Refusal::new(502, why))))
    }

    fn append(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.chunks {
            self.out.extend_from_slice(ChunkHeader::new(bytes.len()).as_bytes());
        }
        self.out.extend_from_slice(bytes);
        if self.chunks {
            self.out.extend_from_slice(CHUNK_END);
        }
    }

    /// The body has ended well.
    fn end(&mut self, reader: &Reader) -> Result<(), Broken> {
        if let Some(filter) = &mut self.filter {
            let mut filtered = std::mem::take(&mut self.filtered);
            filter.finish(&mut filtered);
            self.append(&filtered);
            filtered.clear();
            self.filtered = filtered;
            self.check_filter()?;
        }
        if self.chunks {
            match reader {
                Reader::Chunked(decoder) if self.trailers => decoder.trailers().write_last_chunk(&mut self.out),
                _ => self.out.extend_from_slice(LAST_CHUNK),
            }
        }
        Ok(())
    }

    pub(super) fn source_ended(&mut self) -> Result<(), Broken> {
        if !matches!(self.reader, Reader::UntilClose) {
            return Err(Broken::Source(None));
        }
        self.reader = Reader::Done;
        self.end(&Reader::UntilClose)
    }
}
