//! Percent signs in URLs and forms, read.

/// The text of a part of a URL; what is no UTF-8 becomes a replacement character.
pub(super) fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    let digit = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16));
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (b, ..) => {
                out.push(b);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text of a name or a value of a form, where a plus sign is a blank.
pub(super) fn decode_form(text: &str) -> String {
    decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn odd_percent_signs_stay() {
        assert_eq!(decode("100%25 %zz %4 %C3%BC %ff"), "100% %zz %4 ü \u{fffd}");
        assert_eq!(decode_form("a+b%2Bc"), "a b+c");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(text: String) {
            let written: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
            prop_assert_eq!(decode_form(&written), text);
        }
    }
}
