//! What the benches share: rounds and medians, and a report of target, measured, ratio, pass or miss.

#![allow(clippy::print_stdout, reason = "a report is printed")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Which way a figure is good.
#[derive(Clone, Copy, PartialEq)]
pub enum Better {
    /// Throughput.
    Higher,
    /// Time and space.
    Lower,
}

/// One line of the report.
pub struct Row {
    question: String,
    unit: &'static str,
    better: Better,
    floor: Option<f64>,
    target: Option<f64>,
    measured: f64,
    peers: Vec<(&'static str, f64)>,
}

impl Row {
    /// A figure where more is better.
    pub fn higher(question: impl Into<String>, unit: &'static str, measured: f64) -> Row {
        Row::new(question.into(), unit, Better::Higher, measured)
    }

    /// A figure where less is better.
    pub fn lower(question: impl Into<String>, unit: &'static str, measured: f64) -> Row {
        Row::new(question.into(), unit, Better::Lower, measured)
    }

    fn new(question: String, unit: &'static str, better: Better, measured: f64) -> Row {
        Row { question, unit, better, floor: None, target: None, measured, peers: Vec::new() }
    }

    /// What is to be reached; missing it is said.
    #[must_use]
    pub fn target(mut self, target: f64) -> Row {
        self.target = Some(target);
        self
    }

    /// The least that is acceptable; missing it makes the harness fail.
    #[must_use]
    pub fn floor(mut self, floor: f64) -> Row {
        self.floor = Some(floor);
        self
    }

    /// What a named peer reached in the same run.
    #[must_use]
    pub fn peer(mut self, name: &'static str, measured: f64) -> Row {
        self.peers.push((name, measured));
        self
    }

    fn meets(&self, bound: Option<f64>) -> bool {
        bound.is_none_or(|bound| match self.better {
            Better::Higher => self.measured >= bound,
            Better::Lower => self.measured <= bound,
        })
    }

    /// Measured over target, so that more than 1 is good.
    fn ratio(&self, other: f64) -> f64 {
        match self.better {
            Better::Higher => self.measured / other,
            Better::Lower => other / self.measured,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.meets(self.floor), self.meets(self.target)) {
            (false, _) => "FAIL",
            (true, false) => "miss",
            (true, true) if self.target.is_some() || self.floor.is_some() => "pass",
            (true, true) => "",
        }
    }
}

/// The rows so far, printed as they come.
#[derive(Default)]
pub struct Report {
    failed: bool,
    missed: u32,
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v.is_nan() => "1.00".into(),
        v if v >= 1e6 => "∞".into(),
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

impl Report {
    /// An empty report, with its heading printed.
    pub fn new() -> Report {
        println!(
            "{:<64} {:>10} {:>10} {:>10} {:>6}  {:<5} peers (ratio: how many times better we are)",
            "question", "floor", "target", "measured", "ratio", ""
        );
        Report::default()
    }

    /// Prints a heading.
    pub fn section(&self, title: &str) {
        println!("\n{title}");
    }

    /// Prints a row and remembers its verdict.
    pub fn row(&mut self, row: &Row) {
        let mut peers = String::new();
        for (name, measured) in &row.peers {
            let _ = write!(peers, "{name} {} ({}×)  ", number(*measured), number(row.ratio(*measured)));
        }
        let shown = |bound: Option<f64>| bound.map_or("–".to_string(), number);
        let ratio = row.target.map_or("–".to_string(), |target| number(row.ratio(target)));
        println!(
            "{:<64} {:>10} {:>10} {:>10} {:>6}  {:<5} {}",
            format!("  {} [{}]", row.question, row.unit),
            shown(row.floor),
            shown(row.target),
            number(row.measured),
            ratio,
            row.verdict(),
            peers.trim_end()
        );
        self.failed |= row.verdict() == "FAIL";
        self.missed += u32::from(row.verdict() == "miss");
    }

    /// Says a line that is no figure.
    pub fn note(&self, text: &str) {
        println!("  {text}");
    }

    /// Prints the sum and answers the exit code: 1 if a floor was missed.
    pub fn finish(self) -> i32 {
        let floor = if self.failed { "a floor was missed" } else { "every floor was reached" };
        println!("\n{floor}; {} targets were missed", self.missed);
        i32::from(self.failed)
    }
}

/// How often and how long to measure.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Rounds, of which the median counts.
    pub rounds: usize,
    /// What the sizes are divided by.
    pub divide: usize,
}

impl Effort {
    /// Everything, or what a short run can do.
    pub fn new(short: bool) -> Effort {
        if short { Effort { rounds: 1, divide: 10 } } else { Effort { rounds: 5, divide: 1 } }
    }

    /// The median of the rounds.
    pub fn median(&self, mut round: impl FnMut() -> f64) -> f64 {
        median((0..self.rounds).map(|_| round()).collect())
    }

    /// A size, made smaller in a short run.
    pub fn size(&self, full: usize) -> usize {
        (full / self.divide).max(1)
    }
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The value below which `percent` of the sorted values lie.
pub fn percentile(sorted: &[u64], percent: f64) -> u64 {
    let index = (sorted.len() as f64 * percent / 100.0) as usize;
    sorted[index.min(sorted.len() - 1)]
}

/// How long `work` took.
pub fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Millions a second.
pub fn million_per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64() / 1e6
}

/// A line of `length` bytes, different for each `number`, as a server would log it.
pub fn log_line(number: usize, length: usize) -> Vec<u8> {
    let mut line = format!("GET /assets/chunk-{number:08}.js 200 in {}ms ", number % 97).into_bytes();
    line.extend((line.len()..length).map(|i| b'a' + ((i * 7 + number) % 26) as u8));
    line.truncate(length);
    line
}

/// Resident memory of a process in bytes, from `/proc`; 0 where there is none.
pub fn rss_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// CPU seconds that a process and its threads have used so far.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Threads of a process.
pub fn threads(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}
