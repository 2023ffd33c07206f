//! Lock-free primitives over a std/loom shim: no I/O, no clock, no allocation on a hot path.
//!
//! Every file opens with its shape, invariants, orderings, progress, limits, and the models that check it.
//! To write a new one, read `seqlock` first: it is the pattern, and `loom-tests/tests/seqlock.rs` the pattern of a model.
//!
//! | file | what | progress | used by |
//! | --- | --- | --- | --- |
//! | `shim` | names of atomics, threads and cells: std's, or loom's in models | – | every file here |
//! | `seqlock` | a few words, read whole without writing to shared memory | reads retry, writers exclude each other | `table` |
//! | `table` | rows of a few words under keys that are never used twice | reads retry, writers of a row exclude each other, insert and remove lock-free but for that | process table |
//! | `cow` | a value that is replaced as a whole, read from a pocket | lock-free | bus subscribers, segment lists, process and log lists, callbacks |
//! | `event_count` | sleep until a lock-free structure changes | notify wait-free while nobody waits | bus |
//! | `parker` | one thread sleeps until it is handed a token | unpark wait-free unless asleep | pool |
//! | `counter` | a sum that threads add to without meeting | wait-free | – |
//! | `histogram` | a distribution, to 3 % | wait-free | frame times |
//! | `cancel` | a tree of stop requests | asking wait-free | contexts |
//! | `ring` | bounded queue of many producers and consumers, can overwrite | lock-free but for a suspended mover | bus, `priority_queue` |
//! | `priority_queue` | three bounded classes, served 16 : 4 : 1, with overflow policies | as `ring` | – (`Priority`: pool, bus) |
//! | `segment_log` | lines in contiguous segments, one writer, snapshots | append wait-free but for a roll, readers lock-free | `logs` |
//!
//! A dash means that this program has no use for it and others may: `counter` is for counts that many threads share, where the
//! pool's and the bus's each have one writer; `priority_queue` is for many consumers, where a lane of the bus has one, and
//! needs neither tickets nor permits for its three rings. So may `cow`'s cached reader: the bus loads its table once per
//! drain, which is cheap enough.

pub mod cancel;
pub mod counter;
pub mod cow;
pub mod event_count;
pub mod histogram;
pub mod parker;
pub mod priority_queue;
pub mod ring;
pub mod segment_log;
pub mod seqlock;
pub mod shim;
pub mod table;

#[cfg(all(test, not(loom)))]
mod testing;

pub use cancel::{CancelFlag, CancelGuard};
pub use counter::ShardedCounter;
pub use cow::{CachedReader, CowCell};
pub use event_count::{EventCount, Ticket};
pub use histogram::{Histogram, Snapshot};
pub use parker::{Parker, Unparker};
pub use priority_queue::{Overflow, Priority, PriorityQueue, Pushed};
pub use ring::{Full, Ring};
pub use segment_log::SegmentLog;
pub use seqlock::{SeqLock, SeqWriter};
pub use table::{Key, SeqTable};
