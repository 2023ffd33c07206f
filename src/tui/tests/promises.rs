//! What is promised of the UI as a whole, each by the number of its row in `docs/contracts.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::keymap::ROWS;
use crate::tui::message::Message;
use crate::tui::model::View;
use crate::tui::testing::{Mock, Rig};
use crate::tui::{Handle, Outcome};

#[test]
fn tm03_every_view_can_be_drawn_before_anything_is_known() {
    for view in View::ALL {
        for size in [(120, 36), (80, 24), (60, 16), (40, 10)] {
            let mut rig = Rig::new(Mock::empty(), size);
            rig.model.view = view;
            let text = rig.text();
            assert!(
                text.contains(&view.number().to_string()) && text.contains("help"),
                "{view:?} at {size:?}:\n{text}"
            );
        }
    }
}

#[test]
fn tm04_a_view_is_in_front_as_soon_as_it_was_asked_for() {
    let mut rig = Rig::new(Mock::full(), (120, 36));
    for view in View::ALL {
        rig.press(&[&view.number().to_string()]);
        assert_eq!(rig.model.view, view);
        assert!(rig.text().contains(&format!("▐{} {}", view.number(), view.title())), "{}", rig.text());
    }
    for view in View::ALL {
        rig.press(&["/"]);
        rig.type_text(&format!("view {}", view.title().to_lowercase()));
        rig.press(&["enter"]);
        assert_eq!(rig.model.view, view);
    }
}

#[test]
fn tm05_what_other_threads_write_meanwhile_is_drawn_whole_and_in_order() {
    let mut rig = Rig::new(Mock::empty(), (80, 24));
    rig.press(&["3"]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let (mock, done) = (Arc::clone(&rig.mock), &done);
            scope.spawn(move || {
                (0..200_000).take_while(|_| !done.load(Ordering::Relaxed)).for_each(|number| {
                    mock.line(thread + 1, "p", &format!("begin {thread} {number} end"));
                });
            });
        }
        for _ in 0..100 {
            rig.refresh();
            let mut last = [None; 3];
            for line in rig.text().lines().filter(|line| line.contains("begin")) {
                let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "begin").take(4).collect();
                let ["begin", thread, number, "end"] = words[..] else { panic!("{line:?} is not whole") };
                let (thread, number): (usize, u64) = (thread.parse().unwrap(), number.parse().unwrap());
                assert!(last[thread].is_none_or(|before| before < number), "{line:?} is out of order");
                last[thread] = Some(number);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn tm05_a_handle_reaches_the_ui_from_any_thread() {
    let (handle, mut rig) = (Handle::default(), Rig::new(Mock::full(), (80, 24)));
    std::thread::scope(|scope| {
        let handle = handle.clone();
        scope.spawn(move || {
            handle.notice(crate::event::Level::Info, "told from elsewhere");
            handle.end();
        });
    });
    handle.receive().into_iter().for_each(|message| rig.send(message));
    assert!(rig.text().contains("told from elsewhere"), "{}", rig.text());
    assert!(matches!(rig.outside[..], [crate::tui::message::Effect::Leave(Outcome::Ended)]), "{:?}", rig.outside);
}

#[test]
fn tm07_an_action_says_what_it_does_and_a_key_whether_it_did_something() {
    for row in ROWS {
        assert!(!row.about.is_empty() && !row.hint.is_empty() && row.name.is_ascii(), "{}", row.name);
    }
    for view in View::ALL {
        let mut rig = Rig::new(Mock::full(), (80, 24));
        rig.press(&[&view.number().to_string()]);
        let before = rig.draw();
        let unbound = KeyEvent::new(KeyCode::F(9), KeyModifiers::NONE);
        assert!(!rig.event(unbound), "{view:?}");
        assert!(rig.draw() == before, "a key that does nothing has changed {view:?}");
        // Drawing the same again is the same, and says when what it shows was last looked at.
        let now = rig.model.now;
        rig.send(Message::Now(now));
        assert!(rig.draw() == before && rig.model.now == now, "{view:?}");
        assert!(rig.press(&["?"]), "{view:?}");
    }
}
