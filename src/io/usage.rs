//! What processes use: CPU time and memory of whole trees, and the memory of this process itself.

use std::collections::HashMap;
use std::time::Duration;

use super::platform;

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

/// The use of the trees below these processes, those themselves included; `None` for one that is gone.
/// Costs some microseconds for each process of the machine, so it belongs on the pool.
pub fn of_trees(roots: &[u32]) -> Vec<Option<TreeUsage>> {
    let children = children();
    roots.iter().map(|root| of_tree(i32::try_from(*root).ok()?, &children)).collect()
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
        for pid in tree(i32::try_from(*root).unwrap_or(0), &children) {
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
    for entry in platform::processes() {
        children.entry(entry.parent).or_default().push(entry.pid);
    }
    children
}

/// A process and all below it.
fn tree(root: i32, children: &HashMap<i32, Vec<i32>>) -> Vec<i32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        found.extend(children.get(pid).into_iter().flatten());
        at += 1;
    }
    found
}

fn of_tree(root: i32, children: &HashMap<i32, Vec<i32>>) -> Option<TreeUsage> {
    let mut sum = TreeUsage::default();
    for (cpu, rss_bytes) in tree(root, children).into_iter().filter_map(platform::usage) {
        sum = TreeUsage { cpu: sum.cpu + cpu, rss_bytes: sum.rss_bytes + rss_bytes, processes: sum.processes + 1 };
    }
    (sum.processes > 0).then_some(sum)
}

/// Resident memory of this process; 0 where it cannot be told.
pub fn own_rss_bytes() -> u64 {
    platform::usage(std::process::id() as i32).map_or(0, |(_, rss_bytes)| rss_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_this_process_and_its_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep is everywhere");
        let usage = of_trees(&[std::process::id(), child.id(), u32::MAX >> 1]);
        child.kill().expect("it lives");
        child.wait().expect("it is ours");
        let (own, below) = (usage[0].expect("this lives"), usage[1].expect("that lived"));
        assert!(own.processes >= 2 && own.rss_bytes > below.rss_bytes && below.rss_bytes > 0);
        assert_eq!((below.processes, usage[2]), (1, None));
        assert!(own_rss_bytes() > 0);
    }

    #[test]
    fn the_ports_of_a_tree_are_those_that_it_listens_on() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let ports = ports_of_trees(&[std::process::id(), u32::MAX >> 1]);
        assert_eq!((ports[0].contains(&port), ports[1].len()), (platform::KNOWS_SOCKETS, 0));
    }
}
