//! What the proxy says itself: why it could not pass a request on, and what may help.

use super::control::LocalAnswer;
use crate::wire::http1::phrase;

/// A page that says what happened and what to do, as HTML for a browser and as text for others.
pub(super) fn explain(status: u16, what: &str, help: &str, as_html: bool) -> LocalAnswer {
    let title = phrase(status);
    let mut answer = if as_html {
        let (what, help) = (escape(what), escape(help));
        let body = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>{status} {title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;\
             padding:0 1em;color:#222;background:#fff}}h1{{font-size:1.3em}}small{{color:#666}}@media(prefers-color-scheme:dark)\
             {{body{{color:#ddd;background:#181818}}}}</style><h1>{what}</h1><p>{help}<p><small>Brummer: {status} {title}</small>\n"
        );
        LocalAnswer::new(status, "text/html; charset=utf-8", body.into_bytes())
    } else {
        let text = format!("Brummer: {status} {title}\n\n{what}\n{help}\n");
        LocalAnswer::new(status, "text/plain; charset=utf-8", text.into_bytes())
    };
    answer.why = Some(what.into());
    answer.with("Cache-Control", "no-store").with("X-Content-Type-Options", "nosniff")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            char => escaped.push(char),
        }
    }
    escaped
}

/// The script by which a browser finds the proxy: everything but our own addresses goes through it.
pub(super) fn pac(port: u16) -> LocalAnswer {
    let text = format!(
        "function FindProxyForURL(url, host) {{\n  \
         if (url.substring(0, 5) != \"http:\" && url.substring(0, 6) != \"https:\") return \"DIRECT\";\n  \
         return \"PROXY 127.0.0.1:{port}; DIRECT\";\n}}\n"
    );
    LocalAnswer::new(200, "application/x-ns-proxy-autoconfig", text.into_bytes()).with("Cache-Control", "no-store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_no_markup() {
        let page = explain(421, "<script>", "a & b", true);
        let text = String::from_utf8(page.body.into_owned()).unwrap();
        assert!(text.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
    }
}
