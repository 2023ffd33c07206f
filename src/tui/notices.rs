//! Desktop notices: how the terminal is asked to show one.

use crate::tui::text::safe;

/// A notice is short: the desktop cuts it anyway.
const TEXT_CHARS_MAX: usize = 200;

/// The way in which this terminal is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notices {
    /// Not at all.
    Off,
    /// By its bell.
    Bell,
    /// As iTerm2 does it.
    Osc9,
    /// As urxvt does it.
    Osc777,
}

impl Notices {
    /// What `ui.notify` says; `auto` goes by what the terminal calls itself. The bell is what every one of them has.
    pub(crate) fn new(notify: &str, get: impl Fn(&str) -> Option<String>) -> Notices {
        let of = |key: &str| get(key).unwrap_or_default();
        let (term, program) = (of("TERM"), of("TERM_PROGRAM"));
        match notify {
            "off" => Notices::Off,
            "bell" => Notices::Bell,
            "osc9" => Notices::Osc9,
            "osc777" => Notices::Osc777,
            // A multiplexer hands on the bell alone.
            _ if !of("TMUX").is_empty() || !of("STY").is_empty() => Notices::Bell,
            _ if ["iTerm.app", "WezTerm", "ghostty"].contains(&program.as_str()) => Notices::Osc9,
            _ if term.contains("kitty") || term.contains("ghostty") => Notices::Osc9,
            _ if term.starts_with("rxvt") || term.starts_with("foot") => Notices::Osc777,
            _ => Notices::Bell,
        }
    }

    /// What is sent to the terminal.
    pub(crate) fn bytes(self, text: &str) -> Vec<u8> {
        let text: String = safe(text).chars().take(TEXT_CHARS_MAX).collect();
        match self {
            Notices::Off => Vec::new(),
            Notices::Bell => b"\x07".to_vec(),
            Notices::Osc9 => format!("\x1b]9;brummer: {text}\x07").into_bytes(),
            // A semicolon would end the text.
            Notices::Osc777 => format!("\x1b]777;notify;brummer;{}\x07", text.replace(';', ",")).into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_goes_by_the_terminal_and_a_multiplexer_gets_the_bell() {
        let with = |pairs: &'static [(&str, &str)]| {
            Notices::new("auto", |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| value.to_string()))
        };
        assert_eq!(with(&[("TERM", "xterm-256color")]), Notices::Bell);
        assert_eq!(with(&[("TERM_PROGRAM", "iTerm.app")]), Notices::Osc9);
        assert_eq!(with(&[("TERM", "xterm-kitty")]), Notices::Osc9);
        assert_eq!(with(&[("TERM", "foot")]), Notices::Osc777);
        assert_eq!(with(&[("TERM", "foot"), ("TMUX", "/tmp/x")]), Notices::Bell);
        assert_eq!(Notices::new("osc777", |_| None), Notices::Osc777);
    }

    #[test]
    fn what_a_process_is_called_cannot_reach_the_terminal_as_a_command() {
        let text = "a;b\x07\x1b]0;c";
        for way in [Notices::Osc9, Notices::Osc777] {
            let bytes = way.bytes(text);
            assert_eq!(bytes.iter().filter(|byte| byte.is_ascii_control()).count(), 2, "{bytes:?}");
        }
        assert_eq!(Notices::Bell.bytes(text), b"\x07");
        assert!(Notices::Off.bytes(text).is_empty());
    }
}
