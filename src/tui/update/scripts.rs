//! The Scripts view: moving, running, narrowing.

use crate::app::command::Command;
use crate::app::view::ScriptRow;
use crate::event::{Level, ProcessId};
use crate::io::editor::Spot;
use crate::tui::layout::layout;
use crate::tui::message::{Asked, Effect};
use crate::tui::model::{Item, Model, Scripts, View, scroll};
use crate::tui::update::{overlays, tell};

/// The process of a script, if it runs.
pub(super) fn running(model: &Model, row: &ScriptRow) -> Option<ProcessId> {
    row.process.filter(|id| model.processes.get(*id).is_some_and(|process| !process.status.is_ended()))
}

/// Selects the script that is `by` scripts away.
pub(super) fn step(model: &mut Model, by: isize) {
    let items = model.scripts.items();
    let scripts: Vec<&ScriptRow> = items.iter().filter_map(row_of).collect();
    let selected = model.scripts.selected();
    let at = scripts.iter().position(|row| Some(*row) == selected).unwrap_or(0);
    let to = at.saturating_add_signed(by).min(scripts.len().saturating_sub(1));
    model.scripts.selected = scripts.get(to).map(|row| Scripts::key(row));
    keep_in_sight(model);
}

fn row_of<'a>(item: &Item<'a>) -> Option<&'a ScriptRow> {
    match item {
        Item::Script(row) => Some(row),
        Item::Heading(_) => None,
    }
}

/// Scrolls so that the selected script is on the screen, with its heading if that is just above.
pub(super) fn keep_in_sight(model: &mut Model) {
    if model.view != View::Scripts {
        return;
    }
    let height = usize::from(layout(model).list.height);
    let (at, len) = (model.scripts.position(), model.scripts.items().len());
    scroll(&mut model.scripts.offset, at, height, len);
    let heading = at.checked_sub(1).is_some_and(|above| matches!(model.scripts.items()[above], Item::Heading(_)));
    if heading && height > 1 {
        scroll(&mut model.scripts.offset, at - 1, height, len);
    }
}

/// Selects the script on this row of the list; answers whether it was selected already.
pub(super) fn select_row(model: &mut Model, row: usize) -> Option<bool> {
    let items = model.scripts.items();
    let script = items.get(model.scripts.offset + row).and_then(row_of)?;
    let again = model.scripts.selected() == Some(script);
    model.scripts.selected = Some(Scripts::key(script));
    Some(again)
}

/// Runs the selected script and looks at its terminal.
pub(super) fn run_in_terminal(model: &mut Model) -> Vec<Effect> {
    let effects = run(model, false);
    let attach = |effect| match effect {
        Effect::Execute(command, Asked::Show) => Effect::Execute(command, Asked::Attach),
        other => other,
    };
    effects.into_iter().map(attach).collect()
}

/// Runs the selected script, or goes to it if it runs.
pub(super) fn run(model: &mut Model, another: bool) -> Vec<Effect> {
    let Some(row) = model.scripts.selected() else { return Vec::new() };
    if let Err(why) = &row.runnable {
        let text = format!("`{}` cannot be run: {why}", row.name);
        tell::tell(model, Level::Error, text);
        return Vec::new();
    }
    let command = Command::Run { script: row.name.clone(), args: Vec::new(), another };
    vec![Effect::Execute(command, Asked::Show)]
}

/// Where the selected script is written, if that is a place in a file.
fn spot(model: &Model) -> Option<Spot> {
    let (file, line) = model.scripts.selected()?.source.rsplit_once(':')?;
    let line = line.parse().ok().filter(|line| *line > 0 && !file.is_empty())?;
    Some(Spot { file: model.project.dir.join(file), line, column: 1 })
}

/// Whether the place where the selected script is written can be opened.
pub(super) fn can_edit(model: &Model) -> bool {
    spot(model).is_some()
}

/// Opens the place where the selected script is written in the person's editor.
pub(super) fn edit(model: &Model) -> Vec<Effect> {
    spot(model).map(Effect::Edit).into_iter().collect()
}

/// Asks for arguments on the command line.
pub(super) fn run_with(model: &mut Model) -> Vec<Effect> {
    if let Some(row) = model.scripts.selected() {
        let text = format!("run {} ", row.name);
        overlays::open_command(model, &text);
    }
    Vec::new()
}
