//! What process trees use, looked at by the pool while somebody wants to see it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::app::changes::Thing;
use crate::app::core::App;
use crate::app::view::{Child, Usage};
use crate::event::ProcessId;
use crate::io::usage::{self, Member};
use crate::runtime::Priority;
use crate::runtime::timer::TimerId;

/// How often CPU and memory are looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// The system counts CPU time in steps of 10 ms: looks that are closer than this tell no share.
const TOO_SOON: Duration = Duration::from_millis(500);
/// So many children of a process are told.
const MOST_CHILDREN: usize = 64;

impl App {
    pub(super) fn sample(&self, on: bool) {
        if self.usage.on.swap(on, Ordering::AcqRel) == on {
            return;
        }
        let mut timer = self.usage.timer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = timer.take() {
            self.timer.cancel(id);
        }
        if on {
            let (pool, me) = (self.pool.clone(), self.me.clone());
            let look = move || {
                let me = me.clone();
                // A look that the pool refuses is a look that is not shown.
                let _ = pool.spawn(Priority::Low, move || me.upgrade().into_iter().for_each(|app| app.look_at_usage()));
            };
            look();
            *timer = Some(self.timer.every(SAMPLE_EVERY, look));
        }
    }

    fn look_at_usage(&self) {
        let running = self.manager.get_all_processes().into_iter();
        let running: Vec<(ProcessId, u32)> = running.filter_map(|process| Some((process.id, process.pid?))).collect();
        self.usage.look(&running);
        self.changes.bump(Thing::Processes);
    }
}

/// The last look at each process.
#[derive(Default)]
pub(crate) struct UsageSampler {
    on: AtomicBool,
    timer: Mutex<Option<TimerId>>,
    seen: Mutex<HashMap<ProcessId, Seen>>,
}

/// One look at a tree.
#[derive(Clone)]
struct Seen {
    at: Instant,
    /// The CPU time of each process of it.
    cpu: HashMap<u32, Duration>,
    usage: Usage,
    children: Arc<[Child]>,
}

impl UsageSampler {
    pub(super) fn of(&self, id: ProcessId) -> Option<(Usage, Arc<[Child]>)> {
        self.seen().get(&id).map(|seen| (seen.usage, Arc::clone(&seen.children)))
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<ProcessId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, running: &[(ProcessId, u32)]) {
        let pids: Vec<u32> = running.iter().map(|(_, pid)| *pid).collect();
        let named = |tree: Vec<Member>| {
            let below = tree.iter().skip(1).take(MOST_CHILDREN);
            let commands: Vec<String> = below.map(|member| usage::command(member.pid)).collect();
            (tree, commands)
        };
        // All that asks the system is done before the lock is taken: the UI reads behind it.
        let trees: Vec<_> = usage::members_of_trees(&pids).into_iter().map(named).collect();
        let now = Instant::now();
        let mut seen = self.seen();
        let mut next = HashMap::new();
        for ((id, _), (tree, commands)) in running.iter().zip(trees).filter(|(_, (tree, _))| !tree.is_empty()) {
            let before = seen.get(id);
            let kept = before.filter(|seen| now.saturating_duration_since(seen.at) < TOO_SOON);
            next.insert(*id, kept.cloned().unwrap_or_else(|| Seen::new(before, &tree, commands, now)));
        }
        *seen = next;
    }
}

impl Seen {
    fn new(before: Option<&Seen>, tree: &[Member], commands: Vec<String>, at: Instant) -> Seen {
        // Of a process that was not there before, all that it used was used since then.
        let share = |member: &Member| {
            before.map_or(0.0, |before| {
                let used = member.cpu.saturating_sub(before.cpu.get(&member.pid).copied().unwrap_or_default());
                used.as_secs_f32() / at.saturating_duration_since(before.at).as_secs_f32().max(0.001) * 100.0
            })
        };
        let usage = Usage {
            cpu_percent: tree.iter().map(share).sum(),
            rss_bytes: tree.iter().map(|member| member.rss_bytes).sum(),
            processes: u32::try_from(tree.len()).unwrap_or(u32::MAX),
        };
        let child = |(member, command): (&Member, String)| Child {
            pid: member.pid,
            depth: member.depth,
            command,
            cpu_percent: share(member),
            rss_bytes: member.rss_bytes,
        };
        let children = tree.iter().skip(1).zip(commands).map(child).collect();
        Seen { at, cpu: tree.iter().map(|member| (member.pid, member.cpu)).collect(), usage, children }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(pid: u32, depth: u32, millis: u64) -> Member {
        Member { pid, depth, cpu: Duration::from_millis(millis), rss_bytes: 10 }
    }

    #[test]
    fn a_share_is_of_the_time_between_two_looks_also_when_a_process_of_the_tree_has_ended() {
        let begin = Instant::now();
        let first = Seen::new(None, &[member(1, 0, 100), member(2, 1, 9000)], vec!["old".into()], begin);
        assert_eq!((first.usage.cpu_percent, first.usage.rss_bytes, first.usage.processes), (0.0, 20, 2));
        let tree = [member(1, 0, 300), member(3, 1, 1000)];
        let second = Seen::new(Some(&first), &tree, vec!["new".into()], begin + Duration::from_secs(2));
        assert_eq!(second.usage.cpu_percent.round(), 60.0);
        assert_eq!((second.children.len(), &*second.children[0].command), (1, "new"));
        assert_eq!(second.children[0].cpu_percent.round(), 50.0);
    }
}
