//! The URLs of servers in the terminal UI.

use crate::harness::{Project, Screen, is_installed};

/// A process that announces a server at this port.
fn announcing(port: u16) -> Project {
    let settings =
        "grace = '300ms'\n[processes.shop]\ncommand = 'echo \"ready on http://localhost:PORT/\"; sleep 1000'\n";
    Project::configured(&settings.replace("PORT", &port.to_string()))
}

/// What a reader of QR codes finds on the screen, whose blocks are light and whose blanks are dark.
fn read(screen: &str) -> Option<String> {
    const DOTS: usize = 4;
    let rows: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
    let wide = rows.iter().map(Vec::len).max().unwrap_or(0);
    let is_light = |x: usize, half: usize| match rows[half / 2].get(x) {
        Some('█') => true,
        Some('▀') => half.is_multiple_of(2),
        Some('▄') => !half.is_multiple_of(2),
        _ => false,
    };
    let dot = |x: usize, y: usize| if is_light(x / DOTS, y / DOTS) { 255 } else { 0 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(wide * DOTS, rows.len() * 2 * DOTS, dot);
    image.detect_grids().iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
}

#[test]
fn the_qr_code_of_a_server_is_read_off_the_terminal() {
    if !is_installed("tmux") {
        return;
    }
    let project = announcing(23_456);
    let screen = Screen::open(&project, 120, 36);
    screen.brummer("shop");
    screen.wait_for("ready on http://localhost:23456/");
    screen.press(&["5"]);
    screen.wait_for("http://localhost:23456");
    screen.wait_for("x QR");
    let says = |what: &str| {
        screen.wait_until(what, |text| {
            read(text).is_some_and(|url| url.trim_end_matches('/') == "http://localhost:23456")
        });
    };
    screen.press(&["x"]);
    says("the code is beside the list");
    screen.wait_for("Only this machine can open it.");
    // Smaller, it has no room there; x shows it over the list.
    screen.resize(80, 24);
    screen.wait_until("the code is gone", |text| text.contains("[▸Open]") && read(text).is_none());
    screen.press(&["x"]);
    says("the code is over the list");
    screen.press(&["Escape"]);
    screen.wait_for("[▸Open]");
    screen.type_text("/");
    screen.type_text("qr shop");
    screen.press(&["Enter"]);
    says("the code of the process");
    screen.press(&["x"]);
    screen.wait_for("[▸Open]");
    screen.quit(&project);
}
