//! The program as its users meet it: started as a process, in pipes and in a real terminal, killed in every way.
//!
//! Each file is a front door or a promise; `harness` starts, watches and cleans up.

mod cli;
mod demo;
mod faults;
mod flood;
mod harness;
mod headless;
mod hub;
mod input;
mod journeys;
mod kill;
mod mcp;
mod mcp_asks;
mod mcp_browser;
mod mcp_calls;
mod mcp_idle;
mod pictures;
mod proxy;
mod runners;
mod soak;
mod transfer;
mod tui;
mod unread;
mod urls;
