//! The one table of resources: URIs, what they hold, and when they have changed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::app::view::Backend;
use crate::event::Level;
use crate::mcp::protocol::{CallError, Contents, Resource, ResourceResult, Template};
use crate::mcp::tools::logs::Wanted;
use crate::mcp::tools::text::clean;
use crate::mcp::tools::toolbox::Toolbox;
use crate::mcp::tools::{errors, proxy, scripts, telemetry};
use crate::proxy::{ExchangeId, capture::redact};

/// Lines, and requests, that a resource holds.
const LINES: usize = 100;
const ERROR_LINES: usize = 50;
const REQUESTS: usize = 100;
const SESSIONS: usize = 50;

/// What stands behind a URI.
enum What {
    Json(Value),
    Text(&'static str, String),
}

/// Why there is nothing.
enum Nothing {
    /// Nothing has this URI.
    Unknown,
    /// It could not be read; why.
    Failed(String),
}

type Read = Result<What, Nothing>;

/// A row of the table. A URI with a `{name}` in it is a template.
struct Row {
    uri: &'static str,
    title: &'static str,
    about: &'static str,
    mime: &'static str,
    /// `name` is what stands in the place of the template's.
    read: fn(&Toolbox, name: &str) -> Read,
    /// Another number means that it has changed.
    state: fn(&Toolbox, name: &str) -> u64,
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

const ROWS: &[Row] = &[
    Row {
        uri: "config://effective",
        title: "Settings",
        about: "Every setting with its value and where it comes from",
        mime: TEXT,
        read: |toolbox, _| Ok(What::Text(TEXT, clean(&toolbox.app.config().render(), usize::MAX))),
        state: |_, _| 0,
    },
    Row {
        uri: "env://{process}",
        title: "Environment",
        about: "The variables that a script is given beside brummer's own, values masked",
        mime: JSON,
        read: environment,
        state: |_, _| 0,
    },
    Row {
        uri: "errors://{id}",
        title: "An error",
        about: "One error with its frames, stack and source",
        mime: JSON,
        read: |toolbox, id| match errors::find(toolbox, id) {
            Some(found) => Ok(What::Json(found.json(toolbox))),
            None => Err(Nothing::Unknown),
        },
        state: |toolbox, id| errors::find(toolbox, id).map_or(0, |found| hash(&found.json(toolbox).to_string())),
    },
    Row {
        uri: "logs://errors",
        title: "Error lines",
        about: "The newest lines that are errors",
        mime: JSON,
        read: |toolbox, _| lines(toolbox, &Wanted::newest(ERROR_LINES, Some(Level::Error))),
        state: |toolbox, _| toolbox.app.processes().iter().map(|row| row.errors).sum(),
    },
    Row {
        uri: "logs://process/{name}",
        title: "Lines of a process",
        about: "The newest lines of one process",
        mime: JSON,
        read: |toolbox, name| match toolbox.ids(Some(name)) {
            Ok(ids) => lines(toolbox, &Wanted::of(ids.unwrap_or_default(), LINES)),
            Err(_) => Err(Nothing::Unknown),
        },
        state: |toolbox, name| {
            let ids = toolbox.ids(Some(name)).ok().flatten().unwrap_or_default();
            toolbox.app.logs().snapshot().only(&ids).last_seq().unwrap_or(0)
        },
    },
    Row {
        uri: "logs://recent",
        title: "Newest lines",
        about: "The newest lines of all processes",
        mime: JSON,
        read: |toolbox, _| lines(toolbox, &Wanted::newest(LINES, None)),
        state: |toolbox, _| toolbox.app.logs().snapshot().last_seq().unwrap_or(0),
    },
    Row {
        uri: "processes://active",
        title: "Processes",
        about: "What runs or ran, and how it stands",
        mime: JSON,
        read: |toolbox, _| answered(scripts::processes(toolbox)),
        state: |toolbox, _| {
            let all = toolbox.app.processes();
            hash(&all.iter().map(|row| (row.id, row.status, row.stopping, row.url.clone())).collect::<Vec<_>>())
        },
    },
    Row {
        uri: "proxy://mappings",
        title: "Addresses",
        about: "The servers' URLs and their addresses through the proxy",
        mime: JSON,
        read: |toolbox, _| answered(proxy::mappings(toolbox)),
        state: |toolbox, _| toolbox.app.versions().urls,
    },
    Row {
        uri: "proxy://request/{id}",
        title: "A request",
        about: "One HTTP request and its answer in full, secrets masked",
        mime: JSON,
        read: |toolbox, id| {
            let id = ExchangeId(id.parse().map_err(|_| Nothing::Unknown)?);
            toolbox.app.capture().get(id).ok_or(Nothing::Unknown)?;
            answered(proxy::in_full(toolbox, id))
        },
        state: |toolbox, id| {
            let found = id.parse().ok().and_then(|id| toolbox.app.capture().get(ExchangeId(id)));
            found.map_or(0, |exchange| 1 + u64::from(exchange.done) + exchange.frames_total.0 + exchange.frames_total.1)
        },
    },
    Row {
        uri: "proxy://requests",
        title: "HTTP requests",
        about: "The newest requests that went through the proxy",
        mime: JSON,
        read: |toolbox, _| {
            let mut found = toolbox.app.exchanges("").map_err(|error| Nothing::Failed(error.to_string()))?;
            let total = found.len();
            found.truncate(REQUESTS);
            Ok(What::Json(proxy::list_answer(&found, total, total > REQUESTS).value))
        },
        state: |toolbox, _| toolbox.app.capture().version(),
    },
    Row {
        uri: "scripts://available",
        title: "Scripts",
        about: "What can be run",
        mime: JSON,
        read: |toolbox, _| Ok(What::Json(scripts::scripts(toolbox).value)),
        state: |toolbox, _| toolbox.app.versions().scripts,
    },
    Row {
        uri: "telemetry://console-errors",
        title: "console.error",
        about: "What pages wrote with console.error, grouped",
        mime: JSON,
        read: |toolbox, _| Ok(page_errors(toolbox, false)),
        state: |toolbox, _| page_error_state(toolbox, false),
    },
    Row {
        uri: "telemetry://errors",
        title: "Errors of pages",
        about: "Exceptions, rejections and what did not load, grouped",
        mime: JSON,
        read: |toolbox, _| Ok(page_errors(toolbox, true)),
        state: |toolbox, _| page_error_state(toolbox, true),
    },
    Row {
        uri: "telemetry://sessions",
        title: "Pages",
        about: "Pages in browsers that came through the proxy",
        mime: JSON,
        read: |toolbox, _| {
            let found = toolbox.app.telemetry().sessions();
            Ok(What::Json(telemetry::sessions_answer(toolbox, &found, SESSIONS).value))
        },
        state: |toolbox, _| toolbox.app.telemetry().version(),
    },
];

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn answered(done: crate::mcp::tools::answer::Done) -> Read {
    done.map(|answer| What::Json(answer.value)).map_err(|refusal| Nothing::Failed(refusal.0))
}

fn lines(toolbox: &Toolbox, wanted: &Wanted) -> Read {
    Ok(What::Json(wanted.last(toolbox).values.into()))
}

fn page_errors(toolbox: &Toolbox, exceptions: bool) -> What {
    let found = errors::of_pages(toolbox, exceptions);
    What::Json(found.iter().map(|finding| finding.json(toolbox)).collect::<Vec<Value>>().into())
}

fn page_error_state(toolbox: &Toolbox, exceptions: bool) -> u64 {
    let store = toolbox.app.telemetry();
    let groups = if exceptions { store.errors(None) } else { store.console_errors(None) };
    hash(&groups.iter().map(|group| (group.fingerprint, group.count, group.originals.len())).collect::<Vec<_>>())
}

/// Values are never told: which variables there are is what helps.
fn environment(toolbox: &Toolbox, word: &str) -> Read {
    // A process is known by its script's name, which an id stands for as well.
    let name = toolbox.named(word).ok().and_then(|rows| Some(rows.last()?.name.to_string()));
    let variables = toolbox.app.environment(name.as_deref().unwrap_or(word)).map_err(|_| Nothing::Unknown)?;
    let one = |(name, value): &(String, Option<String>)| json!({ "name": name, "value": value.as_ref().map(|value| format!("‹masked:{}›", value.chars().count())) });
    let secrets = variables.iter().filter(|(name, _)| redact::is_secret_name(name)).count();
    let list: Vec<Value> = variables.iter().map(one).collect();
    Ok(What::Json(json!({ "process": word, "variables": list, "secrets": secrets })))
}

/// What stands in a template before and behind its `{name}`.
fn parts(uri: &str) -> Option<(&str, &str)> {
    let (before, rest) = uri.split_once('{')?;
    Some((before, rest.split_once('}')?.1))
}

/// The row of a URI, and what stands in the place of its name.
fn find(uri: &str) -> Option<(&'static Row, String)> {
    let whole = ROWS.iter().find(|row| row.uri == uri && parts(row.uri).is_none());
    if let Some(row) = whole {
        return Some((row, String::new()));
    }
    ROWS.iter().find_map(|row| {
        let (before, behind) = parts(row.uri)?;
        let name = uri.strip_prefix(before)?.strip_suffix(behind).filter(|name| !name.is_empty())?;
        Some((row, decode(name)?))
    })
}

/// `%20` and so on as they were meant.
fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(more.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Those with a URI of their own.
pub(crate) fn resources() -> Vec<Resource> {
    let rows = ROWS.iter().filter(|row| parts(row.uri).is_none());
    let one = |row: &Row| Resource {
        uri: row.uri.to_owned(),
        name: row.uri.replace("://", "-"),
        title: Some(row.title.to_owned()),
        description: Some(row.about.to_owned()),
        mime_type: Some(row.mime.to_owned()),
        size: None,
    };
    rows.map(one).collect()
}

/// Those whose URI is made from a name.
pub(crate) fn templates() -> Vec<Template> {
    let one = |row: &Row| Template {
        uri_template: row.uri.to_owned(),
        name: parts(row.uri)
            .map_or(row.uri, |(before, _)| before)
            .trim_end_matches('/')
            .replace("://", "-")
            .trim_end_matches(['-', ':'])
            .to_owned(),
        title: Some(row.title.to_owned()),
        description: Some(row.about.to_owned()),
        mime_type: Some(row.mime.to_owned()),
    };
    ROWS.iter().filter(|row| parts(row.uri).is_some()).map(one).collect()
}

/// Reads a resource.
///
/// # Errors
/// Nothing has this URI, or it could not be read.
pub(crate) fn read(toolbox: &Arc<Toolbox>, uri: &str) -> Result<ResourceResult, CallError> {
    let (row, name) = find(uri).ok_or_else(|| CallError::unknown_resource(uri))?;
    match (row.read)(toolbox, &name) {
        Ok(What::Json(value)) => Ok(ResourceResult::live(Contents::text(uri, JSON, value.to_string()))),
        Ok(What::Text(mime, text)) => Ok(ResourceResult::live(Contents::text(uri, mime, text))),
        Err(Nothing::Unknown) => Err(CallError::unknown_resource(uri)),
        Err(Nothing::Failed(why)) => Err(CallError::internal(why)),
    }
}

/// A number that is another one once the resource has changed.
pub(super) fn state(toolbox: &Toolbox, uri: &str) -> u64 {
    find(uri).map_or(0, |(row, name)| (row.state)(toolbox, &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_found_in_the_table_with_the_name_in_it() {
        for (uri, row, name) in [
            ("logs://recent", "logs://recent", ""),
            ("logs://process/web", "logs://process/{name}", "web"),
            ("logs://process/my%20app%2Fx", "logs://process/{name}", "my app/x"),
            ("errors://log-17", "errors://{id}", "log-17"),
            ("proxy://request/3", "proxy://request/{id}", "3"),
            ("env://api", "env://{process}", "api"),
        ] {
            let (found, own) = find(uri).expect(uri);
            assert_eq!((found.uri, own.as_str()), (row, name));
        }
        for uri in [
            "",
            "logs://",
            "logs://process/",
            "logs://process/%",
            "logs://process/%ff",
            "file:///etc/passwd",
            "errors://",
        ] {
            assert!(find(uri).is_none(), "{uri}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_every_row_is_listed_once() {
        assert!(ROWS.is_sorted_by_key(|row| row.uri));
        let names: Vec<String> = templates().into_iter().map(|template| template.name).collect();
        assert_eq!(names, ["env", "errors", "logs-process", "proxy-request"]);
        assert_eq!(resources().len() + templates().len(), ROWS.len());
    }
}
