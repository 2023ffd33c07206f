//! Decides how long the reactor lets output gather before it looks again: never after quiet, a little when it is woken often.

use std::time::Duration;

/// The longest pause that is ever made: below what a person or a test could notice, and at 10,000 single lines a second some 330 wake-ups.
pub(crate) const PAUSE_MAX: Duration = Duration::from_millis(3);

/// The shortest pause that is worth a timer of the system.
const PAUSE_MIN: Duration = Duration::from_micros(375);

/// Woken again sooner than this means that it is woken often.
const OFTEN: Duration = Duration::from_millis(2);

/// So much from one output in one turn is a flood: pausing would save nothing, and could hold the child back.
const FLOOD_BYTES: usize = 8 * 1024;

/// Turns without a pause after a flood, so that its ebbs are not taken for its end.
const TURNS_AFTER_FLOOD: u32 = 64;

/// The state of the decision.
#[derive(Debug)]
pub(crate) struct Pace {
    pause: Duration,
    longest: Duration,
    flooded: u32,
}

impl Pace {
    /// `longest` bounds the pauses; more than [`PAUSE_MAX`] is not meant.
    pub(crate) fn new(longest: Duration) -> Pace {
        Pace { pause: Duration::ZERO, longest: longest.clamp(PAUSE_MIN, PAUSE_MAX), flooded: 0 }
    }

    /// The pause before the next look. `waited`: how long nothing came before this turn; `most_bytes`: how much the fullest
    /// output gave this turn.
    pub(crate) fn after_turn(&mut self, waited: Duration, most_bytes: usize) -> Duration {
        self.flooded = if most_bytes >= FLOOD_BYTES { TURNS_AFTER_FLOOD } else { self.flooded.saturating_sub(1) };
        if self.flooded > 0 || waited >= OFTEN {
            self.pause = Duration::ZERO;
        } else {
            self.pause = (self.pause * 2).clamp(PAUSE_MIN, self.longest);
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
        let pauses: Vec<Duration> = (0..8).map(|_| pace.after_turn(SOON, 100)).collect();
        assert!(pauses.is_sorted() && pauses[0] == PAUSE_MIN && pauses[7] == PAUSE_MAX, "{pauses:?}");
    }

    #[test]
    fn no_pause_is_longer_than_was_allowed() {
        let mut pace = Pace::new(Duration::from_millis(1));
        let longest = (0..8).map(|_| pace.after_turn(SOON, 100)).max();
        assert_eq!(longest, Some(Duration::from_millis(1)));
        let mut pace = Pace::new(Duration::from_secs(60));
        assert_eq!((0..8).map(|_| pace.after_turn(SOON, 100)).max(), Some(PAUSE_MAX));
    }

    #[test]
    fn after_quiet_there_is_no_pause() {
        let mut pace = Pace::new(PAUSE_MAX);
        let _ = (0..8).map(|_| pace.after_turn(SOON, 100)).last();
        assert_eq!(pace.after_turn(Duration::from_millis(20), 100), Duration::ZERO);
    }

    #[test]
    fn a_flood_is_read_without_pause_until_it_has_ebbed_away() {
        let mut pace = Pace::new(PAUSE_MAX);
        let _ = (0..8).map(|_| pace.after_turn(SOON, 100)).last();
        assert_eq!(pace.after_turn(SOON, FLOOD_BYTES), Duration::ZERO);
        let turns = (0..1000).take_while(|_| pace.after_turn(SOON, 100).is_zero()).count();
        assert_eq!(turns, TURNS_AFTER_FLOOD as usize - 1);
    }
}
