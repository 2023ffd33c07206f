//! Which processes belong to what was started here, and how a signal reaches exactly those.
//!
//! A child is started as the leader of a session of its own, with a word in its environment that nobody else has
//! (`BRUMMER_PROCESS=…`). A process belongs to that child when it is the child itself, or in its session, or carries the
//! word, or descends from one that does. So a descendant that left its group, made its own session or lost its parent is
//! found as well. Where the system lets a process adopt orphans, only descendants of this process are looked at, which
//! makes it impossible to hit a stranger who got an old number.

use super::platform::{self, Entry};
use std::collections::{HashMap, HashSet};
use std::io;

/// The variable that says which process of which Brummer a descendant belongs to.
pub(crate) const MARK: &str = "BRUMMER_PROCESS";

/// The word of those that are let go on purpose (a browser that was opened): they belong to nobody and are never ended.
pub(crate) const RELEASED: &str = "BRUMMER_PROCESS=released";

/// All processes at one moment.
#[derive(Debug)]
pub struct Snapshot {
    entries: Vec<Entry>,
    children: HashMap<i32, Vec<usize>>,
    /// Indices of those that can be ours at all.
    universe: Vec<usize>,
    me: i32,
}

/// What a tree is recognised by.
#[derive(Clone, Debug)]
pub struct Root {
    /// The child's pid, which is also its session's number.
    pub(crate) pid: i32,
    /// When it started, to tell it from a later bearer of its number.
    pub(crate) started: u64,
    /// `BRUMMER_PROCESS=…`, as it stands in the environment.
    pub(crate) word: String,
}

/// A living process that belongs to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub pid: i32,
    /// Its process group.
    pub(crate) group: i32,
    started: u64,
}

impl Member {
    /// Sends a signal to it, and never to another process. `ESRCH` when it is gone.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        platform::signal(self.pid, self.started, number)
    }

    /// `pid (command line)`, for messages.
    pub fn describe(&self) -> String {
        format!("{} ({})", self.pid, platform::describe(self.pid, 80))
    }
}

impl Snapshot {
    /// Looks at the machine: some microseconds for each process on it.
    pub fn take() -> Snapshot {
        let entries = platform::processes();
        let mut children: HashMap<i32, Vec<usize>> = HashMap::new();
        for (index, entry) in entries.iter().enumerate() {
            children.entry(entry.parent).or_default().push(index);
        }
        let me = std::process::id() as i32;
        let mut snapshot = Snapshot { entries, children, universe: Vec::new(), me };
        snapshot.universe = if cfg!(target_os = "linux") {
            snapshot.descendants([me])
        } else {
            (0..snapshot.entries.len()).filter(|&i| snapshot.entries[i].pid != me).collect()
        };
        snapshot
    }

    /// Indices of everything below the given processes, those themselves not included.
    fn descendants(&self, roots: impl IntoIterator<Item = i32>) -> Vec<usize> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut queue: Vec<i32> = roots.into_iter().collect();
        while let Some(pid) = queue.pop() {
            for &index in self.children.get(&pid).map_or(&[][..], Vec::as_slice) {
                if seen.insert(index) {
                    found.push(index);
                    queue.push(self.entries[index].pid);
                }
            }
        }
        found
    }

    /// The living processes of one tree.
    pub fn members(&self, root: &Root) -> Vec<Member> {
        let belongs = |entry: &Entry| {
            let itself = entry.pid == root.pid && entry.started == root.started;
            let after = entry.started >= root.started && entry.pid != self.me;
            itself || after && (entry.session == root.pid || platform::has_word(entry.pid, root.word.as_bytes()))
        };
        let heads = self.universe.iter().copied().filter(|&index| belongs(&self.entries[index]));
        self.with_descendants(heads.collect())
    }

    /// The living processes that carry the word, and all below them.
    pub(crate) fn carriers(&self, word: &str) -> Vec<Member> {
        let carries = |&index: &usize| platform::has_word(self.entries[index].pid, word.as_bytes());
        self.with_descendants(self.universe.iter().copied().filter(carries).collect())
    }

    /// Every living process below this one, but those that were let go. Empty where orphans cannot be adopted.
    pub fn all_below(&self) -> Vec<Member> {
        self.living(self.descendants([self.me]))
    }

    fn with_descendants(&self, heads: Vec<usize>) -> Vec<Member> {
        let mut all: HashSet<usize> =
            self.descendants(heads.iter().map(|&i| self.entries[i].pid)).into_iter().collect();
        all.extend(heads);
        self.living(all)
    }

    fn living(&self, indices: impl IntoIterator<Item = usize>) -> Vec<Member> {
        let entries = indices.into_iter().map(|index| &self.entries[index]).filter(|entry| !entry.zombie);
        let kept = entries.filter(|entry| !platform::has_word(entry.pid, RELEASED.as_bytes()));
        kept.map(|entry| Member { pid: entry.pid, group: entry.group, started: entry.started }).collect()
    }

    /// Pids of children of this process that have ended and belong to no session of its own: orphans it has adopted.
    pub(crate) fn adopted_zombies(&self) -> Vec<i32> {
        let own = self.entries.iter().find(|entry| entry.pid == self.me).map_or(0, |entry| entry.session);
        let children = self.children.get(&self.me).map_or(&[][..], Vec::as_slice).iter();
        let zombies = children.map(|&i| &self.entries[i]).filter(|entry| entry.zombie && entry.session != own);
        zombies.map(|entry| entry.pid).collect()
    }
}

/// Sends a signal to a whole tree, once to each. While the child was not reaped (`leads`) its group's number is its own
/// and the group is signalled as one, which also reaches what is forked meanwhile.
fn signal_tree(root: &Root, members: &[Member], leads: bool, number: i32) {
    if leads {
        // SAFETY: killpg takes two integers; the child leads the group and was not reaped, so the number is its own.
        unsafe { libc::killpg(root.pid, number) };
    }
    for member in members.iter().filter(|member| !leads || member.group != root.pid) {
        // One that is gone already is what is wanted; one that refuses is found by the next look.
        let _ = member.signal(number);
    }
}

/// Asks a whole tree to end; what is stopped is continued, or it could not hear.
pub(crate) fn ask_tree(root: &Root, members: &[Member], leads: bool) {
    signal_tree(root, members, leads, libc::SIGTERM);
    signal_tree(root, members, leads, libc::SIGCONT);
}

/// Kills a whole tree.
pub(crate) fn kill_tree(root: &Root, members: &[Member], leads: bool) {
    signal_tree(root, members, leads, libc::SIGKILL);
}

/// Looks of [`kill_all`] that a busy machine cannot take away, however late they come: who was forked while the one before
/// was on its way is found by the next.
const LOOKS_MIN: u32 = 10;

/// Kills until a look finds nobody; what still lives at the end is returned.
pub(crate) fn kill_all(mut find: impl FnMut(&Snapshot) -> Vec<Member>, until: std::time::Instant) -> Vec<Member> {
    let mut pause = std::time::Duration::from_micros(500);
    let mut looks = 0;
    loop {
        looks += 1;
        let living = find(&Snapshot::take());
        for member in &living {
            // One that is gone already is what is wanted; one that refuses is reported by the caller.
            let _ = member.signal(libc::SIGKILL);
        }
        if living.is_empty() || looks >= LOOKS_MIN && std::time::Instant::now() >= until {
            return living;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(std::time::Duration::from_millis(20));
    }
}
