//! What the proxy asks of whoever serves its control paths: the script, the beacons, and the channels to pages.
//!
//! A control path is `/__brummer/<token>/<rest>`, on every origin that the proxy serves. The engine has checked the token, `Origin`
//! and `Sec-Fetch-Site` before anything here is called, and bounds what comes in ([`BEACON_BYTES_MAX`], [`MESSAGE_BYTES_MAX`]).
//! `GET <prefix><rest>` is asked of [`Control::get`], `POST <prefix><rest>` handed to [`Control::beacon`], and a WebSocket on any
//! path below the prefix is a page's channel.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::event::ProcessId;

/// The longest body that a page may post.
pub const BEACON_BYTES_MAX: usize = 256 << 10;
/// The longest message that a page may send over its channel; one to a page may be longer.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// Which page speaks, as far as the engine knows. What it sends is untrusted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrigin {
    /// The origin that the browser sees: `http://localhost:20888`.
    pub origin: Arc<str>,
    /// The managed process behind it.
    pub process: Option<(ProcessId, Arc<str>)>,
}

/// An answer that the proxy gives itself.
#[derive(Clone, Debug)]
pub struct LocalAnswer {
    /// The status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Further fields, without `Content-Length` and `Connection`.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Cow<'static, [u8]>,
    /// Why a request is refused, in a sentence; it is told beside the status.
    pub why: Option<Arc<str>>,
}

impl LocalAnswer {
    /// An answer without further fields.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Cow<'static, [u8]>>) -> LocalAnswer {
        LocalAnswer { status, content_type, headers: Vec::new(), body: body.into(), why: None }
    }

    /// The same answer with one more field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> LocalAnswer {
        self.headers.push((name, value.into()));
        self
    }
}

/// A page's channel: never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u64);

/// Says something to one page, from any thread: the engine, or a test.
pub trait Say: Send + Sync {
    /// Sends a text message.
    fn say(&self, channel: ChannelId, text: String);
    /// Closes the channel.
    fn close(&self, channel: ChannelId);
}

/// The way to one page, for any thread.
#[derive(Clone)]
pub struct PageChannel {
    id: ChannelId,
    say: Arc<dyn Say>,
}

impl PageChannel {
    /// A channel that `say` carries.
    pub fn new(id: ChannelId, say: Arc<dyn Say>) -> PageChannel {
        PageChannel { id, say }
    }

    /// Its number.
    pub fn id(&self) -> ChannelId {
        self.id
    }

    /// Sends a text message; nothing happens when the page has gone.
    pub fn send(&self, text: impl Into<String>) {
        self.say.say(self.id, text.into());
    }

    /// Closes the channel; [`Control::page_closed`] follows.
    pub fn close(&self) {
        self.say.close(self.id);
    }
}

impl fmt::Debug for PageChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageChannel({})", self.id.0)
    }
}

/// Serves the control paths. Called on the reactor's thread: it must not block.
pub trait Control: Send + Sync + 'static {
    /// The answer to a GET of `path`, which stands below the prefix: `t.js`. `None` is answered with 404.
    fn get(&self, from: &PageOrigin, path: &str) -> Option<LocalAnswer>;

    /// A page posted this to `path`; it was answered with 204.
    fn beacon(&self, from: &PageOrigin, path: &str, body: Vec<u8>);

    /// A page opened a channel on `path`.
    fn page_opened(&self, channel: PageChannel, from: &PageOrigin, path: &str);

    /// A page said this.
    fn page_message(&self, channel: ChannelId, text: &str);

    /// The channel is closed.
    fn page_closed(&self, channel: ChannelId);
}
