//! Lock-free primitives over a std/loom shim: no I/O, no clock, no allocation on a hot path.
//!
//! Every file opens with its shape, invariants, orderings, progress, limits, and the models that check it.
//! To write a new one, read `seqlock` first: it is the pattern, and `loom-tests/tests/seqlock.rs` the pattern of a model.
//!
//! | file | what | progress | used by |
//! | --- | --- | --- | --- |
//! | `shim` | names of atomics, threads and cells: std's, or loom's in models | – | every file here |
//! | `seqlock` | a few words, read whole without writing to shared memory | reads retry, writers exclude each other | `table` |
//! | `segment_log` | lines in contiguous segments, one writer, snapshots | append wait-free but for a roll, readers lock-free | `logs` |

pub mod segment_log;
pub mod seqlock;
pub mod shim;

#[cfg(all(test, not(loom)))]
mod testing;

pub use seqlock::{SeqLock, SeqWriter};
