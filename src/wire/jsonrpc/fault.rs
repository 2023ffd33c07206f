//! Why something is no message, or no call that can be obeyed: a code, a sentence, and the id if it could be read.

use std::borrow::Cow;
use std::fmt;

use super::Id;

/// The bytes are no JSON.
pub const PARSE_ERROR: i32 = -32700;
/// The JSON is no message.
pub const INVALID_REQUEST: i32 = -32600;
/// Nothing has this name.
pub const METHOD_NOT_FOUND: i32 = -32601;
/// What the method was given is not what it takes.
pub const INVALID_PARAMS: i32 = -32602;
/// The other side has failed.
pub const INTERNAL_ERROR: i32 = -32603;

/// A message that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One of the codes above.
    pub code: i32,
    /// What is wrong, for a person.
    pub message: Cow<'static, str>,
    /// The id of the request, as far as it could be read.
    pub id: Option<Id>,
}

impl Fault {
    /// A fault of a message whose id is not known.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, message: message.into(), id: None }
    }

    /// JSON that is no message.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Fault {
        Fault::new(INVALID_REQUEST, message)
    }

    /// The same fault of the request with this id.
    #[must_use]
    pub fn of(self, id: Option<Id>) -> Fault {
        Fault { id, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Fault {}
