//! Filter words, as mitmproxy's: `~m POST & ~c 5xx`, `!~a /api`, `(~b "not found" | ~e) ~p web`.
//!
//! `words` is the table of them (the help is made of it), `parse` reads a text, `matches` looks at an exchange.

mod matches;
mod parse;
mod words;

pub use parse::{Filter, FilterError};
pub use words::{Takes, WORDS, Word};

#[cfg(test)]
mod tests;
