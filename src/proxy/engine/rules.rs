//! Rules: what a user wants done to some requests. Which one fits is decided here; the engine does it.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is to be done to the requests of a path, a host or a method. What is `None`, zero or empty changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The path it is for, without its query; `*` stands for any characters.
    pub path: Option<String>,
    /// The host it is for, without its port: the one that was asked for, or the server's; `*` stands for any characters.
    pub host: Option<String>,
    /// The method it is for.
    pub method: Option<String>,
    /// A wait before the request goes on.
    pub latency: Duration,
    /// At most so much more, by chance.
    pub jitter: Duration,
    /// The most bytes of the answer a second.
    pub bytes_per_second: Option<u64>,
    /// Of a hundred requests, how many get no answer at all.
    pub drop_percent: u8,
    /// The answer is this status, and the server is not asked.
    pub status: Option<u16>,
    /// Fields of the answer that are set.
    pub set_headers: Vec<(String, String)>,
    /// Fields of the answer that are taken away.
    pub remove_headers: Vec<String>,
    /// The body of the answer is this file, and the server is not asked.
    pub body_file: Option<PathBuf>,
    /// Another origin that is asked instead: `http://127.0.0.1:4000`.
    pub map_to: Option<String>,
}

/// All rules; the first that fits a request counts.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<Arc<Rule>>,
    chance: u64,
}

/// What is done to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruled {
    pub(super) rule: Arc<Rule>,
    pub(super) delay: Duration,
    pub(super) dropped: bool,
}

impl Rules {
    pub(super) fn new(rules: Vec<Rule>) -> Rules {
        // A seed that differs from run to run; an odd one is never zero.
        let chance = RandomState::new().hash_one(0) | 1;
        Rules { rules: rules.into_iter().map(Arc::new).collect(), chance }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What is done to a request for `path` at a server that has these names.
    pub(super) fn decide(&mut self, method: &str, hosts: [&str; 2], path: &str) -> Option<Ruled> {
        let path = path.split('?').next().unwrap_or(path);
        let rule = self.rules.iter().find(|rule| fits(rule, method, hosts, path))?;
        let rule = Arc::clone(rule);
        let jitter = rule.jitter.mul_f64(self.by_chance());
        let dropped = self.by_chance() * 100.0 < f64::from(rule.drop_percent);
        Some(Ruled { delay: rule.latency + jitter, dropped, rule })
    }

    /// At least 0, below 1. Xorshift; nobody's safety hangs on it.
    fn by_chance(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn fits(rule: &Rule, method: &str, hosts: [&str; 2], path: &str) -> bool {
    let is_ours = |wanted: &Option<String>, given: &str| {
        wanted.as_ref().is_none_or(|pattern| matches(pattern.as_bytes(), given.as_bytes()))
    };
    rule.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
        && is_ours(&rule.path, path)
        && hosts.iter().any(|host| is_ours(&rule.host, host))
}

/// Whether a text fits a pattern in which `*` stands for any characters. Linear in the text for each star.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if *byte == text[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, from) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// What a browser takes a file for.
pub(super) fn content_type(path: &std::path::Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "wasm" => "application/wasm",
        "xml" => "application/xml",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, text, fit) in [
            ("/api/*", "/api/users", true),
            ("/api/*", "/api/", true),
            ("/api/*", "/apis", false),
            ("/api", "/api/x", false),
            ("*.js", "/a/b.js", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "abab", true),
            ("*a*b", "aba", false),
            ("", "", true),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rule = |path: &str, status| Rule { path: Some(path.into()), status: Some(status), ..Rule::default() };
        let host = Rule { host: Some("*.test".into()), method: Some("POST".into()), ..rule("/*", 501) };
        let mut rules = Rules::new(vec![host, rule("/a", 502), rule("/*", 503)]);
        let mut status =
            |method, hosts, path| rules.decide(method, hosts, path).map(|ruled| ruled.rule.status.unwrap());
        assert_eq!(status("POST", ["localhost", "x.test"], "/a"), Some(501));
        assert_eq!(status("GET", ["localhost", "x.test"], "/a?b=/c"), Some(502));
        assert_eq!(status("GET", ["localhost", "x.test"], "/ab"), Some(503));
        assert_eq!(status("OPTIONS", ["localhost", "x"], "*"), None);
    }

    #[test]
    fn chance_is_fair_enough_and_within_its_bounds() {
        let (latency, jitter) = (Duration::from_millis(100), Duration::from_millis(50));
        let mut rules = Rules::new(vec![Rule { drop_percent: 30, latency, jitter, ..Rule::default() }]);
        let ruled: Vec<Ruled> = (0..10_000).map(|_| rules.decide("GET", ["", ""], "/").unwrap()).collect();
        let dropped = ruled.iter().filter(|ruled| ruled.dropped).count();
        assert!((2_500..3_500).contains(&dropped), "{dropped}");
        assert!(ruled.iter().all(|ruled| ruled.delay >= latency && ruled.delay < latency + jitter));
        assert!(ruled.iter().any(|ruled| ruled.delay > latency + jitter / 2));
        let mut never = Rules::new(vec![Rule::default()]);
        assert!((0..1_000).all(|_| !never.decide("GET", ["", ""], "/").unwrap().dropped));
    }
}
