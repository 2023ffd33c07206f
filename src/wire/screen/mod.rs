//! What a terminal would show: a child's bytes → a grid of cells, and the answers that a terminal would give.
//!
//! `modes` first (what a child has asked of its keyboard, mouse and screen, and a cheap watch of it), then `cell`, `grid`
//! (rows and those that have scrolled away), `emulator` (the sequences, taken apart by the crate `vte`) and `picture`
//! (what is handed out to be drawn). Nothing here writes to a terminal: sequences end here, and what leaves is cells.

mod cell;
mod emulator;
mod grid;
mod modes;
mod picture;
mod sequences;
#[cfg(test)]
mod tests;

pub use cell::{Cell, Color, Look};
pub use emulator::Emulator;
pub use grid::Row;
pub use modes::{Modes, Mouse, Watch};
pub use picture::Picture;
