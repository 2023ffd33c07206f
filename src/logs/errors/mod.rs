//! The errors list: every error line with the stack lines that belong to it, equal errors counted as one.
//!
//! A [`tracker`] beside each writer follows one process's lines and says which belong together; it asks the languages, one
//! file each, what starts and continues an error. What it finds goes to the [`table`] once a batch, grouped by
//! [`fingerprint`].

mod fingerprint;
mod go;
mod java;
mod javascript;
mod jest;
mod json;
mod language;
mod pytest;
mod python;
mod rust;
mod table;
mod tracker;
mod typescript;

pub(super) use table::ErrorTable;
pub use table::{ErrorGroup, FreshError};
pub(super) use tracker::{Seen, Tracker};
