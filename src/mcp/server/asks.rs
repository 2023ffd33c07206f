//! Questions of calls: as requests of ours in the legacy era, as answers that want to be answered in the modern one, and over tasks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::calls::{Asking, Pending};
use super::core::Core;
use super::limits::STATE_BYTES_MAX;
use super::methods::{Asked, Carrier};
use super::sessions::SessionId;
use crate::io::net::Net;
use crate::mcp::call::{CallKind, CallSpec, reply};
use crate::mcp::protocol::{Answer, Ask, CallError, Era, ToolResult, code};
use crate::wire::jsonrpc::{Id, write_request};

impl Core {
    /// A call asks something.
    pub(super) fn ask(&mut self, net: &mut Net, number: u64, asks: Vec<(String, Ask)>, state: Option<String>) {
        let Some(pending) = self.pending.get(&number) else { return };
        let spec = &pending.shared.spec;
        let capabilities = &spec.client.capabilities;
        let refused = asks.iter().find(|(_, ask)| !capabilities.answers(&ask.method, ask.mode().as_deref()));
        if let Some((_, ask)) = refused {
            let required = ask.required();
            return self.cannot_ask(net, number, &required);
        }
        let left: BTreeSet<String> = asks.iter().map(|(key, _)| key.clone()).collect();
        let answers = spec.answers.clone();
        let until = net.now() + self.limits.ask;
        let asking = Asking { asks: asks.into_iter().collect(), left, answers, state, until };
        match (&pending.carrier, spec.version.era()) {
            (Carrier::Task(id), _) => {
                let id = id.clone();
                self.task_asks(&id, number, asking);
            }
            (_, Era::Modern) => self.ask_back(net, number, &asking),
            (_, Era::Legacy) if spec.session.is_some() => self.send_asks(net, number, asking),
            (_, Era::Legacy) => self.cannot_ask(net, number, &json!({})),
        }
    }

    /// The client did not declare what the question needs.
    fn cannot_ask(&mut self, net: &mut Net, number: u64, required: &Value) {
        let Some(pending) = self.pending.remove(&number) else { return };
        let era = pending.shared.spec.version.era();
        let error = CallError::missing_capability(required);
        if let Carrier::Task(id) = &pending.carrier {
            return self.task_finished(id, Err(error));
        }
        if era == Era::Legacy && pending.shared.spec.kind == CallKind::Tool {
            let text = format!("This needs an answer from the user or the client, which did not declare {required}.");
            let result = serde_json::to_string(&ToolResult::error(text)).unwrap_or_default();
            return self.answer(net, &pending.carrier, &pending.id, era, Ok(&result));
        }
        let error = if era == Era::Legacy { CallError { code: code::INVALID_REQUEST, ..error } } else { error };
        self.answer(net, &pending.carrier, &pending.id, era, Err(error));
    }

    fn send_asks(&mut self, net: &mut Net, number: u64, asking: Asking) {
        self.tick(net);
        let mut messages = Vec::new();
        for (key, ask) in &asking.asks {
            self.next_question += 1;
            self.questions.insert(self.next_question, (number, key.clone()));
            let mut message = Vec::new();
            write_request(
                &Id::Integer(self.next_question),
                &ask.method,
                ask.params.as_ref().map(|raw| raw.get()),
                &mut message,
            );
            messages.push(message);
        }
        if let Some(pending) = self.pending.get_mut(&number) {
            pending.asked = Some(asking);
        }
        for message in messages {
            self.notify(net, number, &message);
        }
    }

    /// A client has answered a question, or refuses to.
    pub(super) fn answered(
        &mut self,
        net: &mut Net,
        session: Option<&SessionId>,
        question: i64,
        outcome: Result<&str, CallError>,
    ) {
        let Some((number, key)) = self.questions.get(&question) else { return };
        let Some(pending) = self.pending.get_mut(number) else {
            self.questions.remove(&question);
            return;
        };
        // Only the session that was asked may answer.
        if pending.shared.spec.session.as_ref() != session {
            return;
        }
        let (number, key) = (*number, key.clone());
        self.questions.remove(&question);
        let Some(asking) = &mut pending.asked else { return };
        let answer = outcome.map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
        let error = match answer {
            Ok(answer) if asking.asks.get(&key).is_some_and(|ask| ask.fits(&answer)) => {
                asking.left.remove(&key);
                asking.answers.insert(key, Answer(answer));
                None
            }
            Ok(_) => Some("The client's answer is none to what it was asked.".to_owned()),
            Err(error) => Some(format!("The client refused to answer: {}", error.message)),
        };
        if let Some(text) = error {
            return self.give_up(net, number, &text);
        }
        if asking.left.is_empty() {
            self.resume(net, number);
        }
    }

    /// All questions are answered: the provider gets the call anew.
    pub(super) fn resume(&mut self, net: &mut Net, number: u64) {
        let Some(Pending { shared, carrier, id, token, asked, .. }) = self.pending.remove(&number) else { return };
        let mut spec = shared.spec.clone();
        if let Some(asking) = asked {
            (spec.answers, spec.state) = (asking.answers, asking.state);
        }
        self.give(net, number, spec, shared.cancel.clone(), (id, token, carrier));
    }

    fn give_up(&mut self, net: &mut Net, number: u64, text: &str) {
        let Some(pending) = self.pending.remove(&number) else { return };
        self.questions.retain(|_, (call, _)| *call != number);
        pending.shared.cancel.cancel();
        let era = pending.shared.spec.version.era();
        match (&pending.carrier, pending.shared.spec.kind) {
            (Carrier::Task(id), _) => self.task_finished(id, Err(CallError::internal(text))),
            (carrier, CallKind::Tool) => {
                let result = serde_json::to_string(&ToolResult::error(text)).unwrap_or_default();
                let result = reply::wrap(&result, era, &self.server);
                self.answer(net, carrier, &pending.id, era, Ok(&result));
            }
            (carrier, _) => self.answer(net, carrier, &pending.id, era, Err(CallError::internal(text))),
        }
    }

    pub(super) fn expire_asks(&mut self, net: &mut Net) {
        let now = net.now();
        let is_late = |pending: &Pending| pending.asked.as_ref().is_some_and(|asking| asking.until <= now);
        let late: Vec<u64> = self.pending.iter().filter(|(_, one)| is_late(one)).map(|(number, _)| *number).collect();
        late.into_iter().for_each(|number| self.give_up(net, number, "The client did not answer in time."));
        let pending = &self.pending;
        self.questions.retain(|_, (call, _)| pending.contains_key(call));
    }

    /// Answers with the questions; the client calls again, with the answers and our state.
    fn ask_back(&mut self, net: &mut Net, number: u64, asking: &Asking) {
        let Some(pending) = self.pending.remove(&number) else { return };
        let spec = &pending.shared.spec;
        let asks: Map<String, Value> =
            asking.asks.iter().map(|(key, ask)| (key.clone(), ask.method.as_str().into())).collect();
        let answers: Map<String, Value> =
            asking.answers.iter().map(|(key, answer)| (key.clone(), answer.0.clone())).collect();
        let payload = json!({ "asks": asks, "answers": answers, "state": asking.state }).to_string();
        if payload.len() > STATE_BYTES_MAX {
            let error = CallError::internal("What was answered so far is more than a client can carry for us.");
            return self.answer(net, &pending.carrier, &pending.id, Era::Modern, Err(error));
        }
        let expires = Core::seconds() + self.limits.state.as_secs();
        let state = self.seal.seal(&binding(spec), expires, payload.as_bytes());
        let result = json!({
            "resultType": "input_required",
            "_meta": { crate::mcp::protocol::meta::SERVER: self.provider.server() },
            "inputRequests": requests(&asking.asks),
            "requestState": state,
        });
        self.answer(net, &pending.carrier, &pending.id, Era::Modern, Ok(&result.to_string()));
    }

    /// What a client answers, and what it carries for us, when it calls again.
    pub(super) fn take_answers(&self, asked: &Asked<'_>, spec: &mut CallSpec) -> Result<(), CallError> {
        let mut methods: BTreeMap<String, String> = BTreeMap::new();
        if let Some(state) = asked.params.get("requestState") {
            let state = asked
                .params
                .text("requestState")
                .ok_or_else(|| bad(&format!("`requestState` is no string: {state}")))?;
            let payload = self.seal.open(&binding(spec), Core::seconds(), &state);
            let payload = payload.and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
            let payload = payload.ok_or_else(|| {
                bad("`requestState` was changed, belongs to another call, or is too old: call again without it")
            })?;
            methods = serde_json::from_value(payload["asks"].clone()).unwrap_or_default();
            let answers: BTreeMap<String, Value> =
                serde_json::from_value(payload["answers"].clone()).unwrap_or_default();
            spec.answers = answers.into_iter().map(|(key, answer)| (key, Answer(answer))).collect();
            spec.state = payload["state"].as_str().map(str::to_owned);
        }
        let Some(raw) = asked.params.get("inputResponses") else { return Ok(()) };
        let given: BTreeMap<String, Value> =
            serde_json::from_str(raw.get()).map_err(|_| bad("`inputResponses` is no object"))?;
        for (key, answer) in given {
            let fits = match methods.get(&key) {
                Some(method) => Ask { method: method.clone(), params: None }.fits(&answer),
                // What was not asked is not looked at; without our state nobody knows what was.
                None if !methods.is_empty() => continue,
                None => answer.is_object(),
            };
            if !fits {
                return Err(bad(&format!(
                    "The answer `{}` is none to what was asked",
                    super::methods::shortened(&key)
                )));
            }
            spec.answers.insert(key, Answer(answer));
        }
        Ok(())
    }
}

fn bad(text: &str) -> CallError {
    CallError::invalid_params(format!("{text}."))
}

/// Questions as a client of the modern era gets them.
pub(super) fn requests(asks: &BTreeMap<String, Ask>) -> Value {
    let one = |ask: &Ask| {
        let params = ask.params.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
        json!({ "method": ask.method, "params": params.unwrap_or_else(|| json!({})) })
    };
    asks.iter().map(|(key, ask)| (key.clone(), one(ask))).collect::<Map<String, Value>>().into()
}

/// What a call is, however its arguments are written.
fn binding(spec: &CallSpec) -> Vec<u8> {
    let arguments = spec.arguments.as_ref().map_or("{}", |raw| raw.get());
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let mut bytes = format!("{:?}\0{}\0", spec.kind, spec.name).into_bytes();
    canonical(&arguments, &mut bytes);
    bytes
}

fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            out.push(b'{');
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (name, member) in sorted {
                out.extend_from_slice(Value::from(name.as_str()).to_string().as_bytes());
                out.push(b':');
                canonical(member, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for item in items {
                canonical(item, out);
                out.push(b',');
            }
            out.push(b']');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_the_same_however_its_arguments_are_written() {
        let spec = |text: &str| {
            let arguments: Value = serde_json::from_str(text).unwrap();
            binding(&CallSpec::new(CallKind::Tool, "x").with(&arguments))
        };
        assert_eq!(spec(r#"{"a":1,"b":[{"c":"d","e":2}]}"#), spec(r#"{ "b": [{"e":2,"c":"\u0064"}], "a": 1 }"#));
        assert_ne!(spec(r#"{"a":[1,2]}"#), spec(r#"{"a":[2,1]}"#));
        assert_ne!(spec(r#"{"a":"1"}"#), spec(r#"{"a":1}"#));
        assert_eq!(binding(&CallSpec::new(CallKind::Tool, "x")), spec("{}"));
    }
}
