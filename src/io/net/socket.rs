//! One connection: its stream, and what is known of its readiness.

use mio::event::Event;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::AsRawFd;

use super::pipe::Pipe;

/// A stream that was registered once. Its flags say what the next call can expect, so that a call that must fail is not made.
#[derive(Debug)]
pub(super) struct Socket {
    /// `None` for one without a peer: it takes everything that is written, and nothing ever comes.
    pub(super) stream: Option<TcpStream>,
    readable: bool,
    writable: bool,
    /// The peer will send no more (or nothing works any more): there may be an end to be read behind a short read.
    ended: bool,
    pub(super) connecting: bool,
    /// It stands in the queue of those that are looked at in this turn.
    pub(super) queued: bool,
}

impl Socket {
    pub(super) fn new(stream: Option<TcpStream>, connecting: bool) -> Socket {
        // Accepted: the first bytes are often there already, and there is room to write.
        let ready = !connecting;
        Socket { readable: ready && stream.is_some(), stream, writable: ready, ended: false, connecting, queued: false }
    }

    pub(super) fn happened(&mut self, event: &Event) {
        self.ended |= event.is_read_closed() || event.is_error() || event.is_write_closed();
        self.readable |= event.is_readable() || self.ended;
        self.writable |= event.is_writable() || event.is_error() || event.is_write_closed();
    }

    pub(super) fn is_readable(&self) -> bool {
        self.readable
    }

    pub(super) fn is_writable(&self) -> bool {
        self.writable
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let Some(stream) = self.stream.as_mut().filter(|_| self.readable) else {
            return Err(ErrorKind::WouldBlock.into());
        };
        loop {
            return match stream.read(room) {
                // Less than asked for: the rest is empty, and more will be another event.
                Ok(count) => {
                    self.readable = count == room.len() || self.ended;
                    Ok(count)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.readable = error.kind() != ErrorKind::WouldBlock;
                    Err(error)
                }
            };
        }
    }

    pub(super) fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.writable {
            return Err(ErrorKind::WouldBlock.into());
        }
        let all = parts.iter().map(|part| part.len()).sum::<usize>();
        let Some(stream) = &mut self.stream else { return Ok(all) };
        loop {
            let result = match parts {
                [one] => stream.write(one),
                _ => stream.write_vectored(parts),
            };
            return match result {
                // Less than offered: there is no room, and there being some will be another event.
                Ok(count) => {
                    self.writable = count == all;
                    Ok(count)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.writable = error.kind() != ErrorKind::WouldBlock;
                    Err(error)
                }
            };
        }
    }

    /// Moves what there is into the empty pipe.
    pub(super) fn fill(&mut self, pipe: &mut Pipe, most: usize) -> io::Result<usize> {
        let Some(stream) = self.stream.as_ref().filter(|_| self.readable) else {
            return Err(ErrorKind::WouldBlock.into());
        };
        let result = retried(|| pipe.fill(stream, most));
        // However little came, the pipe may have had no room for more.
        self.readable = !is_block(&result);
        result
    }

    /// Moves what waits in the pipe to the peer.
    pub(super) fn drain(&mut self, pipe: &mut Pipe) -> io::Result<usize> {
        let Some(stream) = self.stream.as_ref().filter(|_| self.writable) else {
            return Err(ErrorKind::WouldBlock.into());
        };
        let result = retried(|| pipe.drain(stream));
        self.writable = !is_block(&result);
        result
    }

    /// Whether a connection that was begun stands: `None` while that is open.
    pub(super) fn connected(&mut self) -> Option<io::Result<()>> {
        if !self.connecting {
            return Some(Ok(()));
        }
        if !self.writable && !self.ended {
            return None;
        }
        let stream = self.stream.as_ref()?;
        let result = match stream.take_error() {
            Ok(Some(error)) | Err(error) => Err(error),
            Ok(None) => match stream.peer_addr() {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == ErrorKind::NotConnected && !self.ended => {
                    self.writable = false;
                    return None;
                }
                Err(error) => Err(error),
            },
        };
        self.connecting = false;
        Some(result)
    }

    /// Makes the close a reset: whoever reads at the other end shall not take what came for the whole.
    pub(super) fn reset_on_close(&self) {
        let Some(stream) = &self.stream else { return };
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let size = size_of::<libc::linger>() as libc::socklen_t;
        // SAFETY: the descriptor is the stream's own and open; `linger` lives through the call and `size` is its size.
        // If it fails, the close is an ordinary one.
        unsafe {
            libc::setsockopt(stream.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), size)
        };
    }
}

fn retried(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn is_block(result: &io::Result<usize>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}
