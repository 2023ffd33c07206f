//! What a newcomer is told: a line for each view on the first visits, and an introduction in three steps. Keys are those of the
//! key table, whatever they are bound to.

use crate::tui::key::Key;
use crate::tui::keymap::Action;
use crate::tui::layout::Class;
use crate::tui::model::{Model, View};
use crate::tui::text::width;

/// A view tells what it is for on so many visits.
const VISITS: u8 = 3;
/// Whoever leaves earlier has only passed through.
const VISIT_MILLIS: u64 = 3_000;
/// The line goes after this time.
const SHOWN_MILLIS: u64 = 20_000;

/// How often each view was visited, in the order of the tabs.
pub(crate) type Visits = [u8; View::ALL.len()];

/// Which views a person knows.
#[derive(Debug, Default)]
pub(crate) struct Newcomer {
    /// None while it is not known, or nowhere to be kept: then nothing is told.
    pub(crate) visits: Option<Visits>,
    /// The view in front, and since when.
    here: Option<(View, u64)>,
    /// This visit is one of the first.
    is_new: bool,
    counted: bool,
}

impl Newcomer {
    /// What is kept of earlier runs.
    pub(crate) fn recall(&mut self, visits: Visits) {
        *self = Newcomer { visits: Some(visits), ..Newcomer::default() };
    }

    /// Counts a visit once it is one; answers what is then to be kept.
    pub(crate) fn visit(&mut self, view: View, now: u64, can_be_told: bool) -> Option<Visits> {
        let visits = self.visits.as_mut()?;
        let count = &mut visits[view.number() - 1];
        let since = match self.here {
            Some((here, since)) if here == view => since,
            _ => {
                (self.here, self.counted) = (Some((view, now)), false);
                self.is_new = can_be_told && *count < VISITS;
                now
            }
        };
        if !self.is_new || self.counted || now < since + VISIT_MILLIS {
            return None;
        }
        self.counted = true;
        *count += 1;
        Some(*visits)
    }

    /// When the visit counts, or its line goes.
    pub(crate) fn due(&self) -> Option<u64> {
        let (_, since) = self.here.filter(|_| self.is_new)?;
        Some(since + if self.counted { SHOWN_MILLIS } else { VISIT_MILLIS })
    }
}

/// Whether a view may tell what it is for at all.
pub(crate) fn can_be_told(model: &Model) -> bool {
    model.hints && Class::of(model.size) > Class::Tiny && model.attached.is_none()
}

/// What the view in front tells now, in so many cells.
pub(crate) fn told(model: &Model, cells: usize) -> Option<String> {
    let newcomer = &model.newcomer;
    let (view, since) = newcomer.here?;
    let is_told = newcomer.is_new && view == model.view && model.now < since + SHOWN_MILLIS && can_be_told(model);
    is_told.then(|| line(model, view, cells))
}

/// What can be done first in a view, most needed first.
fn first(view: View) -> &'static [(Action, &'static str)] {
    use Action as A;
    match view {
        View::Scripts => {
            &[(A::Open, "runs a script"), (A::RunCommandHere, "any command"), (A::Right, "what else can be done")]
        }
        View::Processes => {
            &[(A::Open, "shows the lines of one"), (A::StopStart, "stops or starts it"), (A::Right, "what else")]
        }
        View::Logs => {
            &[(A::Pause, "holds the lines"), (A::Last, "follows again"), (A::Find, "finds"), (A::CycleLevel, "level")]
        }
        View::Errors => &[(A::Open, "shows its lines"), (A::EditSource, "opens its source"), (A::Mute, "mutes it")],
        View::Urls => &[
            (A::Open, "opens a URL"),
            (A::OpenProxied, "by the proxy, to see its requests"),
            (A::ShowQr, "its QR code"),
        ],
        View::Web => &[(A::Open, "shows a request"), (A::Replay, "sends it again"), (A::TurnPage, "what pages told")],
        View::Mcp => &[(A::Open, "shows a call"), (A::SetUpTool, "sets an AI tool up"), (A::TurnMcp, "who else runs")],
        View::Settings => &[(A::Open, "edits"), (A::Right, "changes"), (A::WriteSettings, "writes it to the project")],
    }
}

/// As much of what can be done first as fits.
fn line(model: &Model, view: View, cells: usize) -> String {
    let told = first(view).iter().filter_map(|(action, text)| Some(format!("{} {text}", key(model, *action)?)));
    let mut line = String::new();
    for part in told.chain(["/tour tells more".to_owned()]) {
        let gap = if line.is_empty() { "" } else { " · " };
        if width(&line) + width(gap) + width(&part) > cells {
            break;
        }
        line.push_str(gap);
        line.push_str(&part);
    }
    line
}

/// The introduction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tour {
    pub(crate) step: usize,
    /// Rows that are scrolled past.
    pub(crate) offset: usize,
    /// The button with the focus.
    pub(crate) button: usize,
}

/// A button of the introduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TourButton {
    Next,
    Previous,
    Close,
}

impl TourButton {
    pub(crate) fn label(self) -> &'static str {
        match self {
            TourButton::Next => "Next",
            TourButton::Previous => "Back",
            TourButton::Close => "Close",
        }
    }
}

/// So many steps.
pub(crate) const STEPS: usize = 3;

impl Tour {
    /// Enter on the first button alone leads from one end to the other.
    pub(crate) fn buttons(&self) -> &'static [TourButton] {
        use TourButton as B;
        match self.step {
            0 => &[B::Next, B::Close],
            step if step + 1 < STEPS => &[B::Next, B::Previous, B::Close],
            _ => &[B::Close, B::Previous],
        }
    }

    pub(crate) fn title(&self) -> String {
        let title = ["Getting around", "The views", "Keys and commands"];
        format!("{} · {} of {STEPS}", title[self.step.min(STEPS - 1)], self.step + 1)
    }

    /// What it says: keys or a name, and what they are for, in pieces that stay together where there is room.
    pub(crate) fn rows(&self, model: &Model) -> Vec<(String, Vec<String>)> {
        let words = |(key, text): (String, String)| (key, text.split(' ').map(str::to_owned).collect());
        match self.step {
            0 => around(model).into_iter().map(words).collect(),
            1 => View::ALL
                .into_iter()
                .map(|view| (format!("{} {}", view.number(), view.title()), parts(model, view)))
                .collect(),
            _ => later(model).into_iter().map(words).collect(),
        }
    }
}

/// What can be done first, with a point behind all but the last.
fn parts(model: &Model, view: View) -> Vec<String> {
    let told = first(view).iter().filter_map(|(action, text)| Some(format!("{} {text}", key(model, *action)?)));
    let mut parts: Vec<String> = told.map(|part| part + " ·").collect();
    if let Some(last) = parts.last_mut() {
        last.truncate(last.len() - " ·".len());
    }
    parts
}

fn around(model: &Model) -> Vec<(String, String)> {
    use Action as A;
    let views: Vec<char> =
        [A::GoScripts, A::GoProcesses, A::GoLogs, A::GoErrors, A::GoUrls, A::GoWeb, A::GoMcp, A::GoSettings]
            .iter()
            .filter_map(|action| model.keymap.keys(*action).first()?.hint().parse().ok())
            .collect();
    let in_a_row = views.len() == View::ALL.len() && views.windows(2).all(|two| two[0] as u32 + 1 == two[1] as u32);
    let numbers = if in_a_row { format!(" {} … {}", views[0], views[views.len() - 1]) } else { String::new() };
    let mut rows = rows(
        model,
        &[
            (&[A::Up, A::Down], "a row up or down; from the first row up to the chips and the tabs"),
            (&[A::Right], "the buttons of a row: all that can be done with it"),
            (&[A::Open], "the first of its buttons"),
            (&[A::Back], "one step back; it never quits and never stops anything"),
        ],
    );
    let next = key(model, A::NextView).unwrap_or_default();
    rows.push((format!("{next}{numbers}").trim().to_owned(), "another view: the next one, or by its number".into()));
    rows.push(("mouse".into(), "a click goes there; a second one on the same row is Enter".into()));
    rows.push(("last row".into(), "the keys that do something now".into()));
    rows
}

fn later(model: &Model) -> Vec<(String, String)> {
    use Action as A;
    rows(
        model,
        &[
            (&[A::CommandLine], "commands: what can be typed is shown, Tab completes; /tour is this one"),
            (&[A::Find], "find in the view in front"),
            (&[A::Help], "every key of the view; typing narrows the list"),
            (&[A::Copy], "copy the row or the selected lines"),
            (&[A::CopyError], "copy the latest error with its stack"),
            (&[A::Attach], "in Processes: the terminal of a process; every key then goes to it"),
            (&[A::Leave], "leave that terminal"),
            (&[A::Messages], "what brummer itself has to say"),
            (&[A::Quit], "quit; asks while something runs, and then stops it"),
        ],
    )
}

/// What is bound to a key.
fn rows(model: &Model, all: &[(&[Action], &str)]) -> Vec<(String, String)> {
    let row = |(actions, text): &(&[Action], &str)| {
        let keys: Vec<String> = actions.iter().filter_map(|action| key(model, *action)).collect();
        (!keys.is_empty()).then(|| (keys.join(" "), (*text).to_owned()))
    };
    all.iter().filter_map(row).collect()
}

/// The first key of an action, as it is written on the screen.
fn key(model: &Model, action: Action) -> Option<String> {
    model.keymap.keys(action).first().map(|key: &Key| key.written(model.theme.glyphs))
}

/// The visits as they are kept: a line for each view.
pub(crate) fn written(visits: &Visits) -> String {
    let line = |(view, count): (View, &u8)| format!("{} {count}\n", view.title().to_lowercase());
    View::ALL.into_iter().zip(visits).map(line).collect()
}

/// The visits that stand in a file; what is no such line is passed over.
pub(crate) fn read(text: &[u8]) -> Visits {
    let mut visits = Visits::default();
    for line in String::from_utf8_lossy(text).lines() {
        let found = line
            .split_once(' ')
            .and_then(|(name, count)| Some((View::of_name(name)?, count.trim().parse::<u8>().ok()?)));
        if let Some((view, count)) = found {
            visits[view.number() - 1] = count;
        }
    }
    visits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_counts_after_a_while_and_three_of_them_are_told() {
        let mut newcomer = Newcomer::default();
        assert_eq!(newcomer.visit(View::Logs, 0, true), None, "nothing is known");
        newcomer.recall(Visits::default());
        let mut now = 0;
        for visit in 1..=5 {
            newcomer.visit(View::Scripts, now, true);
            assert!(newcomer.visit(View::Scripts, now + VISIT_MILLIS - 1, true).is_none());
            let kept = newcomer.visit(View::Scripts, now + VISIT_MILLIS, true);
            assert_eq!(kept.map(|visits| visits[0]), (visit <= VISITS).then_some(visit));
            assert_eq!(newcomer.visit(View::Scripts, now + 100_000, true), None);
            now += 200_000;
            // Another one is only passed.
            newcomer.visit(View::Web, now - 1, true);
        }
        assert_eq!(newcomer.visits.unwrap()[5], 0);
    }

    #[test]
    fn visits_that_are_kept_can_be_read_again_and_nonsense_is_none() {
        let visits: Visits = [3, 2, 1, 0, 3, 3, 1, 2];
        assert_eq!(read(written(&visits).as_bytes()), visits);
        assert_eq!(read(b"scripts 2\nnonsense 3\nlogs many\n\xff\xff 3\nweb 300\nmcp 1"), [2, 0, 0, 0, 0, 0, 1, 0]);
    }
}
