//! Brummer as a child of the test: its output is collected while it runs.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::processes::{Signal, signal};
use super::wait::{until, until_within};

/// A run that goes on.
#[derive(Debug)]
pub(crate) struct Run {
    child: Child,
    stdout: Collected,
    stderr: Collected,
}

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[derive(Debug)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Collected {
    fn new(mut source: impl Read + Send + 'static) -> Collected {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let read = move || {
            let mut chunk = vec![0; 256 * 1024];
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                sink.lock().expect("nobody panics with it").extend_from_slice(&chunk[..count]);
            }
        };
        Collected { bytes, reader: Some(std::thread::spawn(read)) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("nobody panics with it")).into_owned()
    }

    fn holds(&self, text: &str) -> bool {
        let bytes = self.bytes.lock().expect("nobody panics with it");
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    }

    fn end(&mut self) -> String {
        self.reader.take().map(JoinHandle::join);
        self.text()
    }
}

impl Run {
    /// Starts a command whose outputs are pipes.
    pub(crate) fn start(mut command: Command) -> Run {
        let mut child = command.spawn().expect("it starts");
        let stdout = Collected::new(child.stdout.take().expect("piped"));
        let stderr = Collected::new(child.stderr.take().expect("piped"));
        Run { child, stdout, stderr }
    }

    /// The process that was started: the guardian.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the process that was started.
    pub(crate) fn signal(&self, number: Signal) {
        signal(self.pid(), number);
    }

    /// Waits until this stands in the standard output.
    pub(crate) fn wait_for(&mut self, text: &str) {
        let mut ended = false;
        let mut seen = || {
            // One more look after it has ended: the output may have come last.
            let last_look = ended;
            ended = self.child.try_wait().expect("it can be asked").is_some();
            self.stdout.holds(text) || last_look
        };
        until(&format!("`{text}` is printed"), &mut seen);
        let (out, err) = (self.stdout.text(), self.stderr.text());
        // Nothing more comes after the end, but the thread that reads may still have to.
        let limit = Duration::from_secs(if ended { 20 } else { 1 });
        until_within(limit, &format!("`{text}` is in\n{out}\n--- standard error:\n{err}"), || self.stdout.holds(text));
    }

    /// What stands in the standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Waits until it has ended; whatever it was asked before.
    pub(crate) fn finish(mut self) -> Finished {
        until("brummer has ended", || self.child.try_wait().expect("it can be asked").is_some());
        let status = self.child.wait().expect("it has ended");
        Finished { status, stdout: self.stdout.end(), stderr: self.stderr.end() }
    }
}

impl Finished {
    /// The exit code; a signal counts as 128 and its number.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().or(self.status.signal().map(|number| 128 + number)).expect("it has ended")
    }

    /// The standard output, when it ended with this code and wrote nothing to standard error.
    pub(crate) fn expect(self, code: i32) -> String {
        assert_eq!((self.code(), self.stderr.as_str()), (code, ""), "standard output:\n{}", self.stdout);
        self.stdout
    }
}
