//! The processes of this machine: who carries a word in the environment, whose children there are, signals.

use std::process::Command;

pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

/// A process that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Living {
    pub(crate) pid: u32,
    pub(crate) command: String,
}

/// Sends a signal; a process that is gone already is fine.
pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, signal);
}

/// Everybody whose environment holds this word, zombies excepted.
#[cfg(target_os = "linux")]
pub(crate) fn carriers(word: &str) -> Vec<Living> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment.split(|byte| *byte == 0).find(|entry| *entry == word.as_bytes())?;
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        Some(Living { pid, command })
    })
    .collect()
}

/// Everybody whose environment holds this word.
#[cfg(not(target_os = "linux"))]
pub(crate) fn carriers(word: &str) -> Vec<Living> {
    let output = Command::new("ps").args(["-Eww", "-ax", "-o", "pid=,command="]).output().expect("ps");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = text.lines().filter(|line| line.split(' ').any(|part| part == word));
    let living = |line: &str| {
        let (pid, command) = line.trim_start().split_once(' ')?;
        Some(Living { pid: pid.parse().ok()?, command: command.to_owned() })
    };
    rows.filter_map(living).collect()
}

/// The children of a process.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pair = |line: &str| {
        let mut words = line.split_whitespace().map(|word| word.parse::<u32>().ok());
        words.next().flatten().zip(words.next().flatten())
    };
    text.lines().filter_map(pair).filter(|(_, parent)| *parent == pid).map(|(child, _)| child).collect()
}
