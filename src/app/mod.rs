//! Puts the services on the runtime: what a front door sees ([`view`]) and what it can do ([`command`]).

pub mod command;
pub mod view;
