//! Java and its kin: `at package.Class.method(File.java:12)`, `Caused by:`, `... 12 more`.

use super::language::{Language, Message};

pub(super) const JAVA: Language = Language { name: "java", starts, continues };

fn starts(line: &[u8]) -> Option<Message> {
    line.starts_with(b"Exception in thread \"").then_some(Message::Here)
}

fn continues(line: &[u8]) -> bool {
    let trimmed = line.trim_ascii_start();
    if let Some(frame) = trimmed.strip_prefix(b"at ") {
        let source = [&b".java:"[..], b".kt:", b".scala:", b"(Native Method)", b"(Unknown Source)"];
        return source.iter().any(|s| memchr::memmem::find(frame, s).is_some());
    }
    trimmed.starts_with(b"Caused by: ")
        || trimmed.starts_with(b"Suppressed: ")
        || (trimmed.starts_with(b"... ") && trimmed.ends_with(b" more"))
}
