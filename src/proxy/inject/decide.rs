//! Which requests ask for a page, and which answers are pages that may be changed.

use super::decode::Coding;
use crate::proxy::engine::HeadView;

/// What an answer to a request for a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not a page: pass it on.
    NotAPage,
    /// A page that has to stay as it is; why.
    Keep(&'static str),
    /// A page.
    Page {
        /// How it is compressed.
        coding: Coding,
        /// Its head names the charset.
        charset_known: bool,
    },
}

/// Fields with which scripts ask for parts of pages.
const FRAGMENTS: [&str; 7] =
    ["X-Requested-With", "HX-Request", "Turbo-Frame", "RSC", "X-PJAX", "X-Inertia", "X-Up-Version"];

/// Whether a browser asks for a document: a page of its own or one in a frame.
pub fn asks_for_page(request: HeadView) -> bool {
    if !matches!(request.method, "GET" | "HEAD") || request.get("Upgrade").is_some() {
        return false;
    }
    if FRAGMENTS.iter().any(|name| request.get(name).is_some()) {
        return false;
    }
    match request.text("Sec-Fetch-Dest") {
        Some(destination) => matches!(destination, "document" | "iframe" | "frame"),
        None => request.all("Accept").any(|accept| contains(accept, "text/html")),
    }
}

/// What an answer is; `error_pages` says whether pages with a status of 400 and above count.
pub fn judge(response: HeadView, error_pages: bool) -> Verdict {
    let wanted = response.status == 200 || (error_pages && response.status >= 400);
    let content_type = response.get("Content-Type").unwrap_or_default();
    let is_html = ["text/html", "application/xhtml+xml"].iter().any(|name| {
        let (head, rest) = content_type.trim_ascii_start().split_at_checked(name.len()).unwrap_or_default();
        head.eq_ignore_ascii_case(name.as_bytes()) && rest.first().is_none_or(|byte| b"; \t,".contains(byte))
    });
    if !wanted || !is_html || response.text("Content-Length") == Some("0") {
        return Verdict::NotAPage;
    }
    if response.all("Content-Disposition").any(|value| contains(value, "attachment")) {
        return Verdict::Keep("it is an attachment");
    }
    if response.get("Content-Range").is_some() {
        return Verdict::Keep("it is a part of a page");
    }
    if response.all("Cache-Control").any(|value| contains(value, "no-transform")) {
        return Verdict::Keep("its server forbids changes (no-transform)");
    }
    if contains(content_type, "charset=utf-16") || contains(content_type, "charset=\"utf-16") {
        return Verdict::Keep("the page is UTF-16");
    }
    match Coding::of(response.all("Content-Encoding")) {
        Ok(coding) => Verdict::Page { coding, charset_known: contains(content_type, "charset=") },
        Err(why) => Verdict::Keep(why),
    }
}

fn contains(value: &[u8], word: &str) -> bool {
    value.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view<'a>(method: &'a str, status: u16, fields: &'a [(&'a str, &'a [u8])]) -> HeadView<'a> {
        HeadView { method, target: "/", status, fields }
    }

    #[test]
    fn a_browser_that_goes_to_a_page_asks_for_one_and_a_script_does_not() {
        let asks = |method, fields: &[(&str, &[u8])]| asks_for_page(view(method, 0, fields));
        assert!(asks("GET", &[("accept", b"text/html,*/*;q=0.8")]));
        assert!(asks("HEAD", &[("Accept", b"application/json"), ("Accept", b"TEXT/HTML")]));
        assert!(asks("GET", &[("Sec-Fetch-Dest", b"document")]));
        assert!(asks("GET", &[("Sec-Fetch-Dest", b"iframe"), ("Accept", b"*/*")]));
        assert!(!asks("GET", &[("Sec-Fetch-Dest", b"empty"), ("Accept", b"text/html")]));
        assert!(!asks("GET", &[("Sec-Fetch-Dest", b"script")]));
        assert!(!asks("GET", &[("Accept", b"*/*")]));
        assert!(!asks("GET", &[]));
        assert!(!asks("POST", &[("Sec-Fetch-Dest", b"document")]));
        assert!(!asks("GET", &[("Sec-Fetch-Dest", b"document"), ("Upgrade", b"websocket")]));
        for name in FRAGMENTS {
            assert!(!asks("GET", &[("Accept", b"text/html"), (name, b"1")]), "{name}");
        }
    }

    #[test]
    fn only_whole_html_that_may_be_changed_is_a_page() {
        let html: (&str, &[u8]) = ("Content-Type", b"text/html");
        let verdict = |status, more: &[(&str, &[u8])]| judge(view("GET", status, &[&[html], more].concat()), true);
        let page = |coding, charset_known| Verdict::Page { coding, charset_known };
        assert_eq!(verdict(200, &[]), page(Coding::Plain, false));
        assert_eq!(verdict(404, &[]), page(Coding::Plain, false));
        assert_eq!(judge(view("GET", 404, &[html]), false), Verdict::NotAPage);
        assert_eq!(verdict(200, &[("Content-Encoding", b"gzip")]), page(Coding::Gzip, false));
        for (status, name, value) in [
            (200, "Content-Disposition", "Attachment; filename=a.html"),
            (200, "Content-Range", "bytes 0-1/2"),
            (200, "Cache-Control", "public, no-transform"),
            (200, "Content-Encoding", "br"),
            (200, "Content-Encoding", "zstd"),
            (200, "Content-Encoding", "gzip, gzip"),
        ] {
            assert!(matches!(verdict(status, &[(name, value.as_bytes())]), Verdict::Keep(_)), "{name}: {value}");
        }
        for status in [204, 206, 301, 304] {
            assert_eq!(verdict(status, &[]), Verdict::NotAPage, "{status}");
        }
        assert_eq!(verdict(200, &[("Content-Length", b"0")]), Verdict::NotAPage);
    }

    #[test]
    fn the_content_type_says_page_and_charset() {
        let of = |value: &str| judge(view("GET", 200, &[("content-type", value.as_bytes())]), true);
        let page = |charset_known| Verdict::Page { coding: Coding::Plain, charset_known };
        assert_eq!(of("Text/HTML; charset=utf-8"), page(true));
        assert_eq!(of("application/xhtml+xml"), page(false));
        assert_eq!(of("text/htmlx"), Verdict::NotAPage);
        assert_eq!(of("text/plain"), Verdict::NotAPage);
        assert_eq!(of(""), Verdict::NotAPage);
        assert!(matches!(of("text/html; charset=UTF-16LE"), Verdict::Keep(_)));
        assert_eq!(judge(view("GET", 200, &[]), true), Verdict::NotAPage);
    }
}
