//! The Model Context Protocol: what AI tools drive Brummer through, and how one Brummer finds and calls another.
//!
//! Read `registry` for how running instances are found.

pub mod registry;
