//! A client's connection, and the exchange that goes on over it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::channel::{Beacon, Page};
use super::file::Reading;
use super::flow::Flow;
use super::hooks::{Edits, Wanted};
use super::record::Record;
use super::rules::Rule;
use super::site::{Role, Site};
use super::upstream::{Link, OriginId};
use crate::io::net::{Buffer, Key, Net};
use crate::proxy::exchange::{Caller, Traffic};
use crate::wire::http1::{RequestHead, RequestPlan, ResponseHead, ResponsePlan};

/// What goes on over a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing, or a part of a head is there.
    Head,
    /// A request is passed on and answered.
    Exchange,
    /// The body of what a page posts is read.
    Beacon,
    /// A page talks with Brummer.
    Page,
    /// Bytes are copied both ways.
    Tunnel,
    /// The answer was sent; what still comes is thrown away, so that the client reads the answer and not a reset.
    Linger { drained: usize },
}

/// How the work on a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// When something happens.
    Wait,
    /// At once, in the new phase.
    Go,
    /// It does not: the connection ends.
    Close,
    /// It does not, and the client shall see a failure.
    Reset,
}

/// A client's connection. Small while it is idle: whatever a request needs is lent.
pub(super) struct Downstream {
    pub(super) link: Link,
    pub(super) peer: SocketAddr,
    pub(super) role: Role,
    pub(super) phase: Phase,
    pub(super) input: Buffer,
    pub(super) active: Option<Box<Active>>,
    pub(super) beacon: Option<Box<Beacon>>,
    pub(super) page: Option<Box<Page>>,
    /// The client's address as text, once it was needed.
    pub(super) address: Option<Box<str>>,
    pub(super) caller: Option<Caller>,
    pub(super) caller_asked: bool,
    /// The first bytes of a head came, and its deadline runs.
    pub(super) head_begun: bool,
    /// Close after what goes on now.
    pub(super) last: bool,
    /// When it became idle, in turns: the oldest goes first.
    pub(super) idle_since: u64,
}

impl Downstream {
    pub(super) fn new(key: Key, peer: SocketAddr, role: Role) -> Downstream {
        Downstream {
            link: Link::plain(key),
            peer,
            role,
            phase: Phase::Head,
            input: Buffer::default(),
            active: None,
            beacon: None,
            page: None,
            address: None,
            caller: None,
            caller_asked: false,
            head_begun: false,
            last: false,
            idle_since: 0,
        }
    }

    pub(super) fn key(&self) -> Key {
        self.link.key
    }

    /// Whether it waits for a request of which nothing has come.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Head && self.input.is_empty()
    }

    /// Whether the client has closed its side, and all that it sent was taken.
    pub(super) fn has_gone(&self, net: &mut Net) -> bool {
        net.has_ended(self.link.key)
    }
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was decided.
    #[default]
    Begun,
    /// It waits for a time that a rule set.
    Delayed,
    /// A file that answers is opened.
    Reading,
    /// The server's name is looked up.
    Looking,
    /// The connection to the server is made.
    Connecting,
    /// Bytes go both ways.
    Moving,
    /// The answer is our own, and lies in `download`.
    Own,
}

/// The connection to the server.
pub(super) struct Upstream {
    pub(super) link: Link,
    pub(super) input: Buffer,
    /// It has served before.
    pub(super) reused: bool,
}

/// A request that goes on. Its memory is used again by the next.
#[derive(Default)]
pub(super) struct Active {
    pub(super) stage: Stage,
    pub(super) head: RequestHead,
    pub(super) plan: Option<RequestPlan>,
    pub(super) site: Option<Arc<Site>>,
    /// Where it really goes: a rule may say otherwise than the site.
    pub(super) origin: Option<OriginId>,
    pub(super) upstream: Option<Upstream>,
    /// Which of the server's addresses is tried.
    pub(super) attempt: usize,
    pub(super) upload: Flow,
    /// The server takes no more of the request.
    pub(super) upload_dead: bool,
    pub(super) response: ResponseHead,
    pub(super) answer: Option<ResponsePlan>,
    pub(super) download: Flow,
    pub(super) record: Option<Record>,
    pub(super) traffic: Traffic,
    pub(super) wanted: Wanted,
    pub(super) edits: Edits,
    /// Bytes that had moved when the deadline was set.
    pub(super) moved: u64,
    /// The client keeps its connection after an answer of our own.
    pub(super) keep: bool,
    /// The rule that fits it.
    pub(super) rule: Option<Arc<Rule>>,
    /// The file that answers it.
    pub(super) file: Option<Box<Reading>>,
    /// That rule drops it.
    pub(super) dropped: bool,
    /// A time that the rule set has not come yet.
    pub(super) alarm_set: bool,
    /// Each side of a tunnel was told that no more comes: the server, the client.
    pub(super) shut: (bool, bool),
}

impl Active {
    /// Forgets the exchange; the memory stays.
    pub(super) fn reset(&mut self) {
        let Active { mut head, mut response, mut upload, mut download, mut edits, .. } = std::mem::take(self);
        head.clear();
        response.clear();
        upload.reset();
        download.reset();
        edits.clear();
        *self = Active { head, response, upload, download, edits, ..Active::default() };
    }
}
