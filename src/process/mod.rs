//! Runs what the project holds: specs, detection, supervision, stop.
//!
//! Read `spec` first: what is to be run; `detect` finds it in a project.

pub mod detect;
pub mod spec;
