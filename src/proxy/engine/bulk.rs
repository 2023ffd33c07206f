//! The part of a direction in which there is much to move and nothing to look at: bytes go from socket to socket without a copy.
//!
//! A direction comes here once a read has filled its whole buffer, and leaves when little comes at once: small messages are copied, in two calls.
//! What is framed anew, filtered, watched, kept or slowed down is copied, too, and so is everything that is encrypted.

use std::io::ErrorKind;

use super::flow::{Broken, Flow, Moved, Reader};
use super::limits::{BULK_BYTES, SHARE_BYTES};
use super::upstream::Link;
use crate::io::net::{Buffer, Net, Pipe};

/// Where a direction stands with it.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    /// Much comes at once.
    is_on: bool,
    /// Lent while it is on and the source has something.
    pipe: Option<Pipe>,
}

impl Bulk {
    /// A read filled the whole buffer.
    pub(super) fn begin(&mut self) {
        self.is_on = true;
    }

    /// Bytes that were read and wait for the sink.
    fn held(&self) -> usize {
        self.pipe.as_ref().map_or(0, Pipe::len)
    }
}

/// What came of it.
pub(super) enum Spliced {
    Bytes(usize),
    Stop(Moved),
    /// The rest, or the end of it, is for whoever copies.
    Copy,
}

impl Flow {
    /// Moves some bytes through the pipe, if this is a case for it.
    pub(super) fn splice(&mut self, net: &mut Net, from: &Link, input: &Buffer, to: &Link) -> Result<Spliced, Broken> {
        if self.bulk.held() == 0 && !self.is_for_pipe(from, input, to) {
            self.leave_bulk(net);
            return Ok(Spliced::Copy);
        }
        let Some(mut pipe) = self.bulk.pipe.take().or_else(|| net.lend_pipe(from.key, to.key)) else {
            self.bulk.is_on = false;
            return Ok(Spliced::Copy);
        };
        let result = if pipe.is_empty() { self.fill(net, from, &mut pipe) } else { Ok(None) };
        let result = match result {
            Ok(None) => self.drain(net, to, &mut pipe),
            Ok(Some(spliced)) => Ok(spliced),
            Err(broken) => Err(broken),
        };
        match &result {
            // The source has nothing now, or nothing more.
            Ok(Spliced::Stop(Moved::Starved) | Spliced::Copy) | Err(_) => net.return_pipe(pipe),
            Ok(_) => self.bulk.pipe = Some(pipe),
        }
        result
    }

    /// From the source into the empty pipe; `None` when there is something in it now.
    fn fill(&mut self, net: &mut Net, from: &Link, pipe: &mut Pipe) -> Result<Option<Spliced>, Broken> {
        match net.fill(from.key, pipe, self.left().min(SHARE_BYTES)) {
            Ok(0) => self.source_ended().map(|()| Some(Spliced::Copy)),
            Ok(count) => {
                self.bulk.is_on = count >= BULK_BYTES;
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Some(Spliced::Stop(Moved::Starved))),
            Err(error) => Err(Broken::Source(Some(error))),
        }
    }

    fn drain(&mut self, net: &mut Net, to: &Link, pipe: &mut Pipe) -> Result<Spliced, Broken> {
        match net.drain(to.key, pipe) {
            Ok(0) => Err(Broken::Sink),
            Ok(count) => {
                self.bytes += count as u64;
                self.took(count);
                Ok(Spliced::Bytes(count))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Spliced::Stop(Moved::Blocked)),
            Err(_) => Err(Broken::Sink),
        }
    }

    /// Gives the pipe back; there is nothing in it.
    fn leave_bulk(&mut self, net: &mut Net) {
        if let Some(pipe) = self.bulk.pipe.take() {
            net.return_pipe(pipe);
        }
    }

    fn is_for_pipe(&self, from: &Link, input: &Buffer, to: &Link) -> bool {
        let is_plain = from.tls.is_none() && to.tls.is_none();
        let is_as_it_is = !self.chunks && self.filter.is_none();
        let is_looked_at = self.tap.is_some() || self.kept.len() < self.keep_max || self.allowance.is_some();
        self.bulk.is_on
            && is_plain
            && is_as_it_is
            && !is_looked_at
            && input.is_empty()
            && self.waiting() == 0
            && self.left() >= BULK_BYTES
    }

    /// Bytes that may be taken from the source without looking at them.
    fn left(&self) -> usize {
        match self.reader {
            Reader::UntilClose => usize::MAX,
            Reader::Length(left) => usize::try_from(left).unwrap_or(usize::MAX),
            Reader::Done | Reader::Chunked(_) => 0,
        }
    }
}
