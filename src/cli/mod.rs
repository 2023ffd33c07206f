//! The command line: what argv asks for, lines printed without a terminal UI, lists, completions, the demo.
//!
//! Read `args` for what can be asked, `entry` for who answers, `run` for how processes are run, `lines` and `headless` for when lines are
//! printed and `output` for what they look like, `terminal` for the terminal UI, `serving` for the server for AI tools; `bell` wakes, `list`,
//! `completions` and `demo` are answers of their own, `mcp` sets AI tools up.

mod args;
mod bell;
mod browse;
mod completions;
mod demo;
#[cfg(test)]
mod effects;
mod entry;
mod headless;
mod lines;
mod list;
mod mcp;
mod output;
mod reload;
mod run;
mod serving;
mod terminal;

pub use entry::main;
