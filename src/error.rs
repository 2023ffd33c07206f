//! The one error type: who failed, how, whether to try again, and what stood behind it.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The result of everything that can fail with the program's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was; the only part of an error that code should branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A deadline passed before the work was done.
    Timeout,
    /// The thing that was named does not exist.
    NotFound,
    /// The thing to be made is there already.
    AlreadyExists,
    /// The call does not fit the state of its object (a stopped bus, a closed store), or its input is malformed.
    InvalidState,
    /// A bound was reached.
    ResourceLimit,
    /// Threads got in each other's way: cancelled, deadlocked, panicked.
    Concurrency,
    /// A socket or a pipe failed.
    Network,
    /// The operating system refused.
    Permission,
}

impl Code {
    /// The stable, upper-case name: `TIMEOUT`, `NOT_FOUND`, and so on.
    pub fn name(self) -> &'static str {
        match self {
            Code::Timeout => "TIMEOUT",
            Code::NotFound => "NOT_FOUND",
            Code::AlreadyExists => "ALREADY_EXISTS",
            Code::InvalidState => "INVALID_STATE",
            Code::ResourceLimit => "RESOURCE_LIMIT",
            Code::Concurrency => "CONCURRENCY",
            Code::Network => "NETWORK",
            Code::Permission => "PERMISSION",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure: immutable, cheap to clone, and complete enough to be shown to a person as it is.
///
/// - **Thread safety**: `Send + Sync`. **Progress**: wait-free. **Waits**: none. **Cleanup**: none.
///
/// ```
/// use brummer::error::{Code, Error};
///
/// let error = Error::new("process", Code::NotFound, "no script is named `dve`; the nearest is `dev`")
///     .with("script", "dve");
/// assert_eq!(error.code(), Code::NotFound);
/// assert!(!error.is_temporary());
/// assert_eq!(error.to_string(), "process: no script is named `dve`; the nearest is `dev` (script: dve)");
/// ```
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    component: &'static str,
    code: Code,
    message: String,
    temporary: bool,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    backtrace: Option<Arc<Backtrace>>,
}

impl Error {
    /// An error of `component`. The message says what was attempted, what happened and what to do.
    /// TIMEOUT and RESOURCE_LIMIT are temporary unless [`Error::permanent`] says otherwise; the other codes are not.
    pub fn new(component: &'static str, code: Code, message: impl Into<String>) -> Error {
        let temporary = matches!(code, Code::Timeout | Code::ResourceLimit);
        // `Backtrace::capture` looks at RUST_BACKTRACE; without it only concurrency errors pay for one (ER-4).
        let backtrace = match code {
            Code::Concurrency => Some(Arc::new(Backtrace::force_capture())),
            _ => Some(Backtrace::capture()).filter(|b| b.status() == BacktraceStatus::Captured).map(Arc::new),
        };
        let inner =
            Inner { component, code, message: message.into(), temporary, context: Vec::new(), source: None, backtrace };
        Error { inner: Arc::new(inner) }
    }

    /// A concurrency error about `resource`, with a backtrace (ER-4).
    pub fn concurrency(component: &'static str, resource: impl Into<String>, message: impl Into<String>) -> Error {
        Error::new(component, Code::Concurrency, message).with("resource", resource)
    }

    /// An operating-system failure while `attempt` was made; the code follows from the kind of the error.
    pub fn io(component: &'static str, attempt: impl fmt::Display, source: std::io::Error) -> Error {
        use std::io::ErrorKind as K;
        let code = match source.kind() {
            K::NotFound => Code::NotFound,
            K::PermissionDenied => Code::Permission,
            K::AlreadyExists | K::AddrInUse => Code::AlreadyExists,
            K::TimedOut => Code::Timeout,
            K::OutOfMemory | K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Code::ResourceLimit,
            K::InvalidInput | K::InvalidData => Code::InvalidState,
            _ => match source.raw_os_error() {
                Some(EMFILE | ENFILE | EAGAIN) => Code::ResourceLimit,
                _ => Code::Network,
            },
        };
        Error::new(component, code, format!("{attempt}: {source}{}", remedy(&source))).caused_by(source)
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Error {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// The same error with one more fact about it.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl Into<String>) -> Error {
        self.change(|inner| inner.context.push((key, value.into())))
    }

    /// The same error with what stood behind it.
    #[must_use]
    pub fn caused_by(self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    /// The same error, marked as worth another try.
    #[must_use]
    pub fn temporary(self) -> Error {
        self.change(|inner| inner.temporary = true)
    }

    /// The same error, marked as final.
    #[must_use]
    pub fn permanent(self) -> Error {
        self.change(|inner| inner.temporary = false)
    }

    /// Who failed: `pool`, `process`, `config` and so on.
    pub fn component(&self) -> &'static str {
        self.inner.component
    }

    /// What kind of failure it was.
    pub fn code(&self) -> Code {
        self.inner.code
    }

    /// What was attempted, what happened, what to do; without the component and the context.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        self.inner.temporary
    }

    /// Whether a deadline was the reason.
    pub fn is_timeout(&self) -> bool {
        self.inner.code == Code::Timeout
    }

    /// The facts that were added with [`Error::with`], in order.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.inner.context
    }

    /// The value of one fact.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.inner.context.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str())
    }

    /// Where it was made: always there for CONCURRENCY, elsewhere only with `RUST_BACKTRACE=1`.
    pub fn backtrace(&self) -> Option<&Backtrace> {
        self.inner.backtrace.as_deref()
    }
}

/// What a person can do about it, where there is one thing; to be put behind what happened.
pub(crate) fn remedy(source: &std::io::Error) -> &'static str {
    match source.raw_os_error() {
        Some(EMFILE) => "; a higher limit (ulimit -n) or fewer processes at once help",
        Some(EAGAIN) => "; the system allows no more threads or processes: a higher limit (ulimit -u) helps",
        Some(ENOSPC) => "; free some space there",
        _ => "",
    }
}

// The numbers are the same on Linux and macOS, but for EAGAIN.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EAGAIN: i32 = if cfg!(target_os = "macos") { 35 } else { 11 };

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.component, self.inner.message)?;
        for (i, (key, value)) in self.inner.context.iter().enumerate() {
            write!(f, "{}{key}: {value}", if i == 0 { " (" } else { ", " })?;
        }
        if self.inner.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}{}] {self}", self.code(), if self.is_temporary() { ", temporary" } else { "" })?;
        self.inner.source.as_ref().map_or(Ok(()), |source| write!(f, "; because: {source:?}"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Gathers the failures of one parallel operation, so that all of them are reported (ER-5).
///
/// - **Thread safety**: any number of threads may add. **Progress**: blocking on a short lock. **Waits**: none beyond it.
///   **Cleanup**: none.
///
/// ```
/// use brummer::error::{Code, Error, ErrorCollector};
///
/// let errors = ErrorCollector::new("stop");
/// errors.add(Error::new("process", Code::Timeout, "`web` still runs"));
/// errors.add(Error::new("process", Code::Timeout, "`api` still runs"));
/// let all = errors.finish().unwrap_err();
/// assert!(all.to_string().contains("`web`") && all.to_string().contains("`api`"));
/// ```
#[derive(Debug)]
pub struct ErrorCollector {
    component: &'static str,
    errors: std::sync::Mutex<Vec<Error>>,
}

impl ErrorCollector {
    /// An empty collector; `component` is who the joint error names.
    pub fn new(component: &'static str) -> ErrorCollector {
        ErrorCollector { component, errors: std::sync::Mutex::new(Vec::new()) }
    }

    fn errors(&self) -> std::sync::MutexGuard<'_, Vec<Error>> {
        // A push cannot leave the list half-made, so a poisoned lock is still a good list.
        self.errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Keeps one failure.
    pub fn add(&self, error: Error) {
        self.errors().push(error);
    }

    /// Keeps the failure of a result and gives back its value.
    pub fn check<T>(&self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// How many failures there are so far.
    pub fn len(&self) -> usize {
        self.errors().len()
    }

    /// Whether nothing has failed so far.
    pub fn is_empty(&self) -> bool {
        self.errors().is_empty()
    }

    /// `Ok` if nothing failed, the failure if it was one, else one error that names them all under the first one's code.
    pub fn finish(self) -> Result<()> {
        let mut errors = self.errors.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            n => {
                let text: Vec<String> = errors.iter().map(Error::to_string).collect();
                let joint = Error::new(self.component, errors[0].code(), format!("{n} failures: {}", text.join("; ")));
                Err(joint.caused_by(errors.remove(0)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_about_a_limit_is_said() {
        let told = |number| Error::io("io", "x", std::io::Error::from_raw_os_error(number)).message().to_owned();
        assert!(told(EMFILE).contains("ulimit -n") && told(EAGAIN).contains("ulimit -u"));
        assert!(told(ENOSPC).contains("free some space"));
    }

    #[test]
    fn er01_an_error_keeps_component_code_flags_context_and_source() {
        let cause = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "no");
        let error = Error::io("io", "open /etc/shadow", cause).with("path", "/etc/shadow");
        assert_eq!((error.component(), error.code()), ("io", Code::Permission));
        assert!(!error.is_temporary() && !error.is_timeout());
        assert_eq!(error.get("path"), Some("/etc/shadow"));
        assert!(StdError::source(&error).is_some());
        assert!(Error::new("bus", Code::Timeout, "queue full").is_temporary());
    }

    #[test]
    fn er01_a_clone_is_not_changed_by_what_is_added_to_the_other() {
        let error = Error::new("a", Code::NotFound, "gone");
        let more = error.clone().with("k", "v").temporary();
        assert!(error.context().is_empty() && !error.is_temporary());
        assert!(more.is_temporary() && more.get("k") == Some("v"));
    }

    #[test]
    fn er01_every_code_has_its_contract_name() {
        let all = [Code::Timeout, Code::NotFound, Code::AlreadyExists, Code::InvalidState];
        assert_eq!(all.map(Code::name), ["TIMEOUT", "NOT_FOUND", "ALREADY_EXISTS", "INVALID_STATE"]);
        let rest = [Code::ResourceLimit, Code::Concurrency, Code::Network, Code::Permission];
        assert_eq!(rest.map(Code::name), ["RESOURCE_LIMIT", "CONCURRENCY", "NETWORK", "PERMISSION"]);
    }

    #[test]
    fn er04_a_concurrency_error_names_its_resource_and_carries_a_backtrace() {
        let error = Error::concurrency("locks", "store", "lock order broken");
        assert_eq!(error.get("resource"), Some("store"));
        let trace = error.backtrace().expect("captured without RUST_BACKTRACE");
        assert_eq!(trace.status(), BacktraceStatus::Captured);
    }

    #[test]
    fn er05_all_failures_of_a_parallel_operation_are_reported() {
        let collector = ErrorCollector::new("stop");
        std::thread::scope(|scope| {
            for i in 0..8 {
                let collector = &collector;
                scope.spawn(move || collector.add(Error::new("process", Code::Timeout, format!("p{i} lives"))));
            }
        });
        assert_eq!(collector.len(), 8);
        let text = collector.finish().unwrap_err().to_string();
        assert!((0..8).all(|i| text.contains(&format!("p{i} lives"))), "{text}");
    }
}
