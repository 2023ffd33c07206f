//! Any one process of Brummer is killed, and nobody is left: run as a program of its own, which is also the program under test.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is a failed test")]

use brummer::event::{Ending, ProcessId, Stream};
use brummer::io::guardian;
use brummer::io::signals::Signal;
use brummer::process::{
    ManagerConfig, Notices, OutputSink, OutputSinks, Process, ProcessManager, ProcessSpec, Program, Terminal,
};
use brummer::runtime::context::Context;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Set for the program under test: how the app ends.
const ROLE: &str = "GUARDIAN_TEST_ROLE";

/// Every process of a test carries it in its environment.
const MARK: &str = "GUARDIAN_TEST_MARK";

/// What has to be gone is gone within two seconds; the rest is for a busy machine.
const GONE_WITHIN: Duration = Duration::from_secs(60);

type Test = (&'static str, fn());

const TESTS: &[Test] = &[
    ("pm06_a_killed_app_leaves_nobody", pm06_a_killed_app_leaves_nobody),
    ("pm06_a_killed_guardian_leaves_nobody", pm06_a_killed_guardian_leaves_nobody),
    ("pm06_a_signal_to_the_guardian_reaches_the_app", pm06_a_signal_to_the_guardian_reaches_the_app),
    ("pm06_a_hangup_ends_everybody", pm06_a_hangup_ends_everybody),
    ("the_exit_code_is_that_of_the_app", the_exit_code_is_that_of_the_app),
    ("pm06_what_the_app_leaves_at_its_end_is_ended", pm06_what_the_app_leaves_at_its_end_is_ended),
    ("what_was_let_go_stays", what_was_let_go_stays),
    ("pm06_orphans_are_reaped", pm06_orphans_are_reaped),
];

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        // First of all, before there is a thread.
        std::process::exit(guardian::run(move |guard| app(&role, guard), || {}));
    }
    let filter: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    println!("\nrunning guardian tests");
    for (name, test) in TESTS {
        if filter.is_empty() || filter.iter().any(|word| name.contains(word)) {
            test();
            println!("test {name} ... ok");
        }
    }
    println!();
}

struct Quiet;

impl OutputSink for Quiet {
    fn line(&mut self, _: Stream, text: &[u8], _: Ending) {
        println!("{}", String::from_utf8_lossy(text));
    }
    fn partial(&mut self, _: Stream, _: &[u8]) {}
    fn publish(&mut self) {}
}

impl OutputSinks for Quiet {
    fn open(&self, _: ProcessId, _: &str) -> Box<dyn OutputSink> {
        Box::new(Quiet)
    }
}

impl Notices for Quiet {
    fn changed(&self, _: &Process) {}
}

/// Plain, in a session of its own, double-forked, deaf to every request, on a terminal.
const CHILDREN: &[(&str, Terminal)] = &[
    ("echo up; exec sleep 2000", Terminal::Never),
    ("setsid sleep 2001 & echo up; sleep 2001", Terminal::Never),
    ("(setsid sh -c 'sleep 2002 & sleep 2002' &); echo up; exec sleep 2002", Terminal::Never),
    ("trap '' HUP TERM INT; sh -c 'trap \"\" HUP TERM INT; echo up; while :; do sleep 1; done'", Terminal::Never),
    (
        "trap '' HUP; (env -i PATH=\"$PATH\" GUARDIAN_TEST_MARK=\"$GUARDIAN_TEST_MARK\" setsid sleep 2003 &); echo up; sleep 2003",
        Terminal::Always,
    ),
];

#[expect(clippy::zombie_processes, reason = "the helper is let go on purpose")]
fn app(role: &str, guard: guardian::Guard) -> i32 {
    let config = ManagerConfig { owns_descendants: true, ..ManagerConfig::default() };
    let manager = ProcessManager::new(config, Arc::new(Quiet), Arc::new(Quiet)).unwrap();
    let (ask, asked) = mpsc::channel();
    manager.on_signals(&[Signal::Terminate, Signal::Interrupt, Signal::HangUp], move |signal| {
        // Nobody listens after the first.
        let _ = ask.send(signal);
    });
    manager.on_guardian_lost(guard, || std::process::exit(9));
    println!("app {}", std::process::id());
    let context = Context::background();
    if role == "orphans" {
        // Each leaves a grandchild that ends alone, after its parent.
        let line = "i=0; while [ $i -lt 20 ]; do (sleep 0.1 &); i=$((i+1)); done; sleep 0.3; echo up; sleep 2004";
        manager.start(spec(line, Terminal::Never), &context).unwrap();
    } else {
        for (line, terminal) in CHILDREN {
            manager.start(spec(line, *terminal), &context).unwrap();
        }
    }
    match role {
        "exits" => std::process::exit(5),
        "released" => {
            let mut helper = Command::new("sleep");
            brummer::io::child::release(helper.arg("2005")).spawn().unwrap();
            manager.cleanup(GONE_WITHIN).unwrap();
            6
        }
        _ => {
            let signal = asked.recv().unwrap();
            manager.cleanup(GONE_WITHIN).unwrap();
            100 + signal.number()
        }
    }
}

fn spec(line: &str, terminal: Terminal) -> ProcessSpec {
    let mut spec = ProcessSpec::new("child", Program::Shell(line.into()), "/");
    (spec.terminal, spec.grace) = (terminal, Duration::from_millis(100));
    spec
}

/// The program under test, up with all its children.
struct Running {
    guardian: Child,
    app: i32,
    mark: String,
}

fn run(role: &str, ups: usize) -> Running {
    let mark = format!("{role}-{}-{:?}", std::process::id(), Instant::now());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ROLE, role).env(MARK, &mark).stdout(Stdio::piped()).stdin(Stdio::null());
    let mut guardian = command.spawn().unwrap();
    let mut lines = BufReader::new(guardian.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let app = first.strip_prefix("app ").unwrap().parse().unwrap();
    assert_eq!(lines.by_ref().take(ups).filter(|line| line.trim() == "up").count(), ups);
    // Nobody may be blocked by a pipe that is not read.
    std::thread::spawn(move || lines.count());
    Running { guardian, app, mark }
}

impl Running {
    /// Living processes of this run, itself included.
    fn living(&self) -> Vec<String> {
        let word = format!("{MARK}={}", self.mark);
        if cfg!(target_os = "linux") {
            let carries = |pid: &i32| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.split(|&b| b == 0).any(|entry| entry == word.as_bytes())
            };
            let all = std::fs::read_dir("/proc").unwrap().flatten();
            let pids = all.filter_map(|file| file.file_name().to_str()?.parse::<i32>().ok());
            return pids.filter(carries).map(|pid| pid.to_string()).collect();
        }
        let all = Command::new("ps").args(["-Ax", "-E", "-o", "pid=,command="]).output().unwrap();
        let all = String::from_utf8_lossy(&all.stdout).into_owned();
        all.lines().filter(|line| line.contains(&word)).map(str::to_owned).collect()
    }

    fn wait_until_gone(&self) {
        let start = Instant::now();
        while !self.living().is_empty() {
            assert!(start.elapsed() < GONE_WITHIN, "left: {:?}", self.living());
            std::thread::yield_now();
        }
        println!("  gone after {:?}", start.elapsed());
    }

    fn signal(&self, pid: i32, signal: &str) {
        assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
    }

    fn code(&mut self) -> std::process::ExitStatus {
        self.guardian.wait().unwrap()
    }
}

fn pm06_a_killed_app_leaves_nobody() {
    use std::os::unix::process::ExitStatusExt;
    let mut running = run("waits", CHILDREN.len());
    let start = Instant::now();
    while running.living().len() <= CHILDREN.len() + 2 {
        assert!(start.elapsed() < GONE_WITHIN, "they have children of their own: {:?}", running.living());
        std::thread::yield_now();
    }
    running.signal(running.app, "-KILL");
    assert_eq!(running.code().signal(), Some(9), "it dies as the app did");
    running.wait_until_gone();
}

fn pm06_a_killed_guardian_leaves_nobody() {
    let mut running = run("waits", CHILDREN.len());
    running.signal(running.guardian.id() as i32, "-KILL");
    running.wait_until_gone();
    running.code();
}

fn pm06_a_signal_to_the_guardian_reaches_the_app() {
    for (signal, code) in [("-TERM", 115), ("-INT", 102)] {
        let mut running = run("waits", CHILDREN.len());
        running.signal(running.guardian.id() as i32, signal);
        assert_eq!(running.code().code(), Some(code));
        running.wait_until_gone();
    }
}

fn pm06_a_hangup_ends_everybody() {
    let mut running = run("waits", CHILDREN.len());
    running.signal(running.guardian.id() as i32, "-HUP");
    assert_eq!(running.code().code(), Some(101));
    running.wait_until_gone();
}

fn the_exit_code_is_that_of_the_app() {
    let mut running = run("exits", 0);
    assert_eq!(running.code().code(), Some(5));
    running.wait_until_gone();
}

fn pm06_what_the_app_leaves_at_its_end_is_ended() {
    let mut running = run("waits", CHILDREN.len());
    // The app stops without a clean-up of its own. (QUIT would do, but is ignored by what a shell started in the background.)
    running.signal(running.app, "-ABRT");
    assert!(!running.code().success());
    running.wait_until_gone();
}

fn what_was_let_go_stays() {
    let mut running = run("released", 0);
    assert_eq!(running.code().code(), Some(6));
    let left = running.living();
    assert_eq!(left.len(), 1, "{left:?}");
    running.signal(left[0].split_whitespace().next().unwrap().parse().unwrap(), "-KILL");
    running.wait_until_gone();
}

fn pm06_orphans_are_reaped() {
    let mut running = run("orphans", 1);
    let zombies = || {
        let all = Command::new("ps").args(["-Ax", "-o", "ppid=,stat="]).output().unwrap();
        let all = String::from_utf8_lossy(&all.stdout).into_owned();
        let of_app = all.lines().map(str::split_whitespace).filter_map(|mut words| {
            (words.next()? == running.app.to_string()).then(|| words.next().unwrap_or("").starts_with('Z'))
        });
        of_app.filter(|&zombie| zombie).count()
    };
    let start = Instant::now();
    while zombies() > 0 {
        assert!(start.elapsed() < GONE_WITHIN);
        std::thread::yield_now();
    }
    running.signal(running.app, "-TERM");
    assert_eq!(running.code().code(), Some(115));
    running.wait_until_gone();
}
