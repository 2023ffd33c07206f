//! Tests of the injector with heads and bodies as the engine hands them over.

use std::io::Write;

use super::*;

const PREFIX: &str = "/__brummer/0123456789abcdef/";
const HTML: (&str, &[u8]) = ("Content-Type", b"text/html; charset=utf-8");

fn origin() -> PageOrigin {
    PageOrigin { origin: "http://localhost:20888".into(), process: None }
}

fn answer(policies: Policies, fields: &[(&str, &[u8])]) -> (Insertion, Edits) {
    let response = HeadView { method: "GET", target: "/", status: 200, fields };
    let mut edits = Edits::new();
    let insertion = PageInjector::new(policies).on_response(Wanted::Page, response, &origin(), PREFIX, &mut edits);
    (insertion, edits)
}

fn body(insertion: Insertion, bytes: &[u8]) -> (String, Option<Injection>) {
    let (mut filter, mut out) = (insertion.filter.expect("a filter"), Vec::new());
    for chunk in bytes.chunks(7) {
        filter.feed(chunk, &mut out);
    }
    filter.finish(&mut out);
    (String::from_utf8(out).unwrap(), filter.outcome())
}

#[test]
fn a_request_for_a_page_asks_for_a_whole_plain_one() {
    let injector = PageInjector::new(Policies::Loosen);
    let fields: &[(&str, &[u8])] = &[("Accept", b"text/html"), ("If-None-Match", b"x"), ("Range", b"bytes=0-1")];
    let mut edits = Edits::new();
    let request = HeadView { method: "GET", target: "/", status: 0, fields };
    assert_eq!(injector.on_request(request, &mut edits), Wanted::Page);
    assert!(edits.removes("if-none-match") && edits.removes("range"));
    assert_eq!(edits.added().collect::<Vec<_>>(), [("Accept-Encoding", &b"identity"[..])]);
    let mut edits = Edits::new();
    let request = HeadView { fields: &[("Accept", b"*/*"), ("Range", b"bytes=0-1")], ..request };
    assert_eq!(injector.on_request(request, &mut edits), Wanted::Nothing);
    assert!(edits.is_empty());
}

#[test]
fn a_page_gets_the_tag_and_is_not_to_be_kept() {
    let (insertion, edits) = answer(Policies::Loosen, &[HTML, ("ETag", b"\"1\""), ("Cache-Control", b"max-age=9")]);
    assert_eq!(insertion.injection, Injection::Done { policy_loosened: false });
    assert!(edits.removes("etag"));
    assert!(edits.added().any(|field| field == ("Cache-Control", b"no-store")));
    let (page, outcome) = body(insertion, b"<!doctype html><head><title>x</title>");
    let tag = "<script src=\"/__brummer/0123456789abcdef/t.js\" data-brummer=\"\"></script>";
    assert_eq!(page, format!("<!doctype html><head>{tag}<title>x</title>"));
    assert_eq!(outcome, None);
}

#[test]
fn a_compressed_page_is_decompressed_and_a_broken_one_is_told() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let text = format!("<!doctype html><head><title>{}</title>", "long ".repeat(5000));
    encoder.write_all(text.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    let fields = [HTML, ("Content-Encoding", &b"gzip"[..])];
    let (insertion, edits) = answer(Policies::Loosen, &fields);
    assert!(edits.removes("content-encoding"));
    let (page, outcome) = body(insertion, &bytes);
    assert!(page.contains("t.js") && page.ends_with("long </title>") && outcome.is_none());
    let (_, outcome) = body(answer(Policies::Loosen, &fields).0, &bytes[..bytes.len() - 20]);
    assert_eq!(outcome, Some(Injection::Not("the compressed page is damaged")));
    let (insertion, edits) = answer(Policies::Loosen, &[HTML, ("Content-Encoding", b"br")]);
    assert!(matches!(insertion.injection, Injection::Not(why) if why.contains("brotli")));
    assert!(insertion.filter.is_none() && edits.is_empty());
}

#[test]
fn a_fragment_passes_and_is_told() {
    let (page, outcome) = body(answer(Policies::Loosen, &[HTML]).0, b"<li>1</li>");
    assert_eq!((page.as_str(), outcome), ("<li>1</li>", Some(Injection::Not("it does not begin like a document"))));
}

#[test]
fn policies_are_loosened_or_kept_as_asked_for() {
    let policies: [(&str, &[u8]); 3] = [
        HTML,
        ("content-security-policy", b"script-src 'nonce-a\"b'; connect-src 'none'"),
        ("Content-Security-Policy-Report-Only", b"default-src 'self'"),
    ];
    let (insertion, edits) = answer(Policies::Loosen, &policies);
    assert_eq!(insertion.injection, Injection::Done { policy_loosened: true });
    assert!(edits.removes(ENFORCED) && !edits.removes(REPORTED));
    let new: Vec<_> = edits.added().filter(|(name, _)| *name == ENFORCED).collect();
    assert_eq!(new, [(ENFORCED, &b"script-src 'nonce-a\"b'; connect-src 'self'"[..])]);
    assert!(body(insertion, b"<head>").0.contains("nonce=\"a&quot;b\""));
    let (insertion, edits) = answer(Policies::Keep, &policies);
    assert!(matches!(insertion.injection, Injection::Not(_)) && edits.is_empty());
}

#[test]
fn a_fresh_nonce_is_fresh() {
    let nonce = || body(answer(Policies::Loosen, &[HTML, (ENFORCED, b"script-src 'none'")]).0, b"<head>").0;
    assert!(nonce().contains("nonce=") && nonce() != nonce());
}

#[test]
fn px07_telemetry_is_turned_on_and_off_for_the_next_request() {
    let injector = PageInjector::new(Policies::Loosen);
    assert!(injector.is_on());
    injector.enable(false);
    assert!(!injector.is_on());
}
