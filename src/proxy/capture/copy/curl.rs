//! A request as a curl command that sends the same method, URL, headers and body again.

use super::shell::{format_of, is_harmless, word};
use super::{cut_note, is_of_the_connection, leaving};
use crate::proxy::capture::Secrets;
use crate::proxy::{Body, Exchange, Headers};

/// The longest body that stands in the command itself: the system allows 128 KiB for one word.
const WORD_BYTES_MAX: usize = 64 << 10;

/// The command, on several lines. A body that cannot be typed is piped in by `printf`.
pub fn curl(exchange: &Exchange, secrets: Secrets) -> String {
    let exchange = leaving(exchange, secrets);
    let (opened, body) = (&exchange.opened, &exchange.request_body);
    let mut parts = vec![format!("curl {}", word(opened.url.as_bytes()))];
    parts.extend(method(&opened.method, body));
    // Brackets in a URL are patterns for curl.
    if opened.url.contains(['[', ']', '{', '}']) {
        parts.push("--globoff".into());
    }
    // What the proxy accepts of a server on this machine, curl would refuse.
    if opened.url.starts_with("https://") && is_loopback(exchange.host()) {
        parts.push("--insecure".into());
    }
    headers(&opened.headers, body, &mut parts);
    let mut before = cut_note(&exchange).map_or(String::new(), |note| format!("# {note}\n"));
    let typed = std::str::from_utf8(&body.kept).is_ok_and(is_harmless) && body.kept.len() <= WORD_BYTES_MAX;
    match body.kept.is_empty() {
        true => {}
        false if typed => parts.push(format!("--data-raw {}", word(&body.kept))),
        false => {
            before.push_str(&format!("printf '{}' | ", format_of(&body.kept)));
            parts.push("--data-binary @-".into());
        }
    }
    before + &parts.join(" \\\n  ")
}

/// What has to be said of the method: GET without and POST with a body go without saying.
fn method(method: &str, body: &Body) -> Option<String> {
    match (method, body.kept.is_empty()) {
        ("GET", true) | ("POST", false) => None,
        ("HEAD", true) => Some("--head".into()),
        _ => Some(format!("-X {}", word(method.as_bytes()))),
    }
}

fn headers(headers: &Headers, body: &Body, parts: &mut Vec<String>) {
    for (name, value) in headers {
        if is_of_the_connection(name) {
            continue;
        }
        if name.eq_ignore_ascii_case("accept-encoding") {
            parts.push("--compressed".into());
            continue;
        }
        // Without a value curl would take the header out; the semicolon is its sign for an empty one.
        let line = match value.is_empty() {
            true => format!("{name};").into_bytes(),
            false => [name.as_bytes(), b": ", value].concat(),
        };
        parts.push(format!("-H {}", word(&line)));
    }
    if !body.kept.is_empty() && headers.get("content-type").is_none() {
        // Else curl says that it is a form.
        parts.push("-H Content-Type:".into());
    }
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    name == "localhost" || name.ends_with(".localhost") || name.starts_with("127.") || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{body, exchange, headers};
    use proptest::prelude::*;
    use std::process::Command;

    /// What a `curl` would get: the arguments and the standard input, as a real shell hands them over.
    fn through_sh(command: &str) -> (Vec<String>, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = folder.path().join("arguments");
        let function =
            r#"curl() { for word; do printf '%s\0' "$word"; done > "$ARGUMENTS"; case "$*" in *@-*) cat;; esac; }"#;
        let script = folder.path().join("script");
        std::fs::write(&script, format!("{function}\n{command}\n")).expect("written");
        let output = Command::new("sh").arg(script).env("ARGUMENTS", &arguments).output().expect("sh is everywhere");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let arguments = std::fs::read(arguments).expect("written");
        let words = arguments.split(|&b| b == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        (words.filter(|word| !word.is_empty()).collect(), output.stdout)
    }

    fn post(bytes: &[u8]) -> Exchange {
        let mut post = exchange(1);
        post.opened.method = "POST".into();
        post.opened.url = "http://127.0.0.1:5173/api?q=it's[1]".into();
        post.opened.headers = headers(&[
            ("Host", "x"),
            ("Content-Length", "9"),
            ("Accept-Encoding", "gzip"),
            ("X-Quote", "it's \"so\" $HOME"),
            ("X-Empty", ""),
            ("Content-Type", "text/plain"),
        ]);
        post.request_body = body(bytes);
        post
    }

    #[test]
    fn the_command_says_what_was_sent() {
        let expected = "curl 'http://127.0.0.1:5173/api?q=it'\\''s[1]' \\\n  --globoff \\\n  --compressed \\\n  \
            -H 'X-Quote: it'\\''s \"so\" $HOME' \\\n  -H 'X-Empty;' \\\n  -H 'Content-Type: text/plain' \\\n  --data-raw 'a\n'\\''b'\\'''";
        assert_eq!(curl(&post(b"a\n'b'"), Secrets::Shown), expected);
        assert_eq!(
            curl(&exchange(1), Secrets::Shown),
            "curl 'http://127.0.0.1:5173/api/users?page=2' \\\n  -H 'Accept: */*'"
        );
    }

    #[test]
    fn a_real_shell_gives_curl_the_same_words_and_the_same_body() {
        let (words, _) = through_sh(&curl(&post(b"line\n'quoted'"), Secrets::Shown));
        assert_eq!(words[0], "http://127.0.0.1:5173/api?q=it's[1]");
        assert!(words.contains(&"X-Quote: it's \"so\" $HOME".to_owned()));
        assert_eq!(&words[words.len() - 2..], ["--data-raw", "line\n'quoted'"]);
        let binary: Vec<u8> = (0..=255).chain(*b"%s\\n'").collect();
        let (words, input) = through_sh(&curl(&post(&binary), Secrets::Shown));
        assert_eq!((words.last().map(String::as_str), input), (Some("@-"), binary));
        let long = vec![b'x'; 300_000];
        assert_eq!(through_sh(&curl(&post(&long), Secrets::Shown)).1, long);
    }

    #[test]
    fn methods_and_headers_that_curl_would_guess_wrong_are_said() {
        let mut other = exchange(1);
        for (method, bytes, words) in [
            ("HEAD", &b""[..], Some("--head")),
            ("DELETE", b"", Some("-X DELETE")),
            ("GET", b"x", Some("-X GET")),
            ("POST", b"", Some("-X POST")),
            ("POST", b"x", Some("-H Content-Type:")),
        ] {
            other.opened.method = method.into();
            other.request_body = body(bytes);
            let command = curl(&other, Secrets::Shown);
            assert!(words.is_none_or(|words| command.contains(words)), "{command}");
        }
        other.opened.url = "https://localhost:8443/".into();
        assert!(curl(&other, Secrets::Shown).contains("--insecure"));
    }

    #[test]
    fn secrets_stay_here_unless_asked_for_and_a_cut_body_is_said() {
        let mut secret = post(b"{\"password\":\"hunter2\"}");
        secret.opened.headers = headers(&[("Authorization", "Bearer hunter2"), ("Content-Type", "application/json")]);
        secret.request_body.bytes += 100;
        let command = curl(&secret, Secrets::Masked);
        assert!(!command.contains("hunter2") && command.contains("Bearer ‹masked:7›"), "{command}");
        assert!(curl(&secret, Secrets::Shown).contains("hunter2"));
        assert!(command.starts_with("# the body is cut: "), "{command}");
        assert_eq!(through_sh(&command).0[0], "http://127.0.0.1:5173/api?q=it's[1]");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_header_and_any_body_reach_curl(value in "[ -~äß\t]{1,40}", bytes: Vec<u8>) {
            let mut any = post(&bytes);
            any.opened.headers = headers(&[("X-Any", &value), ("Content-Type", "x/y")]);
            let (words, input) = through_sh(&curl(&any, Secrets::Shown));
            prop_assert!(words.contains(&format!("X-Any: {value}")), "{words:?}");
            let text = words.iter().position(|word| word == "--data-raw").map(|at| words[at + 1].clone().into_bytes());
            let sent = text.unwrap_or(input);
            prop_assert_eq!(sent, bytes);
        }
    }
}
