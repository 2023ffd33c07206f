//! The loop: waits for something, updates the model, does what that asks for, draws when there is something new.

mod child;
mod editor;
mod outside;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossterm::event::MouseEventKind;

use crate::app::attach::Attached;
use crate::app::state::StateFolder;
use crate::app::view::{Backend, Versions};
use crate::config::{self, Config, Look, Ui};
use crate::error::{Result, remedy};
use crate::event::{Level, ProcessId};
use crate::io::{foreground, usage};
use crate::sync::Histogram;
use crate::tui::attached::LEADER_MILLIS;
use crate::tui::clock::Clock;
use crate::tui::inbox::{Inbox, Mail};
use crate::tui::input::Input;
use crate::tui::keeper::Keeper;
use crate::tui::keymap::Keymap;
use crate::tui::layout::ticks;
use crate::tui::logs::TimeFormat;
use crate::tui::message::{Asked, Effect, Message, Outcome};
use crate::tui::model::{Model, Setting, View};
use crate::tui::notices::Notices;
use crate::tui::screen::Screen;
use crate::tui::terminal::{Terminal, has_sync};
use crate::tui::theme::{Depth, Theme};
use crate::tui::update::update;
use crate::tui::web::Page;
use crate::tui::{jobs, views};

/// What is not in front may wait longer.
const BEHIND_SLOT: Duration = Duration::from_millis(250);
/// What was entered last is written within this time; who leaves does not wait longer.
const KEPT_WITHIN: Duration = Duration::from_secs(1);
/// Input is drawn at once if the last frame is this old.
const AT_ONCE: Duration = Duration::from_millis(4);

/// How the UI is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The colours.
    pub theme: Look,
    /// Only ASCII is drawn.
    pub ascii: bool,
    /// The mouse is taken.
    pub mouse: bool,
    /// `[ui.keys]`: the name of an action and its keys; none = unbound.
    pub keys: BTreeMap<String, Vec<String>>,
    /// `clock`, `ms`, `relative`, `delta` or `off`.
    pub timestamps: String,
    /// Long lines are wrapped.
    pub wrap: bool,
    /// The last row names the keys that matter, and a view that is new tells what it is for.
    pub hints: bool,
    /// Whether a frame is marked so that the terminal shows it at once; none: where it is not known that it cannot.
    pub sync_output: Option<bool>,
    /// A selection with the mouse is copied at once.
    pub copy_on_select: bool,
    /// `auto`, `native`, `osc52` or `off`.
    pub clipboard: String,
    /// Lines that a notch of the wheel scrolls.
    pub scroll_lines: usize,
    /// At most so often is drawn after input.
    pub input_slot: Duration,
    /// At most so often is drawn when only data has changed.
    pub data_slot: Duration,
    /// How a desktop notice is asked for: `auto`, `off`, `bell`, `osc9` or `osc777`.
    pub notify: String,
    /// Clocks and durations are drawn anew each minute instead of each second.
    pub reduced_motion: bool,
    /// How long something told stays.
    pub toast: Duration,
    /// The view to begin with.
    pub start_view: View,
    /// Quitting asks when processes run.
    pub confirm_quit: bool,
    /// The process to begin with, alone in the Logs view.
    pub solo: Option<ProcessId>,
    /// Where the UI remembers what is of use in the next run; none: it remembers nothing.
    pub state: Option<StateFolder>,
    /// By which the app reaches the UI.
    pub handle: Handle,
}

impl Options {
    /// Does from now on as the settings say.
    fn follow(&mut self, ui: &Ui, notices: &mut Notices) {
        let slot = |frames: u64| Duration::from_secs_f64(1.0 / frames.max(1) as f64);
        (self.input_slot, self.data_slot) = (slot(ui.max_fps), slot(ui.flood_fps));
        self.clipboard = ui.clipboard.name().into();
        *notices = Notices::new(ui.notify.name(), |key| std::env::var(key).ok());
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            theme: Config::default().look(),
            ascii: false,
            mouse: true,
            keys: BTreeMap::new(),
            timestamps: "clock".into(),
            wrap: false,
            hints: true,
            sync_output: None,
            copy_on_select: true,
            clipboard: "auto".into(),
            scroll_lines: 3,
            input_slot: Duration::from_secs(1) / 60,
            data_slot: Duration::from_secs(1) / 30,
            notify: "auto".into(),
            reduced_motion: false,
            toast: Duration::from_secs(4),
            start_view: View::Scripts,
            confirm_quit: true,
            solo: None,
            state: None,
            handle: Handle::default(),
        }
    }
}

/// Reaches a running UI from another thread.
///
/// - **Thread safety**: `Send + Sync`, cheap to clone. **Progress**: blocking on a short lock. **Waits**: none.
///   **Cleanup**: none.
#[derive(Clone, Debug, Default)]
pub struct Handle {
    inbox: Arc<Inbox>,
}

impl Handle {
    /// Asks the UI to end; `run` answers [`Outcome::Ended`]. Also good before `run` was called.
    pub fn end(&self) {
        self.inbox.send(Message::End);
    }

    /// The files of the settings have changed, and this is what they say now.
    pub fn settings(&self, config: Config) {
        self.inbox.send(Message::Settings(Box::new(config)));
    }

    /// What has come and was not taken yet.
    #[cfg(test)]
    pub(crate) fn receive(&self) -> std::collections::VecDeque<Message> {
        self.inbox.take(Some(Instant::now()), false).messages
    }

    /// Tells the person something in passing.
    pub fn notice(&self, level: Level, text: impl Into<String>) {
        self.inbox.send(Message::Notice(level, text.into()));
    }
}

/// Runs the UI on this thread until the person or the app ends it; the terminal is then as it was.
///
/// # Errors
/// INVALID_STATE: no terminal, keys in conflict (both are named); otherwise what the system said.
pub fn run(backend: Arc<dyn Backend>, options: Options) -> Result<Outcome> {
    let get = |key: &str| std::env::var(key).ok();
    let depth = Depth::of_environment(get);
    let theme = Theme::of(&options.theme, depth, options.ascii);
    let keymap = Keymap::new(&options.keys)?;
    let inbox = Arc::clone(&options.handle.inbox);
    let notices = Notices::new(&options.notify, get);
    let mut terminal = Terminal::take(&inbox, options.mouse, notices != Notices::Off)?;
    terminal.set_sync(has_sync(options.sync_output, get));
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    let setting = Setting {
        project: backend.project(),
        home: get("HOME"),
        theme,
        depth,
        keymap,
        clock: Clock::local(),
        size,
        now: now(),
        lines: backend.logs().snapshot(),
        config: backend.config().clone(),
    };
    let mut model = Model::new(setting);
    apply(&mut model, &options);
    let waker = Arc::clone(&inbox);
    backend.on_change(Arc::new(move || waker.changed()));
    let screen = Screen::new(size.0, size.1);
    let (seen, stats, outcome) = (None, Stats::default(), None);
    let (input, lent, attached) = (None, None, None);
    let keeper = options.state.clone();
    let keeper = keeper.map(|state| Arc::new(Keeper::new(state, model.project.dir.clone(), Arc::clone(&inbox))));
    let kept = keeper.clone();
    let ended = Loop {
        backend,
        inbox,
        terminal,
        input,
        lent,
        model,
        screen,
        options,
        notices,
        seen,
        stats,
        outcome,
        attached,
        keeper,
    }
    .run();
    // The terminal is given back already.
    kept.iter().for_each(|keeper| keeper.finish(KEPT_WITHIN));
    ended
}

/// Sets what the person has chosen.
pub(crate) fn apply(model: &mut Model, options: &Options) {
    model.confirm_quit = options.confirm_quit;
    model.mouse = options.mouse;
    model.hints = options.hints;
    model.copy_on_select = options.copy_on_select;
    model.scroll_lines = isize::try_from(options.scroll_lines).unwrap_or(isize::MAX);
    model.reduced_motion = options.reduced_motion;
    model.toast_millis = options.toast.as_millis() as u64;
    model.view = options.start_view;
    model.show_next = options.solo;
    model.logs.wrap = options.wrap;
    let format = TimeFormat::ALL.into_iter().find(|format| format.name() == options.timestamps);
    model.logs.time = format.unwrap_or_default();
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[derive(Debug, Default)]
struct Stats {
    skipped: u64,
    bytes: u64,
    /// What the changes took that the next frame shows.
    updating: Duration,
    /// What each frame that was sent took, with the changes that it shows, in nanoseconds.
    frames: Histogram,
    /// The CPU time of this thread up to the last frame that was sent.
    worked: Duration,
    /// The CPU time of each frame that was sent, with all that came before it, in nanoseconds.
    work: Histogram,
}

struct Loop {
    backend: Arc<dyn Backend>,
    inbox: Arc<Inbox>,
    terminal: Terminal,
    /// The thread that reads the terminal, once it runs.
    input: Option<Input>,
    /// The process number of the editor that has the terminal.
    lent: Option<i32>,
    model: Model,
    screen: Screen,
    options: Options,
    notices: Notices,
    /// What the model was given last.
    seen: Option<Versions>,
    stats: Stats,
    outcome: Option<Outcome>,
    /// The child's terminal that is looked at.
    attached: Option<Arc<Attached>>,
    /// What is remembered for the next run.
    keeper: Option<Arc<Keeper>>,
}

/// What is to be drawn, and how soon.
#[derive(Clone, Copy, Debug, Default)]
struct Dirty {
    input: bool,
    data: bool,
}

impl Dirty {
    /// When the next frame is due, if the last one was drawn then.
    fn due(self, drawn: Instant, options: &Options) -> Option<Instant> {
        match self {
            Dirty { input: true, .. } if drawn.elapsed() >= AT_ONCE.max(options.input_slot / 4) => Some(drawn),
            Dirty { input: true, .. } => Some(drawn + options.input_slot),
            Dirty { data: true, .. } => Some(drawn + options.data_slot),
            _ => None,
        }
    }
}

impl Loop {
    fn run(mut self) -> Result<Outcome> {
        self.recall();
        self.refresh(true);
        self.effect_of(Message::Resize(self.model.size.0, self.model.size.1));
        self.draw();
        self.input = Some(Input::start(Arc::clone(&self.inbox))?);
        let (mut drawn, mut refreshed) = (Instant::now(), Instant::now());
        let mut dirty = Dirty::default();
        while self.outcome.is_none() {
            let draw_at = dirty.due(drawn, &self.options);
            let mut stalled = false;
            if draw_at.is_some_and(|at| at <= Instant::now()) {
                // While an editor has the terminal nothing is drawn; its end wakes this thread as well.
                stalled = self.lent.is_some() || !self.terminal.is_ready();
                if stalled {
                    // Its writer wakes this thread when the terminal has taken the last frame.
                    self.stats.skipped += 1;
                } else {
                    self.draw();
                    (drawn, dirty) = (Instant::now(), Dirty::default());
                    continue;
                }
            }
            // Changes that come too soon after the last look wait for their slot; without changes nothing wakes.
            let look_at = Some(refreshed + self.data_slot()).filter(|at| *at > Instant::now());
            let deadlines = [draw_at.filter(|_| !stalled), look_at, Some(self.next_tick())];
            let mail = self.inbox.take(deadlines.into_iter().flatten().min(), look_at.is_some());
            dirty.input |= !mail.messages.is_empty();
            let begin = Instant::now();
            dirty.data |= self.receive(mail, &mut refreshed);
            self.stats.updating += begin.elapsed();
        }
        if let Some(editor) = self.lent.take() {
            foreground::hang_up(editor);
        }
        Ok(self.outcome.unwrap_or(Outcome::Ended))
    }

    /// How often the backend is looked at.
    fn data_slot(&self) -> Duration {
        if self.attached.is_some() {
            // Who types wants to see it.
            return self.options.input_slot;
        }
        if self.model.view == View::Logs { self.options.data_slot } else { BEHIND_SLOT.max(self.options.data_slot) }
    }

    /// When the next second of a clock or the end of a toast has to be drawn.
    fn next_tick(&self) -> Instant {
        let now = now();
        let second = (ticks(&self.model) || !self.model.toasts.is_empty()).then(|| 1000 - now % 1000);
        let wait = second.unwrap_or(60_000 - now % 60_000);
        let leader = self.model.attached.as_ref().and_then(|attached| attached.leader);
        let wait = leader.map_or(wait, |at| wait.min((at + LEADER_MILLIS).saturating_sub(now).max(1)));
        let due = self.model.newcomer.due().filter(|at| *at > now);
        let wait = due.map_or(wait, |at| wait.min(at - now));
        Instant::now() + Duration::from_millis(wait)
    }

    /// Takes the mail into the model; answers whether something is to be drawn.
    fn receive(&mut self, mail: Mail, refreshed: &mut Instant) -> bool {
        let second = self.model.now / 1000;
        self.effect_of(Message::Now(now()));
        for message in merge(mail.messages) {
            self.effect_of(message);
        }
        let mut changed = self.model.now / 1000 != second;
        if mail.changed {
            changed |= self.refresh(false);
            *refreshed = Instant::now();
        }
        changed
    }

    fn effect_of(&mut self, message: Message) {
        if matches!(message, Message::Edited(_)) && self.lent.take().is_some() {
            self.come_back();
        }
        if let Message::Resize(columns, rows) = &message {
            self.screen.resize(*columns, *rows);
        }
        for effect in update(&mut self.model, message) {
            self.carry_out(effect);
        }
    }

    /// Gives the model what has changed; answers whether anything has.
    fn refresh(&mut self, all: bool) -> bool {
        let versions = self.backend.versions();
        let seen = self.seen.replace(versions).filter(|_| !all);
        let differs = |of: fn(&Versions) -> u64| seen.is_none_or(|seen| of(&seen) != of(&versions));
        let mut changed = false;
        if differs(|v| v.scripts) {
            let rows = self.backend.scripts();
            self.effect_of(Message::Scripts(rows));
            changed = true;
        }
        if differs(|v| v.processes) {
            let rows = self.backend.processes();
            self.effect_of(Message::Processes(rows));
            changed = true;
        }
        if differs(|v| v.logs) {
            let lines = self.backend.logs().snapshot();
            self.effect_of(Message::Lines(lines));
            changed = true;
        }
        if differs(|v| v.messages) {
            let messages = self.backend.messages();
            self.effect_of(Message::System(messages));
            changed = true;
        }
        if differs(|v| v.terminal) && self.attached.is_some() {
            self.look();
            changed = true;
        }
        // The last lines of a stack can come with the end of its process.
        if differs(|v| v.errors) || differs(|v| v.pages) || differs(|v| v.processes) {
            let rows = self.backend.errors();
            self.effect_of(Message::Errors(rows));
            changed = true;
        }
        let counts = matches!(self.model.view, View::Urls | View::Web);
        if differs(|v| v.urls) || (counts && differs(|v| v.exchanges)) {
            self.carry_out(Effect::Urls);
            changed = true;
        }
        if differs(|v| v.mcp) {
            let row = self.backend.mcp();
            changed |= self.model.view == View::Mcp || self.model.mcp.row.address != row.address;
            self.effect_of(Message::Mcp(row));
        }
        let of: fn(&Versions) -> u64 = match self.model.web.page {
            Page::Requests => |v| v.exchanges,
            Page::Telemetry => |v| v.pages,
        };
        if self.model.view == View::Web && differs(of) {
            self.effect_of(Message::WebChanged);
        }
        changed
    }

    fn draw(&mut self) {
        let begin = Instant::now();
        self.model.wheeled = 0;
        let model = &self.model;
        let bytes = self.screen.frame(|buffer| views::draw(model, buffer));
        self.stats.bytes += bytes.len() as u64;
        let updating = std::mem::take(&mut self.stats.updating);
        if !bytes.is_empty() {
            self.terminal.send_frame(bytes);
            self.stats.frames.record((updating + begin.elapsed()).as_nanos() as u64);
            let worked = usage::of_this_thread();
            self.stats.work.record((worked - std::mem::replace(&mut self.stats.worked, worked)).as_nanos() as u64);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Execute(command, asked) => {
                let quiet = matches!(command, crate::app::command::Command::Resize { .. });
                let answer = self.backend.execute(command);
                if asked != Asked::Tell || !quiet {
                    self.refresh(false);
                    self.effect_of(Message::Answer(asked, answer));
                }
            }
            Effect::Copy(text, what) => self.copy(text, what),
            Effect::CopyByTerminal(text, what) => self.copy_by_terminal(&text, &what),
            Effect::OpenUrl(url) => self.open_url(url),
            Effect::Notify(text) if self.lent.is_none() => self.terminal.send(self.notices.bytes(&text)),
            Effect::Notify(_) => {}
            Effect::CopyError(lines) => match jobs::latest_error(&lines) {
                Some(text) => self.copy(text, "the latest error".into()),
                None => self.effect_of(Message::Notice(Level::Info, "there is no error to copy".into())),
            },
            Effect::CopyScreen => self.copy(self.screen.text(), "the screen".into()),
            Effect::Save(job) => {
                let inbox = Arc::clone(&self.inbox);
                let dir = self.model.project.dir.clone();
                self.backend.spawn(Box::new(move || {
                    let (level, text) = match jobs::save(&job, &dir) {
                        Ok(count) => (Level::Info, format!("{count} lines saved to {}", job.file)),
                        Err(error) => (Level::Error, format!("save {}: {error}{}", job.file, remedy(&error))),
                    };
                    inbox.send(Message::Notice(level, text));
                }));
            }
            Effect::Scan(request) => {
                for _ in 0..self.backend.scan_workers() {
                    let (inbox, request) = (Arc::clone(&self.inbox), request.clone());
                    self.backend.spawn(Box::new(move || request.run(|found| inbox.send(Message::Found(found)))));
                }
            }
            Effect::Urls => {
                let (rows, proxy) = (self.backend.urls(), self.backend.proxy());
                self.effect_of(Message::Urls(rows, proxy));
            }
            Effect::Exchanges { .. }
            | Effect::NewestExchange { .. }
            | Effect::PageEvents { .. }
            | Effect::ExchangeText { .. }
            | Effect::OpenPlace(..)
            | Effect::Environment(_)
            | Effect::Explain(..) => self.ask(effect),
            Effect::Edit(spot) => self.edit(&spot),
            Effect::Install(words) => self.install(words),
            Effect::Keep(kept) => self.keep(kept),
            Effect::Settings(ui) => {
                self.terminal.set_sync(has_sync(ui.sync_output, |key| std::env::var(key).ok()));
                self.options.follow(&ui, &mut self.notices);
            }
            Effect::WriteSettings(file, changes) => {
                let inbox = Arc::clone(&self.inbox);
                self.backend.spawn(Box::new(move || {
                    let written =
                        config::save(&file, &changes).map(|sources| changes.into_iter().zip(sources).collect());
                    inbox.send(Message::SettingsWritten(file, written));
                }));
            }
            Effect::Attach(..)
            | Effect::Detach
            | Effect::ResizeAttached(_)
            | Effect::ScrollAttached(_)
            | Effect::Type(_) => self.carry_out_in_child(effect),
            Effect::WatchUrls(on) => self.backend.watch_urls(on),
            Effect::SampleUsage(how) => self.backend.sample_usage(how),
            Effect::Mouse(on) => self.terminal.set_mouse(on),
            Effect::Redraw => self.screen.resize(self.model.size.0, self.model.size.1),
            Effect::Suspend => self.suspend(),
            Effect::Leave(outcome) => self.outcome = Some(outcome),
            Effect::Stats => {
                let text = self.describe();
                self.effect_of(Message::Notice(Level::Info, text));
            }
        }
    }

    /// On a worker: a filter may look into bodies, and a body may have to be decompressed.
    fn ask(&self, effect: Effect) {
        let (inbox, backend) = (Arc::clone(&self.inbox), Arc::clone(&self.backend));
        self.backend.spawn(Box::new(move || {
            let answer = jobs::ask(&*backend, effect);
            answer.into_iter().for_each(|message| inbox.send(message));
        }));
    }

    fn suspend(&mut self) {
        if let Err(error) = self.terminal.suspend() {
            self.effect_of(Message::Notice(Level::Error, error.message().to_string()));
        }
        let (columns, rows) = crossterm::terminal::size().unwrap_or(self.model.size);
        self.effect_of(Message::Resize(columns, rows));
    }

    fn describe(&self) -> String {
        let stats = &self.stats;
        let frames = stats.frames.snapshot();
        let [half, most, longest] =
            [frames.percentile(50.0), frames.percentile(99.0), frames.max()].map(Duration::from_nanos);
        let work = Duration::from_nanos(stats.work.snapshot().percentile(99.0));
        let metrics = self.backend.logs().metrics();
        format!(
            "{} frames: half within {half:.1?}, 99 % {most:.1?} (CPU {work:.1?}), longest {longest:.1?}; {} skipped, {} kB · {} lines, {:.0}/s, {:.0} MB",
            frames.count(),
            stats.skipped,
            stats.bytes / 1024,
            self.model.logs.all.len(),
            metrics.entries_per_second,
            metrics.memory_mb,
        )
    }
}

/// Of several sizes and drags in a row only the last matters.
fn merge(messages: std::collections::VecDeque<Message>) -> Vec<Message> {
    let mut merged: Vec<Message> = Vec::with_capacity(messages.len());
    for message in messages {
        let drag = |message: &Message| matches!(message, Message::Mouse(event) if matches!(event.kind, MouseEventKind::Drag(_)));
        let same = merged.last().is_some_and(|last| {
            matches!((last, &message), (Message::Resize(..), Message::Resize(..))) || (drag(last) && drag(&message))
        });
        if same {
            merged.pop();
        }
        merged.push(message);
    }
    merged
}
