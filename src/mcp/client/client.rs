//! The client of one server: calls, answers to its questions, and an end; each may be made from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::value::RawValue;

use super::answer::{Came, Incoming, Reply, Tell, read};
use super::connection::{Connection, cut};
use super::eras::Eras;
use super::handshake::{Facts, Session, is_it, question, raw_id, shake_hands};
use super::request::{Call, delete, get, message, post};
use super::target::Target;
use crate::error::{Code, Error, Result};
use crate::mcp::protocol::Era;
use crate::runtime::Context;
use crate::wire::http1::Method;
use crate::wire::jsonrpc::{Id, write_error, write_result};

/// Connections that wait for their next call.
const IDLE_MAX: usize = 8;
/// A server that is told of a cancellation has so long to take it.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);
/// How long to wait before a broken stream is gone on with, where the server does not say.
const RETRY_DEFAULT: Duration = Duration::from_secs(1);
/// A stream that breaks more often is given up.
const RESUMED_MAX: usize = 16;

/// How long things may take, where the caller's context has no deadline of its own.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A call, with the handshake if that has to be made first.
    pub call: Duration,
    /// A handshake.
    pub initialize: Duration,
    /// Saying goodbye.
    pub close: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits { call: seconds(30), initialize: seconds(10), close: seconds(5) }
    }
}

/// Who calls, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name that servers are told.
    pub name: String,
    /// What this client can do for a server, as JSON.
    pub capabilities: Box<RawValue>,
    /// How long things may take.
    pub limits: Limits,
    /// What is remembered of servers; clones of these options share it.
    pub eras: Eras,
}

impl Options {
    /// A client of this name that can do nothing for a server.
    pub fn new(name: &str) -> Options {
        let nothing = RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Options { name: name.to_owned(), capabilities: nothing, limits: Limits::default(), eras: Eras::default() }
    }

    pub(super) fn info(&self) -> String {
        serde_json::json!({ "name": self.name, "version": env!("CARGO_PKG_VERSION") }).to_string()
    }
}

/// Calls one server.
///
/// - **Thread safety**: `Send + Sync`; clones are the same client, and calls of several threads go on beside each other.
/// - **Progress**, **Waits**: a call blocks its thread until its answer, its context's end or its limit. `is_connected` never waits.
/// - **Cleanup**: [`Client::close`] ends the session and cuts what goes on; dropping the last clone closes idle connections only.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    target: Target,
    options: Options,
    idle: Mutex<Vec<Connection>>,
    session: Mutex<Option<Arc<Session>>>,
    /// Held while a handshake is made, so that there is one at a time.
    handshake: Mutex<()>,
    last_id: AtomicI64,
    life: Life,
    connected: AtomicBool,
}

#[derive(Clone)]
struct Life(Context);

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_cancelled() { "closed" } else { "open" })
    }
}

impl Client {
    /// A client of this server. Nothing is sent before the first call.
    pub fn new(target: Target, options: Options) -> Client {
        let inner = Inner {
            target,
            options,
            idle: Mutex::default(),
            session: Mutex::default(),
            handshake: Mutex::default(),
            last_id: AtomicI64::new(0),
            life: Life(Context::background()),
            connected: AtomicBool::new(false),
        };
        Client { inner: Arc::new(inner) }
    }

    /// Where the server is.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    pub(super) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(super) fn next_id(&self) -> Id {
        Id::Integer(self.inner.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether a handshake was made and the server was there when it was called last. Never waits.
    pub fn is_connected(&self) -> bool {
        self.inner.connected.load(Ordering::Acquire)
    }

    /// Makes the handshake, unless it was made. Calls do so by themselves.
    ///
    /// # Errors
    /// TIMEOUT after the limit; NETWORK where no server is, or none of MCP; PERMISSION without the right token; NOT_FOUND where
    /// another instance answers.
    pub fn initialize(&self, context: &Context) -> Result<Arc<Facts>> {
        self.session(&self.bounded(context, self.inner.options.limits.initialize))
            .map(|session| Arc::clone(&session.facts))
    }

    fn bounded(&self, context: &Context, limit: Duration) -> Context {
        if context.deadline().is_some() { context.child() } else { context.with_timeout(limit) }
    }

    pub(super) fn session(&self, context: &Context) -> Result<Arc<Session>> {
        let known = || self.inner.session.lock().clone();
        if let Some(session) = known() {
            return Ok(session);
        }
        let context = context.with_timeout(self.inner.options.limits.initialize);
        let deadline = context.deadline().unwrap_or_else(Instant::now);
        let Some(_one) = self.inner.handshake.try_lock_until(deadline) else {
            return Err(self.named(Error::new("mcp", Code::Timeout, "another handshake with it takes too long")));
        };
        if let Some(session) = known() {
            return Ok(session);
        }
        let session = Arc::new(shake_hands(self, &context)?);
        *self.inner.session.lock() = Some(Arc::clone(&session));
        self.inner.connected.store(true, Ordering::Release);
        Ok(session)
    }

    /// Forgets a session that the server does not know any more: the next call begins with a handshake.
    fn forget(&self, session: &Arc<Session>) {
        let mut own = self.inner.session.lock();
        if own.as_ref().is_some_and(|own| Arc::ptr_eq(own, session)) {
            *own = None;
        }
    }

    /// Calls, and waits for the answer; `tell` hears what the server says before it.
    ///
    /// # Errors
    /// TIMEOUT after 30 s or at the context's own deadline; CONCURRENCY when the context is cancelled; NETWORK when the server is gone.
    /// An error that the server answers with is no error here but a [`Reply::Failure`].
    pub fn call(&self, context: &Context, call: &Call<'_>, tell: Tell<'_>) -> Result<Reply> {
        let context = self.bounded(context, self.inner.options.limits.call);
        for _ in 0..2 {
            let session = self.session(&context)?;
            let id = self.next_id();
            let answered = self.ask(&context, &session, &id, call, tell);
            let given_up = answered.as_ref().is_err_and(|error| error.is_timeout() || context.is_cancelled());
            if given_up && session.version.era() == Era::Legacy {
                self.cancel(&session, &id);
            }
            match answered? {
                Some(reply) => return Ok(reply),
                None => self.forget(&session),
            }
        }
        Err(self.named(Error::new("mcp", Code::Network, "it ends every session at once")))
    }

    /// One try; `None` when the server does not know the session.
    fn ask(
        &self,
        context: &Context,
        session: &Session,
        id: &Id,
        call: &Call<'_>,
        tell: Tell<'_>,
    ) -> Result<Option<Reply>> {
        let body = message(Some(id), call, session.version, &self.inner.options);
        let mut bytes = post(&self.inner.target, call, Some(session.version), session.id.as_deref(), &body);
        let mut method = Method::Post;
        let mut hear = |incoming: Incoming<'_>| match incoming {
            Incoming::Request { id, method: "ping", .. } => self.respond(context, id, Ok("{}")),
            other => tell(other),
        };
        for _ in 0..RESUMED_MAX {
            let (came, _) = self.exchange(context, &bytes, method, Some(id), call.is_harmless(), &mut hear)?;
            match came {
                Came::Reply(reply) => return Ok(Some(reply)),
                Came::Broken { last, retry, .. } if !last.is_empty() && session.version.era() == Era::Legacy => {
                    context.wait(retry.unwrap_or(RETRY_DEFAULT)).map_err(|error| self.named(error))?;
                    bytes = get(&self.inner.target, session.version, session.id.as_deref(), Some(&last));
                    method = Method::Get;
                }
                Came::Broken { error: Some(error), .. } => return Err(self.why(context, error)),
                Came::Status { failure: Some(failure), status, .. } if status != 404 || session.id.is_none() => {
                    return Ok(Some(failure));
                }
                Came::Status { status: 404, .. } => return Ok(None),
                Came::Status { status: 400 | 405, .. } if session.version.era() == Era::Modern => return Ok(None),
                Came::Status { status, text, .. } => {
                    let code = if matches!(status, 401 | 403) { Code::Permission } else { Code::Network };
                    return Err(self.named(Error::new(
                        "mcp",
                        code,
                        format!("it answered with status {status}: {text}"),
                    )));
                }
                Came::Accepted | Came::Broken { .. } => break,
            }
        }
        Err(self.named(Error::new("mcp", Code::Network, "it ended the stream before the answer")))
    }

    /// Whether the server is well, and still the one that is meant: it is asked what it is (modern), or pinged (legacy).
    ///
    /// # Errors
    /// Those of a call; an error that it answers with counts as well. NOT_FOUND where another instance answers.
    pub fn check(&self, context: &Context) -> Result<()> {
        let modern = self.session(context)?.version.era() == Era::Modern;
        let method = if modern { "server/discover" } else { "ping" };
        let result = self.call(context, &Call::new(method), &mut |_| Ok(())).and_then(Reply::result)?;
        if modern { is_it(self, Came::Reply(Reply::Result(result))) } else { Ok(()) }
    }

    /// Answers a question of the server: with a result as JSON, or a code and a sentence.
    ///
    /// # Errors
    /// Those of a call.
    pub fn respond(&self, context: &Context, id: &Id, outcome: std::result::Result<&str, (i32, &str)>) -> Result<()> {
        let mut body = Vec::new();
        match outcome {
            Ok(result) => write_result(id, result, &mut body),
            Err((code, why)) => write_error(Some(id), code, why, None, &mut body),
        }
        let session = self.session(context)?;
        self.tell_server(context, &session, &Call::new("response"), &body)
    }

    /// Tells the server something that needs no answer.
    ///
    /// # Errors
    /// Those of a call.
    pub fn notify(&self, context: &Context, call: &Call<'_>) -> Result<()> {
        let context = self.bounded(context, self.inner.options.limits.call);
        let session = self.session(&context)?;
        self.say(&context, &session, call)
    }

    pub(super) fn say(&self, context: &Context, session: &Session, call: &Call<'_>) -> Result<()> {
        let body = message(None, call, session.version, &self.inner.options);
        self.tell_server(context, session, call, &body)
    }

    fn tell_server(&self, context: &Context, session: &Session, call: &Call<'_>, body: &[u8]) -> Result<()> {
        let bytes = post(&self.inner.target, call, Some(session.version), session.id.as_deref(), body);
        match self.exchange(context, &bytes, Method::Post, None, true, &mut |_| Ok(()))?.0 {
            Came::Status { status, text, .. } => {
                Err(self.named(Error::new("mcp", Code::Network, format!("it answered with status {status}: {text}"))))
            }
            _ => Ok(()),
        }
    }

    fn cancel(&self, session: &Session, id: &Id) {
        let id = raw_id(id);
        let params: [(&str, &RawValue); 1] = [("requestId", &id)];
        let call = Call { params: &params, ..Call::new("notifications/cancelled") };
        // Whoever called has gone; nobody is left to hear that this failed.
        let _ = self.say(&Context::background().with_timeout(CANCEL_LIMIT), session, &call);
    }

    /// Cuts what goes on, without a word to the server; nothing can be called any more. Never waits.
    pub fn cut(&self) {
        self.inner.life.0.cancel();
        self.inner.connected.store(false, Ordering::Release);
        self.inner.idle.lock().clear();
    }

    /// Ends the session, cuts what goes on, and closes all connections. Again is nothing.
    ///
    /// # Errors
    /// TIMEOUT when the server does not take the end of the session within the limit; everything is closed all the same.
    pub fn close(&self) -> Result<()> {
        self.cut();
        let session = self.inner.session.lock().take();
        let Some((id, version)) = session.and_then(|session| Some((session.id.clone()?, session.version))) else {
            return Ok(());
        };
        let context = Context::background().with_timeout(self.inner.options.limits.close);
        let mut connection = Connection::open(&self.inner.target, context.deadline())?;
        connection.send(&delete(&self.inner.target, version, &id), context.deadline())?;
        connection.head(Method::Delete, context.deadline()).map(drop)
    }

    /// Sends a request and reads what comes back, with the session that the server opened, if it did.
    pub(super) fn exchange(
        &self,
        context: &Context,
        request: &[u8],
        method: Method,
        id: Option<&Id>,
        harmless: bool,
        tell: Tell<'_>,
    ) -> Result<(Came, Option<String>)> {
        let until = context.deadline();
        let (mut connection, head, mut body, _cuts) = loop {
            context.check().map_err(|error| self.named(error))?;
            let mut connection = self.connection(context)?;
            let (one, two) = (connection.stream(), connection.stream());
            let cuts = (context.on_cancel(move || cut(&one)), self.inner.life.0.on_cancel(move || cut(&two)));
            let sure = self.make_sure(&mut connection, until);
            let sent =
                sure.and_then(|()| connection.send(request, until)).and_then(|()| connection.head(method, until));
            match sent {
                Ok((head, body)) => break (connection, head, body, cuts),
                // A server closes connections that wait, perhaps at this very moment.
                Err(error)
                    if connection.was_used
                        && harmless
                        && error.code() == Code::Network
                        && !self.is_given_up(context) => {}
                Err(error) => return Err(self.why(context, error)),
            }
        };
        let session = head.field("mcp-session-id").and_then(|id| std::str::from_utf8(id).ok()).map(str::to_owned);
        let came =
            read(&head, &mut body, &mut connection, id, until, tell).map_err(|error| self.why(context, error))?;
        if matches!(came, Came::Broken { .. }) && self.is_given_up(context) {
            return Err(self.why(context, Error::new("mcp", Code::Network, "the stream was cut")));
        }
        if body.leaves_it_usable() && !self.is_given_up(context) {
            connection.was_used = true;
            let mut idle = self.inner.idle.lock();
            if idle.len() < IDLE_MAX {
                idle.push(connection);
            }
        }
        Ok((came, session))
    }

    fn connection(&self, context: &Context) -> Result<Connection> {
        while let Some(connection) = { self.inner.idle.lock().pop() } {
            if connection.is_quiet() {
                return Ok(connection);
            }
        }
        Connection::open(&self.inner.target, context.deadline()).map_err(|error| self.why(context, error))
    }

    /// Asks at the other end of a new connection whether the instance is there that was met before: in the modern era no session tells
    /// it from one that got its port.
    fn make_sure(&self, connection: &mut Connection, until: Option<Instant>) -> Result<()> {
        let met = self.inner.session.lock().as_ref().is_some_and(|session| session.version.era() == Era::Modern);
        if connection.is_sure || !met || self.inner.target.instance.is_none() {
            return Ok(());
        }
        let (bytes, id) = question(self);
        connection.send(&bytes, until)?;
        let (head, mut body) = connection.head(Method::Post, until)?;
        let came = read(&head, &mut body, connection, Some(&id), until, &mut |_| Ok(()))?;
        is_it(self, came)?;
        connection.is_sure = true;
        match body.leaves_it_usable() {
            true => Ok(()),
            false => Err(Error::new("mcp", Code::Network, "it keeps no connection open").temporary()),
        }
    }

    fn is_given_up(&self, context: &Context) -> bool {
        context.is_cancelled() || self.inner.life.0.is_cancelled()
    }

    /// What really was the reason of a broken exchange.
    fn why(&self, context: &Context, error: Error) -> Error {
        if context.is_cancelled() {
            return self.named(Error::new("mcp", Code::Concurrency, "cancelled"));
        }
        if self.inner.life.0.is_cancelled() {
            return self.named(Error::new("mcp", Code::InvalidState, "the connection to it was closed"));
        }
        if error.code() == Code::Network {
            self.inner.connected.store(false, Ordering::Release);
        }
        self.named(error)
    }

    fn named(&self, error: Error) -> Error {
        if error.get("server").is_some() { error } else { error.with("server", self.inner.target.label.clone()) }
    }
}
