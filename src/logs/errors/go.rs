//! Go: `panic:` and `fatal error:`, then goroutines with their calls and places.

use super::language::{Language, Message};

pub(super) const GO: Language = Language { name: "go", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    let known = [&b"panic: "[..], b"fatal error: ", b"http: panic serving "];
    known.iter().any(|start| line.starts_with(start)).then_some(Message::Here)
}

fn continues(line: &[u8]) -> bool {
    let known = [&b"goroutine "[..], b"created by ", b"[signal ", b"exit status ", b"\tpanic: "];
    known.iter().any(|start| line.starts_with(start)) || is_call(line) || is_place(line)
}

/// `main.(*server).handle(0x0, {0xc000012345, 0x2})`
fn is_call(line: &[u8]) -> bool {
    let Some(open) = line.iter().position(|&b| b == b'(') else { return false };
    line.ends_with(b")") && line[..open].contains(&b'.') && line[..open].iter().all(|b| b.is_ascii_graphic())
}

/// A tab, then `/src/main.go:12 +0x1d`.
fn is_place(line: &[u8]) -> bool {
    line.first() == Some(&b'\t') && memchr::memmem::find(line, b".go:").is_some()
}
