//! Starts the components of a program in order and stops them in reverse, each within its time.

use std::sync::Arc;
use std::time::Duration;

use super::Context;
use super::panics::contain;
use crate::error::{Code, Error, ErrorCollector, Result};

/// A part of the program with a beginning and an end.
///
/// ```
/// use brummer::runtime::{Context, lifecycle::Component};
/// use brummer::error::Result;
///
/// struct Nothing;
/// impl Component for Nothing {
///     fn name(&self) -> &str { "nothing" }
///     fn start(&self, _: &Context) -> Result<()> { Ok(()) }
///     fn stop(&self, _: &Context) -> Result<()> { Ok(()) }
/// }
/// ```
pub trait Component: Send + Sync + 'static {
    /// Who it is, in errors.
    fn name(&self) -> &str;
    /// Begins; when it returns, others may use it.
    ///
    /// # Errors
    /// Why it could not; then it is not stopped, so it leaves nothing behind.
    fn start(&self, context: &Context) -> Result<()>;
    /// Ends; the context's deadline is its time limit.
    ///
    /// # Errors
    /// What could not be ended cleanly.
    fn stop(&self, context: &Context) -> Result<()>;
    /// How long `stop` may take.
    fn stop_within(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// The components, in the order in which they start.
///
/// - **Thread safety**: one thread drives it. **Progress**: blocks on the components. **Waits**: for `start` without a limit but
///   the context's, for `stop` as long as each component may. **Cleanup**: dropping it does not stop anything; `stop` does.
///
/// ```
/// use brummer::runtime::{Context, lifecycle::Lifecycle};
///
/// let mut program = Lifecycle::new();
/// program.start(&Context::background())?;
/// program.stop()?;
/// # Ok::<(), brummer::error::Error>(())
/// ```
#[derive(Default)]
pub struct Lifecycle {
    components: Vec<Arc<dyn Component>>,
    started: usize,
}

impl Lifecycle {
    /// Without components.
    pub fn new() -> Lifecycle {
        Lifecycle::default()
    }

    /// Adds one, to be started after those that were added before.
    #[must_use]
    pub fn with(mut self, component: Arc<dyn Component>) -> Lifecycle {
        self.components.push(component);
        self
    }

    /// Starts those that are not started, in order. If one fails, those that were started stop again, in reverse.
    ///
    /// # Errors
    /// Why one could not start; with what failed while the others stopped.
    pub fn start(&mut self, context: &Context) -> Result<()> {
        while let Some(component) = self.components.get(self.started) {
            let began = context.check().and_then(|()| guarded(component.name(), || component.start(context)));
            if let Err(error) = began {
                let failed = error.with("start", component.name());
                return Err(match self.stop() {
                    Ok(()) => failed,
                    Err(stop) => failed.with("then", stop.to_string()),
                });
            }
            self.started += 1;
        }
        Ok(())
    }

    /// Stops those that were started, in reverse, each within its time: one that takes longer is left behind on its thread, and the
    /// next one is stopped. Again is nothing.
    ///
    /// # Errors
    /// Everything that failed, together.
    pub fn stop(&mut self) -> Result<()> {
        let errors = ErrorCollector::new("lifecycle");
        for component in self.components[..std::mem::take(&mut self.started)].iter().rev() {
            errors.check(stop_within(component));
        }
        errors.finish()
    }
}

fn guarded(name: &str, body: impl FnOnce() -> Result<()>) -> Result<()> {
    contain(name, body).unwrap_or_else(|report| Err(report.into_error("lifecycle")))
}

/// Stops on a thread of its own, so that one that hangs does not hold up the others.
fn stop_within(component: &Arc<dyn Component>) -> Result<()> {
    let limit = component.stop_within();
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let stopping = Arc::clone(component);
    let context = Context::background().with_timeout(limit);
    let stopped = std::thread::Builder::new().name(format!("brummer-stop-{}", component.name())).spawn(move || {
        // Nobody listens after the limit.
        let _ = sender.send(guarded(stopping.name(), || stopping.stop(&context)));
    });
    let thread = stopped.map_err(|error| Error::io("lifecycle", format!("stop `{}`", component.name()), error))?;
    match receiver.recv_timeout(limit + MARGIN) {
        Ok(result) => {
            // It has sent its result, so it ends at once; what it panicked with is in the result.
            let _ = thread.join();
            result
        }
        Err(_) => {
            let message = format!("`{}` did not stop within {limit:?} and was left behind", component.name());
            Err(Error::new("lifecycle", Code::Timeout, message))
        }
    }
}

/// A component that watches its deadline may say itself, a little later, that it was missed.
const MARGIN: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::Instant;

    type Journal = Arc<Mutex<Vec<String>>>;

    struct Part {
        name: &'static str,
        fails: &'static str,
        journal: Journal,
    }

    impl Part {
        fn note(&self, what: &str) -> Result<()> {
            self.journal.lock().unwrap().push(format!("{what} {}", self.name));
            match self.fails {
                "panic" if what == "stop" => panic!("no brakes"),
                "hang" if what == "stop" => Context::background().wait(Duration::from_secs(60)),
                fails if fails == what => Err(Error::new("part", Code::InvalidState, format!("{} broke", self.name))),
                _ => Ok(()),
            }
        }
    }

    impl Component for Part {
        fn name(&self) -> &str {
            self.name
        }
        fn start(&self, _: &Context) -> Result<()> {
            self.note("start")
        }
        fn stop(&self, _: &Context) -> Result<()> {
            self.note("stop")
        }
        fn stop_within(&self) -> Duration {
            if self.fails == "hang" { Duration::from_millis(20) } else { Duration::from_secs(60) }
        }
    }

    fn program(parts: [(&'static str, &'static str); 3]) -> (Lifecycle, Journal) {
        let journal = Journal::default();
        let add = |lifecycle: Lifecycle, (name, fails)| {
            lifecycle.with(Arc::new(Part { name, fails, journal: Arc::clone(&journal) }))
        };
        (parts.into_iter().fold(Lifecycle::new(), add), journal)
    }

    #[test]
    fn er06_components_start_in_order_and_stop_in_reverse() {
        let (mut program, journal) = program([("a", ""), ("b", ""), ("c", "")]);
        program.start(&Context::background()).unwrap();
        program.stop().unwrap();
        program.stop().unwrap();
        assert_eq!(*journal.lock().unwrap(), ["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
    }

    #[test]
    fn er06_when_one_fails_to_start_those_before_it_stop_in_reverse() {
        let (mut program, journal) = program([("a", ""), ("b", ""), ("c", "start")]);
        let error = program.start(&Context::background()).unwrap_err();
        assert_eq!((error.message(), error.get("start")), ("c broke", Some("c")));
        assert_eq!(*journal.lock().unwrap(), ["start a", "start b", "start c", "stop b", "stop a"]);
    }

    #[test]
    fn er06_each_stop_has_its_limit_and_all_failures_are_reported() {
        let (mut program, journal) = program([("a", "stop"), ("b", "panic"), ("c", "hang")]);
        program.start(&Context::background()).unwrap();
        let text = program.stop().unwrap_err().to_string();
        let told = ["a broke", "`b` panicked: no brakes", "`c` did not stop within 20ms"];
        assert!(told.iter().all(|part| text.contains(part)), "{text}");
        // Of three threads, the one that was not waited for may be the last to begin.
        let deadline = Instant::now() + Duration::from_secs(60);
        while journal.lock().unwrap().len() < 6 {
            assert!(Instant::now() < deadline, "{journal:?}");
            std::thread::yield_now();
        }
        let stops: Vec<String> =
            journal.lock().unwrap()[3..].iter().filter(|note| *note != "stop c").cloned().collect();
        assert_eq!(stops, ["stop b", "stop a"]);
    }

    #[test]
    fn er06_a_cancelled_start_stops_what_was_started() {
        let (mut program, journal) = program([("a", ""), ("b", ""), ("c", "")]);
        let context = Context::background();
        context.cancel();
        assert_eq!(program.start(&context).unwrap_err().code(), Code::Concurrency);
        assert!(journal.lock().unwrap().is_empty());
    }
}
