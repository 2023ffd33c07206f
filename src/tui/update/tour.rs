//! The introduction: its buttons, by keys and by clicks; and counting visits of views.

use crossterm::event::{KeyCode, KeyEvent};

use crate::tui::layout::layout;
use crate::tui::message::{Effect, Kept};
use crate::tui::model::{Model, Overlay};
use crate::tui::tour::{Tour, TourButton, can_be_told};
use crate::tui::widgets;

/// Counts the visit of the view in front.
pub(super) fn follow_up(model: &mut Model) -> Option<Effect> {
    let can_be_told = can_be_told(model);
    let visits = model.newcomer.visit(model.view, model.now, can_be_told)?;
    Some(Effect::Keep(Kept::Visits(visits)))
}

/// What the footer says while it is open.
pub(super) fn hints(model: &Model, tour: &Tour) -> &'static [(&'static str, &'static str)] {
    match widgets::tour::offset_max(model, tour, layout(model).screen) {
        0 => &[("enter", "press"), ("right", "choose"), ("esc", "close")],
        _ => &[("enter", "press"), ("down", "scroll"), ("right", "choose"), ("esc", "close")],
    }
}

/// Takes a key.
pub(super) fn key(model: &mut Model, mut tour: Tour, event: KeyEvent) -> Option<Vec<Effect>> {
    let count = tour.buttons().len();
    let mut handled = true;
    match event.code {
        KeyCode::Esc => return Some(Vec::new()),
        KeyCode::Enter | KeyCode::Char(' ') => {
            press(model, tour, tour.buttons()[tour.button.min(count - 1)]);
            return Some(Vec::new());
        }
        KeyCode::Right | KeyCode::Tab => tour.button = (tour.button + 1) % count,
        KeyCode::Left | KeyCode::BackTab => tour.button = (tour.button + count - 1) % count,
        KeyCode::Up => scroll(model, &mut tour, -1),
        KeyCode::Down => scroll(model, &mut tour, 1),
        KeyCode::PageUp => scroll(model, &mut tour, -5),
        KeyCode::PageDown => scroll(model, &mut tour, 5),
        _ => handled = false,
    }
    model.overlay = Some(Overlay::Tour(tour));
    handled.then(Vec::new)
}

/// Scrolls its text, not past its end.
pub(super) fn scroll(model: &Model, tour: &mut Tour, by: isize) {
    let most = widgets::tour::offset_max(model, tour, layout(model).screen);
    tour.offset = tour.offset.saturating_add_signed(by).min(most);
}

/// Does what a button says; the overlay was taken before.
pub(super) fn press(model: &mut Model, tour: Tour, button: TourButton) {
    let step = match button {
        TourButton::Next => tour.step + 1,
        TourButton::Previous => tour.step.saturating_sub(1),
        TourButton::Close => return,
    };
    model.overlay = Some(Overlay::Tour(Tour { step, ..Tour::default() }));
}
