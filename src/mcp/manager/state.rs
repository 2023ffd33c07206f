//! The five states of an instance.

use std::fmt;

/// How far the connection to an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Its file was found.
    Discovered,
    /// The handshake is made.
    Connecting,
    /// It answers.
    Active,
    /// It did not answer; it will be asked again.
    Retrying,
    /// It did not answer any of the tries. It is asked again when its file says anew that it lives.
    Dead,
}

impl State {
    /// All of them, in order.
    pub const ALL: [State; 5] = [State::Discovered, State::Connecting, State::Active, State::Retrying, State::Dead];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            State::Discovered => "discovered",
            State::Connecting => "connecting",
            State::Active => "active",
            State::Retrying => "retrying",
            State::Dead => "dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
