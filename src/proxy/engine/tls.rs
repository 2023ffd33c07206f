//! TLS to servers: any certificate on this machine, elsewhere one that the system trusts.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::io::net::{Buffer, Key, Net};

/// One TLS connection over a socket of the net.
pub(super) struct Tls {
    session: ClientConnection,
    /// The socket's end was read.
    ended: bool,
}

/// A socket of the net, as the session wants it.
struct Socket<'a>(&'a mut Net, Key);

impl Read for Socket<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.read(self.1, room)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(self.1, &[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write(self.1, parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tls {
    /// Sends what the session has ready, as far as the socket takes it.
    fn send(&mut self, net: &mut Net, key: Key) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut Socket(net, key))?;
        }
        Ok(())
    }

    /// Takes what the socket has.
    fn receive(&mut self, net: &mut Net, key: Key) -> io::Result<()> {
        let count = self.session.read_tls(&mut Socket(net, key))?;
        self.ended |= count == 0;
        let result = self.session.process_new_packets();
        // An alert that says why is worth sending before the connection ends.
        let sent = self.send(net, key);
        result.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        sent.or_else(|error| if error.kind() == ErrorKind::WouldBlock { Ok(()) } else { Err(error) })
    }

    pub(super) fn handshake(&mut self, net: &mut Net, key: Key) -> Option<io::Result<()>> {
        loop {
            let result = self
                .send(net, key)
                .and_then(|()| if self.session.is_handshaking() { self.receive(net, key) } else { Ok(()) });
            match result {
                Ok(()) if !self.session.is_handshaking() => return Some(Ok(())),
                Ok(()) if self.ended => return Some(Err(ErrorKind::UnexpectedEof.into())),
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }

    pub(super) fn read_into(&mut self, net: &mut Net, key: Key, buffer: &mut Buffer) -> io::Result<usize> {
        if buffer.is_full() {
            return Err(ErrorKind::WouldBlock.into());
        }
        loop {
            match self.session.reader().read(buffer.room(&mut net.buffers)) {
                // The end, with or without its word: bodies whose end matters have their own.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    buffer.filled(count);
                    return Ok(count);
                }
            }
            if let Err(error) = self.receive(net, key) {
                buffer.settle(&mut net.buffers);
                return Err(error);
            }
        }
    }

    pub(super) fn write(&mut self, net: &mut Net, key: Key, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(net, key)?;
        let count = self.session.writer().write_vectored(parts)?;
        match self.send(net, key) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            // What the session holds goes out before anything more is taken.
            _ if count == 0 => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(count),
        }
    }

    /// Sends what is left when the socket has room again: the last bytes of a request wait in the session.
    pub(super) fn settle(&mut self, net: &mut Net, key: Key) {
        // A failure shows when the answer is read.
        let _ = self.send(net, key);
    }

    pub(super) fn say_goodbye(&mut self, net: &mut Net, key: Key) {
        self.session.send_close_notify();
        self.settle(net, key);
    }
}

/// Whom to believe; read from the system when it is first needed.
#[derive(Default)]
pub(super) struct Trust {
    system: Option<Arc<ClientConfig>>,
    anybody: Option<Arc<ClientConfig>>,
}

impl Trust {
    /// Begins a session with a server; on this machine any certificate will do, since development servers sign their own.
    pub(super) fn session(&mut self, host: &str, is_loopback: bool) -> io::Result<Box<Tls>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            io::Error::new(ErrorKind::InvalidInput, "the host is no name that a certificate could have")
        })?;
        let config = if is_loopback { self.anybody()? } else { self.system()? };
        let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        Ok(Box::new(Tls { session, ended: false }))
    }

    fn anybody(&mut self) -> io::Result<Arc<ClientConfig>> {
        if self.anybody.is_none() {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier = Arc::new(Anybody(Arc::clone(&provider)));
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth();
            self.anybody = Some(Arc::new(config));
        }
        self.anybody.clone().ok_or_else(|| ErrorKind::Other.into())
    }

    fn system(&mut self) -> io::Result<Arc<ClientConfig>> {
        if self.system.is_none() {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(io::Error::new(ErrorKind::NotFound, "the system has no certificates to check servers by"));
            }
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_root_certificates(roots)
                .with_no_client_auth();
            self.system = Some(Arc::new(config));
        }
        self.system.clone().ok_or_else(|| ErrorKind::Other.into())
    }
}

/// Believes every certificate, yet checks that the server has its key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
