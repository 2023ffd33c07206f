//! Which editor opens a place in a file, and how it is told the line: `$VISUAL`, `$EDITOR`, else Visual Studio Code.

use std::path::Path;
use std::process::Command;

use super::opener::Opener;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file, absolute.
    pub file: std::path::PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// How a place is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Editor {
    /// By a program that takes the terminal until it ends: its words.
    Terminal(Vec<String>),
    /// By a program with a window of its own: its words.
    Window(Vec<String>),
    /// By `vscode://file/…`, with these openers.
    Url(String, Vec<Opener>),
}

/// Editors with a window of their own.
const WINDOWED: [&str; 20] = [
    "code",
    "code-insiders",
    "codium",
    "cursor",
    "windsurf",
    "subl",
    "sublime_text",
    "zed",
    "zeditor",
    "idea",
    "webstorm",
    "pycharm",
    "goland",
    "rustrover",
    "phpstorm",
    "clion",
    "gvim",
    "gedit",
    "kate",
    "mate",
];

impl Editor {
    /// The editor of the person; `None` if there is none that is known of.
    pub fn find(spot: &Spot, get: impl Fn(&str) -> Option<String>) -> Option<Editor> {
        let named = ["VISUAL", "EDITOR"].into_iter().filter_map(&get).map(|text| words(&text));
        if let Some(mut words) = named.into_iter().find(|words| !words.is_empty()) {
            let name = program(&words[0]);
            let windowed = WINDOWED.contains(&name.as_str());
            // Waiting for the window to close is for those who read the file afterwards.
            words.retain(|word| !(windowed && matches!(word.as_str(), "--wait" | "-w")));
            words.extend(place(&name, spot));
            return Some(if windowed { Editor::Window(words) } else { Editor::Terminal(words) });
        }
        let openers: Vec<Opener> = Opener::candidates(&get).into_iter().filter(Opener::knows_schemes).collect();
        (!openers.is_empty()).then(|| Editor::Url(vscode(spot), openers))
    }

    /// Its name, as it is told to the person.
    pub fn name(&self) -> String {
        match self {
            Editor::Terminal(words) | Editor::Window(words) => {
                words.first().map_or(String::new(), |word| program(word))
            }
            Editor::Url(..) => "VS Code".to_owned(),
        }
    }

    /// The command of an editor that is a program.
    pub fn command(&self) -> Option<Command> {
        let (Editor::Terminal(words) | Editor::Window(words)) = self else { return None };
        let mut command = Command::new(words.first()?);
        command.args(&words[1..]);
        Some(command)
    }
}

/// The file's name of a program.
fn program(word: &str) -> String {
    Path::new(word).file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// How an editor of this name is told the place.
fn place(name: &str, spot: &Spot) -> Vec<String> {
    let Spot { file, line, column } = spot;
    let file = file.to_string_lossy().into_owned();
    match name {
        "code" | "code-insiders" | "codium" | "cursor" | "windsurf" => {
            vec!["--goto".into(), format!("{file}:{line}:{column}")]
        }
        "subl" | "sublime_text" | "zed" | "zeditor" | "hx" | "helix" => vec![format!("{file}:{line}:{column}")],
        "idea" | "webstorm" | "pycharm" | "goland" | "rustrover" | "phpstorm" | "clion" => {
            vec!["--line".into(), line.to_string(), file]
        }
        "kate" | "mate" => vec!["-l".into(), line.to_string(), file],
        "nano" | "micro" => vec![format!("+{line},{column}"), file],
        "emacs" | "emacsclient" | "gedit" => vec![format!("+{line}:{column}"), file],
        // vi and its kin, and most others.
        _ => vec![format!("+{line}"), file],
    }
}

/// The words of a command as a shell would split it, without anything else that a shell does.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    let mut chars = text.chars();
    while let Some(ch) = chars.next() {
        match (quote, ch) {
            (Some(open), _) if ch == open => quote = None,
            (None, '"' | '\'') => (quote, begun) = (Some(ch), true),
            (None | Some('"'), '\\') => {
                word.extend(chars.next());
                begun = true;
            }
            (None, _) if ch.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            _ => {
                word.push(ch);
                begun = true;
            }
        }
    }
    words.extend(begun.then_some(word));
    words
}

/// `vscode://file/srv/a%20b.ts:3:5`
fn vscode(spot: &Spot) -> String {
    let mut url = String::from("vscode://file");
    for byte in spot.file.to_string_lossy().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    format!("{url}:{}:{}", spot.line, spot.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot() -> Spot {
        Spot { file: "/srv/a b.ts".into(), line: 3, column: 5 }
    }

    fn found(pairs: &'static [(&str, &str)]) -> Option<Editor> {
        Editor::find(&spot(), |key| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn visual_comes_before_editor_and_each_is_told_the_line_in_its_way() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let vim = Editor::Terminal(words(&["/usr/bin/vim", "-p", "+3", "/srv/a b.ts"]));
        assert_eq!(found(&[("EDITOR", "nano"), ("VISUAL", "/usr/bin/vim -p")]), Some(vim));
        let nano = Editor::Terminal(words(&["nano", "+3,5", "/srv/a b.ts"]));
        assert_eq!(found(&[("EDITOR", "nano"), ("VISUAL", " ")]), Some(nano));
        let code = Editor::Window(words(&["code", "--goto", "/srv/a b.ts:3:5"]));
        assert_eq!(found(&[("EDITOR", "code --wait")]), Some(code));
        let spaced = Editor::Terminal(words(&["/opt/my editor/e", "+3", "/srv/a b.ts"]));
        assert_eq!(found(&[("EDITOR", "'/opt/my editor/e'")]), Some(spaced));
    }

    #[test]
    fn without_one_the_url_of_vs_code_is_opened_if_anything_can() {
        if cfg!(target_os = "linux") {
            assert_eq!(found(&[]), None);
            let url = "vscode://file/srv/a%20b.ts:3:5".to_owned();
            assert_eq!(found(&[("DISPLAY", ":0")]), Some(Editor::Url(url, vec![Opener::XdgOpen])));
        }
    }
}
