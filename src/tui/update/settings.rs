//! The Settings view: moving, changing with effect at once where that is possible, writing, undoing.

use std::path::PathBuf;

use crate::config::{Change, Color, Config, Glyphs, Kind, Source, Ui, user_file};
use crate::error::Error;
use crate::event::Level;
use crate::tui::keymap::Keymap;
use crate::tui::layout::layout;
use crate::tui::logs::TimeFormat;
use crate::tui::message::{Effect, Message};
use crate::tui::model::{Model, View, scroll};
use crate::tui::settings::{Line, id};
use crate::tui::theme::Theme;
use crate::tui::update::{dispatch, overlays, tell};

/// Selects the setting that is `by` rows away; headings are stepped over.
pub(super) fn step(model: &mut Model, by: isize) {
    let (lines, at) = model.settings.view();
    let rows: Vec<usize> = (0..lines.len()).filter(|at| matches!(lines[*at], Line::Row(_))).collect();
    let now = rows.iter().position(|row| *row == at).unwrap_or(0);
    let to = now.saturating_add_signed(by).min(rows.len().saturating_sub(1));
    if let Some(Line::Row(row)) = rows.get(to).map(|at| &lines[*at]) {
        model.settings.selected = Some(id(row));
    }
    keep_in_sight(model);
}

/// Whether the selected one is the first.
pub(super) fn at_top(model: &Model) -> bool {
    model.settings.view().1 <= 1
}

pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Settings {
        return;
    }
    let height = usize::from(layout(model).list.height);
    let (lines, at) = model.settings.view();
    // The heading above the first row comes into sight with it.
    let at = if at == 1 { 0 } else { at };
    scroll(&mut model.settings.offset, at, height, lines.len());
}

/// Selects what is on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let lines = model.settings.lines();
    let Some(Line::Row(row)) = lines.get(model.settings.offset + row) else { return None };
    let again = model.settings.selected().is_some_and(|selected| id(&selected) == id(row));
    model.settings.selected = Some(id(row));
    Some(again)
}

/// Whether arrows or Space can change the selected one.
pub(super) fn can_step(model: &Model) -> bool {
    model.settings.selected().is_some_and(|row| model.settings.stepped(&row.name, 1).is_some())
}

/// Enter: the next one of a few values; anything else is typed.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.settings.selected() else { return Vec::new() };
    match row.choices.is_empty() {
        _ if row.name.is_empty() => return copy(model),
        false => return change(model, 1),
        true => {
            let anew = row.name.starts_with("ui.keys.") || row.name.starts_with("ui.colors.");
            let value = if anew { String::new() } else { row.value };
            overlays::open_command(model, &format!("set {} {value}", row.name));
        }
    }
    Vec::new()
}

/// Changes the selected one by a step.
pub(super) fn change(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some(name) = model.settings.selected().map(|row| row.name) else { return Vec::new() };
    match model.settings.stepped(&name, by) {
        Some(text) => set(model, &name, &text),
        None => Vec::new(),
    }
}

/// Changes a setting to what a person typed.
pub(super) fn set(model: &mut Model, name: &str, text: &str) -> Vec<Effect> {
    let text = match text {
        "on" => "true",
        "off" => "false",
        text => text,
    };
    match model.settings.set(name, text) {
        Ok(()) => {
            if !is_at_once(name) {
                tell::tell(model, Level::Info, format!("{name}: holds from the next start on, once it is written"));
            }
            apply(model, name)
        }
        Err(text) => {
            tell::tell(model, Level::Error, text);
            Vec::new()
        }
    }
}

/// Whether a change is seen at once.
pub(crate) fn is_at_once(name: &str) -> bool {
    name.starts_with("ui.") && name != "ui.start_view"
}

/// Says how things stand that are no settings.
pub(super) fn tell_facts(model: &mut Model) {
    let proxy = &model.urls.proxy;
    let mut facts = vec![
        ("Working directory", model.project.dir.to_string_lossy().into_owned()),
        ("Scripts are run by", model.project.runner.clone()),
    ];
    facts.extend(proxy.port.map(|port| ("Proxy address", format!("http://localhost:{port}"))));
    facts.extend(proxy.pac.as_ref().map(|pac| ("PAC address", pac.to_string())));
    facts.extend(model.mcp.row.address.as_ref().map(|url| ("MCP address", url.to_string())));
    facts.retain(|(_, value)| !value.is_empty());
    model.settings.facts = facts;
}

/// Makes the UI as this setting says now; what was changed by a key meanwhile, such as the wrapping, stays.
fn apply(model: &mut Model, name: &str) -> Vec<Effect> {
    let ui: Ui = model.settings.config.settings.ui.clone();
    match name {
        "ui.theme" | "ui.themes" | "ui.glyphs" => {
            let ascii = if name == "ui.glyphs" { ui.glyphs == Glyphs::Ascii } else { model.theme.glyphs.is_ascii() };
            paint(model, ascii);
        }
        name if name.starts_with("ui.colors") => paint(model, model.theme.glyphs.is_ascii()),
        "ui.mouse" => {
            model.mouse = ui.mouse;
            return vec![Effect::Mouse(model.mouse)];
        }
        "ui.hints" => {
            model.hints = ui.hints;
            return dispatch::update(model, Message::Resize(model.size.0, model.size.1));
        }
        "ui.copy_on_select" => model.copy_on_select = ui.copy_on_select,
        "ui.scroll_lines" => model.scroll_lines = isize::try_from(ui.scroll_lines).unwrap_or(isize::MAX),
        "ui.reduced_motion" => model.reduced_motion = ui.reduced_motion,
        "ui.toast_seconds" => model.toast_millis = ui.toast_seconds * 1000,
        "ui.confirm_quit" => model.confirm_quit = ui.confirm_quit,
        "ui.wrap" => model.logs.wrap = ui.wrap,
        "ui.timestamps" => {
            let format = TimeFormat::ALL.into_iter().find(|format| format.name() == ui.timestamps.name());
            model.logs.time = format.unwrap_or(model.logs.time);
        }
        "ui.clipboard" | "ui.notify" | "ui.max_fps" | "ui.flood_fps" | "ui.sync_output" => {
            return vec![Effect::Settings(Box::new(ui))];
        }
        name if name.starts_with("ui.keys") => match Keymap::new(&model.settings.bindings()) {
            Ok(keymap) => model.keymap = keymap,
            Err(error) => tell::tell(model, Level::Error, error.message()),
        },
        _ => {}
    }
    Vec::new()
}

/// Draws with the colours that the settings have now.
fn paint(model: &mut Model, ascii: bool) {
    model.theme = Theme::of(&model.settings.config.look(), model.depth, ascii);
}

/// The files of the settings were changed outside: what can be seen at once is, and it is told what holds later.
pub(super) fn reload(model: &mut Model, config: Config) -> Vec<Effect> {
    let names = model.settings.reload(config);
    let effects = names.iter().flat_map(|name| apply(model, name)).collect();
    let (at_once, later): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_at_once(name));
    for (names, what) in [(at_once, "read again"), (later, "changed; from the next start on")] {
        if let Some((first, others)) = names.split_first() {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            tell::tell(model, Level::Info, format!("settings {what}: {first}{more}"));
        }
    }
    keep_in_sight(model);
    effects
}

/// Takes the last change back.
pub(super) fn undo(model: &mut Model) -> Vec<Effect> {
    let name = model.settings.undo();
    name.map_or_else(Vec::new, |name| apply(model, &name))
}

/// Writes what was changed: into the project's file, or into that of the person.
pub(super) fn write(model: &mut Model, user: bool) -> Vec<Effect> {
    let file = match user {
        false => Some(model.project.dir.join(".brum.toml")),
        true => user_file(|key| std::env::var(key).ok()),
    };
    match file {
        Some(file) => vec![Effect::WriteSettings(file, model.settings.changes())],
        None => {
            tell::tell(model, Level::Error, "there is no home folder: $HOME and $XDG_CONFIG_HOME are not set");
            Vec::new()
        }
    }
}

/// What came of writing.
pub(super) fn written(model: &mut Model, file: PathBuf, answer: Result<Vec<(Change, Source)>, Error>) {
    match answer {
        Err(error) => tell::tell(model, Level::Error, error.message()),
        Ok(written) => {
            // A nearer file or a flag goes on to win over the file of the person.
            let wins = |(change, _): &&(Change, Source)| {
                let before = model.settings.begun_source(&change.name);
                let own = model.project.dir.join(".brum.toml") == file;
                match before {
                    Some(Source::Flag(flag)) => Some(flag),
                    Some(Source::File { path, line }) if !own && path != file => {
                        Some(format!("{}:{line}", path.display()))
                    }
                    _ => None,
                }
            };
            let first = written.iter().find_map(|one| Some((one.0.name.clone(), wins(&one)?)));
            model.settings.written(&written);
            tell::tell(model, Level::Info, format!("{} written to {}", written.len(), file.display()));
            if let Some((name, other)) = first {
                tell::tell(model, Level::Warn, format!("{name}: {other} says otherwise, and wins at the next start"));
            }
        }
    }
}

/// The words that a setting can be.
pub(super) fn words(model: &Model, name: &str) -> Vec<String> {
    if name.starts_with("ui.colors.") {
        return Color::names().chain(["none"]).map(str::to_owned).collect();
    }
    let setting = crate::config::table().iter().find(|setting| setting.name() == name);
    match setting.map(|setting| &setting.kind) {
        Some(Kind::Choice(words)) => words.iter().map(ToString::to_string).collect(),
        Some(Kind::Theme) => model.settings.config.theme_names(),
        Some(Kind::Bool) => vec!["on".into(), "off".into()],
        Some(Kind::Auto) => vec!["auto".into(), "on".into(), "off".into()],
        _ => Vec::new(),
    }
}

/// Copies the value of the selected one.
pub(super) fn copy(model: &Model) -> Vec<Effect> {
    let value = model.settings.selected().map(|row| row.value);
    value.map(|value| Effect::Copy(value, "the value".into())).into_iter().collect()
}
