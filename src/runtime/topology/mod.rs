//! What the machine lets this process have: the CPUs of its mask, the cgroup's quota, the NUMA node of each CPU.
//!
//! Read [`Topology::read`] first; `cgroup` and `cpulist` turn the kernel's texts into numbers.

mod cgroup;
mod cpulist;
mod pin;

use std::path::Path;

pub use pin::{current_cpu, pin_current_thread, unpin_current_thread};

/// The CPUs that this process may run on.
///
/// - **Thread safety**: plain data. **Progress**: reading it makes a handful of system calls. **Waits**: none. **Cleanup**: none.
///
/// ```
/// let machine = brummer::runtime::topology::Topology::read();
/// assert!(machine.cores() >= 1 && machine.cores() <= machine.cpus().len());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    cpus: Vec<usize>,
    nodes: Vec<usize>,
    quota: Option<f64>,
}

impl Topology {
    /// Asks the operating system. The mask is that of the process's first thread, so the answer does not change when the
    /// caller is pinned; on a system that does not tell, it is `available_parallelism` CPUs from 0 on, all on one node.
    pub fn read() -> Topology {
        let cpus = allowed_cpus().unwrap_or_else(|| {
            let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            (0..count).collect()
        });
        let nodes = node_of_cpus(&cpus, Path::new("/sys/devices/system/node"));
        Topology { cpus, nodes, quota: cgroup::quota(Path::new("/")) }
    }

    /// A machine that was described instead of read, for tests and simulations: `cpus` all on node 0.
    pub fn described(cpus: Vec<usize>, quota: Option<f64>) -> Topology {
        let nodes = vec![0; cpus.len()];
        Topology { cpus, nodes, quota }
    }

    /// The same machine with its CPUs on these NUMA nodes.
    #[cfg(test)]
    pub(crate) fn on_nodes(self, nodes: Vec<usize>) -> Topology {
        Topology { nodes, ..self }
    }

    /// The ids of the CPUs in the affinity mask, ascending. They need not begin at 0 nor be without holes.
    pub fn cpus(&self) -> &[usize] {
        &self.cpus
    }

    /// The CPU time per second that the cgroup allows, in CPUs, where it is limited.
    pub fn quota(&self) -> Option<f64> {
        self.quota
    }

    /// The NUMA node of the CPU at `index` of [`Topology::cpus`].
    pub fn node(&self, index: usize) -> usize {
        self.nodes.get(index).copied().unwrap_or(0)
    }

    /// How many CPUs can be kept busy: those of the mask, or fewer if the quota allows fewer (rounded up, at least one).
    pub fn cores(&self) -> usize {
        let cpus = self.cpus.len().max(1);
        self.quota.map_or(cpus, |quota| cpus.min((quota.ceil() as usize).max(1)))
    }

    /// The number of workers for a pool here: `max(4, min(2.5 × cores, 32))`.
    pub fn workers(&self) -> usize {
        (self.cores() * 5 / 2).clamp(4, 32)
    }
}

fn allowed_cpus() -> Option<Vec<usize>> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    cpulist::parse(list).filter(|cpus| !cpus.is_empty())
}

fn node_of_cpus(cpus: &[usize], directory: &Path) -> Vec<usize> {
    let mut nodes = vec![0; cpus.len()];
    let Ok(entries) = std::fs::read_dir(directory) else { return nodes };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(node) = name.to_str().and_then(|n| n.strip_prefix("node")?.parse().ok()) else { continue };
        let Ok(text) = std::fs::read_to_string(entry.path().join("cpulist")) else { continue };
        for cpu in cpulist::parse(&text).unwrap_or_default() {
            if let Ok(index) = cpus.binary_search(&cpu) {
                nodes[index] = node;
            }
        }
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eb12_the_number_of_workers_follows_the_formula() {
        let workers = |cpus: usize, quota| Topology::described((0..cpus).collect(), quota).workers();
        assert_eq!([1, 2, 3, 4, 8, 12, 13, 64].map(|n| workers(n, None)), [4, 5, 7, 10, 20, 30, 32, 32]);
        assert_eq!(workers(64, Some(1.5)), 5, "a quota of 1.5 CPUs counts as two");
        assert_eq!(workers(2, Some(50.0)), 5, "the mask is the smaller one");
    }

    #[test]
    fn eb12_the_mask_of_this_process_is_read_whatever_thread_asks() {
        let here = Topology::read();
        assert!(!here.cpus().is_empty());
        let there = std::thread::spawn(move || {
            pin_current_thread(Topology::read().cpus()[0]);
            Topology::read()
        });
        assert_eq!(there.join().unwrap(), here);
    }

    #[test]
    fn nodes_come_from_the_lists_of_cpus() {
        let root = tempfile::tempdir().unwrap();
        for (node, list) in [("node0", "0-1\n"), ("node1", "2,5-6\n"), ("power", "")] {
            std::fs::create_dir(root.path().join(node)).unwrap();
            std::fs::write(root.path().join(node).join("cpulist"), list).unwrap();
        }
        assert_eq!(node_of_cpus(&[1, 2, 6, 9], root.path()), [0, 1, 1, 0]);
    }
}
