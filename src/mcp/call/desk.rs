//! Calls without a server: a provider can be called in the same process, by tests above all.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::call::Call;
use super::mailbox::{Event, Outlet, Shared};
use super::spec::CallSpec;
use crate::mcp::protocol::CallError;
use crate::sync::CancelFlag;

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Outlet for Bell {
    fn wake(&self, _: u64) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// The other side of a call: hears what it says, and can cancel it.
///
/// - **Thread safety**: `Send + Sync`. **Progress**, **Waits**: [`Desk::event`] waits for the call. **Cleanup**: none.
pub struct Desk {
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    heard: Mutex<std::collections::VecDeque<Event>>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// A call, to be handed to a [`Provider`](crate::mcp::Provider), and its other side.
    pub fn call(spec: CallSpec) -> (Call, Desk) {
        let bell = Arc::new(Bell::default());
        let outlet: Arc<dyn Outlet> = bell.clone();
        let shared = Arc::new(Shared::new(0, spec, CancelFlag::new(), outlet, false));
        (Call::new(Arc::clone(&shared)), Desk { shared, bell, heard: Mutex::default() })
    }

    /// The next thing that the call says; none when the time is over.
    pub fn event(&self, limit: Duration) -> Option<Event> {
        let end = Instant::now() + limit;
        loop {
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.extend(self.shared.take());
            if let Some(event) = heard.pop_front() {
                return Some(event);
            }
            drop(heard);
            let rung = self.bell.rung.lock().unwrap_or_else(PoisonError::into_inner);
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let waited = self.bell.changed.wait_timeout_while(rung, left, |rung| !*rung);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
    }

    /// Waits for the end, over progress and log messages.
    ///
    /// # Errors
    /// The call was refused, has asked something, or said nothing in time.
    pub fn result(&self, limit: Duration) -> Result<Value, CallError> {
        let end = Instant::now() + limit;
        loop {
            match self.event(end.saturating_duration_since(Instant::now())) {
                Some(Event::Finish(result)) => {
                    return result.and_then(|text| {
                        serde_json::from_str(&text).map_err(|error| CallError::internal(error.to_string()))
                    });
                }
                Some(Event::Ask { .. }) => return Err(CallError::internal("The call asks something.")),
                Some(_) => {}
                None => return Err(CallError::internal("The call said nothing in time.")),
            }
        }
    }

    /// Cancels the call, as a client would.
    pub fn cancel(&self) {
        self.shared.cancel.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::call::CallKind;
    use crate::mcp::protocol::{Ask, Level};

    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn a_call_that_is_dropped_is_answered() {
        let (call, desk) = Desk::call(CallSpec::new(CallKind::Tool, "lost"));
        drop(call);
        assert!(desk.result(SOON).unwrap_err().message.contains("lost"));
    }

    #[test]
    fn progress_goes_forward_only_and_keeps_its_end() {
        let spec = CallSpec { wants_progress: true, ..CallSpec::new(CallKind::Tool, "x") };
        let (call, desk) = Desk::call(spec);
        for step in [1.0, 0.5, 1.0, f64::NAN] {
            call.progress(step, None, None);
        }
        (0..1000).for_each(|step| call.progress(f64::from(step), Some(999.0), None));
        call.say("end");
        let mut seen = Vec::new();
        while let Some(Event::Progress(step)) = desk.event(SOON) {
            seen.push(step.progress);
        }
        assert!(seen.is_sorted_by(|a, b| a < b) && seen.len() <= 16, "{seen:?}");
        assert_eq!((seen.first(), seen.last()), (Some(&1.0), Some(&999.0)));
    }

    #[test]
    fn what_nobody_wants_to_hear_is_not_said() {
        let spec = CallSpec { log_level: Some(Level::Warning), ..CallSpec::new(CallKind::Tool, "x") };
        let (call, desk) = Desk::call(spec);
        call.progress(1.0, None, None);
        call.log(Level::Info, None, &"no");
        call.log(Level::Error, Some("a"), &"yes");
        assert!(matches!(desk.event(SOON), Some(Event::Log { level: Level::Error, data, .. }) if data == "\"yes\""));
        desk.cancel();
        assert!(call.is_cancelled() && !call.can_ask(&Ask::roots()));
        call.ask([("a", Ask::roots())], None);
        assert!(matches!(desk.event(SOON), Some(Event::Ask { .. })));
    }
}
