//! Whatever happens, in whatever order, at whatever size: nothing breaks, nothing harmful is written, and there is a way back.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngSeed, TestCaseResult};

use super::steps::{Step, happen, size, step, text};
use super::strict::Strict;
use crate::app::command::Command;
use crate::event::ProcessId;
use crate::tui::message::{Effect, Message};
use crate::tui::model::{Model, Overlay, View};
use crate::tui::screen::{Screen, text_of};
use crate::tui::testing::{Mock, Rig};
use crate::tui::text::is_harmful;
use crate::tui::theme::{Depth, Theme};
use crate::tui::update::{select, strip};

/// How the UI is at the beginning.
#[derive(Clone, Debug)]
struct Beginning {
    full: bool,
    theme: &'static str,
    depth: Depth,
    ascii: bool,
    hints: bool,
    size: (u16, u16),
    folder: String,
}

fn beginning() -> impl Strategy<Value = Beginning> {
    let theme = select(vec!["auto", "light", "dark", "mono", "contrast"]);
    let hints = prop::bool::weighted(0.8);
    let depth = select(vec![Depth::True, Depth::Palette, Depth::Ansi, Depth::Mono]);
    let size = prop_oneof![3 => Just((80, 24)), 1 => Just((120, 36)), 2 => size()];
    (any::<bool>(), theme, depth, any::<bool>(), hints, size, text()).prop_map(
        |(full, theme, depth, ascii, hints, size, folder)| Beginning { full, theme, depth, ascii, hints, size, folder },
    )
}

/// Two UIs in one world.
fn twins(begin: &Beginning) -> [Rig; 2] {
    let first = if begin.full { Mock::full() } else { Mock::empty() };
    let second = Arc::new(first.beside());
    [first, second].map(|mock| {
        let mut rig = Rig::with_theme(mock, begin.size, begin.theme, begin.depth);
        rig.model.theme = Theme::new(begin.theme, begin.depth, begin.ascii).unwrap();
        rig.model.project.dir = begin.folder.clone().into();
        rig.model.hints = begin.hints;
        rig.send(Message::Resize(begin.size.0, begin.size.1));
        rig
    })
}

/// One of them is looked at after each step, the other one not.
struct Watched {
    rigs: [Rig; 2],
    screen: Screen,
    terminal: Strict,
    /// Nothing was drawn yet about whose width terminals disagree.
    plain: bool,
}

impl Watched {
    fn new(begin: &Beginning) -> Watched {
        let (columns, rows) = begin.size;
        let (screen, terminal) = (Screen::new(columns, rows), Strict::new(begin.size));
        Watched { rigs: twins(begin), screen, terminal, plain: true }
    }

    fn happen(&mut self, step: &Step) -> TestCaseResult {
        happen(&mut self.rigs, step);
        if let Step::Resize(columns, rows) = *step {
            self.screen.resize(columns, rows);
            self.terminal.resize((columns, rows));
            self.plain = true;
        }
        self.look()
    }

    fn look(&mut self) -> TestCaseResult {
        let rig = &self.rigs[0];
        let (buffer, cursor) = rig.draw();
        if let Some((x, y, _)) = cursor {
            prop_assert!(x < buffer.area.width && y < buffer.area.height);
        }
        for (at, cell) in buffer.content.iter().enumerate() {
            let symbol = cell.symbol();
            prop_assert!(!symbol.chars().any(is_harmful), "{symbol:?} was drawn");
            let room = usize::from(buffer.area.width) - at % usize::from(buffer.area.width);
            prop_assert!(crate::tui::text::width(symbol) <= room, "{symbol:?} has no room");
            self.plain &= symbol.chars().nth(1).is_none() && crate::tui::text::width(symbol) > 0;
        }
        let model = &rig.model;
        let bytes = self.screen.frame(|buffer| crate::tui::views::draw(model, buffer));
        self.terminal.take(&bytes).map_err(TestCaseError::fail)?;
        if self.plain && buffer.area.width > 1 && buffer.area.height > 0 {
            let drawn: Vec<String> = text_of(&buffer).lines().map(String::from).collect();
            prop_assert_eq!(self.terminal.rows(), drawn);
        }
        selections_are_inside(model)
    }

    /// The same messages make the same picture, whoever looked in between.
    fn are_equal(&self) -> TestCaseResult {
        let [first, second] = &self.rigs;
        prop_assert_eq!(first.text(), second.text());
        prop_assert!(first.draw() == second.draw());
        Ok(())
    }
}

fn selections_are_inside(model: &Model) -> TestCaseResult {
    // What is selected is what is shown.
    if model.selection.as_ref().is_some_and(|selection| selection.marked.is_some()) {
        prop_assert!(select::text(model).is_some());
    }
    prop_assert!(model.zoom.is_none_or(|view| view == model.view));
    let inside = |at: usize, len: usize| len == 0 || at < len;
    prop_assert!(inside(model.scripts.position(), model.scripts.items().len()));
    prop_assert!(inside(model.processes.position(), model.processes.shown().len()));
    prop_assert!(inside(model.errors.position(), model.errors.shown().len()));
    prop_assert!(inside(model.urls.position(), model.urls.shown().len()));
    prop_assert!(inside(model.web.position(), model.web.len()));
    prop_assert!(inside(model.mcp.position(), model.mcp.len()));
    if let Some(Overlay::Environment(popup)) = &model.overlay {
        prop_assert!(inside(popup.cursor, popup.len()));
    }
    Ok(())
}

/// Whether nothing is open, marked, searched or focused: the view as it is come to first.
fn is_plain(model: &Model) -> bool {
    let logs = &model.logs;
    let in_logs = logs.marked.is_none() && logs.anchor.is_none() && logs.before_solo.is_none();
    let unmarked = model.view != View::Processes || model.processes.marked.is_empty();
    model.overlay.is_none()
        && model.attached.is_none()
        && (model.tab, model.chip) == (None, None)
        && model.selection.is_none()
        && model.zoom.is_none()
        && model.processes.held.is_none()
        && strip::focused(model).is_none()
        && !crate::tui::layout::has_find(model)
        && unmarked
        && (model.view != View::Logs || in_logs)
}

/// So many Esc lead back from anywhere.
const BACK_MAX: usize = 12;

/// Leaves a terminal by its key, and everything else by Esc; nothing of that starts, stops or ends anything.
fn goes_back(rig: &mut Rig) -> TestCaseResult {
    rig.asked();
    rig.outside.clear();
    if rig.model.attached.is_some() {
        // What lies over it goes first.
        (0..3).for_each(|_| {
            if rig.model.overlay.is_some() {
                _ = rig.press(&["esc"])
            }
        });
        rig.press(&["f12"]);
        prop_assert!(rig.model.attached.is_none() && rig.attached.is_none(), "the terminal was not left");
    }
    let mut pressed = 0;
    while !is_plain(&rig.model) {
        prop_assert!(pressed < BACK_MAX, "Esc does not lead back:\n{}", rig.text());
        rig.press(&["esc"]);
        pressed += 1;
    }
    let asked = rig.asked();
    prop_assert!(asked.iter().all(|command| matches!(command, Command::Resize { .. })), "{asked:?}");
    let leaves = rig.outside.iter().any(|effect| matches!(effect, Effect::Leave(_) | Effect::Suspend));
    prop_assert!(!leaves, "{:?}", rig.outside);
    Ok(())
}

/// The same cases each time, unless a longer run is asked for.
fn config() -> ProptestConfig {
    let longer = std::env::var_os("PROPTEST_CASES").is_some();
    let rng_seed = if longer { RngSeed::Random } else { RngSeed::Fixed(21) };
    ProptestConfig { cases: 64, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

#[test]
fn a_wide_letter_that_a_window_lies_half_over_leaves_no_hole() {
    let size = (100, 10);
    let begin = Beginning {
        full: false,
        theme: "auto",
        depth: Depth::True,
        ascii: false,
        hints: true,
        size,
        folder: String::new(),
    };
    let mut watched = Watched::new(&begin);
    let key = crate::tui::key::Key::parse("?").unwrap().as_event();
    let script = ["", "漢字かな交じり文", "", ""].map(String::from);
    for step in [Step::Key(key), Step::Scripts(vec![script]), Step::Scripts(Vec::new())] {
        watched.happen(&step).unwrap();
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tm01_tm02_nothing_that_happens_breaks_the_ui_and_esc_leads_back(
        begin in beginning(),
        steps in proptest::collection::vec(step(false), 1..50),
    ) {
        let mut watched = Watched::new(&begin);
        for step in &steps {
            watched.happen(step)?;
        }
        watched.are_equal()?;
        goes_back(&mut watched.rigs[0])?;
        watched.look()?;
    }

    #[test]
    fn tm01_tm02_nothing_that_happens_breaks_an_attached_terminal_and_there_is_a_way_out(
        begin in beginning(),
        steps in proptest::collection::vec(step(true), 1..40),
        out in 0..3,
    ) {
        let mut watched = Watched::new(&Beginning { full: true, ..begin });
        for rig in &mut watched.rigs {
            rig.press(&["2"]);
            rig.model.processes.selected = Some(ProcessId(2));
            rig.press(&["a"]);
            prop_assert!(rig.model.attached.is_some());
        }
        for step in &steps {
            watched.happen(step)?;
        }
        watched.are_equal()?;
        let rig = &mut watched.rigs[0];
        if rig.model.attached.is_some() && rig.model.overlay.is_none() && out < 2 {
            // Alone for a second, or before another key; it may have been pressed just before.
            rig.model.attached.iter_mut().for_each(|attached| attached.leader = None);
            rig.press(&["ctrl+]"]);
            let now = rig.model.now + 1_000;
            if out == 0 { rig.send(Message::Now(now)) } else { _ = rig.press(&["esc"]) }
            prop_assert!(rig.model.attached.is_none(), "the leader does not leave");
        }
        goes_back(rig)?;
        watched.look()?;
    }
}
