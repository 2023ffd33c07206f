//! What process trees use, looked at by the pool while somebody wants to see it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::app::changes::Thing;
use crate::app::core::App;
use crate::app::view::{Child, Sampling, Usage};
use crate::event::ProcessId;
use crate::io::usage::{self, Member};
use crate::process::Process;
use crate::runtime::Priority;
use crate::runtime::timer::TimerId;

/// The system counts CPU time in steps of 10 ms: looks that are closer than this tell no share.
const TOO_SOON: Duration = Duration::from_millis(500);
/// So many children of a process are told.
const MOST_CHILDREN: usize = 64;

fn every(how: Sampling) -> Option<Duration> {
    match how {
        Sampling::Off => None,
        Sampling::Seldom => Some(Duration::from_secs(5)),
        Sampling::Often => Some(Duration::from_secs(2)),
    }
}

impl App {
    pub(super) fn sample(&self, how: Sampling) {
        let mut running = self.usage.running();
        if running.how == how {
            return;
        }
        if let Some(id) = running.timer.take() {
            self.timer.cancel(id);
        }
        running.how = how;
        if let Some(every) = every(how) {
            let (pool, me) = (self.pool.clone(), self.me.clone());
            let look = move || {
                let me = me.clone();
                // A look that the pool refuses is a look that is not shown.
                let _ = pool.spawn(Priority::Low, move || me.upgrade().into_iter().for_each(|app| app.look_at_usage()));
            };
            look();
            running.timer = Some(self.timer.every(every, look));
        }
    }

    fn look_at_usage(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let root = |process: Process| {
            let alive = now.saturating_sub(Duration::from_millis(process.started_ms));
            Some(Root { id: process.id, pid: process.pid?, alive })
        };
        let roots: Vec<Root> = self.manager.get_all_processes().into_iter().filter_map(root).collect();
        let total = self.usage.look(&roots);
        let mut running = self.usage.running();
        let news = running.told.replace(total) != Some(total);
        if news || running.how == Sampling::Often {
            self.changes.bump(Thing::Processes);
        }
    }
}

/// The last look at each process.
#[derive(Default)]
pub(crate) struct UsageSampler {
    running: Mutex<Running>,
    seen: Mutex<HashMap<ProcessId, Seen>>,
}

/// How it is looked now.
#[derive(Default)]
struct Running {
    how: Sampling,
    timer: Option<TimerId>,
    told: Option<Total>,
}

/// What all use, in steps that can be seen: percent of a core, MiB.
type Total = (u64, u64);

/// What is looked at.
struct Root {
    id: ProcessId,
    pid: u32,
    /// How long it has run.
    alive: Duration,
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

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, roots: &[Root]) -> Total {
        let pids: Vec<u32> = roots.iter().map(|root| root.pid).collect();
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
        for (root, (tree, commands)) in roots.iter().zip(trees).filter(|(_, (tree, _))| !tree.is_empty()) {
            let before = seen.get(&root.id);
            let kept = before.filter(|seen| now.saturating_duration_since(seen.at) < TOO_SOON);
            next.insert(
                root.id,
                kept.cloned().unwrap_or_else(|| Seen::new(before, &tree, commands, (now, root.alive))),
            );
        }
        *seen = next;
        let cpu: f32 = seen.values().map(|seen| seen.usage.cpu_percent).sum();
        (cpu.round() as u64, seen.values().map(|seen| seen.usage.rss_bytes).sum::<u64>() >> 20)
    }
}

impl Seen {
    /// The first look at a tree tells its share of the time that it has been `alive`.
    fn new(before: Option<&Seen>, tree: &[Member], commands: Vec<String>, (at, alive): (Instant, Duration)) -> Seen {
        let since = before.map_or(alive, |before| at.saturating_duration_since(before.at)).max(TOO_SOON);
        // Of a process that was not there before, all that it used was used since then.
        let share = |member: &Member| {
            let known = before.and_then(|before| before.cpu.get(&member.pid)).copied().unwrap_or_default();
            member.cpu.saturating_sub(known).as_secs_f32() / since.as_secs_f32() * 100.0
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
        let first = Seen::new(
            None,
            &[member(1, 0, 100), member(2, 1, 9000)],
            vec!["old".into()],
            (begin, Duration::from_secs(10)),
        );
        assert_eq!((first.usage.cpu_percent.round(), first.usage.rss_bytes, first.usage.processes), (91.0, 20, 2));
        let tree = [member(1, 0, 300), member(3, 1, 1000)];
        let second = Seen::new(
            Some(&first),
            &tree,
            vec!["new".into()],
            (begin + Duration::from_secs(2), Duration::from_secs(12)),
        );
        assert_eq!(second.usage.cpu_percent.round(), 60.0);
        assert_eq!((second.children.len(), &*second.children[0].command), (1, "new"));
        assert_eq!(second.children[0].cpu_percent.round(), 50.0);
    }
}
