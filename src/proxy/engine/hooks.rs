//! What others give the engine: who records, who puts the script into pages.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::control::PageOrigin;
use crate::proxy::exchange::{Caller, Injection, Note};

/// Takes the notes of exchanges. Called on the reactor's thread once per turn of its loop in which there are any.
pub trait Recorder: Send + Sync + 'static {
    /// What happened in this turn, in order; all of it is to be taken out (`drain`, `append`), the memory stays.
    fn notes(&self, notes: &mut Vec<Note>);

    /// The bytes of a body that are to be kept; 0 for metadata only. Asked once per exchange.
    fn body_bytes(&self) -> usize {
        0
    }

    /// A client has connected and sent its first request. Whoever can find out which local program it is does so elsewhere (never on
    /// this thread) and says it through `tell`; the engine notes it for every exchange of the connection.
    fn connected(&self, client: SocketAddr, proxy: SocketAddr, tell: TellCaller) {
        let _ = (client, proxy, tell);
    }
}

/// Tells the engine who a connection belongs to.
pub struct TellCaller(pub(crate) Box<dyn FnOnce(Caller) + Send>);

impl TellCaller {
    /// Says who it is.
    pub fn tell(self, caller: Caller) {
        (self.0)(caller);
    }
}

impl fmt::Debug for TellCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TellCaller")
    }
}

/// A head as it was received, for the hooks.
#[derive(Clone, Copy, Debug)]
pub struct HeadView<'a> {
    /// The request's method, also beside an answer.
    pub method: &'a str,
    /// The request's target in origin form: `/index.html?v=1`.
    pub target: &'a str,
    /// The answer's status; 0 in a request.
    pub status: u16,
    /// The fields in order.
    pub fields: &'a [(&'a str, &'a [u8])],
}

impl<'a> HeadView<'a> {
    /// The values of all fields of this name, in whatever case.
    pub fn all(self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The value of the first of them.
    pub fn get(self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The same as text, if it is.
    pub fn text(self, name: &'a str) -> Option<&'a str> {
        std::str::from_utf8(self.get(name)?).ok().map(str::trim)
    }
}

/// Changes to a head before it is passed on. `Content-Length`, `Transfer-Encoding` and the other fields of framing and hops are
/// the engine's: an answer with a filter is chunked (or ends with its connection, for a client of HTTP/1.0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    removed: Vec<Cow<'static, str>>,
    added: Vec<(Cow<'static, str>, Vec<u8>)>,
}

impl Edits {
    /// No changes.
    pub const fn new() -> Edits {
        Edits { removed: Vec::new(), added: Vec::new() }
    }

    /// Removes all fields of this name as they were received.
    pub fn remove(&mut self, name: impl Into<Cow<'static, str>>) {
        self.removed.push(name.into());
    }

    /// Adds a field after those received.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) {
        self.added.push((name.into(), value.into()));
    }

    /// Replaces all fields of this name by one, or by several that are added after it.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) {
        let name = name.into();
        self.added.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.removed.push(name.clone());
        self.added.push((name, value.into()));
    }

    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// Makes it no changes again.
    pub fn clear(&mut self) {
        self.removed.clear();
        self.added.clear();
    }

    /// The fields that are added.
    pub fn added(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.added.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether the fields of this name are removed as they were received.
    pub fn removes(&self, name: &str) -> bool {
        self.removed.iter().any(|removed| removed.eq_ignore_ascii_case(name))
    }
}

/// What a request is to an injector; it comes back with the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// It asks for no page: its answer is not looked at.
    #[default]
    Nothing,
    /// It asks for a page.
    Page,
}

/// What becomes of an answer.
#[derive(Default)]
pub struct Insertion {
    /// What is noted of it.
    pub injection: Injection,
    /// Through what its body goes.
    pub filter: Option<Box<dyn BodyFilter>>,
}

impl fmt::Debug for Insertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Insertion({:?}, filter: {})", self.injection, self.filter.is_some())
    }
}

/// Puts the script into pages. Called on the reactor's thread: it must not block.
pub trait Injector: Send + Sync + 'static {
    /// Whether it does anything now; asked first, so that nothing is spent while telemetry is off.
    fn is_on(&self) -> bool {
        true
    }

    /// A request is to be passed on; `edits` change its head.
    fn on_request(&self, request: HeadView<'_>, edits: &mut Edits) -> Wanted;

    /// The head of an answer to a request that was not [`Wanted::Nothing`] is there. `control_prefix` is the path under which
    /// the page reaches [`Control`](super::Control): `/__brummer/<token>/`. For HEAD the filter is not used, yet the head is edited alike.
    fn on_response(
        &self,
        wanted: Wanted,
        response: HeadView<'_>,
        page: &PageOrigin,
        control_prefix: &str,
        edits: &mut Edits,
    ) -> Insertion;
}

/// Changes a body while it streams.
pub trait BodyFilter: Send {
    /// The next bytes of the body; what can be passed on already is appended to `out`.
    fn feed(&mut self, input: &[u8], out: &mut Vec<u8>);

    /// The body has ended well; called whether it was done before or not.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// Once it is `true`, the rest of the body is passed on as it is, without [`BodyFilter::feed`]. What was held back was appended before.
    fn is_done(&self) -> bool {
        false
    }

    /// Why the rest of the body cannot be made: the client is then told that the answer is broken, as it would be without us.
    fn broken(&self) -> Option<&'static str> {
        None
    }

    /// What is to be noted at the end, if it is not what was said at the head.
    fn outcome(&self) -> Option<Injection> {
        None
    }
}

/// Nobody records.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    fn notes(&self, notes: &mut Vec<Note>) {
        notes.clear();
    }
}

/// What the engine is given.
#[derive(Clone)]
pub struct Hooks {
    /// Takes the notes.
    pub recorder: Arc<dyn Recorder>,
    /// Puts the script in.
    pub injector: Option<Arc<dyn Injector>>,
    /// Serves the control paths.
    pub control: Option<Arc<dyn super::Control>>,
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks { recorder: Arc::new(NoRecorder), injector: None, control: None }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooks")
    }
}
