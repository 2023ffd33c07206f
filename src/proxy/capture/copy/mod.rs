//! A request to take elsewhere: as a command line, as JavaScript, as a test that fails.

mod curl;
mod fetch;
mod shell;

pub use curl::curl;
pub use fetch::{failing_test, fetch};

use std::borrow::Cow;

use super::redact::{Secrets, masked};
use super::replay::is_of_the_connection;
use crate::proxy::Exchange;

/// The exchange as it may leave.
fn leaving(exchange: &Exchange, secrets: Secrets) -> Cow<'_, Exchange> {
    match secrets {
        Secrets::Masked => Cow::Owned(masked(exchange)),
        Secrets::Shown => Cow::Borrowed(exchange),
    }
}

/// The line that says that the body is not whole, for a comment.
fn cut_note(exchange: &Exchange) -> Option<String> {
    let body = &exchange.request_body;
    body.is_cut().then(|| format!("the body is cut: {} of {} bytes were kept", body.kept.len(), body.bytes))
}
