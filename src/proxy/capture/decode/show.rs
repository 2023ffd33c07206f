//! A body for the eyes: JSON set out, forms in lines, binary bytes as a dump; never a byte that a terminal would act on.

use std::fmt::Write as _;

use super::charset;
use super::decompress::plain;
use super::kind::{Kind, image_size, parameter};
use crate::proxy::capture::{json, percent};
use crate::proxy::{Body, Frame, Headers};

/// Bytes of a dump.
const DUMP_BYTES_MAX: usize = 512;

/// A body as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it is.
    pub kind: Kind,
    /// Its text in lines, or a dump of its first bytes. There are no control characters in it but line ends and tabs.
    pub text: String,
    /// Bytes without encodings, as far as they are there.
    pub bytes: usize,
    /// What is to be said of it: that it was cut, is broken, is a picture of some size.
    pub notes: Vec<String>,
}

/// The body as it is shown. Secrets are not masked here: that is done before, to the whole exchange.
pub fn show(headers: &Headers, body: &Body) -> Shown {
    let mut plain = plain(headers, body);
    let kind = if plain.still_encoded { Kind::Binary } else { Kind::of(headers, &plain.bytes) };
    let mut notes = std::mem::take(&mut plain.notes);
    let text = text_of(kind, &plain.bytes, parameter(headers, "charset").as_deref(), &mut notes);
    Shown { kind, text, bytes: plain.bytes.len(), notes }
}

/// A message or an event as it is shown; of a WebSocket that compresses, those of [`frames`](super::frames) are to be given.
pub fn show_frame(frame: &Frame) -> Shown {
    let bytes = &frame.kept[..];
    let mut notes = Vec::new();
    if bytes.len() as u64 != frame.bytes {
        notes.push(format!("{} of {} bytes were kept", bytes.len(), frame.bytes));
    }
    if frame.compressed {
        notes.push("compressed, and what came before it is not there any more".into());
    }
    let kind = if frame.compressed { Kind::Binary } else { Kind::of(&Headers::default(), bytes) };
    let text = text_of(kind, bytes, None, &mut notes);
    Shown { kind, text, bytes: bytes.len(), notes }
}

fn text_of(kind: Kind, bytes: &[u8], charset: Option<&str>, notes: &mut Vec<String>) -> String {
    if !kind.is_text() {
        if let Some((format, size)) = image_size(bytes) {
            notes.push(size.map_or(format!("{format} image"), |(w, h)| format!("{format} image, {w} × {h}")));
        }
        return dump(bytes);
    }
    let (text, note) = charset::to_text(bytes, charset);
    notes.extend(note);
    match kind {
        Kind::Json => harmless(&json::pretty(&text)),
        Kind::Form => harmless(&form_lines(&text)),
        _ => harmless(&text),
    }
}

fn form_lines(text: &str) -> String {
    let field = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => format!("{} = {}", percent::decode_form(name), percent::decode_form(value)),
        None => percent::decode_form(pair),
    };
    text.split('&').map(field).collect::<Vec<_>>().join("\n")
}

/// Control characters become their pictures (`␛`); line ends become `\n`.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\0'..='\x1f' => out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(' ')),
            '\x7f' => out.push('␡'),
            '\u{80}'..='\u{9f}' => out.push('\u{fffd}'),
            // What turns the direction of a text around hides what it says.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

/// Offset, sixteen bytes, the same as letters.
fn dump(bytes: &[u8]) -> String {
    let mut out = String::new();
    for (row, chunk) in bytes[..bytes.len().min(DUMP_BYTES_MAX)].chunks(16).enumerate() {
        let hex: Vec<String> = chunk.iter().map(|b| format!("{b:02x}")).collect();
        let letters: String =
            chunk.iter().map(|&b| if (0x20..0x7f).contains(&b) { char::from(b) } else { '.' }).collect();
        let _ = writeln!(out, "{:08x}  {:<47}  {letters}", row * 16, hex.join(" "));
    }
    if bytes.len() > DUMP_BYTES_MAX {
        let _ = writeln!(out, "… {} bytes more", bytes.len() - DUMP_BYTES_MAX);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{body, headers};
    use proptest::prelude::*;

    fn shown(media_type: &str, bytes: &[u8]) -> Shown {
        show(&headers(&[("Content-Type", media_type)]), &body(bytes))
    }

    #[test]
    fn each_kind_is_shown_in_its_way() {
        assert_eq!(shown("application/json", b"{\"a\":1}").text, "{\n  \"a\": 1\n}");
        assert_eq!(shown("application/x-www-form-urlencoded", b"a=1+2&b=%C3%BC&c").text, "a = 1 2\nb = ü\nc");
        assert_eq!(shown("text/plain; charset=latin1", b"\xfc\r\nx").text, "ü\nx");
        let picture = shown("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x02");
        assert_eq!((picture.kind, &picture.notes[..]), (Kind::Image, &["PNG image, 1 × 2".to_owned()][..]));
        assert!(
            picture.text.starts_with("00000000  89 50 4e 47 0d 0a 1a 0a 00 00 00 0d 49 48 44 52  .PNG........IHDR\n")
        );
        let long = shown("application/octet-stream", &[0; 1000]);
        assert!(long.text.ends_with("… 488 bytes more\n") && long.bytes == 1000);
        let kept = b"{\"type\":\"update\"}";
        let mut frame =
            Frame { time_ms: 0, up: true, kind: "text".into(), kept: kept[..].into(), bytes: 90, compressed: false };
        let shown = show_frame(&frame);
        assert_eq!((&*shown.text, &*shown.notes[0]), ("{\n  \"type\": \"update\"\n}", "17 of 90 bytes were kept"));
        frame.compressed = true;
        assert_eq!(show_frame(&frame).kind, Kind::Binary);
    }

    #[test]
    fn what_cannot_be_undone_is_dumped() {
        let shown = show(&headers(&[("Content-Encoding", "dcz"), ("Content-Type", "text/html")]), &body(b"<p>"));
        assert_eq!((shown.kind, shown.text.contains("3c 70 3e")), (Kind::Binary, true));
    }

    proptest! {
        #[test]
        fn nothing_is_shown_that_a_terminal_would_act_on(
            bytes: Vec<u8>, media_type in prop::sample::select(vec!["", "text/html", "application/json", "image/png",
                "text/plain; charset=latin1", "text/plain; charset=utf-16", "application/x-www-form-urlencoded"]),
        ) {
            let text = shown(media_type, &bytes).text;
            prop_assert!(text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()), "{text:?}");
        }
    }
}
