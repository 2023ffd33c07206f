//! All that the UI knows: what it was given, where the person is, what is open. Changed by `update` alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::app::view::{Project, Sampling, ScriptRow, SystemMessage};
use crate::config::Config;
use crate::event::{Level, ProcessId, Status};
use crate::logs::Snapshot as Lines;
use crate::proxy::ExchangeId;
use crate::tui::attached::Attached;
use crate::tui::clock::Clock;
use crate::tui::env::Environment;
use crate::tui::errors::Errors;
use crate::tui::field::Field;
use crate::tui::history::History;
use crate::tui::keymap::Keymap;
use crate::tui::logs::LogView;
use crate::tui::logs::marked::Spot;
use crate::tui::mcp::Mcp;
use crate::tui::processes::Processes;
use crate::tui::qr::Card;
use crate::tui::record::Record;
use crate::tui::settings::SettingsView;
use crate::tui::text::safe;
use crate::tui::theme::{Depth, Theme};
use crate::tui::tour::{Newcomer, Tour};
use crate::tui::update::select::Selection;
use crate::tui::web::{Urls, Web};

/// The views, in the order of their tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum View {
    /// What can be run.
    Scripts,
    /// What runs or ran.
    Processes,
    /// What was written.
    Logs,
    /// What went wrong, equal errors as one.
    Errors,
    /// URLs of servers.
    Urls,
    /// What went through the proxy, and what pages told.
    Web,
    /// What AI tools have called for, and the instances that run.
    Mcp,
    /// What holds, where it was said, and changing it.
    Settings,
}

impl View {
    /// In the order of the tabs.
    pub(crate) const ALL: [View; 8] =
        [View::Scripts, View::Processes, View::Logs, View::Errors, View::Urls, View::Web, View::Mcp, View::Settings];

    /// The number before its title, by which its key is known; its title; the title where there is little room.
    fn tab(self) -> (usize, &'static str, &'static str) {
        match self {
            View::Scripts => (1, "Scripts", "Scr"),
            View::Processes => (2, "Processes", "Proc"),
            View::Logs => (3, "Logs", "Log"),
            View::Errors => (4, "Errors", "Err"),
            View::Urls => (5, "URLs", "URL"),
            View::Web => (6, "Web", "Web"),
            View::Mcp => (7, "MCP", "MCP"),
            View::Settings => (8, "Settings", "Set"),
        }
    }

    pub(crate) fn title(self) -> &'static str {
        self.tab().1
    }

    pub(crate) fn short_title(self) -> &'static str {
        self.tab().2
    }

    pub(crate) fn number(self) -> usize {
        self.tab().0
    }

    /// The view that is `by` tabs further, from the last one to the first.
    pub(crate) fn next(self, by: isize) -> View {
        let at = View::ALL.iter().position(|view| *view == self).unwrap_or(0);
        View::ALL[(at as isize + by).rem_euclid(View::ALL.len() as isize) as usize]
    }

    /// The view of that name, as `/view` and `ui.start_view` take it.
    pub fn of_name(name: &str) -> Option<View> {
        View::ALL.into_iter().find(|view| view.title().eq_ignore_ascii_case(name))
    }
}

/// All that the UI knows.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) size: (u16, u16),
    pub(crate) now: u64,
    pub(crate) clock: Clock,
    pub(crate) project: Project,
    pub(crate) home: Option<String>,
    pub(crate) theme: Theme,
    pub(crate) depth: Depth,
    pub(crate) keymap: Keymap,
    pub(crate) confirm_quit: bool,
    pub(crate) mouse: bool,
    /// The last row names the keys that matter, and a view that is new tells what it is for.
    pub(crate) hints: bool,
    pub(crate) copy_on_select: bool,
    /// Rows a notch of the wheel.
    pub(crate) scroll_lines: isize,
    /// Rows that the wheel has scrolled since the last frame.
    pub(crate) wheeled: isize,
    /// The terminal has lost the focus.
    pub(crate) away: bool,
    /// When the last desktop notice was asked for.
    pub(crate) noticed_at: Option<u64>,
    /// Clocks and durations are drawn anew each minute instead of each second.
    pub(crate) reduced_motion: bool,
    pub(crate) toast_millis: u64,
    pub(crate) view: View,
    /// The tab that has the focus, while the tab bar has it.
    pub(crate) tab: Option<View>,
    /// The chip that has the focus, while the row of chips has it.
    pub(crate) chip: Option<usize>,
    /// The button that has the focus in a view that has nothing to show.
    pub(crate) next_step: Option<usize>,
    /// When ↑ was pressed last: holding it stops at the top of a list.
    pub(crate) up_at: u64,
    pub(crate) scripts: Scripts,
    pub(crate) processes: Processes,
    /// How the processes are looked at, as was asked last.
    pub(crate) sampling: Sampling,
    pub(crate) logs: LogView,
    pub(crate) errors: Errors,
    pub(crate) urls: Urls,
    pub(crate) web: Web,
    pub(crate) mcp: Mcp,
    pub(crate) settings: SettingsView,
    /// A child's terminal, in front of the view.
    pub(crate) attached: Option<Attached>,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) toasts: Vec<Toast>,
    pub(crate) system: Vec<SystemMessage>,
    /// The number of the last message that was emptied from the panel.
    pub(crate) system_emptied: u64,
    /// Told in toasts so far, for the message panel.
    pub(crate) told: VecDeque<SystemMessage>,
    pub(crate) history: History,
    pub(crate) newcomer: Newcomer,
    pub(crate) finds: Vec<String>,
    /// The row and the time of the last click, to tell the second on the same row.
    pub(crate) clicked: Option<(u16, u16)>,
    /// When the button went down last, and how often in a row at one place.
    pub(crate) presses: (u64, u8),
    /// Where in the text it went down.
    pub(crate) pressed: Option<Spot>,
    /// Text that is selected in what a view shows of its row, or in a whole line.
    pub(crate) selection: Option<Selection>,
    /// The view whose text fills the screen.
    pub(crate) zoom: Option<View>,
    /// The first row of a text that scrolls only there.
    pub(crate) zoom_from: usize,
    /// A process that is to be shown alone as soon as it is in the table.
    pub(crate) show_next: Option<ProcessId>,
    /// Where Esc goes back to after a solo.
    pub(crate) return_to: Option<View>,
}

/// A script, by what names it.
pub(crate) type ScriptKey = (String, String);

/// The Scripts view.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    pub(crate) rows: Arc<[ScriptRow]>,
    pub(crate) selected: Option<ScriptKey>,
    pub(crate) offset: usize,
    pub(crate) only_runnable: bool,
    pub(crate) find: Field,
    /// The focused button of the action strip.
    pub(crate) strip: Option<usize>,
}

/// A row of the Scripts view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item<'a> {
    Heading(&'a ScriptRow),
    Script(&'a ScriptRow),
}

impl Scripts {
    /// The rows that are shown.
    pub(crate) fn items(&self) -> Vec<Item<'_>> {
        let mut items = Vec::with_capacity(self.rows.len() + 8);
        let mut package = None;
        for row in self.rows.iter().filter(|row| self.shows(row)) {
            if package != Some(&row.package) {
                items.push(Item::Heading(row));
                package = Some(&row.package);
            }
            items.push(Item::Script(row));
        }
        items
    }

    fn shows(&self, row: &ScriptRow) -> bool {
        (!self.only_runnable || row.runnable.is_ok())
            && narrow(self.find.text(), &[&row.name, &row.command, &row.package])
    }

    pub(crate) fn key(row: &ScriptRow) -> ScriptKey {
        (row.package.clone(), row.name.clone())
    }

    /// The selected script; the first one that is shown if the selected one is not.
    pub(crate) fn selected(&self) -> Option<&ScriptRow> {
        let wanted = self.selected.as_ref();
        let shown = || self.rows.iter().filter(|row| self.shows(row));
        let found =
            shown().find(|row| wanted.is_some_and(|(package, name)| row.package == *package && row.name == *name));
        found.or_else(|| shown().next())
    }

    /// Its place among [`Scripts::items`].
    pub(crate) fn position(&self) -> usize {
        let selected = self.selected();
        self.items().iter().position(|item| matches!(item, Item::Script(row) if Some(*row) == selected)).unwrap_or(0)
    }
}

/// Whether a text that narrows a list matches one of these; case counts only if it has a capital letter.
pub(crate) fn narrow(text: &str, within: &[&str]) -> bool {
    let smart = text.chars().any(char::is_uppercase);
    text.is_empty()
        || within.iter().any(|part| if smart { part.contains(text) } else { part.to_lowercase().contains(text) })
}

/// Something told in passing.
#[derive(Clone, Debug)]
pub(crate) struct Toast {
    pub(crate) level: Level,
    pub(crate) text: String,
    /// How often it was told.
    pub(crate) count: u32,
    /// When it goes; errors stay until a key is pressed.
    pub(crate) until: u64,
}

/// What lies over the view and takes every key.
#[derive(Debug)]
pub(crate) enum Overlay {
    Command(CommandLine),
    /// The find bar; the text is in the view.
    Find,
    Help {
        filter: Field,
        offset: usize,
    },
    Dialog(Dialog),
    Messages {
        offset: usize,
    },
    Record(Record),
    Choose {
        items: Vec<(Arc<str>, bool)>,
        cursor: usize,
    },
    /// A QR code.
    Qr(Card),
    /// The introduction.
    Tour(Tour),
    /// What a process has beside Brummer's own environment.
    Environment(Environment),
}

/// The command line.
#[derive(Debug, Default)]
pub(crate) struct CommandLine {
    pub(crate) field: Field,
    /// The chosen completion.
    pub(crate) choice: Option<usize>,
    /// The line of the history that stands in the field, counted from the oldest; and what was typed before.
    pub(crate) recalled: Option<(usize, String)>,
    /// The error of the last try.
    pub(crate) error: Option<String>,
}

/// A question.
#[derive(Debug)]
pub(crate) struct Dialog {
    pub(crate) title: String,
    pub(crate) text: Vec<String>,
    /// What is done on yes; the other button is Cancel, and it has the focus at first.
    pub(crate) yes: &'static str,
    pub(crate) confirm: Confirm,
    pub(crate) on_yes: bool,
}

/// What a dialog asks about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Confirm {
    Quit,
    Kill(Vec<ProcessId>),
    Stop(Vec<ProcessId>),
    /// Set an AI tool up: its name and the options.
    Install(Vec<String>),
    /// Send this request again, so often.
    Replay(ExchangeId, u32),
    /// Make this call of an AI tool again.
    CallAgain(u64),
}

/// The environment that the model depends on, so that tests can set it.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) project: Project,
    pub(crate) home: Option<String>,
    pub(crate) theme: Theme,
    pub(crate) depth: Depth,
    pub(crate) keymap: Keymap,
    pub(crate) clock: Clock,
    pub(crate) size: (u16, u16),
    pub(crate) now: u64,
    pub(crate) lines: Lines,
    pub(crate) config: Config,
}

impl Model {
    pub(crate) fn new(setting: Setting) -> Model {
        Model {
            size: setting.size,
            now: setting.now,
            clock: setting.clock,
            project: setting.project,
            home: setting.home,
            theme: setting.theme,
            depth: setting.depth,
            keymap: setting.keymap,
            confirm_quit: true,
            mouse: true,
            hints: true,
            copy_on_select: true,
            scroll_lines: 3,
            wheeled: 0,
            away: false,
            noticed_at: None,
            reduced_motion: false,
            toast_millis: 4000,
            view: View::Scripts,
            tab: None,
            chip: None,
            next_step: None,
            up_at: 0,
            scripts: Scripts::default(),
            processes: Processes::default(),
            sampling: Sampling::Off,
            logs: LogView::new(setting.lines),
            errors: Errors::default(),
            urls: Urls::default(),
            web: Web::default(),
            mcp: Mcp::default(),
            settings: SettingsView::new(setting.config),
            attached: None,
            overlay: None,
            toasts: Vec::new(),
            system: Vec::new(),
            system_emptied: 0,
            told: VecDeque::new(),
            history: History::default(),
            newcomer: Newcomer::default(),
            finds: Vec::new(),
            clicked: None,
            presses: (0, 0),
            pressed: None,
            selection: None,
            zoom: None,
            zoom_from: 0,
            show_next: None,
            return_to: None,
        }
    }

    /// How many run, start, failed.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let count = |wanted: Status| self.processes.current().filter(|row| row.status == wanted).count();
        (count(Status::Running), count(Status::Pending), count(Status::Failed))
    }

    /// The ones that would be stopped by leaving.
    pub(crate) fn alive(&self) -> usize {
        self.processes.rows.iter().filter(|row| !row.status.is_ended()).count()
    }

    /// The names of processes, each once, in order of start.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut seen = BTreeMap::new();
        let rows = self.processes.rows.iter();
        rows.filter(|row| seen.insert(Arc::clone(&row.name), ()).is_none()).map(|row| Arc::clone(&row.name)).collect()
    }

    /// A folder as it is shown: with `~` for the home.
    pub(crate) fn folder(&self, dir: &str) -> String {
        let home = self.home.as_deref().filter(|home| !home.is_empty());
        let below =
            home.and_then(|home| dir.strip_prefix(home)).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        safe(&below.map_or(dir.to_owned(), |rest| format!("~{rest}"))).into_owned()
    }

    /// The newest message of the program that the panel still shows, oldest first.
    pub(crate) fn panel(&self) -> Vec<&SystemMessage> {
        let mut all: Vec<&SystemMessage> =
            SystemMessage::behind(&self.system, self.system_emptied).iter().chain(&self.told).collect();
        all.sort_by_key(|message| message.time_ms);
        all
    }
}

/// Changes an offset so that row `at` of `len` is within `height` rows.
pub(crate) fn scroll(offset: &mut usize, at: usize, height: usize, len: usize) {
    let height = height.max(1);
    *offset = (*offset).min(at).max((at + 1).saturating_sub(height)).min(len.saturating_sub(height));
}
