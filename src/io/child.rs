//! Starts one child: a session of its own, pipes or terminals, nothing inherited that it should not have.

use super::descriptors::Limit;
use super::platform::{self, Affinity};
use super::pty::{self, Pty, Size};
use super::tree::{MARK, RELEASED, Root};
use crate::error::{Code, Error, Result};
use rustix::event::{PollFd, PollFlags, poll};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

/// Which of its two outputs a child wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Out = 0,
    /// Standard error.
    Err = 1,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Outcome {
    pub(crate) fn from_wait_status(status: i32) -> Outcome {
        let status = ExitStatus::from_raw(status);
        status.signal().map_or(Outcome::Code(status.code().unwrap_or(-1)), Outcome::Signal)
    }
}

/// The standard input of a child that has no terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// Nothing: it ends at once.
    #[default]
    Empty,
    /// That of this program.
    Inherited,
    /// A pipe, which whoever started it writes to and closes.
    Pipe,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program; without a slash it is looked for on the child's PATH.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The directory to start in.
    pub directory: PathBuf,
    /// Changes to the inherited environment.
    pub environment: Vec<(OsString, Option<OsString>)>,
    /// The size of its terminals; `None` for pipes and an input as below.
    pub terminal: Option<Size>,
    /// Both outputs are one terminal; nothing without one.
    pub shared: bool,
    /// Its standard input, where it has no terminal.
    pub input: Input,
    /// A value that no other child has, to recognise its descendants by.
    pub mark: String,
}

/// A child that runs, with Brummer's ends of its outputs.
pub struct Child {
    pub(crate) pid: i32,
    pub(crate) root: Root,
    pub(crate) sources: [Option<Source>; 2],
    pub(crate) input: Option<Arc<OwnedFd>>,
}

/// One output of a child: what to read, and how much the system holds back for us.
pub(crate) struct Source {
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) terminal: bool,
}

impl Child {
    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.pid as u32
    }

    /// What its tree is recognised by.
    pub fn root(&self) -> Root {
        self.root.clone()
    }

    /// The masters of its terminals (standard output with standard input, standard error), if it has any.
    pub fn terminals(&self) -> Option<Terminals> {
        let masters = || self.sources.iter().flatten().map(|source| Arc::clone(&source.fd)).collect();
        self.sources[0].as_ref().filter(|source| source.terminal).map(|_| Terminals { masters: masters() })
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("pid", &self.pid).finish_non_exhaustive()
    }
}

/// The terminals of one child, to type into and to resize.
#[derive(Clone, Debug)]
pub struct Terminals {
    /// One, or two: that of the standard input and output, and that of the errors.
    masters: Arc<[Arc<OwnedFd>]>,
}

impl Terminals {
    /// Types `bytes`; returns how many were taken before the child's input was full. Never waits.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut taken = 0;
        while taken < bytes.len() {
            match rustix::io::write(&self.masters[0], &bytes[taken..]) {
                Ok(count) => taken += count,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(taken)
    }

    /// Types all of `bytes`; waits while the child's input is full.
    ///
    /// # Errors
    /// What the system said: the child is gone.
    pub fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.write(bytes)?..];
            if !bytes.is_empty() {
                poll(&mut [PollFd::new(&self.masters[0], PollFlags::OUT)], None)?;
            }
        }
        Ok(())
    }

    /// Whether keys are handed on unedited and Enter is no line feed: a program has taken over.
    pub fn is_raw(&self) -> bool {
        pty::is_raw(&self.masters[0])
    }

    /// Gives both another size.
    pub fn resize(&self, size: Size) -> io::Result<()> {
        self.masters.iter().try_for_each(|master| pty::resize(master, size))
    }
}

/// Starts children from any thread; what it takes from its own thread is the CPU mask that they get.
pub struct Launcher {
    affinity: Option<Affinity>,
    /// The limit of open files that children get, where this program has another.
    descriptors: Option<Limit>,
}

impl fmt::Debug for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Launcher")
    }
}

impl Launcher {
    /// To be made on a thread that is not pinned: children may use the CPUs of this thread, whoever starts them.
    pub fn new() -> Launcher {
        platform::adopt_orphans();
        Launcher { affinity: Affinity::current(), descriptors: None }
    }

    /// The one of a program that does nothing but run children: it raises its limit of open files as far as is allowed, and
    /// children get the one that it was started with. There is to be one of them.
    pub fn of_program() -> Launcher {
        Launcher { descriptors: Limit::raise(), ..Launcher::new() }
    }

    /// Starts a child. The error names the command and tells a missing directory from a missing program.
    pub fn spawn(&self, command: &Command) -> Result<Child> {
        let (mine, typed, [input, out, err]) = open_stdio(command).map_err(|error| {
            Error::io("process", format!("open the outputs of `{}`", command.program.display()), error)
        })?;
        let mut std_command = std::process::Command::new(&command.program);
        std_command.args(&command.arguments).current_dir(&command.directory).stdin(input).stdout(out).stderr(err);
        for (name, value) in &command.environment {
            match value {
                Some(value) => std_command.env(name, value),
                None => std_command.env_remove(name),
            };
        }
        std_command.env(MARK, &command.mark);
        let (affinity, descriptors, terminal) = (self.affinity, self.descriptors, command.terminal.is_some());
        // SAFETY: between fork and exec only system calls are made: no allocation, no lock (see `become_child`).
        unsafe { std_command.pre_exec(move || become_child(affinity.as_ref(), descriptors.as_ref(), terminal)) };
        let child = std_command.spawn().map_err(|error| explain(command, error))?;
        let pid = child.id() as i32;
        let started = platform::entry(pid).map_or(0, |entry| entry.started);
        let root = Root { pid, started, word: format!("{MARK}={}", command.mark) };
        Ok(Child { pid, root, sources: mine, input: typed })
    }
}

impl Default for Launcher {
    fn default() -> Launcher {
        Launcher::new()
    }
}

/// Prepares a helper (a browser, a clipboard tool) that may outlive Brummer: it is never ended with the rest.
pub fn release(command: &mut std::process::Command) -> &mut std::process::Command {
    release_only(command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0)
}

/// Marks a program as one that is never ended with the rest; everything else about it stays.
pub(super) fn release_only(command: &mut std::process::Command) -> &mut std::process::Command {
    let value = RELEASED.split_once('=').map_or("", |(_, value)| value);
    command.env(MARK, value)
}

/// Runs in the child: async-signal-safe calls only.
pub(super) fn become_child(affinity: Option<&Affinity>, descriptors: Option<&Limit>, terminal: bool) -> io::Result<()> {
    // Numbers 32 and 33 belong to the C library; those that cannot be changed refuse without effect.
    for number in (1..32).chain(34..=64) {
        // SAFETY: it takes integers, is async-signal-safe, and acts on the child alone.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    rustix::process::setsid()?;
    if terminal {
        rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    }
    if let Some(affinity) = affinity {
        affinity.apply();
    }
    if let Some(descriptors) = descriptors {
        descriptors.restore();
    }
    Ok(())
}

/// Brummer's ends of the outputs, and of the input if it is a pipe; the child's three.
type Streams = ([Option<Source>; 2], Option<Arc<OwnedFd>>, [Stdio; 3]);

fn open_stdio(command: &Command) -> io::Result<Streams> {
    match command.terminal {
        Some(size) if command.shared => {
            let Pty { master, slave } = Pty::open(size)?;
            let (input, err) = (slave.try_clone()?, slave.try_clone()?);
            let source = Source { fd: Arc::new(master), terminal: true };
            Ok(([Some(source), None], None, [input.into(), slave.into(), err.into()]))
        }
        Some(size) => {
            let (out, err) = (Pty::open(size)?, Pty::open(size)?);
            let input = out.slave.try_clone()?;
            // The line discipline holds 4 KiB and the buffer before it 8 KiB on Linux; macOS is of the same order.
            let source = |master| Some(Source { fd: Arc::new(master), terminal: true });
            Ok(([source(out.master), source(err.master)], None, [input.into(), out.slave.into(), err.slave.into()]))
        }
        None => {
            let (out, out_child) = open_pipe()?;
            let (err, err_child) = open_pipe()?;
            let (typed, input) = match command.input {
                Input::Empty => (None, Stdio::null()),
                Input::Inherited => (None, Stdio::inherit()),
                Input::Pipe => {
                    let (reader, writer) = io::pipe()?;
                    (Some(Arc::new(writer.into())), reader.into())
                }
            };
            Ok(([Some(out), Some(err)], typed, [input, out_child, err_child]))
        }
    }
}

fn open_pipe() -> io::Result<(Source, Stdio)> {
    let (reader, writer) = io::pipe()?;
    pty::set_nonblocking(&reader)?;
    platform::grow_pipe(&writer);
    Ok((Source { fd: Arc::new(reader.into()), terminal: false }, writer.into()))
}

fn explain(command: &Command, error: io::Error) -> Error {
    let program = command.program.display();
    let directory = command.directory.display();
    let start = format!("start `{program}`");
    let found = std::fs::metadata(&command.directory);
    let refused = match found {
        Err(_) => Some((Code::NotFound, format!("the directory `{directory}` does not exist"))),
        Ok(facts) if !facts.is_dir() => Some((Code::InvalidState, format!("`{directory}` is not a directory"))),
        Ok(_) => match error.raw_os_error() {
            Some(libc::ENOENT) => Some((Code::NotFound, missing_program(command))),
            Some(libc::EACCES) => Some((
                Code::Permission,
                format!("permission denied: is `{program}` executable, and may `{directory}` be entered?"),
            )),
            Some(libc::ENOEXEC) => Some((Code::InvalidState, "it is no program that this machine can execute".into())),
            _ => None,
        },
    };
    match refused {
        Some((code, why)) => Error::new("process", code, format!("{start}: {why}")).caused_by(error),
        None => Error::io("process", start, error),
    }
    .with("directory", directory.to_string())
}

fn missing_program(command: &Command) -> String {
    let program = std::path::Path::new(&command.program);
    if !program.as_os_str().as_encoded_bytes().contains(&b'/') {
        return "no such program on PATH".into();
    }
    let there = command.directory.join(program).exists();
    if there { "the interpreter that its first line names does not exist" } else { "no such file" }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(program: &str, directory: &str) -> Command {
        Command {
            program: program.into(),
            arguments: Vec::new(),
            directory: directory.into(),
            environment: Vec::new(),
            terminal: None,
            shared: false,
            input: Input::Empty,
            mark: "test".into(),
        }
    }

    fn failure(program: &str, directory: &str) -> (Code, String) {
        let error = Launcher::new().spawn(&command(program, directory)).expect_err("cannot start");
        (error.code(), error.to_string())
    }

    #[test]
    fn pm02_a_failed_spawn_names_the_command_and_the_cause() {
        let (code, text) = failure("no-such-program-here", "/");
        assert_eq!(code, Code::NotFound);
        assert!(text.contains("`no-such-program-here`") && text.contains("no such program on PATH"), "{text}");
        let (code, text) = failure("sh", "/no/such/directory");
        assert_eq!(code, Code::NotFound);
        assert!(text.contains("`sh`") && text.contains("directory `/no/such/directory` does not exist"), "{text}");
        let (code, text) = failure("/etc/passwd", "/");
        assert_eq!(code, Code::Permission);
        assert!(text.contains("executable"), "{text}");
        let (_, text) = failure("sh", "/etc/passwd");
        assert!(text.contains("is not a directory"), "{text}");
    }

    #[test]
    fn a_script_whose_interpreter_is_missing_is_told_from_a_missing_file() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("run");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let (_, text) = failure(script.to_str().unwrap(), "/");
        assert!(text.contains("interpreter"), "{text}");
        assert!(failure("./absent", "/").1.contains("no such file"));
    }
}
