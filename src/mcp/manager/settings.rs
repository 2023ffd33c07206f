//! How patient the connection manager is.

use std::time::Duration;

use crate::config::McpManager;

/// How often it looks, how long it waits, how often it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time between two health checks of an active instance.
    pub check_every: Duration,
    /// A check takes no longer.
    pub check_limit: Duration,
    /// A session that was silent for so long is not routed any more.
    pub session_timeout: Duration,
    /// Tries after the first one that failed, before an instance counts as dead.
    pub retries_max: usize,
    /// Wait before the first of them; it doubles from one to the next.
    pub backoff_first: Duration,
    /// No wait is longer.
    pub backoff_max: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        let seconds = Duration::from_secs;
        Settings {
            check_every: seconds(30),
            check_limit: seconds(5),
            session_timeout: seconds(300),
            retries_max: 3,
            backoff_first: Duration::from_millis(500),
            backoff_max: seconds(30),
        }
    }
}

impl Settings {
    /// Those of a project's files.
    pub fn of(config: &McpManager) -> Settings {
        let milliseconds = Duration::from_millis;
        Settings {
            check_every: milliseconds(config.health_check_interval_ms),
            session_timeout: milliseconds(config.session_timeout_ms),
            retries_max: config.max_retry_attempts,
            ..Settings::default()
        }
    }
}
