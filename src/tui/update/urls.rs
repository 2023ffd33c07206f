//! URLs: which one is meant by a place on the screen, by the row in front or by a word, and opening it in the browser.

use crate::event::Level;
use crate::io::opener::is_web;
use crate::tui::layout::pane;
use crate::tui::logs::window::{Row, clean_line};
use crate::tui::message::Effect;
use crate::tui::model::{Model, View};
use crate::tui::update::{scripts, tell};
use crate::wire::url;

/// The first URL in a text, as a browser can open it.
pub(super) fn first(text: &str) -> Option<String> {
    url::find(text.as_bytes()).map(|url| url.to_open()).find(|url| is_web(url))
}

/// The URL that this byte of a text belongs to.
pub(super) fn around(text: &str, at: usize) -> Option<String> {
    let found = url::find(text.as_bytes()).find(|url| (url.start..url.start + url.text.len()).contains(&at));
    found.map(|url| url.to_open()).filter(|url| is_web(url))
}

/// The URL that is meant in the view in front: the one of the process, or of the line with the cursor, or the newest on
/// the screen.
pub(super) fn here(model: &Model) -> Option<String> {
    let of_process = |row: &crate::app::view::ProcessRow| first(row.url.as_deref()?);
    match model.view {
        View::Scripts => {
            let id = model.scripts.selected().and_then(|row| scripts::running(model, row))?;
            model.processes.get(id).and_then(of_process)
        }
        View::Processes => model.processes.selected().and_then(of_process),
        View::Errors | View::Mcp | View::Settings => None,
        View::Urls => model.urls.selected().map(|row| row.url.to_string()).filter(|url| is_web(url)),
        View::Web => model.web.selected().map(|exchange| exchange.opened.url.to_string()).filter(|url| is_web(url)),
        View::Logs if !model.logs.place.follow => first(&clean_line(&model.logs.cursor_line()?).text),
        View::Logs => {
            let window = model.logs.window(pane(model));
            window.iter().rev().find_map(|row| match row {
                Row::Line { seq, .. } => first(&clean_line(&model.logs.rows().get(*seq)?).text),
                _ => None,
            })
        }
    }
}

/// Opens the URL that is meant in the view in front.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    match here(model) {
        Some(url) => vec![Effect::OpenUrl(url)],
        None => {
            let why = match model.view {
                View::Logs if model.logs.place.follow => "no line on the screen has a URL",
                View::Logs => "this line has no URL",
                View::Urls => "there is no URL to open",
                View::Web => "there is no request whose URL could be opened",
                _ => "it has not printed the URL of a server",
            };
            tell::tell(model, Level::Info, why);
            Vec::new()
        }
    }
}

/// Copies the URL that is meant in the view in front.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let url = here(model);
    if url.is_none() {
        tell::tell(model, Level::Info, "there is no URL to copy");
    }
    url.map(|url| Effect::Copy(url, "the URL".into())).into_iter().collect()
}

/// What a word names: the URL of a process, or a URL.
pub(super) fn named(model: &Model, word: &str) -> Option<String> {
    let mut named = model.processes.rows.iter().rev().filter(|row| *row.name == *word);
    named.find_map(|row| first(row.url.as_deref()?)).or_else(|| first(word))
}

/// Opens what a word names: a process that has a URL, or a URL.
pub(super) fn open_named(model: &mut Model, word: &str) -> Vec<Effect> {
    match named(model, word) {
        Some(url) => vec![Effect::OpenUrl(url)],
        None => {
            tell_neither(model, word);
            Vec::new()
        }
    }
}

pub(super) fn tell_neither(model: &mut Model, word: &str) {
    let text = format!("`{word}` is neither an http or https URL nor a process that has printed one");
    tell::tell(model, Level::Error, text);
}
