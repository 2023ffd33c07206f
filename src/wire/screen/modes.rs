//! What a child has asked of its terminal that matters outside of the screen: how keys, pastes and the mouse are told to it.

use memchr::memchr;

/// Which mouse events the child wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    /// None: the mouse is the person's, to select and to scroll.
    #[default]
    None,
    /// Presses and releases.
    Clicks,
    /// These, and motion while a button is down.
    Drags,
    /// All motion.
    Motion,
}

/// The modes of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// The alternate screen is shown: the child draws a whole screen of its own.
    pub alternate: bool,
    /// Arrows are told as `ESC O A` instead of `ESC [ A`.
    pub cursor_keys: bool,
    /// A paste is put between brackets.
    pub bracketed_paste: bool,
    /// Whether the terminal has the focus is told.
    pub focus: bool,
    /// Which mouse events are told.
    pub mouse: Mouse,
    /// They are told in the form that has no limit of 223 columns.
    pub sgr_mouse: bool,
    /// On the alternate screen the wheel is told as arrows.
    pub alternate_scroll: bool,
    /// The cursor is not to be seen.
    pub hidden_cursor: bool,
}

impl Default for Modes {
    fn default() -> Modes {
        Modes {
            alternate: false,
            cursor_keys: false,
            bracketed_paste: false,
            focus: false,
            mouse: Mouse::None,
            sgr_mouse: false,
            alternate_scroll: true,
            hidden_cursor: false,
        }
    }
}

impl Modes {
    /// Takes `CSI ? number h` (on) or `l` (off).
    pub(super) fn set(&mut self, number: u16, on: bool) {
        let mouse = |mouse| if on { mouse } else { Mouse::None };
        match number {
            1 => self.cursor_keys = on,
            25 => self.hidden_cursor = !on,
            47 | 1047 | 1049 => self.alternate = on,
            9 | 1000 => self.mouse = mouse(Mouse::Clicks),
            1002 => self.mouse = mouse(Mouse::Drags),
            1003 => self.mouse = mouse(Mouse::Motion),
            1004 => self.focus = on,
            1006 => self.sgr_mouse = on,
            1007 => self.alternate_scroll = on,
            2004 => self.bracketed_paste = on,
            _ => {}
        }
    }

    /// Whether a mode is on; `None` for one that is not known here.
    pub(super) fn get(&self, number: u16) -> Option<bool> {
        Some(match number {
            1 => self.cursor_keys,
            25 => !self.hidden_cursor,
            47 | 1047 | 1049 => self.alternate,
            1000 => self.mouse == Mouse::Clicks,
            1002 => self.mouse == Mouse::Drags,
            1003 => self.mouse == Mouse::Motion,
            1004 => self.focus,
            1006 => self.sgr_mouse,
            1007 => self.alternate_scroll,
            2004 => self.bracketed_paste,
            _ => return None,
        })
    }

    /// The sequences that bring a new terminal into these modes.
    pub(super) fn sequences(&self) -> Vec<u8> {
        let numbers = [1049, 1, 25, 1000, 1002, 1003, 1004, 1006, 1007, 2004];
        let of = |number: &u16| {
            let on = self.get(*number)?;
            (on != Modes::default().get(*number)?).then(|| format!("\x1b[?{number}{}", if on { 'h' } else { 'l' }))
        };
        numbers.iter().filter_map(of).collect::<String>().into_bytes()
    }
}

/// Follows the modes in a child's output, however it was cut, at the cost of one search for ESC.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    modes: Modes,
    state: State,
    numbers: [u16; 8],
    count: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After `ESC [`.
    Sequence,
    /// After `ESC [ ?`.
    Private,
}

impl Watch {
    /// The modes after all that was seen.
    pub fn modes(&self) -> Modes {
        self.modes
    }

    /// Takes what the child wrote next.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.state == State::Text {
                let Some(at) = memchr(0x1b, bytes) else { return };
                self.state = State::Escape;
                bytes = &bytes[at + 1..];
            } else {
                self.byte(bytes[0]);
                bytes = &bytes[1..];
            }
        }
    }

    fn byte(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (_, 0x1b) => State::Escape,
            (State::Escape, b'[') => State::Sequence,
            (State::Escape, b'c') => {
                self.modes = Modes::default();
                State::Text
            }
            (State::Sequence, b'?') => {
                (self.numbers, self.count) = ([0; 8], 0);
                State::Private
            }
            (State::Private, b'0'..=b'9') => {
                if let Some(number) = self.numbers.get_mut(self.count) {
                    *number = number.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                }
                State::Private
            }
            (State::Private, b';') => {
                self.count += 1;
                State::Private
            }
            (State::Private, b'h' | b'l') => {
                let count = (self.count + 1).min(self.numbers.len());
                self.numbers[..count].iter().for_each(|number| self.modes.set(*number, byte == b'h'));
                State::Text
            }
            _ => State::Text,
        };
    }
}
