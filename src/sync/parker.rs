//! `Parker`: puts one thread to sleep until somebody hands it a token; a token that comes first is kept.
//!
//! **Shape.** One [`Parker`], which parks, and any number of [`Unparker`]s; at most one token is kept.
//!
//! | state | meaning | `park` | `unpark` |
//! | --- | --- | --- | --- |
//! | `EMPTY` | no token, awake | → `PARKED`, sleeps | → `TOKEN` |
//! | `PARKED` | no token, asleep or about to be | – | → `TOKEN`, wakes |
//! | `TOKEN` | a token is kept | → `EMPTY`, returns | stays |
//!
//! **Invariants.**
//! - I1: only the parker sets `EMPTY` and `PARKED`, only unparkers set `TOKEN`.
//! - I2: from setting `PARKED` until it is on the condition variable the parker holds the mutex; an unparker that found `PARKED` takes
//!   the mutex before it notifies, so that its notification cannot fall between the two.
//! - I3: `park` returns only by taking a token: what the condition variable does without a reason is not passed on.
//!
//! **Ordering.**
//!
//! | site | ordering | pairs with | if weaker |
//! | --- | --- | --- | --- |
//! | `unpark` swaps in the token | Release | the taking of the token | what was written before `unpark` is not seen after `park` |
//! | `park` takes the token | Acquire | the swap | the same |
//!
//! **Progress.** `unpark` is wait-free unless the parker sleeps; then it takes a mutex that is held for a few instructions. `park` blocks until
//! there is a token, `park_until` at most until its deadline.
//!
//! **Limits.** One thread parks at a time: `Parker` is not `Sync`. Tokens do not add up.
//!
//! **Checked by** `loom-tests/tests/parker.rs`, the tests below, Miri, and `examples/stress.rs` under ThreadSanitizer.
//!
//! **Source.** The generic thread parker of `std` and crossbeam's `Parker`: a futex, `thread::park` and a condition variable all
//! wake in 1.2 µs here, and only the last can be made before its thread and be modelled.

use std::cell::Cell;
use std::marker::PhantomData;
use std::time::Instant;

use super::shim::atomic::AtomicU32;
use super::shim::atomic::Ordering::{Acquire, Relaxed, Release};
use super::shim::{Arc, Condvar, Mutex, MutexGuard, planted};

const EMPTY: u32 = 0;
const PARKED: u32 = 1;
const TOKEN: u32 = 2;

#[derive(Debug)]
struct Shared {
    state: AtomicU32,
    gate: Mutex<()>,
    token_came: Condvar,
}

/// The side that sleeps. It may be made on one thread and used on another.
///
/// - **Thread safety:** one thread at a time (`Send`, not `Sync`).
/// - **Progress:** blocks until a token is there.
/// - **Waits:** `park` for ever, `park_until` at most until its deadline.
/// - **Cleanup:** none; an unparker may outlive it.
///
/// ```
/// use brummer::sync::Parker;
///
/// let parker = Parker::new();
/// let unparker = parker.unparker();
/// let waker = std::thread::spawn(move || unparker.unpark());
/// parker.park();
/// waker.join().unwrap();
/// ```
#[derive(Debug)]
pub struct Parker {
    shared: Arc<Shared>,
    not_sync: PhantomData<Cell<()>>,
}

/// The side that wakes.
///
/// - **Thread safety:** any number of threads, any number of clones.
/// - **Progress:** wait-free unless the parker sleeps.
/// - **Waits:** never longer than a mutex held for a few instructions.
/// - **Cleanup:** none.
#[derive(Clone, Debug)]
pub struct Unparker(Arc<Shared>);

impl Parker {
    /// A parker without a token.
    pub fn new() -> Self {
        let shared = Shared { state: AtomicU32::new(EMPTY), gate: Mutex::new(()), token_came: Condvar::new() };
        Self { shared: Arc::new(shared), not_sync: PhantomData }
    }

    /// A handle that wakes this parker.
    pub fn unparker(&self) -> Unparker {
        Unparker(Arc::clone(&self.shared))
    }

    /// Sleeps until there is a token, and takes it.
    pub fn park(&self) {
        let shared = &*self.shared;
        if shared.take_token() {
            return;
        }
        let mut gate = shared.lock();
        if shared.announce() {
            return;
        }
        while !shared.take_token() {
            gate = shared.token_came.wait(gate).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// Sleeps like [`Parker::park`], at most until `deadline`; answers whether it took a token.
    pub fn park_until(&self, deadline: Instant) -> bool {
        let shared = &*self.shared;
        if shared.take_token() {
            return true;
        }
        let mut gate = shared.lock();
        if shared.announce() {
            return true;
        }
        while !shared.take_token() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return shared.state.swap(EMPTY, Acquire) == TOKEN;
            }
            gate = shared.token_came.wait_timeout(gate, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        true
    }
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Unparker {
    /// Hands over a token, and wakes the parker if it sleeps. What was written before is seen after `park`.
    pub fn unpark(&self) {
        if self.0.state.swap(TOKEN, Release) == PARKED {
            if !planted("parker: notifies without the mutex") {
                drop(self.0.lock());
            }
            self.0.token_came.notify_one();
        }
    }
}

impl Shared {
    fn take_token(&self) -> bool {
        self.state.compare_exchange(TOKEN, EMPTY, Acquire, Relaxed).is_ok()
    }

    /// Says that the parker is about to sleep, unless a token came: then takes that instead and answers true.
    fn announce(&self) -> bool {
        match self.state.compare_exchange(EMPTY, PARKED, Relaxed, Relaxed) {
            Ok(_) => false,
            Err(_) => self.state.swap(EMPTY, Acquire) == TOKEN,
        }
    }

    /// The mutex guards no data, so that a panic of its holder spoils nothing.
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::sync::testing::{config, rounds};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn sy11_answers_what_a_plain_flag_answers(steps in proptest::collection::vec(0..3_u8, 0..48)) {
            let (parker, mut token) = (Parker::new(), false);
            for step in steps {
                match step {
                    0 => {
                        parker.unparker().unpark();
                        token = true;
                    }
                    1 if token => {
                        parker.park();
                        token = false;
                    }
                    _ => prop_assert_eq!(parker.park_until(Instant::now()), std::mem::take(&mut token)),
                }
            }
        }
    }

    #[test]
    fn sy11_a_token_that_comes_first_is_kept_and_only_one_is() {
        let parker = Parker::new();
        parker.unparker().unpark();
        parker.unparker().unpark();
        parker.park();
        assert!(!parker.park_until(Instant::now()));
    }

    #[test]
    fn parking_ends_at_its_deadline() {
        let parker = Parker::new();
        assert!(!parker.park_until(Instant::now() + Duration::from_millis(2)));
        parker.unparker().unpark();
        assert!(parker.park_until(Instant::now()), "a token counts even when the deadline is over");
    }

    #[test]
    fn sy11_no_token_is_lost_in_a_game_of_ping_pong() {
        let (left, right) = (Parker::new(), Parker::new());
        let (wake_left, wake_right) = (left.unparker(), right.unparker());
        let count = Arc::new(AtomicU64::new(0));
        let far = Instant::now() + Duration::from_secs(120);
        let echo = std::thread::spawn({
            let count = Arc::clone(&count);
            move || {
                for _ in 0..rounds(5_000) {
                    assert!(right.park_until(far), "a token was lost");
                    count.fetch_add(1, Relaxed);
                    wake_left.unpark();
                }
            }
        });
        for round in 0..rounds(5_000) {
            wake_right.unpark();
            assert!(left.park_until(far), "a token was lost");
            assert_eq!(count.load(Relaxed), round + 1);
        }
        echo.join().unwrap();
    }
}
