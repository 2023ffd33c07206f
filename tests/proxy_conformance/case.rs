//! Reads a case file: what both ends send, and what each must receive.
//!
//! ```text
//! # A sentence that says the rule.
//! mode: reverse            or forward, or both
//! split: no                where cutting the bytes everywhere would take too long
//!
//! --- client sends
//! GET / HTTP/1.1
//! Host: {proxy}
//!
//! --- server receives
//! ...
//! --- connection kept
//! ```
//!
//! Every line ends with CR LF, or with nothing where its last character is a backslash. `\xNN`, `\r`, `\n`, `\t`, `\0` and `\\`
//! are one byte; `{x*9}` is x nine times; `{proxy}` and `{server}` are the two addresses;
//! where a case is for both modes, `{at}` stands before a path, `{host}` is the Host to ask for, and the line `{via}` is the Via of
//! an answer, which only a forward proxy adds. In what is received, a line
//! `...` stands for any lines, at the end for anything, and `*` as the last character of a line for the rest of that line;
//! `{chunks: hello}` is `hello` in whatever chunks, without the last one.

use std::path::Path;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    ClientSends(Vec<u8>),
    ClientReceives(Vec<Part>),
    ClientCloses,
    ServerReceives(Vec<Part>),
    /// The same, yet on a connection that was not there before.
    ServerReceivesAnew(Vec<Part>),
    ServerSends(Vec<u8>),
    ServerCloses,
    ServerSeesTheEnd,
    ServerReceivesNothing,
    /// The client's connection takes another request.
    Kept,
    /// The client's connection ends, after what was received.
    Closed,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Bytes(Vec<u8>),
    /// Any lines, up to the one that follows.
    Anything,
    /// Anything up to the end of the line, and that end.
    RestOfLine,
    /// These bytes, in whatever chunks.
    Chunks(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) split: bool,
    pub(crate) steps: Vec<Step>,
}

impl Case {
    /// All cases below `folder`, each with whether it is to be forwarded, and with the addresses still to be put in.
    pub(crate) fn all(folder: &Path) -> Vec<(String, String, bool)> {
        let mut cases: Vec<_> = std::fs::read_dir(folder)
            .expect("a folder of cases")
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|ending| ending == "http"))
            .map(|file| {
                (file.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(file.path()).expect("text"))
            })
            .collect();
        cases.sort();
        let modes = |(name, text): (String, String)| {
            let modes: &[bool] = match () {
                () if text.contains("\nmode: both\n") => &[false, true],
                () if text.contains("\nmode: forward\n") => &[true],
                () => &[false],
            };
            modes.iter().map(move |forward| (name.clone(), text.clone(), *forward)).collect::<Vec<_>>()
        };
        cases.into_iter().flat_map(modes).collect()
    }

    pub(crate) fn read(name: &str, text: &str, forward: bool, proxy: &str, server: &str) -> Case {
        let mode = if forward { "forward" } else { "reverse" };
        let mut case = Case { name: format!("{name} ({mode})"), split: true, steps: Vec::new() };
        let (at, host) = if forward { (format!("http://{server}"), server) } else { (String::new(), proxy) };
        let mut sections = text.strip_suffix('\n').unwrap_or(text).split("\n--- ");
        let head = sections.next().unwrap_or_default();
        assert!(head.starts_with("# "), "{name}: the first line says the rule");
        for line in head.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            match line {
                "mode: reverse" | "mode: forward" | "mode: both" => {}
                "split: no" => case.split = false,
                _ => panic!("{name}: {line:?} is no setting"),
            }
        }
        for section in sections {
            let (title, body) = section.split_once('\n').unwrap_or((section, ""));
            // The newline before the next section is the last line's own.
            let body = if section.contains('\n') { format!("{body}\n") } else { String::new() };
            let text = body.replace("{at}", &at).replace("{host}", host).replace("{proxy}", proxy);
            let text = text.replace("{server}", server).replace("{via}\n", if forward { "Via: 1.*\n" } else { "" });
            case.steps.push(match title.trim() {
                "client sends" => Step::ClientSends(bytes(&text)),
                "client receives" => Step::ClientReceives(parts(&text)),
                "client closes" => Step::ClientCloses,
                "server receives" => Step::ServerReceives(parts(&text)),
                "server receives anew" => Step::ServerReceivesAnew(parts(&text)),
                "server receives nothing" => Step::ServerReceivesNothing,
                "server sends" => Step::ServerSends(bytes(&text)),
                "server closes" => Step::ServerCloses,
                "server sees the end" => Step::ServerSeesTheEnd,
                "connection kept" => Step::Kept,
                "connection closed" => Step::Closed,
                _ => panic!("{name}: {title:?} is no step"),
            });
        }
        case
    }

    /// All bytes that are sent, by either side.
    pub(crate) fn sent(&self) -> usize {
        let bytes = |step: &Step| match step {
            Step::ClientSends(bytes) | Step::ServerSends(bytes) => bytes.len(),
            _ => 0,
        };
        self.steps.iter().map(bytes).sum()
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    text.lines().for_each(|line| whole_line(line, &mut out));
    out
}

fn parts(text: &str) -> Vec<Part> {
    let (mut parts, mut literal) = (Vec::new(), Vec::new());
    let flush = |literal: &mut Vec<u8>, parts: &mut Vec<Part>| {
        if !literal.is_empty() {
            parts.push(Part::Bytes(std::mem::take(literal)));
        }
    };
    for line in text.lines() {
        if line == "..." {
            flush(&mut literal, &mut parts);
            parts.push(Part::Anything);
        } else if let Some(body) = line.strip_prefix("{chunks: ").and_then(|rest| rest.strip_suffix('}')) {
            flush(&mut literal, &mut parts);
            parts.push(Part::Chunks(body.as_bytes().to_vec()));
        } else if let Some(start) = line.strip_suffix('*').filter(|start| !start.ends_with('/')) {
            unescape(start, &mut literal);
            flush(&mut literal, &mut parts);
            parts.push(Part::RestOfLine);
        } else {
            whole_line(line, &mut literal);
        }
    }
    flush(&mut literal, &mut parts);
    parts
}

fn whole_line(line: &str, out: &mut Vec<u8>) {
    match line.strip_suffix('\\').filter(|rest| !rest.ends_with('\\')) {
        Some(rest) => unescape(rest, out),
        None => {
            unescape(line, out);
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn unescape(line: &str, out: &mut Vec<u8>) {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some((what, times, after)) = repeated(rest) {
            (0..times).for_each(|_| unescape(what, out));
            rest = after;
            continue;
        }
        let (byte, used) = match (first, rest.as_bytes().get(1)) {
            ('\\', Some(b'r')) => (b'\r', 2),
            ('\\', Some(b'n')) => (b'\n', 2),
            ('\\', Some(b't')) => (b'\t', 2),
            ('\\', Some(b'0')) => (0, 2),
            ('\\', Some(b'\\')) => (b'\\', 2),
            ('\\', Some(b'x')) => (u8::from_str_radix(&rest[2..4], 16).expect("two hexadecimal digits"), 4),
            _ => {
                out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        out.push(byte);
        rest = &rest[used..];
    }
}

/// `{x*9}` at the start: what, how often, and what follows.
fn repeated(text: &str) -> Option<(&str, usize, &str)> {
    let (inner, after) = text.strip_prefix('{')?.split_once('}')?;
    let (what, times) = inner.rsplit_once('*')?;
    Some((what, times.parse().ok()?, after))
}

/// Whether all of `parts` stand at the start of `data`: how many bytes they are, `None` where more may make it so, and an
/// error where nothing can.
pub(crate) fn matches(parts: &[Part], data: &[u8]) -> Result<Option<usize>, ()> {
    let Some((part, rest)) = parts.split_first() else { return Ok(Some(0)) };
    match part {
        Part::Bytes(bytes) => {
            let common = bytes.len().min(data.len());
            if bytes[..common] != data[..common] {
                return Err(());
            }
            if common < bytes.len() {
                return Ok(None);
            }
            Ok(matches(rest, &data[common..])?.map(|used| used + common))
        }
        Part::Anything if rest.is_empty() => Ok(Some(data.len())),
        Part::RestOfLine => match data.windows(2).position(|two| two == b"\r\n") {
            Some(end) => Ok(matches(rest, &data[end + 2..])?.map(|used| used + end + 2)),
            None => Ok(None),
        },
        Part::Chunks(body) => match chunks(body, data)? {
            Some(end) => Ok(matches(rest, &data[end..])?.map(|used| used + end)),
            None => Ok(None),
        },
        Part::Anything => {
            let starts = (0..=data.len()).filter(|at| *at == 0 || data[at - 1] == b'\n');
            let found = starts.into_iter().find_map(|at| Some(at + matches(rest, &data[at..]).ok()??));
            Ok(found)
        }
    }
}

/// Where the chunks end that are `body`: `None` where more may come.
fn chunks(body: &[u8], data: &[u8]) -> Result<Option<usize>, ()> {
    if body.is_empty() {
        return Ok(Some(0));
    }
    let Some(line) = data.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let size =
        std::str::from_utf8(&data[..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok()).ok_or(())?;
    let Some(chunk) = data.get(line + 2..line + 2 + size + 2) else { return Ok(None) };
    let (taken, end) = chunk.split_at(size);
    if size == 0 || end != b"\r\n" {
        return Err(());
    }
    let rest = body.strip_prefix(taken).ok_or(())?;
    Ok(chunks(rest, &data[line + 2 + size + 2..])?.map(|used| used + line + 2 + size + 2))
}

#[test]
fn a_case_reads_as_it_is_written() {
    let text = "# Rule.\nmode: forward\n\n--- client sends\nA\\x41\\\\\n{b*3}\\\n--- client receives\nDate: *\n...\nend\n--- connection kept\n";
    let case = Case::read("x", text, true, "p", "s");
    assert_eq!(case.sent(), 8);
    let [Step::ClientSends(sent), Step::ClientReceives(wanted), Step::Kept] = &case.steps[..] else {
        panic!("{case:?}")
    };
    assert_eq!(sent, b"AA\\\r\nbbb");
    assert_eq!(matches(wanted, b"Date: now\r\nX: y\r\nend\r\nmore"), Ok(Some(22)));
    assert_eq!(matches(wanted, b"Date: now\r\nX"), Ok(None));
    assert_eq!(matches(wanted, b"Dote"), Err(()));
}
