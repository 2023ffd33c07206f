//! What keys do in the Settings view, and that changes are seen, written and taken back.

use crate::config::Source;
use crate::tui::key::Key;
use crate::tui::message::{Effect, Message};
use crate::tui::model::View;
use crate::tui::testing::{Mock, Rig};

fn full() -> Rig {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["8"]);
    rig
}

fn select(rig: &mut Rig, name: &str) {
    rig.model.settings.selected = Some(name.to_owned());
    assert_eq!(rig.model.settings.selected().unwrap().name, name, "it is not there");
    let (columns, rows) = rig.model.size;
    rig.send(Message::Resize(columns, rows));
}

fn command(rig: &mut Rig, text: &str) {
    rig.press(&["/"]);
    rig.type_text(text);
    rig.press(&["enter"]);
}

#[test]
fn every_setting_is_there_with_its_value_and_its_source() {
    let mut rig = full();
    for setting in crate::config::table() {
        select(&mut rig, &setting.name());
        let row = rig.model.settings.selected().unwrap();
        assert_eq!(row.source, "default", "{}", row.name);
        let text = rig.text();
        assert!(text.contains(&row.label) && text.contains(&row.name), "{}:\n{text}", row.name);
    }
    assert!(rig.model.settings.facts.iter().any(|(label, _)| *label == "Working directory"));
}

#[test]
fn arrows_change_a_value_at_once_and_u_takes_it_back() {
    let mut rig = full();
    select(&mut rig, "ui.theme");
    rig.press(&["right", "right"]);
    assert_eq!((rig.model.theme.name.as_str(), rig.model.settings.changed.len()), ("dark", 1));
    assert!(rig.text().contains("1 not written") && rig.text().contains("not written  "), "{}", rig.text());
    rig.press(&["u"]);
    assert_eq!(rig.model.theme.name, "ansi");
    rig.press(&["left"]);
    assert_eq!(
        (rig.model.theme.name.as_str(), rig.model.settings.changed.len()),
        ("auto", 0),
        "as it was: nothing to write"
    );
    select(&mut rig, "ui.wrap");
    rig.press(&["space"]);
    assert!(rig.model.logs.wrap);
    select(&mut rig, "ui.mouse");
    rig.press(&["enter"]);
    assert!(!rig.model.mouse && rig.outside.iter().any(|effect| matches!(effect, Effect::Mouse(false))));
}

#[test]
fn a_number_is_stepped_within_its_bounds_and_anything_is_typed() {
    let mut rig = full();
    select(&mut rig, "log_store.max_total_entries");
    rig.press(&["right"]);
    assert_eq!(rig.model.settings.selected().unwrap().value, "210000");
    assert!(rig.text().contains("holds from the next start on"), "{}", rig.text());
    rig.press(&["enter"]);
    assert!(rig.text().contains("/set log_store.max_total_entries 210000"), "{}", rig.text());
    rig.press(&["ctrl+w"]);
    rig.type_text("7");
    rig.press(&["enter"]);
    assert!(rig.text().contains("must be a whole number from 100"), "{}", rig.text());
    command(&mut rig, "set grace 2s");
    select(&mut rig, "grace");
    assert_eq!(rig.model.settings.selected().unwrap().value, "2s");
    command(&mut rig, "set ui.theem dark");
    assert!(rig.text().contains("`ui.theme`"), "{}", rig.text());
}

#[test]
fn keys_are_changed_with_effect_at_once_and_conflicts_name_both() {
    let mut rig = full();
    command(&mut rig, "set ui.keys.process.restart f5");
    assert!(rig.model.keymap.action(View::Processes, Key::parse("f5").unwrap()).is_some());
    command(&mut rig, "set ui.keys.process.restart s");
    let text = rig.text();
    assert!(text.contains("process.restart") && text.contains("process.stop"), "{text}");
    command(&mut rig, "set ui.keys.messages none");
    assert!(!rig.press(&["e"]));
    rig.press(&["u"]);
    assert!(rig.press(&["e", "esc"]));
    command(&mut rig, "keys");
    select(&mut rig, "ui.keys.process.restart");
    assert!(rig.text().contains("process.restart             F5"), "{}", rig.text());
    command(&mut rig, "set ui.keys./restart api f6");
    assert!(rig.text().contains("is no command") || rig.text().contains("api"), "{}", rig.text());
}

#[test]
fn a_command_on_a_key_is_carried_out_in_every_view_and_stands_in_the_help() {
    let mut mock = std::sync::Arc::into_inner(Mock::full()).unwrap();
    mock.config = mock.config.with_keys("/stop web", vec!["f6".into()]);
    let mut rig = Rig::new(std::sync::Arc::new(mock), (120, 36));
    rig.model.keymap = crate::tui::keymap::Keymap::new(&rig.model.settings.bindings()).unwrap();
    for view in ["1", "4", "8"] {
        rig.press(&[view, "f6"]);
        assert_eq!(rig.asked().len(), 1, "{view}");
    }
    rig.press(&["?"]);
    rig.type_text("stop web");
    assert!(rig.text().contains("F6  /stop web"), "{}", rig.text());
}

#[test]
fn colours_are_changed_with_effect_at_once_and_written_where_they_are_read() {
    use ratatui::style::Color;
    let mut rig = full();
    let begin = rig.model.theme.accent.fg;
    command(&mut rig, "set ui.colors.accent #ff8800");
    assert_eq!(rig.model.theme.accent.fg, Some(Color::Rgb(255, 136, 0)));
    select(&mut rig, "ui.colors.accent");
    assert_eq!(rig.model.settings.selected().unwrap().value, "#ff8800");
    command(&mut rig, "theme light");
    assert_eq!(rig.model.theme.accent.fg, Some(Color::Rgb(255, 136, 0)), "it is laid over any theme");
    command(&mut rig, "set ui.colors.accent bleu");
    assert!(rig.text().contains("the nearest is \"blue\""), "{}", rig.text());
    command(&mut rig, "set ui.colors.processes red, 99");
    let changes: Vec<String> =
        rig.model.settings.changes().into_iter().map(|change| format!("{} = {}", change.name, change.value)).collect();
    let expected = ["ui.colors.accent = \"#ff8800\"", "ui.colors.processes = [\"red\", 99]", "ui.theme = \"light\""];
    assert_eq!(changes, expected);
    rig.press(&["u", "u", "u"]);
    assert!(rig.model.settings.changed.is_empty());
    assert_eq!((rig.model.theme.accent.fg, rig.model.theme.name.as_str()), (begin, "auto"));
    select(&mut rig, "ui.colors.accent");
    rig.press(&["enter"]);
    rig.type_text("bright-b");
    assert!(rig.text().contains("bright-blue"), "{}", rig.text());
}

#[test]
fn without_hints_the_view_has_the_last_row_and_an_attached_terminal_names_the_way_out() {
    let mut rig = full();
    rig.press(&["3", "end"]);
    let lines = |rig: &Rig| rig.text().lines().filter(|line| line.contains(':') && line.contains('▌')).count();
    let before = lines(&rig);
    assert!(rig.text().trim_end().ends_with("help"), "{}", rig.text());
    command(&mut rig, "set ui.hints off");
    let text = rig.text();
    assert!(!text.contains("? help") && text.lines().last().unwrap().contains("FOLLOW"), "{text}");
    assert!(lines(&rig) >= before, "{text}");
    rig.press(&["/"]);
    rig.type_text("the");
    assert!(rig.text().lines().last().unwrap().starts_with("/the"), "{}", rig.text());
    rig.press(&["esc", "2"]);
    rig.model.processes.selected = Some(crate::event::ProcessId(2));
    rig.press(&["a"]);
    assert!(rig.model.attached.is_some());
    assert!(rig.text().lines().last().unwrap().contains("leave"), "{}", rig.text());
}

#[test]
fn a_theme_of_ones_own_is_chosen_by_its_name_and_changes_with_its_file() {
    use ratatui::style::Color;
    let config = |text: &str| {
        let path = std::path::Path::new("/home/me/code/shop/.brum.toml");
        crate::config::Config::from_text(path, text, &Default::default()).unwrap()
    };
    let mut rig = full();
    rig.send(Message::Settings(Box::new(config("[ui.themes.dusk]\nbase = 'dark'\nbackground = 17\n"))));
    assert!(rig.text().contains("settings read again: ui.themes"), "{}", rig.text());
    rig.press(&["/"]);
    rig.type_text("theme du");
    rig.press(&["tab"]);
    assert!(rig.text().contains("/theme dusk"), "{}", rig.text());
    rig.press(&["enter"]);
    assert_eq!((rig.model.theme.name.as_str(), rig.model.theme.ground), ("dusk", Some(Color::Indexed(17))));
    let (buffer, _) = rig.draw();
    assert!(buffer.content.iter().all(|cell| cell.bg != Color::Reset), "the background is everywhere");
    rig.send(Message::Settings(Box::new(config("[ui.themes.dusk]\nbackground = 52\n[ui.colors]\nok = 'red'\n"))));
    assert_eq!(rig.model.theme.ground, Some(Color::Indexed(52)));
    assert_eq!(rig.model.theme.ok.fg, Some(Color::Red));
    command(&mut rig, "theme dsuk");
    assert!(rig.text().contains("the nearest is \"dusk\""), "{}", rig.text());
    select(&mut rig, "ui.theme");
    rig.press(&["right"]);
    assert_eq!(rig.model.theme.name, "auto", "behind the last one comes the first");
    rig.press(&["left"]);
    assert_eq!(rig.model.theme.name, "dusk");
    // Its table is gone: what was changed here and not written has nothing to go on with.
    rig.send(Message::Settings(Box::new(config(""))));
    assert_eq!(rig.model.theme.name, "auto");
}

#[test]
fn what_is_written_is_no_longer_waiting_and_a_nearer_file_is_named() {
    let mut rig = full();
    command(&mut rig, "set ui.wrap on");
    rig.press(&["w"]);
    let Some(Effect::WriteSettings(file, changes)) = rig.outside.pop() else { panic!("{}", rig.text()) };
    assert_eq!(file, std::path::Path::new("/home/me/code/shop/.brum.toml"));
    assert_eq!((changes[0].name.as_str(), changes[0].value.as_str()), ("ui.wrap", "true"));
    let source = Source::File { path: file.clone(), line: 3 };
    let written = changes.into_iter().map(|change| (change, source.clone())).collect();
    rig.send(Message::SettingsWritten(file, Ok(written)));
    assert!(rig.model.settings.changed.is_empty());
    select(&mut rig, "ui.wrap");
    assert_eq!(rig.model.settings.selected().unwrap().source, ".brum.toml:3");
    rig.press(&["space"]);
    let changes = rig.model.settings.changes();
    let user = std::path::PathBuf::from("/home/me/.brum.toml");
    let written = changes.into_iter().map(|change| (change, Source::File { path: user.clone(), line: 1 })).collect();
    rig.send(Message::SettingsWritten(user, Ok(written)));
    assert!(rig.text().contains("says otherwise, and wins"), "{}", rig.text());
}

#[test]
fn find_narrows_the_settings() {
    let mut rig = full();
    rig.press(&["ctrl+f"]);
    rig.type_text("theme");
    rig.press(&["enter"]);
    assert_eq!(rig.model.settings.selected().unwrap().name, "ui.theme");
    assert!(rig.text().contains("1 found"), "{}", rig.text());
    rig.press(&["esc"]);
    assert!(rig.model.settings.find.is_empty());
}

#[test]
fn settings_that_were_changed_outside_hold_at_once_and_what_was_not_written_stays() {
    let config = |text: &str| {
        let path = std::path::Path::new("/home/me/code/shop/.brum.toml");
        crate::config::Config::from_text(path, text, &Default::default()).unwrap()
    };
    let mut rig = Rig::new(Mock::full(), (120, 36));
    rig.press(&["/"]);
    rig.type_text("set ui.wrap on");
    rig.press(&["enter"]);
    let outside =
        "[ui]\ntimestamps = 'ms'\nmax_fps = 30\n[ui.keys]\n'process.restart' = 'f5'\n[log_store]\nmax_bytes = '1MiB'\n";
    rig.send(Message::Settings(Box::new(config(outside))));
    assert!(rig.model.logs.wrap && rig.model.settings.changed.contains_key("ui.wrap"), "what was changed here stays");
    assert_eq!(rig.model.logs.time.name(), "ms");
    assert!(matches!(rig.outside.last(), Some(Effect::Settings(ui)) if ui.max_fps == 30), "{:?}", rig.outside);
    let text = rig.text();
    assert!(text.contains("settings read again: ui.timestamps and 2 more"), "{text}");
    assert!(text.contains("from the next start on: log_store.max_bytes"), "{text}");
    rig.press(&["2", "f5"]);
    assert!(!rig.asked().is_empty());
    // The same once more tells nothing.
    let toasts = rig.model.toasts.len();
    rig.send(Message::Settings(Box::new(config(outside))));
    assert_eq!(rig.model.toasts.len(), toasts);
}
