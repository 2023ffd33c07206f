//! Every bound of the engine, with what happens there.

use std::time::Duration;

/// The bounds that a user may set; the others are constants below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request to the end of its head; then 408.
    pub head: Duration,
    /// Without a byte moving within a body; then 408 to a client that stalls, and a cut for an answer. Upgraded connections and
    /// event streams have none.
    pub body_idle: Duration,
    /// Between two requests of a client; then its connection is closed.
    pub keep_alive: Duration,
    /// For a connection to a server; then 504.
    pub connect: Duration,
    /// From the request to the first byte of its answer; then 504.
    pub answer: Duration,
    /// Clients at once; the one that was idle longest goes, and if none is idle the new one.
    pub connections: usize,
    /// WebSockets at once; then 503.
    pub websockets: usize,
}

impl Default for Limits {
    /// 10 s, 60 s, 75 s, 5 s, 10 min, 1024, 50.
    fn default() -> Limits {
        Limits {
            head: Duration::from_secs(10),
            body_idle: Duration::from_secs(60),
            keep_alive: Duration::from_secs(75),
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(600),
            connections: 1024,
            websockets: 50,
        }
    }
}

/// Idle connections kept to one server; further ones are closed after their answer.
pub(super) const IDLE_UPSTREAMS: usize = 256;
/// How long one is kept, unless the server says less.
pub(super) const UPSTREAM_IDLE: Duration = Duration::from_secs(60);
/// A request body up to here is held until the answer begins, so that the request can be sent again.
pub(super) const HELD_BODY_BYTES: usize = 16 << 10;
/// Framed bytes that may wait for a peer; more are made when these are gone.
pub(super) const OUT_BYTES: usize = 64 << 10;
/// Bytes that one direction moves in one turn before the others come.
pub(super) const SHARE_BYTES: usize = 1 << 20;
/// Less than this at once is copied; more goes from socket to socket as it is.
pub(super) const BULK_BYTES: usize = 16 << 10;
/// Bytes of an upload that nobody wants which are read so that the client reads the answer, and for how long.
pub(super) const LINGER_BYTES: usize = 4 << 20;
/// See [`LINGER_BYTES`].
pub(super) const LINGER: Duration = Duration::from_secs(2);
/// After a reset of one side of a tunnel the other is closed at the latest then.
pub(super) const FREE_EXCHANGES: usize = 64;
