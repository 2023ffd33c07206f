//! Whatever is pressed, pasted, clicked or written, at whatever size: no panic, no selection outside, nothing drawn outside.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use crate::event::Status;
use crate::tui::key::Key;
use crate::tui::keymap::{Keymap, ROWS};
use crate::tui::message::Message;
use crate::tui::testing::{Mock, Rig, process};

#[derive(Clone, Debug)]
enum Step {
    Bound(usize),
    Char(char),
    Special(usize),
    Resize(u16, u16),
    Mouse(u8, u16, u16),
    Line(u64, String),
    Processes(u64),
    Web(u64, String),
    Paste(String),
    Wait(u64),
}

const SPECIAL: [&str; 10] = ["enter", "esc", "tab", "up", "down", "left", "right", "backspace", "home", "alt+r"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..ROWS.len()).prop_map(Step::Bound),
        2 => any::<char>().prop_map(Step::Char),
        4 => (0..SPECIAL.len()).prop_map(Step::Special),
        1 => (0_u16..140, 0_u16..45).prop_map(|(x, y)| Step::Resize(x, y)),
        2 => (0_u8..6, 0_u16..140, 0_u16..45).prop_map(|(kind, x, y)| Step::Mouse(kind, x, y)),
        2 => (1_u64..4, "\\PC{0,30}|[\\x00-\\x7f]{0,200}|ERROR [a-z]{1,5}").prop_map(|(id, text)| Step::Line(id, text)),
        1 => (0_u64..8).prop_map(Step::Processes),
        2 => (0_u64..40, "\\PC{0,30}|[\\x00-\\x7f]{0,80}").prop_map(|(count, text)| Step::Web(count, text)),
        1 => "[a-z/(*: ]{0,12}".prop_map(Step::Paste),
        1 => (0_u64..5000).prop_map(Step::Wait),
    ]
}

fn mouse(kind: u8, column: u16, row: u16) -> MouseEvent {
    let kind = match kind {
        0 => MouseEventKind::ScrollUp,
        1 => MouseEventKind::ScrollDown,
        2 => MouseEventKind::Down(MouseButton::Left),
        3 => MouseEventKind::Drag(MouseButton::Left),
        4 => MouseEventKind::Up(MouseButton::Left),
        _ => MouseEventKind::Down(MouseButton::Right),
    };
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

fn apply(rig: &mut Rig, step: Step, keymap: &Keymap) {
    match step {
        Step::Bound(at) => {
            if let Some(key) = keymap.keys(ROWS[at].action).first() {
                rig.event(key.as_event());
            }
        }
        Step::Char(ch) => rig.send(Message::Key(crossterm::event::KeyEvent::new(
            crossterm::event::KeyCode::Char(ch),
            KeyModifiers::NONE,
        ))),
        Step::Special(at) => {
            rig.event(Key::parse(SPECIAL[at]).unwrap().as_event());
        }
        Step::Resize(columns, rows) => rig.send(Message::Resize(columns, rows)),
        Step::Mouse(kind, x, y) => rig.send(Message::Mouse(mouse(kind, x, y))),
        Step::Line(id, text) => {
            rig.mock.line(id, ["web", "api", "db"][id as usize - 1], &text);
            rig.refresh();
        }
        Step::Processes(count) => {
            let status = [Status::Running, Status::Failed, Status::Stopped];
            *rig.mock.processes.lock().unwrap() =
                (1..=count).map(|id| process(id, &format!("p{id}"), status[id as usize % 3])).collect();
            rig.refresh();
        }
        Step::Web(count, text) => {
            rig.mock.web.lock().unwrap().change(count, &text);
            rig.refresh();
        }
        Step::Paste(text) => rig.send(Message::Paste(text)),
        Step::Wait(millis) => {
            let now = rig.model.now + millis;
            rig.send(Message::Now(now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_breaks_the_ui(steps in proptest::collection::vec(step(), 1..60), full in any::<bool>()) {
        let keymap = Keymap::default();
        let mut rig = Rig::new(if full { Mock::full() } else { Mock::empty() }, (80, 24));
        for step in steps {
            apply(&mut rig, step, &keymap);
            let (buffer, cursor) = rig.draw();
            if let Some((x, y, _)) = cursor {
                prop_assert!(x < buffer.area.width && y < buffer.area.height);
            }
            let harmful = buffer.content.iter().any(|cell| cell.symbol().chars().any(char::is_control));
            prop_assert!(!harmful, "a control character was drawn");
            let scripts = rig.model.scripts.items().len();
            prop_assert!(scripts == 0 || rig.model.scripts.position() < scripts);
            let processes = rig.model.processes.shown().len();
            prop_assert!(processes == 0 || rig.model.processes.position() < processes);
            let (urls, web) = (&rig.model.urls, &rig.model.web);
            prop_assert!(urls.shown().is_empty() || urls.position() < urls.shown().len());
            prop_assert!(web.len() == 0 || web.position() < web.len());
        }
    }
}
