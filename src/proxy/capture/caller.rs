//! Which local program a client is: looked up once a connection, on the pool, never on the reactor's thread.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::io::sockets::{Connection, KNOWS_OWNERS, Owners};
use crate::proxy::Caller;
use crate::runtime::Priority;
use crate::runtime::pool::Pool;

/// Connections that may wait to be looked up; further ones stay without a name.
const WAITING_MAX: usize = 1024;

type Tell = Box<dyn FnOnce(Caller) + Send>;

/// Looks callers up.
///
/// - **Thread safety**: any number of threads may ask. **Progress**: blocking on a short lock. **Waits**: none beyond it.
///   **Cleanup**: what waits is forgotten with the pool.
#[derive(Clone)]
pub struct Callers {
    pool: Pool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: Vec<(Connection, Tell)>,
    /// A task is on its way, or runs, that will take all that waits.
    scheduled: bool,
    owners: Owners,
}

impl Callers {
    /// Whether this system tells whose a connection is; where it does not, nobody is ever told.
    pub const KNOWN: bool = KNOWS_OWNERS;

    /// A looker-up that works on this pool.
    pub fn new(pool: Pool) -> Callers {
        Callers { pool, state: Arc::default() }
    }

    /// Finds out who is at the other end of a connection that came from `client` to `server`, an address of this process, and
    /// calls `tell` on another thread. It is not called for clients elsewhere, or when it cannot be found out.
    pub fn ask(&self, client: SocketAddr, server: SocketAddr, tell: impl FnOnce(Caller) + Send + 'static) {
        if !KNOWS_OWNERS || !client.ip().to_canonical().is_loopback() {
            return;
        }
        let mut state = self.state.lock();
        if state.waiting.len() >= WAITING_MAX {
            return;
        }
        state.waiting.push((Connection { client, server }, Box::new(tell)));
        if std::mem::replace(&mut state.scheduled, true) {
            return;
        }
        drop(state);
        let shared = Arc::clone(&self.state);
        if self.pool.spawn(Priority::Low, move || look_up(&shared)).is_err() {
            // The pool is closing: nobody will be told any more.
            self.state.lock().waiting.clear();
        }
    }
}

/// Takes all that waits at once, until nothing does.
fn look_up(shared: &Mutex<State>) {
    loop {
        let (waiting, mut owners) = {
            let mut state = shared.lock();
            if state.waiting.is_empty() {
                state.scheduled = false;
                return;
            }
            (std::mem::take(&mut state.waiting), std::mem::take(&mut state.owners))
        };
        let connections: Vec<_> = waiting.iter().map(|(connection, _)| *connection).collect();
        let found = owners.find(&connections);
        shared.lock().owners = owners;
        for ((_, tell), owner) in waiting.into_iter().zip(found) {
            if let Some(owner) = owner {
                tell(Caller { pid: owner.pid, name: owner.name.into() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::pool::PoolConfig;
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn each_connection_is_told_its_program_and_one_from_elsewhere_nothing() {
        let pool = Pool::new(PoolConfig::default()).expect("a pool");
        let callers = Callers::new(pool.clone());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = listener.local_addr().expect("bound");
        let clients: Vec<_> = (0..20).map(|_| TcpStream::connect(server).expect("a listener")).collect();
        let (told, hears) = mpsc::channel();
        callers.ask("192.0.2.1:99".parse().expect("an address"), server, |_| panic!("it is elsewhere"));
        for client in &clients {
            let told = told.clone();
            callers.ask(client.local_addr().expect("connected"), server, move |caller| {
                told.send(caller).expect("somebody listens");
            });
        }
        for _ in clients.iter().filter(|_| Callers::KNOWN) {
            let caller = hears.recv_timeout(Duration::from_secs(60)).expect("it is this process");
            assert_eq!(caller.pid, std::process::id());
        }
        drop(told);
        pool.shutdown(Duration::from_secs(60)).expect("it ends");
        assert!(hears.recv().is_err(), "nobody was told twice");
    }
}
