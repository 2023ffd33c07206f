//! The URLs view: moving, opening, copying, forgetting; and having servers asked while it is looked at.

use std::collections::BTreeSet;

use crate::app::view::{ProxyRow, UrlRow};
use crate::event::Level;
use crate::io::opener::is_web;
use crate::tui::layout::layout;
use crate::tui::message::Effect;
use crate::tui::model::{Model, Overlay, View, scroll};
use crate::tui::update::tell;
use crate::tui::web::{UrlKey, Urls};

/// Takes the rows that there are now.
pub(super) fn take(model: &mut Model, rows: Vec<UrlRow>, proxy: ProxyRow) {
    (model.urls.rows, model.urls.proxy) = (rows, proxy);
    let urls = &mut model.urls;
    if !urls.forgotten.is_empty() {
        // What the app has no more need not be left out any more.
        let keys: BTreeSet<UrlKey> = urls.rows.iter().map(Urls::key).collect();
        urls.forgotten.retain(|key| keys.contains(key));
        urls.undo.iter_mut().for_each(|step| step.retain(|key| keys.contains(key)));
        urls.undo.retain(|step| !step.is_empty());
    }
    keep_in_sight(model);
}

/// Servers are asked while their URLs are looked at: in the view, or as a QR code.
pub(super) fn follow_up(model: &mut Model) -> Option<Effect> {
    let in_front =
        model.view == View::Urls && model.attached.is_none() || matches!(model.overlay, Some(Overlay::Qr(_)));
    let wanted = in_front && !model.away;
    (std::mem::replace(&mut model.urls.watched, wanted) != wanted).then_some(Effect::WatchUrls(wanted))
}

/// Leaves the selected one out of the list; the next one is selected.
pub(super) fn forget(model: &mut Model) {
    let Some(key) = model.urls.selected().map(Urls::key) else { return };
    let at = model.urls.position();
    leave_out(model, vec![key], "1 URL forgotten; U brings it back");
    let shown = model.urls.shown();
    model.urls.selected = shown.get(at.min(shown.len().saturating_sub(1))).map(|row| Urls::key(row));
}

/// Leaves all out of the list that are in it now.
pub(super) fn clear(model: &mut Model) {
    let keys: Vec<UrlKey> = model.urls.kept().map(Urls::key).collect();
    if !keys.is_empty() {
        leave_out(model, keys, "URLs cleared; U brings them back");
    }
}

fn leave_out(model: &mut Model, keys: Vec<UrlKey>, text: &str) {
    model.urls.forgotten.extend(keys.iter().cloned());
    model.urls.undo.push(keys);
    model.urls.strip = None;
    tell::tell(model, Level::Info, text);
    keep_in_sight(model);
}

/// Brings back what was forgotten last.
pub(super) fn undo(model: &mut Model) {
    for key in model.urls.undo.pop().unwrap_or_default() {
        model.urls.forgotten.remove(&key);
        model.urls.selected = Some(key);
    }
    keep_in_sight(model);
}

/// Selects the URL that is `by` rows away.
pub(super) fn step(model: &mut Model, by: isize) {
    let urls = &mut model.urls;
    let shown = urls.shown();
    let to = urls.position().saturating_add_signed(by).min(shown.len().saturating_sub(1));
    urls.selected = shown.get(to).map(|row| Urls::key(row));
    keep_in_sight(model);
}

pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Urls {
        return;
    }
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
