//! Unfinished lines: each is shown when it stayed unfinished for a moment, and again, not too often, when it has changed.

use std::time::{Duration, Instant};

use crate::event::{ProcessId, Stream};
use crate::logs::PartialRef;

/// How long a line may be unfinished before it is shown, and how often it is shown anew.
const QUIET: Duration = Duration::from_millis(40);

/// The unfinished lines of all processes.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    prompt: Prompt,
    due: Instant,
    /// The text as it is now was shown.
    shown: bool,
}

/// An unfinished line that is to be shown now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) process: ProcessId,
    pub(super) stream: Stream,
    /// What is to be seen of it: behind the last `\r`.
    pub(super) text: Vec<u8>,
    /// It has been written over with `\r`.
    pub(super) progress: bool,
}

impl Prompts {
    /// Takes the unfinished lines as they are now; answers those to be shown.
    pub(super) fn update<'a>(&mut self, now: impl Iterator<Item = PartialRef<'a>>, time: Instant) -> Vec<Prompt> {
        let mut current = Vec::new();
        let mut shown = Vec::new();
        for partial in now {
            let same = |known: &Known| known.prompt.process == partial.process && known.prompt.stream == partial.stream;
            let old = self.known.iter().position(same).map(|at| self.known.swap_remove(at));
            let mut known = old.unwrap_or_else(|| Known {
                prompt: Prompt { process: partial.process, stream: partial.stream, text: Vec::new(), progress: false },
                due: time + QUIET,
                shown: false,
            });
            let text = partial.state();
            if known.prompt.text != text {
                known.prompt.text = text.to_vec();
                known.shown = false;
            }
            known.prompt.progress = text.len() < partial.raw.len();
            if !known.shown && known.due <= time {
                known.shown = true;
                known.due = time + QUIET;
                shown.push(known.prompt.clone());
            }
            current.push(known);
        }
        self.known = current;
        shown
    }

    /// When there is one to be shown.
    pub(super) fn due(&self) -> Option<Instant> {
        self.known.iter().filter(|known| !known.shown).map(|known| known.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_prompt_is_shown_after_a_moment_once_and_again_when_it_changes() {
        let name: Arc<str> = "ask".into();
        let partial = |raw| PartialRef { process: ProcessId(1), name: &name, stream: Stream::Out, raw };
        let (mut prompts, start) = (Prompts::default(), Instant::now());
        assert_eq!(prompts.update([partial(b"Na")].into_iter(), start), []);
        assert_eq!(prompts.due(), Some(start + QUIET));
        let later = start + QUIET;
        assert_eq!(prompts.update([partial(b"Name: ")].into_iter(), later)[0].text, b"Name: ");
        assert_eq!(prompts.due(), None);
        assert_eq!(prompts.update([partial(b"Name: ")].into_iter(), later + QUIET), []);
        assert_eq!(prompts.update([partial(b"Name: A")].into_iter(), later + QUIET)[0].text, b"Name: A");
        assert_eq!(prompts.update(std::iter::empty(), later + QUIET), []);
        assert_eq!(prompts.due(), None);
    }

    #[test]
    fn of_progress_the_last_state_is_seen() {
        let name: Arc<str> = "bar".into();
        let partial = |raw| PartialRef { process: ProcessId(1), name: &name, stream: Stream::Out, raw };
        for (raw, text, progress) in [
            (&b"Name: "[..], &b"Name: "[..], false),
            (b"10%\r20%", b"20%", true),
            (b"10%\r20%\r", b"20%", true),
            (b"10%\r20%\r\x1b[K", b"20%", true),
            (b"\r", b"", true),
        ] {
            let (mut prompts, start) = (Prompts::default(), Instant::now());
            let _ = prompts.update([partial(raw)].into_iter(), start);
            let shown = prompts.update([partial(raw)].into_iter(), start + QUIET);
            assert_eq!((&shown[0].text[..], shown[0].progress), (text, progress));
        }
    }

    #[test]
    fn a_line_that_is_finished_in_time_is_never_shown_unfinished() {
        let name: Arc<str> = "web".into();
        let partial = PartialRef { process: ProcessId(1), name: &name, stream: Stream::Out, raw: b"half" };
        let (mut prompts, start) = (Prompts::default(), Instant::now());
        assert_eq!(prompts.update([partial].into_iter(), start), []);
        assert_eq!(prompts.update(std::iter::empty(), start + QUIET), []);
        assert_eq!(prompts.due(), None);
    }
}
