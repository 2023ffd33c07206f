//! The demo's web server: prints its URL like a development server and logs every request.

use std::io;
use std::time::Duration;

use super::part::{Pen, visit};
use super::server::{Answer, Served, listen, serve};

const PAGE: &str = "<!doctype html>\n<meta charset=utf-8><title>Brummer demo</title>\n<link rel=stylesheet href=style.css>\n\
                    <h1>It works</h1>\n<p>This page is served by a process of <code>brummer demo</code>.\n";
const STYLE: &str = "body { font: 18px/1.5 system-ui; max-width: 40em; margin: 3em auto }\n";
const PATHS: [&str; 6] = ["/", "/style.css", "/app.js", "/", "/logo.png", "/app.js"];

pub(super) fn run(pen: &Pen) -> io::Result<u8> {
    let (listener, address) = listen()?;
    pen.out("")?;
    pen.out(format!("  {} ready in 38 ms", pen.paint(32, "DEMO v1.0")))?;
    pen.out("")?;
    pen.out(format!("  {}  Local: {}", pen.paint(32, "➜"), pen.paint(36, format!("http://{address}/"))))?;
    visit(address, &PATHS, Duration::from_millis(900));
    let pen = Pen::clone(pen);
    serve(&listener, answer, move |served| pen.out(request_line(&pen, served)))?;
    Ok(0)
}

fn answer(path: &str) -> Answer {
    match path {
        "/" => Answer::new(200, "text/html", PAGE),
        "/style.css" => Answer::new(200, "text/css", STYLE),
        "/app.js" => Answer::new(200, "text/javascript", "console.log('demo')\n"),
        _ => Answer::new(404, "text/plain", "there is no such page\n"),
    }
}

/// `GET /app.js 200 in 0.1 ms`, the status in its colour.
pub(super) fn request_line(pen: &Pen, served: &Served<'_>) -> String {
    let colour = match served.status {
        500.. => 31,
        400.. => 33,
        _ => 32,
    };
    let took = served.took.as_secs_f64() * 1e3;
    format!("{} {} {} in {took:.1} ms", served.method, served.path, pen.paint(colour, served.status))
}
