//! Reads the level field of structured logs: JSON (pino, bunyan, zap, GELF, Serilog) and `key=value`.

use memchr::memchr2;

use crate::event::Level;

/// How much of a JSON record is looked at; loggers write the level early.
const JSON_BYTES_MAX: usize = 4096;

/// A name that a supervisor of processes puts before their lines ends within this.
const NAME_BYTES_MAX: usize = 64;

/// The level of the JSON object that `line` is, also behind `web-1  | `, from a field at its top.
pub(super) fn json_level(line: &[u8]) -> Option<Level> {
    let bar = line.iter().take(NAME_BYTES_MAX).position(|b| matches!(b, b'|' | b'{')).filter(|at| line[*at] == b'|');
    let line = line[bar.map_or(0, |at| at + 1)..].trim_ascii_start();
    if !line.starts_with(b"{") {
        return None;
    }
    let line = &line[..line.len().min(JSON_BYTES_MAX)];
    let (mut at, mut depth) = (0, 0usize);
    while let Some(&b) = line.get(at) {
        match b {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(line, at + 1)?;
                if depth == 1
                    && is_level_key(&line[at + 1..end])
                    && let Some(value) = line[end + 1..].trim_ascii_start().strip_prefix(b":")
                    && let Some(level) = json_value(value.trim_ascii_start())
                {
                    return Some(level);
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string whose content starts at `from` ends.
fn string_end(line: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let at = from + memchr2(b'"', b'\\', line.get(from..)?)?;
        if line[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}

fn is_level_key(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 9] = [
        b"level",
        b"severity",
        b"lvl",
        b"loglevel",
        b"log.level",
        b"levelname",
        b"@l",
        b"severity_text",
        b"severitytext",
    ];
    KEYS.iter().any(|name| key.eq_ignore_ascii_case(name))
}

/// A level's name or a logger's number for it.
fn json_value(value: &[u8]) -> Option<Level> {
    if let Some(name) = value.strip_prefix(b"\"") {
        return named(&name[..string_end(name, 0)?]);
    }
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    numbered(std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?)
}

/// Longer keys are none of a level's.
const KEY_BYTES_MAX: usize = 20;

/// The level of `key=value` when the key at `start` is one of a level.
pub(super) fn pair_level(line: &[u8], start: usize) -> Option<Level> {
    let before = &line[start.saturating_sub(KEY_BYTES_MAX)..start];
    let is_key = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'.' | b'_' | b'-' | b'@');
    let key_from = start - before.iter().rev().take_while(is_key).count();
    let key_len = line[start..].iter().take(KEY_BYTES_MAX).position(|&b| b == b'=')?;
    if !is_level_key(&line[key_from..start + key_len]) {
        return None;
    }
    let value = line.get(start + key_len..)?.strip_prefix(b"=")?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    named(&value[..value.iter().take_while(|b| b.is_ascii_alphabetic()).count()])
}

/// The level with this name, in any case.
fn named(name: &[u8]) -> Option<Level> {
    const NAMES: [(Level, &[&str]); 5] = [
        (Level::Debug, &["debug", "trace", "verbose", "silly", "fine", "finer", "finest", "dbg", "trc"]),
        (Level::Info, &["info", "information", "notice", "http", "log", "default", "inf"]),
        (Level::Warn, &["warn", "warning", "wrn"]),
        (Level::Error, &["error", "err", "severe"]),
        (Level::Critical, &["fatal", "critical", "crit", "panic", "dpanic", "emerg", "emergency", "alert", "ftl"]),
    ];
    NAMES
        .iter()
        .find(|(_, names)| names.iter().any(|n| name.eq_ignore_ascii_case(n.as_bytes())))
        .map(|(level, _)| *level)
}

/// 10 to 60 as pino and bunyan count, 0 to 7 as syslog does.
fn numbered(number: u32) -> Option<Level> {
    match number {
        0..=2 => Some(Level::Critical),
        3 => Some(Level::Error),
        4 => Some(Level::Warn),
        5 | 6 => Some(Level::Info),
        7 => Some(Level::Debug),
        10..=29 => Some(Level::Debug),
        30..=39 => Some(Level::Info),
        40..=49 => Some(Level::Warn),
        50..=59 => Some(Level::Error),
        60..=99 => Some(Level::Critical),
        _ => None,
    }
}
