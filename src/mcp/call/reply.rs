//! What a call is answered with, and its JSON in either era.

use serde::Serialize;
use serde_json::value::RawValue;

use super::spec::{CallKind, CallSpec};
use crate::mcp::protocol::{Completion, Contents, Era, PromptResult, ResourceResult, Scope, ToolResult, meta};
use crate::wire::jsonrpc::Members;

/// More values of a completion are cut.
const VALUES_MAX: usize = 100;

/// An answer. Made of the results in [`protocol`](crate::mcp::protocol), or of JSON that came from another server.
#[derive(Debug)]
pub struct Reply(pub(super) Body);

#[derive(Debug)]
pub(super) enum Body {
    Tool(ToolResult),
    Resource(ResourceResult),
    Prompt(PromptResult),
    Completion(Completion),
    Raw(Box<RawValue>),
}

impl From<ToolResult> for Reply {
    fn from(result: ToolResult) -> Reply {
        Reply(Body::Tool(result))
    }
}

impl From<ResourceResult> for Reply {
    fn from(result: ResourceResult) -> Reply {
        Reply(Body::Resource(result))
    }
}

impl From<PromptResult> for Reply {
    fn from(result: PromptResult) -> Reply {
        Reply(Body::Prompt(result))
    }
}

impl From<Completion> for Reply {
    fn from(result: Completion) -> Reply {
        Reply(Body::Completion(result))
    }
}

/// A whole result of another server, of either era.
impl From<Box<RawValue>> for Reply {
    fn from(result: Box<RawValue>) -> Reply {
        Reply(Body::Raw(result))
    }
}

impl Body {
    /// The result as the client's era wants it.
    pub(super) fn encode(self, spec: &CallSpec) -> String {
        let era = spec.version.era();
        let text = match self {
            Body::Tool(result) if result.meta.is_none() => return wrap(&json(&result), era, &spec.server),
            Body::Tool(result) => json(&result),
            Body::Resource(ResourceResult { contents, ttl_ms, scope }) => {
                let cached = Cached { contents: &contents, ttl_ms, cache_scope: scope };
                let text = if era == Era::Modern { json(&cached) } else { json(&Plain { contents: &contents }) };
                return wrap(&text, era, &spec.server);
            }
            Body::Prompt(result) => return wrap(&json(&result), era, &spec.server),
            Body::Completion(completion) => return wrap(&completed(completion), era, &spec.server),
            Body::Raw(raw) => raw.get().to_owned(),
        };
        rewrap(text, spec, era)
    }
}

fn json(value: &impl Serialize) -> String {
    // Results are plain records, of which JSON can always be made.
    serde_json::to_string(value).unwrap_or_else(|_| "{}".into())
}

#[derive(Serialize)]
struct Plain<'a> {
    contents: &'a [Contents],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cached<'a> {
    contents: &'a [Contents],
    ttl_ms: u64,
    cache_scope: Scope,
}

fn completed(Completion { mut values, total }: Completion) -> String {
    let has_more = values.len() > VALUES_MAX || total.is_some_and(|total| total > values.len());
    values.truncate(VALUES_MAX);
    let mut completion = serde_json::json!({ "values": values, "hasMore": has_more });
    if let Some(total) = total {
        completion["total"] = total.into();
    }
    serde_json::json!({ "completion": completion }).to_string()
}

/// A result of ours as the era wants it: the modern one says how it ended and who answers.
pub(crate) fn wrap(text: &str, era: Era, server: &str) -> String {
    if era == Era::Legacy {
        return text.to_owned();
    }
    let rest = text.strip_prefix('{').unwrap_or("}");
    let comma = if rest == "}" { "" } else { "," };
    format!("{{\"resultType\":\"complete\",\"_meta\":{{\"{}\":{server}}}{comma}{rest}", meta::SERVER)
}

/// The same with a result that may have either of these already.
fn rewrap(text: String, spec: &CallSpec, era: Era) -> String {
    let Ok(members) = Members::of(&text) else { return wrap("{}", era, &spec.server) };
    let mut out = String::with_capacity(text.len() + 160);
    out.push('{');
    let mut put = |name: &str, value: &str| {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&json(&name));
        out.push(':');
        out.push_str(value);
    };
    if era == Era::Modern {
        put("resultType", members.get("resultType").map_or("\"complete\"", |kind| kind.get()));
        put("_meta", &merged(members.get("_meta"), &spec.server));
        if spec.kind == CallKind::Resource && members.get("ttlMs").is_none() {
            put("ttlMs", "0");
            put("cacheScope", "\"private\"");
        }
    }
    let modern = ["resultType", "ttlMs", "cacheScope"];
    for (name, value) in members.iter() {
        let is_put = match era {
            Era::Modern => name != "resultType" && name != "_meta",
            Era::Legacy => !modern.contains(&name),
        };
        if is_put {
            put(name, value.get());
        }
    }
    out.push('}');
    out
}

fn merged(own: Option<&RawValue>, server: &str) -> String {
    let own = own.map_or("{}", |own| own.get()).trim();
    match Members::of(own) {
        Ok(members) if members.get(meta::SERVER).is_some() => own.to_owned(),
        Ok(members) if !members.is_empty() => format!("{{\"{}\":{server},{}", meta::SERVER, &own[1..]),
        _ => format!("{{\"{}\":{server}}}", meta::SERVER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::protocol::Version;
    use serde_json::{Value, json, value::to_raw_value};

    fn encoded(version: Version, kind: CallKind, reply: impl Into<Reply>) -> Value {
        let spec = CallSpec { version, server: "{\"name\":\"s\"}".into(), ..CallSpec::new(kind, "x") };
        serde_json::from_str(&reply.into().0.encode(&spec)).unwrap()
    }

    #[test]
    fn a_modern_result_says_its_type_and_who_answers_and_a_legacy_one_does_not() {
        let server = json!({ "io.modelcontextprotocol/serverInfo": { "name": "s" } });
        let content = json!([{ "type": "text", "text": "a" }]);
        assert_eq!(
            encoded(Version::NEWEST, CallKind::Tool, ToolResult::text("a")),
            json!({ "resultType": "complete", "_meta": server, "content": content })
        );
        assert_eq!(
            encoded(Version::NEWEST_LEGACY, CallKind::Tool, ToolResult::text("a")),
            json!({ "content": content })
        );
        let own = ToolResult { meta: Some(json!({ "a": 1 })), ..ToolResult::default() };
        let want = json!({ "io.modelcontextprotocol/serverInfo": { "name": "s" }, "a": 1 });
        assert_eq!(encoded(Version::NEWEST, CallKind::Tool, own)["_meta"], want);
    }

    #[test]
    fn results_of_another_server_are_made_to_fit_and_otherwise_kept() {
        let raw = to_raw_value(&json!({ "contents": [{ "uri": "a:b", "text": "" }], "x": [1] })).unwrap();
        let modern = encoded(Version::NEWEST, CallKind::Resource, raw);
        assert_eq!(
            (&modern["ttlMs"], &modern["cacheScope"], &modern["x"]),
            (&json!(0), &json!("private"), &json!([1]))
        );
        let back = to_raw_value(&modern).unwrap();
        assert_eq!(encoded(Version::NEWEST, CallKind::Resource, back.clone()), modern);
        let legacy = encoded(Version::NEWEST_LEGACY, CallKind::Resource, back);
        assert!(legacy.get("resultType").is_none() && legacy.get("ttlMs").is_none() && legacy["x"] == json!([1]));
    }

    #[test]
    fn a_completion_has_100_values_at_most() {
        let values = (0..150).map(|n| n.to_string()).collect();
        let result = encoded(Version::NEWEST_LEGACY, CallKind::Completion, Completion { values, total: None });
        assert_eq!(result["completion"]["values"].as_array().unwrap().len(), 100);
        assert_eq!(result["completion"]["hasMore"], true);
    }

    #[test]
    fn blocks_have_the_names_of_the_protocol() {
        use crate::mcp::protocol::Block;
        let image = serde_json::to_value(Block::image(b"abc", "image/png")).unwrap();
        assert_eq!(image, json!({ "type": "image", "data": "YWJj", "mimeType": "image/png" }));
        let link = Block::ResourceLink {
            uri: "a:b".into(),
            name: "b".into(),
            description: None,
            mime_type: Some("x/y".into()),
        };
        let want = json!({ "type": "resource_link", "uri": "a:b", "name": "b", "mimeType": "x/y" });
        assert_eq!(serde_json::to_value(link).unwrap(), want);
    }
}
