//! One client on pipes: a message a line, both eras.

use super::core::Core;
use super::methods::{Asked, Carrier};
use crate::io::net::Net;
use crate::mcp::protocol::{CallError, Era, meta};
use crate::wire::jsonrpc::{Fault, Id, Members, Message, is_batch, parse, parse_batch, write_error};

impl Core {
    /// A line came.
    pub(super) fn line(&mut self, net: &mut Net, line: &[u8]) {
        if line.trim_ascii().is_empty() {
            return;
        }
        if !is_batch(line) {
            return self.line_message(net, parse(line));
        }
        let session = self.stdio_session.as_ref().and_then(|id| self.sessions.get(id));
        if session.is_none_or(|session| session.version != crate::mcp::protocol::Version::V2025_03_26) {
            return self.line_fault(&Fault::invalid("Batches exist in revision 2025-03-26 alone."));
        }
        match parse_batch(line) {
            Ok(parts) => parts.into_iter().for_each(|part| self.line_message(net, part)),
            Err(fault) => self.line_fault(&fault),
        }
    }

    fn line_message(&mut self, net: &mut Net, message: Result<Message<'_>, Fault>) {
        let session = self.stdio_session.clone();
        let asked = match message {
            Ok(Message::Request { id, method, params }) => Asked::of(id, method, params),
            Ok(Message::Notification { method, params }) if method == "notifications/cancelled" => {
                let members = params.and_then(|params| Members::of_raw(params).ok());
                if let Some(id) = members.and_then(|members| members.read::<Id>("requestId")) {
                    self.cancel_where(net, |pending| pending.carrier == Carrier::Stdio && pending.id == id);
                    self.drop_listens(|listen| listen.carrier == Carrier::Stdio && listen.id == id);
                }
                return;
            }
            Ok(message) => return self.legacy_told(net, session.as_ref(), message),
            Err(fault) => Err(fault),
        };
        match asked {
            Err(fault) => self.line_fault(&fault),
            Ok(mut asked) => {
                let modern = asked.meta.get(meta::VERSION).is_some()
                    || matches!(&*asked.method, "server/discover" | "subscriptions/listen");
                let who = match modern {
                    true => self.who_is(&asked.meta),
                    false => Ok(self.legacy_who(session.as_ref(), None)),
                };
                match who {
                    Ok(who) => {
                        asked.who = who;
                        self.obey(net, asked, Carrier::Stdio);
                    }
                    Err(error) => self.line_error(net, &asked.id, error),
                }
            }
        }
    }

    fn line_error(&mut self, net: &mut Net, id: &Id, error: CallError) {
        self.answer(net, &Carrier::Stdio, id, Era::Modern, Err(error));
    }

    fn line_fault(&mut self, fault: &Fault) {
        let mut message = Vec::new();
        write_error(fault.id.as_ref(), fault.code, &fault.message, None, &mut message);
        self.say_line(&message);
    }

    /// Writes a line; whoever writes them is told when there are none left to write to.
    pub(super) fn say_line(&mut self, message: &[u8]) {
        let Some(lines) = &self.lines else { return };
        let mut line: Vec<u8> =
            message.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }).collect();
        line.push(b'\n');
        if !lines.say(line) {
            self.lines = None;
        }
    }
}
