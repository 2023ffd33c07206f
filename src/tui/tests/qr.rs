//! QR codes, read off the drawn cells by another program's reader.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::app::command::Command;
use crate::tui::message::{Effect, Message};
use crate::tui::model::Overlay;
use crate::tui::qr::Card;
use crate::tui::testing::{Mock, Rig};
use crate::tui::theme::{Depth, Theme};

const DEPTHS: [Depth; 4] = [Depth::True, Depth::Palette, Depth::Ansi, Depth::Mono];

/// Whether a colour is bright; what has none is as the theme has it.
fn is_bright(color: Color, without: bool) -> bool {
    match color {
        Color::Rgb(r, ..) => r > 127,
        Color::Indexed(231) | Color::White => true,
        Color::Indexed(16) | Color::Black => false,
        _ => without,
    }
}

/// Whether the upper and the lower half of a cell are bright, on a terminal whose background is.
fn halves(cell: &Cell, bright: bool) -> [bool; 2] {
    let (mut ink, mut paper) = (is_bright(cell.fg, !bright), is_bright(cell.bg, bright));
    if cell.modifier.contains(Modifier::REVERSED) {
        (ink, paper) = (paper, ink);
    }
    match cell.symbol() {
        "█" => [ink, ink],
        "▀" => [ink, paper],
        "▄" => [paper, ink],
        // A letter leaves most of its cell as it is.
        _ => [paper, paper],
    }
}

/// What a reader finds on the screen: each text with the version of its code. A half of a cell is as wide as it is high.
fn read(buffer: &Buffer, bright: bool) -> Vec<(String, usize)> {
    const DOTS: usize = 4;
    let (wide, high) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let halves: Vec<[bool; 2]> = buffer.content.iter().map(|cell| halves(cell, bright)).collect();
    let dot = |x: usize, y: usize| {
        let half = y / DOTS;
        if halves[half / 2 * wide + x / DOTS][half % 2] { 255 } else { 0 }
    };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(wide * DOTS, 2 * high * DOTS, dot);
    let found = image.detect_grids();
    found.iter().filter_map(|grid| grid.decode().ok()).map(|(meta, text)| (text, meta.version.0)).collect()
}

fn over(url: &str, size: (u16, u16)) -> Rig {
    let mut rig = Rig::new(Mock::full(), size);
    rig.press(&["/"]);
    rig.type_text(&format!("qr {url}"));
    rig.press(&["enter"]);
    rig
}

#[test]
fn what_is_drawn_is_read_as_the_url_at_every_length() {
    let mut versions = std::collections::BTreeSet::new();
    for length in [17, 25, 40, 60, 90, 130, 200, 300, 500, 800] {
        let url = format!("https://example.com/{}", "a1-_b2~c".repeat(110));
        let url = &url[..length];
        let rig = over(url, (200, 100));
        let found = read(&rig.draw().0, false);
        assert_eq!(found.len(), 1, "{}", rig.text());
        assert_eq!(found[0].0, url);
        versions.insert(found[0].1);
    }
    assert!(versions.len() >= 8 && versions.contains(&1), "{versions:?}");
}

#[test]
fn it_is_dark_on_light_in_every_theme() {
    for theme in ["auto", "ansi", "dark", "light", "contrast", "mono"] {
        for depth in DEPTHS {
            for keys in [&["5", "x"][..], &["5", "down", "x"]] {
                let mut rig = Rig::with_theme(Mock::full(), (120, 36), theme, depth);
                rig.press(keys);
                // Without colours the terminal's own are what there is, and dark is what most have.
                for bright in if depth == Depth::Mono { &[false][..] } else { &[false, true] } {
                    let found = read(&rig.draw().0, *bright);
                    assert_eq!(found.len(), 1, "{theme} at {depth:?}, bright {bright}:\n{}", rig.text());
                }
            }
        }
    }
}

#[test]
fn where_only_ascii_may_be_drawn_two_cells_are_a_module() {
    for depth in DEPTHS {
        let mut rig = Rig::with_theme(Mock::full(), (160, 50), "auto", depth);
        rig.model.theme = Theme::new("auto", depth, true).unwrap();
        rig.press(&["5", "x"]);
        assert!(matches!(rig.model.overlay, Some(Overlay::Qr(_))), "there is no room beside the list");
        assert!(rig.text().is_ascii());
        let buffer = rig.draw().0;
        // A cell is a dot wide and two high here; a module is two cells wide.
        let found = read(&buffer, false);
        assert_eq!(found.len(), 1, "{depth:?}\n{}", rig.text());
        assert_eq!(found[0].0, "http://192.168.1.20:20888/");
    }
}

#[test]
fn x_shows_it_beside_the_list_and_it_follows_the_selection() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["5"]);
    assert!(read(&rig.draw().0, false).is_empty());
    rig.press(&["x"]);
    assert!(rig.model.overlay.is_none());
    let said = |rig: &Rig| read(&rig.draw().0, false).into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    // Another device cannot open localhost: it is told the address that it can.
    assert_eq!(said(&rig), ["http://192.168.1.20:20888/"]);
    assert!(rig.text().contains("for devices in this network"), "{}", rig.text());
    rig.press(&["down"]);
    assert_eq!(said(&rig), ["http://localhost:4000/"]);
    assert!(rig.text().contains("Only this machine can open it."), "{}", rig.text());
    rig.press(&["x"]);
    assert!(said(&rig).is_empty() && rig.text().contains("process  api"), "{}", rig.text());
    rig.press(&["x"]);
    assert_eq!(said(&rig).len(), 1);
    rig.press(&["esc"]);
    assert!(said(&rig).is_empty() && rig.model.tab.is_none(), "Esc takes it away first");
}

#[test]
fn a_url_that_has_no_room_beside_the_list_is_shown_over_it() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    let long = format!("http://localhost:6006/?path=/story/{}", "a".repeat(60));
    rig.mock.web.lock().unwrap().urls[2].url = long.as_str().into();
    rig.refresh();
    rig.press(&["5", "x", "end"]);
    assert!(rig.text().contains("Its QR code needs 41x21 cells"), "{}", rig.text());
    rig.press(&["x"]);
    let found = read(&rig.draw().0, false);
    assert_eq!(found[0].0, long);
    rig.press(&["x"]);
    assert!(rig.model.overlay.is_none());
}

#[test]
fn over_a_small_screen_it_takes_every_key_and_is_closed_by_each_of_its_own() {
    for close in ["esc", "x", "enter"] {
        let mut rig = Rig::new(Mock::full(), (80, 24));
        rig.press(&["5", "x"]);
        assert_eq!(read(&rig.draw().0, false)[0].0, "http://192.168.1.20:20888/");
        for key in ["down", "1", "/", "?", "Q"] {
            assert!(!rig.press(&[key]), "{key}");
        }
        assert!(matches!(rig.model.overlay, Some(Overlay::Qr(_))));
        rig.press(&[close]);
        assert!(rig.model.overlay.is_none(), "{close}");
        assert!(rig.asked().iter().all(|command| matches!(command, Command::Resize { .. })));
    }
    let mut rig = over("http://localhost:3000/a?b", (80, 24));
    rig.press(&["y"]);
    assert!(matches!(rig.outside.pop(), Some(Effect::Copy(text, _)) if text == "http://192.168.1.20:20888/a?b"));
}

#[test]
fn what_does_not_fit_says_what_it_needs_until_it_does() {
    let mut rig = over("http://localhost:4000/", (40, 10));
    assert!(rig.text().replace('\n', " ").contains("29x15"), "{}", rig.text());
    assert!(read(&rig.draw().0, false).is_empty());
    rig.send(Message::Resize(60, 16));
    assert_eq!(read(&rig.draw().0, false)[0].0, "http://localhost:4000/", "{}", rig.text());
    let url = format!("https://example.com/{}", "x".repeat(3000));
    let card = Card { of: url.clone(), says: url, who: "for any device that can reach it", code: None };
    rig.model.overlay = Some(Overlay::Qr(card));
    rig.send(Message::Resize(200, 100));
    assert!(rig.text().contains("too long for a QR code"), "{}", rig.text());
}

#[test]
fn the_button_the_command_and_the_name_of_a_process_lead_there_too() {
    let mut rig = Rig::new(Mock::full(), (80, 24));
    rig.press(&["5", "right", "right", "right", "right", "right", "enter"]);
    assert_eq!(read(&rig.draw().0, false)[0].0, "http://192.168.1.20:20888/", "{}", rig.text());
    for (word, url) in [("api", "http://localhost:4000/"), ("localhost:9/x", "http://localhost:9/x")] {
        let rig = over(word, (100, 40));
        assert_eq!(read(&rig.draw().0, false).first().map(|found| found.0.as_str()), Some(url), "{}", rig.text());
    }
    let rig = over("nobody", (80, 24));
    assert!(rig.model.overlay.is_none() && rig.text().contains("is neither"), "{}", rig.text());
    // Without a word: what is in front.
    let mut rig = Rig::new(Mock::full(), (100, 40));
    rig.press(&["2", "down", "down", "/", "q", "r", "enter"]);
    assert_eq!(read(&rig.draw().0, false)[0].0, "http://localhost:4000/", "{}", rig.text());
}
