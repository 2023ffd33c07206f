//! The whole program as its user meets it: start, idle, a flooding child, ten talking children, keys under load.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use brummer_benches::{Effort, Report, Row, cpu_seconds, median, million_per_second, rss_bytes, threads};

use crate::reach;
use crate::screen::{Screen, open_pty};

const MIB: f64 = 1024.0 * 1024.0;
/// Turns of the flood through a pipe: it takes a tenth of a second, so that any other thread's turn shows.
const PIPE_ROUNDS: usize = 15;

/// What this program does when it plays a child: `--child flood LINES BLOCK FILE`, `--child paced SECONDS`,
/// `--child pour`, `--child twice LINES FILE`.
pub fn child(words: &[String]) {
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["flood", lines, block, done] => {
            let number = |text: &str| text.parse().expect("a number");
            flood_child(number(lines), number(block), Path::new(done))
        }
        ["paced", seconds] => paced_child(seconds.parse().expect("a number")),
        ["pour"] => reach::pour(),
        ["twice", lines, file] => reach::twice(lines.parse().expect("a number"), Path::new(file)),
        _ => panic!("--child flood LINES BLOCK FILE | --child paced SECONDS | --child pour | --child twice LINES FILE"),
    }
}

/// Prints lines of 100 bytes as fast as it can in writes of about `block_bytes`, then writes how many nanoseconds that took
/// to a file.
fn flood_child(lines: usize, block_bytes: usize, done: &Path) {
    // Not `std::io::stdout`, which has a buffer of its own.
    let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned().expect("a descriptor is left"));
    let start = Instant::now();
    let mut block = Vec::with_capacity(block_bytes + 100);
    for number in 0..lines {
        block.extend_from_slice(format!("line {number:08} ").as_bytes());
        block.resize(block.len() + 85, b'x');
        block.push(b'\n');
        if block.len() + 100 > block_bytes {
            out.write_all(&block).expect("the reader is there");
            block.clear();
        }
    }
    out.write_all(&block).expect("the reader is there");
    out.flush().expect("the reader is there");
    std::fs::write(done, start.elapsed().as_nanos().to_string()).expect("the file can be written");
    // Stays, so that its end is not what is measured.
    std::thread::sleep(Duration::from_secs(600));
}

/// Prints 1,000 lines a second, one by one.
fn paced_child(seconds: u64) {
    let start = Instant::now();
    let mut out = std::io::stdout().lock();
    for number in 0..seconds * 1000 {
        let line = format!("line {number:08} {:x<85}\n", "");
        if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
            return;
        }
        let next = start + Duration::from_millis(number + 1);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

pub fn this_program() -> String {
    std::env::current_exe().expect("has a path").display().to_string()
}

/// The release build of the program, made now if it is not fresh.
pub fn brummer() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("below the workspace");
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", "brummer", "--bin", "brummer"])
        .current_dir(root)
        .status();
    assert!(status.expect("cargo runs").success(), "the program does not build");
    // target/release/deps/throughput-… → target/release/brummer
    let own = std::env::current_exe().expect("has a path");
    own.ancestors().nth(2).expect("in target/release/deps").join("brummer")
}

pub fn in_folder(program: &Path, dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).args(words).env("HOME", dir).env_remove("XDG_CONFIG_HOME").env_remove("NO_COLOR");
    command
}

pub fn wait_for_file(path: &Path, limit: Duration) -> Option<f64> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        let nanos = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<f64>().ok());
        if let Some(nanos) = nanos {
            return Some(nanos / 1e9);
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    None
}

/// How long the flooding child takes when its output is read and thrown away.
fn thrown_away(lines: usize, block: &str, dir: &Path, pty: bool) -> f64 {
    let done = dir.join("thrown");
    let _ = std::fs::remove_file(&done);
    let mut command = Command::new(this_program());
    command.args(["--child", "flood", &lines.to_string(), block, &done.display().to_string()]);
    // In a session of its own, as a child of Brummer's: the kernel may share the processors by session.
    // SAFETY: setsid is safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            Ok(())
        });
    }
    let (mut child, mut output): (_, File) = if pty {
        let (master, slave) = open_pty();
        without_processing(&slave);
        let child = command.stdout(Stdio::from(slave)).spawn().expect("starts");
        (child, File::from(master))
    } else {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("starts");
        let output = File::from(OwnedFd::from(child.stdout.take().expect("piped")));
        (child, output)
    };
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(1..) = output.read(&mut buffer) {}
    });
    let took = wait_for_file(&done, Duration::from_secs(60)).expect("the child finishes");
    let _ = child.kill();
    let _ = child.wait();
    drop(command);
    let _ = reader.join();
    took
}

fn without_processing(slave: &OwnedFd) {
    use std::os::fd::AsRawFd;
    // SAFETY: tcgetattr fills the struct, which tcsetattr reads; the descriptor is a terminal.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        libc::tcgetattr(slave.as_raw_fd(), &mut settings);
        settings.c_oflag &= !libc::OPOST;
        libc::tcsetattr(slave.as_raw_fd(), libc::TCSANOW, &settings);
    }
}

struct Flood {
    child_seconds: f64,
    behind_ms: f64,
    cpu_seconds: f64,
    rss_mib: f64,
}

fn flood(program: &Path, dir: &Path, lines: usize, block: &str, terminal: &str) -> Flood {
    let done = dir.join("done");
    let _ = std::fs::remove_file(&done);
    let (own, count, file) = (this_program(), lines.to_string(), done.display().to_string());
    let words = ["--terminal", terminal, "--", &own, "--child", "flood", &count, block, &file];
    let screen = Screen::start(in_folder(program, dir, &words));
    let child_seconds = wait_for_file(&done, Duration::from_secs(60)).expect("the child finishes");
    let finished = Instant::now();
    let last = format!("line {:08}", lines - 1);
    let shown = screen.wait(Duration::from_secs(20), |text| text.contains(&last));
    let behind_ms = shown.map_or(f64::INFINITY, |at| (at - finished).as_secs_f64() * 1e3);
    let pids = screen.pids();
    let result = Flood {
        child_seconds,
        behind_ms,
        cpu_seconds: pids.iter().take(2).map(|pid| cpu_seconds(*pid)).sum(),
        rss_mib: pids.iter().take(2).map(|pid| rss_bytes(*pid) as f64).sum::<f64>() / MIB,
    };
    screen.quit("\x03\x03", Duration::from_secs(10));
    result
}

/// Measures the whole program.
pub fn run(report: &mut Report, effort: Effort) {
    let program = brummer();
    let dir = std::env::temp_dir().join(format!("brummer-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a temporary folder");
    std::fs::write(dir.join("package.json"), r#"{"name":"bench","scripts":{"dev":"sleep 1000","test":"true"}}"#)
        .expect("can be written");
    start_and_idle(report, effort, &program, &dir);
    flooded(report, effort, &program, &dir);
    ten_floods(report, effort, &program, &dir);
    ten_children(report, effort, &program, &dir);
    let _ = std::fs::remove_dir_all(&dir);
}

fn start_and_idle(report: &mut Report, effort: Effort, program: &Path, dir: &Path) {
    report.section("the program: start and idle, 200 × 50");
    let first_frame = effort.median(|| {
        let screen = Screen::start(in_folder(program, dir, &[]));
        let seen = screen.wait(Duration::from_secs(10), |text| text.contains("dev"));
        let took = seen.map_or(f64::INFINITY, |at| (at - screen.started).as_secs_f64() * 1e3);
        screen.quit("q", Duration::from_secs(5));
        took
    });
    report.row(&Row::lower("start to first frame with the scripts in it", "ms", first_frame).target(15.0));
    let screen = Screen::start(in_folder(program, dir, &["--", "sleep", "1000"]));
    screen.wait(Duration::from_secs(10), |text| text.contains("sleep"));
    std::thread::sleep(Duration::from_millis(1500));
    let pids: Vec<u32> = screen.pids().into_iter().take(2).collect();
    let rss: f64 = pids.iter().map(|pid| rss_bytes(*pid) as f64).sum::<f64>() / MIB;
    report.row(
        &Row::lower("resident memory idle, the app", "MiB", rss_bytes(pids[pids.len() - 1]) as f64 / MIB).target(9.0),
    );
    report.row(&Row::lower("resident memory idle, guardian and app (shared pages twice)", "MiB", rss));
    report.row(&Row::lower("threads of the app", "", threads(pids[pids.len() - 1]) as f64).target(16.0));
    let seconds = if effort.rounds == 1 { 2 } else { 10 };
    let turns =
        60 - std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_secs()) % 60;
    if turns < seconds + 2 {
        // The header's clock says something else then, and that is drawn.
        std::thread::sleep(Duration::from_secs(turns + 1));
    }
    let (bytes, cpu, wakes) = (screen.bytes(), all_cpu(&pids), all_switches(&pids));
    std::thread::sleep(Duration::from_secs(seconds));
    let per_second = |value: f64| value / seconds as f64;
    report.row(&Row::lower("CPU idle", "%", per_second(all_cpu(&pids) - cpu) * 100.0).target(0.1));
    report.row(
        &Row::lower("wake-ups idle, all threads", "/s", per_second((all_switches(&pids) - wakes) as f64)).target(4.0),
    );
    let drawn = (screen.bytes() - bytes) as f64;
    report.row(&Row::lower(format!("bytes drawn while idle for {seconds} s"), "", drawn).target(0.0));
    screen.quit("\x03\x03", Duration::from_secs(5));
}

fn all_cpu(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| cpu_seconds(*pid)).sum()
}

/// How often the threads of these processes went to sleep of their own accord.
fn all_switches(pids: &[u32]) -> u64 {
    let tasks =
        pids.iter().flat_map(|pid| std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten());
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok())
        .filter_map(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse::<u64>().ok()
        })
        .sum()
}

fn flooded(report: &mut Report, effort: Effort, program: &Path, dir: &Path) {
    let lines = effort.size(1_000_000);
    report.section(&format!("a child prints {lines} lines of 100 bytes, the screen open"));
    // As C's stdio does it: blocks of 4 KiB into a pipe, line by line onto a terminal. And the fastest that a child can do.
    for (name, terminal, pty, block, target) in [
        ("pipe, 4 KiB writes", "never", false, "4096", Some(1.3)),
        ("pty, a write a line", "always", true, "1", Some(1.3)),
        ("pipe, 64 KiB writes", "never", false, "65536", None),
        ("pty, 64 KiB writes", "always", true, "65536", None),
    ] {
        // Turn by turn, and each flood against the reader beside it: what else the machine does then meets both.
        let rounds = if pty || effort.rounds == 1 { effort.rounds } else { PIPE_ROUNDS };
        let turn = || (thrown_away(lines, block, dir, pty), flood(program, dir, lines, block, terminal));
        let turns: Vec<(f64, Flood)> = (0..rounds).map(|_| turn()).collect();
        let of = |f: fn(&Flood) -> f64| median(turns.iter().map(|(_, flood)| f(flood)).collect());
        let scale = lines as f64 / 1e6;
        let seconds = of(|f| f.child_seconds);
        let alone = median(turns.iter().map(|(alone, _)| *alone).collect());
        let ratio = median(turns.iter().map(|(alone, flood)| flood.child_seconds / alone).collect());
        let ratio = Row::lower(format!("{name}: child done, against a reader that throws away"), "×", ratio);
        report.row(&match target {
            Some(target) => ratio.target(target),
            None => ratio,
        });
        report.note(&format!("{name}: {seconds:.3} s, thrown away {alone:.3} s"));
        report.row(
            &Row::lower(format!("{name}: last line on the screen after that"), "ms", of(|f| f.behind_ms)).target(50.0),
        );
        report.row(&Row::lower(format!("{name}: CPU of brummer"), "s", of(|f| f.cpu_seconds)).target(0.6 * scale));
        report.row(&Row::lower(format!("{name}: resident memory after it"), "MiB", of(|f| f.rss_mib)));
    }
}

fn ten_floods(report: &mut Report, effort: Effort, program: &Path, dir: &Path) {
    let lines = effort.size(200_000);
    report.section(&format!("ten children print {lines} lines of 100 bytes each, all at once"));
    let done: Vec<PathBuf> = (0..10).map(|i| dir.join(format!("done{i}"))).collect();
    let entry = |(i, file): (usize, &PathBuf)| {
        let _ = std::fs::remove_file(file);
        let words = [&this_program(), "--child", "flood", &lines.to_string(), "4096", &file.display().to_string()];
        format!("[processes.p{i}]\ncommand = {words:?}\nterminal = false\n")
    };
    let entries: String = done.iter().enumerate().map(entry).collect();
    // Room for all of them, so that every line can be counted in the end.
    let room =
        "[log_store]\nmax_total_entries = 3_000_000\nmax_bytes = \"400MiB\"\n[resources]\nmemory_limit_mb = 2048\n";
    std::fs::write(dir.join(".brum.toml"), format!("{room}{entries}")).expect("can be written");
    let names: Vec<String> = (0..10).map(|i| format!("p{i}")).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let screen = Screen::start(in_folder(program, dir, &words));
    for file in &done {
        wait_for_file(file, Duration::from_secs(120)).expect("every child finishes");
    }
    let total = format!("{} lines", thousands(lines as u64 * 10));
    let counted = screen.wait(Duration::from_secs(30), |text| text.contains(&total));
    let took = screen.started.elapsed();
    let app = *screen.pids().last().expect("it runs");
    report.row(
        &Row::higher("lines through the whole program", "M lines/s", million_per_second(lines * 10, took)).floor(0.001),
    );
    report.row(
        &Row::lower("lines that the screen does not count in the end", "", f64::from(u8::from(counted.is_none())))
            .target(0.0),
    );
    report.row(&Row::lower("resident memory of the app then", "MiB", rss_bytes(app) as f64 / MIB));
    report.row(&Row::lower("threads of the app then", "", threads(app) as f64).target(16.0));
    screen.quit("\x03\x03", Duration::from_secs(10));
    let _ = std::fs::remove_file(dir.join(".brum.toml"));
}

fn ten_children(report: &mut Report, effort: Effort, program: &Path, dir: &Path) {
    report.section("ten children of 1,000 lines a second each, the screen following");
    let seconds = if effort.rounds == 1 { 6 } else { 20 };
    let mut settings = String::new();
    for i in 0..10 {
        settings +=
            &format!("[processes.p{i}]\ncommand = [{:?}, \"--child\", \"paced\", \"{seconds}\"]\n", this_program());
    }
    std::fs::write(dir.join(".brum.toml"), settings).expect("can be written");
    let names: Vec<String> = (0..10).map(|i| format!("p{i}")).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut screen = Screen::start(in_folder(program, dir, &words));
    screen.wait(Duration::from_secs(10), |text| text.contains("line 000"));
    std::thread::sleep(Duration::from_secs(1));
    let pids: Vec<u32> = screen.pids().into_iter().take(2).collect();
    let (cpu, start) = (all_cpu(&pids), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds / 3));
    let percent = (all_cpu(&pids) - cpu) / start.elapsed().as_secs_f64() * 100.0;
    report.row(&Row::lower("CPU of brummer", "% of a core", percent).target(5.0));
    let latencies = key_to_screen(&mut screen, if effort.rounds == 1 { 10 } else { 40 });
    report.row(&Row::lower("key to screen, median", "ms", median(latencies.clone())).target(10.0));
    report.row(&Row::lower("key to screen, 95 %", "ms", within_95_percent(latencies)).target(30.0));
    let total = format!("{} lines", thousands(seconds * 10_000));
    screen.press("3");
    let shown = screen.wait(Duration::from_secs(seconds + 10), |text| text.contains(&total));
    report.row(
        &Row::lower("lines that the screen does not count in the end", "", f64::from(u8::from(shown.is_none())))
            .target(0.0),
    );
    if shown.is_none() {
        report.note(&screen.text());
    }
    screen.quit("\x03\x03", Duration::from_secs(10));
    let _ = std::fs::remove_file(dir.join(".brum.toml"));
}

/// Goes back and forth between two views; milliseconds until each is on the screen.
pub fn key_to_screen(screen: &mut Screen, rounds: usize) -> Vec<f64> {
    let mut latencies = Vec::new();
    for round in 0..rounds {
        let (key, sign) = if round % 2 == 0 { ("2", "STATUS") } else { ("3", "FOLLOW") };
        let pressed = Instant::now();
        screen.press(key);
        let seen = screen.wait(Duration::from_secs(2), |text| text.contains(sign));
        latencies.push(seen.map_or(f64::INFINITY, |at| (at - pressed).as_secs_f64() * 1e3));
        std::thread::sleep(Duration::from_millis(97));
    }
    latencies
}

/// What 95 % of these do not exceed.
pub fn within_95_percent(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() * 95).div_ceil(100) - 1]
}

pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
