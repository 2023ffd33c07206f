//! Memory for bytes on their way, lent only while there are some.

use std::fmt;

/// The memory of one buffer.
pub const BUFFER_BYTES: usize = 64 << 10;
/// So many free buffers are kept for the next.
const FREE_MAX: usize = 64;

/// The free buffers of a loop. The last one given back is the first one lent, since its memory is still near.
#[derive(Default)]
pub struct Buffers {
    free: Vec<Box<[u8]>>,
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffers({} free)", self.free.len())
    }
}

impl Buffers {
    fn take(&mut self) -> Box<[u8]> {
        self.free.pop().unwrap_or_else(|| vec![0; BUFFER_BYTES].into_boxed_slice())
    }

    fn give(&mut self, bytes: Box<[u8]>) {
        if bytes.len() == BUFFER_BYTES && self.free.len() < FREE_MAX {
            self.free.push(bytes);
        }
    }
}

/// Bytes that came and were not consumed. Without bytes it holds no memory once it was [settled](Buffer::settle).
#[derive(Default)]
pub struct Buffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {})", self.len(), self.bytes.len())
    }
}

impl Buffer {
    /// The bytes.
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether no more can be read into it.
    pub fn is_full(&self) -> bool {
        self.len() == BUFFER_BYTES
    }

    /// Takes the first `count` bytes away.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Room to read into; empty only when the buffer is full. What was read is said with [`Buffer::filled`].
    pub fn room(&mut self, buffers: &mut Buffers) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = buffers.take();
        }
        if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were read into the room.
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Gives the memory back if there are no bytes in it.
    pub fn settle(&mut self, buffers: &mut Buffers) {
        if self.is_empty() && !self.bytes.is_empty() {
            (self.start, self.end) = (0, 0);
            buffers.give(std::mem::take(&mut self.bytes));
        }
    }

    /// Forgets the bytes and gives the memory back.
    pub fn clear(&mut self, buffers: &mut Buffers) {
        (self.start, self.end) = (0, 0);
        self.settle(buffers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_in_order_through_compaction_and_memory_goes_back() {
        let (mut buffers, mut buffer) = (Buffers::default(), Buffer::default());
        assert_eq!(buffer.room(&mut buffers).len(), BUFFER_BYTES);
        buffer.room(&mut buffers).fill(1);
        buffer.filled(BUFFER_BYTES);
        assert!(buffer.is_full() && buffer.room(&mut buffers).is_empty());
        buffer.consume(BUFFER_BYTES - 2);
        assert_eq!(buffer.room(&mut buffers).len(), BUFFER_BYTES - 2);
        buffer.room(&mut buffers)[0] = 2;
        buffer.filled(1);
        assert_eq!(buffer.data(), [1, 1, 2]);
        buffer.settle(&mut buffers);
        assert_eq!(buffers.free.len(), 0, "it has bytes");
        buffer.clear(&mut buffers);
        assert_eq!((buffers.free.len(), buffer.bytes.len()), (1, 0));
    }
}
