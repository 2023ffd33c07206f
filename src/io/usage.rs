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
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in platform::processes() {
        children.entry(entry.parent).or_default().push(entry.pid);
    }
    roots.iter().map(|root| of_tree(i32::try_from(*root).ok()?, &children)).collect()
}

fn of_tree(root: i32, children: &HashMap<i32, Vec<i32>>) -> Option<TreeUsage> {
    let mut sum = TreeUsage::default();
    let mut queue = vec![root];
    while let Some(pid) = queue.pop() {
        if let Some((cpu, rss_bytes)) = platform::usage(pid) {
            sum = TreeUsage { cpu: sum.cpu + cpu, rss_bytes: sum.rss_bytes + rss_bytes, processes: sum.processes + 1 };
        }
        queue.extend(children.get(&pid).into_iter().flatten());
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
}
