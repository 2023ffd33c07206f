//! What workers do for the UI: save lines, find the latest error, copy, open a page, ask for what takes long.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use crate::app::view::Backend;
use crate::event::Level;
use crate::io::clipboard::Tool;
use crate::io::editor::Editor;
use crate::io::opener::{self, Opener};
use crate::logs::{LineRef, Snapshot};
use crate::tui::message::{Effect, Message, SaveJob};
use crate::tui::source;

/// Lines after an error that can belong to it.
const STACK_MAX: usize = 100;

/// The newest error with the lines that belong to it.
pub(crate) fn latest_error(lines: &Snapshot) -> Option<String> {
    let head = lines.before(u64::MAX).find(|line| line.level >= Level::Error && !line.is_stack)?;
    let mut text = String::from_utf8_lossy(head.plain).into_owned();
    let own = lines.only(&[head.process]);
    let stack = own.after(head.seq + 1).take_while(|line| line.is_stack || is_indented(line)).take(STACK_MAX);
    for line in stack {
        text.push('\n');
        text.push_str(&String::from_utf8_lossy(line.plain));
    }
    Some(text)
}

fn is_indented(line: &LineRef<'_>) -> bool {
    matches!(line.plain.first(), Some(b' ' | b'\t'))
}

/// Asks the app for what the Web view and the Errors view show.
pub(crate) fn ask(backend: &dyn Backend, effect: Effect) -> Option<Message> {
    match effect {
        Effect::Exchanges { filter, turn } => Some(Message::Exchanges(turn, backend.exchanges(&filter))),
        Effect::NewestExchange { of } => {
            let all = backend.exchanges("").unwrap_or_default();
            Some(Message::NewestExchange(of, all.iter().map(|exchange| exchange.id).max()))
        }
        Effect::PageEvents { turn } => Some(Message::PageEvents(turn, backend.page_events(), backend.page_sessions())),
        Effect::ExchangeText { id, part, reveal, copy } => {
            let text = backend.exchange_text(id, part, reveal);
            Some(Message::ExchangeText { id, part, reveal, copy, text })
        }
        Effect::Environment(id) => Some(Message::Environment(id, backend.process_environment(id))),
        Effect::OpenPlace(places, cwd) => {
            Some(Message::Placed(source::spot(&places, cwd.as_deref(), &backend.project().dir)))
        }
        Effect::Explain(key, question) => Some(Message::Explained(key, source::explain(&question, backend))),
        _ => None,
    }
}

/// Writes lines to a file, as text or as JSON lines; answers how many. When it fails, what the file held before is kept.
///
/// # Errors
/// What the system said.
pub(crate) fn save(job: &SaveJob, dir: &Path) -> std::io::Result<u64> {
    let path = dir.join(&job.file);
    let json = path.extension().is_some_and(|extension| extension == "jsonl");
    // A pipe or a device is written to, not replaced.
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return write(job, json, File::create(&path)?);
    }
    let part = path.with_file_name(format!("{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
    let written = write(job, json, File::create(&part)?);
    written.and_then(|count| std::fs::rename(&part, &path).map(|()| count)).inspect_err(|_| {
        // That it stays is the lesser trouble.
        let _ = std::fs::remove_file(&part);
    })
}

fn write(job: &SaveJob, json: bool, file: File) -> std::io::Result<u64> {
    let mut out = BufWriter::new(file);
    let mut count = 0;
    for line in job.lines.after(0).filter(|line| job.test.as_ref().is_none_or(|test| test.passes(line, &job.lines))) {
        if json {
            serde_json::to_writer(&mut out, &record(&line))?;
        } else {
            out.write_all(line.plain)?;
        }
        out.write_all(b"\n")?;
        count += 1;
    }
    out.flush()?;
    Ok(count)
}

fn record(line: &LineRef<'_>) -> serde_json::Value {
    serde_json::json!({
        "seq": line.seq,
        "time_ms": line.time_ms,
        "process": &**line.name,
        "stream": if line.stream == crate::event::Stream::Err { "stderr" } else { "stdout" },
        "level": line.level.name(),
        "text": String::from_utf8_lossy(line.plain),
    })
}

/// How a text is to be copied.
#[derive(Debug, PartialEq)]
pub(crate) enum Way {
    /// By the first of these that can.
    Tools(Vec<Tool>),
    /// By asking the terminal.
    Terminal,
    /// Not at all, and why.
    None(&'static str),
}

/// What `ui.clipboard` makes of the tools that there are.
pub(crate) fn way(clipboard: &str, tools: Vec<Tool>) -> Way {
    match (clipboard, tools.is_empty()) {
        ("off", _) => Way::None("nothing was copied: ui.clipboard is \"off\""),
        ("native", true) => {
            Way::None("nothing was copied: no clipboard tool was found, and ui.clipboard is \"native\"")
        }
        ("osc52", _) | (_, true) => Way::Terminal,
        (_, false) => Way::Tools(tools),
    }
}

/// Copies by the first tool that can; answers its name.
pub(crate) fn copy(tools: &[Tool], text: &str) -> Option<&'static str> {
    tools.iter().find(|tool| tool.copy(text).is_ok()).map(|tool| tool.name())
}

/// Terminals drop a longer text, or the rest of it; a clipboard tool has no such limit.
const TERMINAL_BYTES_MAX: usize = 100 * 1024;

/// Why a text was not copied by the terminal.
pub(crate) const TOO_MUCH_FOR_TERMINAL: &str =
    "too much for the terminal to copy (100 kB), and no clipboard tool is used; /save FILE writes to a file";

/// The escape sequence that asks the terminal itself to copy; none for more than terminals take.
pub(crate) fn osc52(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    if text.len() > TERMINAL_BYTES_MAX {
        return None;
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    Some(format!("\x1b]52;c;{encoded}\x07").into_bytes())
}

/// Opens a page by the first that can; what to tell of it. When none can, the person has the URL and what was tried.
pub(crate) fn open(url: &str, openers: &[Opener]) -> (Level, String) {
    let mut tried = Vec::new();
    for opener in openers {
        match opener.open(url) {
            Ok(()) => return (Level::Info, format!("opened {url} ({})", opener.name())),
            Err(error) => tried.push(format!("{}: {error}", opener.name())),
        }
    }
    let why = match tried.is_empty() {
        true => "there is no display, and $BROWSER names no browser".to_owned(),
        false => tried.join("; "),
    };
    (Level::Warn, format!("{url} was not opened: {why}"))
}

/// Opens a place in an editor with a window of its own; what to tell of it.
pub(crate) fn open_window(editor: &Editor, place: &str) -> (Level, String) {
    let opened = match (editor, editor.command()) {
        (_, Some(command)) => opener::start_window(command),
        (Editor::Url(url, openers), None) => {
            let mut last = Err(std::io::ErrorKind::NotFound.into());
            for opener in openers {
                last = opener.open_editor(url);
                if last.is_ok() {
                    break;
                }
            }
            last
        }
        (_, None) => Err(std::io::ErrorKind::NotFound.into()),
    };
    match opened {
        Ok(()) => (Level::Info, format!("opened {place} ({})", editor.name())),
        Err(error) => (Level::Warn, format!("{place} was not opened by {}: {error}{NO_EDITOR}", editor.name())),
    }
}

/// What to do when a place cannot be opened.
pub(crate) const NO_EDITOR: &str = "; set $VISUAL or $EDITOR to your editor";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{LogLimits, LogStore};

    #[test]
    fn what_a_file_held_is_kept_when_lines_cannot_be_saved_over_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = LogStore::new(LogLimits::default());
        store.add(crate::event::ProcessId(1), "web", b"hello", false).unwrap();
        let job = |file: &str| SaveJob { file: file.into(), lines: store.snapshot(), test: None };
        std::fs::write(dir.path().join("x.log"), "before").unwrap();
        // Its place for the new text is taken.
        std::fs::create_dir(dir.path().join("x.log.part")).unwrap();
        save(&job("x.log"), dir.path()).unwrap_err();
        assert_eq!(std::fs::read(dir.path().join("x.log")).unwrap(), b"before");
        std::fs::remove_dir(dir.path().join("x.log.part")).unwrap();
        assert_eq!(save(&job("x.log"), dir.path()).unwrap(), 1);
        assert_eq!(std::fs::read(dir.path().join("x.log")).unwrap(), b"hello\n");
        assert_eq!(save(&job("/dev/null"), dir.path()).unwrap(), 1);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_terminal_is_asked_to_copy_only_what_it_takes() {
        assert_eq!(osc52("hi").unwrap(), b"\x1b]52;c;aGk=\x07");
        assert!(osc52(&"x".repeat(TERMINAL_BYTES_MAX)).is_some());
        assert_eq!(osc52(&"x".repeat(TERMINAL_BYTES_MAX + 1)), None);
    }

    #[test]
    fn a_page_that_cannot_be_opened_is_named_with_what_was_tried() {
        let url = "http://localhost:3000/";
        let (level, text) = open(url, &[]);
        assert!(level == Level::Warn && text.contains(url) && text.contains("no display"), "{text}");
        let missing = |name: &str| Opener::Browser(vec![name.to_owned()]);
        let (_, text) = open(url, &[missing("/no/such/one"), missing("/no/such/other")]);
        assert!(text.contains("/no/such/one:") && text.contains("/no/such/other:"), "{text}");
        assert_eq!(
            open(url, &[missing("/no/such/one"), missing("true")]),
            (Level::Info, format!("opened {url} (true)"))
        );
    }

    #[test]
    fn the_clipboard_setting_chooses_between_tools_and_the_terminal() {
        let tools = || vec![Tool::Xclip];
        assert_eq!(way("auto", tools()), Way::Tools(tools()));
        assert_eq!(way("auto", vec![]), Way::Terminal);
        assert_eq!(way("native", tools()), Way::Tools(tools()));
        assert!(matches!(way("native", vec![]), Way::None(_)));
        assert_eq!(way("osc52", tools()), Way::Terminal);
        assert!(matches!(way("off", tools()), Way::None(_)));
    }
}
