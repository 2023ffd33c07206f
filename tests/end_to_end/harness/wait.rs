//! Waits for a condition with a deadline, and says what was waited for when it passes.

use std::time::{Duration, Instant};

/// Generous: it only passes when something is broken, or the machine is very busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `condition` holds; panics with `what` when it does not come to that.
pub(crate) fn until(what: &str, condition: impl FnMut() -> bool) {
    until_within(PATIENCE, what, condition);
}

/// [`until`] with a deadline of its own; how long it took.
pub(crate) fn until_within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "waited {limit:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}
