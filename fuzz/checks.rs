//! What must hold for any input whatever; the fuzz targets call it, and the tests replay the seeds through it.

#[path = "checks_capture.rs"]
mod capture;
#[path = "checks_http1.rs"]
mod http1;
#[path = "checks_mcp.rs"]
mod mcp;
#[path = "checks_server.rs"]
mod server;
#[path = "checks_streams.rs"]
mod streams;

use std::path::Path;

use brummer::app::command;
use brummer::config::{Config, Overrides, Place, parse_env};
use brummer::event::{Ending, Stream};
use brummer::process::output::{Cut, LineCutter, PIECE_BYTES_MAX};
use brummer::proxy::telemetry::batch::{Batch, EVENTS_MAX};
use brummer::wire::ansi::{Piece, pieces, strip};
use brummer::wire::html::{HOLD_BYTES_MAX, Insert, Insertion, Outcome};
use brummer::wire::url;

pub(crate) use capture::{filter, har};
pub(crate) use http1::{chunked, http1_request, http1_response};
pub(crate) use mcp::jsonrpc;
pub(crate) use server::{mcp_http, mcp_message};
pub(crate) use streams::{sse, websocket};

/// All pieces together are the input, and nothing that a terminal would swallow is left in the stripped text.
pub(crate) fn ansi(data: &[u8]) {
    let mut whole = Vec::new();
    for piece in pieces(data) {
        match piece {
            Piece::Text(bytes) => whole.extend_from_slice(bytes),
            Piece::Colour(parameters) => whole.extend_from_slice(&[b"\x1b[", parameters, b"m"].concat()),
            Piece::LineStart(bytes) | Piece::Other(bytes) => whole.extend_from_slice(bytes),
        }
    }
    assert_eq!(whole, data);
    let mut plain = Vec::new();
    strip(data, &mut plain);
    assert!(plain.len() <= data.len());
    assert!(!plain.contains(&0x1b), "an escape is left");
}

/// Every URL that is found can be opened again, and is found in what it is opened as.
pub(crate) fn url(data: &[u8]) {
    for found in url::find(data) {
        let text = found.to_open();
        assert!(text.contains("://"), "{text}");
        assert!(url::find(text.as_bytes()).next().is_some(), "{text}");
    }
}

/// An env file is read or refused with a line that exists.
pub(crate) fn env(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse_env(text, |_| Some("outer".into())) {
        Ok(variables) => assert!(variables.iter().all(|(name, _)| !name.is_empty() && !name.contains('='))),
        Err(error) => assert!(error.line >= 1 && error.line <= text.lines().count().max(1) + 1, "line {}", error.line),
    }
}

/// A command line is read or refused with words.
pub(crate) fn command(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = command::parse(text) {
        assert!(!error.message().is_empty());
    }
}

/// However a text is read, in whatever chunks, its lines are the same, and all its bytes can be told from them.
/// The first two bytes choose the size of the chunks and how often the lines are written out, so that long ones come up.
pub(crate) fn lines(data: &[u8]) {
    let [size, times, text @ ..] = data else { return };
    let bytes = text.repeat(1 + usize::from(*times));
    let whole = cut(&mut std::iter::once(&bytes[..]));
    assert_eq!(cut(&mut bytes.chunks(1 + usize::from(*size))), whole, "in chunks of {}", 1 + usize::from(*size));
    let mut told = Vec::new();
    for (line, ending) in &whole {
        assert!(line.len() <= PIECE_BYTES_MAX && !line.contains(&b'\n'));
        told.extend_from_slice(line);
        told.extend_from_slice(match ending {
            Ending::Newline => b"\n",
            Ending::CarriageReturnNewline => b"\r\n",
            Ending::None | Ending::Continued => b"",
        });
    }
    assert!(told == bytes, "{} bytes went in, {} can be told", bytes.len(), told.len());
}

fn cut(chunks: &mut dyn Iterator<Item = &[u8]>) -> Vec<(Vec<u8>, Ending)> {
    let mut lines = Vec::new();
    let mut keep = |_, cut: Cut<'_>| cut.each(|line, ending| lines.push((line.to_vec(), ending)));
    let mut cutter = LineCutter::new(Stream::Out);
    chunks.for_each(|chunk| cutter.feed(chunk, &mut keep));
    cutter.finish(&mut keep);
    lines
}

/// A file of settings is read, and what is printed of it reads back as the same; or it is refused with places that exist.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::from_text(Path::new("/here/.brum.toml"), text, &Overrides::new()) {
        Ok(config) => {
            let printed = config.render();
            let again = Config::from_text(Path::new("/here/.brum.toml"), &printed, &Overrides::new());
            let again = again.unwrap_or_else(|errors| panic!("{errors}\n{printed}"));
            assert_eq!(format!("{:?}", again.settings), format!("{:?}", config.settings), "{printed}");
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            for error in &errors.0 {
                let Place::Line { line, column, width, .. } = &error.place else { panic!("{error}: no line") };
                assert!(*line <= text.lines().count() + 1 && *line > 0 && *column > 0 && *width > 0, "{error}");
                assert!(!error.message.is_empty());
            }
        }
    }
}

/// However a page is split, the script comes to the same place, or to none; without it the page is as it was.
/// The first byte chooses the size of the chunks and whether the charset is known.
pub(crate) fn html(data: &[u8]) {
    let [choice, page @ ..] = data else { return };
    let insert = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let what = Insertion { text: "<script>".into(), mark: "data-mark", charset_known: choice & 1 == 0 };
        let (mut insert, mut out, mut fed) = (Insert::new(what), Vec::new(), 0);
        for chunk in chunks {
            fed += chunk.len();
            insert.feed(chunk, &mut out);
            assert!(out.len() + HOLD_BYTES_MAX >= fed, "too much is held back");
        }
        insert.finish(&mut out);
        (out, insert.outcome())
    };
    let (out, outcome) = insert(&mut std::iter::once(page));
    assert_eq!(insert(&mut page.chunks(1 + usize::from(choice >> 1))), (out.clone(), outcome));
    assert_eq!(out.len(), page.len() + if outcome == Outcome::Inserted { "<script>".len() } else { 0 });
    let common = page.iter().zip(&out).take_while(|(a, b)| a == b).count();
    assert!(out.ends_with(&page[common..]));
}

/// What a page posts is refused or taken within bounds, and nothing in it is obeyed by a terminal.
pub(crate) fn batch(data: &[u8]) {
    let Ok(batch) = Batch::parse(data, 1_700_000_000_000) else { return };
    assert!(batch.events.len() <= EVENTS_MAX && !batch.session.is_empty());
    let heads = [&batch.session, &batch.page, &batch.meta.url, &batch.meta.title, &batch.meta.user_agent];
    let texts = batch.events.iter().flat_map(|event| [event.name.to_string(), event.url.to_string(), event.summary()]);
    for text in heads.into_iter().map(ToString::to_string).chain(texts) {
        assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
    }
}
