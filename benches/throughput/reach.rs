//! How far the screen reaches: a million lines held and ten processes that write as fast as they can, at 200 × 50.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row, median, rss_bytes};

use crate::app::{brummer, in_folder, key_to_screen, this_program, wait_for_file, within_95_percent};
use crate::screen::Screen;

const CHILDREN: usize = 10;
/// One line of so many has the word that is looked for.
const NEEDLE_EVERY: usize = 5_000;
/// Hits that fill the screen.
const PAGE: usize = 40;
/// An hour of ten processes at 1,000 lines a second each.
const HOUR_LINES: usize = 36_000_000;

/// Plays a child: writes lines of 100 bytes in blocks of 4 KiB for ever.
pub fn pour() {
    let mut number = 0;
    while write_lines(number, 1_000).is_ok() {
        number += 1_000;
    }
}

/// Plays a child: writes so many lines, then the file; when there is `FILE.go`, as many again, then `FILE.done`.
pub fn twice(lines: usize, file: &Path) {
    let say = |path: &Path| std::fs::write(path, "0").expect("the file can be written");
    write_lines(0, lines).expect("the reader is there");
    say(file);
    while !file.with_extension("go").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    write_lines(lines, lines).expect("the reader is there");
    say(&file.with_extension("done"));
    std::thread::sleep(Duration::from_secs(600));
}

fn write_lines(from: usize, count: usize) -> std::io::Result<()> {
    // Not `std::io::stdout`, which has a buffer of its own.
    let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    let mut block = String::with_capacity(4096);
    for number in from..from + count {
        let word = if number.is_multiple_of(NEEDLE_EVERY) { "needle" } else { "straw" };
        let _ = writeln!(block, "line {number:08} {word:x<85}");
        if block.len() + 100 > 4096 {
            out.write_all(block.as_bytes())?;
            block.clear();
        }
    }
    out.write_all(block.as_bytes())
}

/// Measures what the screen does under the worst of loads.
pub fn run(report: &mut Report, effort: Effort) {
    let program = brummer();
    let dir = std::env::temp_dir().join(format!("brummer-reach-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary folder");
    flooded(report, effort, &program, &dir);
    an_hour(report, effort, &program, &dir);
    let _ = std::fs::remove_dir_all(&dir);
}

/// The program with ten children, each of which runs this one with these words.
fn start(program: &Path, dir: &Path, words: impl Fn(usize) -> Vec<String>) -> Screen {
    let held =
        "[log_store]\nmax_total_entries = 1_000_000\nmax_bytes = \"400MiB\"\n[resources]\nmemory_limit_mb = 2048\n";
    let mut settings = held.to_string();
    let names: Vec<String> = (0..CHILDREN).map(|i| format!("p{i}")).collect();
    for (i, name) in names.iter().enumerate() {
        let command = [vec![this_program(), "--child".into()], words(i)].concat();
        let _ = writeln!(settings, "[processes.{name}]\ncommand = {command:?}\nterminal = false");
    }
    std::fs::write(dir.join(".brum.toml"), settings).expect("can be written");
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Screen::start(in_folder(program, dir, &names))
}

fn flooded(report: &mut Report, effort: Effort, program: &Path, dir: &Path) {
    report.section("the screen, 200 × 50: a million lines held, ten processes that write as fast as they can");
    let mut screen = start(program, dir, |_| vec!["pour".into()]);
    // A little less than the limit: the oldest go in blocks.
    let full = |text: &str| held(text) >= 990_000;
    if screen.wait(Duration::from_secs(60), full).is_none() {
        report.note(&screen.text());
    }
    std::thread::sleep(Duration::from_secs(if effort.rounds == 1 { 2 } else { 10 }));
    let following = stats(&mut screen);
    report.row(&Row::lower("update and render, following, median", "ms", following.half).target(1.0));
    report.row(&Row::lower("update and render, following, 99 %", "ms", following.most).target(4.0));
    let latencies = key_to_screen(&mut screen, if effort.rounds == 1 { 10 } else { 60 });
    report.row(&Row::lower("key to screen, median", "ms", median(latencies.clone())));
    report.row(&Row::lower("key to screen, 95 %", "ms", within_95_percent(latencies)).target(30.0));
    let found: Vec<f64> = (0..if effort.rounds == 1 { 3 } else { 15 }).map(|_| find(&mut screen)).collect();
    report.row(&Row::lower("find of a literal, first page, median", "ms", median(found)).target(50.0));
    let all = stats(&mut screen);
    report.row(&Row::lower("update and render, all of this, 99 %", "ms", all.most).target(4.0));
    report.row(&Row::lower("update and render, all of this, 99 %, CPU time", "ms", all.work).target(4.0));
    report.row(&Row::lower("update and render, all of this, longest", "ms", all.longest).target(16.0));
    report.note(&all.text);
    if std::fs::read_to_string("/proc/sys/kernel/sched_autogroup_enabled").is_ok_and(|text| text.trim() == "1") {
        report.note(
            "outside of control groups this kernel gives each session the same share of the processors: ten to the",
        );
        report.note(
            "children, one to Brummer with all its threads (`sysctl kernel.sched_autogroup_enabled=0` ends that)",
        );
    }
    screen.quit("\x03\x03", Duration::from_secs(10));
}

/// The number of lines that the last row but one tells.
fn held(text: &str) -> usize {
    let before = text.split(" lines").find_map(|part| part.rsplit(' ').next()?.replace(',', "").parse().ok());
    before.unwrap_or(0)
}

/// Looks for the word and shows its lines alone; milliseconds until a page of them is on the screen.
fn find(screen: &mut Screen) -> f64 {
    const LIMIT: Duration = Duration::from_secs(2);
    screen.press("\x06");
    screen.wait(LIMIT, |text| text.contains("find:"));
    for _ in 0..2 {
        if !screen.text().contains("only matches") {
            screen.press("\t");
            screen.wait(Duration::from_millis(500), |text| text.contains("only matches"));
        }
    }
    let begin = Instant::now();
    // Pasted, so that it is one search.
    screen.press("\x1b[200~needle\x1b[201~");
    let full = |text: &str| text.lines().filter(|line| line.contains(" needlex")).count() >= PAGE;
    let took = screen.wait(LIMIT, full).map_or(f64::INFINITY, |at| (at - begin).as_secs_f64() * 1e3);
    screen.press("\x1b");
    screen.wait(LIMIT, |text| !text.contains("find:"));
    took
}

/// What `/stats` tells, in milliseconds.
struct Stats {
    half: f64,
    most: f64,
    longest: f64,
    work: f64,
    text: String,
}

fn stats(screen: &mut Screen) -> Stats {
    const SIGN: &str = " frames: half within ";
    // One that was told before goes first.
    screen.wait(Duration::from_secs(10), |text| !text.contains(SIGN));
    screen.press("/");
    screen.wait(Duration::from_secs(5), |text| text.contains("Enter run"));
    screen.press("stats\r");
    screen.wait(Duration::from_secs(5), |text| text.contains(SIGN));
    let text = screen.text();
    let line = text.lines().find(|line| line.contains(SIGN)).unwrap_or_default().trim().to_string();
    let after = |sign: &str| line.split_once(sign).map_or(f64::INFINITY, |(_, rest)| milliseconds(rest));
    let [half, most, longest, work] = ["half within ", "99 % ", "longest ", "CPU "].map(after);
    Stats { half, most, longest, work, text: line }
}

/// `1.2ms, …` as a number of milliseconds.
fn milliseconds(text: &str) -> f64 {
    let end = text.find([',', ';', ' ', ')']).unwrap_or(text.len());
    let scales = [("ms", 1.0), ("µs", 1e-3), ("ns", 1e-6), ("s", 1e3)];
    let read = |(unit, scale)| Some(text[..end].strip_suffix(unit)?.parse::<f64>().ok()? * scale);
    scales.into_iter().find_map(read).unwrap_or(f64::INFINITY)
}

fn an_hour(report: &mut Report, effort: Effort, program: &Path, dir: &Path) {
    let lines = effort.size(HOUR_LINES) / CHILDREN / 2;
    report.section(&format!(
        "{} lines in all, the newest million held",
        crate::app::thousands((lines * 2 * CHILDREN) as u64)
    ));
    let files: Vec<PathBuf> = (0..CHILDREN).map(|i| dir.join(format!("p{i}.half"))).collect();
    let screen = start(program, dir, |i| vec!["twice".into(), lines.to_string(), files[i].display().to_string()]);
    let resident = |end: &str| {
        for file in &files {
            wait_for_file(&file.with_extension(end), Duration::from_secs(180))
                .expect("every child writes all its lines");
        }
        // What is being let go of is gone.
        std::thread::sleep(Duration::from_secs(1));
        rss_bytes(*screen.pids().last().expect("it runs")) as f64
    };
    let half = resident("half");
    for file in &files {
        std::fs::write(file.with_extension("go"), "").expect("can be written");
    }
    let all = resident("done");
    report.row(&Row::lower("resident memory of the app after half of them", "MiB", half / 1024.0 / 1024.0));
    report.row(&Row::lower("resident memory after all, against that", "×", all / half).target(1.05));
    screen.quit("\x03\x03", Duration::from_secs(10));
}
