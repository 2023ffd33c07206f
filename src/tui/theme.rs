//! What things look like: colours by meaning, and the glyphs that say the same without colour.

mod built_in;
mod colors;
mod glyphs;

use ratatui::style::{Color as Paint, Modifier, Style};

pub(crate) use self::colors::Depth;
pub(crate) use self::glyphs::Glyphs;
use crate::config::{Color, Look};
use crate::event::{Level, Status};

/// The styles of everything that is drawn, by what it means.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    /// Its name.
    pub(crate) name: String,
    /// Behind everything that has no background of its own; the terminal's own if there is none.
    pub(crate) ground: Option<Paint>,
    pub(crate) text: Style,
    pub(crate) muted: Style,
    pub(crate) accent: Style,
    pub(crate) ok: Style,
    pub(crate) warn: Style,
    pub(crate) error: Style,
    /// Laid over the row with the cursor.
    pub(crate) cursor: Style,
    pub(crate) found: Style,
    pub(crate) found_here: Style,
    pub(crate) rule: Style,
    processes: Vec<Style>,
    /// The glyphs.
    pub(crate) glyphs: Glyphs,
}

impl Theme {
    /// What the settings say, as far as the terminal can show it.
    pub(crate) fn of(look: &Look, depth: Depth, ascii: bool) -> Theme {
        let glyphs = Glyphs { ascii };
        let mut theme = match (look.base, depth) {
            ("mono", _) | (_, Depth::Mono) => built_in::mono(glyphs),
            ("contrast", Depth::Ansi) => built_in::bright(glyphs),
            ("contrast", _) => built_in::contrast(glyphs),
            ("dark", Depth::Palette | Depth::True) => built_in::dark(glyphs),
            ("light", Depth::Palette | Depth::True) => built_in::light(glyphs),
            // The terminal's own sixteen are chosen for its background; the nearest of them need not be.
            _ => built_in::ansi(glyphs),
        };
        theme.name.clone_from(&look.name);
        for (role, colors) in look.colors.iter().filter(|_| depth != Depth::Mono) {
            theme.lay(role, colors, depth);
        }
        theme.reduce(depth);
        theme
    }

    /// One of the themes that are there.
    #[cfg(test)]
    pub(crate) fn new(name: &str, depth: Depth, ascii: bool) -> Result<Theme, String> {
        crate::config::Config::default().with("ui.theme", name).map(|config| Theme::of(&config.look(), depth, ascii))
    }

    /// Gives what has this name in the settings other colours.
    fn lay(&mut self, role: &str, said: &[Color], depth: Depth) {
        let Some(first) = said.first() else { return };
        let color = colors::drawn(*first);
        let behind = |style: Style| match first {
            Color::Default => Style { fg: None, bg: None, ..style }.add_modifier(Modifier::REVERSED),
            _ => Style { bg: Some(color), ..without(style, Modifier::REVERSED) },
        };
        // Nothing is dim that has a colour of its own.
        let ink = |style: Style| Style { fg: Some(color), ..without(style, Modifier::DIM) };
        let on_ink = |style: Style| match first {
            Color::Default => behind(style),
            _ => behind(style).fg(colors::ink_on(color)),
        };
        match role {
            "text" => self.text = ink(self.text),
            "background" => self.ground = Some(color),
            "muted" => self.muted = ink(self.muted),
            "accent" => self.accent = ink(self.accent),
            "ok" => self.ok = ink(self.ok),
            "warn" => self.warn = ink(self.warn),
            "error" => self.error = ink(self.error),
            // The nearest of sixteen might be the background itself.
            "cursor" if depth == Depth::Ansi && depth.nearest(color) != color => {}
            "cursor" => self.cursor = behind(self.cursor),
            "match" => self.found = on_ink(self.found),
            "current_match" => self.found_here = on_ink(self.found_here),
            "rule" => self.rule = ink(self.rule),
            "processes" => {
                self.processes = said.iter().map(|color| Style::new().fg(colors::drawn(*color))).collect();
            }
            other => unreachable!("{other} is none of the roles that the settings take"),
        }
    }

    /// Leaves no colour that the terminal has not.
    fn reduce(&mut self, depth: Depth) {
        self.ground = self.ground.map(|color| depth.nearest(color));
        let fixed = [
            &mut self.text,
            &mut self.muted,
            &mut self.accent,
            &mut self.ok,
            &mut self.warn,
            &mut self.error,
            &mut self.cursor,
            &mut self.found,
            &mut self.found_here,
            &mut self.rule,
        ];
        for style in fixed.into_iter().chain(&mut self.processes) {
            style.fg = style.fg.map(|color| depth.nearest(color));
            style.bg = style.bg.map(|color| depth.nearest(color));
        }
    }

    /// The colour of a process: the same for the same name, in every run.
    pub(crate) fn process(&self, name: &str) -> Style {
        // FNV-1a: spreads short names well and needs no state.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        self.processes[(hash >> 8) as usize % self.processes.len()]
    }

    /// The sign and the style of a process's state.
    pub(crate) fn status(&self, status: Status, stopping: bool) -> (&'static str, Style) {
        let glyphs = self.glyphs;
        match status {
            _ if stopping => (glyphs.busy(), self.warn),
            Status::Pending => (glyphs.busy(), self.warn),
            Status::Running => (glyphs.running(), self.ok),
            Status::Stopped => (glyphs.stopped(), self.muted),
            Status::Failed => (glyphs.failed(), self.error),
            Status::Success => (glyphs.done(), self.ok),
        }
    }

    /// The letter and the style of a level; Info has none.
    pub(crate) fn level(&self, level: Level) -> (&'static str, Style) {
        match level {
            Level::Debug => ("D", self.muted),
            Level::Info => (" ", self.text),
            Level::Warn => ("W", self.warn),
            Level::Error | Level::Critical => ("E", self.error),
        }
    }
}

/// The style, which does not even take the modifier away again from what it is laid over.
fn without(style: Style, modifier: Modifier) -> Style {
    Style {
        add_modifier: style.add_modifier.difference(modifier),
        sub_modifier: style.sub_modifier.difference(modifier),
        ..style
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, ROLES, THEMES};

    fn of(text: &str, depth: Depth) -> Theme {
        let config = Config::from_text(Path::new("x.toml"), text, &Default::default()).unwrap();
        Theme::of(&config.look(), depth, false)
    }

    fn styles(theme: &Theme) -> Vec<Style> {
        let Theme { ground, text, muted, accent, ok, warn, error, cursor, found, found_here, rule, .. } = theme.clone();
        let ground = Style { bg: ground, ..Style::new() };
        let fixed = [text, ground, muted, accent, ok, warn, error, cursor, found, found_here, rule];
        fixed.into_iter().chain([theme.processes[0]]).collect()
    }

    #[test]
    fn every_named_theme_is_there_and_others_are_an_error_that_names_them() {
        for name in THEMES {
            assert_eq!(Theme::new(name, Depth::True, false).unwrap().name, name);
        }
        assert!(Theme::new("solar", Depth::True, false).unwrap_err().contains("contrast"));
        assert_eq!(Theme::new("dark", Depth::Mono, false).unwrap().text, Style::new());
    }

    #[test]
    fn without_true_colour_no_rgb_is_left_and_with_sixteen_only_named_ones() {
        let theme = Theme::new("light", Depth::Palette, false).unwrap();
        assert!(matches!(theme.text.fg, Some(Paint::Indexed(_))));
        assert!(theme.processes.iter().all(|style| matches!(style.fg, Some(Paint::Indexed(_)))));
        for name in THEMES {
            let all = ROLES.map(|(role, _)| format!("{role} = '#12ab9f'\n")).concat();
            for colors in ["", &all] {
                let theme = of(&format!("[ui]\ntheme = '{name}'\n[ui.colors]\n{colors}"), Depth::Ansi);
                let paints = styles(&theme).into_iter().flat_map(|style| [style.fg, style.bg]).flatten();
                paints
                    .for_each(|paint| assert!(!matches!(paint, Paint::Rgb(..) | Paint::Indexed(_)), "{name} {paint}"));
            }
        }
    }

    #[test]
    fn every_role_can_be_given_a_colour_over_every_theme_and_changes_that_alone() {
        for name in THEMES {
            let begin = format!("[ui]\ntheme = '{name}'\n[ui.colors]\n");
            let before = styles(&of(&begin, Depth::True));
            for (at, (role, _)) in ROLES.into_iter().enumerate() {
                let after = styles(&of(&format!("{begin}{role} = '#123456'\n"), Depth::True));
                let changed: Vec<usize> = (0..ROLES.len()).filter(|at| before[*at] != after[*at]).collect();
                assert_eq!(changed, [at], "{role} in {name}");
                let own = Some(Paint::Rgb(0x12, 0x34, 0x56));
                assert!(after[at].fg == own || after[at].bg == own, "{role} in {name}");
            }
            let mono = of(&format!("{begin}text = 'red'\ncursor = 'blue'\n"), Depth::Mono);
            assert!(styles(&mono).iter().all(|style| (style.fg, style.bg) == (None, None)), "{name}");
        }
    }

    #[test]
    fn a_colour_takes_the_place_of_dim_and_of_reversed() {
        let theme =
            of("[ui.colors]\nmuted = 'blue'\ncursor = 52\nmatch = 'default'\ncurrent_match = 230\n", Depth::True);
        assert_eq!(theme.muted, Style::new().fg(Paint::Blue));
        assert_eq!(theme.cursor, Style::new().bg(Paint::Indexed(52)));
        assert_eq!(theme.found, Style::new().add_modifier(Modifier::REVERSED));
        assert_eq!(theme.found_here, Style::new().fg(Paint::Rgb(0, 0, 0)).bg(Paint::Indexed(230)));
        let sixteen = of("[ui.colors]\ncursor = 52\nmatch = 'bright-red'\n", Depth::Ansi);
        assert_eq!(sixteen.cursor, Style::new().add_modifier(Modifier::REVERSED), "red on red would not be seen");
        assert_eq!(sixteen.found.bg, Some(Paint::LightRed));
    }

    #[test]
    fn a_process_keeps_its_colour() {
        let theme = Theme::new("auto", Depth::Ansi, false).unwrap();
        assert_eq!(theme.process("web"), theme.process("web"));
        let few: std::collections::HashSet<_> = ["web", "api", "worker", "db", "e2e"].map(|n| theme.process(n)).into();
        assert!(few.len() > 2);
        let two = of("[ui.colors]\nprocesses = ['red', 'blue']\n", Depth::True);
        assert!(["web", "api"].map(|name| two.process(name)).iter().all(|style| style.fg != Some(Paint::Cyan)));
    }
}
