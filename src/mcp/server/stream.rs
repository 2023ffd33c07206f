//! The events of one stream of a session, kept for a client that comes back for them.

use std::collections::VecDeque;

use crate::io::net::Key;

/// Where an event stands: in which stream of its session, and the how many-eth of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId {
    pub(super) stream: u64,
    pub(super) number: u64,
}

impl EventId {
    /// Reads what [`EventId::text`] wrote.
    pub(super) fn of(text: &str) -> Option<EventId> {
        let (stream, number) = text.split_once('-')?;
        Some(EventId { stream: stream.parse().ok()?, number: number.parse().ok()? })
    }

    pub(super) fn text(self) -> String {
        format!("{}-{}", self.stream, self.number)
    }
}

/// One stream: who reads it, what it had, and whether more will come.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The connection that reads it now.
    pub(super) reader: Option<Key>,
    /// Answers that will still come over it.
    pub(super) expected: usize,
    /// The number of the next event.
    next: u64,
    events: VecDeque<(u64, Vec<u8>)>,
    bytes: usize,
}

impl Stream {
    /// One that is read over this connection, and carries so many answers.
    pub(super) fn new(reader: Key, expected: usize) -> Stream {
        Stream { reader: Some(reader), expected, ..Stream::default() }
    }

    /// Keeps an event; its number.
    pub(super) fn keep(&mut self, message: &[u8]) -> u64 {
        let number = self.number();
        self.bytes += message.len();
        self.events.push_back((number, message.to_vec()));
        number
    }

    /// A number for an event without contents.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// What came after this event.
    pub(super) fn after(&self, number: u64) -> impl Iterator<Item = (u64, &[u8])> {
        self.events.iter().filter(move |(own, _)| *own > number).map(|(own, bytes)| (*own, &bytes[..]))
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets the oldest event.
    pub(super) fn forget(&mut self) -> bool {
        let Some((_, bytes)) = self.events.pop_front() else { return false };
        self.bytes -= bytes.len();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_an_event_is_replayed_and_no_more() {
        let mut stream = Stream::default();
        assert_eq!(stream.number(), 0);
        assert_eq!([stream.keep(b"a"), stream.keep(b"b"), stream.keep(b"c")], [1, 2, 3]);
        let after = |stream: &Stream, number| stream.after(number).map(|(_, bytes)| bytes.to_vec()).collect::<Vec<_>>();
        assert_eq!(after(&stream, 1), [b"b", b"c"]);
        assert!(after(&stream, 3).is_empty() && after(&stream, 99).is_empty());
        assert!(stream.forget() && stream.bytes() == 2);
        assert_eq!(after(&stream, 0), [b"b", b"c"]);
    }

    #[test]
    fn ids_name_their_stream() {
        let id = EventId { stream: 7, number: 3 };
        assert_eq!(EventId::of(&id.text()), Some(id));
        for text in ["", "7", "-", "7-", "a-b", "7-3-1", "-1-2"] {
            assert_eq!(EventId::of(text), None, "{text}");
        }
    }
}
