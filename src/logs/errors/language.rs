//! What a language must say about its errors, the table of languages, and the rule for those that are none of them.

use super::{go, java, javascript, jest, pytest, python, rust, typescript};

/// Where the message of an error stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// In the line that starts it.
    Here,
    /// In the next line.
    Next,
    /// In the first line after the stack that is not indented.
    AfterStack,
    /// Behind this mark, in the first line that begins with it.
    Behind(&'static [u8]),
}

/// How the errors of a language look. Lines come without escape sequences and without white space at their end.
#[derive(Debug)]
pub(super) struct Language {
    /// Its name, in lower case; a test runner counts as one.
    pub(super) name: &'static str,
    /// Whether the line starts an error that can only be this language's.
    pub(super) starts: fn(&[u8]) -> Option<Message>,
    /// Whether the line goes on with an error, also behind a blank line. Indented lines need no yes.
    pub(super) continues: fn(&[u8]) -> bool,
}

/// All of them, in the order they are asked.
pub(super) const LANGUAGES: [&Language; 9] = [
    &python::PYTHON,
    &rust::RUST,
    &go::GO,
    &java::JAVA,
    &javascript::JAVASCRIPT,
    &jest::JEST,
    &pytest::PYTEST,
    &typescript::TYPESCRIPT,
    &typescript::TYPESCRIPT_PLAIN,
];
/// Those whose lines could be anything's: they are known by their start alone.
const KNOWN_BY_THEIR_START: [&str; 3] = [jest::JEST.name, pytest::PYTEST.name, typescript::TYPESCRIPT.name];

/// The language whose error this line can only start.
pub(super) fn that_starts(line: &[u8]) -> Option<(&'static Language, Message)> {
    LANGUAGES.iter().find_map(|language| (language.starts)(line).map(|message| (*language, message)))
}

/// The language whose stack this indented line continues.
pub(super) fn that_continues(line: &[u8]) -> Option<&'static Language> {
    let languages =
        LANGUAGES.iter().filter(|language| is_indented(line) && !KNOWN_BY_THEIR_START.contains(&language.name));
    languages.copied().find(|language| (language.continues)(line))
}

/// Whether the line is set in from the left, as the rest of a message is.
pub(super) fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}
