//! The name of a connection: its place and the generation of that place.

use mio::Token;

/// Names one connection for as long as it is there; never another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    index: u32,
    /// From 1, so that no key has the token of a listener.
    generation: u32,
}

/// The waker's token: the highest place of a generation that no connection has.
pub(super) const WAKER: Token = Token(u32::MAX as usize);

impl Key {
    pub(super) fn new(index: usize, generation: u32) -> Key {
        Key { index: index as u32, generation }
    }

    /// Its place: small numbers, used again once the connection is closed.
    pub fn index(self) -> usize {
        self.index as usize
    }

    pub(super) fn generation(self) -> u32 {
        self.generation
    }

    pub(super) fn token(self) -> Token {
        Token((self.generation as usize) << 32 | self.index as usize)
    }
}

/// Whom a token names.
pub(super) enum Named {
    Waker,
    Listener(usize),
    Connection(Key),
}

impl Named {
    pub(super) fn by(token: Token) -> Named {
        match (token.0 >> 32, token.0 & u32::MAX as usize) {
            _ if token == WAKER => Named::Waker,
            (0, listener) => Named::Listener(listener),
            (generation, index) => Named::Connection(Key::new(index, generation as u32)),
        }
    }
}
