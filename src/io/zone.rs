//! The time zone of this machine.

use std::sync::OnceLock;

use jiff::tz::TimeZone;

/// The zone of `TZ`, or that of the system. It is looked up once.
///
/// `TimeZone::system` lists every zone that there is, to know the name of ours: 200 kB, which nobody here asks for.
pub fn local() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(|| named().unwrap_or_else(unnamed)).clone()
}

fn named() -> Option<TimeZone> {
    std::env::var_os("TZ").map(|_| TimeZone::system())
}

fn unnamed() -> TimeZone {
    let read = std::fs::read("/etc/localtime").ok();
    read.and_then(|bytes| TimeZone::tzif("Local", &bytes).ok()).unwrap_or_else(TimeZone::system)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn it_is_the_zone_of_the_system() {
        for month in 0..12 {
            let time = Timestamp::from_second(1_767_225_600 + month * 2_629_800).unwrap();
            assert_eq!(local().to_offset(time), TimeZone::system().to_offset(time));
        }
    }
}
