//! The places that a stack names: file, line and column of each frame, whatever language wrote it.

/// One place in a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The file as the stack names it: absolute, relative, or a URL.
    pub file: String,
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1, if the stack tells it.
    pub column: Option<u32>,
    /// The function; empty where the stack does not tell it.
    pub function: String,
}

/// More frames than this are left out.
const FRAMES_MAX: usize = 64;

/// What the file of a frame may end in, where nothing else tells that a word is a place.
const SOURCES: [&str; 36] = [
    "rs", "go", "py", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "astro", "java", "kt",
    "scala", "rb", "php", "c", "h", "cc", "cpp", "hpp", "cs", "swift", "ex", "exs", "erl", "lua", "zig", "dart", "sql",
    "css", "scss", "html",
];

/// The places that the lines of an error name, innermost first.
///
/// ```
/// let frames = brummer::logs::frames("    at pay (/srv/shop/src/pay.ts:42:18)\n    at src/app.ts:3:1");
/// assert_eq!((frames[0].file.as_str(), frames[0].line, frames[0].column), ("/srv/shop/src/pay.ts", 42, Some(18)));
/// assert_eq!((frames[0].function.as_str(), frames.len()), ("pay", 2));
/// ```
pub fn frames(text: &str) -> Vec<Frame> {
    let mut found: Vec<Frame> = Vec::new();
    let (mut before, mut outermost_first) = ("", false);
    for line in text.lines() {
        let line = line.trim();
        outermost_first |= line.starts_with("File \"");
        found.extend(frame(line, before));
        before = line;
        if found.len() == FRAMES_MAX {
            break;
        }
    }
    if outermost_first {
        // "most recent call last"
        found.reverse();
    }
    found
}

fn frame(line: &str, before: &str) -> Option<Frame> {
    if let Some(rest) = line.strip_prefix("File \"") {
        return python(rest);
    }
    if let Some(rest) = line.strip_prefix("at ") {
        return called(rest).or_else(|| {
            // A Rust backtrace has the function in the line before, behind its number.
            let function = before.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok());
            let prose = rest.trim_start_matches("async ").contains(' ');
            let function = function.map_or("", |(_, function)| function);
            place(rest).filter(|_| !prose).map(|frame| named(frame, function))
        });
    }
    let first = line.split_whitespace().next()?;
    if let Some(frame) = place(first).filter(|frame| frame.file.ends_with(".go") && frame.column.is_none()) {
        // Go has the call in the line before.
        let function = before.rsplit_once('(').map_or("", |(function, _)| function);
        return Some(named(frame, function));
    }
    line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']')).find_map(word)
}

/// `x.py", line 3, in load`
fn python(rest: &str) -> Option<Frame> {
    let (file, rest) = rest.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let line = number.trim_end_matches(',').parse().ok()?;
    Some(Frame { file: file.into(), line, column: None, function: function.into() })
}

/// `load (src/a.ts:3:5)`, `async load (…)`, `com.shop.Cart.total(Cart.java:12)`
fn called(rest: &str) -> Option<Frame> {
    let (function, inside) = rest.strip_suffix(')').or_else(|| rest.strip_suffix(") {"))?.rsplit_once('(')?;
    let function = function.trim_end();
    place(inside).map(|frame| named(frame, function.strip_prefix("async ").unwrap_or(function)))
}

fn named(frame: Frame, function: &str) -> Frame {
    Frame { function: function.to_owned(), ..frame }
}

/// `src/a.ts:3:5` or `src/a.ts:3`, whatever the file is called.
fn place(text: &str) -> Option<Frame> {
    let text = text.strip_prefix("async ").unwrap_or(text).trim_end_matches(':');
    let text = text.strip_prefix("file://").unwrap_or(text);
    let (rest, last) = numbered(text)?;
    let (file, line, column) = match numbered(rest) {
        Some((file, line)) => (file, line, Some(last)),
        None => (rest, last, None),
    };
    let has_name = file.bytes().any(|b| b.is_ascii_alphabetic());
    has_name.then(|| Frame { file: file.to_owned(), line, column, function: String::new() })
}

/// A text and the number behind its last colon.
fn numbered(text: &str) -> Option<(&str, u32)> {
    let (rest, number) = text.rsplit_once(':')?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    Some((rest, number.parse().ok()?)).filter(|_| digits && !rest.is_empty())
}

/// A word that is a place by what its file ends in: `src/main.rs:3:5:`, `src/a.ts(3,5):`, `test_a.py:7:`
fn word(text: &str) -> Option<Frame> {
    let text = text.trim_start_matches('(').trim_end_matches([':', ',', ')']);
    let frame = place(text).or_else(|| {
        let (file, inside) = text.rsplit_once('(')?;
        let (line, column) = inside.split_once(',')?;
        let column = Some(column.parse().ok()?);
        Some(Frame { file: file.to_owned(), line: line.parse().ok()?, column, function: String::new() })
    })?;
    let ending = frame.file.rsplit_once('.').map(|(_, ending)| ending)?;
    SOURCES.contains(&ending).then_some(frame)
}

/// The places that the word at this byte of a line may name, the longest file first: brackets before a file may be a part
/// of it or not.
///
/// ```
/// let places = brummer::logs::frames_at("app/(shop)/page.tsx:3:5: bad type", 8);
/// assert_eq!((places[0].file.as_str(), places[0].line, places[0].column), ("app/(shop)/page.tsx", 3, Some(5)));
/// ```
pub fn frames_at(line: &str, at: usize) -> Vec<Frame> {
    let apart = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    let at = (0..=at.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    let begin =
        line[..at].rfind(apart).map_or(0, |space| space + line[space..].chars().next().map_or(1, char::len_utf8));
    let end = line[at..].find(apart).map_or(line.len(), |space| at + space);
    let opens = line[begin..at].match_indices(['(', '[', '{', '<', '=', ',', ';', '|']);
    let begins = std::iter::once(begin).chain(opens.map(|(open, _)| begin + open + 1));
    let places = begins.filter_map(|begin| leading(&line[begin..end], at - begin));
    places.take(FRAMES_MAX).collect()
}

/// `src/a.ts:3:5`, whatever follows it, if the byte `at` belongs to it.
fn leading(text: &str, at: usize) -> Option<Frame> {
    let begin = if text.starts_with("file://") { "file://".len() } else { 0 };
    let number = |from: usize| {
        let digits = text.get(from..)?.strip_prefix(':')?;
        let digits = &digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())];
        Some((digits.parse::<u32>().ok().filter(|number| *number > 0)?, from + 1 + digits.len()))
    };
    let colons = text[begin..].match_indices(':').map(|(colon, _)| begin + colon);
    let (colon, (line, end)) =
        colons.filter(|colon| has_ending(&text[begin..*colon])).find_map(|colon| Some((colon, number(colon)?)))?;
    let (column, end) = number(end).map_or((None, end), |(column, end)| (Some(column), end));
    (at < end).then(|| Frame { file: text[begin..colon].to_owned(), line, column, function: String::new() })
}

/// Whether the name of a file has an ending, as `a.ts` has: a port follows what has none.
fn has_ending(file: &str) -> bool {
    let ending = file.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, ending)| ending);
    ending.starts_with(|c: char| c.is_ascii_alphabetic()) && ending.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whose code a file is, if it is not the project's: of `node_modules`, of the language itself, and so on.
pub fn library(file: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 16] = [
        ("node_modules/", "node_modules"),
        ("node:", "node"),
        ("site-packages/", "site-packages"),
        ("dist-packages/", "dist-packages"),
        ("/lib/python", "python"),
        (".cargo/registry/", "crates"),
        ("/rustc/", "rust"),
        (".rustup/", "rust"),
        ("/go/pkg/mod/", "go modules"),
        ("/usr/local/go/", "go"),
        ("/usr/lib/", "the system"),
        ("/.yarn/", "node_modules"),
        ("/.pnpm/", "node_modules"),
        ("@vite/", "vite"),
        ("webpack/", "webpack"),
        ("<", "generated code"),
    ];
    let found = MARKS.iter().find(|(mark, _)| match *mark {
        "node:" | "<" | "webpack/" => file.starts_with(mark),
        mark => file.contains(mark),
    });
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let one = |f: &Frame| {
            let column = f.column.map_or(String::new(), |column| format!(":{column}"));
            format!("{}|{}:{}{column}", f.function, f.file, f.line)
        };
        frames(text).iter().map(one).collect()
    }

    #[test]
    fn the_frames_of_every_language_are_read() {
        let javascript = "    at checkout (src/checkout.ts:42:18)\n    at async Layer.handle (file:///srv/a b/node_modules/x.js:95:5)\n\
            \x20   at process.processTicks (node:internal/queues:105:5)\n    at src/top.mjs:1:2\n    at <anonymous>";
        let expected = [
            "checkout|src/checkout.ts:42:18",
            "Layer.handle|/srv/a b/node_modules/x.js:95:5",
            "process.processTicks|node:internal/queues:105:5",
            "|src/top.mjs:1:2",
        ];
        assert_eq!(told(javascript), expected);
        let python = "  File \"/srv/app.py\", line 3, in <module>\n    load()\n  File \"lib/x.py\", line 9, in load";
        assert_eq!(told(python), ["load|lib/x.py:9", "<module>|/srv/app.py:3"]);
        let go =
            "goroutine 1 [running]:\nmain.load(0x1, {0x2})\n\t/srv/main.go:12 +0x1d\nmain.main()\n\t/srv/main.go:5";
        assert_eq!(told(go), ["main.load|/srv/main.go:12", "main.main|/srv/main.go:5"]);
        let rust = "   3: shop::pay\n             at ./src/pay.rs:7:5\n  --> src/main.rs:3:9";
        assert_eq!(told(rust), ["shop::pay|./src/pay.rs:7:5", "|src/main.rs:3:9"]);
        assert_eq!(told("thread 'main' panicked at src/main.rs:3:5:"), ["|src/main.rs:3:5"]);
        assert_eq!(told("\tat com.shop.Cart.total(Cart.java:12)"), ["com.shop.Cart.total|Cart.java:12"]);
        assert_eq!(told("src/a.ts(3,5): error TS2304: no"), ["|src/a.ts:3:5"]);
        assert_eq!(told("tests/test_a.py:7: AssertionError"), ["|tests/test_a.py:7"]);
    }

    #[test]
    fn times_addresses_and_prose_are_no_places() {
        for text in [
            "",
            "at",
            "at :",
            "12:34:56",
            "127.0.0.1:3000",
            "see example.com:443",
            "a: b",
            "at 9 o'clock:3",
            "at x:99999999999",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
        assert_eq!(frames(&"at a (b.js:1:1)\n".repeat(500)).len(), FRAMES_MAX);
    }

    #[test]
    fn code_of_others_is_known_by_where_it_lies() {
        assert_eq!(library("/srv/shop/node_modules/express/router.js"), Some("node_modules"));
        assert_eq!(library("node:internal/x"), Some("node"));
        assert_eq!(library("/home/me/.cargo/registry/src/x/lib.rs"), Some("crates"));
        assert_eq!((library("src/node.rs"), library("/srv/a<b.js")), (None, None));
    }

    #[test]
    fn the_place_at_a_byte_of_a_line_is_read() {
        let told = |text: &str, part: &str| -> Vec<String> {
            let places = frames_at(text, text.find(part).unwrap());
            let column = |frame: &Frame| frame.column.map_or(String::new(), |column| format!(" {column}"));
            places.iter().map(|frame| format!("{} {}{}", frame.file, frame.line, column(frame))).collect()
        };
        assert_eq!(told("warning in src/a.ts:42:18: unused", "a.ts"), ["src/a.ts 42 18"]);
        assert_eq!(told("é src/a.ts:42:18: unused", "src"), ["src/a.ts 42 18"]);
        assert_eq!(told("    at pay (src/pay.ts:42:18)", "pay.ts"), ["(src/pay.ts 42 18", "src/pay.ts 42 18"]);
        assert_eq!(told("call(src/pay.ts:42)", "pay.ts"), ["call(src/pay.ts 42", "src/pay.ts 42"]);
        assert_eq!(told("src/a.rs:7:fn main()", "7"), ["src/a.rs 7"]);
        assert_eq!(told("src/a.rs:7:fn main()", "main"), [""; 0], "beyond its end");
        assert_eq!(told("file:///srv/a.mjs:7:1", "a.mjs"), ["/srv/a.mjs 7 1"]);
        for none in [
            "a.ts",
            "a.ts:",
            "a.ts:0",
            "a.ts:x",
            "localhost:3000",
            "127.0.0.1:80",
            "12:30:01",
            ":3",
            "",
            ".:3",
            "a.ts:99999999999",
        ] {
            for at in 0..=none.len() + 1 {
                assert_eq!(frames_at(none, at), [], "{none}");
            }
        }
    }
}
