//! What processes use: CPU time and memory of whole trees, and the memory of this process itself.

use std::collections::HashMap;
use std::time::Duration;

use super::platform;

/// No tree is looked at further down.
const DEEPEST: u32 = 64;

/// What one process tree has used so far, and holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeUsage {
    /// CPU time of its living processes since each began.
    pub cpu: Duration,
    /// Resident memory, pages that are shared counted for each.
    pub rss_bytes: u64,
    /// Living processes in it.
    pub processes: u32,
}

/// One living process of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub pid: u32,
    /// Generations below the root.
    pub depth: u32,
    /// CPU time since it began.
    pub cpu: Duration,
    /// Resident memory, pages that are shared counted for each.
    pub rss_bytes: u64,
}

/// The living processes of the trees below these, those themselves included and first, each before those below it; none
/// for one that is gone. Costs some microseconds for each process of the machine, so it belongs on the pool.
pub fn members_of_trees(roots: &[u32]) -> Vec<Vec<Member>> {
    let children = children();
    roots.iter().map(|root| i32::try_from(*root).map_or(Vec::new(), |root| of_tree(root, &children))).collect()
}

/// The same, summed up for each; `None` for one that is gone.
pub fn of_trees(roots: &[u32]) -> Vec<Option<TreeUsage>> {
    let sum = |members: Vec<Member>| {
        let processes = u32::try_from(members.len()).ok().filter(|number| *number > 0)?;
        let (cpu, rss_bytes) = (members.iter().map(|m| m.cpu).sum(), members.iter().map(|m| m.rss_bytes).sum());
        Some(TreeUsage { cpu, rss_bytes, processes })
    };
    members_of_trees(roots).into_iter().map(sum).collect()
}

/// The CPU time that the calling thread has had.
pub fn of_this_thread() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // Neither is ever negative.
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The command line of a process, at most 500 characters of it; the name of its program where it has none.
pub fn command(pid: u32) -> String {
    let Ok(pid) = i32::try_from(pid) else { return String::new() };
    let line = platform::describe(pid, 500);
    if line.is_empty() { platform::name(pid).unwrap_or_default() } else { line }
}

/// The ports on which each of these trees listens for TCP, in order; empty where the system does not tell.
/// Costs as much as [`of_trees`] and some microseconds more for each open file of the trees.
pub fn ports_of_trees(roots: &[u32]) -> Vec<Vec<u16>> {
    let listening = if platform::KNOWS_SOCKETS { platform::listening() } else { Vec::new() };
    if listening.is_empty() {
        return vec![Vec::new(); roots.len()];
    }
    let sockets: Vec<u64> = listening.iter().map(|(socket, _)| *socket).collect();
    let children = children();
    let ports = |root: &u32| {
        let mut ports = Vec::new();
        for (pid, _) in tree(i32::try_from(*root).unwrap_or(0), &children) {
            let held = platform::sockets_of(pid, &sockets);
            ports.extend(listening.iter().filter(|(socket, _)| held.contains(socket)).map(|(_, port)| *port));
        }
        ports.sort_unstable();
        ports.dedup();
        ports
    };
    roots.iter().map(ports).collect()
}

fn children() -> HashMap<i32, Vec<i32>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in platform::processes().into_iter().filter(|entry| !entry.zombie) {
        children.entry(entry.parent).or_default().push(entry.pid);
    }
    for siblings in children.values_mut() {
        siblings.sort_unstable();
    }
    children
}

/// A process and all below it with their depth, each before those below it.
fn tree(root: i32, children: &HashMap<i32, Vec<i32>>) -> Vec<(i32, u32)> {
    let (mut found, mut left) = (Vec::new(), vec![(root, 0)]);
    while let Some((pid, depth)) = left.pop() {
        found.push((pid, depth));
        // The table is not of one moment: a number that was given again could make a ring of it.
        let below = children.get(&pid).into_iter().flatten().rev().filter(|_| depth < DEEPEST);
        left.extend(below.map(|pid| (*pid, depth + 1)));
    }
    found
}

fn of_tree(root: i32, children: &HashMap<i32, Vec<i32>>) -> Vec<Member> {
    let member = |(pid, depth): (i32, u32)| {
        let (cpu, rss_bytes) = platform::usage(pid)?;
        Some(Member { pid: u32::try_from(pid).ok()?, depth, cpu, rss_bytes })
    };
    tree(root, children).into_iter().filter_map(member).collect()
}

/// Resident memory of this process; 0 where it cannot be told.
pub fn own_rss_bytes() -> u64 {
    platform::usage(std::process::id() as i32).map_or(0, |(_, rss_bytes)| rss_bytes)
}

/// Unmaps the code that was run so far: that of the start, which is not run again, stays away, the rest comes back when it is
/// run, some pages at a time and in well under a millisecond. Nothing is read from the disk for it as long as memory is not short.
pub(crate) fn release_code() {
    platform::release_code();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_this_process_and_its_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep is everywhere");
        let sums = of_trees(&[std::process::id(), child.id(), u32::MAX >> 1]);
        let trees = members_of_trees(&[std::process::id(), child.id(), u32::MAX >> 1]);
        let command = command(child.id());
        child.kill().expect("it lives");
        child.wait().expect("it is ours");
        let below = trees[0].iter().find(|member| member.pid == child.id()).expect("it lived");
        assert_eq!((trees[0][0].pid, trees[0][0].depth, below.depth), (std::process::id(), 0, 1));
        assert_eq!((trees[1].len(), trees[1][0].pid, trees[2].len()), (1, child.id(), 0));
        let (own, one) = (sums[0].expect("this lives"), sums[1].expect("that lived"));
        assert!(own.processes >= 2 && own.rss_bytes > one.rss_bytes && one.rss_bytes > 0);
        assert_eq!((one.processes, sums[2]), (1, None));
        assert!(command.ends_with("sleep 60"), "{command}");
        assert!(own_rss_bytes() > 0);
    }

    #[test]
    fn a_tree_is_told_from_the_root_down_and_a_ring_has_an_end() {
        let children = HashMap::from([(1, vec![2, 4]), (2, vec![3]), (7, vec![8]), (8, vec![7])]);
        assert_eq!(tree(1, &children), [(1, 0), (2, 1), (3, 2), (4, 1)]);
        assert_eq!(tree(7, &children).len(), DEEPEST as usize + 1);
    }

    #[test]
    fn the_ports_of_a_tree_are_those_that_it_listens_on() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let ports = ports_of_trees(&[std::process::id(), u32::MAX >> 1]);
        assert_eq!((ports[0].contains(&port), ports[1].len()), (platform::KNOWS_SOCKETS, 0));
    }
}
