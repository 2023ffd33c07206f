//! Models of the parker: loom reports a token that is lost as a deadlock.

use brummer_loom_tests::sync::Parker;
use brummer_loom_tests::sync::shim::{Arc, UnsafeCell};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

fn one_token() {
    let parker = Parker::new();
    let unparker = parker.unparker();
    run([side(move || unparker.unpark()), side(move || parker.park())]);
}

#[test]
fn sy11_a_token_is_not_lost() {
    check("parker, 1 token", None, 40, one_token);
}

#[test]
fn sy11_a_token_brings_what_was_written_before_it() {
    check("parker, 1 token and a message", None, 100, || {
        let parker = Parker::new();
        let unparker = parker.unparker();
        let message = Arc::new(UnsafeCell::new(0));
        let letter = Arc::clone(&message);
        run([
            side(move || {
                // SAFETY: the token orders this before the read below; loom reports it if not.
                message.with_mut(|message| unsafe { *message = 7 });
                unparker.unpark();
            }),
            side(move || {
                parker.park();
                // SAFETY: as above.
                assert_eq!(letter.with(|message| unsafe { *message }), 7);
            }),
        ]);
    });
}

#[test]
fn sy11_two_tokens_from_two_threads_wake_once_or_twice() {
    check("parker, 2 unparkers, 1 or 2 tokens", Some(2), 400, || {
        let parker = Parker::new();
        let (first, second) = (parker.unparker(), parker.unparker());
        run([side(move || first.unpark()), side(move || second.unpark()), side(move || parker.park())]);
    });
}

#[test]
fn sy11_a_game_of_ping_pong_ends() {
    check("parker, ping-pong", None, 1_500, || {
        let (left, right) = (Parker::new(), Parker::new());
        let (wake_left, wake_right) = (left.unparker(), right.unparker());
        run([
            side(move || {
                wake_right.unpark();
                left.park();
            }),
            side(move || {
                right.park();
                wake_left.unpark();
            }),
        ]);
    });
}

#[test]
fn sy11_a_notification_without_the_mutex_is_caught() {
    mutation_is_caught("parker: notifies without the mutex", one_token);
}
