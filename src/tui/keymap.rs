//! One table: what can be done, under which name, by which keys, in which views. Footer and help are made from it.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};
use crate::tui::key::Key;
use crate::tui::model::View;

/// Where a row of the table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In every view.
    All,
    /// In this one.
    Only(View),
    /// In Scripts and Processes.
    Lists,
    /// In every view with lines or with a text beside its list.
    Texts,
    /// In a child's terminal, where every other key is the child's.
    Terminal,
}

impl Place {
    fn holds(self, view: View) -> bool {
        match self {
            Place::All => true,
            Place::Only(only) => only == view,
            Place::Lists => matches!(view, View::Scripts | View::Processes),
            Place::Texts => view != View::Settings,
            Place::Terminal => false,
        }
    }

    fn meets(self, other: Place) -> bool {
        View::ALL.into_iter().any(|view| self.holds(view) && other.holds(view))
    }

    /// As it is written in the help.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Place::All => "all views",
            Place::Lists => "Scripts, Processes",
            Place::Texts => "all but Settings",
            Place::Terminal => "terminal",
            Place::Only(view) => view.title(),
        }
    }
}

macro_rules! actions {
    ($($variant:ident $name:literal $place:expr, [$($key:literal),*], $hint:literal, $about:literal;)*) => {
        /// Something that a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Action { $(#[doc = $about] $variant,)* }

        /// The table, in the order of the help.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            action: Action::$variant, name: $name, place: $place, keys: &[$($key),*], hint: $hint, about: $about,
        },)*];
    };
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) action: Action,
    /// As `[ui.keys]` names it.
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) keys: &'static [&'static str],
    /// One or two words, for the footer.
    pub(crate) hint: &'static str,
    /// A sentence without its full stop, for the help.
    pub(crate) about: &'static str,
}

use Place::{All, Lists, Texts};
const TERMINAL: Place = Place::Terminal;
const SCRIPTS: Place = Place::Only(View::Scripts);
const PROCESSES: Place = Place::Only(View::Processes);
const LOGS: Place = Place::Only(View::Logs);
const ERRORS: Place = Place::Only(View::Errors);
const URLS: Place = Place::Only(View::Urls);
const WEB: Place = Place::Only(View::Web);
const MCP: Place = Place::Only(View::Mcp);
const SETTINGS: Place = Place::Only(View::Settings);

actions! {
    GoScripts "view.scripts" All, ["1"], "scripts", "go to Scripts";
    GoProcesses "view.processes" All, ["2"], "processes", "go to Processes";
    GoLogs "view.logs" All, ["3"], "logs", "go to Logs";
    GoErrors "view.errors" All, ["4"], "errors", "go to Errors";
    GoUrls "view.urls" All, ["5"], "URLs", "go to URLs";
    GoWeb "view.web" All, ["6"], "web", "go to Web";
    GoMcp "view.mcp" All, ["7"], "MCP", "go to MCP";
    GoSettings "view.settings" All, ["8"], "settings", "go to Settings";
    NextView "view.next" All, ["tab"], "next view", "go to the next view";
    PreviousView "view.previous" All, ["shift+tab"], "previous view", "go to the previous view";
    Up "move.up" All, ["up", "k"], "move", "one row up; from the first row to the tabs";
    Down "move.down" All, ["down", "j"], "move", "one row down";
    PageUp "move.page_up" All, ["pgup", "ctrl+u"], "page up", "one page up";
    PageDown "move.page_down" All, ["pgdn", "ctrl+d"], "page down", "one page down";
    First "move.first" All, ["home", "g"], "first", "to the first row; in Web and MCP, follow again";
    Last "move.last" All, ["end", "G"], "last", "to the last row; in Logs, follow again";
    Right "move.right" All, ["right"], "actions", "to the actions of the row; in Logs, scroll sideways";
    Left "move.left" All, ["left"], "back", "back from the actions; in Logs, scroll sideways";
    Open "open" All, ["enter"], "open", "the first action of the row";
    Back "back" All, ["esc"], "back", "one step back; never quits, never stops anything";
    CommandLine "command" All, ["/", "ctrl+p"], "commands", "command line";
    Find "find" All, ["ctrl+f"], "find", "find in this view";
    RunCommand "run.command" All, ["ctrl+n"], "run command", "run any command";
    Zoom "zoom" Texts, ["Z"], "zoom", "the lines, or the text of the row, fill the screen, and the mouse is the terminal's; again: back";
    RunCommandHere "run.command_here" Lists, ["n"], "run command", "run any command";

    RunAnother "script.another" SCRIPTS, ["R"], "another", "run another copy of the script";
    EditScript "script.edit" SCRIPTS, ["o"], "edit", "open the file that the script stands in, at its line, in $VISUAL, $EDITOR or VS Code";
    OnlyRunnable "script.runnable" SCRIPTS, ["f"], "only runnable", "show only scripts that can be run, or all";

    StopStart "process.stop" PROCESSES, ["s"], "stop/start", "stop, or start again if it has ended";
    Restart "process.restart" PROCESSES, ["r"], "restart", "restart";
    RestartAll "process.restart_all" PROCESSES, ["ctrl+r"], "restart all", "restart all that run";
    Kill "process.kill" PROCESSES, ["K"], "kill", "end at once, without asking the process (asks you)";
    Select "process.select" PROCESSES, ["space"], "select", "select several; actions then apply to all of them";
    Sort "process.sort" PROCESSES, ["S"], "sort", "sort by another column";
    FilterStatus "process.filter" PROCESSES, ["f"], "status filter", "show all, running, failed or ended ones";
    Forget "process.forget" PROCESSES, ["d"], "forget", "drop an ended process from the list";

    Details "process.details" PROCESSES, ["i"], "details", "the details and the actions of the process";
    OpenUrl "url.open" PROCESSES, ["o"], "open URL", "open the URL of the process in the browser";
    Attach "process.attach" PROCESSES, ["a"], "terminal", "the terminal of the process; every key then goes to it";

    Pause "logs.pause" LOGS, ["space"], "pause", "pause, or follow again";
    FindNext "find.next" LOGS, ["n"], "next match", "to the next match";
    FindPrevious "find.previous" LOGS, ["N"], "previous match", "to the previous match";
    NextError "logs.error_next" LOGS, ["]"], "next error", "to the next error";
    PreviousError "logs.error_previous" LOGS, ["["], "previous error", "to the previous error";
    CycleLevel "logs.level" LOGS, ["l"], "level", "lowest level shown: all, info, warn, error";
    OnlyProblems "logs.problems" LOGS, ["p"], "problems", "warnings and errors only, or all";
    ChooseProcesses "logs.processes" LOGS, ["P"], "procs", "choose the processes whose lines are shown";
    Solo "logs.solo" LOGS, ["o"], "solo", "only the process of the line; again: back";
    OpenLineUrl "logs.open_url" LOGS, ["O"], "open URL", "open the URL of the line in the browser; Ctrl+click opens any";
    AttachLine "logs.attach" LOGS, ["a"], "terminal", "the terminal of the line's process; every key then goes to it";
    Filters "filters.toggle" LOGS, ["\\"], "filters off/on", "all filters off, and on again";
    Mark "logs.mark" LOGS, ["m"], "mark", "set a mark";
    NextMark "logs.mark_next" LOGS, ["}"], "next mark", "to the next mark";
    PreviousMark "logs.mark_previous" LOGS, ["{"], "previous mark", "to the previous mark";
    Wrap "logs.wrap" LOGS, ["w"], "wrap", "wrap long lines, or not";
    Time "logs.time" LOGS, ["t"], "time", "times as clock, with milliseconds, ago, since the last line, off";
    Collapse "logs.collapse" LOGS, ["u"], "collapse", "collapse identical lines, or not";
    Fold "logs.fold" LOGS, ["f"], "fold", "fold the frames of stacks, or show all; Enter does it for one";
    SelectLines "logs.select" LOGS, ["v"], "select", "select lines";
    SelectUp "logs.select_up" LOGS, ["shift+up"], "select up", "select one more line upwards";
    SelectDown "logs.select_down" LOGS, ["shift+down"], "select down", "select one more line downwards";
    FarLeft "logs.far_left" LOGS, ["H", "shift+left"], "half left", "half a screen to the left";
    FarRight "logs.far_right" LOGS, ["L", "shift+right"], "half right", "half a screen to the right";
    Clear "clear" LOGS, ["x"], "clear", "hide everything up to now";
    Undo "undo" LOGS, ["U"], "undo", "bring back what was cleared";

    EditSource "error.edit" ERRORS, ["o"], "open in editor", "open the source of the error in $VISUAL, $EDITOR or VS Code";
    Mute "error.mute" ERRORS, ["m"], "mute", "mute the group, or let it be heard again";
    CopyErrorContext "error.copy_context" ERRORS, ["Y"], "copy with time", "copy with process, count and times";
    NextSeverity "error.severity" ERRORS, ["f"], "severity", "show all, errors, warnings or muted ones";
    ClearErrors "error.clear" ERRORS, ["x", "z"], "clear", "hide all errors up to now";
    UndoErrors "error.undo" ERRORS, ["U"], "undo", "bring back what was cleared or muted";

    OpenProxied "url.proxied" URLS, ["p"], "via proxy", "open the URL through the proxy";
    CopyProxied "url.copy_proxied" URLS, ["Y"], "copy proxy URL", "copy the URL's address through the proxy";
    ShowQr "url.qr" URLS, ["x"], "QR", "the QR code of the URL, of an address that other devices reach if there is one; again: away";
    ForgetUrl "url.forget" URLS, ["d"], "forget", "leave the URL out of the list";
    UndoUrls "url.undo" URLS, ["U"], "undo", "bring back what was forgotten or cleared";

    TurnPage "web.page" WEB, ["v"], "other page", "switch between requests and telemetry";
    PauseWeb "web.pause" WEB, ["space"], "pause", "pause, or follow again";
    NextKind "web.kind" WEB, ["f"], "type filter", "show another kind of requests or events";
    NextChoice "web.choice" WEB, ["s"], "status, tab", "show requests of another status; in telemetry, another tab";
    ZoomIn "web.zoom_in" WEB, ["+"], "zoom in", "halve the time that the waterfall shows";
    ZoomOut "web.zoom_out" WEB, ["-"], "zoom out", "double the time that the waterfall shows";
    Reveal "web.reveal" WEB, ["u"], "secrets", "show the secrets of this request, or mask them again";
    Replay "web.replay" WEB, ["r"], "replay", "send the request again (asks unless it is GET or HEAD)";
    CopyCurl "web.copy_curl" WEB, ["Y"], "copy as curl", "copy the request as a command line for curl";
    ClearWeb "web.clear" WEB, ["x"], "clear", "hide all requests and telemetry up to now";
    UndoWeb "web.undo" WEB, ["U"], "undo", "bring back what was cleared";

    TurnMcp "mcp.page" MCP, ["v"], "other page", "switch between activity and instances";
    PauseMcp "mcp.pause" MCP, ["space"], "pause", "pause, or follow again";
    NextClient "mcp.client" MCP, ["f"], "client filter", "show the calls of one client, of the next, of all";
    LogsOfCall "mcp.logs" MCP, ["o"], "logs", "only the lines of the process that the call names";
    CopyCall "mcp.copy_curl" MCP, ["Y"], "copy as curl", "copy the call as a command line for curl";
    CopyAddress "mcp.copy_address" MCP, ["a"], "copy address", "copy the address of the server";
    CopyClientSettings "mcp.copy_settings" MCP, ["C"], "client settings", "copy what a client's settings need to find the server";
    SetUpTool "mcp.install" MCP, ["i"], "set up a tool", "set an AI tool up so that it finds brummer";
    ClearCalls "mcp.clear" MCP, ["x"], "clear", "hide all calls up to now";
    UndoCalls "mcp.undo" MCP, ["U"], "undo", "bring back what was cleared";

    Toggle "settings.toggle" SETTINGS, ["space"], "toggle", "change the setting by a step";
    WriteSettings "settings.write" SETTINGS, ["w"], "write", "write the changes to the project's .brum.toml";
    WriteUser "settings.write_user" SETTINGS, ["S"], "write for me", "write the changes to your own settings file";
    UndoSetting "settings.undo" SETTINGS, ["u"], "undo", "take the last change back";
    Leave "terminal.leave" TERMINAL, ["ctrl+]", "f12"], "leave", "leave the terminal; after the first of its keys: PgUp scrolls back, y copies the screen, / commands, z pane, the key again sends it";

    Copy "copy" All, ["y"], "copy", "copy the row or the selected lines";
    CopyContext "copy.context" LOGS, ["Y"], "copy with time", "copy with time and process";
    CopyError "copy.error" All, ["c"], "copy error", "copy the latest error with the lines that belong to it";
    Interrupt "interrupt" All, ["ctrl+c"], "quit", "copy if lines are selected, otherwise quit";
    Messages "messages" All, ["e"], "messages", "messages of brummer itself";
    Redraw "redraw" All, ["ctrl+l"], "redraw", "draw the screen anew";
    Suspend "suspend" All, ["ctrl+z"], "suspend", "suspend brummer; its processes go on until their pipes are full";
    Help "help" All, ["?", "f1"], "help", "keys and commands";
    Quit "quit" All, ["q"], "quit", "quit (asks when processes run)";
}

/// Something that is wrong with `[ui.keys]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFault {
    /// The name of the action.
    pub action: String,
    /// What is wrong with it, as the end of a sentence.
    pub message: String,
}

impl KeyFault {
    fn unknown(name: &str) -> KeyFault {
        let nearest = ROWS.iter().min_by_key(|row| strsim::damerau_levenshtein(row.name, name));
        let nearest = nearest.map_or("", |row| row.name);
        KeyFault { action: name.into(), message: format!("is not an action; the nearest is `{nearest}`") }
    }
}

/// Which key does what.
#[derive(Debug)]
pub struct Keymap {
    bound: Vec<(Action, Vec<Key>)>,
    /// Commands, as they are written behind the slash, with their keys.
    commands: Vec<(String, Vec<Key>)>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::new(&BTreeMap::new()).expect("a test holds that the table is free of conflicts")
    }
}

impl Keymap {
    /// The table with the changes of `[ui.keys]`: the name of an action and its keys; none = unbound.
    ///
    /// # Errors
    /// INVALID_STATE with the first of [`Keymap::faults`].
    pub fn new(changes: &BTreeMap<String, Vec<String>>) -> Result<Keymap> {
        let (keymap, faults) = Keymap::read(changes);
        match faults.into_iter().next() {
            Some(fault) => {
                let text = format!("`ui.keys.{}` {}", fault.action, fault.message);
                Err(Error::new("tui", Code::InvalidState, text))
            }
            None => Ok(keymap),
        }
    }

    /// All that is wrong with the changes of `[ui.keys]`: unknown actions, unknown keys, and keys of two actions that meet
    /// in a view.
    pub fn faults(changes: &BTreeMap<String, Vec<String>>) -> Vec<KeyFault> {
        Keymap::read(changes).1
    }

    fn read(changes: &BTreeMap<String, Vec<String>>) -> (Keymap, Vec<KeyFault>) {
        let (commands, changed): (Vec<_>, Vec<_>) = changes.iter().partition(|(name, _)| name.starts_with('/'));
        let unknown =
            changed.iter().map(|(name, _)| *name).filter(|name| ROWS.iter().all(|row| row.name != name.as_str()));
        let mut faults: Vec<KeyFault> = unknown.map(|name| KeyFault::unknown(name)).collect();
        let mut bound = Vec::with_capacity(ROWS.len());
        for row in ROWS {
            let changed: Option<Vec<&str>> =
                changes.get(row.name).map(|keys| keys.iter().map(String::as_str).collect());
            let keys = read_keys(row.name, changed.unwrap_or_else(|| row.keys.to_vec()), &mut faults);
            bound.push((row.action, keys));
        }
        let commands =
            commands.into_iter().map(|(line, keys)| (line[1..].to_owned(), read_keys(line, keys, &mut faults)));
        let commands = commands.collect();
        let keymap = Keymap { bound, commands };
        keymap.conflicts(changes, &mut faults);
        keymap.command_faults(&mut faults);
        (keymap, faults)
    }

    /// A command that is none, or that has the key of an action or of another command.
    fn command_faults(&self, faults: &mut Vec<KeyFault>) {
        for (at, (line, keys)) in self.commands.iter().enumerate() {
            let mut fault = |message: String| faults.push(KeyFault { action: format!("/{line}"), message });
            if let Err(error) = crate::app::command::parse(line) {
                fault(format!("is no command: {}", error.message()));
            }
            let actions = ROWS.iter().zip(&self.bound).map(|(row, (_, keys))| (row.name.to_owned(), keys));
            let others = self.commands[..at].iter().map(|(line, keys)| (format!("/{line}"), keys));
            for (other, taken) in actions.chain(others) {
                if let Some(key) = keys.iter().find(|key| taken.contains(key)) {
                    fault(format!("cannot be `{key}`, the key of `{other}`; choose another for one of them"));
                }
            }
        }
    }

    /// The command that this key stands for, in whatever view.
    pub(crate) fn command(&self, key: Key) -> Option<&str> {
        self.commands.iter().find(|(_, keys)| keys.contains(&key)).map(|(line, _)| line.as_str())
    }

    /// The commands that have keys.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (&str, &[Key])> {
        self.commands.iter().map(|(line, keys)| (line.as_str(), keys.as_slice()))
    }

    fn conflicts(&self, changes: &BTreeMap<String, Vec<String>>, faults: &mut Vec<KeyFault>) {
        for (i, (row, (_, keys))) in ROWS.iter().zip(&self.bound).enumerate() {
            for (other, (_, others)) in ROWS.iter().zip(&self.bound).skip(i + 1) {
                let shared = keys.iter().find(|key| others.contains(key));
                if let Some(key) = shared.filter(|_| row.place.meets(other.place)) {
                    // It is the changed one's fault.
                    let (row, other) = if changes.contains_key(row.name) { (row, other) } else { (other, row) };
                    let message =
                        format!("cannot be `{key}`, the key of `{}`; choose another for one of them", other.name);
                    faults.push(KeyFault { action: row.name.into(), message });
                }
            }
        }
    }

    /// What this key does in this view.
    pub(crate) fn action(&self, view: View, key: Key) -> Option<Action> {
        let rows = ROWS.iter().zip(&self.bound);
        rows.filter(|(row, _)| row.place.holds(view))
            .find(|(_, (_, keys))| keys.contains(&key))
            .map(|(row, _)| row.action)
    }

    /// The keys of an action.
    pub(crate) fn keys(&self, action: Action) -> &[Key] {
        self.bound.iter().find(|(bound, _)| *bound == action).map_or(&[], |(_, keys)| keys)
    }

    /// The rows that hold in this view or in a terminal and have a key.
    pub(crate) fn rows(&self, view: View) -> impl Iterator<Item = (&'static Row, &[Key])> {
        let rows = ROWS.iter().zip(&self.bound).filter(move |(row, (_, keys))| {
            (row.place.holds(view) || row.place == Place::Terminal) && !keys.is_empty()
        });
        rows.map(|(row, (_, keys))| (row, keys.as_slice()))
    }
}

/// The keys of a list; what is no key is a fault of `name`.
fn read_keys<T: AsRef<str>>(name: &str, texts: impl IntoIterator<Item = T>, faults: &mut Vec<KeyFault>) -> Vec<Key> {
    let mut keys = Vec::new();
    for text in texts {
        let text = text.as_ref();
        match Key::parse(text) {
            Some(key) => keys.push(key),
            None => {
                let allowed = "a character, a name such as f5, pageup or space, and ctrl+, alt+ or shift+ before it";
                let message = format!("cannot be `{text}`, no key that every terminal sends; a key is {allowed}");
                faults.push(KeyFault { action: name.into(), message });
            }
        }
    }
    keys
}

/// The row of an action.
pub(crate) fn row(action: Action) -> &'static Row {
    ROWS.iter().find(|row| row.action == action).expect("the macro makes one row for each action")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs.iter().map(|(name, keys)| (name.to_string(), keys.iter().map(ToString::to_string).collect())).collect()
    }

    #[test]
    fn the_table_has_unique_names_and_no_conflicts() {
        for row in ROWS {
            assert_eq!(ROWS.iter().filter(|other| other.name == row.name).count(), 1, "{}", row.name);
        }
        Keymap::new(&BTreeMap::new()).unwrap();
    }

    #[test]
    fn a_changed_key_does_what_it_is_bound_to_and_the_old_one_nothing() {
        let keymap = Keymap::new(&changes(&[("process.restart", &["f5"]), ("messages", &[])])).unwrap();
        let act = |key: &str| keymap.action(View::Processes, Key::parse(key).unwrap());
        assert_eq!(act("f5"), Some(Action::Restart));
        assert_eq!((act("r"), act("e")), (None, None));
    }

    #[test]
    fn two_actions_on_one_key_are_an_error_that_names_both() {
        let error = Keymap::new(&changes(&[("process.restart", &["s"])])).unwrap_err();
        assert!(error.message().contains("process.stop") && error.message().contains("process.restart"), "{error}");
        // The same key in two views is no conflict.
        Keymap::new(&changes(&[("process.restart", &["R"])])).unwrap();
    }

    #[test]
    fn every_action_of_the_table_can_have_another_key_and_none() {
        for row in ROWS {
            let keymap = Keymap::new(&changes(&[(row.name, &["f12"])])).unwrap_or_else(|error| panic!("{error}"));
            match View::ALL.into_iter().find(|view| row.place.holds(*view)) {
                Some(view) => assert_eq!(keymap.action(view, Key::parse("f12").unwrap()), Some(row.action)),
                None => assert_eq!((row.place, keymap.keys(row.action).len()), (Place::Terminal, 1)),
            }
            assert!(Keymap::new(&changes(&[(row.name, &[])])).unwrap().keys(row.action).is_empty());
        }
    }

    #[test]
    fn a_command_can_have_a_key_and_its_conflicts_name_both() {
        let keymap = Keymap::new(&changes(&[("/restart api", &["f6"]), ("/stop all", &["f7"])])).unwrap();
        assert_eq!(keymap.command(Key::parse("f6").unwrap()), Some("restart api"));
        let error = |pairs: &[(&str, &[&str])]| Keymap::new(&changes(pairs)).unwrap_err().message().to_owned();
        let taken = error(&[("/stop all", &["s"])]);
        assert!(taken.contains("/stop all") && taken.contains("process.stop"), "{taken}");
        let twice = error(&[("/stop all", &["f6"]), ("/restart api", &["f6"])]);
        assert!(twice.contains("/stop all") && twice.contains("/restart api"), "{twice}");
        assert!(error(&[("/restrat", &["f6"])]).contains("/restart"));
    }

    #[test]
    fn unknown_actions_and_keys_are_named() {
        let error = Keymap::new(&changes(&[("process.restrat", &["s"])])).unwrap_err();
        assert!(error.message().contains("process.restart"), "{error}");
        assert!(Keymap::new(&changes(&[("quit", &["ctrl+s"])])).unwrap_err().message().contains("ctrl+s"));
    }
}
