//! The product's own sources, compiled once more with `cfg(loom)`; the models stand in `tests/`, one file per primitive.
//!
//! How to write a model:
//!
//! - every role is spawned, by [`run`]; on the main thread a role explores one order only, and passes with planted bugs;
//! - two threads run without a preemption bound: cut the model until that ends within seconds, and if it lost something, put its bigger sibling
//!   beside it with a bound, and say so; three threads run with bound 2, four only with one operation each;
//! - one try instead of a retry loop: an unbounded spin hits loom's limit of branches;
//! - all state lives inside the closure, and sizes are the smallest that can go wrong (two slots, two words);
//! - [`check`] asserts a floor of iterations, and one [`mutation_is_caught`] per primitive shows that the model can fail.

// The examples in the product's sources are tested there; `cargo test --doc` collects them whatever the manifest says.
#![cfg(not(doctest))]

pub mod harness;

#[path = "../../src/sync/mod.rs"]
pub mod sync;

pub use harness::{check, mutation_is_caught, run, side};
