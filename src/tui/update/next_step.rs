//! The buttons of an empty view: what leads on from there.

use crate::tui::field::Field;
use crate::tui::keymap::Action;
use crate::tui::message::Effect;
use crate::tui::model::{Model, View};
use crate::tui::processes::StatusFilter;
use crate::tui::update::strip::Button;
use crate::tui::update::{dispatch, mcp, overlays, scripts, web};
use crate::tui::web_filter::{Ended, Kind};

/// Does what a button says that only an empty view has.
pub(super) fn press(model: &mut Model, button: Button) -> Vec<Effect> {
    match button {
        Button::RunCommand => command(model, "exec "),
        Button::RouteUrl => command(model, "proxy "),
        Button::ChooseScript => dispatch::go(model, View::Scripts),
        Button::ChooseUrl => dispatch::go(model, View::Urls),
        Button::SetUpTool => mcp::choose_tool(model),
        Button::ShowAll => show_all(model),
        Button::FiltersOff => dispatch::act(model, Action::Filters),
        Button::BringBack(action) => dispatch::act(model, action),
        _ => Vec::new(),
    }
}

fn command(model: &mut Model, text: &str) -> Vec<Effect> {
    overlays::open_command(model, text);
    Vec::new()
}

/// Takes away what narrows the list: what is looked for, then the filters of the view.
fn show_all(model: &mut Model) -> Vec<Effect> {
    match model.view {
        View::Scripts => model.scripts.only_runnable = false,
        View::Processes => model.processes.status = StatusFilter::All,
        View::Web => web::choose(model, |web| {
            (web.kind, web.ended) = (Kind::All, Ended::All);
            (web.event_kind, web.session) = (None, None);
        }),
        _ => {}
    }
    *overlays::find_field(model) = Field::default();
    let effects = overlays::find_changed(model);
    scripts::keep_in_sight(model);
    effects
}
