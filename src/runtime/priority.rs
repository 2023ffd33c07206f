//! The three classes of work.

/// How urgent something is. The number is the index of its queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum Priority {
    /// Before everything else.
    High = 0,
    /// Ordinary.
    #[default]
    Normal = 1,
    /// When there is nothing better to do, but not never.
    Low = 2,
}
