//! Counts what has changed and wakes the front doors, so that nobody polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::app::view::Versions;
use crate::sync::cow::CowCell;

/// What is called after a change; it must only set a flag or write to a channel.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// A counter per thing that is shown. Any thread bumps, any thread reads; neither waits.
pub(crate) struct Changes {
    scripts: AtomicU64,
    processes: AtomicU64,
    logs: AtomicU64,
    errors: AtomicU64,
    messages: AtomicU64,
    urls: AtomicU64,
    exchanges: AtomicU64,
    pages: AtomicU64,
    terminal: AtomicU64,
    mcp: AtomicU64,
    wakes: CowCell<Vec<Wake>>,
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    Scripts,
    Processes,
    Logs,
    Errors,
    Messages,
    Urls,
    Exchanges,
    Pages,
    Terminal,
    Mcp,
}

impl Changes {
    pub(crate) fn new() -> Arc<Changes> {
        let zero = || AtomicU64::new(0);
        let wakes = CowCell::new(Vec::new());
        Arc::new(Changes {
            scripts: zero(),
            processes: zero(),
            logs: zero(),
            errors: zero(),
            messages: zero(),
            urls: zero(),
            exchanges: zero(),
            pages: zero(),
            terminal: zero(),
            mcp: zero(),
            wakes,
        })
    }

    fn counter(&self, thing: Thing) -> &AtomicU64 {
        match thing {
            Thing::Scripts => &self.scripts,
            Thing::Processes => &self.processes,
            Thing::Logs => &self.logs,
            Thing::Errors => &self.errors,
            Thing::Messages => &self.messages,
            Thing::Urls => &self.urls,
            Thing::Exchanges => &self.exchanges,
            Thing::Pages => &self.pages,
            Thing::Terminal => &self.terminal,
            Thing::Mcp => &self.mcp,
        }
    }

    /// Says that something has changed; what changed must be readable before this is called.
    pub(crate) fn bump(&self, thing: Thing) {
        // Release: who sees the new count sees what was written before it.
        self.counter(thing).fetch_add(1, Ordering::Release);
        for wake in self.wakes.load().iter() {
            wake();
        }
    }

    pub(crate) fn versions(&self) -> Versions {
        let read = |thing| self.counter(thing).load(Ordering::Acquire);
        Versions {
            scripts: read(Thing::Scripts),
            processes: read(Thing::Processes),
            logs: read(Thing::Logs),
            errors: read(Thing::Errors),
            messages: read(Thing::Messages),
            urls: read(Thing::Urls),
            exchanges: read(Thing::Exchanges),
            pages: read(Thing::Pages),
            terminal: read(Thing::Terminal),
            mcp: read(Thing::Mcp),
        }
    }

    /// Calls `wake` after every change from now on.
    pub(crate) fn on_change(&self, wake: Wake) {
        self.wakes.update(|wakes| wakes.iter().cloned().chain([wake.clone()]).collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_bump_moves_one_counter_and_wakes_everybody() {
        let changes = Changes::new();
        let woken = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let woken = woken.clone();
            changes.on_change(Arc::new(move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }));
        }
        let before = changes.versions();
        changes.bump(Thing::Logs);
        assert_eq!(changes.versions(), Versions { logs: before.logs + 1, ..before });
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }
}
