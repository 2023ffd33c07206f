//! Servers of https: one of this machine that signed its certificate itself.

use super::lab::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Made for these tests, trusted by nobody.
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8UrqAxFHcGyswrzsNuwpV5XBHl0tSy0RXiwFn84kGwOhRANCAATg\
                   mPNYYta4LKDbthP9AuwpMOPLT2A83irPpFXug4cMZxtf2cTgkgX1n16YI/AAlEPWbOjBFSNFy7oN4w3JUmGP";
const CERTIFICATE: &str = "\
    MIIBgDCCASWgAwIBAgIUBvBiVJ0Wam3KoEDLWQjEBUZbfJ8wCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2\
    MTEyMTA2MzgxOVoYDzIxMjYxMDI4MDYzODE5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\
    AATgmPNYYta4LKDbthP9AuwpMOPLT2A83irPpFXug4cMZxtf2cTgkgX1n16YI/AAlEPWbOjBFSNFy7oN4w3JUmGPo1MwUTAdBgNV\
    HQ4EFgQUrErLHapLKIOaFyDVcWUBoKbOCMMwHwYDVR0jBBgwFoAUrErLHapLKIOaFyDVcWUBoKbOCMMwDwYDVR0TAQH/BAUwAwEB\
    /zAKBggqhkjOPQQDAgNJADBGAiEA47iZCaaBlsPIYGj3pKTFwFCvvqhAojUl82cwFItdcYYCIQDM31Rel2nY9eTriYG4EpN+9nr5\
    9AkYmTT5SbkbqcW33A==";

fn secured(wire: Wire) -> StreamOwned<ServerConnection, TcpStream> {
    let certificate = CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(STANDARD.decode(KEY).unwrap()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), wire.stream)
}

/// Up to the end of a head; `None` at the end of the connection.
fn head(stream: &mut impl Read) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        text.push(byte[0]);
    }
    Some(String::from_utf8(text).unwrap())
}

#[test]
fn a_server_of_https_is_reached_though_nobody_vouches_for_it() {
    let mut lab = Lab::new(|wire, number| {
        let mut stream = secured(wire);
        while let Some(head) = head(&mut stream) {
            let length = field(&head, "content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-N: {number}\r\n\r\n", 300_000 + length);
            stream.write_all(answer.as_bytes()).unwrap();
            stream.write_all(&vec![b'y'; 300_000]).unwrap();
            stream.write_all(&body).unwrap();
            stream.flush().unwrap();
        }
    });
    let url = format!("https://localhost:{}", lab.server.address.port());
    lab.mapping = Some(lab.proxy.register_url(&url, PROCESS, "web", "Web").unwrap());
    let mut client = lab.client();
    for _ in 0..3 {
        client.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n");
        client.send(vec![b'x'; 200_000]);
        let (head, body) = client.answer();
        assert_eq!(body.len(), 500_000);
        assert!(body.ends_with('x') && body.starts_with('y'));
        assert_eq!(field(&head, "x-n"), Some("0"), "one connection for all");
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_a_502() {
    let mut lab = Lab::new(|mut wire, _| wire.send("HTTP/1.1 400 Bad Request\r\n\r\n"));
    let url = format!("https://127.0.0.1:{}", lab.server.address.port());
    lab.mapping = Some(lab.proxy.register_url(&url, PROCESS, "web", "Web").unwrap());
    let mut client = lab.client();
    client.send(GET);
    let (head, body) = client.answer();
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}{body}");
}
