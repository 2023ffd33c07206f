//! Places in the person's editor: in a window of its own, or in the terminal, which is lent to it.

use std::sync::Arc;

use crate::event::Level;
use crate::io::editor::{Editor, Spot};
use crate::io::foreground::Foreground;
use crate::tui::input::Input;
use crate::tui::jobs;
use crate::tui::message::Message;
use crate::tui::run::Loop;

impl Loop {
    /// Opens a place in the person's editor. One that needs the terminal gets it until it ends.
    pub(super) fn edit(&mut self, spot: &Spot) {
        let place = format!("{}:{}", spot.file.display(), spot.line);
        let inbox = Arc::clone(&self.inbox);
        match Editor::find(spot, |key| std::env::var(key).ok()) {
            None => {
                let text = format!("{place} was not opened: there is no editor{}", jobs::NO_EDITOR);
                self.effect_of(Message::Notice(Level::Warn, text));
            }
            Some(editor @ Editor::Terminal(_)) => self.lend(&editor),
            Some(editor) => self.backend.spawn(Box::new(move || {
                let (level, text) = jobs::open_window(&editor, &place);
                inbox.send(Message::Notice(level, text));
            })),
        }
    }

    fn lend(&mut self, editor: &Editor) {
        let (Some(input), Some(command)) = (&self.input, editor.command()) else { return };
        if !input.pause() {
            // The start of a key has come and not its end.
            return self
                .effect_of(Message::Notice(Level::Warn, "the terminal is being read; press the key again".into()));
        }
        self.terminal.lend();
        let failed = |error: std::io::Error| format!("{}: {error}", editor.name());
        let name = editor.name();
        match Foreground::start(command) {
            Ok(program) => {
                self.lent = Some(program.pid());
                let inbox = Arc::clone(&self.inbox);
                let wait = move || {
                    let ended = program.wait().map_err(|error| format!("{name}: {error}"));
                    inbox.send(Message::Edited(ended));
                };
                let thread = std::thread::Builder::new().name("brummer-editor".into()).stack_size(64 * 1024);
                if let Err(error) = thread.spawn(wait) {
                    self.inbox.send(Message::Edited(Err(failed(error))));
                }
            }
            Err(error) => {
                self.come_back();
                self.effect_of(Message::Notice(Level::Warn, format!("{}{}", failed(error), jobs::NO_EDITOR)));
            }
        }
    }

    /// The terminal is ours again.
    pub(super) fn come_back(&mut self) {
        if let Err(error) = self.terminal.come_back() {
            self.effect_of(Message::Notice(Level::Error, error.message().to_string()));
        }
        self.input.iter().for_each(Input::go_on);
        let (columns, rows) = crossterm::terminal::size().unwrap_or(self.model.size);
        self.effect_of(Message::Resize(columns, rows));
        self.screen.resize(columns, rows);
    }
}
