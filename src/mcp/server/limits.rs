//! Every bound of the server, and what happens there.

use std::time::Duration;

/// What can be set.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; beyond, the one that was idle longest is closed, or the new one.
    pub connections: usize,
    /// Bytes of a body; beyond: 413.
    pub body_bytes: usize,
    /// From the first byte of a head to its last; then the connection is closed.
    pub head: Duration,
    /// From the first byte of a body to its last; then the connection is closed.
    pub body: Duration,
    /// A connection without a request is closed then.
    pub idle: Duration,
    /// A call that is not answered by then gets a stream, so that nothing on the way gives up.
    pub patience: Duration,
    /// Signs of life on streams.
    pub keep_alive: Duration,
    /// How long a client should wait before it comes back to a stream.
    pub retry: Duration,
    /// Sessions at once; beyond, the one that was used longest ago ends.
    pub sessions: usize,
    /// A session that nobody used for so long ends.
    pub session_idle: Duration,
    /// Questions that were not answered by then end their call.
    pub ask: Duration,
    /// State that a client carries for us is good for so long.
    pub state: Duration,
    /// Tasks at once; beyond, calls are answered as if the client took none.
    pub tasks: usize,
    /// Calls at once; beyond: an error.
    pub calls: usize,
    /// Entries of one page of a list.
    pub page: usize,
    /// Changes are told this often at most.
    pub changes: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits {
            connections: 1024,
            body_bytes: 4 << 20,
            head: seconds(10),
            body: seconds(60),
            idle: seconds(300),
            patience: seconds(10),
            keep_alive: seconds(15),
            retry: Duration::from_millis(500),
            sessions: 256,
            session_idle: seconds(3600),
            ask: seconds(600),
            state: seconds(900),
            tasks: 256,
            calls: 4096,
            page: 100,
            changes: Duration::from_millis(50),
        }
    }
}

/// Bytes that wait for a peer which does not read; beyond, it is cut off.
pub(super) const OUT_BYTES_MAX: usize = 8 << 20;
/// Bytes that wait; beyond, notifications that can be missed are.
pub(super) const OUT_BYTES_LOSSY: usize = 256 << 10;
/// Bytes of events that a session keeps for those who come back.
pub(super) const REPLAY_BYTES_MAX: usize = 1 << 20;
/// Streams that a session keeps.
pub(super) const STREAMS_MAX: usize = 64;
/// Resources that a session or a subscription watches.
pub(super) const WATCHED_MAX: usize = 1024;
/// Bytes of state that a client carries for us.
pub(super) const STATE_BYTES_MAX: usize = 64 << 10;
/// A peer that takes nothing of its answer for so long is cut off.
pub(super) const STALL: Duration = Duration::from_secs(30);
/// How long a connection that was refused is drained, so that the client reads why.
pub(super) const LINGER: Duration = Duration::from_secs(2);
/// How many bytes are drained.
pub(super) const LINGER_BYTES: usize = 1 << 20;
/// How long calls may go on once the client of the pipes has gone.
pub(super) const LINES_END: Duration = Duration::from_secs(5);
/// Housekeeping.
pub(super) const TICK: Duration = Duration::from_secs(5);
