//! Keys, pastes and the mouse as a terminal would tell them to a child, by the modes that the child has asked for.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::wire::screen::{Modes, Mouse};

/// Something that a person does in a child's terminal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Typed {
    Key(KeyEvent),
    Paste(String),
    /// Its place counts from the top left of the child's screen.
    Mouse(MouseEvent),
    Focus(bool),
}

/// The bytes for it; none if the child has not asked to be told.
pub(crate) fn encode(typed: &Typed, modes: Modes) -> Vec<u8> {
    match typed {
        Typed::Key(event) => key(*event, modes),
        Typed::Paste(text) => paste(text, modes),
        Typed::Mouse(event) => mouse(*event, modes).unwrap_or_default(),
        Typed::Focus(here) if modes.focus => if *here { "\x1b[I" } else { "\x1b[O" }.into(),
        Typed::Focus(_) => Vec::new(),
    }
}

fn key(event: KeyEvent, modes: Modes) -> Vec<u8> {
    let modifiers = event.modifiers;
    let alt = modifiers.contains(KeyModifiers::ALT);
    let plain = match event.code {
        KeyCode::Char(letter) if modifiers.contains(KeyModifiers::CONTROL) => control(letter),
        KeyCode::Char(letter) => letter.to_string().into_bytes(),
        KeyCode::Enter => b"\r".to_vec(),
        KeyCode::Tab => b"\t".to_vec(),
        KeyCode::Backspace => b"\x7f".to_vec(),
        KeyCode::Esc => b"\x1b".to_vec(),
        KeyCode::Null => b"\0".to_vec(),
        KeyCode::BackTab => return b"\x1b[Z".to_vec(),
        other => return special(other, modifiers, modes),
    };
    if alt { [&b"\x1b"[..], &plain].concat() } else { plain }
}

/// A letter with Ctrl. The digits are how some terminals' keys arrive that have no name of their own.
fn control(letter: char) -> Vec<u8> {
    let byte = match letter.to_ascii_lowercase() {
        letter @ 'a'..='z' => letter as u8 - b'a' + 1,
        ' ' | '@' | '2' => 0,
        '[' | '3' => 0x1b,
        '\\' | '4' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '6' => 0x1e,
        '_' | '/' | '7' => 0x1f,
        '?' | '8' => 0x7f,
        other => return other.to_string().into_bytes(),
    };
    vec![byte]
}

/// Keys that are told by a sequence, with their modifiers as a number if there are some.
fn special(code: KeyCode, modifiers: KeyModifiers, modes: Modes) -> Vec<u8> {
    let number = 1
        + u8::from(modifiers.contains(KeyModifiers::SHIFT))
        + 2 * u8::from(modifiers.contains(KeyModifiers::ALT))
        + 4 * u8::from(modifiers.contains(KeyModifiers::CONTROL));
    let letter = |last: char, application: bool| match (number, application) {
        (1, true) => format!("\x1bO{last}"),
        (1, false) => format!("\x1b[{last}"),
        _ => format!("\x1b[1;{number}{last}"),
    };
    let tilde = |key: u8| if number == 1 { format!("\x1b[{key}~") } else { format!("\x1b[{key};{number}~") };
    let application = modes.cursor_keys;
    match code {
        KeyCode::Up => letter('A', application),
        KeyCode::Down => letter('B', application),
        KeyCode::Right => letter('C', application),
        KeyCode::Left => letter('D', application),
        KeyCode::Home => letter('H', application),
        KeyCode::End => letter('F', application),
        KeyCode::Insert => tilde(2),
        KeyCode::Delete => tilde(3),
        KeyCode::PageUp => tilde(5),
        KeyCode::PageDown => tilde(6),
        KeyCode::F(key @ 1..=4) => letter(char::from(b'P' + key - 1), true),
        KeyCode::F(key @ 5..=12) => tilde([15, 17, 18, 19, 20, 21, 23, 24][usize::from(key) - 5]),
        _ => String::new(),
    }
    .into_bytes()
}

/// What is pasted cannot act: no control characters but tabs and ends of lines, so it cannot close the brackets either.
fn paste(text: &str, modes: Modes) -> Vec<u8> {
    let text = text.replace("\r\n", "\r").replace('\n', "\r");
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\r')).collect();
    if modes.bracketed_paste { format!("\x1b[200~{text}\x1b[201~") } else { text }.into_bytes()
}

fn mouse(event: MouseEvent, modes: Modes) -> Option<Vec<u8>> {
    let button = |button: MouseButton| match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    };
    let (code, release) = match (event.kind, modes.mouse) {
        (_, Mouse::None) => return None,
        (MouseEventKind::Down(which), _) => (button(which), false),
        (MouseEventKind::Up(which), _) => (button(which), true),
        (MouseEventKind::Drag(which), Mouse::Drags | Mouse::Motion) => (button(which) + 32, false),
        (MouseEventKind::Moved, Mouse::Motion) => (3 + 32, false),
        (MouseEventKind::ScrollUp, _) => (64, false),
        (MouseEventKind::ScrollDown, _) => (65, false),
        (MouseEventKind::ScrollLeft, _) => (66, false),
        (MouseEventKind::ScrollRight, _) => (67, false),
        _ => return None,
    };
    let code = code
        + 4 * u8::from(event.modifiers.contains(KeyModifiers::SHIFT))
        + 8 * u8::from(event.modifiers.contains(KeyModifiers::ALT))
        + 16 * u8::from(event.modifiers.contains(KeyModifiers::CONTROL));
    let (column, row) = (event.column + 1, event.row + 1);
    if modes.sgr_mouse {
        return Some(format!("\x1b[<{code};{column};{row}{}", if release { 'm' } else { 'M' }).into_bytes());
    }
    // The old form says which button only when it goes down, and has no place beyond 223.
    let code = if release { 3 | code & !3 } else { code };
    let place = |place: u16| u8::try_from(place + 32).ok();
    Some(vec![0x1b, b'[', b'M', code + 32, place(column)?, place(row)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::key::Key;
    use proptest::prelude::*;

    fn typed(name: &str, modes: Modes) -> String {
        let bytes = encode(&Typed::Key(Key::parse(name).unwrap().as_event()), modes);
        String::from_utf8(bytes).unwrap().replace('\x1b', "^")
    }

    #[test]
    fn keys_are_told_as_a_terminal_tells_them() {
        let modes = Modes::default();
        let application = Modes { cursor_keys: true, ..modes };
        for (name, expected) in [
            ("a", "a"),
            ("alt+f", "^f"),
            ("enter", "\r"),
            ("backspace", "\x7f"),
            ("ctrl+c", "\x03"),
            ("ctrl+]", "\x1d"),
            ("shift+tab", "^[Z"),
            ("up", "^[A"),
            ("ctrl+left", "^[1;5D"),
            ("home", "^[H"),
            ("delete", "^[3~"),
            ("shift+pgup", "^[5;2~"),
            ("f1", "^OP"),
            ("f5", "^[15~"),
            ("f12", "^[24~"),
        ] {
            assert_eq!(typed(name, modes), expected, "{name}");
        }
        assert_eq!((typed("up", application), typed("end", application)), ("^OA".into(), "^OF".into()));
        assert_eq!(typed("shift+up", application), "^[1;2A");
    }

    #[test]
    fn what_is_pasted_cannot_close_its_brackets() {
        let bracketed = Modes { bracketed_paste: true, ..Modes::default() };
        let pasted = encode(&Typed::Paste("a\x1b[201~rm\r\nb\nc".into()), bracketed);
        assert_eq!(pasted, b"\x1b[200~a[201~rm\rb\rc\x1b[201~");
        assert_eq!(encode(&Typed::Paste("a\nb".into()), Modes::default()), b"a\rb");
    }

    #[test]
    fn the_mouse_is_told_to_who_asked() {
        let event = |kind| Typed::Mouse(MouseEvent { kind, column: 4, row: 299, modifiers: KeyModifiers::NONE });
        let (down, up) = (MouseEventKind::Down(MouseButton::Left), MouseEventKind::Up(MouseButton::Left));
        let sgr = Modes { mouse: Mouse::Drags, sgr_mouse: true, ..Modes::default() };
        assert_eq!(encode(&event(down), sgr), b"\x1b[<0;5;300M");
        assert_eq!(encode(&event(up), sgr), b"\x1b[<0;5;300m");
        assert_eq!(encode(&event(MouseEventKind::Drag(MouseButton::Left)), sgr), b"\x1b[<32;5;300M");
        assert_eq!(encode(&event(MouseEventKind::ScrollDown), sgr), b"\x1b[<65;5;300M");
        assert_eq!(encode(&event(down), Modes::default()), b"");
        let old = Modes { mouse: Mouse::Clicks, ..Modes::default() };
        assert_eq!(encode(&event(down), old), b"", "there is no such place in the old form");
    }

    proptest! {
        #[test]
        fn a_paste_brings_no_escape(text in "\\PC{0,20}|[\\x00-\\x7f]{0,40}", bracketed: bool) {
            let bytes = encode(&Typed::Paste(text), Modes { bracketed_paste: bracketed, ..Modes::default() });
            let inner = if bracketed { &bytes[6..bytes.len() - 6] } else { &bytes[..] };
            prop_assert!(!inner.contains(&0x1b));
        }
    }
}
