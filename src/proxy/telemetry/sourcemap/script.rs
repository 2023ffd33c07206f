//! Where the map of a script lies, and how sources are named for a person.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

/// What a script says of its map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is in the script.
    Inline(Vec<u8>),
    /// It is there, relative to the script.
    At(String),
}

/// The map that the last `//# sourceMappingURL=` of a script names.
pub(super) fn of_script(script: &[u8]) -> Option<Place> {
    let word = b"sourceMappingURL=";
    let at = memmem::rfind(script, word)?;
    if !matches!(script[..at].trim_ascii_end().last_chunk::<3>(), Some(b"//#" | b"//@")) {
        return None;
    }
    let rest = &script[at + word.len()..];
    let end = rest.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'*').unwrap_or(rest.len());
    read(std::str::from_utf8(&rest[..end]).ok()?)
}

/// The map of a module that is evaluated under a name of its own (`webpack-internal:///…`), from the bundle that evaluates it.
pub(super) fn of_module(bundle: &[u8], name: &str) -> Option<Vec<u8>> {
    let marks = memmem::find_iter(bundle, name.as_bytes()).filter(|at| bundle[..*at].ends_with(b"sourceURL="));
    let at = marks.last()?;
    let before = &bundle[at.saturating_sub(8 << 20)..at];
    let start = memmem::rfind(before, b";base64,")? + ";base64,".len();
    let end = before[start..].iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"+/=".contains(byte)))?;
    // Between the map and the name there is a line end, written as `\n`.
    let between = &before[start + end..];
    if between.len() > 16 {
        return None;
    }
    STANDARD.decode(&before[start..start + end]).ok()
}

/// The module that Turbopack evaluates after a change under the address of its chunk:
/// `…/chunk.js?id=%255Bproject%255D/app/a.ts+(ecmascript)` is `[project]/app/a.ts (ecmascript)`.
pub(super) fn module_in_url(url: &str) -> Option<String> {
    let (_, id) = url.split_once("?id=")?;
    // It is the form of a query, and then once more that of an address.
    let query = String::from_utf8(percent_decoded(id)).ok()?;
    let module = String::from_utf8(percent_decoded(&query.replace('+', " "))).ok()?;
    module.starts_with('[').then_some(module)
}

/// The lines of a chunk before the first one of a module, which is that of its name.
pub(super) fn lines_before_module(chunk: &[u8], module: &str) -> Option<u32> {
    let at = memmem::find(chunk, format!("\n\"{module}\"").as_bytes())?;
    u32::try_from(memchr::memchr_iter(b'\n', &chunk[..=at]).count()).ok()
}

fn read(url: &str) -> Option<Place> {
    let Some(data) = url.strip_prefix("data:") else { return (!url.is_empty()).then(|| Place::At(url.to_owned())) };
    let (kind, content) = data.split_once(',')?;
    if kind.ends_with(";base64") {
        return STANDARD.decode(content).ok().map(Place::Inline);
    }
    Some(Place::Inline(percent_decoded(content)))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *byte == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                out.push(code);
                rest = &tail[2..];
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

/// A URL that is relative to another.
pub(super) fn join(base: &str, relative: &str) -> String {
    if relative.contains("://") {
        return relative.to_owned();
    }
    let base = base.split(['?', '#']).next().unwrap_or_default();
    let path_at = base.find("://").map_or(0, |at| base[at + 3..].find('/').map_or(base.len(), |slash| at + 3 + slash));
    let (origin, path) = base.split_at(path_at);
    let (relative, query) = relative.split_at(relative.find('?').unwrap_or(relative.len()));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole: Cow<str> =
        if relative.starts_with('/') { relative.into() } else { format!("{folder}/{relative}").into() };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    format!("{origin}/{}{query}", parts.join("/"))
}

/// The name of a source for a person: a path within the project where that is known.
///
/// `webpack://app/./src/a.js` and `turbopack:///[project]/src/a.js` become `src/a.js`, `file:///home/a.ts` becomes
/// `/home/a.ts`, and what is relative to its script becomes its path at the server.
pub(super) fn source_name(script: &str, source: &str) -> String {
    let plain = source.split('?').next().unwrap_or_default();
    if let Some(path) = plain.strip_prefix("file://") {
        return path.to_owned();
    }
    if let Some((scheme, rest)) = plain.split_once("://")
        && !matches!(scheme, "http" | "https")
    {
        // The first part is the name of the project, or nothing.
        let path = rest.split_once('/').map_or(rest, |(_, path)| path);
        return tidy(path);
    }
    if plain.starts_with('/') && !plain.starts_with("//") && !plain.contains("://") {
        return plain.to_owned();
    }
    let whole = join(script, plain);
    let path = whole.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or(&*whole, |(_, path)| path);
    path.strip_prefix("@fs").unwrap_or(path).to_owned()
}

/// The path of a module as bundlers write it: `(app-pages-browser)/./src/a.tsx`, `[project]/src/a.tsx`.
fn tidy(path: &str) -> String {
    let mut path = path;
    while let Some((first, rest)) = path.split_once('/') {
        let is_label = first.is_empty() || first == "." || first.starts_with('(') || first.starts_with('[');
        if !is_label {
            break;
        }
        path = rest;
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_script_names_its_map() {
        let of = |text: &str| of_script(text.as_bytes());
        assert_eq!(of("a()\n//# sourceMappingURL=a.js.map\n"), Some(Place::At("a.js.map".into())));
        assert_eq!(of("a()\n//@ sourceMappingURL=/m?x=1"), Some(Place::At("/m?x=1".into())));
        let inline = "//# sourceMappingURL=data:application/json;charset=utf-8;base64,e30=";
        assert_eq!(of(&format!("//# sourceMappingURL=old\nx\n{inline}\n")), Some(Place::Inline(b"{}".to_vec())));
        let plain = "//# sourceMappingURL=data:application/json,%7B%22a%22:1%7D";
        assert_eq!(of(plain), Some(Place::Inline(b"{\"a\":1}".to_vec())));
        for text in ["", "let sourceMappingURL=1", "'sourceMappingURL=x'", "//# sourceMappingURL="] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_evaluated_module_has_its_map_in_the_bundle() {
        let name = "webpack-internal:///./src/a.js";
        let module = |map: &str, name: &str| {
            format!(
                "eval(__x(\"code\\n//# sourceURL=[module]\\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,{map}\\n//# sourceURL={name}\\n\"));\n"
            )
        };
        let bundle = module("e30=", "webpack-internal:///./src/b.js") + &module("W10=", name);
        assert_eq!(of_module(bundle.as_bytes(), name), Some(b"[]".to_vec()));
        assert_eq!(of_module(bundle.as_bytes(), "webpack-internal:///./src/c.js"), None);
        assert_eq!(of_module(format!("eval(\"code\\n//# sourceURL={name}\\n\")").as_bytes(), name), None);
    }

    #[test]
    fn a_module_has_its_name_in_the_address_and_its_place_in_the_chunk() {
        let url = "http://h/c.js?id=%255Bproject%255D/app/a%252520b.ts+%255Bapp-client%255D+(ecmascript)";
        let module = module_in_url(url).unwrap();
        assert_eq!(module, "[project]/app/a%20b.ts [app-client] (ecmascript)");
        for url in ["http://h/c.js", "http://h/c.js?id=5", "http://h/c.js?v=1&id=[a]", "http://h/c.js?id=%ff"] {
            assert_eq!(module_in_url(url), None, "{url}");
        }
        let chunk = format!("push([\nx(\"{module}\"),\n\"{module}\", (() => {{\n");
        assert_eq!(lines_before_module(chunk.as_bytes(), &module), Some(2));
        assert_eq!(lines_before_module(b"push([", &module), None);
    }

    #[test]
    fn sources_are_named_by_their_paths() {
        let script = "http://localhost:20888/src/views/app.tsx?t=17";
        for (source, name) in [
            ("app.tsx", "src/views/app.tsx"),
            ("../main.ts", "src/main.ts"),
            ("/home/me/project/src/a.ts", "/home/me/project/src/a.ts"),
            ("file:///home/me/a.ts", "/home/me/a.ts"),
            ("webpack://my-app/./src/index.js?abc", "src/index.js"),
            ("webpack-internal:///(app-pages-browser)/./src/app/page.tsx", "src/app/page.tsx"),
            ("turbopack:///[project]/src/app/page.tsx", "src/app/page.tsx"),
            ("http://localhost:20888/src/x.ts", "src/x.ts"),
            ("http://localhost:20888/@fs/home/me/x.ts", "/home/me/x.ts"),
        ] {
            assert_eq!(source_name(script, source), name, "{source}");
        }
        assert_eq!(join("http://h:1/a/b.js?x", "c.map?y=1/2"), "http://h:1/a/c.map?y=1/2");
        assert_eq!(join("http://h:1", "/c"), "http://h:1/c");
        assert_eq!(join("http://h:1/a", "../../../c"), "http://h:1/c");
    }
}
