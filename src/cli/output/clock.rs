//! Writes times: local clock times for people, RFC 3339 in UTC for programs; the second that was written last is kept.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::Timestamps;
use crate::io::zone;

/// Milliseconds since 1970.
pub(in crate::cli) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Times as text, with the last second's text kept.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    pattern: &'static str,
    second: Option<u64>,
    text: String,
}

impl Clock {
    /// `14:02:28`, in the zone of this machine.
    pub(super) fn local() -> Clock {
        Clock::new(zone::local(), "%H:%M:%S")
    }

    /// `2026-11-21T14:02:28`, in UTC.
    pub(super) fn utc() -> Clock {
        Clock::new(TimeZone::UTC, "%Y-%m-%dT%H:%M:%S")
    }

    fn new(zone: TimeZone, pattern: &'static str) -> Clock {
        Clock { zone, pattern, second: None, text: String::new() }
    }

    /// The second that a time falls in.
    pub(super) fn second(&mut self, time_ms: u64) -> &str {
        let second = time_ms / 1000;
        if self.second != Some(second) {
            self.second = Some(second);
            // Out of the calendar's range only when the machine's clock is broken: then no time is shown.
            let time = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
            let zoned = time.map(|time| time.to_zoned(self.zone.clone()));
            self.text = zoned.map(|time| time.strftime(self.pattern).to_string()).unwrap_or_default();
        }
        &self.text
    }
}

/// Writes the time before a line: `[14:02:28] `, `[14:02:28.700] `, or `[+   12.345] ` since the process was started or
/// since the line before.
#[derive(Debug)]
pub(super) struct Times {
    format: Timestamps,
    clock: Clock,
    before_ms: Option<u64>,
}

impl Times {
    pub(super) fn new(format: Timestamps) -> Times {
        Times { format, clock: Clock::local(), before_ms: None }
    }

    pub(super) fn write(&mut self, out: &mut Vec<u8>, time_ms: u64, started_ms: u64) {
        let since = match self.format {
            Timestamps::Off => return,
            Timestamps::Clock | Timestamps::Ms => None,
            Timestamps::Relative => Some(time_ms.saturating_sub(started_ms)),
            Timestamps::Delta => Some(time_ms.saturating_sub(self.before_ms.unwrap_or(time_ms))),
        };
        self.before_ms = Some(time_ms);
        out.push(b'[');
        match since {
            // Writing into a Vec cannot fail.
            Some(ms) => drop(write!(out, "+{:5}.{:03}", ms / 1000, ms % 1000)),
            None => {
                out.extend_from_slice(self.clock.second(time_ms).as_bytes());
                if self.format == Timestamps::Ms {
                    let _ = write!(out, ".{:03}", time_ms % 1000);
                }
            }
        }
        out.extend_from_slice(b"] ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(times: &mut Times, time_ms: u64, started_ms: u64) -> String {
        let mut out = Vec::new();
        times.write(&mut out, time_ms, started_ms);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_time_is_written_as_asked() {
        let mut utc = Clock::utc();
        assert_eq!(utc.second(1_763_683_348_700), "2025-11-21T00:02:28");
        assert_eq!(utc.second(1_763_683_349_000), "2025-11-21T00:02:29");
        assert_eq!(written(&mut Times::new(Timestamps::Off), 1, 0), "");
        assert_eq!(written(&mut Times::new(Timestamps::Relative), 12_345, 1_000), "[+   11.345] ");
        let mut delta = Times::new(Timestamps::Delta);
        assert_eq!(written(&mut delta, 5_000, 0), "[+    0.000] ");
        assert_eq!(written(&mut delta, 5_012, 0), "[+    0.012] ");
        let clock = written(&mut Times::new(Timestamps::Ms), 1_763_683_348_007, 0);
        assert!(clock.len() == 15 && clock.ends_with(":28.007] "), "{clock}");
    }
}
