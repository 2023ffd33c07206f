//! The telemetry script in a real browser: what it tells, what it does when it is asked, and that nobody notices it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed expectation is a failed test, and what is skipped is said"
)]

mod harness;
mod server;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use brummer::error::Code;
use brummer::proxy::telemetry::Family;
use harness::{SOON, Stage, eval, has, named};
use serde_json::json;
use server::File;

const EMPTY: &str = "<!doctype html><html><head><title>empty</title></head><body></body></html>";

const BUSY: &str = r#"<!doctype html><html><head><title>busy</title><link rel=stylesheet href=/missing.css></head><body>
<button id=go class="big red">Go <b>now</b></button>
<form id=f><input name=user value=someone><input name=pass type=password><button>Send</button></form>
<script>
  document.cookie = 'secret=cookie-value';
  console.log('%s is %d of %o, 100%%', 'this', 3.7, {a: [1, 'x']}, new Map([['k', 1]]), null);
  console.error('bad', new TypeError('inner'));
  console.assert(1 === 2, 'math');
  function thrower() { throw new RangeError('thrown ' + 'here'); }
  setTimeout(thrower, 0);
  Promise.reject(new Error('nobody cares'));
  fetch('/data?token=secret-token', {headers: {Authorization: 'Bearer secret-auth'}}).then(r => r.text());
  fetch('/nothing');
  fetch('http://127.0.0.1:1/refused').catch(() => {});
  const x = new XMLHttpRequest();
  x.open('POST', '/data');
  x.send('typed-value');
  document.getElementById('f').addEventListener('submit', e => e.preventDefault());
  history.pushState({}, '', '/route?q=1');
  location.hash = 'part';
  brummer.track('cart', {items: 2});
  brummerTelemetry.mark('ready');
  mcpTelemetry.error(new Error('told'), {where: 'test'});
  new EventSource('/events');
  new WebSocket('ws://127.0.0.1:1/no-socket').onerror = () => {};
</script></body></html>"#;

fn busy_files() -> Vec<File> {
    vec![File::page("/busy", BUSY), File::new("/data", "text/plain", "the data"), File::page("/", EMPTY)]
}

#[test]
fn a_page_tells_what_happens_in_it_and_no_secret() {
    let Some(stage) = Stage::set(busy_files()) else { return };
    let tab = stage.open("/busy");
    let session = stage.session_of(&tab);
    eval(&tab, "document.getElementById('go').click()");
    eval(
        &tab,
        "document.querySelector('[name=pass]').value = 'hunter2'; document.querySelector('form button').click()",
    );
    let wanted: &[(&str, &str, &str)] = &[
        ("console_output", "message", "this is 3 of {a: [1, \"x\"]}, 100% Map {\"k\" => 1} null"),
        ("console_output", "message", "bad TypeError: inner"),
        ("console_output", "stack", "/busy:7"),
        ("console_output", "message", "Assertion failed: math"),
        ("javascript_error", "message", "RangeError: thrown here"),
        ("javascript_error", "stack", "thrower"),
        ("unhandled_rejection", "reason", "Error: nobody cares"),
        ("unhandled_rejection", "stack", "/busy:"),
        ("resource_error", "url", "/missing.css"),
        ("network_response", "url", "/data"),
        ("network_response", "url", "/nothing"),
        ("network_response", "initiator", "xhr"),
        ("network_error", "url", "127.0.0.1:1/refused"),
        ("route_change", "to", "/route?q=1"),
        ("route_change", "to", "#part"),
        ("custom_event", "name", "cart"),
        ("performance_mark", "name", "ready"),
        ("custom_error", "message", "Error: told"),
        ("event_source", "state", "error"),
        ("websocket", "state", "close"),
        ("user_interaction", "action", "click"),
        ("user_interaction", "text", "Go now"),
        ("user_interaction", "action", "form_submit"),
        ("navigation_timing", "type", "navigate"),
        ("web_vital", "metric", "CLS"),
        ("web_vital", "metric", "FCP"),
        ("page_load", "readyState", "complete"),
        ("monitor_initialized", "readyState", "loading"),
    ];
    let found = stage
        .told(&session, "all of it", |found| wanted.iter().all(|(name, field, text)| has(found, name, field, text)));
    let text: String = found.events.iter().map(|event| format!("{} {}\n", event.url, event.data)).collect();
    for secret in ["hunter2", "cookie-value", "secret-token", "secret-auth", "typed-value", "someone"] {
        assert!(!text.contains(secret), "{secret} was told");
    }
    let submit =
        named(&found, "user_interaction").into_iter().find(|event| event.text("action") == Some("form_submit"));
    assert_eq!(submit.unwrap().data["fields"][1], json!({"name": "pass", "type": "password"}));
    assert!(!text.contains("__brummer/"), "our own frames and requests are left out");
    let errors = stage.telemetry.store().errors(Some("web"));
    let thrown = errors.iter().find(|group| group.message.contains("thrown here")).expect("a group");
    assert_eq!((&*thrown.frames[0].function, thrown.frames[0].line), ("thrower", 9));
    assert!(!stage.telemetry.store().console_errors(Some("web")).is_empty());
    assert_eq!(found.of_family(Family::Error).filter(|event| event.name.starts_with("csp")).count(), 0);
}

const SLOW: &str = r#"<!doctype html><html><head><title>slow</title></head><body><script>
  window.kept = Array.from({length: 100000}, (_, n) => ({n}));
  setTimeout(() => { const from = performance.now(); while (performance.now() - from < 150); }, 100);
</script></body></html>"#;

#[test]
fn a_page_tells_its_heap_and_what_held_it_up() {
    let Some(stage) = Stage::set(vec![File::page("/slow", SLOW)]) else { return };
    let tab = stage.open("/slow");
    let session = stage.session_of(&tab);
    let found = stage.told(&session, "the heap and a long task", |session| {
        session.heap.last().is_some() && session.long_tasks.count > 0
    });
    assert!(found.heap.figures().iter().all(|bytes| *bytes > 100_000.0), "{:?}", found.heap.figures());
    let took: f32 = found.long_tasks.took_ms.figures().iter().sum();
    assert!(took >= 50.0, "{took} ms");
}

#[test]
fn a_page_does_what_it_is_asked_and_no_other_page_hears_of_it() {
    let Some(stage) = Stage::set(vec![File::page("/", EMPTY), File::page("/other", EMPTY)]) else { return };
    let (tab, other) = (stage.open("/"), stage.open("/other"));
    let (session, bystander) = (stage.session_of(&tab), stage.session_of(&other));
    assert_ne!(session, bystander);
    let pages = stage.pages();
    let run = |code: &str| pages.evaluate(&session, code, SOON).unwrap();
    assert_eq!(run("1 + 1").value, json!(2));
    assert_eq!(run("{a: 1, b: [true, null]}").value, json!({"a": 1, "b": [true, null]}));
    assert_eq!(run("await new Promise(done => setTimeout(done, 5, 'late'))").value, json!("late"));
    assert_eq!(run("const n = 20; n * 2 + 2").value, json!(42));
    assert_eq!(run("for (let i = 0; i < 3; i++) await 1; return 'end'").value, json!("end"));
    assert_eq!(run("document.body").text, "<body>");
    assert_eq!(run("undefined").kind, "undefined");
    let talk = run("console.log('one', 1); console.warn('two'); 'said'");
    assert_eq!(talk.console, [("log".into(), "one 1".into()), ("warn".into(), "two".into())]);
    let thrown = run("null.field").error.expect("it throws");
    assert!(thrown.0.starts_with("TypeError"), "{thrown:?}");
    assert!(run("x y").error.expect("no code").0.starts_with("SyntaxError"));
    run("window.loop = {}; loop.self = loop; 0");
    assert_eq!(run("loop").text, "{self: {self: {self: {self: {…}}}}}");
    assert!(pages.evaluate(&session, "new Promise(() => {})", Duration::from_millis(100)).unwrap_err().is_timeout());

    run("document.body.innerHTML = '<p id=p>text</p>'");
    assert_eq!(pages.snapshot(&session, Some("#p"), 1000, SOON).unwrap().html, "<p id=\"p\">text</p>");
    let part = pages.snapshot(&session, None, 20, SOON).unwrap();
    assert!(part.truncated && part.html.len() == 20 && part.title == "empty");
    assert!(pages.snapshot(&session, Some("#none"), 10, SOON).unwrap_err().message().contains("#none"));
    let picture = pages.screenshot(&session, SOON).unwrap();
    assert!(picture.approximate && picture.bytes.len() > 100);

    let page = eval(&tab, "__brummer.status().page");
    pages.reload(&session, SOON).unwrap();
    stage.told(&session, "the second load", |session| session.counts.pages == 2);
    assert_eq!(stage.session_of(&tab), session, "the tab stays the same");
    assert_ne!(eval(&tab, "__brummer.status().page"), page);
    assert_eq!(pages.navigate(&session, "/other?x", SOON).unwrap(), stage.url("/other?x"));
    stage.told(&session, "the other page", |session| session.meta.url.ends_with("/other?x"));
    let quiet = stage.telemetry.store().get_session(&bystander).unwrap();
    assert!(named(&quiet, "console_output").is_empty() && quiet.counts.pages == 1);
    tab.close().unwrap();
    let error = loop {
        match pages.evaluate(&session, "1", SOON) {
            Err(error) => break error,
            Ok(_) => std::thread::yield_now(),
        }
    };
    assert!(!error.is_timeout(), "{error}");
}

#[test]
fn nobody_notices_the_script() {
    let Some(stage) = Stage::set(vec![File::page("/", EMPTY)]) else { return };
    let tab = stage.open("/");
    stage.session_of(&tab);
    for (code, expected) in [
        ("[fetch.name, fetch.length, console.log.name, history.pushState.length]", json!(["fetch", 1, "log", 2])),
        ("String(fetch).includes('[native code]')", json!(true)),
        (
            "[WebSocket.name, WebSocket.OPEN, WebSocket.prototype.constructor === WebSocket]",
            json!(["WebSocket", 1, true]),
        ),
        ("new WebSocket('ws://127.0.0.1:1') instanceof WebSocket", json!(true)),
        ("class Mine extends WebSocket {}; new Mine('ws://127.0.0.1:1') instanceof Mine", json!(true)),
        ("new WebSocket('ws://127.0.0.1:1').constructor === WebSocket", json!(true)),
        ("try { new WebSocket('nonsense:') } catch (e) { e.name }", json!("SyntaxError")),
        ("(await fetch('/')) instanceof Response && fetch('/') instanceof Promise", json!(true)),
        ("try { await fetch('http://127.0.0.1:1') } catch (e) { e instanceof TypeError }", json!(true)),
        ("try { await fetch('/', {signal: AbortSignal.abort('why')}) } catch (e) { e }", json!("why")),
        ("document.documentElement.children.length + document.head.querySelectorAll('script').length", json!(3)),
        ("Object.keys(window).filter(k => /brummer/i.test(k)).length", json!(0)),
        ("const x = new XMLHttpRequest(); x.open('GET', '/', false); x.send(); x.status", json!(200)),
        ("try { XMLHttpRequest.prototype.send.call({}) } catch (e) { e.name }", json!("TypeError")),
        ("let gets = 0; console.log({get trap() { gets++; return 1 }}); gets", json!(0)),
        ("const odd = {toString() { throw 1 }}; console.log('%o', odd, Symbol('s'), 1n, () => 1); 1", json!(1)),
        ("for (let i = 0; i < 5000; i++) console.log('flood', i); __brummer.status().queued < 600", json!(true)),
    ] {
        assert_eq!(eval(&tab, code), expected, "{code}");
    }
    let unhandled = "const seen = [], turn = () => new Promise(done => setTimeout(done, 20)); \
        onunhandledrejection = e => seen.push(String(e.reason)); const b = fetch('http://127.0.0.1:1/b').catch(() => 1); \
        fetch('http://127.0.0.1:1/a'); await b; while (!seen.length) await turn(); await turn(); seen.length";
    assert_eq!(eval(&tab, unhandled), json!(1), "only what nobody handles is unhandled");
    let session = stage.session_of(&tab);
    let found = stage.told(&session, "the flood", |session| session.counts.dropped > 0);
    assert!(named(&found, "console_output").len() < 400);
    assert!(named(&found, "javascript_error").is_empty());
}

#[test]
fn policies_are_satisfied_and_the_page_still_works() {
    let inline = "<!doctype html><head><title>t</title></head><body><script NONCE>window.ran = 1</script>";
    let page = |path, policy: &str, nonce: &str| {
        File::page(path, inline.replace("NONCE", nonce)).with("Content-Security-Policy", policy)
    };
    let files = vec![
        page("/nonce", "script-src 'nonce-abc'; connect-src 'none'", "nonce=abc"),
        page("/dynamic", "script-src 'nonce-abc' 'strict-dynamic'; object-src 'none'", "nonce=abc"),
        page("/inline", "default-src 'unsafe-inline'", ""),
        page("/none", "default-src 'none'; script-src 'unsafe-inline'", ""),
        page("/self", "default-src 'self'; script-src 'self' 'unsafe-inline'", ""),
        page("/types", "require-trusted-types-for 'script'; trusted-types 'none'", ""),
    ];
    let Some(stage) = Stage::set(files) else { return };
    let tab = stage.open("/nonce");
    for path in ["/nonce", "/dynamic", "/inline", "/none", "/self", "/types"] {
        tab.navigate(&stage.url(path), SOON).unwrap();
        assert_eq!(eval(&tab, "window.ran"), json!(1), "{path}: the page's own script runs");
        let session = stage.session_of(&tab);
        eval(&tab, &format!("console.log('at {path}')"));
        stage.told(&session, path, |found| has(found, "console_output", "message", &format!("at {path}")));
    }
    let session = stage.session_of(&tab);
    tab.navigate(&stage.url("/nonce"), SOON).unwrap();
    stage.session_of(&tab);
    // The page that was left may still be there for a moment, and goes away while it is asked.
    let end = Instant::now() + SOON;
    let answer = loop {
        match stage.pages().evaluate(&session, "1 + 1", SOON) {
            Err(error) if error.code() != Code::Timeout && Instant::now() < end => {}
            answer => break answer.unwrap(),
        }
    };
    let refused = answer.error.expect("eval is forbidden");
    assert!(refused.0.contains("brummer browser"), "{refused:?}");
    assert_eq!(eval(&tab, "1 + 1"), json!(2), "the browser itself may");
}

#[test]
fn a_compressed_page_is_watched_and_one_that_cannot_be_read_works_as_it_is() {
    let page = "<!doctype html><html><head><title>packed</title></head><body><script>console.log('unpacked')</script>";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, page.as_bytes()).unwrap();
    let files = vec![
        File::page("/gzip", gzip.finish().unwrap()).with("Content-Encoding", "gzip"),
        File::page("/zstd", zstd_stored(page.as_bytes())).with("Content-Encoding", "zstd"),
        File::new("/fragment", "text/html", "<li>one</li>"),
    ];
    let Some(stage) = Stage::set(files) else { return };
    let tab = stage.open("/gzip");
    let session = stage.session_of(&tab);
    stage.told(&session, "the page", |found| has(found, "console_output", "message", "unpacked"));
    tab.navigate(&stage.url("/zstd"), SOON).unwrap();
    assert_eq!(eval(&tab, "[document.title, typeof window.__brummer]"), json!(["packed", "undefined"]));
    tab.navigate(&stage.url("/fragment"), SOON).unwrap();
    assert_eq!(eval(&tab, "document.querySelectorAll('script').length"), json!(0));
    assert_eq!(eval(&tab, "await fetch('/gzip', {headers: {Accept: 'text/html'}}).then(r => r.text())"), json!(page));
}

/// A frame of zstd that holds its bytes as they are.
fn zstd_stored(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&(length << 3 | 1).to_le_bytes()[..3]);
    frame.extend_from_slice(bytes);
    frame
}

#[test]
fn what_is_left_is_sent_when_a_page_is_left_and_a_copied_tab_is_another() {
    let leaving = "<!doctype html><head></head><script>console.log('last words'); setTimeout(() => location.assign('/next'), 0)</script>";
    let frame = "<!doctype html><head></head><script>console.log('in a frame')</script>";
    let framed =
        "<!doctype html><head></head><iframe src=/frame></iframe><iframe sandbox=allow-scripts src=/frame></iframe>";
    let files = vec![
        File::page("/leaving", leaving),
        File::page("/next", EMPTY),
        File::page("/frame", frame),
        File::page("/framed", framed),
    ];
    let Some(stage) = Stage::set(files) else { return };
    let tab = stage.open("/leaving");
    stage.told_by_any("last words");
    stage.wait_url(&tab, "/next");
    let session = stage.session_of(&tab);
    let found = stage.told(&session, "both pages", |session| session.counts.pages == 2);
    assert!(has(&found, "console_output", "message", "last words"));
    let opened = eval(
        &tab,
        "new Promise(done => { const w = open('/next'); w.addEventListener('load', () => done(w.__brummer.session)) })",
    );
    assert_ne!(opened.as_str(), Some(session.as_str()), "a tab that was opened by another is not the other");
    tab.navigate(&stage.url("/framed"), SOON).unwrap();
    let session = stage.session_of(&tab);
    let found = stage.told(&session, "the frame", |found| has(found, "console_output", "message", "in a frame"));
    assert!(!found.meta.frame && found.meta.url.ends_with("/framed"), "the frame does not hide its page");
}

#[test]
fn an_error_is_told_with_its_place_in_the_source_as_it_was_written() {
    let map = json!({"version": 3, "sources": ["app.ts"], "names": [], "mappings": "AAAA;AAUE"}).to_string();
    let inline = format!("data:application/json;base64,{}", STANDARD.encode(&map));
    let code = |place: &str| {
        format!("// built\nsetTimeout(function boom() {{ throw new Error('{place}') }})\n//# sourceMappingURL=")
    };
    let module = |name: &str| {
        let text = format!(
            "throw new Error('{name}')\n//# sourceMappingURL={inline}\n//# sourceURL=webpack-internal:///./src/{name}.ts\n"
        );
        format!("setTimeout(() => eval({}));\n", json!(text))
    };
    let page = "<!doctype html><head></head><script src=/src/app.js?t=1></script><script src=/src/far.js></script><script src=/bundle.js></script>";
    let script = |path: &str, text: String| File::new(path, "text/javascript", text);
    let files = vec![
        File::page("/", page),
        script("/src/app.js", code("inline") + &inline),
        script("/src/far.js", code("beside") + "../maps/far.map"),
        script("/maps/far.map", map.replace("app.ts", "../src/far.ts")),
        script("/bundle.js", module("evaluated")),
    ];
    let Some(stage) = Stage::set(files) else { return };
    let tab = stage.open("/");
    let session = stage.session_of(&tab);
    stage.told(&session, "the errors", |session| session.counts.errors >= 3);
    let expected = [("inline", "src/app.ts:11:3"), ("beside", "src/far.ts:11:3"), ("evaluated", "src/app.ts:1:1")];
    for (message, place) in expected {
        let found = || {
            let errors = stage.telemetry.store().errors(Some("web"));
            let group = errors.iter().find(|group| group.message.contains(message))?;
            Some((group.originals.is_empty(), group.place()))
        };
        let until = std::time::Instant::now() + SOON;
        while found().is_none_or(|(open, _)| open) {
            assert!(std::time::Instant::now() < until, "{message} is not resolved");
            std::thread::yield_now();
        }
        assert_eq!(found().unwrap().1.as_deref(), Some(place), "{message}");
    }
}

#[test]
fn a_browser_takes_pictures_and_leaves_nothing() {
    let Some(stage) = Stage::set(vec![File::page("/", EMPTY)]) else { return };
    let tab = stage.open("/");
    let session = stage.session_of(&tab);
    let png = tab.screenshot(false, SOON).unwrap();
    assert_eq!(&png[12..16], b"IHDR");
    let whole = "document.body.style.height = '5000px'";
    eval(&tab, whole);
    assert!(tab.screenshot(true, SOON).unwrap()[20..24] > png[20..24], "the whole page is higher");
    assert!(stage.browser.version().unwrap().contains("Chrom"));
    assert!(stage.browser.tab_of_session(&session).unwrap().is_some());
    assert!(stage.browser.tab_of_session("nobody").unwrap().is_none());
    assert!(tab.navigate("http://127.0.0.1:1/", SOON).unwrap_err().message().contains("ERR_"));
    let mark = format!("brummer-browser-{}-", std::process::id());
    let profiles = || std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let mine = || profiles().filter(|entry| entry.file_name().to_string_lossy().starts_with(&mark)).count();
    assert!(stage.browser.is_running() && mine() > 0);
    stage.browser.stop().unwrap();
    stage.browser.stop().unwrap();
    assert!(!stage.browser.is_running() && stage.browser.wait(Duration::ZERO));
    assert!(tab.evaluate("1", SOON).is_err());
}
