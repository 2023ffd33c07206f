//! The places for starts: so many at once, the others wait for one within their context.

use crate::error::{Code, Error, Result};
use crate::runtime::context::Context;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Instant;

/// Counts the starts that are under way.
#[derive(Debug)]
pub(crate) struct Starts {
    state: Arc<(Mutex<usize>, Condvar)>,
    most: usize,
}

/// A place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Starts);

impl Starts {
    pub(crate) fn new(most: usize) -> Starts {
        Starts { state: Arc::default(), most: most.max(1) }
    }

    /// Takes a place, waiting for it until the context ends.
    pub(crate) fn enter(&self, context: &Context) -> Result<Place<'_>> {
        context.check()?;
        let state = Arc::clone(&self.state);
        let (count, left) = &*self.state;
        let mut under_way = count.lock();
        if *under_way >= self.most {
            // Only who waits pays for the callback.
            drop(under_way);
            let _guard = context.on_cancel(move || {
                drop(state.0.lock());
                state.1.notify_all();
            });
            under_way = count.lock();
            while *under_way >= self.most {
                context.check().map_err(|error| waited_in_vain(error, self.most))?;
                match context.deadline() {
                    Some(deadline) => drop(left.wait_until(&mut under_way, deadline)),
                    None => left.wait(&mut under_way),
                }
            }
        }
        *under_way += 1;
        Ok(Place(self))
    }

    /// Waits until nobody has a place, or until `end`.
    pub(crate) fn wait_for_all(&self, end: Instant) {
        let (count, left) = &*self.state;
        let mut under_way = count.lock();
        while *under_way > 0 && !left.wait_until(&mut under_way, end).timed_out() {}
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.state.0.lock() -= 1;
        self.0.state.1.notify_all();
    }
}

fn waited_in_vain(error: Error, most: usize) -> Error {
    if error.code() != Code::Timeout {
        return error;
    }
    Error::new("process", Code::Timeout, format!("start: {most} other starts were under way all the time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn pm09_a_start_waits_for_a_place_and_gives_up_at_its_deadline() {
        let starts = Starts::new(1);
        let context = Context::background();
        let place = starts.enter(&context).unwrap();
        let error = starts.enter(&context.with_timeout(Duration::from_millis(20))).unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| starts.enter(&context).map(drop));
            drop(place);
            waiting.join().unwrap().unwrap();
        });
        starts.wait_for_all(Instant::now() + Duration::from_secs(5));
    }

    #[test]
    fn pm09_a_start_that_waits_ends_when_it_is_cancelled() {
        let starts = Starts::new(1);
        let context = Context::background();
        let _place = starts.enter(&context).unwrap();
        let child = context.child();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| starts.enter(&child).map(drop));
            child.cancel();
            assert_eq!(waiting.join().unwrap().unwrap_err().code(), Code::Concurrency);
        });
    }
}
