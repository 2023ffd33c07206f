//! Decides how a process stands and what a stop does next; carries nothing out, knows no clock of its own.
//!
//! ```text
//!            stop                      grace over                  patience over
//! Unasked ───────────► Asked (TERM) ───────────────► Killed (KILL) ─────────────► gives up, says who lives
//!    │                   │ kill ──────────────────────►│                            (a new stop starts again)
//!    │ kill ─────────────┼────────────────────────────►│
//!    ◄──── nobody of the tree lives and the child was reaped: settled ─────────────┘
//! ```

use crate::event::{Exit, Status};
use std::time::{Duration, Instant};

/// How long after SIGKILL the system may take before a process counts as one that cannot be ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks at a tree that is being stopped: at first often, so that a quick end is seen quickly.
const LOOK_FIRST: Duration = Duration::from_millis(2);
const LOOK_LAST: Duration = Duration::from_millis(40);

/// What is to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send SIGTERM to the whole tree.
    Ask,
    /// Send SIGKILL to the whole tree.
    Kill,
    /// Look at this time who of the tree lives, and report it with [`Supervisor::looked`].
    LookAt(Instant),
    /// The process has ended: write it down and tell everybody.
    Report(Status, Exit),
    /// Tell those who wait for the stop: everybody is gone.
    Settled,
    /// Tell those who wait for the stop: somebody lives and cannot be ended.
    GiveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unasked,
    Asked { kill_at: Instant },
    Killed { give_up_at: Instant },
}

/// The state of one process from its start to its end.
#[derive(Debug)]
pub struct Supervisor {
    grace: Duration,
    phase: Phase,
    exit: Option<Exit>,
    look_after: Duration,
}

impl Supervisor {
    /// A process that runs and that nobody has asked to stop.
    pub fn new(grace: Duration) -> Supervisor {
        Supervisor { grace, phase: Phase::Unasked, exit: None, look_after: LOOK_FIRST }
    }

    /// Whether a stop is under way.
    pub fn is_stopping(&self) -> bool {
        self.phase != Phase::Unasked
    }

    /// Somebody wants it to end. A stop that is under way goes on as it was.
    pub fn stop(&mut self, now: Instant) -> Vec<Effect> {
        if self.is_stopping() {
            return Vec::new();
        }
        self.phase = Phase::Asked { kill_at: now + self.grace };
        self.look_after = LOOK_FIRST;
        vec![Effect::Ask, self.look_at(now)]
    }

    /// Somebody wants it to end at once.
    pub fn kill(&mut self, now: Instant) -> Vec<Effect> {
        if matches!(self.phase, Phase::Killed { .. }) {
            return Vec::new();
        }
        self.phase = Phase::Killed { give_up_at: now + PATIENCE };
        self.look_after = LOOK_FIRST;
        vec![Effect::Kill, self.look_at(now)]
    }

    /// The child was reaped.
    pub fn exited(&mut self, exit: Exit, now: Instant) -> Vec<Effect> {
        self.exit = Some(exit);
        let status = match exit {
            _ if self.is_stopping() => Status::Stopped,
            Exit::Code(0) => Status::Success,
            _ => Status::Failed,
        };
        let mut effects = vec![Effect::Report(status, exit)];
        if self.is_stopping() {
            effects.push(Effect::LookAt(now));
        }
        effects
    }

    /// So many of the tree live.
    pub fn looked(&mut self, living: usize, now: Instant) -> Vec<Effect> {
        if living == 0 && self.exit.is_some() {
            self.phase = Phase::Unasked;
            return vec![Effect::Settled];
        }
        match self.phase {
            Phase::Unasked => Vec::new(),
            Phase::Asked { kill_at } if now >= kill_at => self.kill(now),
            Phase::Asked { kill_at } => {
                let next = self.next_look(now).min(kill_at);
                vec![Effect::LookAt(next)]
            }
            Phase::Killed { give_up_at } if now >= give_up_at => {
                self.phase = Phase::Unasked;
                vec![Effect::GiveUp]
            }
            // Whoever was forked between the look and the signal is found by the next look.
            Phase::Killed { .. } => vec![Effect::Kill, Effect::LookAt(self.next_look(now))],
        }
    }

    fn look_at(&self, now: Instant) -> Effect {
        Effect::LookAt(now + if self.exit.is_some() { Duration::ZERO } else { self.look_after })
    }

    fn next_look(&mut self, now: Instant) -> Instant {
        self.look_after = (self.look_after * 2).min(LOOK_LAST);
        now + self.look_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    fn has_look(effects: &[Effect]) -> bool {
        effects.iter().any(|effect| matches!(effect, Effect::LookAt(_)))
    }

    #[test]
    fn pm08_the_status_tells_a_stop_from_a_crash_from_a_success() {
        let now = Instant::now();
        let status = |stop: bool, exit: Exit| {
            let mut supervisor = Supervisor::new(GRACE);
            if stop {
                supervisor.stop(now);
            }
            supervisor.exited(exit, now)[0]
        };
        assert_eq!(status(false, Exit::Code(0)), Effect::Report(Status::Success, Exit::Code(0)));
        assert_eq!(status(false, Exit::Code(3)), Effect::Report(Status::Failed, Exit::Code(3)));
        assert_eq!(status(false, Exit::Signal(9)), Effect::Report(Status::Failed, Exit::Signal(9)));
        assert_eq!(status(true, Exit::Signal(15)), Effect::Report(Status::Stopped, Exit::Signal(15)));
        assert_eq!(status(true, Exit::Code(0)), Effect::Report(Status::Stopped, Exit::Code(0)));
    }

    #[test]
    fn pm03_a_stop_asks_waits_for_the_grace_kills_and_settles_when_nobody_lives() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(GRACE);
        let effects = supervisor.stop(start);
        assert!(effects[0] == Effect::Ask && has_look(&effects));
        assert!(supervisor.stop(start).is_empty(), "a second stop changes nothing");
        let effects = supervisor.looked(2, start + GRACE / 2);
        assert!(!effects.contains(&Effect::Kill) && has_look(&effects));
        assert!(supervisor.looked(2, start + GRACE).contains(&Effect::Kill));
        supervisor.exited(Exit::Signal(9), start + GRACE);
        assert!(supervisor.looked(1, start + GRACE).contains(&Effect::Kill), "a descendant that came later");
        assert_eq!(supervisor.looked(0, start + GRACE), [Effect::Settled]);
        assert!(!supervisor.is_stopping());
    }

    #[test]
    fn pm03_what_cannot_be_killed_is_reported_and_can_be_tried_again() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(GRACE);
        assert_eq!(supervisor.kill(start)[0], Effect::Kill);
        assert_eq!(supervisor.looked(1, start + PATIENCE), [Effect::GiveUp]);
        assert_eq!(supervisor.stop(start + PATIENCE)[0], Effect::Ask);
    }

    #[test]
    fn nobody_settles_before_the_child_was_reaped() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(GRACE);
        supervisor.stop(start);
        assert!(!supervisor.looked(0, start).contains(&Effect::Settled));
        supervisor.exited(Exit::Code(0), start);
        assert_eq!(supervisor.looked(0, start), [Effect::Settled]);
    }

    #[test]
    fn descendants_of_a_process_that_has_ended_are_stopped_too() {
        let start = Instant::now();
        let mut supervisor = Supervisor::new(GRACE);
        supervisor.exited(Exit::Code(0), start);
        assert_eq!(supervisor.stop(start), [Effect::Ask, Effect::LookAt(start)]);
        assert!(has_look(&supervisor.looked(1, start)));
        assert_eq!(supervisor.looked(0, start), [Effect::Settled]);
    }
}
