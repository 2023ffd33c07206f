//! The revisions of the protocol, and the two eras that they belong to.

use std::fmt;

/// A published revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the revision of that day")]
pub enum Version {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

/// Whether a connection begins with a handshake (legacy), or every request stands alone (modern).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize`, sessions, server requests: up to 2025-11-25.
    Legacy,
    /// Nothing is kept between requests: from 2026-07-28.
    Modern,
}

impl Version {
    /// All that are spoken, oldest first.
    pub const ALL: [Version; 5] =
        [Version::V2024_11_05, Version::V2025_03_26, Version::V2025_06_18, Version::V2025_11_25, Version::V2026_07_28];
    /// The newest with a handshake.
    pub const NEWEST_LEGACY: Version = Version::V2025_11_25;
    /// The newest.
    pub const NEWEST: Version = Version::V2026_07_28;

    /// The revision of this name, if it is spoken.
    ///
    /// ```
    /// use brummer::mcp::protocol::{Era, Version};
    /// assert_eq!(Version::of("2026-07-28").map(Version::era), Some(Era::Modern));
    /// assert_eq!(Version::of("2024-10-07"), None);
    /// ```
    pub fn of(name: &str) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2024_11_05 => "2024-11-05",
            Version::V2025_03_26 => "2025-03-26",
            Version::V2025_06_18 => "2025-06-18",
            Version::V2025_11_25 => "2025-11-25",
            Version::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era it belongs to.
    pub fn era(self) -> Era {
        if self >= Version::V2026_07_28 { Era::Modern } else { Era::Legacy }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
