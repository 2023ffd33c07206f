//! Pins the calling thread to a CPU, lets it go again, and tells which CPU it runs on.

/// Pins the calling thread to `cpu`; false where the system refuses (a CPU outside of the cgroup's set) or knows no pinning.
///
/// A thread or a process that a pinned thread starts inherits the pin.
///
/// ```
/// use brummer::runtime::topology::{Topology, pin_current_thread};
///
/// std::thread::spawn(|| assert!(!cfg!(target_os = "linux") || pin_current_thread(Topology::read().cpus()[0])));
/// ```
pub fn pin_current_thread(cpu: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: cpu })
}

/// Lets the calling thread run on all of `cpus` again; false where that cannot be done.
///
/// ```
/// use brummer::runtime::topology::{Topology, unpin_current_thread};
///
/// assert_eq!(unpin_current_thread(Topology::read().cpus()), cfg!(target_os = "linux"));
/// ```
#[cfg(target_os = "linux")]
pub fn unpin_current_thread(cpus: &[usize]) -> bool {
    let mut set = rustix::thread::CpuSet::new();
    for &cpu in cpus.iter().filter(|cpu| **cpu < rustix::thread::CpuSet::MAX_CPU) {
        set.set(cpu);
    }
    rustix::thread::sched_setaffinity(None, &set).is_ok()
}

/// Lets the calling thread run on all CPUs again: there is no such call here.
#[cfg(not(target_os = "linux"))]
pub fn unpin_current_thread(_cpus: &[usize]) -> bool {
    false
}

/// The CPU that the calling thread runs on at this moment, where the system tells.
///
/// ```
/// let cpu = brummer::runtime::topology::current_cpu();
/// assert_eq!(cpu.is_some(), cfg!(target_os = "linux"));
/// ```
#[cfg(target_os = "linux")]
pub fn current_cpu() -> Option<usize> {
    Some(rustix::thread::sched_getcpu())
}

/// The CPU that the calling thread runs on: there is no such call here.
#[cfg(not(target_os = "linux"))]
pub fn current_cpu() -> Option<usize> {
    None
}
