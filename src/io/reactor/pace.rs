//! Decides how long the reactor lets output gather before it looks again: never after quiet, a little when it is woken often.

use std::time::Duration;

/// The longest pause that is ever made: below what a person or a test could notice, and at 10,000 single lines a second some 330 wake-ups.
pub(crate) const PAUSE_MAX: Duration = Duration::from_millis(3);

/// The shortest pause that is worth a timer of the system.
const PAUSE_MIN: Duration = Duration::from_micros(375);

/// Woken again sooner than this means that it is woken often.
const OFTEN: Duration = Duration::from_millis(2);

/// The state of the decision.
#[derive(Debug)]
pub(crate) struct Pace {
    pause: Duration,
    longest: Duration,
}

impl Pace {
    /// `longest` bounds the pauses; more than [`PAUSE_MAX`] is not meant.
    pub(crate) fn new(longest: Duration) -> Pace {
        Pace { pause: Duration::ZERO, longest: longest.clamp(PAUSE_MIN, PAUSE_MAX) }
    }

    /// The pause before the next look. `waited`: how long nothing came before this turn; `fullest`: the largest share of
    /// a pipe's capacity that was found in it this turn, from 0 to 1 — a pipe that gets full holds its child back.
    pub(crate) fn after_turn(&mut self, waited: Duration, fullest: f32) -> Duration {
        if fullest >= 0.25 {
            self.pause /= 2;
        } else if waited < OFTEN {
            self.pause = (self.pause * 2).clamp(PAUSE_MIN, self.longest);
        } else {
            self.pause = Duration::ZERO;
        }
        if self.pause < PAUSE_MIN {
            self.pause = Duration::ZERO;
        }
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_micros(50);

    #[test]
    fn many_small_writes_are_gathered_up_to_the_longest_pause() {
        let mut pace = Pace::new(PAUSE_MAX);
        let pauses: Vec<Duration> = (0..8).map(|_| pace.after_turn(SOON, 0.001)).collect();
        assert!(pauses.is_sorted() && pauses[0] == PAUSE_MIN && pauses[7] == PAUSE_MAX, "{pauses:?}");
    }

    #[test]
    fn no_pause_is_longer_than_was_allowed() {
        let mut pace = Pace::new(Duration::from_millis(1));
        let longest = (0..8).map(|_| pace.after_turn(SOON, 0.0)).max();
        assert_eq!(longest, Some(Duration::from_millis(1)));
        let mut pace = Pace::new(Duration::from_secs(60));
        assert_eq!((0..8).map(|_| pace.after_turn(SOON, 0.0)).max(), Some(PAUSE_MAX));
    }

    #[test]
    fn after_quiet_there_is_no_pause() {
        let mut pace = Pace::new(PAUSE_MAX);
        let _ = (0..8).map(|_| pace.after_turn(SOON, 0.0)).last();
        assert_eq!(pace.after_turn(Duration::from_millis(20), 0.0), Duration::ZERO);
    }

    #[test]
    fn a_pipe_that_fills_up_is_emptied_without_pause() {
        let mut pace = Pace::new(PAUSE_MAX);
        let _ = (0..8).map(|_| pace.after_turn(SOON, 0.0)).last();
        let pauses: Vec<Duration> = (0..5).map(|_| pace.after_turn(SOON, 0.9)).collect();
        assert_eq!(pauses.last(), Some(&Duration::ZERO));
    }
}
