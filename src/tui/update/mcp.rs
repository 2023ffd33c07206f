//! The MCP view: moving, following, copying calls and addresses, setting an AI tool up.

use std::sync::Arc;

use crate::app::mcp_copy;
use crate::app::view::{McpKind, McpRow};
use crate::event::Level;
use crate::tui::layout::layout;
use crate::tui::mcp::{McpPage, process};
use crate::tui::message::Effect;
use crate::tui::model::{Confirm, Dialog, Model, Overlay, View};
use crate::tui::update::strip::Button;
use crate::tui::update::{logs, mcp_again, overlays, pane, tell};
use crate::tui::views::answer_row;

/// Takes how the server stands; the row with the cursor keeps its line on the screen.
pub(super) fn take(model: &mut Model, row: McpRow) {
    let page = model.mcp.page as usize;
    let line = model.mcp.position().saturating_sub(model.mcp.offsets[page]);
    let follows = model.mcp.follows();
    model.mcp.row = row;
    if model.mcp.client.as_ref().is_some_and(|client| model.mcp.row.clients.iter().all(|one| one.name != *client)) {
        model.mcp.client = None;
    }
    if !follows {
        model.mcp.offsets[page] = model.mcp.position().saturating_sub(line);
    }
    if model.mcp.len() == 0 {
        model.mcp.strip = None;
    }
    keep_in_sight(model);
    mcp_again::look(model);
}

/// Selects the row that is `by` rows away.
pub(super) fn step(model: &mut Model, by: isize) {
    let to = model.mcp.position().saturating_add_signed(by).min(model.mcp.len().saturating_sub(1));
    select(model, to);
}

pub(super) fn select(model: &mut Model, at: usize) {
    let before = model.mcp.selected().map(|call| call.number);
    model.mcp.select(at);
    if model.mcp.selected().map(|call| call.number) != before {
        model.mcp.scroll = 0;
    }
    keep_in_sight(model);
}

/// Scrolls so that the selected row is on the screen; what came above it since following ended stays out of sight.
pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Mcp {
        return;
    }
    let height = usize::from(layout(model).list.height).max(1);
    let mcp = &mut model.mcp;
    let (at, fresh, page) = (mcp.position(), mcp.fresh(), mcp.page as usize);
    let most = mcp.len().saturating_sub(height).max(fresh);
    mcp.offsets[page] = mcp.offsets[page].min(at).max((at + 1).saturating_sub(height)).min(most);
}

/// Selects what is on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let at = model.mcp.offsets[model.mcp.page as usize] + row;
    let again = model.mcp.position() == at;
    (at < model.mcp.len()).then(|| {
        select(model, at);
        again
    })
}

/// Shows a page.
pub(super) fn turn_to(model: &mut Model, page: McpPage) {
    model.mcp.page = page;
    (model.mcp.strip, model.mcp.scroll) = (None, 0);
    keep_in_sight(model);
}

/// Stays where it is, or follows again.
pub(super) fn toggle_pause(model: &mut Model) {
    if model.mcp.follows() { pin(model) } else { model.mcp.follow() }
}

/// The selected row stays the selected one, whatever comes.
pub(super) fn pin(model: &mut Model) {
    let at = model.mcp.position();
    model.mcp.select(at);
}

/// Gives the strip the focus; the selected row stays the selected one.
pub(super) fn focus_strip(model: &mut Model, to: Option<usize>) {
    if to.is_some() {
        pin(model);
    }
    model.mcp.strip = to;
}

/// Shows the calls of the next client, or of all again.
pub(super) fn next_client(model: &mut Model) {
    let mut names: Vec<Arc<str>> = model.mcp.row.clients.iter().map(|client| Arc::clone(&client.name)).collect();
    names.sort();
    names.dedup();
    model.mcp.client = match &model.mcp.client {
        None => names.first().cloned(),
        Some(client) => names.into_iter().find(|name| name > client),
    };
    (model.mcp.strip, model.mcp.scroll) = (None, 0);
    keep_in_sight(model);
}

/// The buttons of the selected row.
pub(super) fn buttons(model: &Model) -> Vec<Button> {
    let mcp = &model.mcp;
    match mcp.page {
        McpPage::Activity => {
            let Some(call) = mcp.selected() else { return Vec::new() };
            let mut buttons = vec![Button::CallArguments, Button::CallAnswer, Button::Copy];
            buttons.extend((call.kind == McpKind::Tool).then_some(Button::CallAgain));
            let address = mcp.row.address.as_deref();
            let curl = address.and_then(|address| mcp_copy::as_curl(call, address, false));
            buttons.extend(curl.map(|_| Button::CopyCall));
            buttons.extend(named(model).map(|_| Button::LogsOfCall));
            buttons
        }
        McpPage::Instances if mcp.len() == 0 => Vec::new(),
        McpPage::Instances => vec![Button::CopyAddress, Button::CopyClientSettings, Button::CopyFolder],
    }
}

/// The process that the selected call names.
pub(super) fn named(model: &Model) -> Option<Arc<str>> {
    process(model.mcp.selected()?, &model.processes.rows)
}

/// Enter: the details of a call, the address of an instance.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    match model.mcp.page {
        _ if model.mcp.len() == 0 => Vec::new(),
        McpPage::Activity => {
            focus_strip(model, Some(0));
            model.mcp.scroll = 0;
            Vec::new()
        }
        McpPage::Instances => copy_address(model),
    }
}

/// Goes to the arguments or to the answer in the text below the strip.
pub(super) fn show(model: &mut Model, answer: bool) {
    pin(model);
    let cells = layout(model).text.width;
    model.mcp.scroll = if answer { answer_row(model, cells.into()) } else { 0 };
    pane::scroll_view(model, 0);
}

/// Copies the selected call with its answer, or the address of the selected instance; where nothing has called yet, what a
/// client's settings need.
pub(super) fn copy(model: &Model) -> Vec<Effect> {
    match (model.mcp.page, model.mcp.selected()) {
        (McpPage::Instances, _) => copy_address(model),
        (McpPage::Activity, Some(call)) => vec![Effect::Copy(mcp_copy::as_json(call), "the call".into())],
        (McpPage::Activity, None) => copy_client_settings(model),
    }
}

/// The address that is meant: of the selected instance, or of this one.
pub(super) fn address(model: &Model) -> Option<String> {
    let instance = model.mcp.selected_instance().map(|one| one.url.to_string());
    instance.or_else(|| model.mcp.row.address.as_deref().map(str::to_owned))
}

pub(super) fn copy_address(model: &Model) -> Vec<Effect> {
    address(model).map(|url| Effect::Copy(url, "the address".into())).into_iter().collect()
}

/// Whether who asks there must show a token.
fn needs_token(model: &Model) -> bool {
    let own = model.settings.config.settings.general.mcp_token;
    model.mcp.selected_instance().map_or(own, |one| one.needs_token)
}

/// Copies what a client's settings need so that it finds the server.
pub(super) fn copy_client_settings(model: &Model) -> Vec<Effect> {
    let settings = address(model).map(|url| mcp_copy::client_settings(&url, needs_token(model)));
    settings.map(|text| Effect::Copy(text, "the settings for a client".into())).into_iter().collect()
}

/// Copies the folder of the selected instance.
pub(super) fn copy_folder(model: &Model) -> Vec<Effect> {
    let folder = model.mcp.selected_instance().map(|one| one.directory.to_string());
    folder.map(|folder| Effect::Copy(folder, "the folder".into())).into_iter().collect()
}

/// Copies the selected call as a command line for curl.
pub(super) fn copy_curl(model: &mut Model) -> Vec<Effect> {
    let Some(address) = model.mcp.row.address.clone() else { return Vec::new() };
    match model.mcp.selected().map(|call| mcp_copy::as_curl(call, &address, needs_token(model))) {
        None => {}
        Some(Some(line)) => return vec![Effect::Copy(line, "the command".into())],
        Some(None) => tell::tell(model, Level::Warn, "its arguments are too long to be kept as a whole"),
    }
    Vec::new()
}

/// Shows the lines of the process that the selected call names.
pub(super) fn show_logs(model: &mut Model) -> Vec<Effect> {
    let Some(name) = named(model) else { return Vec::new() };
    model.return_to = Some(View::Mcp);
    logs::solo(model, &name)
}

/// Hides all calls up to now.
pub(super) fn clear(model: &mut Model) {
    let mcp = &mut model.mcp;
    let newest = mcp.row.calls.first().map_or(mcp.cleared, |call| call.number);
    mcp.undo.push(std::mem::replace(&mut mcp.cleared, newest));
    mcp.strip = None;
    mcp.follow();
    tell::tell(model, Level::Info, "calls cleared; U brings them back");
    keep_in_sight(model);
}

/// Brings back what was cleared last.
pub(super) fn undo(model: &mut Model) {
    if let Some(before) = model.mcp.undo.pop() {
        model.mcp.cleared = before;
    }
    keep_in_sight(model);
}

/// Opens the command line for the name of the tool that is to be set up.
pub(super) fn choose_tool(model: &mut Model) -> Vec<Effect> {
    overlays::open_command(model, "mcp install ");
    Vec::new()
}

/// Asks whether a tool is to be set up.
pub(super) fn ask_install(model: &mut Model, words: Vec<String>) {
    let tool = words.first().map_or("", String::as_str);
    let back = words.iter().any(|word| word == "--undo");
    let title = if back { format!("Take brummer out of {tool}?") } else { format!("Set {tool} up?") };
    let text = match back {
        true => vec!["Its settings become what they were.".into(), "What was changed is shown in Logs.".into()],
        false => vec![
            "Its settings get an entry for brummer; the rest stays.".into(),
            "What was changed is shown in Logs; this takes it back:".into(),
            format!("/mcp install {} --undo", words.join(" ")),
        ],
    };
    let yes = if back { "Take out" } else { "Set up" };
    let dialog = Dialog { title, text, yes, confirm: Confirm::Install(words), on_yes: false };
    model.overlay = Some(Overlay::Dialog(dialog));
}
