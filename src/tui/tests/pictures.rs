//! Every view at every size, compared with `src/tui/snapshots`; `UPDATE_SNAPSHOTS=1` writes them anew.

use std::path::Path;
use std::sync::Arc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::tui::message::Message;
use crate::tui::model::View;
use crate::tui::screen::text_of;
use crate::tui::testing::{Mock, Rig};
use crate::tui::theme::{Depth, Theme};

const SIZES: [(u16, u16); 4] = [(120, 36), (80, 24), (60, 16), (40, 10)];

/// Times of arrival differ from run to run: they are drawn as noon.
fn without_times(text: &str) -> String {
    let paused = regex::Regex::new(r"PAUSED at \d\d:\d\d:\d\d").unwrap();
    let text = &paused.replace_all(text, "PAUSED at 12:00:00");
    let time = regex::Regex::new(r"\d\d:\d\d:\d\d\.\d{1,3}").unwrap();
    time.replace_all(text, |found: &regex::Captures<'_>| "12:00:00.000"[..found[0].len()].to_string()).into_owned()
}

fn compare(name: &str, text: &str) {
    let text = without_times(text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} differs.\nexpected:\n{expected}\nis:\n{text}\nUPDATE_SNAPSHOTS=1 writes it anew");
}

fn rig(full: bool, size: (u16, u16), view: View) -> Rig {
    let mut rig = Rig::new(if full { Mock::full() } else { Mock::empty() }, size);
    rig.press(&[&view.number().to_string()]);
    rig
}

#[test]
fn every_view_at_every_size_looks_as_it_did() {
    for view in View::ALL {
        for size in SIZES {
            for full in [true, false] {
                let kind = if full { "full" } else { "empty" };
                let name = format!("{}_{}x{}_{kind}", view.title().to_lowercase(), size.0, size.1);
                compare(&name, &rig(full, size, view).text());
            }
        }
    }
}

#[test]
fn what_lies_over_a_view_looks_as_it_did() {
    let cases: [(&str, View, &[&str]); 8] = [
        ("command_line", View::Logs, &["/", "r", "e"]),
        ("help", View::Logs, &["?", "c", "o", "p"]),
        ("quit", View::Processes, &["q"]),
        ("kill", View::Processes, &["down", "down", "K"]),
        ("find", View::Logs, &["ctrl+f", "c", "h", "e", "c", "k", "o", "u", "t"]),
        ("record", View::Logs, &["up", "enter"]),
        ("choose", View::Logs, &["P"]),
        ("messages", View::Scripts, &["e"]),
    ];
    for (name, view, keys) in cases {
        for size in [(80, 24), (40, 10)] {
            let mut rig = rig(true, size, view);
            rig.press(keys);
            compare(&format!("over_{name}_{}x{}", size.0, size.1), &rig.text());
        }
    }
}

#[test]
fn the_fields_of_a_json_line_look_as_they_did() {
    let line =
        r#"{"level":"warn","id":12345678901234567890,"user":{"name":"größe \"x\"","roles":[{"is":null},7]},"ok":true}"#;
    let cases: [(&str, &[&str]); 3] =
        [("field", &["down", "down"]), ("menu", &["down", "down", "enter", "down"]), ("buttons", &["right", "right"])];
    for (name, keys) in cases {
        compare_looks(&format!("json_{name}"), |rig| {
            rig.mock.line(2, "api", line);
            rig.refresh();
            rig.press(&["3", "space", "enter"]);
            rig.press(keys);
        });
    }
}

/// A state in light and dark colours at every size.
fn compare_looks(name: &str, prepare: impl Fn(&mut Rig)) {
    for theme in ["light", "dark"] {
        for size in SIZES {
            let mut rig = Rig::with_theme(Mock::full(), size, theme, Depth::True);
            prepare(&mut rig);
            let buffer = rig.draw().0;
            let text = format!("{}\n{}", text_of(&buffer), looks(&buffer));
            compare(&format!("{theme}/{name}_{}x{}", size.0, size.1), &text);
        }
    }
}

#[test]
fn the_text_of_a_row_alone_on_the_screen_looks_as_it_did() {
    let cases: [(&str, &[&str]); 6] = [
        ("scripts", &["1", "down", "Z"]),
        ("processes", &["2", "down", "down", "Z"]),
        ("errors", &["4", "down", "Z"]),
        ("urls", &["5", "Z", "x"]),
        ("web", &["6", "down", "Z"]),
        ("mcp", &["7", "down", "Z"]),
    ];
    for (name, keys) in cases {
        compare_looks(&format!("zoom_{name}"), |rig| _ = rig.press(keys));
    }
}

#[test]
fn text_that_is_selected_with_the_mouse_looks_as_it_did() {
    for (name, keys) in [("errors", &["4", "down", "right"][..]), ("record", &["3", "up", "enter"])] {
        compare_looks(&format!("selected_{name}"), |rig| {
            rig.press(keys);
            let area = crate::tui::views::sheet(&rig.model).unwrap().area;
            let places = [(area.x + 3, area.y), (area.x + 6, area.y + 2.min(area.height.max(1) - 1))];
            for (kind, (column, row)) in [MouseEventKind::Down, MouseEventKind::Drag].into_iter().zip(places) {
                let (kind, modifiers) = (kind(MouseButton::Left), KeyModifiers::NONE);
                rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers }));
            }
        });
    }
}

#[test]
fn the_parts_of_the_web_view_look_as_they_did() {
    let cases: [(&str, &[&str]); 6] = [
        ("telemetry", &["6", "v"]),
        ("details", &["6", "down", "enter"]),
        ("body", &["6", "down", "enter", "right", "enter", "down"]),
        ("event", &["6", "v", "down", "enter"]),
        ("replay", &["6", "down", "r"]),
        ("wrong_filter", &["6", "ctrl+f", "~", "z"]),
    ];
    for (name, keys) in cases {
        for size in SIZES.into_iter().chain([(200, 50)]) {
            let mut rig = Rig::new(Mock::full(), size);
            rig.press(keys);
            compare(&format!("web_{name}_{}x{}", size.0, size.1), &rig.text());
        }
    }
    in_light_and_dark("web_telemetry", &["6", "v"]);
}

#[test]
fn the_newer_views_look_as_they_did_on_a_large_screen() {
    for view in [View::Urls, View::Web] {
        compare(&format!("{}_200x50_full", view.title().to_lowercase()), &rig(true, (200, 50), view).text());
    }
    let mut small = rig(true, (60, 16), View::Urls);
    small.press(&["right"]);
    compare("urls_details_60x16", &small.text());
}

#[test]
fn what_a_process_and_those_below_it_use_looks_as_it_did() {
    for size in SIZES.into_iter().chain([(200, 50)]) {
        let mut rig = rig(true, size, View::Processes);
        super::processes::measure(&mut rig, 30);
        rig.press(&["down", "down", "right"]);
        compare(&format!("processes_details_{}x{}", size.0, size.1), &rig.text());
    }
}

/// To the environment of the third process.
const ENVIRONMENT: [&str; 11] =
    ["2", "down", "down", "right", "right", "right", "right", "right", "right", "right", "enter"];

/// All processes, and no lines: parts of their times would be beside the popup.
fn without_lines() -> Arc<Mock> {
    let (full, empty) = (Mock::full(), Mock::empty());
    empty.processes.lock().unwrap().clone_from(&full.processes.lock().unwrap());
    empty.env.lock().unwrap().clone_from(&full.env.lock().unwrap());
    empty
}

#[test]
fn the_environment_of_a_process_looks_as_it_did() {
    for size in SIZES.into_iter().chain([(200, 50)]) {
        let mut rig = Rig::new(without_lines(), size);
        rig.press(&ENVIRONMENT);
        rig.press(&["down", "down", "down"]);
        compare(&format!("processes_environment_{}x{}", size.0, size.1), &rig.text());
        rig.mock.env.lock().unwrap().clear();
        rig.press(&["esc", "enter"]);
        assert!(rig.text().contains("Nothing is added"), "{}", rig.text());
    }
    of_in_light_and_dark(without_lines, "processes_environment", &ENVIRONMENT);
}

#[test]
fn the_parts_of_the_mcp_view_look_as_they_did() {
    let cases: [(&str, &[&str]); 5] = [
        ("details", &["7", "down", "enter"]),
        ("again", &["7", "enter", "right", "right", "right", "enter"]),
        ("failed", &["7", "down", "down", "down", "down", "enter", "right"]),
        ("instances", &["7", "v", "down"]),
        ("set_up", &["7", "i", "z", "e", "d", "enter"]),
    ];
    for (name, keys) in cases {
        for size in SIZES.into_iter().chain([(200, 50)]) {
            let mut rig = Rig::new(Mock::full(), size);
            rig.press(keys);
            compare(&format!("mcp_{name}_{}x{}", size.0, size.1), &rig.text());
        }
    }
    in_light_and_dark("mcp_again", &["7", "enter", "right", "right", "right", "enter"]);
}

#[test]
fn the_qr_code_of_a_url_looks_as_it_did() {
    let cases: [(&str, &[&str]); 3] =
        [("qr", &["5", "x"]), ("qr_long", &["5", "end", "x"]), ("qr_here", &["5", "down", "x"])];
    for (name, keys) in cases {
        for size in SIZES.into_iter().chain([(200, 50)]) {
            let mut rig = Rig::new(Mock::full(), size);
            rig.press(keys);
            compare(&format!("urls_{name}_{}x{}", size.0, size.1), &rig.text());
        }
    }
    in_light_and_dark("urls_qr", &["5", "x"]);
}

/// What is on the screen after these keys, at every size, with the look of every cell.
fn in_light_and_dark(name: &str, keys: &[&str]) {
    of_in_light_and_dark(Mock::full, name, keys);
}

fn of_in_light_and_dark(mock: fn() -> Arc<Mock>, name: &str, keys: &[&str]) {
    for theme in ["light", "dark"] {
        for size in SIZES {
            let mut rig = Rig::with_theme(mock(), size, theme, Depth::True);
            rig.press(keys);
            let buffer = rig.draw().0;
            let text = format!("{}\n{}", text_of(&buffer), looks(&buffer));
            compare(&format!("{theme}/{name}_{}x{}", size.0, size.1), &text);
        }
    }
}

#[test]
fn the_introduction_looks_as_it_did() {
    for (at, presses) in [0, 1, 2].into_iter().enumerate() {
        let open = |rig: &mut Rig| {
            rig.press(&["/", "t", "o", "u", "r", "enter"]);
            (0..presses).for_each(|_| _ = rig.press(&["enter"]));
        };
        for size in SIZES {
            let mut rig = Rig::new(Mock::full(), size);
            open(&mut rig);
            compare(&format!("over_tour_{}_{}x{}", at + 1, size.0, size.1), &rig.text());
            for theme in ["light", "dark"].iter().filter(|_| at == 0) {
                let mut rig = Rig::with_theme(Mock::full(), size, theme, Depth::True);
                open(&mut rig);
                let buffer = rig.draw().0;
                let text = format!("{}\n{}", text_of(&buffer), looks(&buffer));
                compare(&format!("{theme}/over_tour_{}x{}", size.0, size.1), &text);
            }
        }
    }
}

#[test]
fn what_a_new_view_tells_of_itself_looks_as_it_did() {
    for size in SIZES {
        let mut text = String::new();
        for view in View::ALL {
            let mut rig = super::tour::newcomer(size);
            rig.press(&[&view.number().to_string()]);
            let all = rig.text();
            let status = all.lines().nth(usize::from(size.1) - 2).unwrap_or_default();
            text.push_str(&format!("{status}\n"));
        }
        compare(&format!("hints_{}x{}", size.0, size.1), &text);
    }
}

/// The screen with a letter for the look of each cell, and what the letters mean.
fn looks(buffer: &Buffer) -> String {
    let mut known: Vec<(Color, Color, Modifier)> = Vec::new();
    let mut rows = String::new();
    for y in 0..buffer.area.height {
        let letter = |x| {
            let cell = &buffer[(x, y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            // A blank shows its background alone.
            let look = if cell.symbol() == " " && look.2.is_empty() { (Color::Reset, look.1, look.2) } else { look };
            let at = known.iter().position(|other| *other == look).unwrap_or_else(|| {
                known.push(look);
                known.len() - 1
            });
            char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[at.min(51)])
        };
        let row: String = (0..buffer.area.width).map(letter).collect();
        rows.push_str(&row);
        rows.push('\n');
    }
    let meaning = known.iter().enumerate().map(|(at, (fg, bg, modifier))| {
        let letter = char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[at.min(51)]);
        format!("{letter} {fg} on {bg} {modifier:?}\n")
    });
    format!("{rows}\n{}", meaning.collect::<String>())
}

#[test]
fn every_view_in_light_and_dark_colours_looks_as_it_did() {
    for view in View::ALL {
        in_light_and_dark(&view.title().to_lowercase(), &[&view.number().to_string()]);
    }
}

#[test]
fn colour_is_never_the_only_carrier_and_every_theme_keeps_what_it_is_for() {
    for (theme, depth) in [
        ("contrast", Depth::Ansi),
        ("ansi", Depth::Ansi),
        ("mono", Depth::Mono),
        ("dark", Depth::Mono),
        ("light", Depth::Palette),
    ] {
        let mut rig = Rig::with_theme(Mock::full(), (120, 36), theme, depth);
        for view in View::ALL {
            rig.press(&[&view.number().to_string()]);
            let buffer = rig.draw().0;
            for cell in &buffer.content {
                let rgb = |color| matches!(color, Color::Rgb(..));
                assert!(!rgb(cell.fg) && !rgb(cell.bg), "{theme} at {depth:?} has colours that the terminal has not");
                let plain = cell.fg == Color::Reset && cell.bg == Color::Reset;
                assert!(plain || !(theme == "mono" || depth == Depth::Mono), "{theme} at {depth:?} has a colour");
                assert!(cell.fg != Color::Blue, "blue on black cannot be read");
            }
        }
    }
}

#[test]
fn a_screen_that_is_too_small_says_what_is_needed_and_how_things_stand() {
    let text = rig(true, (34, 8), View::Scripts).text();
    assert!(text.contains("brummer needs 40x10") && text.contains("3 running · 1 failed"), "{text}");
}

#[test]
fn themes_change_colours_and_never_text() {
    for view in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        let text = |theme: &str, depth| {
            let mut rig = Rig::with_theme(Mock::full(), (120, 36), theme, depth);
            rig.press(&[view]);
            (rig.text(), rig.draw().0)
        };
        let (plain, mono) = text("mono", Depth::Mono);
        assert!(
            mono.content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset && cell.bg == cell.fg),
            "{view}"
        );
        for theme in ["auto", "dark", "light", "contrast"] {
            assert_eq!(text(theme, Depth::True).0, plain, "{theme}");
        }
    }
}

#[test]
fn where_only_ascii_may_be_drawn_nothing_else_is() {
    for size in [(200, 50), (120, 36), (80, 24), (60, 16), (40, 10)] {
        for keys in [
            &["1"][..],
            &["1", "right"],
            &["2"],
            &["2", "K"],
            &ENVIRONMENT,
            &["3"],
            &["3", "m", "up", "up", "enter"],
            &["3", "P"],
            &["3", "up", "enter", "enter"],
            &["4"],
            &["4", "right"],
            &["4", "up"],
            &["5"],
            &["5", "right"],
            &["5", "x"],
            &["6"],
            &["7"],
            &["7", "down", "enter"],
            &["7", "enter", "right", "right", "right", "enter"],
            &["7", "v"],
            &["7", "v", "right"],
            &["7", "up"],
            &["8"],
            &["8", "down", "space"],
            &["6", "enter"],
            &["6", "down", "space", "r"],
            &["6", "v"],
            &["6", "v", "enter"],
            &["6", "ctrl+f", "~", "z"],
            &["/"],
            &["?"],
            &["q"],
            &["/", "t", "o", "u", "r", "enter"],
            &["/", "t", "o", "u", "r", "enter", "enter"],
            &["/", "t", "o", "u", "r", "enter", "enter", "enter"],
            &["e"],
        ] {
            let mut rig = Rig::new(Mock::full(), size);
            rig.model.theme = Theme::new("auto", Depth::True, true).unwrap();
            rig.send(Message::Visited([0; 8]));
            rig.mock.line(1, "web", &"long ".repeat(60));
            rig.refresh();
            rig.press(keys);
            let text = rig.text();
            assert!(text.is_ascii(), "{keys:?} at {size:?}:\n{text}");
        }
    }
}
