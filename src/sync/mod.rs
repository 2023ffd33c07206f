//! Lock-free primitives over a std/loom shim: no I/O, no clock, no allocation on a hot path.
//!
//! Every file opens with its shape, invariants, orderings, progress, limits, and the models that check it.

pub mod shim;
