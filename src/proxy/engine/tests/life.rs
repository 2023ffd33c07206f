//! The proxy as a whole: start, stop, addresses of servers, mode.

use super::lab::*;
use crate::error::Code;
use crate::event::ProcessId;
use crate::proxy::engine::Hooks;
use crate::proxy::{Proxy, ProxyConfig};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[test]
fn px01_it_takes_connections_when_start_returns_and_starting_again_changes_nothing() {
    let proxy = Proxy::start(config(), Hooks::default()).unwrap();
    let port = proxy.port();
    proxy.ensure_started().unwrap();
    assert_eq!(proxy.port(), port);
    let mut client = Wire::new(TcpStream::connect(("127.0.0.1", port)).unwrap());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(client.answer().0.starts_with("HTTP/1.1 200 "));
}

#[test]
fn px01_a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Proxy::start(ProxyConfig { port, ..config() }, Hooks::default()).unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[test]
fn px02_what_goes_on_ends_before_the_stop_does() {
    let (told, asked) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let lab = Lab::new(move |mut wire, _| {
        wire.head();
        told.lock().unwrap().send(()).unwrap();
        wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
        wire.exactly(0);
        std::thread::park_timeout(Duration::from_millis(300));
        wire.send("llo");
    });
    let (mut client, mut idle) = (lab.client(), lab.client());
    client.send(GET);
    asked.recv_timeout(SOON).unwrap();
    let port = lab.port();
    lab.proxy.stop(SOON);
    assert!(!lab.proxy.is_running());
    assert_eq!(client.answer().1, "hello");
    assert!(idle.is_closed());
    // Another test may have the port for a while.
    assert!(until(|| TcpStream::connect(("127.0.0.1", port)).is_err().then_some(())).is_some());
    lab.proxy.stop(SOON);
}

#[test]
fn px02_what_does_not_end_is_cut_at_the_limit() {
    let lab = Lab::new(|mut wire, _| {
        wire.head();
        wire.rest();
    });
    let mut client = lab.client();
    client.send(GET);
    lab.notes(|notes| !notes.is_empty());
    let began = Instant::now();
    lab.proxy.stop(Duration::from_millis(200));
    assert!(began.elapsed() < SOON);
    assert!(client.was_reset());
    lab.proxy.ensure_started().unwrap();
    assert!(lab.proxy.is_running() && lab.proxy.mappings().is_empty());
}

#[test]
fn px03_an_address_serves_at_once_and_goes_with_its_process() {
    let lab = Lab::new(always(OK));
    let again = lab.proxy.register_url(&format!("{}/api?x", lab.server.url()), PROCESS, "web", "Api").unwrap();
    assert_eq!(again.port, lab.port(), "one address per server, not per path");
    let mut client = lab.client();
    client.send(GET);
    client.answer();
    lab.proxy.unregister_process(ProcessId(99));
    lab.proxy.unregister_process(PROCESS);
    assert!(client.is_closed());
    assert!(until(|| TcpStream::connect(("127.0.0.1", lab.port())).is_err().then_some(())).is_some());
    assert!(lab.proxy.mappings().is_empty());
}

#[test]
fn px03_an_address_stays_the_same_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    // Below the ports that the system hands out, so that nobody takes it between two starts.
    let first_port = 10_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let config = || ProxyConfig { ports_file: Some(folder.path().join("ports")), first_port, ..config() };
    let server = Server::start(always(OK));
    let ports: Vec<u16> = (0..3)
        .map(|_| {
            let proxy = Proxy::start(config(), Hooks::default()).unwrap();
            proxy.register_url(&server.url(), PROCESS, "web", "Web").unwrap().port
        })
        .collect();
    assert_eq!(ports, [ports[0]; 3]);
}

#[test]
fn px03_what_is_no_server_is_refused() {
    let proxy = Proxy::start(config(), Hooks::default()).unwrap();
    for url in ["localhost:3000", "ftp://a", "http://", "http://a:b", "http://user@a"] {
        assert_eq!(proxy.register_url(url, PROCESS, "", "").unwrap_err().code(), Code::InvalidState, "{url}");
    }
    proxy.stop(SOON);
    assert_eq!(proxy.register_url("http://a", PROCESS, "", "").unwrap_err().code(), Code::InvalidState);
}

#[test]
fn px06_mappings_say_every_address() {
    let lab = Lab::new(always(OK));
    let mappings = lab.proxy.mappings();
    let [mapping] = &mappings[..] else { panic!("{mappings:?}") };
    assert_eq!(*mapping.url, lab.server.url());
    assert_eq!(*mapping.proxy_url, format!("http://localhost:{}", mapping.port));
    assert_eq!(*mapping.name_url, format!("http://web.localhost:{}", lab.proxy.port()));
    assert_eq!((mapping.process, &*mapping.process_name, &*mapping.label), (PROCESS, "web", "Web"));
}

#[test]
fn px08_port_and_state_are_known_at_once() {
    let proxy = Proxy::start(config(), Hooks::default()).unwrap();
    assert!(proxy.is_running() && proxy.port() > 0 && !proxy.is_full());
    proxy.set_mode(true);
    assert!(proxy.is_full());
    proxy.stop(Duration::ZERO);
    assert!(!proxy.is_running());
}

#[test]
fn px09_metrics_count() {
    let lab = Lab::new(always(OK));
    let mut client = lab.client();
    for _ in 0..3 {
        client.send(GET);
        client.answer();
    }
    lab.ended(3);
    let metrics = lab.proxy.metrics();
    assert_eq!((metrics.total, metrics.successful, metrics.failed, metrics.bytes), (3, 3, 0, 15));
    assert!(metrics.mean_response > Duration::ZERO);
    assert_eq!(metrics.active_connections, 1);
}

#[test]
fn a_name_leads_to_its_server() {
    let lab = Lab::new(always(OK));
    for host in ["web.localhost", "WEB.localhost:19888"] {
        let mut client = lab.control();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.answer().1, "hello", "{host}");
    }
    let mut client = lab.control();
    client.send("GET / HTTP/1.1\r\nHost: other.localhost\r\n\r\n");
    let (head, body) = client.answer();
    assert!(head.starts_with("HTTP/1.1 404 ") && body.contains("http://web.localhost"), "{body}");
}
