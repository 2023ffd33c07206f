//! What an event must tell about itself so that the bus can order and deliver it.

use std::fmt::Debug;

use crate::runtime::Priority;
use crate::runtime::panics::PanicReport;

/// A value that can be published. It is moved into the bus and handed to the handlers by reference.
///
/// ```
/// use brummer::runtime::{events::Event, panics::PanicReport};
///
/// enum News { Score { game: u64, points: u32 }, Fault(String) }
///
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// enum Kind { Score, Fault }
///
/// impl Event for News {
///     type Kind = Kind;
///     fn kind(&self) -> Kind {
///         match self { News::Score { .. } => Kind::Score, News::Fault(_) => Kind::Fault }
///     }
///     fn key(&self) -> u64 {
///         match self { News::Score { game, .. } => *game, News::Fault(_) => 0 }
///     }
///     fn from_panic(report: &PanicReport) -> Option<News> { Some(News::Fault(report.to_string())) }
/// }
/// assert_eq!(News::Score { game: 7, points: 3 }.key(), 7);
/// ```
pub trait Event: Send + Sync + Sized + 'static {
    /// What handlers subscribe to. There are few kinds; they are compared, not hashed.
    type Kind: Copy + PartialEq + Debug + Send + Sync + 'static;

    /// What it is.
    fn kind(&self) -> Self::Kind;

    /// What it is about: events with the same key and the same priority reach each handler in the order of their publication.
    fn key(&self) -> u64;

    /// How urgent it is. An urgent event may overtake others of its key.
    fn priority(&self) -> Priority {
        Priority::Normal
    }

    /// The event that tells of a handler's panic, if panics are to be told.
    fn from_panic(report: &PanicReport) -> Option<Self>;
}
