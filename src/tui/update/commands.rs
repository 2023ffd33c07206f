//! The command line: completion from the one table of commands, and what the commands of the view do.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::command::{
    AI_TOOLS, Argument, COMMANDS, Command, CommandSpec, INSTALL_OPTIONS, Target, ViewCommand, find, parse,
};
use crate::app::view::ExchangePart;
use crate::event::Level;
use crate::tui::field::Field;
use crate::tui::history;
use crate::tui::logs::TimeFormat;
use crate::tui::logs::filter::{Pattern, PatternMode};
use crate::tui::mcp::McpPage;
use crate::tui::message::{Asked, Effect, Kept, Outcome, SaveJob};
use crate::tui::model::{CommandLine, Model, Overlay, View};
use crate::tui::processes::Sort;
use crate::tui::text::safe;
use crate::tui::tour::Tour;
use crate::tui::update::{
    attached, dispatch, errors, logs, mcp, mcp_again, overlays, processes, qr, settings, tell, url_list, urls, web,
};

/// A row under the command line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Completion {
    /// What the line becomes.
    pub(crate) line: String,
    /// What is shown: the command or the word, and what it does.
    pub(crate) label: String,
    pub(crate) about: String,
}

/// At most so many rows.
pub(crate) const COMPLETIONS_MAX: usize = 8;

/// What the text before the cursor can become.
pub(crate) fn completions(model: &Model, text: &str) -> Vec<Completion> {
    match text.split_once(char::is_whitespace) {
        None => commands(text),
        Some((name, rest)) => find(name).map_or_else(Vec::new, |spec| arguments(model, spec, rest)),
    }
}

fn commands(text: &str) -> Vec<Completion> {
    let starts = COMMANDS.iter().filter(|spec| spec.name.starts_with(text));
    let fuzzy = COMMANDS.iter().filter(|spec| !spec.name.starts_with(text) && is_within(text, spec.name));
    let row = |spec: &CommandSpec| Completion {
        line: if spec.usage.is_empty() { spec.name.to_string() } else { format!("{} ", spec.name) },
        label: format!("/{} {}", spec.name, spec.usage),
        about: spec.about.to_string(),
    };
    let mut rows: Vec<Completion> = starts.chain(fuzzy).map(row).collect();
    if !text.is_empty() {
        // Who looks for a word has found the wrong line.
        rows.truncate(COMPLETIONS_MAX - 1);
        let label = format!("search this view for `{}`", safe(text));
        rows.push(Completion { line: format!("find {text}"), label, about: String::new() });
    }
    rows
}

/// Whether the letters stand in the word in this order.
fn is_within(letters: &str, word: &str) -> bool {
    let mut chars = word.chars();
    letters.chars().all(|letter| chars.any(|ch| ch == letter))
}

fn arguments(model: &Model, spec: &CommandSpec, rest: &str) -> Vec<Completion> {
    let (before, word) = rest.rsplit_once(char::is_whitespace).map_or(("", rest), |(before, word)| (before, word));
    let first = before.trim().is_empty();
    let running = || model.processes.rows.iter().filter(|row| !row.status.is_ended()).map(|row| row.name.to_string());
    let words: Vec<String> = match spec.argument {
        Argument::Script if first => model.scripts.rows.iter().map(|row| row.name.clone()).collect(),
        Argument::Setting if first => {
            let keys = crate::tui::keymap::ROWS.iter().map(|row| format!("ui.keys.{}", row.name));
            let roles = crate::config::ROLES.iter().map(|(role, _)| format!("ui.colors.{role}"));
            crate::config::table().iter().map(crate::config::Setting::name).chain(roles).chain(keys).collect()
        }
        Argument::Setting => settings::words(model, before.trim()),
        Argument::Theme if first => settings::words(model, "ui.theme"),
        Argument::ProcessOrAll if first => std::iter::once("all".to_string()).chain(running()).collect(),
        Argument::Process | Argument::ProcessAndText if first => running().collect(),
        Argument::Processes => model.names().iter().map(ToString::to_string).collect(),
        Argument::McpInstall => {
            let words: &[&str] = match before.split_whitespace().count() {
                0 => &["install"],
                1 => &AI_TOOLS,
                _ => &INSTALL_OPTIONS,
            };
            words.iter().map(ToString::to_string).collect()
        }
        Argument::OneOf(words) | Argument::OptionalOneOf(words) | Argument::WordAndFile(words) if first => {
            words.iter().map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    let fitting = words.into_iter().filter(|candidate| candidate.starts_with(word) && seen.insert(candidate.clone()));
    let head = if first { String::new() } else { format!("{} ", before.trim_start()) };
    fitting
        .map(|word| Completion { line: format!("{} {head}{word}", spec.name), label: word, about: String::new() })
        .collect()
}

/// Takes a key on the command line.
pub(super) fn key(model: &mut Model, mut line: CommandLine, event: KeyEvent) -> Option<Vec<Effect>> {
    let choices = completions(model, line.field.before().trim_start_matches('/'));
    let mut handled = true;
    match event.code {
        KeyCode::Esc => return Some(Vec::new()),
        KeyCode::Enter => return Some(enter(model, line, &choices)),
        KeyCode::Tab => {
            if let Some(choice) = choices.get(line.choice.unwrap_or(0)) {
                line = CommandLine { field: Field::new(choice.line.clone()), ..CommandLine::default() };
            }
        }
        KeyCode::Up if line.choice.is_none() && !model.history.lines().is_empty() => recall(model, &mut line, true),
        KeyCode::Down if line.recalled.is_some() => recall(model, &mut line, false),
        KeyCode::Up => line.choice = line.choice.and_then(|choice| choice.checked_sub(1)),
        KeyCode::Down => {
            let most = choices.len().min(COMPLETIONS_MAX).saturating_sub(1);
            line.choice = Some(line.choice.map_or(0, |choice| (choice + 1).min(most))).filter(|_| !choices.is_empty());
        }
        KeyCode::Backspace if line.field.is_empty() => return Some(Vec::new()),
        _ => {
            handled = line.field.key(event);
            if handled {
                (line.choice, line.error, line.recalled) = (None, None, None);
            }
        }
    }
    model.overlay = Some(Overlay::Command(line));
    handled.then(Vec::new)
}

/// An older command, or a newer one; after the newest comes what was typed before.
fn recall(model: &Model, line: &mut CommandLine, older: bool) {
    let lines = model.history.lines();
    let typed = || line.field.text().to_owned();
    let (at, typed) = line.recalled.clone().unwrap_or_else(|| (lines.len(), typed()));
    let to = if older { at.saturating_sub(1) } else { at + 1 };
    match lines.get(to) {
        Some(text) => (line.field, line.recalled) = (Field::new(text), Some((to, typed))),
        None => (line.field, line.recalled) = (Field::new(typed), None),
    }
    line.error = None;
}

fn enter(model: &mut Model, mut line: CommandLine, choices: &[Completion]) -> Vec<Effect> {
    if let Some(choice) = line.choice.and_then(|choice| choices.get(choice)) {
        line.field = Field::new(choice.line.clone());
        line.choice = None;
        let needs_more = choice.line.ends_with(' ');
        if needs_more && parse(&choice.line).is_err() {
            model.overlay = Some(Overlay::Command(line));
            return Vec::new();
        }
    }
    let text = line.field.text().trim().trim_start_matches('/').to_string();
    if text.is_empty() {
        return Vec::new();
    }
    match parse(&text) {
        Ok(command) => {
            model.history.enter(&text);
            let keep = history::kept(line.field.text()).map(|line| Effect::Keep(Kept::Command(line)));
            keep.into_iter().chain(run(model, command)).collect()
        }
        Err(error) => {
            line.error = Some(error.message().to_string());
            model.overlay = Some(Overlay::Command(line));
            Vec::new()
        }
    }
}

/// Does a command, or sends it to the app.
pub(super) fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::View(view) => run_view(model, view),
        Command::Kill(target) => {
            let Target::Name(name) = target else { return Vec::new() };
            let rows = model.processes.rows.iter();
            let ids: Vec<_> =
                rows.filter(|row| *row.name == *name && !row.status.is_ended()).map(|row| row.id).collect();
            if ids.is_empty() {
                tell::tell(model, Level::Error, format!("no running process is named `{name}`"));
            } else {
                processes::ask_kill(model, ids, &name);
            }
            Vec::new()
        }
        Command::Replay { id, times } => web::replay(model, id, times),
        Command::Run { .. } | Command::Exec { .. } => vec![Effect::Execute(command, Asked::Show)],
        other => vec![Effect::Execute(other, Asked::Tell)],
    }
}

fn run_view(model: &mut Model, command: ViewCommand) -> Vec<Effect> {
    match command {
        ViewCommand::Logs(names) => return open_logs(model, names),
        ViewCommand::Solo(name) => match known(model, &name) {
            Some(name) => {
                model.return_to = Some(model.view);
                return logs::solo(model, &name);
            }
            None => unknown(model, &name),
        },
        ViewCommand::Term(name) => return attached::open_named(model, name.as_deref()),
        ViewCommand::Show(Some(text)) => return filter(model, &text, true),
        ViewCommand::Hide(Some(text)) => return filter(model, &text, false),
        ViewCommand::Show(None) | ViewCommand::Hide(None) => list_filters(model),
        ViewCommand::Level(level) => {
            model.view = View::Logs;
            return logs::level(model, level);
        }
        ViewCommand::Find(text) => {
            overlays::open_find(model);
            *overlays::find_field(model) = Field::default();
            return overlays::paste(model, &text);
        }
        ViewCommand::Clear(what) if what == "errors" => errors::clear(model),
        ViewCommand::Clear(what) if what == "logs" => logs::clear(model),
        ViewCommand::Clear(what) if what == "mcp" => mcp::clear(model),
        ViewCommand::Clear(what) if what == "urls" => url_list::clear(model),
        ViewCommand::Clear(what) if what == "all" => {
            logs::clear(model);
            url_list::clear(model);
            errors::clear(model);
            mcp::clear(model);
            return web::clear(model);
        }
        ViewCommand::Clear(what) if what == "web" => return web::clear(model),
        ViewCommand::Clear(name) => {
            let rows = model.processes.rows.iter();
            let ids: Vec<_> = rows.filter(|row| *row.name == *name).map(|row| row.id).collect();
            if !ids.is_empty() {
                return logs::clear_processes(model, &ids);
            }
            unknown(model, &name);
        }
        ViewCommand::Mark(text) => logs::mark(model, &text),
        ViewCommand::Save { file, all } => {
            let test = model.logs.hits.as_ref().map(|hits| Arc::clone(&hits.test)).filter(|_| !all);
            let lines = if all { model.logs.all.clone() } else { model.logs.lines.clone() };
            return vec![Effect::Save(SaveJob { file, lines, test })];
        }
        ViewCommand::Copy(what) => {
            return match what.as_str() {
                "screen" => vec![Effect::CopyScreen],
                "url" => urls::copy(model),
                "curl" => web::copy_as(model, ExchangePart::Curl),
                "fetch" => web::copy_as(model, ExchangePart::Fetch),
                "error" => vec![Effect::CopyError(model.logs.lines.clone())],
                _ => logs::copy(model, false),
            };
        }
        ViewCommand::Open(None) => return urls::open(model),
        ViewCommand::Open(Some(word)) => return urls::open_named(model, &word),
        ViewCommand::Qr(None) => qr::toggle(model),
        ViewCommand::Qr(Some(word)) => qr::open_named(model, &word),
        ViewCommand::Go(name) => {
            if let Some(view) = View::of_name(&name) {
                return dispatch::go(model, view);
            }
        }
        ViewCommand::Sort(name) => {
            let effects = dispatch::go(model, View::Processes);
            processes::sort(model, Sort::ALL.into_iter().find(|sort| sort.name() == name));
            return effects;
        }
        ViewCommand::Replay if model.view == View::Mcp => return mcp_again::again(model),
        ViewCommand::Replay => return web::replay_selected(model),
        ViewCommand::Wrap => model.logs.wrap = !model.logs.wrap,
        ViewCommand::Time(None) => logs::cycle_time(model),
        ViewCommand::Time(Some(name)) => {
            let format = TimeFormat::ALL.into_iter().find(|format| format.name() == name);
            model.logs.time = format.unwrap_or(model.logs.time);
        }
        ViewCommand::Theme(name) => return settings::set(model, "ui.theme", &name),
        ViewCommand::Set { name, value } => return settings::set(model, &name, value.trim()),
        ViewCommand::Mcp | ViewCommand::Instances => {
            let effects = dispatch::go(model, View::Mcp);
            let instances = command == ViewCommand::Instances;
            mcp::turn_to(model, if instances { McpPage::Instances } else { McpPage::Activity });
            return effects;
        }
        ViewCommand::McpInstall(words) => mcp::ask_install(model, words),
        ViewCommand::Keys => {
            let effects = dispatch::go(model, View::Settings);
            model.settings.find = Field::new("ui.keys");
            settings::keep_in_sight(model);
            return effects;
        }
        ViewCommand::Messages(true) => overlays::empty_messages(model),
        ViewCommand::Messages(false) => model.overlay = Some(Overlay::Messages { offset: 0 }),
        ViewCommand::Stats => return vec![Effect::Stats],
        ViewCommand::Help(topic) => {
            model.overlay = Some(Overlay::Help { filter: Field::new(topic.unwrap_or_default()), offset: 0 });
        }
        ViewCommand::Tour => model.overlay = Some(Overlay::Tour(Tour::default())),
        ViewCommand::Quit { now: true } => return vec![Effect::Leave(Outcome::Quit)],
        ViewCommand::Quit { now: false } => return overlays::quit(model),
    }
    Vec::new()
}

fn known(model: &Model, name: &str) -> Option<Arc<str>> {
    model.names().into_iter().find(|other| **other == *name)
}

fn unknown(model: &mut Model, name: &str) {
    let nearest = model.names().into_iter().min_by_key(|other| strsim::damerau_levenshtein(other, name));
    let hint = nearest.map_or(String::new(), |nearest| format!("; the nearest is `{nearest}`"));
    tell::tell(model, Level::Error, format!("no process is named `{name}`{hint}"));
}

fn open_logs(model: &mut Model, names: Vec<String>) -> Vec<Effect> {
    let mut chosen = BTreeSet::new();
    for name in names {
        match known(model, &name) {
            Some(name) => _ = chosen.insert(name),
            None => unknown(model, &name),
        }
    }
    let mut effects = dispatch::go(model, View::Logs);
    model.logs.before_solo = None;
    effects.extend(logs::scope(model, Some(chosen).filter(|chosen| !chosen.is_empty())));
    effects
}

fn filter(model: &mut Model, text: &str, show: bool) -> Vec<Effect> {
    match Pattern::new(text, PatternMode::default()) {
        Ok(pattern) => {
            let list = if show { &mut model.logs.filter.show } else { &mut model.logs.filter.hide };
            // The same again takes the filter away.
            match list.iter().position(|other| other.source == pattern.source) {
                Some(at) => _ = list.remove(at),
                None => list.push(pattern),
            }
            model.logs.filters_off = false;
            let mut effects = dispatch::go(model, View::Logs);
            effects.extend(logs::refilter(model));
            effects
        }
        Err(error) => {
            tell::tell(model, Level::Error, format!("not a pattern: {error}"));
            Vec::new()
        }
    }
}

fn list_filters(model: &mut Model) {
    let filter = &model.logs.filter;
    let show = filter.show.iter().map(|pattern| format!("show {}", pattern.source));
    let hide = filter.hide.iter().map(|pattern| format!("hide {}", pattern.source));
    let all: Vec<String> = show.chain(hide).collect();
    let text =
        if all.is_empty() { "no pattern is set; /show TEXT and /hide TEXT set one".into() } else { all.join(", ") };
    tell::tell(model, Level::Info, text);
}
