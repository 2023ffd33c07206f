//! The loop by itself, with a service that sends back what comes.

use super::*;
use crate::error::{Code, Result};
use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

enum Order {
    Alarm(Duration),
    Connect(SocketAddr),
    Stop,
}

/// Sends back what comes; panics at `!`.
struct Echo {
    said: Sender<&'static str>,
    clients: Vec<Key>,
    own: Option<Key>,
}

impl Service for Echo {
    type Command = Order;

    fn accepted(&mut self, _: &mut Net, _: ListenerId, key: Key, peer: SocketAddr) {
        assert!(peer.ip().is_loopback());
        self.clients.push(key);
        self.said.send("accepted").unwrap();
    }

    fn ready(&mut self, net: &mut Net, key: Key) {
        if self.own == Some(key) {
            match net.connected(key) {
                None => {}
                Some(result) => self.said.send(if result.is_ok() { "connected" } else { "refused" }).unwrap(),
            }
            return;
        }
        let mut buffer = Buffer::default();
        loop {
            match net.read_into(key, &mut buffer) {
                Ok(0) => {
                    net.close(key);
                    return self.said.send("ended").unwrap();
                }
                Ok(_) => assert!(buffer.data() != b"!", "asked to"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return net.close(key),
            }
            let count = net.write(key, &[IoSlice::new(buffer.data())]).unwrap();
            buffer.consume(count);
        }
        buffer.clear(&mut net.buffers);
    }

    fn deadline(&mut self, net: &mut Net, key: Key) {
        net.reset(key);
        self.said.send("deadline").unwrap();
    }

    fn alarm(&mut self, net: &mut Net, key: Key) {
        self.said.send("alarm").unwrap();
        net.set_deadline(key, Some(Duration::from_millis(150)));
    }

    fn command(&mut self, net: &mut Net, order: Order) {
        match order {
            Order::Alarm(after) => net.alarm(self.clients[0], net.now() + after),
            Order::Connect(address) => self.own = Some(net.connect(address).unwrap()),
            Order::Stop => net.stop(),
        }
    }

    fn gone(&mut self, _: &mut Net, _: Key) {
        self.said.send("gone").unwrap();
    }

    fn shed(&mut self, _: &mut Net) -> bool {
        false
    }

    fn turn_ended(&mut self, _: &mut Net) {}
}

fn start() -> (Thread<Order>, u16, Receiver<&'static str>) {
    let (said, heard) = channel();
    let mut port = 0;
    let thread = Thread::start("echo", |net, _| {
        port = net.listen(0, false)?.1;
        Ok(Echo { said, clients: Vec::new(), own: None })
    })
    .unwrap();
    (thread, port, heard)
}

fn client(address: impl std::net::ToSocketAddrs) -> TcpStream {
    let client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    client
}

#[test]
fn both_loopbacks_are_served_on_one_port() {
    let (thread, port, heard) = start();
    for host in ["127.0.0.1", "::1"] {
        if host == "::1" && TcpListener::bind("[::1]:0").is_err() {
            continue;
        }
        let mut client = client((host, port));
        let mut answer = [0; 5];
        for _ in 0..3 {
            client.write_all(b"hello").unwrap();
            client.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"hello");
        }
        drop(client);
        assert_eq!([heard.recv_timeout(SOON), heard.recv_timeout(SOON)], [Ok("accepted"), Ok("ended")]);
    }
    thread.commands().send(Order::Stop);
    thread.join();
    // Another test may have the port for a while.
    let end = Instant::now() + SOON;
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < end, "somebody still listens");
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let result: Result<Thread<Order>> = Thread::start("echo", |net, _| {
        net.listen(port, false)?;
        Ok(Echo { said: channel().0, clients: Vec::new(), own: None })
    });
    let error = result.unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    assert!(error.message().contains(&port.to_string()), "{error}");
}

#[test]
fn a_panic_costs_one_connection() {
    let (thread, port, heard) = start();
    let mut bad = client(("127.0.0.1", port));
    bad.write_all(b"!").unwrap();
    assert_eq!([heard.recv_timeout(SOON), heard.recv_timeout(SOON)], [Ok("accepted"), Ok("gone")]);
    assert!(bad.read(&mut [0; 1]).is_err(), "reset");
    let mut good = client(("127.0.0.1", port));
    good.write_all(b"x").unwrap();
    good.read_exact(&mut [0; 1]).unwrap();
    thread.commands().send(Order::Stop);
    thread.join();
}

#[test]
fn deadlines_and_alarms_come() {
    let (thread, port, heard) = start();
    let mut client = client(("127.0.0.1", port));
    assert_eq!(heard.recv_timeout(SOON), Ok("accepted"));
    thread.commands().send(Order::Alarm(Duration::from_millis(150)));
    assert_eq!([heard.recv_timeout(SOON), heard.recv_timeout(SOON)], [Ok("alarm"), Ok("deadline")]);
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    thread.commands().send(Order::Stop);
    thread.join();
}

#[test]
fn a_connection_stands_or_is_refused() {
    let (thread, _, heard) = start();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    thread.commands().send(Order::Connect(server.local_addr().unwrap()));
    assert_eq!(heard.recv_timeout(SOON), Ok("connected"));
    // The own port of a connection: nobody listens there, and nobody else gets it.
    let held = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    thread.commands().send(Order::Connect(held.local_addr().unwrap()));
    let refused = std::iter::from_fn(|| heard.recv_timeout(SOON).ok()).any(|said| said == "refused");
    assert!(refused);
    thread.commands().send(Order::Stop);
    thread.join();
}
