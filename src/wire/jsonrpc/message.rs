//! What a message is, and reading one from its bytes.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, SeqAccess};
use serde_json::value::RawValue;

use super::fault::{Fault, INVALID_PARAMS};
use super::id::Id;
use super::members::{Members, check, fault};

/// What is nested deeper is refused before it is parsed; it is below what the parser itself could stand.
pub const DEPTH_MAX: usize = 100;
/// A batch with more messages is refused.
pub const BATCH_MAX: usize = 64;

/// One message. Everything within it is still the text that came.
#[derive(Clone, Debug)]
pub enum Message<'a> {
    /// Wants an answer.
    Request {
        /// What the answer must carry.
        id: Id,
        /// What is asked.
        method: Cow<'a, str>,
        /// An object, if there is anything.
        params: Option<&'a RawValue>,
    },
    /// Wants none.
    Notification {
        /// What is said.
        method: Cow<'a, str>,
        /// An object, if there is anything.
        params: Option<&'a RawValue>,
    },
    /// The answer to a request.
    Response {
        /// The id of that request; none if it could not be read there.
        id: Option<Id>,
        /// How it went.
        outcome: Result<&'a RawValue, Failure<'a>>,
    },
}

/// The error of a response.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// What kind it is.
    pub code: i32,
    /// What went wrong, for a person.
    pub message: Cow<'a, str>,
    /// More about it.
    pub data: Option<&'a RawValue>,
}

/// Reads one message.
///
/// # Errors
/// Why it is none; with the id of the request, if there is one.
///
/// ```
/// use brummer::wire::jsonrpc::{Id, Message, parse};
/// let text = br#"{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": [1, 2]}}"#;
/// let Ok(Message::Request { id, method, params: Some(params) }) = parse(text) else { panic!() };
/// assert_eq!((id, &*method, params.get()), (Id::Integer(7), "ping", r#"{"x": [1, 2]}"#));
/// assert_eq!(parse(br#"{"id": "a", "method": "ping"}"#).unwrap_err().id, Some("a".into()));
/// ```
pub fn parse(bytes: &[u8]) -> Result<Message<'_>, Fault> {
    of_text(check(bytes, DEPTH_MAX)?)
}

/// Whether the bytes begin as a batch does.
pub fn is_batch(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// Reads all messages of a batch; each is one, or says why it is none.
///
/// # Errors
/// It is no array, an empty one, or one of more than [`BATCH_MAX`].
pub fn parse_batch(bytes: &[u8]) -> Result<Vec<Result<Message<'_>, Fault>>, Fault> {
    let text = check(bytes, DEPTH_MAX)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parts = deserializer.deserialize_any(BatchVisitor).map_err(fault)?;
    deserializer.end().map_err(fault)?;
    if parts.is_empty() {
        return Err(Fault::invalid("A batch without messages."));
    }
    Ok(parts.into_iter().map(|part| of_text(part.get())).collect())
}

fn of_text(text: &str) -> Result<Message<'_>, Fault> {
    let members = Members::of(text)?;
    let id = match members.get("id") {
        None => None,
        Some(raw) if raw.get() == "null" => None,
        Some(raw) => match serde_json::from_str(raw.get()) {
            Ok(id) => Some(id),
            Err(_) => return Err(Fault::invalid("`id` is neither a string nor an integer of 64 bits.")),
        },
    };
    of_members(&members, id.clone()).map_err(|fault| fault.of(id))
}

fn of_members<'a>(members: &Members<'a>, id: Option<Id>) -> Result<Message<'a>, Fault> {
    if members.text("jsonrpc").as_deref() != Some("2.0") {
        return Err(Fault::invalid("`jsonrpc` is not \"2.0\"."));
    }
    match (members.get("method"), members.get("result"), members.get("error")) {
        (Some(_), None, None) => called(members, id),
        (None, Some(result), None) if id.is_some() => Ok(Message::Response { id, outcome: Ok(result) }),
        (None, Some(_), None) => Err(Fault::invalid("A result without `id`.")),
        (None, None, Some(error)) => Ok(Message::Response { id, outcome: Err(failure(error)?) }),
        (None, None, None) => Err(Fault::invalid("None of `method`, `result` and `error` is there.")),
        _ => Err(Fault::invalid("Only one of `method`, `result` and `error` may be there.")),
    }
}

fn called<'a>(members: &Members<'a>, id: Option<Id>) -> Result<Message<'a>, Fault> {
    let method = members.text("method").ok_or_else(|| Fault::invalid("`method` is no string."))?;
    let params = members.get("params");
    if params.is_some_and(|params| !params.get().starts_with('{')) {
        return Err(Fault::new(INVALID_PARAMS, "`params` is no object."));
    }
    match (id, members.get("id")) {
        (Some(id), _) => Ok(Message::Request { id, method, params }),
        (None, None) => Ok(Message::Notification { method, params }),
        (None, Some(_)) => Err(Fault::invalid("`id` is null.")),
    }
}

fn failure(error: &RawValue) -> Result<Failure<'_>, Fault> {
    let members = Members::of_raw(error).map_err(|_| Fault::invalid("`error` is no object."))?;
    let code = members.read("code").ok_or_else(|| Fault::invalid("`error.code` is no integer."))?;
    let message = members.text("message").ok_or_else(|| Fault::invalid("`error.message` is no string."))?;
    Ok(Failure { code, message, data: members.get("data") })
}

struct BatchVisitor;

impl<'de> de::Visitor<'de> for BatchVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<&'de RawValue>, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = seq.next_element()? {
            if parts.len() == BATCH_MAX {
                return Err(de::Error::custom(format_args!("a batch of more than {BATCH_MAX} messages")));
            }
            parts.push(part);
        }
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::jsonrpc::{INVALID_REQUEST, PARSE_ERROR};

    fn refused(text: &str) -> (i32, Option<Id>) {
        let fault = parse(text.as_bytes()).expect_err(text);
        assert!(!fault.message.is_empty());
        (fault.code, fault.id)
    }

    #[test]
    fn an_id_keeps_its_type_and_is_never_null_or_broken() {
        for (text, want) in [("7", Id::Integer(7)), ("-1", Id::Integer(-1)), ("\"7\"", "7".into())] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{text},"method":"x"}}"#);
            assert!(matches!(parse(text.as_bytes()), Ok(Message::Request { id, .. }) if id == want), "{text}");
        }
        for id in ["null", "1.5", "true", "[1]", "{}", "9223372036854775808", "1e3"] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#);
            assert_eq!(refused(&text), (INVALID_REQUEST, None), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_id() {
        for (text, code) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#, INVALID_PARAMS),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":null}"#, INVALID_PARAMS),
            (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, INVALID_REQUEST),
            (r#"{"id":1,"method":"x"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}}"#, INVALID_REQUEST),
        ] {
            assert_eq!(refused(text), (code, Some(1.into())), "{text}");
        }
        for text in ["", "{", "{}x", "\"\u{1}\"", r#"{"jsonrpc":"2.0",}"#, r#"{"a":tru}"#] {
            assert_eq!(refused(text), (PARSE_ERROR, None), "{text}");
        }
        for text in ["[]", "1", "null", "\"x\"", r#"{"jsonrpc":"2.0","result":{}}"#] {
            assert_eq!(refused(text).0, INVALID_REQUEST, "{text}");
        }
        assert_eq!(parse(b"{\"jsonrpc\":\"\xff\"}").unwrap_err().code, PARSE_ERROR);
    }

    #[test]
    fn a_name_that_comes_twice_is_refused_however_it_is_spelt() {
        assert_eq!(refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","method":"y"}"#).0, INVALID_REQUEST);
        assert_eq!(refused(r#"{"jsonrpc":"2.0","id":1,"method":"x","\u006dethod":"y"}"#).0, INVALID_REQUEST);
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        let nested = |depth: usize, text: &str| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"a":{open}{text}{close}}}}}"#)
        };
        assert!(parse(nested(DEPTH_MAX - 2, r#""[[\"[[\\""#).as_bytes()).is_ok());
        assert_eq!(refused(&nested(DEPTH_MAX - 1, "")).0, PARSE_ERROR);
        assert_eq!(parse("[".repeat(1 << 20).as_bytes()).unwrap_err().code, PARSE_ERROR);
    }

    #[test]
    fn a_batch_is_its_messages_each_by_itself() {
        let text = br#" [{"jsonrpc":"2.0","id":1,"method":"x"}, 7, {"jsonrpc":"2.0","method":"y"}]"#;
        assert!(is_batch(text));
        let parts = parse_batch(text).unwrap();
        assert!(matches!(parts[..], [Ok(Message::Request { .. }), Err(_), Ok(Message::Notification { .. })]));
        assert!(parse_batch(b"[]").is_err() && parse_batch(b"{}").is_err());
        let many = format!("[{}1]", "1,".repeat(BATCH_MAX));
        assert!(parse_batch(many.as_bytes()).is_err());
    }

    #[test]
    fn a_response_is_a_result_or_an_error() {
        let text = br#"{"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"no \"x\"","data":[1]}}"#;
        let Ok(Message::Response { id: Some(id), outcome: Err(failure) }) = parse(text) else { panic!() };
        assert_eq!((id, failure.code, &*failure.message), ("a".into(), -32601, "no \"x\""));
        assert_eq!(failure.data.unwrap().get(), "[1]");
        let text = br#"{"jsonrpc":"2.0","id":1,"result": {"b": 2} }"#;
        assert!(matches!(parse(text), Ok(Message::Response { outcome: Ok(raw), .. }) if raw.get() == r#"{"b": 2}"#));
    }
}
