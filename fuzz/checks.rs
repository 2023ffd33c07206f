//! What must hold for any input whatever; the fuzz targets call it, and the tests replay the seeds through it.

use brummer::app::command;
use brummer::config::parse_env;
use brummer::wire::ansi::{Piece, pieces, strip};
use brummer::wire::url;

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
