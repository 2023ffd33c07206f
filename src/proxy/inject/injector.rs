//! The injector that the engine asks: it edits the heads of pages and gives each a filter for its body.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use super::decide::{Verdict, asks_for_page, judge};
use super::decode::{Coding, Decoder};
use crate::proxy::engine::{BodyFilter, Edits, HeadView, Injector, Insertion, PageOrigin, Wanted};
use crate::proxy::exchange::Injection;
use crate::proxy::telemetry::script::PAGE_FILE;
use crate::wire::csp;
use crate::wire::html::{Insert, Insertion as Text, Outcome};

/// By this part of its tag a script is known as ours.
const MARK: &str = "data-brummer";

/// What may be done about Content-Security-Policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policies {
    /// They are changed as little as the script needs.
    #[default]
    Loosen,
    /// They stay; where they forbid the script there is none.
    Keep,
}

/// Puts the script into pages.
///
/// Thread safety: `Send + Sync`. Progress: wait-free. Waits: none. Cleanup: none.
#[derive(Debug)]
pub struct PageInjector {
    on: AtomicBool,
    policies: Policies,
    error_pages: bool,
}

impl PageInjector {
    /// An injector that is on.
    pub fn new(policies: Policies) -> PageInjector {
        PageInjector { on: AtomicBool::new(true), policies, error_pages: true }
    }

    /// Turns it on or off for all requests from now on.
    pub fn enable(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }
}

impl Injector for PageInjector {
    fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    fn on_request(&self, request: HeadView<'_>, edits: &mut Edits) -> Wanted {
        if !asks_for_page(request) {
            return Wanted::Nothing;
        }
        edits.set("Accept-Encoding", "identity");
        // A page that was kept without the script must not be confirmed, and a part of one cannot take it.
        for name in ["If-None-Match", "If-Modified-Since", "If-Range", "Range"] {
            if request.get(name).is_some() {
                edits.remove(name);
            }
        }
        Wanted::Page
    }

    fn on_response(
        &self,
        wanted: Wanted,
        response: HeadView<'_>,
        page: &PageOrigin,
        control_prefix: &str,
        edits: &mut Edits,
    ) -> Insertion {
        let not = |injection| Insertion { injection, filter: None };
        if wanted == Wanted::Nothing {
            return not(Injection::NotAPage);
        }
        let (coding, charset_known) = match judge(response, self.error_pages) {
            Verdict::NotAPage => return not(Injection::NotAPage),
            Verdict::Keep(why) => return not(Injection::Not(why)),
            Verdict::Page { coding, charset_known } => (coding, charset_known),
        };
        let (nonce, loosened) = match self.policies(response, page, edits) {
            Ok(admitted) => admitted,
            Err(why) => return not(Injection::Not(why)),
        };
        edit_head(response, coding, edits);
        let what = Text { text: tag(control_prefix, nonce.as_deref()).into(), mark: MARK, charset_known };
        let filter =
            PageFilter { insert: Insert::new(what), decoder: Decoder::new(coding), decoded: Vec::new(), broken: None };
        Insertion { injection: Injection::Done { policy_loosened: loosened }, filter: Some(Box::new(filter)) }
    }
}

const ENFORCED: &str = "Content-Security-Policy";
const REPORTED: &str = "Content-Security-Policy-Report-Only";

impl PageInjector {
    /// Sees to the page's policies: the nonce for the tag, and whether one was loosened.
    fn policies(
        &self,
        response: HeadView,
        page: &PageOrigin,
        edits: &mut Edits,
    ) -> Result<(Option<String>, bool), &'static str> {
        let mut fields = Vec::new();
        for (name, value) in response.fields {
            let report_only = name.eq_ignore_ascii_case(REPORTED);
            if report_only || name.eq_ignore_ascii_case(ENFORCED) {
                let value = std::str::from_utf8(value).map_err(|_| "its Content-Security-Policy is not text")?;
                fields.push(csp::Field { value, report_only });
            }
        }
        if fields.is_empty() {
            return Ok((None, false));
        }
        let fresh = fresh_nonce();
        let may_change = self.policies == Policies::Loosen;
        let guest = csp::Guest { origin: &page.origin, nonce: &fresh, may_change };
        let admission = csp::admit(&fields, &guest)?;
        for (report_only, name) in [(false, ENFORCED), (true, REPORTED)] {
            let all = || fields.iter().zip(&admission.values).filter(|(field, _)| field.report_only == report_only);
            if all().any(|(_, value)| value.is_some()) {
                edits.remove(name);
                all().for_each(|(field, value)| edits.add(name, value.as_deref().unwrap_or(field.value)));
            }
        }
        Ok((admission.nonce, admission.loosened))
    }
}

fn edit_head(response: HeadView, coding: Coding, edits: &mut Edits) {
    edits.set("Cache-Control", "no-store");
    let gone = ["ETag", "Content-MD5", "Digest", "Content-Digest", "Repr-Digest", "Accept-Ranges"];
    for name in gone.into_iter().filter(|name| response.get(name).is_some()) {
        edits.remove(name);
    }
    if coding != Coding::Plain {
        edits.remove("Content-Encoding");
    }
}

/// The script's tag. It is short, so that what follows stays within the bytes in which a browser looks for the charset.
fn tag(control_prefix: &str, nonce: Option<&str>) -> String {
    let nonce = nonce.map(|nonce| format!(" nonce=\"{}\"", escape(nonce))).unwrap_or_default();
    format!("<script src=\"{}{PAGE_FILE}\" {MARK}=\"\"{nonce}></script>", escape(control_prefix))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn fresh_nonce() -> String {
    // Each state is keyed by the system's random numbers.
    let number = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", number(), number())
}

/// A page's body on its way: decompressed, with the script's tag put in.
#[derive(Debug)]
struct PageFilter {
    insert: Insert,
    decoder: Option<Decoder>,
    decoded: Vec<u8>,
    broken: Option<&'static str>,
}

impl BodyFilter for PageFilter {
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let Some(decoder) = &mut self.decoder else { return self.insert.feed(input, out) };
        if self.broken.is_some() {
            return;
        }
        let result = if self.insert.is_plain() {
            decoder.feed(input, out)
        } else {
            let result = decoder.feed(input, &mut self.decoded);
            self.insert.feed(&self.decoded, out);
            self.decoded.clear();
            result
        };
        self.broken = result.err().map(|broken| broken.0);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(decoder) = &mut self.decoder
            && self.broken.is_none()
        {
            let result = decoder.finish(&mut self.decoded);
            self.insert.feed(&self.decoded, out);
            self.broken = result.err().map(|broken| broken.0);
        }
        self.insert.finish(out);
    }

    fn is_done(&self) -> bool {
        self.decoder.is_none() && self.insert.is_plain()
    }

    fn broken(&self) -> Option<&'static str> {
        self.broken
    }

    fn outcome(&self) -> Option<Injection> {
        match (self.broken, self.insert.outcome()) {
            (Some(why), _) | (None, Outcome::Not(why)) => Some(Injection::Not(why)),
            (None, Outcome::Inserted | Outcome::Open) => None,
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
