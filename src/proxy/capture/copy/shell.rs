//! Words for a POSIX shell: whatever the bytes are, the shell hands them on unchanged.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A word that the shell takes for these bytes. A NUL cannot be in a word and is left out; what a terminal would act on is
/// written as `$(printf '…')`, so that pasting it does nothing by itself.
pub(super) fn word(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.bytes().all(is_plain) => Cow::Borrowed(text),
        Ok(text) if is_harmless(text) => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
        _ => {
            let bytes: Vec<u8> = bytes.iter().copied().filter(|&b| b != 0).collect();
            // The shell takes line ends off the end of what a command prints.
            let (front, ends) = bytes.split_at(bytes.iter().rposition(|&b| b != b'\n').map_or(0, |last| last + 1));
            let ends = if ends.is_empty() { String::new() } else { format!("'{}'", "\n".repeat(ends.len())) };
            Cow::Owned(format!("\"$(printf '{}')\"{ends}", format_of(front)))
        }
    }
}

/// The argument of `printf` that prints these bytes, without quotes around it.
pub(super) fn format_of(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 4);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str(r"\\"),
                '%' => out.push_str("%%"),
                '\n' => out.push_str(r"\n"),
                '\'' => out.push_str(r"\047"),
                // At the beginning it would be an option.
                '-' if out.is_empty() => out.push_str(r"\055"),
                c if is_harmless_letter(c) => out.push(c),
                c => octal(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        octal(&mut out, chunk.invalid());
    }
    out
}

fn octal(out: &mut String, bytes: &[u8]) {
    for b in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\{b:03o}");
    }
}

fn is_plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',')
}

/// Whether it can stand between single quotes and be pasted into a terminal.
pub(super) fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || is_harmless_letter(c))
}

fn is_harmless_letter(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// What a real shell makes of these words, each printed with a NUL behind it.
    fn through_sh(words: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let line: String = words.iter().map(|bytes| format!(" {}", word(bytes))).collect();
        let output =
            Command::new("sh").arg("-c").arg(format!(r"printf '%s\0'{line}")).output().expect("sh is everywhere");
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        let mut parts: Vec<Vec<u8>> = output.stdout.split(|&b| b == 0).map(<[u8]>::to_vec).collect();
        assert_eq!(parts.pop().as_deref(), Some(&b""[..]));
        parts
    }

    #[test]
    fn a_real_shell_hands_every_word_on_unchanged() {
        let words: Vec<Vec<u8>> = [
            &b"plain"[..],
            b"",
            b"two words",
            b"it's",
            b"'",
            b"''",
            b"a\nb",
            b"a\n",
            b"\n",
            b"\n\n",
            b"a\rb\n\n",
            b"$HOME `id` $(id) \\n \\",
            b"!history #no ~ * ? [a] {b,c} <x> | & ; \"q\"",
            b"-n",
            b"-\x7f",
            b"%s %% \\047 \\",
            b"\x1b[31mred",
            b"\xff\xfe",
            b"caf\xc3\xa9 \xe2\x80\xae",
            b"tab\there",
            b"\x01\x7f\xc2\x9b",
            b"1\x002",
            b"\xe2\x82",
            b"\\\r",
        ]
        .map(<[u8]>::to_vec)
        .to_vec();
        let expected: Vec<Vec<u8>> =
            words.iter().map(|word| word.iter().copied().filter(|&b| b != 0).collect()).collect();
        assert_eq!(through_sh(&words), expected);
    }

    #[test]
    fn nothing_that_a_terminal_would_act_on_is_in_a_word() {
        for bytes in [&b"a\rrm -rf /\r"[..], b"\x1b]0;title\x07", b"\xc2\x9b31m", "\u{202e}txt".as_bytes()] {
            assert!(word(bytes).chars().all(|c| c == '\n' || is_harmless_letter(c)), "{bytes:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_bytes_go_through_a_shell(words in prop::collection::vec(prop::collection::vec(1..=255u8, 0..40), 1..20)) {
            prop_assert_eq!(through_sh(&words), words);
        }

        #[test]
        fn any_bytes_are_printed(bytes: Vec<u8>) {
            let line = format!("printf '{}'", format_of(&bytes));
            let output = Command::new("sh").arg("-c").arg(line).output().expect("sh is everywhere");
            prop_assert_eq!(output.stdout, bytes);
        }
    }
}
