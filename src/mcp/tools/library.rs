//! Scripts for pages that are kept in the project: `.brum/scripts/NAME.ts`, metadata in front, a function expression behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::answer::{Answer, Done, Refusal};
use super::browser::{Place, place};
use super::repl::inject;
use super::schema::Arguments;
use super::table::{Question, Work};
use super::text::count;
use super::toolbox::Toolbox;
use crate::app::view::Backend;

/// What can be done.
pub(crate) const OPERATIONS: &[&str] = &["list", "add", "remove", "update", "search", "categories", "get", "inject"];

/// What a script has beside its code.
const DETAILS: [&str; 8] =
    ["description", "category", "tags", "examples", "parameters", "returnType", "author", "version"];

/// Bounds: of one file, and of all.
const FILE_BYTES_MAX: u64 = 256 << 10;
const FILES_MAX: usize = 200;

/// Putting scripts into a page may take so long.
const INJECT_WITHIN: Duration = Duration::from_secs(10);

/// Those that are always there.
const BUILT_IN: [(&str, &str); 5] = [
    ("getDetails", include_str!("library/getDetails.ts")),
    ("componentTree", include_str!("library/componentTree.ts")),
    ("traceEvents", include_str!("library/traceEvents.ts")),
    ("getBoundingBoxTree", include_str!("library/getBoundingBoxTree.ts")),
    ("findLayoutIssues", include_str!("library/findLayoutIssues.ts")),
];

/// A script.
#[derive(Clone, Debug)]
struct Script {
    name: String,
    about: Map<String, Value>,
    code: String,
    /// Where it lies; `None` for one that is built in.
    file: Option<PathBuf>,
}

impl Script {
    /// `/*** {…} ***/` and code behind; a file without that is all code.
    fn read(name: &str, text: &str, file: Option<PathBuf>) -> Script {
        let parts = text.trim_start().strip_prefix("/***").and_then(|rest| rest.split_once("***/"));
        let about = parts.and_then(|(about, _)| serde_json::from_str(about).ok()).unwrap_or_default();
        let code = parts.map_or(text, |(_, code)| code).trim();
        Script { name: name.to_owned(), about, code: code.trim_end_matches(';').to_owned(), file }
    }

    fn write(&self) -> String {
        let about = serde_json::to_string_pretty(&self.about).unwrap_or_default();
        format!("/*** {about} ***/\n{}\n", self.code)
    }

    fn text(&self, field: &str) -> &str {
        self.about.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn category(&self) -> &str {
        let own = self.text("category");
        if own.is_empty() { "other" } else { own }
    }

    fn json(&self, with_code: bool) -> Value {
        let mut value = Value::Object(self.about.clone());
        value["name"] = self.name.as_str().into();
        value["builtIn"] = self.file.is_none().into();
        if with_code {
            value["code"] = self.code.as_str().into();
        }
        value
    }

    fn says(&self, word: &str) -> bool {
        let all = format!("{} {}", self.name, Value::Object(self.about.clone())).to_lowercase();
        all.contains(&word.to_lowercase())
    }
}

/// The project's folder if it is there, else the person's own.
fn folder(project: &Path) -> PathBuf {
    let own = project.join(".brum/scripts");
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".brum/scripts"));
    match home {
        Some(home) if !own.is_dir() && home.is_dir() => home,
        _ => own,
    }
}

/// All scripts by their names; those of the folder win.
fn scripts(folder: &Path) -> BTreeMap<String, Script> {
    let mut all: BTreeMap<String, Script> =
        BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), Script::read(name, text, None))).collect();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in
        files.into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "ts" || ext == "js")).take(FILES_MAX)
    {
        let small = fs::metadata(&file).is_ok_and(|about| about.is_file() && about.len() <= FILE_BYTES_MAX);
        let name = file.file_stem().and_then(|name| name.to_str()).filter(|name| is_name(name)).map(str::to_owned);
        if let (true, Some(name), Ok(text)) = (small, name, fs::read_to_string(&file)) {
            all.insert(name.clone(), Script::read(&name, &text, Some(file)));
        }
    }
    all
}

/// 1 to 64 of `A-Za-z0-9_-`: then it is also a file's name and nothing else.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// JavaScript that puts the library into a page: `brummerLibrary.NAME(…)`, also as `lib`.
pub(crate) fn prelude(toolbox: &Toolbox) -> Result<String, Refusal> {
    let all = scripts(&folder(&toolbox.app.project().dir));
    Ok(code(all.values()))
}

fn code<'a>(scripts: impl Iterator<Item = &'a Script>) -> String {
    let mut code = String::from(
        "(() => { const l = window.brummerLibrary = window.brummerLibrary || {}; window.lib = window.lib || l;\n",
    );
    for script in scripts {
        // Parsed apart, so that one with a mistake spoils no other.
        let (name, text) = (Value::from(script.name.as_str()), Value::from(format!("({})", script.code)));
        code +=
            &format!("try {{ l[{name}] = (0, eval)({text}); }} catch (e) {{ l[{name}] = () => {{ throw e; }}; }}\n");
    }
    code += "l.list = () => Object.keys(l); return Object.keys(l).length; })()";
    code
}

pub(crate) fn library(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let folder = folder(&toolbox.app.project().dir);
    let all = scripts(&folder);
    match arguments.text("operation").unwrap_or("list") {
        "inject" => put_in(toolbox, arguments, &all),
        "add" | "update" => Work::Done(write(&folder, &all, arguments)),
        "remove" => Work::Done(remove(&all, arguments)),
        "get" => Work::Done(named(&all, arguments).map(|script| {
            let words = format!("{}: {}\n{}", script.name, script.text("description"), script.code);
            Answer::new(words, json!({ "scripts": [script.json(true)], "total": 1 }))
        })),
        "categories" => {
            let mut categories: BTreeMap<&str, usize> = BTreeMap::new();
            all.values().for_each(|script| *categories.entry(script.category()).or_default() += 1);
            let words = format!("{categories:?}");
            Work::Done(Ok(Answer::new(words, json!({ "scripts": [], "categories": categories, "total": all.len() }))))
        }
        _ => {
            let word = arguments.text("query").unwrap_or_default();
            let category = arguments.text("category");
            let wanted = |script: &&Script| {
                (word.is_empty() || script.says(word)) && category.is_none_or(|own| script.category() == own)
            };
            let found: Vec<&Script> = all.values().filter(wanted).collect();
            let lines: Vec<String> =
                found.iter().map(|script| format!("{}: {}", script.name, script.text("description"))).collect();
            let list: Vec<Value> = found.iter().map(|script| script.json(false)).collect();
            let head = count(found.len(), "script", "scripts");
            Work::Done(Ok(Answer::new(
                format!("{head}; in repl_execute: brummerLibrary.NAME(…)\n{}", lines.join("\n")),
                json!({ "scripts": list, "total": found.len() }),
            )))
        }
    }
}

fn named<'a>(all: &'a BTreeMap<String, Script>, arguments: &Arguments) -> Result<&'a Script, Refusal> {
    let name = arguments.text("name").ok_or_else(|| Refusal::from("`name` is missing."))?;
    all.get(name).ok_or_else(|| {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        Refusal(format!("No script `{name}` in the library. There are: {}.", names.join(", ")))
    })
}

fn write(folder: &Path, all: &BTreeMap<String, Script>, arguments: &Arguments) -> Done {
    let name = arguments.text("name").ok_or_else(|| Refusal::from("`name` is missing."))?;
    if !is_name(name) {
        return Err(Refusal(format!("`name` is {name:?}; expected: 1 to 64 of A-Z a-z 0-9 _ -.")));
    }
    let update = arguments.text("operation") == Some("update");
    let old = all.get(name).filter(|script| script.file.is_some());
    if old.is_some() != update {
        return Err(Refusal(match update {
            true => format!("The library has no script `{name}` of its own; operation \"add\" makes it."),
            false => format!("There is a script `{name}` already; operation \"update\" changes it."),
        }));
    }
    let code = arguments.text("code").map(str::to_owned).or_else(|| old.map(|old| old.code.clone()));
    let code = code.ok_or_else(|| Refusal::from("`code` is missing: a function expression."))?;
    let mut about = old.map(|old| old.about.clone()).unwrap_or_default();
    for field in DETAILS {
        if let Some(value) = arguments.value(field) {
            about.insert(field.to_owned(), value.clone());
        }
    }
    let file = old.and_then(|old| old.file.clone()).unwrap_or_else(|| folder.join(format!("{name}.ts")));
    let script = Script { name: name.to_owned(), about, code, file: Some(file.clone()) };
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, script.write()));
    written.map_err(|error| Refusal(format!("{} could not be written: {error}.", file.display())))?;
    let words = format!("{name} is in {}.", file.display());
    Ok(Answer::new(words, json!({ "scripts": [script.json(false)], "total": 1 })))
}

/// What to ask before a script is removed.
pub(crate) fn confirm_remove(_: &Toolbox, arguments: &Arguments) -> Option<Question> {
    let removes = arguments.text("operation") == Some("remove");
    removes
        .then(|| format!("Remove the script {} from the library?", arguments.text("name").unwrap_or_default()).into())
}

fn remove(all: &BTreeMap<String, Script>, arguments: &Arguments) -> Done {
    let script = named(all, arguments)?;
    let Some(file) = &script.file else {
        return Err(Refusal(format!("{} is built in and cannot be removed.", script.name)));
    };
    fs::remove_file(file).map_err(|error| Refusal(format!("{} could not be removed: {error}.", file.display())))?;
    Ok(Answer::new(format!("{} was removed.", script.name), json!({ "scripts": [], "total": 0 })))
}

fn put_in(toolbox: &Arc<Toolbox>, arguments: &Arguments, all: &BTreeMap<String, Script>) -> Work {
    let chosen: Result<Vec<Script>, Refusal> = match arguments.text("name") {
        Some(_) => named(all, arguments).map(|script| vec![script.clone()]),
        None => Ok(all.values().cloned().collect()),
    };
    let (chosen, place) = match chosen.and_then(|chosen| Ok((chosen, place(toolbox, arguments)?))) {
        Ok(found) => found,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    let code = code(chosen.iter());
    let list: Vec<Value> = chosen.iter().map(|script| script.json(false)).collect();
    let words = format!("{} in the page as brummerLibrary.", count(list.len(), "script is", "scripts are"));
    let answer = Answer::new(words, json!({ "total": list.len(), "scripts": list }));
    match place {
        Place::Page(session) => inject(toolbox, &session, code, INJECT_WITHIN, move |_| Work::Done(Ok(answer))),
        Place::Driven(page) => Work::of(toolbox.driver.ask(INJECT_WITHIN * 2, move |_| {
            page.tab.evaluate(&code, INJECT_WITHIN)?;
            Ok(answer)
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(value: Value) -> Arguments {
        let fields = crate::mcp::tools::table::tool("repl_library").expect("listed").input;
        Arguments::check(fields, value.as_object().cloned().unwrap_or_default()).expect("good arguments")
    }

    #[test]
    fn a_script_is_written_read_changed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(".brum/scripts");
        let add = arguments(json!({"operation": "add", "name": "hi", "code": "() => `a${1}`", "tags": ["x"]}));
        write(&folder, &scripts(&folder), &add).unwrap();
        assert!(write(&folder, &scripts(&folder), &add).unwrap_err().0.contains("already"));
        let all = scripts(&folder);
        assert_eq!((all["hi"].code.as_str(), &all["hi"].about["tags"]), ("() => `a${1}`", &json!(["x"])));
        let update = arguments(json!({"operation": "update", "name": "hi", "description": "says hi"}));
        write(&folder, &all, &update).unwrap();
        let all = scripts(&folder);
        assert_eq!((all["hi"].text("description"), all["hi"].code.as_str()), ("says hi", "() => `a${1}`"));
        assert!(all["hi"].says("SAYS"));
        remove(&all, &arguments(json!({"operation": "remove", "name": "hi"}))).unwrap();
        let all = scripts(&folder);
        assert_eq!(all.len(), BUILT_IN.len());
        for (operation, name, said) in [
            ("remove", "getDetails", "built in"),
            ("add", "../x", "expected: 1 to 64"),
            ("update", "none", "no script"),
        ] {
            let arguments = arguments(json!({"operation": operation, "name": name, "code": "1"}));
            let done = if operation == "remove" { remove(&all, &arguments) } else { write(&folder, &all, &arguments) };
            assert!(done.unwrap_err().0.contains(said), "{operation} {name}");
        }
    }

    #[test]
    fn those_that_are_built_in_have_a_description_and_a_function() {
        for script in scripts(Path::new("/none")).values() {
            assert!(!script.text("description").is_empty() && script.category() != "other", "{}", script.name);
            assert!(script.code.starts_with("function") || script.code.starts_with('('), "{}", script.name);
        }
    }
}
