//! What a body is: by its media type, and by its first bytes where that says nothing.

use crate::proxy::Headers;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nothing.
    Empty,
    /// JSON, also several values in lines.
    Json,
    /// A page.
    Html,
    /// XML, SVG among it.
    Xml,
    /// JavaScript.
    Script,
    /// A style sheet.
    Style,
    /// `name=value&…` of a form.
    Form,
    /// A form in parts, with files perhaps.
    Multipart,
    /// Server-sent events.
    EventStream,
    /// Another text.
    Text,
    /// A picture.
    Image,
    /// Everything else.
    Binary,
}

impl Kind {
    /// A word for it, as shown.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Empty => "empty",
            Kind::Json => "JSON",
            Kind::Html => "HTML",
            Kind::Xml => "XML",
            Kind::Script => "JavaScript",
            Kind::Style => "CSS",
            Kind::Form => "form",
            Kind::Multipart => "multipart form",
            Kind::EventStream => "event stream",
            Kind::Text => "text",
            Kind::Image => "image",
            Kind::Binary => "binary",
        }
    }

    /// Whether it can be read as a text.
    pub fn is_text(self) -> bool {
        !matches!(self, Kind::Empty | Kind::Image | Kind::Binary)
    }

    /// What a plain body with these headers is.
    pub fn of(headers: &Headers, bytes: &[u8]) -> Kind {
        if bytes.is_empty() {
            return Kind::Empty;
        }
        let media_type = headers.text("content-type").and_then(|value| value.split(';').next()).unwrap_or("");
        of_media_type(&media_type.trim().to_ascii_lowercase()).unwrap_or_else(|| sniff(bytes))
    }
}

fn of_media_type(name: &str) -> Option<Kind> {
    let (kind, rest) = name.split_once('/')?;
    Some(match (kind, rest) {
        (_, rest) if rest.ends_with("json") => Kind::Json,
        ("text", "html") | ("application", "xhtml+xml") => Kind::Html,
        (_, rest) if rest == "xml" || rest.ends_with("+xml") => Kind::Xml,
        (_, rest) if rest.contains("javascript") || rest.contains("ecmascript") => Kind::Script,
        ("text", "css") => Kind::Style,
        ("application", "x-www-form-urlencoded") => Kind::Form,
        ("multipart", "form-data") => Kind::Multipart,
        ("text", "event-stream") => Kind::EventStream,
        ("text", _) | ("application", "graphql" | "yaml" | "x-yaml" | "toml" | "x-sh") => Kind::Text,
        ("image", _) => Kind::Image,
        ("audio" | "video" | "font", _) => Kind::Binary,
        _ => return None,
    })
}

fn sniff(bytes: &[u8]) -> Kind {
    if image_size(bytes).is_some() {
        return Kind::Image;
    }
    let first = &bytes[..bytes.len().min(1024)];
    let odd = |&b: &u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    // A letter may be cut at the end of the first bytes.
    let broken = std::str::from_utf8(first).is_err_and(|error| error.error_len().is_some());
    if broken || first.iter().any(odd) {
        return Kind::Binary;
    }
    let start = first.trim_ascii_start();
    let begins = |tag: &str| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()));
    match start.first() {
        Some(b'{' | b'[') => Kind::Json,
        _ if begins("<!doctype html") || begins("<html") => Kind::Html,
        _ if begins("<?xml") || begins("<svg") => Kind::Xml,
        _ => Kind::Text,
    }
}

/// The format of a picture, and its width and height where they stand in its first bytes.
pub(super) fn image_size(bytes: &[u8]) -> Option<(&'static str, Option<(u32, u32)>)> {
    let big = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let small = |at: usize| Some(u32::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(("PNG", big(16).zip(big(20)))),
        [b'G', b'I', b'F', b'8', ..] => Some(("GIF", small(6).zip(small(8)))),
        [0xff, 0xd8, 0xff, ..] => Some(("JPEG", jpeg_size(bytes))),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(("WebP", None)),
        [0, 0, 1, 0, ..] => Some(("icon", None)),
        _ => None,
    }
}

/// Walks over the segments to the one that begins the picture.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let [0xff, marker, high, low, rest @ ..] = bytes.get(at..)? else { return None };
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let [_, height_high, height_low, width_high, width_low, ..] = rest else { return None };
            let pair = |high: &u8, low: &u8| u32::from(*high) << 8 | u32::from(*low);
            return Some((pair(width_high, width_low), pair(height_high, height_low)));
        }
        at += 2 + (usize::from(*high) << 8 | usize::from(*low));
    }
}

/// A parameter of a media type: `charset`, `boundary`; without quotes.
pub(crate) fn parameter(headers: &Headers, name: &str) -> Option<String> {
    let value = headers.text("content-type")?;
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.find(|(own, _)| own.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::headers;

    #[test]
    fn a_body_is_what_its_type_says_or_what_its_first_bytes_look_like() {
        for (media_type, bytes, kind) in [
            ("application/problem+json", &b"x"[..], Kind::Json),
            ("application/x-ndjson", b"x", Kind::Json),
            ("text/html; charset=x", b"x", Kind::Html),
            ("image/svg+xml", b"x", Kind::Xml),
            ("Text/JavaScript", b"x", Kind::Script),
            ("application/octet-stream", b"{}", Kind::Json),
            ("application/octet-stream", b"\0\x01", Kind::Binary),
            ("", b" <!DOCTYPE html>", Kind::Html),
            ("", b"plain gr\xc3\xbc\xc3", Kind::Text),
            ("", b"\x89PNG\r\n\x1a\n", Kind::Image),
            ("text/html", b"", Kind::Empty),
            ("font/woff2", b"{}", Kind::Binary),
        ] {
            assert_eq!(Kind::of(&headers(&[("content-type", media_type)]), bytes), kind, "{media_type}");
        }
    }

    #[test]
    fn the_size_of_a_picture_is_read() {
        let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[0, 0, 2, 128, 0, 0, 1, 224]].concat();
        assert_eq!(image_size(&png), Some(("PNG", Some((640, 480)))));
        assert_eq!(image_size(b"GIF89a\x0a\0\x05\0"), Some(("GIF", Some((10, 5)))));
        let jpeg = [&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 17, 8], &[1, 224, 2, 128][..]].concat();
        assert_eq!(image_size(&jpeg), Some(("JPEG", Some((640, 480)))));
        assert_eq!(image_size(b"\xff\xd8\xff"), Some(("JPEG", None)));
    }

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        let headers = headers(&[("Content-Type", "multipart/form-data; Boundary=\"a b\"; charset=utf-8")]);
        assert_eq!(parameter(&headers, "boundary").as_deref(), Some("a b"));
        assert_eq!(parameter(&headers, "charset").as_deref(), Some("utf-8"));
        assert_eq!(parameter(&headers, "q"), None);
    }
}
