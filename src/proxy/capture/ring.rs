//! The exchanges that are kept: bounded in number and in bytes, and which of them goes first.
//!
//! **Shape.** Four lanes, each sorted by id: what runs, what failed, what went well, what was refused. An exchange moves from the
//! first to one of the others when it ends.
//!
//! **The rule.** When there are too many exchanges or bytes, the oldest that went well goes. What failed and what still runs
//! is passed over, as long as its lane has no more than a quarter of the bound; a lane with more takes part like any other,
//! so that a server that is down cannot fill the ring with nothing but failures.
//!
//! **Refused requests** reached no server, and anybody who can connect can make as many as he likes. All of them together have a
//! sixteenth of the bound: one more pushes out the oldest of its own kind. Counting equal ones in a row as one would read well
//! too, yet a flood needs only to vary its bytes to get past that.
//!
//! **Invariants.**
//! - I1: after every call there are at most `exchanges` exchanges and `bytes` bytes, as [`cost`] counts them.
//! - I2: an id is in one lane at most.
//! - I3: after every call refused requests are at most a sixteenth of either bound (but one, if that is none).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::proxy::{Exchange, ExchangeId, Frame};

/// How much is kept, and of what how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureLimits {
    /// Exchanges.
    pub exchanges: usize,
    /// Headers, bodies and frames of all of them together. What a reader still holds counts no longer.
    pub bytes: usize,
    /// Of one body: the rest passes and is counted.
    pub body_bytes: usize,
    /// Messages or events of one exchange: the newest stay.
    pub frames: usize,
}

impl Default for CaptureLimits {
    fn default() -> CaptureLimits {
        CaptureLimits { exchanges: 1000, bytes: 64 << 20, body_bytes: 256 << 10, frames: 500 }
    }
}

/// Why exchanges and frames are no longer there, or never were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Exchanges that went because there were too many.
    pub by_count: u64,
    /// Exchanges that went because they were too big together.
    pub by_bytes: u64,
    /// Refused requests that went because newer ones took the place that such have.
    pub refused: u64,
    /// Exchanges that a clear took.
    pub by_clear: u64,
    /// Frames of exchanges that are still there.
    pub frames: u64,
    /// What was told of exchanges that were gone by then.
    pub late: u64,
}

/// See [`Standing`].
const LANES: usize = 4;
/// Refused requests have this part of the bounds.
const REFUSED_PART: usize = 16;

/// Which lane an exchange is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Running,
    Failed,
    Fine,
    Refused,
}

const STANDINGS: [Standing; LANES] = [Standing::Running, Standing::Failed, Standing::Fine, Standing::Refused];

impl Standing {
    fn of(exchange: &Exchange) -> Standing {
        match exchange.done {
            false => Standing::Running,
            true if exchange.is_rejected() => Standing::Refused,
            true if exchange.is_error() => Standing::Failed,
            true => Standing::Fine,
        }
    }
}

#[derive(Debug)]
struct Entry {
    id: ExchangeId,
    bytes: usize,
    exchange: Arc<Exchange>,
}

#[derive(Debug, Default)]
struct Lane {
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Lane {
    fn find(&self, id: ExchangeId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    fn insert(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        let newest = self.entries.back().is_none_or(|last| last.id < entry.id);
        let at = if newest { self.entries.len() } else { self.entries.partition_point(|other| other.id < entry.id) };
        self.entries.insert(at, entry);
    }

    fn remove(&mut self, at: usize) -> Option<Entry> {
        let entry = self.entries.remove(at)?;
        self.bytes -= entry.bytes;
        Some(entry)
    }
}

/// The ring; see the head of the file.
#[derive(Debug)]
pub(super) struct Ring {
    limits: CaptureLimits,
    lanes: [Lane; LANES],
    newest: ExchangeId,
    dropped: Dropped,
}

impl Ring {
    pub(super) fn new(limits: CaptureLimits) -> Ring {
        Ring { limits, lanes: Default::default(), newest: ExchangeId(0), dropped: Dropped::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.entries.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.lanes.iter().map(|lane| lane.bytes).sum()
    }

    pub(super) fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// The highest id that was ever here.
    pub(super) fn newest(&self) -> ExchangeId {
        self.newest
    }

    pub(super) fn get(&self, id: ExchangeId) -> Option<&Arc<Exchange>> {
        let (lane, at) = self.find(id)?;
        Some(&self.lanes[lane].entries[at].exchange)
    }

    /// All of them, in no order that could be relied on.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Exchange>> {
        self.lanes.iter().flat_map(|lane| lane.entries.iter().map(|entry| &entry.exchange))
    }

    fn find(&self, id: ExchangeId) -> Option<(usize, usize)> {
        (id <= self.newest).then(|| (0..LANES).find_map(|lane| Some((lane, self.lanes[lane].find(id)?))))?
    }

    /// Takes an exchange in; what has to go for it is put into `gone`, for the caller to drop where it hurts nobody.
    pub(super) fn insert(&mut self, exchange: Exchange, gone: &mut Vec<Arc<Exchange>>) {
        let id = exchange.id;
        if let Some((lane, at)) = self.find(id) {
            gone.extend(self.lanes[lane].remove(at).map(|entry| entry.exchange));
        }
        self.newest = self.newest.max(id);
        let standing = Standing::of(&exchange);
        let entry = Entry { id, bytes: cost(&exchange), exchange: Arc::new(exchange) };
        self.lanes[standing as usize].insert(entry);
        self.make_room(gone);
    }

    /// Changes an exchange, if it is still there. A reader that holds it keeps it as it was.
    pub(super) fn change(&mut self, id: ExchangeId, gone: &mut Vec<Arc<Exchange>>, change: impl FnOnce(&mut Exchange)) {
        let Some((lane, at)) = self.find(id) else {
            self.dropped.late += 1;
            return;
        };
        let entry = &mut self.lanes[lane].entries[at];
        let exchange = Arc::make_mut(&mut entry.exchange);
        change(exchange);
        let (before, after, standing) = (entry.bytes, cost(exchange), Standing::of(exchange));
        entry.bytes = after;
        self.lanes[lane].bytes = self.lanes[lane].bytes + after - before;
        if standing as usize != lane
            && let Some(entry) = self.lanes[lane].remove(at)
        {
            self.lanes[standing as usize].insert(entry);
        }
        self.make_room(gone);
    }

    /// Adds a frame; the cost is counted from the difference alone, for there may be hundreds of them.
    pub(super) fn add_frame(&mut self, id: ExchangeId, frame: Frame, gone: &mut Vec<Arc<Exchange>>) {
        let Some((lane, at)) = self.find(id) else {
            self.dropped.late += 1;
            return;
        };
        let entry = &mut self.lanes[lane].entries[at];
        let exchange = Arc::make_mut(&mut entry.exchange);
        *(if frame.up { &mut exchange.frames_total.0 } else { &mut exchange.frames_total.1 }) += 1;
        let (more, mut less) = (frame_cost(&frame), 0);
        exchange.frames.push_back(frame);
        // One talkative connection may have a quarter of all bytes.
        while exchange.frames.len() > self.limits.frames || entry.bytes + more - less > self.limits.bytes / 4 {
            let Some(old) = exchange.frames.pop_front() else { break };
            less += frame_cost(&old);
            self.dropped.frames += 1;
        }
        entry.bytes = entry.bytes + more - less;
        let lane = &mut self.lanes[lane];
        lane.bytes = lane.bytes + more - less;
        self.make_room(gone);
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) -> Vec<Arc<Exchange>> {
        let lanes = std::mem::take(&mut self.lanes);
        let all: Vec<_> = lanes.into_iter().flat_map(|lane| lane.entries).map(|entry| entry.exchange).collect();
        self.dropped.by_clear += all.len() as u64;
        all
    }

    /// The most refused requests and bytes of theirs.
    fn refused_max(&self) -> (usize, usize) {
        ((self.limits.exchanges / REFUSED_PART).max(1), self.limits.bytes / REFUSED_PART)
    }

    fn make_room(&mut self, gone: &mut Vec<Arc<Exchange>>) {
        let (count_max, bytes_max) = self.refused_max();
        let refused = &mut self.lanes[Standing::Refused as usize];
        while refused.entries.len() > count_max || refused.bytes > bytes_max {
            let Some(entry) = refused.remove(0) else { break };
            self.dropped.refused += 1;
            gone.push(entry.exchange);
        }
        loop {
            let too_many = self.len() > self.limits.exchanges;
            if !too_many && self.bytes() <= self.limits.bytes {
                return;
            }
            let Some(entry) = self.victim().and_then(|lane| self.lanes[lane].remove(0)) else { return };
            *(if too_many { &mut self.dropped.by_count } else { &mut self.dropped.by_bytes }) += 1;
            gone.push(entry.exchange);
        }
    }

    /// The lane whose oldest exchange goes next.
    fn victim(&self) -> Option<usize> {
        let oldest = |lane: &usize| self.lanes[*lane].entries.front().map(|entry| entry.id);
        let present = || (0..LANES).filter(|lane| oldest(lane).is_some());
        let unprotected = present().filter(|&lane| {
            let Lane { entries, bytes } = &self.lanes[lane];
            let over = entries.len() > self.limits.exchanges / 4 || *bytes > self.limits.bytes / 4;
            matches!(STANDINGS[lane], Standing::Fine | Standing::Refused) || over
        });
        unprotected.min_by_key(oldest).or_else(|| present().min_by_key(oldest))
    }
}

/// What an exchange takes beside what can be counted: the block of itself, its entry, the heads of its allocations.
const OVERHEAD_BYTES: usize = size_of::<Exchange>() + size_of::<Entry>() + 128;

/// What an exchange takes in memory, in bytes; what it shares with others (names of processes) is not counted.
pub(super) fn cost(exchange: &Exchange) -> usize {
    let Exchange { opened, request_body, response, failure, frames, .. } = exchange;
    let words = opened.method.len() + opened.url.len() + failure.as_ref().map_or(0, |failure| failure.text.len());
    let headers = opened.headers.bytes() + response.headers.bytes();
    let bodies = request_body.kept.len() + response.body.kept.len();
    OVERHEAD_BYTES + words + headers + bodies + frames.iter().map(frame_cost).sum::<usize>()
}

fn frame_cost(frame: &Frame) -> usize {
    size_of::<Frame>() + frame.kept.len() + 16
}

#[cfg(test)]
impl Ring {
    /// What the invariants say, looked at the long way.
    pub(super) fn check(&self) {
        let mut ids = std::collections::BTreeSet::new();
        for (lane, standing) in self.lanes.iter().zip(STANDINGS) {
            assert!(lane.entries.iter().is_sorted_by_key(|entry| entry.id));
            for entry in &lane.entries {
                assert!(ids.insert(entry.id), "{:?} is in two lanes", entry.id);
                assert_eq!((Standing::of(&entry.exchange), entry.bytes), (standing, cost(&entry.exchange)));
                assert!(entry.exchange.frames.len() <= self.limits.frames);
            }
            assert_eq!(lane.bytes, lane.entries.iter().map(|entry| entry.bytes).sum::<usize>());
        }
        let (count_max, bytes_max) = self.refused_max();
        let refused = &self.lanes[Standing::Refused as usize];
        assert!(refused.entries.len() <= count_max && refused.bytes <= bytes_max);
        assert!(self.len() <= self.limits.exchanges && self.bytes() <= self.limits.bytes);
    }
}
