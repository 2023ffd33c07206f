//! Whether an action can do anything now: what cannot is neither done nor named in the footer.

use crate::tui::empty;
use crate::tui::keymap::Action;
use crate::tui::layout::{self, layout};
use crate::tui::mcp::McpPage;
use crate::tui::model::{Model, View};
use crate::tui::update::{attached, errors, mcp, pane, scripts, settings, strip, url_list, urls};
use crate::tui::web::Page;

/// Whether an action can do anything now.
pub(crate) fn available(model: &Model, action: Action) -> bool {
    use Action as A;
    let selected = || model.processes.selected();
    let paused = !model.logs.place.follow;
    let has_lines = || model.logs.rows().last().is_some();
    match action {
        A::Zoom => pane::can_zoom(model),
        A::OpenUrl | A::ShowQr => urls::here(model).is_some(),
        A::OpenProxied | A::CopyProxied => url_list::proxied(model).is_some(),
        A::ForgetUrl => model.urls.selected().is_some(),
        A::UndoUrls => !model.urls.undo.is_empty(),
        A::PauseWeb => model.web.len() > 0,
        A::EditScript => scripts::can_edit(model),
        A::EditSource => errors::can_edit(model),
        A::Mute | A::CopyErrorContext => model.errors.selected().is_some(),
        A::ClearErrors => model.errors.totals().0 > 0,
        A::UndoErrors => !model.errors.undo.is_empty(),
        A::ZoomIn | A::ZoomOut => model.web.page == Page::Requests && layout(model).class == layout::Class::Wide,
        A::Reveal | A::Replay | A::CopyCurl => model.web.page == Page::Requests && model.web.len() > 0,
        A::ClearWeb => model.web.has_rows(),
        A::UndoWeb => !model.web.undo.is_empty(),
        A::PauseMcp => model.mcp.page == McpPage::Activity && model.mcp.len() > 0,
        A::NextClient => model.mcp.page == McpPage::Activity && !model.mcp.row.clients.is_empty(),
        A::LogsOfCall => mcp::named(model).is_some(),
        A::CopyCall => model.mcp.selected().is_some() && model.mcp.row.address.is_some(),
        A::CopyAddress | A::CopyClientSettings => mcp::address(model).is_some(),
        A::ClearCalls => model.mcp.row.calls.first().is_some_and(|call| call.number > model.mcp.cleared),
        A::UndoCalls => !model.mcp.undo.is_empty(),
        A::RunAnother => model.scripts.selected().is_some_and(|row| row.runnable.is_ok()),
        A::StopStart | A::Select | A::Sort | A::Details => selected().is_some(),
        A::Restart => selected().is_some(),
        A::Kill => {
            model.processes.targets().iter().any(|id| model.processes.get(*id).is_some_and(|r| !r.status.is_ended()))
        }
        A::Forget => {
            model.processes.targets().iter().any(|id| model.processes.get(*id).is_some_and(|r| r.status.is_ended()))
        }
        A::Attach | A::AttachLine => attached::target(model).is_some_and(attached::can),
        A::RestartAll => model.alive() > 0,
        A::FindNext | A::FindPrevious => model.logs.find.hits.is_some(),
        A::Filters => model.logs.has_filters(),
        A::NextMark | A::PreviousMark => !model.logs.marks.is_empty(),
        A::Undo => !model.logs.undo.is_empty(),
        A::Clear | A::CopyContext | A::SelectLines | A::SelectUp | A::Solo | A::OpenLineUrl => has_lines(),
        A::SelectDown => paused && has_lines(),
        A::ChooseProcesses => !model.processes.rows.is_empty(),
        A::FarLeft | A::FarRight => !model.logs.wrap,
        A::Right | A::Left if model.chip.is_some() => true,
        A::Toggle => settings::can_step(model),
        A::Right | A::Left if model.view == View::Settings => model.tab.is_some() || settings::can_step(model),
        A::WriteSettings | A::WriteUser => !model.settings.changed.is_empty(),
        A::UndoSetting => model.settings.can_undo(),
        A::Right => match model.view {
            _ if !strip::buttons(model).is_empty() => true,
            View::Logs => model.tab.is_some() || !model.logs.wrap,
            _ => model.tab.is_some(),
        },
        A::Left => match model.view {
            View::Logs if strip::focused(model).is_none() => model.tab.is_some() || !model.logs.wrap,
            _ => model.tab.is_some() || strip::focused(model).is_some(),
        },
        A::Open => match model.view {
            _ if model.tab.is_some() || model.chip.is_some() || empty::first_step(model).is_some() => true,
            View::Scripts => model.scripts.selected().is_some(),
            View::Processes => selected().is_some(),
            View::Logs => true,
            View::Errors => model.errors.selected().is_some(),
            View::Settings => model.settings.selected().is_some(),
            View::Urls => urls::here(model).is_some(),
            View::Web => model.web.len() > 0,
            View::Mcp => model.mcp.len() > 0,
        },
        A::Copy => match model.view {
            View::Scripts => model.scripts.selected().is_some(),
            View::Processes => selected().is_some(),
            View::Logs => has_lines(),
            View::Errors => model.errors.selected().is_some(),
            View::Settings => model.settings.selected().is_some(),
            View::Urls => model.urls.selected().is_some(),
            View::Web => model.web.len() > 0,
            View::Mcp => model.mcp.selected().is_some() || mcp::address(model).is_some(),
        },
        _ => true,
    }
}
