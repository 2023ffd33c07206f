//! What both eras ask: lists, calls, completions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::core::Core;
use super::sessions::SessionId;
use crate::io::net::{Key, Net};
use crate::mcp::call::{CallKind, CallSpec, CompletionAsk};
use crate::mcp::protocol::{CallError, Client, Era, Level, List, ListKind, Version, code, meta};
use crate::wire::jsonrpc::{Id, Members};

/// Where the answer to a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The connection waits for it.
    Reply(Key),
    /// A stream of a session, whoever reads it.
    Stream(SessionId, u64),
    /// The connection of a session of HTTP+SSE.
    OldSse(SessionId),
    /// Standard output.
    Stdio,
    /// A task keeps it.
    Task(String),
    /// Whoever asked has gone.
    Nobody,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Who {
    pub(super) version: Version,
    pub(super) client: Arc<Client>,
    pub(super) session: Option<SessionId>,
    pub(super) log_level: Option<Level>,
}

impl Default for Who {
    fn default() -> Who {
        Who { version: Version::V2025_03_26, client: Arc::default(), session: None, log_level: None }
    }
}

/// A request, taken apart.
pub(super) struct Asked<'a> {
    pub(super) id: Id,
    pub(super) method: Cow<'a, str>,
    pub(super) params: Members<'a>,
    pub(super) meta: Members<'a>,
    pub(super) who: Who,
}

impl Asked<'_> {
    pub(super) fn era(&self) -> Era {
        self.who.version.era()
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<String, CallError> {
        let text = self.params.text(name).map(Cow::into_owned);
        text.ok_or_else(|| CallError::invalid_params(format!("`{}` needs `{name}`, a string.", self.method)))
    }
}

/// How far a request came at once.
pub(super) enum Done {
    /// To its end: the result.
    Result(String),
    /// A call begins.
    Call(Box<CallSpec>),
    /// It stays open.
    Open,
}

impl Core {
    /// Does what is asked; the answer goes to `carrier`, now or later.
    pub(super) fn obey(&mut self, net: &mut Net, asked: Asked<'_>, carrier: Carrier) {
        let era = asked.era();
        let done = match era {
            Era::Legacy => self.legacy(net, &asked, &carrier),
            Era::Modern => self.modern(net, &asked, &carrier),
        };
        match done {
            Ok(Done::Open) => {}
            Ok(Done::Result(text)) => self.answer(net, &carrier, &asked.id, era, Ok(&text)),
            Err(error) => self.answer(net, &carrier, &asked.id, era, Err(error)),
            Ok(Done::Call(spec)) => {
                let token = asked.meta.get(meta::PROGRESS).map(|token| token.get().to_owned());
                self.start_call(net, *spec, asked.id, token, carrier);
            }
        }
    }

    /// What both eras have.
    pub(super) fn common(&mut self, asked: &Asked<'_>) -> Result<Done, CallError> {
        match &*asked.method {
            "tools/call" => self.call(asked, CallKind::Tool, "name"),
            "resources/read" => self.call(asked, CallKind::Resource, "uri"),
            "prompts/get" => self.call(asked, CallKind::Prompt, "name"),
            "completion/complete" => self.completion(asked),
            "tools/list" => self.list(asked, ListKind::Tools, "tools"),
            "resources/list" => self.list(asked, ListKind::Resources, "resources"),
            "resources/templates/list" => self.list(asked, ListKind::Templates, "resourceTemplates"),
            "prompts/list" => self.list(asked, ListKind::Prompts, "prompts"),
            method => {
                Err(CallError::new(code::METHOD_NOT_FOUND, format!("There is no method `{}`.", shortened(method))))
            }
        }
    }

    pub(super) fn spec(&self, asked: &Asked<'_>, kind: CallKind, name: String) -> CallSpec {
        CallSpec {
            kind,
            name,
            arguments: None,
            completion: CompletionAsk::default(),
            meta: asked.params.get("_meta").map(ToOwned::to_owned),
            version: asked.who.version,
            client: Arc::clone(&asked.who.client),
            session: asked.who.session.clone(),
            log_level: asked.who.log_level,
            wants_progress: asked.meta.get(meta::PROGRESS).is_some_and(|token| is_token(token.get())),
            answers: BTreeMap::new(),
            state: None,
            server: Arc::clone(&self.server),
        }
    }

    fn call(&mut self, asked: &Asked<'_>, kind: CallKind, name: &str) -> Result<Done, CallError> {
        let mut spec = self.spec(asked, kind, asked.text(name)?);
        if kind != CallKind::Resource
            && let Some(arguments) = asked.params.get("arguments").filter(|arguments| arguments.get() != "null")
        {
            if !arguments.get().starts_with('{') {
                return Err(CallError::invalid_params("`arguments` is no object."));
            }
            spec.arguments = Some(arguments.to_owned());
        }
        if asked.era() == Era::Modern {
            self.take_answers(asked, &mut spec)?;
        }
        Ok(Done::Call(Box::new(spec)))
    }

    fn completion(&mut self, asked: &Asked<'_>) -> Result<Done, CallError> {
        let bad = |what: &str| CallError::invalid_params(format!("`completion/complete` needs {what}."));
        let members = |name: &str| asked.params.get(name).and_then(|raw| Members::of_raw(raw).ok());
        let reference = members("ref").ok_or_else(|| bad("`ref`, an object"))?;
        let argument = members("argument").ok_or_else(|| bad("`argument`, an object"))?;
        let (is_resource, name) = match reference.text("type").as_deref() {
            Some("ref/prompt") => (false, reference.text("name")),
            Some("ref/resource") => (true, reference.text("uri")),
            _ => return Err(bad("`ref.type`: ref/prompt or ref/resource")),
        };
        let name = name.ok_or_else(|| bad("the `name` of a prompt or the `uri` of a template in `ref`"))?;
        let mut spec = self.spec(asked, CallKind::Completion, name.into_owned());
        let text =
            |name: &str| argument.text(name).map(Cow::into_owned).ok_or_else(|| bad("`argument.name` and `.value`"));
        let context = members("context").and_then(|context| context.read("arguments")).unwrap_or_default();
        spec.completion = CompletionAsk { is_resource, argument: text("name")?, value: text("value")?, context };
        Ok(Done::Call(Box::new(spec)))
    }

    fn list(&mut self, asked: &Asked<'_>, kind: ListKind, name: &str) -> Result<Done, CallError> {
        let list = self.provider.list(kind);
        let start = match asked.params.get("cursor").filter(|cursor| cursor.get() != "null") {
            None => 0,
            Some(_) => asked.params.text("cursor").and_then(|cursor| from_cursor(&cursor, &list)).ok_or_else(|| {
                CallError::invalid_params("The cursor is none of this list, or the list has changed.")
            })?,
        };
        let end = list.items.len().min(start + self.limits.page);
        let items: Vec<&str> = list.items[start..end].iter().map(|item| item.json.get()).collect();
        let mut text = format!("{{\"{name}\":[{}]", items.join(","));
        if end < list.items.len() {
            text += &format!(",\"nextCursor\":\"{}\"", cursor(end, &list));
        }
        if asked.era() == Era::Modern {
            let scope = serde_json::to_string(&list.scope).unwrap_or_default();
            text += &format!(",\"ttlMs\":{},\"cacheScope\":{scope}", list.ttl_ms);
        }
        text.push('}');
        Ok(Done::Result(crate::mcp::call::reply::wrap(&text, asked.era(), &self.server)))
    }
}

/// A string or an integer.
fn is_token(text: &str) -> bool {
    serde_json::from_str::<Id>(text).is_ok()
}

pub(super) fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}

/// The place in a list, and a mark of what stands before it.
fn cursor(place: usize, list: &List) -> String {
    format!("{place:x}-{:x}", mark(&list.items[place - 1].name))
}

fn from_cursor(cursor: &str, list: &List) -> Option<usize> {
    let (place, name) = cursor.split_once('-')?;
    let place = usize::from_str_radix(place, 16).ok()?;
    let before = list.items.get(place.checked_sub(1)?)?;
    (u64::from_str_radix(name, 16).ok()? == mark(&before.name)).then_some(place)
}

/// FNV-1a.
fn mark(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
