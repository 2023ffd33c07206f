//! Looks at the messages of a WebSocket, or the events of an event stream, while their bytes pass.

use std::sync::Arc;

use crate::proxy::exchange::Frame;
use crate::wire::sse::EventStream;
use crate::wire::websocket::Sniffer;

/// Frames that wait for the end of the turn; what is beyond was not seen.
const FRAMES_MAX: usize = 4096;

enum Sees {
    Messages(Sniffer),
    Events(EventStream),
}

/// Looks at one direction.
pub(super) struct Tap {
    sees: Sees,
    up: bool,
    seen: Vec<Frame>,
}

impl Tap {
    pub(super) fn messages(up: bool, keep_bytes: usize) -> Box<Tap> {
        Box::new(Tap { sees: Sees::Messages(Sniffer::new(keep_bytes)), up, seen: Vec::new() })
    }

    pub(super) fn events(keep_bytes: usize) -> Box<Tap> {
        Box::new(Tap { sees: Sees::Events(EventStream::new(keep_bytes)), up: false, seen: Vec::new() })
    }

    /// These bytes pass.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        let Tap { sees, up, seen } = self;
        let mut add = |kind: &str, kept: &[u8], bytes: u64, compressed: bool| {
            if seen.len() < FRAMES_MAX {
                let (kind, kept) = (Arc::from(kind), Arc::from(kept));
                seen.push(Frame { time_ms: 0, up: *up, kind, kept, bytes, compressed });
            }
        };
        match sees {
            Sees::Messages(sniffer) => {
                sniffer.feed(bytes, |seen| add(seen.opcode.as_str(), seen.kept, seen.bytes, seen.compressed));
            }
            Sees::Events(stream) => {
                stream.feed(bytes, |event| add(&String::from_utf8_lossy(event.kind), event.kept, event.bytes, false));
            }
        }
    }

    /// What was seen since the last call.
    pub(super) fn take(&mut self) -> std::vec::Drain<'_, Frame> {
        self.seen.drain(..)
    }
}
