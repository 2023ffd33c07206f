//! Runs what the project holds: specs, detection, supervision, stop.
//!
//! Read `spec` first: what is to be run.

pub mod spec;
