//! Real development servers with hot updates behind the proxy: Brummer runs the script in a terminal, Chromium shows the page.
//!
//! `kit` is the project with its packages, `shop` is Brummer and the browser; the projects themselves are in `projects`.

#![allow(clippy::print_stderr, reason = "what is skipped is said loudly")]

#[path = "../end_to_end/harness/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the end-to-end tests use all of it")]
mod harness;
mod kit;
mod shop;

use serde_json::json;
use shop::Shop;

/// What holds with every server. `source` is where the error is thrown, `words` where the greeting is.
fn a_page_lives(shop: &Shop, source: &str, words: &str) {
    shop.wait("typeof window.act", &json!("function"));
    shop.value("window.marker = 'kept'");
    shop.update(words);
    assert_eq!(shop.value("window.marker"), json!("kept"), "the page was loaded again");
    shop.act("log");
    shop.told(&["stock is low {left: 2}", "console"]);
    shop.act("call");
    shop.told(&["/unreachable failed", "network"]);
    an_error_is_told_with_its_place(shop, source);
    assert_eq!(shop.value("window.marker"), json!("kept"), "the page was loaded again");
    shop.act("route");
    shop.told(&["/cart?from=shop", "navigation"]);
}

/// Also after the source has changed, so that the lines are others.
fn an_error_is_told_with_its_place(shop: &Shop, source: &str) {
    shop.act("fail");
    shop.told_with_place("RangeError: no price for apple", source);
    let moved = ("export function", "// Moved.\n// By two lines.\nexport function");
    shop.edit(source, &[moved, ("no price for", "no price at all for")]);
    shop.wait("act('wording')", &json!("RangeError: no price at all for pear"));
    shop.act("fail");
    shop.told_with_place("RangeError: no price at all for apple", source);
}

#[test]
fn px07_pages_of_vite_8_live_and_tell() {
    let Some(shop) = Shop::open("vite", "dev") else { return };
    a_page_lives(&shop, "src/fail.ts", "src/greeting.ts");
    shop.visit("/");
    shop.act("stream");
    shop.told(&["heard price 3", "console"]);
    shop.visit("/policy");
    shop.told(&["the policy holds", "console"]);
    shop.visit("/packed");
    shop.told(&["unpacked", "console"]);
    shop.close();
}

#[test]
fn px07_pages_of_webpack_dev_server_5_live_and_tell() {
    let Some(shop) = Shop::open("webpack", "start") else { return };
    a_page_lives(&shop, "src/fail.js", "src/greeting.js");
    shop.close();
}

#[test]
fn webpack_dev_server_5_with_maps_in_files_tells_original_places() {
    let Some(shop) = Shop::open("webpack", "start:files") else { return };
    an_error_is_told_with_its_place(&shop, "src/fail.js");
    shop.close();
}

#[test]
fn px07_pages_of_next_16_live_and_tell_with_turbopack() {
    let Some(shop) = Shop::open("next", "dev") else { return };
    a_page_lives(&shop, "app/fail.ts", "app/greeting.ts");
    shop.close();
}

#[test]
fn px07_pages_of_next_16_live_and_tell_with_webpack() {
    let Some(shop) = Shop::open("next", "dev:webpack") else { return };
    a_page_lives(&shop, "app/fail.ts", "app/greeting.ts");
    shop.close();
}
