//! Panics that are contained: run code so that its panic becomes a value with the text, the place and the backtrace.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::Arc;

use crate::error::{Code, Error};

/// What is known of a panic that was contained.
///
/// - **Thread safety**: `Send + Sync`, immutable. **Progress**: wait-free. **Waits**: none. **Cleanup**: none.
#[derive(Clone, Debug)]
pub struct PanicReport {
    /// In which part of the program it happened.
    pub component: Arc<str>,
    /// What the panic said.
    pub text: Arc<str>,
    /// File and line; only if [`install_hook`] was called.
    pub place: Option<Arc<str>>,
    /// The stack at the panic; only if [`install_hook`] was called.
    pub backtrace: Option<Arc<str>>,
}

impl PanicReport {
    /// The report as an error of `component`, with the place and the backtrace among its facts.
    pub fn into_error(self, component: &'static str) -> Error {
        let mut error =
            Error::new(component, Code::Concurrency, format!("`{}` panicked: {}", self.component, self.text));
        if let Some(place) = self.place {
            error = error.with("place", &*place);
        }
        error
    }
}

impl fmt::Display for PanicReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` panicked: {}", self.component, self.text)?;
        self.place.as_ref().map_or(Ok(()), |place| write!(f, " at {place}"))
    }
}

thread_local! {
    static CONTAINED: Cell<u32> = const { Cell::new(0) };
    static CAUGHT: RefCell<Option<(Arc<str>, Arc<str>)>> = const { RefCell::new(None) };
}

/// Runs `body`; a panic in it ends here, as a report that names `component`.
///
/// - **Thread safety**: any thread. **Progress**: as `body`; a body that returns pays one thread-local counter.
///   **Waits**: none. **Cleanup**: what `body` held is dropped by the unwinding; what it shares with others must stand up to that.
///
/// ```
/// use brummer::runtime::panics::contain;
///
/// assert_eq!(contain("sum", || 1 + 1).unwrap(), 2);
/// let report = contain("sum", || -> u32 { panic!("no numbers") }).unwrap_err();
/// assert_eq!(&*report.text, "no numbers");
/// ```
pub fn contain<R>(component: &str, body: impl FnOnce() -> R) -> Result<R, PanicReport> {
    CONTAINED.with(|depth| depth.set(depth.get() + 1));
    let result = std::panic::catch_unwind(AssertUnwindSafe(body));
    CONTAINED.with(|depth| depth.set(depth.get() - 1));
    result.map_err(|payload| report(component, payload))
}

#[cold]
fn report(component: &str, payload: Box<dyn Any + Send>) -> PanicReport {
    let text = payload_text(&*payload);
    // A payload may panic when it is dropped; that must not leave the place that contains panics.
    let _ = std::panic::catch_unwind(AssertUnwindSafe(move || drop(payload)));
    let (place, backtrace) = CAUGHT.take().unzip();
    PanicReport { component: component.into(), text: text.into(), place, backtrace }
}

fn payload_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a text".to_owned())
}

/// Makes contained panics silent and complete (place and backtrace in the report) for the whole process.
/// A panic outside of [`contain`] goes to the hook that was there before. To be called once, by the program, at its start.
///
/// ```
/// use brummer::runtime::panics::{contain, install_hook};
///
/// install_hook();
/// let report = contain("parser", || panic!("bad input")).unwrap_err();
/// assert!(report.backtrace.is_some() && report.place.is_some());
/// ```
pub fn install_hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| if CONTAINED.get() > 0 { catch(info) } else { before(info) }));
}

fn catch(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let backtrace = Backtrace::force_capture().to_string();
    CAUGHT.set(Some((place.into(), backtrace.into())));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eb08_a_contained_panic_tells_component_and_text() {
        let report = contain("detector", || panic!("line {} is odd", 7)).unwrap_err();
        assert_eq!((&*report.component, &*report.text), ("detector", "line 7 is odd"));
        let error = report.into_error("bus");
        assert_eq!(error.code(), Code::Concurrency);
        assert!(error.to_string().contains("`detector` panicked: line 7 is odd"), "{error}");
    }

    #[test]
    fn eb08_containing_nests_and_ends() {
        let outer = contain("outer", || {
            assert!(contain("inner", || panic!("in")).is_err());
            5
        });
        assert_eq!(outer.unwrap(), 5);
        assert_eq!(CONTAINED.get(), 0);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_contained_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        let report = contain("bomb", || std::panic::panic_any(Bomb)).unwrap_err();
        assert_eq!(&*report.text, "a panic without a text");
    }
}
