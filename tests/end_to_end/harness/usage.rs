//! What a process takes of the machine: memory and descriptors, as Linux tells it.

/// A number of `/proc/PID/status`, in KiB: `VmRSS` for the memory now, `VmHWM` for the most of it so far. 0 where it is not known.
pub(crate) fn memory_kib(pid: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Open descriptors. 0 where it is not known.
pub(crate) fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}
