//! The keys that matter now, in the last row: made from the key table, and only those that do something.

use ratatui::layout::Rect;

use crate::tui::attached::Attached;
use crate::tui::empty;
use crate::tui::key::Key;
use crate::tui::keymap::{Action, row};
use crate::tui::layout::{Areas, Class};
use crate::tui::mcp::McpPage;
use crate::tui::model::{Model, View};
use crate::tui::text;
use crate::tui::theme::Glyphs;
use crate::tui::update::{attached, available, errors, overlays, select, strip};
use crate::tui::web::Page;

/// One hint: the keys and what they do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hint {
    pub(crate) keys: Vec<Key>,
    pub(crate) text: &'static str,
}

impl Hint {
    /// As it is drawn.
    pub(crate) fn keys_text(&self, glyphs: Glyphs) -> String {
        let written: Vec<String> = self.keys.iter().map(|key| key.written(glyphs)).collect();
        let arrows = written.iter().all(|key| "↑↓←→".contains(key.as_str()));
        written.join(if arrows { "" } else { "/" })
    }

    fn width(&self, glyphs: Glyphs) -> usize {
        text::width(&self.keys_text(glyphs)) + 1 + text::width(self.text)
    }
}

/// What matters in a view, most needed first, and its word if it is not that of the table.
fn wanted(model: &Model) -> Vec<(&'static [Action], Option<&'static str>)> {
    use Action as A;
    let paused = !model.logs.place.follow;
    match model.view {
        _ if model.tab.is_some() => {
            vec![
                (&[A::Left, A::Right], Some("choose")),
                (&[A::Open], Some("go")),
                (&[A::Back], Some("back")),
                (&[A::Help], Some("help")),
            ]
        }
        _ if model.chip.is_some() => vec![
            (&[A::Left, A::Right], Some("choose")),
            (&[A::Open], Some("pick")),
            (&[A::Down], Some("list")),
            (&[A::Up], Some("tabs")),
            (&[A::Back], Some("back")),
        ],
        _ if strip::focused(model).is_some() && empty::first_step(model).is_some() => vec![
            (&[A::Left, A::Right], Some("choose")),
            (&[A::Open], Some("press")),
            (&[A::Back], Some("back")),
            (&[A::CommandLine], None),
            (&[A::NextView], None),
        ],
        View::Errors if strip::focused(model).is_some() => vec![
            (&[A::Left, A::Right], Some("choose")),
            (&[A::Open], Some("press")),
            (&[A::Up, A::Down], Some("scroll")),
            (&[A::Back], Some("back")),
            (&[A::EditSource], None),
            (&[A::Zoom], None),
            (&[A::CommandLine], None),
        ],
        View::Mcp if strip::focused(model).is_some() && model.mcp.page == McpPage::Activity => vec![
            (&[A::Left, A::Right], Some("choose")),
            (&[A::Open], Some("press")),
            (&[A::Up, A::Down], Some("scroll")),
            (&[A::Back], Some("back")),
            (&[A::LogsOfCall], None),
            (&[A::Zoom], None),
            (&[A::CommandLine], None),
        ],
        View::Web if strip::focused(model).is_some() => vec![
            (&[A::Left, A::Right], Some("choose")),
            (&[A::Open], Some("press")),
            (&[A::Up, A::Down], Some("scroll")),
            (&[A::Back], Some("back")),
            (&[A::Reveal], None),
            (&[A::Zoom], None),
            (&[A::CommandLine], None),
        ],
        _ if strip::focused(model).is_some() => vec![
            (&[A::Left, A::Right], Some("choose")),
            (&[A::Open], Some("press")),
            (&[A::Back], Some("back")),
            (&[A::Up, A::Down], None),
            (&[A::Zoom], None),
            (&[A::CommandLine], None),
        ],
        View::Scripts => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("run")),
            (&[A::Right], Some("details")),
            (&[A::RunCommandHere], None),
            (&[A::Find], None),
            (&[A::RunAnother], None),
            (&[A::EditScript], None),
            (&[A::OnlyRunnable], None),
            (&[A::CommandLine], None),
            (&[A::NextView], None),
        ],
        View::Processes => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("logs")),
            (&[A::StopStart], None),
            (&[A::Restart], None),
            (&[A::Right], None),
            (&[A::CommandLine], None),
            (&[A::Attach], None),
            (&[A::RestartAll], None),
            (&[A::Select], None),
            (&[A::Kill], None),
        ],
        View::Errors => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("logs")),
            (&[A::Right], Some("details")),
            (&[A::EditSource], Some("editor")),
            (&[A::Copy], None),
            (&[A::Mute], Some(if errors::is_muted(model) { "unmute" } else { "mute" })),
            (&[A::ClearErrors], None),
            (&[A::CopyError], Some("copy latest")),
            (&[A::Find], None),
            (&[A::NextSeverity], None),
        ],
        View::Settings => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("edit")),
            (&[A::Left, A::Right], Some("change")),
            (&[A::Toggle], None),
            (&[A::WriteSettings], None),
            (&[A::WriteUser], None),
            (&[A::UndoSetting], None),
            (&[A::Find], None),
            (&[A::Copy], Some("copy value")),
            (&[A::CommandLine], None),
        ],
        View::Urls => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], None),
            (&[A::OpenProxied], None),
            (&[A::Copy], Some("copy")),
            (&[A::CopyProxied], None),
            (&[A::ShowQr], None),
            (&[A::UndoUrls], None),
            (&[A::ForgetUrl], None),
            (&[A::Right], None),
            (&[A::Find], None),
            (&[A::CommandLine], None),
            (&[A::NextView], None),
        ],
        View::Web => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("details")),
            (&[A::TurnPage], Some(if model.web.page == Page::Requests { "telemetry" } else { "requests" })),
            (&[A::NextKind], None),
            (&[A::PauseWeb], Some(if model.web.follows() { "pause" } else { "follow" })),
            (&[A::Find], Some(if model.web.page == Page::Requests { "filter" } else { "find" })),
            (&[A::Copy], Some(if model.web.page == Page::Requests { "copy URL" } else { "copy" })),
            (&[A::CopyCurl], None),
            (&[A::Replay], None),
            (&[A::Reveal], None),
            (&[A::ClearWeb], None),
            (&[A::UndoWeb], None),
            (&[A::CommandLine], None),
        ],
        View::Mcp if model.mcp.page == McpPage::Instances => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("copy address")),
            (&[A::Right], None),
            (&[A::TurnMcp], Some("activity")),
            (&[A::SetUpTool], None),
            (&[A::CopyClientSettings], None),
            (&[A::Find], None),
            (&[A::CommandLine], None),
        ],
        View::Mcp => vec![
            (&[A::Up, A::Down], None),
            (&[A::Open], Some("details")),
            (&[A::TurnMcp], Some("instances")),
            (&[A::Copy], Some(if model.mcp.len() > 0 { "copy" } else { "copy client settings" })),
            (&[A::SetUpTool], None),
            (&[A::PauseMcp], Some(if model.mcp.follows() { "pause" } else { "follow" })),
            (&[A::NextClient], Some("client")),
            (&[A::LogsOfCall], None),
            (&[A::CopyAddress], None),
            (&[A::CopyCall], None),
            (&[A::Find], None),
            (&[A::CommandLine], None),
        ],
        View::Logs if paused => vec![
            (&[A::Up, A::Down], None),
            (&[A::Last], Some("follow")),
            (&[A::Open], Some(model.logs.open_word())),
            (&[A::Find], None),
            (&[A::FindNext, A::FindPrevious], Some("match")),
            (&[A::PreviousError, A::NextError], Some("error")),
            (&[A::CycleLevel], None),
            (&[A::ChooseProcesses], None),
            (&[A::Copy], None),
            (&[A::Wrap], None),
            (&[A::Time], None),
        ],
        View::Logs => vec![
            (&[A::Pause], None),
            (&[A::Find], None),
            (&[A::Open], Some("mark")),
            (&[A::FindPrevious], Some("match")),
            (&[A::PreviousError], Some("last error")),
            (&[A::CycleLevel], None),
            (&[A::ChooseProcesses], None),
            (&[A::Wrap], None),
            (&[A::Time], None),
            (&[A::CommandLine], None),
        ],
    }
}

/// Every hint that holds now, whether it fits or not.
pub(crate) fn hints(model: &Model) -> Vec<Hint> {
    if model.overlay.is_some() {
        let hint = |(key, text): &(&str, &'static str)| Some(Hint { keys: vec![Key::parse(key)?], text });
        let selected: &[(&str, &str)] = &[("y", "copy selection"), ("esc", "unselect")];
        let listed = if select::is_on(model) { selected } else { overlays::hints(model) };
        return listed.iter().filter_map(hint).collect();
    }
    if let Some(attached) = &model.attached {
        return in_terminal(model, attached);
    }
    let mut hints = Vec::new();
    let mut wanted = wanted(model);
    if select::is_on(model) {
        wanted.insert(0, (&[Action::Copy], Some("copy selection")));
        wanted.insert(1, (&[Action::Back], Some("unselect")));
    }
    if model.tab.is_none() && attached::full_screen(model).is_some() {
        wanted.insert(1, (&[Action::AttachLine], Some("attach")));
    }
    let on_list = (model.tab, model.chip) == (None, None) && strip::focused(model).is_none();
    if on_list && empty::first_step(model).is_some() {
        // There is no row to go to, but there are buttons.
        wanted.retain(|(actions, _)| !matches!(actions, [Action::Up, Action::Down] | [Action::Open] | [Action::Right]));
        wanted.splice(0..0, [(&[Action::Open][..], Some("press")), (&[Action::Right], Some("buttons"))]);
    }
    for (actions, word) in wanted {
        let bound = |action: &Action| model.keymap.keys(*action).first().copied().filter(|_| available(model, *action));
        let keys: Vec<Key> = actions.iter().filter_map(bound).collect();
        if !keys.is_empty() {
            hints.push(Hint { keys, text: word.unwrap_or(row(actions[0]).hint) });
        }
    }
    let help = model.keymap.keys(Action::Help).first().copied();
    hints.extend(help.filter(|_| model.tab.is_none()).map(|key| Hint { keys: vec![key], text: "help" }));
    hints
}

/// In a child's terminal: how to leave it, and what may follow the leader.
fn in_terminal(model: &Model, attached: &Attached) -> Vec<Hint> {
    let hint = |(key, text): (&str, &'static str)| Some(Hint { keys: vec![Key::parse(key)?], text });
    let fixed: &[(&str, &str)] = if attached.leader.is_some() {
        &[
            ("pgup", "scroll back"),
            ("y", "copy screen"),
            ("z", "pane/full"),
            ("/", "commands"),
            ("?", "help"),
            ("esc", "leave"),
        ]
    } else if attached.ended {
        &[("r", "start again"), ("pgup", "scroll back"), ("esc", "leave")]
    } else if !attached.is_live() {
        &[("pgup", "back"), ("pgdn", "forward"), ("esc", "go on")]
    } else {
        &[]
    };
    let mut hints: Vec<Hint> = fixed.iter().copied().filter_map(hint).collect();
    let mut leaves = model.keymap.keys(Action::Leave).iter().copied();
    let leader = leaves.next().map(|key| Hint {
        keys: vec![key],
        text: if attached.leader.is_some() { "send it" } else { "leave, or: PgUp scroll, y copy, z pane, / commands" },
    });
    let at = hints.len().saturating_sub(1);
    hints.splice(at..at, leader);
    hints.extend(leaves.map(|key| Hint { keys: vec![key], text: "leave" }));
    hints
}

/// The hints that fit; the help is always among them.
pub(crate) fn shown(model: &Model, areas: &Areas) -> Vec<Hint> {
    let mut hints = hints(model);
    let most = if areas.class == Class::Tiny { 3 } else { 16 };
    let width = usize::from(areas.footer.width).saturating_sub(1);
    let glyphs = model.theme.glyphs;
    let total = |hints: &[Hint]| hints.iter().map(|hint| hint.width(glyphs) + 2).sum::<usize>();
    while hints.len() > most || (total(&hints) > width + 2 && hints.len() > 1) {
        // The last one is the help, or the way out of an overlay.
        hints.remove(hints.len() - 2);
    }
    hints
}

/// Where the hints are, and the key that a click on one presses.
pub(crate) fn spots(model: &Model, areas: &Areas) -> Vec<(Rect, Key)> {
    let mut x = areas.footer.x;
    let mut spots = Vec::new();
    for hint in shown(model, areas) {
        let width = hint.width(model.theme.glyphs) as u16;
        let last = hint.keys[hint.keys.len() - 1];
        spots.push((Rect::new(x, areas.footer.y, width, areas.footer.height).intersection(areas.screen), last));
        x = x.saturating_add(width + 2);
    }
    spots
}
