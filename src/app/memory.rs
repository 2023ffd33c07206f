//! Gives back the memory of the start, and looks at Brummer's own now and then; near the limit the store gives up its oldest lines, and that is said.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::app::changes::Thing;
use crate::app::core::App;
use crate::app::setup::Memory;
use crate::event::Level;
use crate::io::usage;

/// Parts of the limit, in percent, at which to warn and at which to act.
const WARN_PERCENT: u64 = 80;
const CRITICAL_PERCENT: u64 = 95;

/// How far memory has come: 0 fine, 1 warned, 2 critical.
fn stage(rss_bytes: u64, limit_bytes: u64) -> u8 {
    let percent = rss_bytes.saturating_mul(100) / limit_bytes.max(1);
    u8::from(percent >= WARN_PERCENT) + u8::from(percent >= CRITICAL_PERCENT)
}

/// Until then the app has started: what runs afterwards is what it goes on with.
const STARTED_AFTER: Duration = Duration::from_secs(1);

/// Looks now and then, as the settings say.
pub(crate) fn watch(app: &Arc<App>, Memory { limit_bytes, every }: Memory) {
    app.timer.after(STARTED_AFTER, usage::release_code);
    let (me, before) = (Arc::downgrade(app), AtomicU8::new(0));
    app.timer.every(every, move || {
        let Some(app) = me.upgrade() else { return };
        let rss_bytes = usage::own_rss_bytes();
        let now = stage(rss_bytes, limit_bytes);
        if now == 2 {
            app.store.shed();
        }
        if now > before.swap(now, Ordering::Relaxed) {
            app.messages.push(Level::Warn, message(now, rss_bytes, limit_bytes));
            app.changes.bump(Thing::Messages);
        }
    });
}

fn message(stage: u8, rss_bytes: u64, limit_bytes: u64) -> String {
    let mib = |bytes: u64| bytes / 1024 / 1024;
    let act =
        if stage == 2 { "the oldest lines are given up" } else { "near the limit the oldest lines will be given up" };
    let (used, limit) = (mib(rss_bytes), mib(limit_bytes));
    format!("brummer uses {used} of {limit} MiB (resources.memory_limit_mb): {act}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_warned_about_at_80_and_acted_on_at_95_percent() {
        assert_eq!([10, 79, 80, 94, 95, 200].map(|used| stage(used, 100)), [0, 0, 1, 1, 2, 2]);
    }
}
