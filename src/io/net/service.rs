//! What the loop asks of whoever looks after its connections.

use std::net::SocketAddr;

use super::{Key, ListenerId, Net};

/// Looks after all listeners and connections of a loop. Called on the loop's thread: nothing here may wait. A panic is contained:
/// the connection that it was about is closed, and [`Service::gone`] is called.
pub trait Service: 'static {
    /// What other threads ask for.
    type Command: Send + 'static;

    /// A client has connected. Its first bytes may be there: [`Service::ready`] follows in the same turn.
    fn accepted(&mut self, net: &mut Net, listener: ListenerId, key: Key, peer: SocketAddr);

    /// Something may be possible on this connection that was not before: it stands, it can be read from, or written to.
    fn ready(&mut self, net: &mut Net, key: Key);

    /// The deadline of this connection has passed; it has none now.
    fn deadline(&mut self, net: &mut Net, key: Key);

    /// The time of [`Net::alarm`] has come.
    fn alarm(&mut self, net: &mut Net, key: Key);

    /// A command has come.
    fn command(&mut self, net: &mut Net, command: Self::Command);

    /// This connection was closed by the loop after a panic; whatever belonged to it is to be given up.
    fn gone(&mut self, net: &mut Net, key: Key);

    /// There are no descriptors left for another connection: close one that can be spared, if there is one.
    fn shed(&mut self, net: &mut Net) -> bool;

    /// All that this turn had was looked at.
    fn turn_ended(&mut self, net: &mut Net);
}
