//! Bytes to text: UTF-8, UTF-16, Latin-1 as browsers read it; what is wrong becomes a replacement character.

use std::borrow::Cow;

/// What windows-1252 has where Latin-1 has control characters: browsers read both alike.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The text, and what is to be said of it. `charset` is that of the media type.
pub(crate) fn to_text<'a>(bytes: &'a [u8], charset: Option<&str>) -> (Cow<'a, str>, Option<String>) {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => return (String::from_utf8_lossy(rest), None),
        [0xff, 0xfe, rest @ ..] => return (utf16(rest, u16::from_le_bytes), None),
        [0xfe, 0xff, rest @ ..] => return (utf16(rest, u16::from_be_bytes), None),
        _ => {}
    }
    match charset.unwrap_or("utf-8").trim().to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => (String::from_utf8_lossy(bytes), None),
        "iso-8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252" => (latin1(bytes), None),
        "utf-16" | "utf-16le" => (utf16(bytes, u16::from_le_bytes), None),
        "utf-16be" => (utf16(bytes, u16::from_be_bytes), None),
        other => {
            let note = format!("the charset `{}` is read as UTF-8", other.escape_debug());
            (String::from_utf8_lossy(bytes), (!bytes.is_ascii()).then_some(note))
        }
    }
}

fn latin1(bytes: &[u8]) -> Cow<'_, str> {
    let letter = |&b: &u8| match b {
        0x80..=0x9f => WINDOWS_1252[usize::from(b - 0x80)],
        _ => char::from(b),
    };
    Cow::Owned(bytes.iter().map(letter).collect())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_in_its_charset() {
        for (bytes, charset, text) in [
            (&b"gr\xc3\xbc\xc3\x9f"[..], None, "grüß"),
            (b"\xef\xbb\xbfx", Some("latin1"), "x"),
            (b"gr\xfc\xdf \x80", Some("ISO-8859-1"), "grüß €"),
            (b"\xff\xfeg\0\xfc\0", None, "gü"),
            (b"\0g\0\xfc", Some("utf-16be"), "gü"),
            (b"a\xffb", Some("utf-8"), "a\u{fffd}b"),
            (b"\x00\xd8", Some("utf-16"), "\u{fffd}"),
        ] {
            assert_eq!(to_text(bytes, charset), (Cow::from(text), None), "{text}");
        }
        assert!(to_text(b"\xff", Some("koi8-r")).1.is_some_and(|note| note.contains("koi8-r")));
        assert_eq!(to_text(b"x", Some("koi8-r")).1, None);
    }
}
