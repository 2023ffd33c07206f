//! Begins and ends the server: on a port, or on pipes.

use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::core::{Command, Core};
use super::lines::lines;
use crate::error::{Error, Result};
use crate::io::net::Thread;
use crate::mcp::notifier::Notifier;
use crate::mcp::provider::Provider;

/// A line of standard input with more bytes ends the server.
const LINE_BYTES_MAX: usize = 16 << 20;

/// A server on a port.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: all but [`Server::stop`] are lock-free. **Waits**: `stop`, for its limit at most.
///   **Cleanup**: dropping it stops it at once.
pub struct Server {
    thread: Thread<Command>,
    port: u16,
    notifier: Notifier,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server(port {})", self.port)
    }
}

impl Server {
    /// Starts a server for `provider`; it listens when this returns.
    ///
    /// # Errors
    /// The port is taken (the error names it), or the system has no threads or random numbers.
    pub fn start(config: Config, provider: Arc<dyn Provider>) -> Result<Server> {
        let mut known = None;
        let thread = Thread::start("brummer-mcp", |net, commands| {
            let core = Core::new(net, commands, config, Arc::clone(&provider), None)?;
            known = Some((core.guard.port, core.notifier.clone()));
            Ok(core)
        })?;
        let (port, notifier) = known.unwrap_or_else(|| (0, Notifier::new(|| ())));
        provider.started(notifier.clone());
        Ok(Server { thread, port, notifier })
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where clients connect to.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// Tells of changes.
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// Takes no more, cancels what goes on, answers it within `limit`, and ends.
    pub fn stop(&self, limit: Duration) {
        self.thread.commands().send(Command::Stop(limit));
        self.thread.join();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

/// Serves one client on pipes until its end: a message a line. What is written to `output` is nothing else.
///
/// # Errors
/// The system has no threads or random numbers, or a pipe fails.
pub fn serve_stdio(
    provider: Arc<dyn Provider>,
    input: impl BufRead,
    output: impl Write + AsFd + Send + 'static,
) -> Result<()> {
    let (lines, rest) = lines(output);
    let mut known = None;
    let thread = Thread::start("brummer-mcp", |net, commands| {
        let core = Core::new(net, commands, Config::default(), Arc::clone(&provider), Some(lines))?;
        known = Some(core.notifier.clone());
        Ok(core)
    })?;
    provider.started(known.unwrap_or_else(|| Notifier::new(|| ())));
    let failed = |error| Error::io("mcp", "start the thread brummer-mcp-out", error);
    let writer = std::thread::Builder::new().name("brummer-mcp-out".into());
    let writer = writer.spawn(move || rest.run()).map_err(failed)?;
    let result = read_lines(input, &mut |line| thread.commands().send(Command::Line(line)));
    thread.commands().send(Command::LinesEnded);
    thread.join();
    // A panic of the writer has nobody left to tell.
    let _ = writer.join();
    result
}

fn read_lines(mut input: impl BufRead, each: &mut dyn FnMut(Vec<u8>)) -> Result<()> {
    loop {
        let mut line = Vec::new();
        let mut limited = std::io::Read::take(&mut input, LINE_BYTES_MAX as u64);
        let count = limited.read_until(b'\n', &mut line).map_err(|error| Error::io("mcp", "read a message", error))?;
        if count == 0 {
            return Ok(());
        }
        if count == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
            let text = "A message has more than 16 MiB.";
            return Err(Error::new("mcp", crate::error::Code::ResourceLimit, text).permanent());
        }
        each(line);
    }
}
