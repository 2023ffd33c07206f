//! QR codes of URLs: beside the list where there is room, else over the screen; and keeping them true.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::view::UrlRow;
use crate::event::Level;
use crate::io::opener::is_web;
use crate::tui::layout::{layout, qr_pane};
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View};
use crate::tui::qr::{Card, Code};
use crate::tui::update::{tell, urls};
use crate::tui::widgets;
use crate::wire::url;

/// The code of what is meant in the view in front; in URLs beside the list if it fits there, and again: it goes.
pub(super) fn toggle(model: &mut Model) {
    let Some(url) = urls::here(model) else {
        tell::tell(model, Level::Info, "there is no URL to make a QR code of");
        return;
    };
    let card = card(model, &url);
    if model.view != View::Urls || !fits_beside(model, &card) {
        return open(model, card);
    }
    model.urls.qr = match model.urls.qr {
        Some(_) => None,
        None => Some(card),
    };
}

/// The code of a URL, or of that of a process.
pub(super) fn open_named(model: &mut Model, word: &str) {
    match urls::named(model, word) {
        Some(url) => {
            let card = card(model, &url);
            open(model, card);
        }
        None => urls::tell_neither(model, word),
    }
}

fn open(model: &mut Model, card: Card) {
    (model.tab, model.chip) = (None, None);
    model.overlay = Some(Overlay::Qr(card));
}

/// Whether there is room for the code beside the list.
fn fits_beside(model: &Model, card: &Card) -> bool {
    let area = qr_pane(&layout(model));
    widgets::qr::place(model, card, (area.width, area.height)).is_some()
}

/// Takes a key while a code lies over the screen.
pub(super) fn key(model: &mut Model, card: Card, event: KeyEvent) -> Option<Vec<Effect>> {
    match event.code {
        KeyCode::Esc | KeyCode::Enter | KeyCode::Char('x' | 'q') => Some(Vec::new()),
        KeyCode::Char('y') => Some(vec![Effect::Copy(card.says, "the URL".into())]),
        _ => {
            model.overlay = Some(Overlay::Qr(card));
            None
        }
    }
}

/// The selection, or the address under which others reach it, may be another one now.
pub(super) fn follow_up(model: &mut Model) {
    if let Some(Overlay::Qr(old)) = &model.overlay
        && let Some(fresh) = changed(model, old, &old.of)
    {
        model.overlay = Some(Overlay::Qr(fresh));
    }
    let Some(old) = model.urls.qr.as_ref().filter(|_| model.view == View::Urls) else { return };
    // Of a list without rows the last code is kept: a filter may be on its way.
    if let Some(url) = model.urls.selected().map(|row| row.url.to_string())
        && let Some(fresh) = changed(model, old, &url)
    {
        model.urls.qr = Some(fresh);
    }
}

fn changed(model: &Model, old: &Card, url: &str) -> Option<Card> {
    let (says, who) = to_say(model, url);
    let same = (old.of.as_str(), old.says.as_str(), old.who) == (url, says.as_str(), who);
    (!same).then(|| card(model, url))
}

fn card(model: &Model, url: &str) -> Card {
    let (says, who) = to_say(model, url);
    let code = Code::of(&says);
    Card { of: url.to_owned(), says, who, code }
}

/// What the code of a URL says: the address at which other devices reach the same place, if there is one.
fn to_say(model: &Model, url: &str) -> (String, &'static str) {
    let (server, place) = split(url);
    let same = |row: &&UrlRow| split(&row.url).0 == server && row.network.is_some();
    let network = model.urls.rows.iter().find(same).and_then(|row| row.network.as_deref());
    match network {
        Some(network) => (format!("{}{place}", network.trim_end_matches('/')), "for devices in this network"),
        None if is_of_this_machine(url) => (
            url.to_owned(),
            "Only this machine can open it. Started with --lan, Brummer gives it an address for others.",
        ),
        None => (url.to_owned(), "for any device that can reach it"),
    }
}

/// Scheme, host and port; and what comes after.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    url.split_at(url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at))
}

fn is_of_this_machine(text: &str) -> bool {
    let host = url::find(text.as_bytes()).next().map(|url| url.host.to_ascii_lowercase()).unwrap_or_default();
    let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    is_web(text) && (loopback || host == "localhost" || host.ends_with(".localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_server_and_a_place_there() {
        assert_eq!(split("http://localhost:3000/a?b#c"), ("http://localhost:3000", "/a?b#c"));
        assert_eq!(split("http://localhost:3000"), ("http://localhost:3000", ""));
        assert_eq!(split("http://localhost:3000?x=http://a/"), ("http://localhost:3000", "?x=http://a/"));
    }

    #[test]
    fn what_only_this_machine_can_open_is_known() {
        for url in ["http://localhost:1/", "http://web.localhost/", "http://127.0.0.1:1", "http://[::1]:1/"] {
            assert!(is_of_this_machine(url), "{url}");
        }
        for url in ["http://192.168.1.20:1/", "https://example.com/", "http://localhost.example.com/"] {
            assert!(!is_of_this_machine(url), "{url}");
        }
    }
}
