//! `[[proxy_server.rules]]`: what the proxy does to the requests of a path or a host.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::kind::{Kind, Raw, Value, nearest};
use super::load::Source;
use super::process_entry::environment;
use super::read::{Item, in_order, texts};
use super::report::{ConfigError, FileText};

/// One `[[proxy_server.rules]]`; what is `None`, zero or empty changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleEntry {
    /// The path it is for; `*` stands for any characters.
    pub path: Option<String>,
    /// The host it is for, without its port; `*` stands for any characters.
    pub host: Option<String>,
    /// The method it is for.
    pub method: Option<String>,
    /// A wait before the request goes on.
    pub latency: Duration,
    /// At most so much more, by chance.
    pub jitter: Duration,
    /// The most bytes of the answer a second.
    pub bytes_per_second: Option<u64>,
    /// Of a hundred requests, how many get no answer at all.
    pub drop_percent: u8,
    /// The answer is this status, and the server is not asked.
    pub status: Option<u16>,
    /// Fields of the answer that are set.
    pub set_headers: Vec<(String, String)>,
    /// Fields of the answer that are taken away.
    pub remove_headers: Vec<String>,
    /// The body of the answer is this file, and the server is not asked.
    pub body_file: Option<PathBuf>,
    /// Another origin that is asked instead: `http://127.0.0.1:4000`.
    pub map_to: Option<String>,
    /// Where it stands.
    pub source: Source,
}

/// The keys of a rule, what is allowed, and what they do.
pub(super) const RULE_KEYS: [(&str, &str, &str); 12] = [
    ("path", "a path that begins with `/`", "The path it is for; `*` stands for any characters"),
    ("host", "a host without its port", "The host it is for; `*` stands for any characters"),
    ("method", "a method such as \"GET\"", "The method it is for"),
    ("latency", "a time such as \"200ms\"", "A wait before the request goes on"),
    ("jitter", "a time such as \"100ms\"", "At most so much more, by chance"),
    ("bytes_per_second", "a size such as \"50KB\"", "The most of an answer that passes in a second"),
    ("drop_percent", "a whole number from 0 to 100", "Of a hundred requests, how many get no answer"),
    ("status", "a whole number from 200 to 599", "The answer's status; the server is not asked"),
    ("set_headers", "a table of texts", "Fields of the answer that are set"),
    ("remove_headers", "a name or a list of names", "Fields of the answer that are taken away"),
    ("body_file", "a path", "The answer's body; the server is not asked; a relative path counts from the file"),
    ("map_to", "an origin such as \"http://127.0.0.1:4000\"", "The server that is asked instead"),
];

const NEEDS: &str = "does nothing: add what is to be done, such as latency = \"200ms\" or status = 503";

const TIME: Kind = Kind::Time(Duration::ZERO, Duration::from_secs(600));

type Refusal = (Range<usize>, String);

/// Reads one rule; what is wrong goes to `errors`.
pub(super) fn read_rule(
    file: &FileText<'_>,
    span: Range<usize>,
    fields: &DeTable<'_>,
    errors: &mut Vec<ConfigError>,
) -> Option<RuleEntry> {
    let source = Source::File { path: file.path.to_owned(), line: file.line(span.start) };
    let mut rule = RuleEntry::empty(source);
    let before = errors.len();
    for (field, value) in in_order(fields) {
        if let Err((span, message)) = rule.field(file, (field, value)) {
            errors.push(file.error(span, format!("proxy_server.rules.{}", field.get_ref()), message));
        }
    }
    if errors.len() == before && !rule.does_something() {
        errors.push(file.error(span, "proxy_server.rules", NEEDS));
    }
    (errors.len() == before).then_some(rule)
}

impl RuleEntry {
    fn empty(source: Source) -> RuleEntry {
        RuleEntry {
            path: None,
            host: None,
            method: None,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            bytes_per_second: None,
            drop_percent: 0,
            status: None,
            set_headers: Vec::new(),
            remove_headers: Vec::new(),
            body_file: None,
            map_to: None,
            source,
        }
    }

    fn does_something(&self) -> bool {
        let nothing = RuleEntry {
            path: self.path.clone(),
            host: self.host.clone(),
            method: self.method.clone(),
            ..RuleEntry::empty(self.source.clone())
        };
        *self != nothing
    }

    fn field(&mut self, file: &FileText<'_>, (key, value): Item<'_, '_>) -> Result<(), Refusal> {
        let raw = Raw::from_toml(value.get_ref());
        let checked = |kind: Kind| kind.check(&raw).map_err(|message| (value.span(), message));
        let name = key.get_ref().as_ref();
        let text = |is_right: fn(&str) -> bool| {
            let found = value.get_ref().as_str().filter(|text| is_right(text)).map(str::to_owned);
            found.ok_or_else(|| (value.span(), must_be(name)))
        };
        match name {
            "path" => self.path = Some(text(|path| path.starts_with('/'))?),
            "host" => self.host = Some(text(is_host)?.to_ascii_lowercase()),
            "method" => self.method = Some(text(is_token)?),
            "latency" => self.latency = time(&checked(TIME)?),
            "jitter" => self.jitter = time(&checked(TIME)?),
            "bytes_per_second" => self.bytes_per_second = Some(whole(&checked(Kind::Size(1, u64::MAX >> 1))?)),
            "drop_percent" => self.drop_percent = u8::try_from(whole(&checked(Kind::Count(0, 100))?)).unwrap_or(100),
            "status" => self.status = u16::try_from(whole(&checked(Kind::Count(200, 599))?)).ok(),
            "set_headers" => {
                let fields = environment(value.get_ref()).filter(|fields| fields.iter().all(is_field));
                self.set_headers = fields.ok_or_else(|| (value.span(), must_be(name)))?;
            }
            "remove_headers" => {
                let names = texts(value.get_ref()).filter(|names| names.iter().all(|name| is_token(name)));
                self.remove_headers = names.ok_or_else(|| (value.span(), must_be(name)))?;
            }
            "body_file" => {
                let dir = file.path.parent().unwrap_or(Path::new(""));
                self.body_file = Some(dir.join(text(|path| !path.is_empty())?));
            }
            "map_to" => self.map_to = Some(text(is_origin)?.trim_end_matches('/').to_owned()),
            other => return Err((key.span(), unknown(other))),
        }
        Ok(())
    }

    /// The rule as its lines in a file, without the heading.
    pub(super) fn lines(&self) -> Vec<String> {
        let quote = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut lines = Vec::new();
        let mut say = |key: &str, value: Option<String>| {
            lines.extend(value.map(|value| format!("{key} = {value}")));
        };
        let time = |time: Duration| (!time.is_zero()).then(|| Value::Time(time).to_string());
        say("path", self.path.as_deref().map(quote));
        say("host", self.host.as_deref().map(quote));
        say("method", self.method.as_deref().map(quote));
        say("latency", time(self.latency));
        say("jitter", time(self.jitter));
        say("bytes_per_second", self.bytes_per_second.map(|bytes| Value::Size(bytes).to_string()));
        say("drop_percent", (self.drop_percent > 0).then(|| self.drop_percent.to_string()));
        say("status", self.status.map(|status| status.to_string()));
        let fields: Vec<String> =
            self.set_headers.iter().map(|(name, value)| format!("{} = {}", quote(name), quote(value))).collect();
        say("set_headers", (!fields.is_empty()).then(|| format!("{{ {} }}", fields.join(", "))));
        let names: Vec<String> = self.remove_headers.iter().map(|name| quote(name)).collect();
        say("remove_headers", (!names.is_empty()).then(|| format!("[{}]", names.join(", "))));
        say("body_file", self.body_file.as_ref().map(|path| quote(&path.to_string_lossy())));
        say("map_to", self.map_to.as_deref().map(quote));
        lines
    }
}

fn must_be(key: &str) -> String {
    let row = RULE_KEYS.iter().find(|(name, ..)| *name == key);
    format!("must be {}", row.map_or("something else", |row| row.1))
}

fn unknown(key: &str) -> String {
    match nearest(key, RULE_KEYS.iter().map(|(name, ..)| *name)) {
        Some(near) => format!("is not a setting of a rule; the nearest is `{near}`"),
        None => {
            let names = RULE_KEYS.map(|(name, ..)| format!("`{name}`")).join(", ");
            format!("is not a setting of a rule; there are {names}")
        }
    }
}

fn time(value: &Value) -> Duration {
    match value {
        Value::Time(time) => *time,
        other => unreachable!("a time was checked, not {other:?}"),
    }
}

fn whole(value: &Value) -> u64 {
    match value {
        Value::Count(number) | Value::Size(number) => *number,
        other => unreachable!("a number was checked, not {other:?}"),
    }
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_*[]".contains(&byte))
}

fn is_field((name, value): &(String, String)) -> bool {
    is_token(name) && !value.contains(|c: char| c.is_control() && c != '\t')
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let host = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']))
}

/// The rules of an array of tables; anything else is refused.
pub(super) fn read_rules(
    file: &FileText<'_>,
    span: Range<usize>,
    value: &DeValue<'_>,
    errors: &mut Vec<ConfigError>,
) -> Vec<RuleEntry> {
    let DeValue::Array(items) = value else {
        errors.push(file.error(span, "proxy_server.rules", "must be a list of tables: [[proxy_server.rules]]"));
        return Vec::new();
    };
    let mut rules = Vec::new();
    for item in items.iter() {
        match item.get_ref() {
            DeValue::Table(fields) => rules.extend(read_rule(file, item.span(), fields, errors)),
            _ => {
                errors.push(file.error(item.span(), "proxy_server.rules", "must be a table with `path` and what to do"))
            }
        }
    }
    rules
}
