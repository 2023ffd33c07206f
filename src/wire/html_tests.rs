//! Tests of the insertion: every split of every case, and random pages.

use proptest::prelude::*;

use super::*;

const TEXT: &str = "<script src=\"/t.js\" data-mark></script>";

fn machine(charset_known: bool) -> Insert {
    Insert::new(Insertion { text: TEXT.into(), mark: "data-mark", charset_known })
}

fn run<'a>(parts: impl IntoIterator<Item = &'a [u8]>, charset_known: bool) -> (Vec<u8>, Outcome) {
    let (mut insert, mut out, mut fed) = (machine(charset_known), Vec::new(), 0);
    for part in parts {
        fed += part.len();
        insert.feed(part, &mut out);
        let passed = if insert.outcome() == Outcome::Inserted { out.len() - TEXT.len() } else { out.len() };
        assert!(fed - passed <= HOLD_BYTES_MAX, "{} bytes are held back", fed - passed);
    }
    insert.finish(&mut out);
    assert!(insert.is_plain() && insert.outcome() != Outcome::Open);
    (out, insert.outcome())
}

/// The page with `^` where the text is to go, in one piece, byte by byte, and cut in two at every place.
fn goes(page: &str, charset_known: bool) {
    let plain = page.replacen('^', "", 1);
    let expected = page.replacen('^', TEXT, 1);
    let bytes = plain.as_bytes();
    let single = bytes.chunks(1).collect::<Vec<_>>();
    let mut ways = vec![vec![bytes], single];
    ways.extend((1..bytes.len()).filter(|at| at % 7 == 0 || *at < 100).map(|at| vec![&bytes[..at], &bytes[at..]]));
    for way in ways {
        let (out, outcome) = run(way, charset_known);
        assert_eq!(String::from_utf8_lossy(&out), expected, "of {plain:?}");
        assert_eq!(outcome == Outcome::Inserted, page.contains('^'), "{outcome:?} of {plain:?}");
    }
}

#[test]
fn it_goes_right_after_the_head_whatever_the_tag_looks_like() {
    goes("<!DOCTYPE html><html><head>^<title>x</title></head>", true);
    goes("<head>^<title>", true);
    goes("\u{feff}\n\n<!doctype html>\n<HTML Lang='en'>\n <HeAd profile=\"a>b\" x='>' y=a>^\n<meta name=v>", true);
    goes("<!-- a > b --><!doctype html><!----><!--> <html class=a'b><!---><head/>^<link>", true);
    goes("<?xml version=\"1.0\"?><!DOCTYPE html><html xmlns=\"x\"><head>^<title/></head></html>", true);
    goes("<!doctype html><html><head>^", true);
    goes("<!doctype html><html a = \">\" b = '<head>' ><head>^text", true);
}

#[test]
fn without_a_head_it_goes_before_the_first_tag_or_text() {
    goes("<!doctype html>^<title>x</title>", true);
    goes("<!doctype html>\n^Hello", true);
    goes("<html>\n^<body><p>x", true);
    goes("<html>^<header>x", true);
    goes("<html>^</html>", true);
    goes("<!-- only a comment -->^<p>x", true);
}

#[test]
fn a_meta_charset_stays_first_where_the_answer_names_none() {
    goes("<!doctype html><head><meta charset=utf-8>^<script>1</script>", false);
    goes("<!doctype html><head>^<meta charset=utf-8><script>1</script>", true);
    goes("<head>\n<!-- c --><META content='text/html; charset=utf-8' http-equiv=content-type>^\n<title>", false);
    goes("<!doctype html><meta charset=\"utf-8\"/>^<title>", false);
    goes("<head>^<meta name=viewport content=x><meta charset=utf-8>", false);
    goes("<head>^<title>x</title><meta charset=utf-8>", false);
    goes("<head><meta charset=utf-8>^", false);
}

#[test]
fn what_does_not_begin_like_a_document_passes_unchanged() {
    for page in
        ["<p>fragment</p>", "text", "{\"a\":1}", "", "   ", "</div>", "<title>x</title>", "<!-- c --> text", "<"]
    {
        goes(page, true);
    }
    goes("\u{feff}text", true);
    goes("<!doctype html>", true);
    goes("<!doctype html><!-- it never ends", true);
}

#[test]
fn pages_in_utf_16_pass_unchanged() {
    for page in [&b"\xff\xfe<\0h\0t\0m\0l\0>\0"[..], b"\xfe\xff\0<\0h"] {
        let (out, outcome) = run(page.chunks(1), true);
        assert_eq!((&out[..], outcome), (page, Outcome::Not("the page is UTF-16")));
    }
}

#[test]
fn a_page_that_has_the_text_already_is_left_alone() {
    goes(&format!("<!doctype html><head>{TEXT}<title>"), true);
    goes(&format!("<!doctype html><head> <!-- c --> {TEXT}<title>"), false);
    goes(&format!("<!doctype html><head><meta charset=utf-8>{TEXT}<title>"), true);
    goes(&format!("<!doctype html><head><meta charset=utf-8>{TEXT}<title>"), false);
    goes(&format!("<!doctype html><head>^<script src=x></script>{TEXT}"), true);
}

#[test]
fn long_comments_and_tags_stream_and_long_silence_ends_the_search() {
    let long = "x".repeat(2000);
    goes(&format!("<!doctype html><!-- {long} --><html class=\"{long}\"><head data-a='{long}'>^<title>"), true);
    goes(&format!("<head>^<!-- {long} -->"), true);
    goes(&format!("<head>^<script {long}>"), true);
    goes(&format!("{}<!doctype html><head>", " ".repeat(1500)), true);
    goes(&format!("<{long}"), true);
}

#[test]
fn the_head_is_passed_on_before_the_rest_of_the_page_is_there() {
    let (mut insert, mut out) = (machine(true), Vec::new());
    insert.feed(b"<!doctype html><html><head>", &mut out);
    assert_eq!(out, b"<!doctype html><html><head>");
    insert.feed(b"<link rel=x>", &mut out);
    assert!(insert.is_plain() && out.ends_with(b"<link rel=x>"));
}

proptest! {
    #[test]
    fn every_split_of_any_page_gives_the_same(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<!doctype html>", "<html>", "<html a='>'>", "<head>", "<head b=\">\">", "<meta charset=utf-8>", "<title>",
            "<!--", "-->", "--!>", "<", ">", "!", "-", "/", "\"", "'", " ", "=", "text", "<script data-mark>", "<meta x>",
            "\u{feff}", "<?xml?>", "</head>", "<!x>", "<header>",
        ]), 0..12),
        sizes in prop::collection::vec(1usize..9, 1..40),
        charset_known: bool,
    ) {
        let page = parts.concat();
        let whole = run([page.as_bytes()], charset_known);
        let (mut pieces, mut rest) = (Vec::new(), page.as_bytes());
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (piece, left) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = left;
        }
        prop_assert_eq!(run(pieces, charset_known), whole.clone());
        let (out, outcome) = whole;
        match outcome {
            Outcome::Inserted => prop_assert_eq!(String::from_utf8_lossy(&out).replacen(TEXT, "", 1), page),
            _ => prop_assert_eq!(out, page.as_bytes()),
        }
    }
}
