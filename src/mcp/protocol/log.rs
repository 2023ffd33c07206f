//! Levels of log messages: those of syslog.

use serde::{Deserialize, Serialize};

/// How grave a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each is the level of that name")]
pub enum Level {
    Debug,
    #[default]
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

impl Level {
    /// The level of this name.
    pub fn of(name: &str) -> Option<Level> {
        serde_json::from_value(name.into()).ok()
    }
}
