//! What can happen to the UI, at random: every key, pastes, the mouse, sizes, data with the worst of names.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;
use proptest::sample::select;

use crate::app::view::{ErrorOrigin, ErrorRow, ScriptRow, SystemMessage};
use crate::event::{Level, ProcessId, Status};
use crate::tui::key::Key;
use crate::tui::keymap::ROWS;
use crate::tui::message::Message;
use crate::tui::model::View;
use crate::tui::testing::{NOW, Rig, process, variable};
use crate::tui::testing_mcp;
use crate::tui::update::strip::{Button, buttons};

/// Something that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Key(KeyEvent),
    Mouse(MouseEvent),
    /// The button goes down, the mouse moves, and the button goes up or not.
    Drag([(u16, u16); 2], bool),
    Paste(String),
    Resize(u16, u16),
    Wait(u64),
    Focus(bool),
    Line(u64, String),
    Processes(Vec<(String, Status)>),
    Scripts(Vec<[String; 4]>),
    Web(u64, String),
    PageErrors(Vec<String>),
    /// An AI tool calls: the client, the tool, what it is given.
    Call(usize, String, String),
    CallEnds(usize, bool, String),
    Instances(Vec<String>),
    Messages(Vec<String>),
    Notice(String),
    /// Commands of earlier runs are read.
    Recalled(Vec<String>),
    /// How often views were visited is read.
    Visited([u8; 8]),
    /// The introduction is asked for.
    Tour,
    /// The environment of the selected process is looked at: names, values, sources.
    Environment(Vec<[String; 3]>),
    /// The selected call of an AI tool is to be made again.
    CallAgain,
    Child(Vec<u8>),
    ChildEnds,
}

const TRIALS: [&str; 22] = [
    "",
    " ",
    "web",
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H\x1b[999;999H",
    "\x1b]0;title\x07\x1b]52;c;aGk=\x07",
    "\x1bP1$r\x1b\\\x1b[?1049l\x1b[?25l\x1bc",
    "\u{9b}31m\u{9d}0;t\u{9c}",
    "a\tb\rc\nd\0e\x7f",
    "漢字かな交じり文",
    "ﷺ﷽",
    "שלום \u{202e}abc\u{202c}",
    "\u{2066}a\u{2069}\u{200e}\u{200f}\u{61c}",
    "e\u{301}\u{302}\u{303}\u{304}",
    "\u{301}alone",
    "\u{200b}\u{200c}\u{200d}\u{feff}",
    "👩‍👩‍👧‍👦 family 👍🏽",
    "🇩🇪🇫🇷🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "☺\u{fe0f}1\u{fe0f}\u{20e3}",
    "\u{1160}\u{11a8}각",
    "{\"level\":\"error\",\"message\":\"x\",\"url\":\"http://localhost:1/\"}",
    "http://localhost:3000/a?b=\u{202e}c ERROR src/pay.ts:42:1",
];

/// Text of the kind that children, files and pages are called by.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&TRIALS[..]).prop_map(String::from),
        2 => "\\PC{0,30}",
        1 => "[\\x00-\\x7f]{0,120}",
        1 => proptest::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter),
        1 => (select(&TRIALS[..]), 1_usize..80).prop_map(|(text, count)| text.repeat(count)),
    ]
}

fn code() -> impl Strategy<Value = KeyCode> {
    use KeyCode as K;
    let named = [
        K::Enter,
        K::Esc,
        K::Tab,
        K::BackTab,
        K::Up,
        K::Down,
        K::Left,
        K::Right,
        K::Home,
        K::End,
        K::PageUp,
        K::PageDown,
        K::Backspace,
        K::Delete,
        K::Insert,
        K::Null,
    ];
    prop_oneof![
        6 => select(named.to_vec()),
        1 => (1_u8..13).prop_map(K::F),
        2 => (b' '..0x7f).prop_map(|byte| K::Char(byte.into())),
        1 => any::<char>().prop_map(K::Char),
    ]
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let every: Vec<KeyEvent> = ROWS
        .iter()
        .flat_map(|row| row.keys)
        .map(|key| Key::parse(key).expect("a key of the table").as_event())
        .collect();
    let modifiers = select(vec![
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::NONE,
        KeyModifiers::SHIFT,
        KeyModifiers::ALT,
        KeyModifiers::CONTROL,
    ]);
    prop_oneof![
        3 => select(every),
        2 => (code(), modifiers).prop_map(|(code, modifiers)| KeyEvent::new(code, modifiers)),
    ]
}

fn mouse() -> impl Strategy<Value = MouseEvent> {
    use MouseEventKind as M;
    let mut kinds = vec![M::ScrollUp, M::ScrollDown, M::ScrollLeft, M::ScrollRight, M::Moved];
    for button in [MouseButton::Left, MouseButton::Left, MouseButton::Right, MouseButton::Middle] {
        kinds.extend([M::Down(button), M::Up(button), M::Drag(button)]);
    }
    let modifiers = select(vec![KeyModifiers::NONE, KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::SHIFT]);
    let place = prop_oneof![8 => (0_u16..120, 0_u16..36), 1 => (any::<u16>(), any::<u16>())];
    (select(kinds), place, modifiers).prop_map(|(kind, (column, row), modifiers)| MouseEvent {
        kind,
        column,
        row,
        modifiers,
    })
}

/// From nothing to more than anybody has; often the limits of what fits.
pub(super) fn size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        2 => select(vec![(0, 0), (1, 1), (39, 9), (40, 10), (60, 16), (80, 20), (80, 24), (110, 28)]),
        2 => (0_u16..130, 0_u16..40),
        1 => (0_u16..12, 0_u16..4),
    ]
}

fn status() -> impl Strategy<Value = Status> {
    select(vec![Status::Pending, Status::Running, Status::Running, Status::Failed, Status::Success, Status::Stopped])
}

/// What a child writes to its terminal.
fn child() -> impl Strategy<Value = Vec<u8>> {
    let sequence = "\x1b\\[[?>]?([0-9]{1,4};?){0,3}[@-~]";
    let part = prop_oneof![
        3 => sequence.prop_map(String::into_bytes),
        1 => select(vec!["\x1b[?1049h", "\x1b[?1049l", "\x1b[?1000h", "\x1b[?1003h\x1b[?1006h", "\x1b[?2004h", "\x1bc"])
            .prop_map(Vec::from),
        3 => text().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
    ];
    proptest::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// What a call is given: anything, or an object with it in the usual places.
fn arguments() -> impl Strategy<Value = String> {
    let object = |text: String| serde_json::json!({ "processId": text, "url": text, "limit": 3 }).to_string();
    let of_process = select(&NAMES[..]).prop_map(String::from);
    prop_oneof![1 => text(), 2 => text().prop_map(object), 1 => of_process.prop_map(object)]
}

/// Anything that can happen; with `attached`, mostly what happens while a child's terminal is in front.
pub(super) fn step(attached: bool) -> impl Strategy<Value = Step> {
    let (more, often) = if attached { (8, 1) } else { (1, 2) };
    prop_oneof![
        12 => key().prop_map(Step::Key),
        2 => mouse().prop_map(Step::Mouse),
        2 => ([(0_u16..120, 0_u16..36), (0_u16..120, 0_u16..36)], any::<bool>()).prop_map(|(at, up)| Step::Drag(at, up)),
        1 => text().prop_map(Step::Paste),
        1 => size().prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        1 => (0_u64..5000).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::Focus),
        often => (1_u64..6, text()).prop_map(|(id, text)| Step::Line(id, text)),
        often => proptest::collection::vec((text(), status()), 0..8).prop_map(Step::Processes),
        1 => proptest::collection::vec([text(), text(), text(), text()], 0..6).prop_map(Step::Scripts),
        often => (0_u64..40, text()).prop_map(|(count, text)| Step::Web(count, text)),
        1 => proptest::collection::vec(text(), 0..5).prop_map(Step::PageErrors),
        often => (0..NAMES.len(), text(), arguments()).prop_map(|(client, name, given)| Step::Call(client, name, given)),
        1 => (0_usize..9, any::<bool>(), text()).prop_map(|(at, good, answer)| Step::CallEnds(at, good, answer)),
        1 => proptest::collection::vec(text(), 0..4).prop_map(Step::Instances),
        1 => proptest::collection::vec(text(), 0..4).prop_map(Step::Messages),
        1 => text().prop_map(Step::Notice),
        1 => proptest::collection::vec([text(), text(), text()], 0..9).prop_map(Step::Environment),
        1 => Just(Step::CallAgain),
        1 => proptest::collection::vec(text(), 0..4).prop_map(Step::Recalled),
        1 => proptest::array::uniform8(0_u8..4).prop_map(Step::Visited),
        1 => Just(Step::Tour),
        more => child().prop_map(Step::Child),
        1 => Just(Step::ChildEnds),
    ]
}

fn script(row: [String; 4]) -> ScriptRow {
    let [name, package, command, why] = row;
    let runnable = if why.len() % 2 == 0 { Ok(()) } else { Err(why.clone()) };
    let env = vec![why.clone()];
    let (cwd, source) = (why.clone(), why.clone());
    ScriptRow { name, package, command, cwd, source, runner: why, env, runnable, process: None }
}

fn page_error(at: usize, text: &str) -> ErrorRow {
    ErrorRow {
        id: at as u64,
        origin: ErrorOrigin::Page { page: text.into(), session: text.into() },
        name: text.into(),
        level: if at.is_multiple_of(2) { Level::Error } else { Level::Warn },
        kind: None,
        message: text.into(),
        stack: format!("at {text} (http://localhost:20888/{text}.js:1:2)").into(),
        count: 1,
        first_ms: NOW - 90_000,
        last_ms: NOW - 1600 + at as u64,
    }
}

/// Names of processes, so that lines and rows are about the same ones.
const NAMES: [&str; 6] = ["web", "api", "db", TRIALS[3], TRIALS[9], TRIALS[16]];

/// Lets it happen to several UIs of the same world: what they are told is the same.
pub(super) fn happen(rigs: &mut [Rig], step: &Step) {
    if let Step::Line(id, text) = step {
        // They share the store.
        rigs[0].mock.line(*id, NAMES[*id as usize], text);
    }
    for rig in rigs {
        happen_to(rig, step);
    }
}

/// Goes to the view and presses a button of its strip, unless something has the keys.
fn press(rig: &mut Rig, view: View, wanted: Button) {
    if rig.model.attached.is_some() || rig.model.overlay.is_some() {
        return;
    }
    rig.press(&[&view.number().to_string()]);
    let at = buttons(&rig.model).iter().position(|button| *button == wanted).filter(|_| rig.model.view == view);
    if at.is_some() {
        (rig.model.tab, rig.model.chip) = (None, None);
        let strip = if view == View::Mcp { &mut rig.model.mcp.strip } else { &mut rig.model.processes.strip };
        *strip = at;
        rig.press(&["enter"]);
    }
}

fn happen_to(rig: &mut Rig, step: &Step) {
    match step {
        Step::Key(event) => {
            let now = rig.model.now + 40;
            rig.send(Message::Now(now));
            rig.send(Message::Key(*event));
        }
        Step::Mouse(event) => rig.send(Message::Mouse(*event)),
        Step::Drag([from, to], up) => {
            let button = MouseButton::Left;
            let (down, drag, up) =
                (MouseEventKind::Down(button), MouseEventKind::Drag(button), up.then_some(MouseEventKind::Up(button)));
            for (kind, (column, row)) in [(down, *from), (drag, *to)].into_iter().chain(up.map(|up| (up, *to))) {
                rig.send(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
            }
        }
        Step::Paste(text) => rig.send(Message::Paste(text.clone())),
        Step::Resize(columns, rows) => rig.send(Message::Resize(*columns, *rows)),
        Step::Wait(millis) => {
            let now = rig.model.now + millis;
            rig.send(Message::Now(now));
        }
        Step::Focus(here) => rig.send(Message::Focus(*here)),
        Step::Line(..) => rig.refresh(),
        Step::Processes(rows) => {
            let row = |(at, (name, status)): (usize, &(String, Status))| process(at as u64 + 1, name, *status);
            *rig.mock.processes.lock().unwrap() = rows.iter().enumerate().map(row).collect();
            rig.refresh();
        }
        Step::Scripts(rows) => rig.send(Message::Scripts(rows.iter().cloned().map(script).collect())),
        Step::Web(count, text) => {
            rig.mock.web.lock().unwrap().change(*count, text);
            rig.refresh();
        }
        Step::PageErrors(texts) => {
            let errors = texts.iter().enumerate().map(|(at, text)| page_error(at, text)).collect();
            rig.mock.web.lock().unwrap().errors = errors;
            rig.refresh();
        }
        Step::Call(client, name, given) => {
            testing_mcp::begin(&mut rig.mock.mcp.lock().unwrap(), NAMES[*client], name, given);
            rig.refresh();
        }
        Step::CallEnds(at, is_good, answer) => {
            testing_mcp::end(&mut rig.mock.mcp.lock().unwrap(), *at, *is_good, answer);
            rig.refresh();
        }
        Step::Instances(names) => {
            testing_mcp::live(&mut rig.mock.mcp.lock().unwrap(), names);
            rig.refresh();
        }
        Step::Messages(texts) => {
            let message = |(at, text): (usize, &String)| SystemMessage {
                number: at as u64 + 1,
                time_ms: NOW + at as u64,
                level: if at == 1 { Level::Error } else { Level::Info },
                text: text.clone(),
                failed: (at == 2).then_some(ProcessId(1)),
            };
            rig.send(Message::System(texts.iter().enumerate().map(message).collect()));
        }
        Step::Environment(rows) => {
            let one = |(at, [name, value, source]): (usize, &[String; 3])| {
                let value = if at % 4 == 1 { "‹masked:9›" } else { value };
                variable(name, (at % 4 < 3).then_some(value), Some(source))
            };
            *rig.mock.env.lock().unwrap() = rows.iter().enumerate().map(one).collect();
            press(rig, View::Processes, Button::Environment);
        }
        Step::CallAgain => press(rig, View::Mcp, Button::CallAgain),
        Step::Notice(text) => rig.send(Message::Notice(Level::Error, text.clone())),
        Step::Visited(visits) => rig.send(Message::Visited(*visits)),
        Step::Tour => {
            let key = |key: &str| Message::Key(Key::parse(key).expect("a key").as_event());
            rig.send(key("/"));
            rig.send(Message::Paste("tour".into()));
            rig.send(key("enter"));
        }
        Step::Recalled(lines) => rig.send(Message::Recalled(lines.clone())),
        Step::Child(bytes) => rig.child_writes(bytes),
        Step::ChildEnds => rig.child_ends(),
    }
}
