//! The URLs view: moving, opening, copying.

use crate::app::view::UrlRow;
use crate::io::opener::is_web;
use crate::tui::layout::layout;
use crate::tui::message::Effect;
use crate::tui::model::{Model, scroll};
use crate::tui::web::Urls;

/// Selects the URL that is `by` rows away.
pub(super) fn step(model: &mut Model, by: isize) {
    let urls = &mut model.urls;
    let shown = urls.shown();
    let to = urls.position().saturating_add_signed(by).min(shown.len().saturating_sub(1));
    urls.selected = shown.get(to).map(|row| Urls::key(row));
    keep_in_sight(model);
}

pub(super) fn keep_in_sight(model: &mut Model) {
    let height = usize::from(layout(model).list.height);
    let (at, len) = (model.urls.position(), model.urls.shown().len());
    scroll(&mut model.urls.offset, at, height, len);
}

/// Selects the URL on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let key = Urls::key(model.urls.shown().get(model.urls.offset + row)?);
    let again = model.urls.selected().is_some_and(|selected| Urls::key(selected) == key);
    model.urls.selected = Some(key);
    Some(again)
}

/// The address of the selected one through the proxy, if it has one.
pub(super) fn proxied(model: &Model) -> Option<String> {
    model.urls.selected().and_then(address).filter(|url| is_web(url))
}

fn address(row: &UrlRow) -> Option<String> {
    row.proxied.as_ref().or(row.named.as_ref()).map(ToString::to_string)
}

/// Opens the selected one in the browser.
pub(super) fn open(model: &Model) -> Vec<Effect> {
    let url = model.urls.selected().map(|row| row.url.to_string()).filter(|url| is_web(url));
    url.map(Effect::OpenUrl).into_iter().collect()
}

/// Opens the selected one through the proxy.
pub(super) fn open_proxied(model: &Model) -> Vec<Effect> {
    proxied(model).map(Effect::OpenUrl).into_iter().collect()
}

/// Copies the selected one, or its address through the proxy.
pub(super) fn copy(model: &Model, through: bool) -> Vec<Effect> {
    let (url, what) = match through {
        true => (proxied(model), "the proxy URL"),
        false => (model.urls.selected().map(|row| row.url.to_string()), "the URL"),
    };
    url.map(|url| Effect::Copy(url, what.into())).into_iter().collect()
}
