//! What the loop asks of the desktop and the disk: the clipboard, the browser, what is remembered for the next run.

use std::sync::Arc;

use crate::app::command::Command;
use crate::event::Level;
use crate::io::clipboard::Tool;
use crate::io::opener::Opener;
use crate::process::Program;
use crate::tui::jobs::{self, Way};
use crate::tui::message::{Asked, Effect, Kept, Message};
use crate::tui::run::Loop;

impl Loop {
    /// By a tool of the desktop on a worker; by the terminal itself if there is none.
    pub(super) fn copy(&mut self, text: String, what: String) {
        let candidates = Tool::candidates(|key| std::env::var(key).ok());
        let tools = match jobs::way(&self.options.clipboard, candidates) {
            Way::Tools(tools) => tools,
            Way::Terminal => return self.copy_by_terminal(&text, &what),
            Way::None(reason) => return self.effect_of(Message::Notice(Level::Warn, reason.into())),
        };
        let inbox = Arc::clone(&self.inbox);
        let native = self.options.clipboard == "native";
        self.backend.spawn(Box::new(move || {
            let message = match jobs::copy(&tools, &text) {
                Some(tool) => Message::Notice(Level::Info, format!("copied {what} ({tool})")),
                None if !native => Message::NotTaken(text, what),
                None => Message::Notice(Level::Error, "no clipboard tool works; /save FILE writes to a file".into()),
            };
            inbox.send(message);
        }));
    }

    pub(super) fn copy_by_terminal(&mut self, text: &str, what: &str) {
        let (level, notice) = match jobs::osc52(text) {
            Some(bytes) => {
                self.terminal.send(bytes);
                (Level::Info, format!("copied {what} (asked the terminal, OSC 52)"))
            }
            None => (Level::Warn, format!("{what}: {}", jobs::TOO_MUCH_FOR_TERMINAL)),
        };
        self.effect_of(Message::Notice(level, notice));
    }

    /// On a worker: what earlier runs have kept.
    pub(super) fn recall(&self) {
        if let Some(keeper) = self.keeper.clone() {
            self.backend.spawn(Box::new(move || keeper.recall()));
        }
    }

    /// On a worker: for the next run.
    pub(super) fn keep(&self, kept: Kept) {
        if let Some(keeper) = self.keeper.clone().filter(|keeper| keeper.keep(kept)) {
            self.backend.spawn(Box::new(move || keeper.work()));
        }
    }

    /// By this program itself, as a process among the others: what it changes is seen in its lines.
    pub(super) fn install(&mut self, words: Vec<String>) {
        let program = match std::env::current_exe() {
            Ok(program) => program.to_string_lossy().into_owned(),
            Err(error) => {
                let text = format!("this program's own file is not found: {error}");
                return self.effect_of(Message::Notice(Level::Error, text));
            }
        };
        let argv = [program, "mcp".into(), "install".into()].into_iter().chain(words).collect();
        self.carry_out(Effect::Execute(Command::Exec { command: Program::Argv(argv).display() }, Asked::Show));
    }

    /// On a worker: a browser takes a while to start.
    pub(super) fn open_url(&self, url: String) {
        let inbox = Arc::clone(&self.inbox);
        let openers = Opener::candidates(|key| std::env::var(key).ok());
        self.backend.spawn(Box::new(move || {
            let (level, text) = jobs::open(&url, &openers);
            inbox.send(Message::Notice(level, text));
        }));
    }
}
