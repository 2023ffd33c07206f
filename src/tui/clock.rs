//! Times and durations as they are shown.

use std::cell::Cell;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::io::zone;

/// Milliseconds since 1970.
pub(crate) type Millis = u64;

/// Knows the offset of the local time; asks the time-zone table once per quarter of an hour.
pub(crate) struct Clock {
    zone: TimeZone,
    cached: Cell<(u64, i64)>,
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    pub(crate) fn local() -> Clock {
        Clock { zone: zone::local(), cached: Cell::new((u64::MAX, 0)) }
    }

    /// For tests: what is written does not depend on where it runs.
    #[cfg(test)]
    pub(crate) fn utc() -> Clock {
        Clock { zone: TimeZone::UTC, cached: Cell::new((u64::MAX, 0)) }
    }

    fn seconds_of_day(&self, time: Millis) -> u64 {
        let quarter = time / 900_000;
        if self.cached.get().0 != quarter {
            let stamp = Timestamp::from_millisecond(time as i64).unwrap_or(Timestamp::UNIX_EPOCH);
            self.cached.set((quarter, i64::from(self.zone.to_offset(stamp).seconds())));
        }
        ((time / 1000) as i64 + self.cached.get().1).rem_euclid(86_400) as u64
    }

    /// `14:02:31`.
    pub(crate) fn clock(&self, time: Millis) -> String {
        let s = self.seconds_of_day(time);
        format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }

    /// `14:02`.
    pub(crate) fn minutes(&self, time: Millis) -> String {
        let s = self.seconds_of_day(time);
        format!("{:02}:{:02}", s / 3600, s / 60 % 60)
    }

    /// `14:02:31.118`.
    pub(crate) fn millis(&self, time: Millis) -> String {
        format!("{}.{:03}", self.clock(time), time % 1000)
    }
}

/// `41s`, `12m04s`, `3h05m`, `2d04h`.
pub(crate) fn long(millis: Millis) -> String {
    let s = millis / 1000;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m{:02}s", s / 60, s % 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s / 60 % 60),
        _ => format!("{}d{:02}h", s / 86_400, s / 3600 % 24),
    }
}

/// `41s`, `12m`, `3h`, `2d`.
pub(crate) fn short(millis: Millis) -> String {
    let s = millis / 1000;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m", s / 60),
        3600..86_400 => format!("{}h", s / 3600),
        _ => format!("{}d", s / 86_400),
    }
}

/// `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `88M`, `1.2G`.
pub(crate) fn bytes(number: u64) -> String {
    let mib = number as f64 / (1024.0 * 1024.0);
    match mib {
        m if m >= 1000.0 => format!("{:.1}G", m / 1024.0),
        m if m >= 1.0 => format!("{m:.0}M"),
        _ => format!("{}K", number / 1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_durations_and_numbers_are_short() {
        let clock = Clock::utc();
        assert_eq!(clock.millis(50_551_118), "14:02:31.118");
        assert_eq!(clock.minutes(50_551_118), "14:02");
        assert_eq!((long(41_000), long(724_000)), ("41s".into(), "12m04s".into()));
        assert_eq!((short(724_000), short(90_000_000)), ("12m".into(), "1d".into()));
        assert_eq!((count(7), count(1_204), count(182_330)), ("7".into(), "1,204".into(), "182,330".into()));
        assert_eq!((bytes(312 << 20), bytes(1_288_490_188)), ("312M".into(), "1.2G".into()));
    }
}
