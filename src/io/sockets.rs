//! Which local process holds the other end of a TCP connection of this machine.

use std::net::SocketAddr;

use super::platform;

/// The process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its number.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
}

/// A connection as its client sees it: its own address, and the one that it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// The client's address.
    pub client: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
}

/// Whether this system tells at all.
pub const KNOWS_OWNERS: bool = platform::KNOWS_SOCKETS;

/// Finds owners of connections; it remembers who had some before, and looks there first.
///
/// - **Thread safety**: `Send`; used by one thread at a time. **Progress**: blocking, on the file system of the kernel. **Waits**:
///   some milliseconds, more on a machine with thousands of processes. **Cleanup**: none.
#[derive(Debug, Default)]
pub struct Owners {
    /// Processes that held sockets, the last found first.
    recent: Vec<i32>,
}

/// How many are remembered.
const RECENT_MAX: usize = 16;

impl Owners {
    /// One that remembers nobody.
    pub fn new() -> Owners {
        Owners::default()
    }

    /// The owner of each connection; `None` for one that is over, whose client is elsewhere, or that may not be looked into.
    /// Many at once cost hardly more than one.
    pub fn find(&mut self, connections: &[Connection]) -> Vec<Option<Owner>> {
        let sockets = platform::sockets(connections);
        let wanted: Vec<u64> = sockets.iter().flatten().copied().collect();
        let holders = self.holders(&wanted);
        let owner = |socket: Option<u64>| {
            let (_, pid) = holders.iter().find(|(held, _)| Some(*held) == socket)?;
            Some(Owner { pid: u32::try_from(*pid).ok()?, name: platform::name(*pid)? })
        };
        sockets.into_iter().map(owner).collect()
    }

    /// Pairs of a socket and the process that holds it.
    fn holders(&mut self, wanted: &[u64]) -> Vec<(u64, i32)> {
        let mut found: Vec<(u64, i32)> = Vec::new();
        if wanted.is_empty() {
            return found;
        }
        let mut look = |pid: i32| {
            for socket in platform::sockets_of(pid, wanted) {
                if found.iter().all(|(other, _)| *other != socket) {
                    found.extend(opener(pid, socket).map(|pid| (socket, pid)));
                }
            }
            found.len() >= wanted.len()
        };
        let recent = self.recent.clone();
        let all_found = recent.iter().any(|&pid| look(pid));
        if !all_found {
            // The newest processes first: a tool that was just started is the likeliest, and the kernel's own are the oldest.
            let mut pids: Vec<i32> = platform::pids();
            pids.sort_unstable_by_key(|pid| std::cmp::Reverse(*pid));
            pids.iter().filter(|pid| !recent.contains(pid)).any(|&pid| look(pid));
        }
        for (_, pid) in &found {
            self.recent.retain(|other| other != pid);
            self.recent.insert(0, *pid);
        }
        self.recent.truncate(RECENT_MAX);
        found
    }
}

/// The process that has opened a socket which this one holds: a child that was just forked holds what its parent does, until it
/// runs a program of its own. None if it is gone meanwhile.
fn opener(mut pid: i32, socket: u64) -> Option<i32> {
    loop {
        let parent = platform::entry(pid)?.parent;
        if parent <= 1 || platform::sockets_of(parent, &[socket]).is_empty() {
            return Some(pid);
        }
        pid = parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn pair(address: &str) -> (TcpListener, TcpStream, Connection) {
        let listener = TcpListener::bind(address).expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("a listener");
        let connection = Connection {
            client: stream.local_addr().expect("connected"),
            server: stream.peer_addr().expect("connected"),
        };
        (listener, stream, connection)
    }

    #[test]
    fn a_connection_of_this_process_is_its_own_where_the_system_tells() {
        let (_listener, _stream, connection) = pair("127.0.0.1:0");
        let nobody = Connection { client: "127.0.0.1:1".parse().expect("an address"), server: connection.server };
        let mut owners = Owners::new();
        for _ in 0..2 {
            let found = owners.find(&[nobody, connection]);
            assert_eq!(found[0], None);
            assert_eq!(found[1].as_ref().map(|owner| owner.pid), KNOWS_OWNERS.then(std::process::id));
            assert!(found[1].as_ref().is_none_or(|owner| !owner.name.is_empty()));
        }
        assert!(owners.find(&[]).is_empty());
    }

    #[test]
    fn a_child_that_has_not_begun_its_program_owns_nothing_of_its_parent() {
        use std::os::unix::process::CommandExt as _;
        let (_listener, _stream, connection) = pair("127.0.0.1:0");
        let (mut told, tell) = std::io::pipe().expect("a pipe");
        let mut child = std::process::Command::new("true");
        let (wait, mut ready) = std::io::pipe().expect("a pipe");
        let between = move || {
            rustix::io::write(&tell, b"x")?;
            rustix::io::read(&wait, &mut [0; 1]).map(drop).map_err(std::io::Error::from)
        };
        // SAFETY: between fork and exec there are only two system calls: no allocation, no lock.
        unsafe { child.pre_exec(between) };
        std::thread::scope(|scope| {
            let spawned = scope.spawn(move || child.spawn().expect("it starts").wait().expect("it is ours"));
            std::io::Read::read_exact(&mut told, &mut [0; 1]).expect("it is there");
            let found = Owners::new().find(&[connection]);
            std::io::Write::write_all(&mut ready, b"x").expect("it waits");
            assert!(spawned.join().expect("it has ended").success());
            assert_eq!(found[0].as_ref().map(|owner| owner.pid), KNOWS_OWNERS.then(std::process::id));
        });
    }

    #[test]
    fn addresses_of_version_6_are_found_as_well() {
        // A machine may have none.
        if TcpListener::bind("[::1]:0").is_err() {
            return;
        }
        let (_listener, _stream, connection) = pair("[::1]:0");
        let found = Owners::new().find(&[connection]);
        assert_eq!(found[0].as_ref().map(|owner| owner.pid), KNOWS_OWNERS.then(std::process::id));
    }

    #[test]
    fn a_connection_of_another_process_is_that_ones() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = listener.local_addr().expect("bound");
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{}; read -r line <&3", server.port());
        let mut child = std::process::Command::new("bash").args(["-c", &script]).spawn().expect("bash is there");
        let (stream, client) = listener.accept().expect("it connects");
        let found = Owners::new().find(&[Connection { client, server }]);
        drop(stream);
        child.wait().expect("it is ours");
        assert_eq!(found[0].as_ref().map(|owner| owner.pid), KNOWS_OWNERS.then_some(child.id()));
    }
}
