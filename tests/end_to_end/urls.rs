//! The URLs of servers in the terminal UI.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::harness::{Project, Screen, is_installed};

/// A server that says `204` to whatever it is asked, and counts that.
struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (asked, ends) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, end) = (asked.clone(), ends.clone());
        let serve = move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                // A connection without a question is only looked for.
                if stream.read(&mut [0; 1024]).is_ok_and(|bytes| bytes > 0) {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n");
                }
            }
        };
        Server { port, asked, ends, thread: std::thread::spawn(serve) }
    }

    /// Nobody is there any more; answers how often it was asked.
    fn stop(self) -> usize {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.join().expect("it ends");
        self.asked.load(Ordering::SeqCst)
    }
}

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
    screen.command("qr shop");
    says("the code of the process");
    screen.press(&["x"]);
    screen.wait_for("[▸Open]");
    screen.quit(&project);
}

#[test]
fn a_server_is_asked_once_and_then_looked_for_while_its_url_is_seen() {
    if !is_installed("tmux") {
        return;
    }
    let server = Server::start();
    let project = announcing(server.port);
    let screen = Screen::open(&project, 120, 36);
    screen.brummer("shop");
    screen.wait_for("ready on http://localhost:");
    assert_eq!(server.asked.load(Ordering::SeqCst), 0, "nobody has looked at the URLs");
    screen.press(&["5"]);
    screen.wait_for("✓ 204");
    assert_eq!(server.stop(), 1);
    screen.wait_for("✗ —");
    screen.press(&["d"]);
    screen.wait_for("Every URL was forgotten");
    screen.press(&["U"]);
    screen.wait_for("✗ —");
    screen.quit(&project);
}
