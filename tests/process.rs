//! Real children: what they write, how they end, and that nobody is left.

#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

use brummer::error::{Code, Error};
use brummer::event::{Ending, Exit, ProcessId, Status, Stream};
use brummer::process::{
    ManagerConfig, Notices, OutputSink, OutputSinks, Process, ProcessManager, ProcessSpec, Program, Terminal,
};
use brummer::runtime::context::Context;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Generous: the machine may be busy.
const LONG: Duration = Duration::from_secs(60);

type Piece = (Stream, Vec<u8>, Ending);

/// Keeps what sinks and notices are told, and wakes those who wait for it.
#[derive(Default)]
struct Seen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: HashMap<ProcessId, Vec<Piece>>,
    partials: HashMap<ProcessId, Vec<(Stream, Vec<u8>)>>,
    /// Each notice, with the number of bytes of output that were there before it.
    notices: Vec<(Process, usize)>,
}

struct Sink(Arc<Seen>, ProcessId);

impl Seen {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait<T>(&self, what: &str, find: impl Fn(&State) -> Option<T>) -> T {
        let end = Instant::now() + LONG;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = find(&state) {
                return found;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}: {:?} {:?}", state.lines, state.notices);
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }
}

/// `Arc<Seen>` as the manager needs it.
struct Shared(Arc<Seen>);

impl OutputSinks for Shared {
    fn open(&self, id: ProcessId, _: &str) -> Box<dyn OutputSink> {
        Box::new(Sink(self.0.clone(), id))
    }
}

impl Notices for Shared {
    fn changed(&self, process: &Process) {
        self.0.change(|state| {
            let lines = state.lines.get(&process.id).map_or(&[][..], Vec::as_slice);
            let bytes = lines.iter().map(|line| line.1.len() + usize::from(line.2 == Ending::Newline)).sum();
            state.notices.push((process.clone(), bytes));
        });
    }
}

impl OutputSink for Sink {
    fn line(&mut self, stream: Stream, text: &[u8], ending: Ending) {
        let piece = (stream, text.to_vec(), ending);
        self.0.change(|state| state.lines.entry(self.1).or_default().push(piece));
    }

    fn partial(&mut self, stream: Stream, text: &[u8]) {
        let piece = (stream, text.to_vec());
        self.0.change(|state| state.partials.entry(self.1).or_default().push(piece));
    }

    fn publish(&mut self) {}
}

struct Rig {
    manager: Arc<ProcessManager>,
    seen: Arc<Seen>,
    _alive: Alive,
}

/// Managers that live: one for each test that runs.
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts a manager as long as it lives; dropped after it.
struct Alive;

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

fn rig() -> Rig {
    rig_with(ManagerConfig::default())
}

fn rig_with(config: ManagerConfig) -> Rig {
    let seen = Arc::new(Seen::default());
    let shared = Arc::new(Shared(seen.clone()));
    ALIVE.fetch_add(1, Ordering::SeqCst);
    Rig { _alive: Alive, manager: ProcessManager::new(config, shared.clone(), shared).unwrap(), seen }
}

fn within(limit: Duration) -> Context {
    Context::background().with_timeout(limit)
}

fn shell(line: &str) -> ProcessSpec {
    let mut spec = ProcessSpec::new("test", Program::Shell(line.into()), std::env::temp_dir());
    spec.grace = Duration::from_millis(200);
    spec
}

impl Rig {
    fn start(&self, line: &str) -> ProcessId {
        self.manager.start(shell(line), &within(LONG)).unwrap()
    }

    fn start_on_terminal(&self, line: &str) -> ProcessId {
        self.manager.start(ProcessSpec { terminal: Terminal::Always, ..shell(line) }, &within(LONG)).unwrap()
    }

    fn end_of(&self, id: ProcessId) -> Process {
        let ended = |(process, _): &(Process, usize)| process.id == id && process.status.is_ended();
        self.seen.wait("the end", |state| state.notices.iter().find(|n| ended(n)).map(|n| n.0.clone()))
    }

    fn lines_of(&self, id: ProcessId) -> Vec<Piece> {
        self.seen.state.lock().unwrap().lines.get(&id).cloned().unwrap_or_default()
    }

    fn text_of(&self, id: ProcessId, stream: Stream) -> String {
        let mut bytes = Vec::new();
        for (_, text, ending) in self.lines_of(id).iter().filter(|line| line.0 == stream) {
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(match ending {
                Ending::Newline => b"\n",
                Ending::CarriageReturnNewline => b"\r\n",
                Ending::None | Ending::Continued => b"",
            });
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn wait_for_line(&self, id: ProcessId, start: &str) -> String {
        let starts = |piece: &&Piece| piece.1.starts_with(start.as_bytes());
        self.seen.wait(start, |state| {
            let line = state.lines.get(&id)?.iter().find(starts)?;
            Some(String::from_utf8_lossy(&line.1).into_owned())
        })
    }

    /// The pids that the child printed after `start`.
    fn pids_after(&self, id: ProcessId, start: &str) -> Vec<i32> {
        let line = self.wait_for_line(id, start);
        line[start.len()..].split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    fn stop(&self, id: ProcessId) {
        self.manager.stop_process(id, &within(LONG)).unwrap();
    }
}

/// Whether a process lives; one that has ended and was not reaped does not.
fn lives(pid: i32) -> bool {
    let output = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

#[test]
fn pm08_success_crash_signal_and_stop_have_their_statuses() {
    let rig = rig();
    let ends = [("exit 0", Status::Success, Exit::Code(0)), ("exit 3", Status::Failed, Exit::Code(3))];
    for (line, status, exit) in ends {
        let process = rig.end_of(rig.start(line));
        assert_eq!((process.status, process.exit), (status, Some(exit)));
        assert!(process.ended_ms.unwrap() >= process.started_ms && !process.is_running());
    }
    let process = rig.end_of(rig.start("kill -SEGV $$"));
    assert_eq!((process.status, process.exit), (Status::Failed, Some(Exit::Signal(11))));
    let id = rig.start("exec sleep 1000");
    rig.stop(id);
    let process = rig.manager.get_process(id).unwrap();
    assert_eq!((process.status, process.exit, process.stopping), (Status::Stopped, Some(Exit::Signal(15)), false));
    let notices = rig.seen.state.lock().unwrap().notices.iter().filter(|n| n.0.id == id).count();
    assert_eq!(notices, 4, "pending, running, stopping, stopped");
}

#[test]
fn pm01_a_script_is_looked_up_and_an_unknown_one_is_not_found() {
    let lookup = |name: &str| match name {
        "dev" => Ok(shell("echo dev")),
        _ => Err(Error::new("scripts", Code::NotFound, format!("no script `{name}`"))),
    };
    let rig = rig_with(ManagerConfig { scripts: Some(Arc::new(lookup)), ..ManagerConfig::default() });
    let id = rig.manager.start_script("dev", &within(LONG)).unwrap();
    assert_ne!(id, rig.manager.start_script("dev", &within(LONG)).unwrap());
    rig.end_of(id);
    assert_eq!(rig.text_of(id, Stream::Out), "dev\n");
    assert_eq!(rig.manager.start_script("dve", &within(LONG)).unwrap_err().code(), Code::NotFound);
}

#[test]
fn pm02_a_command_that_cannot_be_started_is_an_error_and_a_failed_row() {
    let rig = rig();
    let error = rig.manager.start_command("x", "no-such-program-here", &[], &within(LONG)).unwrap_err();
    assert!(error.code() == Code::NotFound && error.to_string().contains("no-such-program-here"), "{error}");
    let all = rig.manager.get_all_processes();
    assert_eq!((all[0].status, all[0].exit, all[0].pid), (Status::Failed, Some(Exit::NotSpawned), None));
    rig.manager.stop_process(all[0].id, &within(LONG)).unwrap();
    rig.manager.forget(all[0].id).unwrap();
    assert!(rig.manager.get_all_processes().is_empty());
    let id = rig.manager.start_command("x", "echo", &["a b".into(), "c".into()], &within(LONG)).unwrap();
    rig.end_of(id);
    assert_eq!(rig.text_of(id, Stream::Out), "a b c\n");
}

#[test]
fn pm10_everything_that_was_written_is_there_before_the_end_is_told() {
    let rig = rig();
    for round in 0..20 {
        let id = rig.start("i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; printf 'no newline'");
        rig.end_of(id);
        let state = rig.seen.state.lock().unwrap();
        let (_, bytes) = state.notices.iter().find(|n| n.0.id == id && n.0.status.is_ended()).unwrap();
        let expected: usize = (0..400).map(|i| format!("line {i}\n").len()).sum::<usize>() + "no newline".len();
        assert_eq!(*bytes, expected, "round {round}");
    }
}

#[test]
fn pm10_a_grandchild_that_holds_the_pipe_does_not_hold_back_the_end() {
    let rig = rig();
    let id = rig.start("sleep 1000 & echo pid $!; exit 4");
    assert_eq!(rig.end_of(id).exit, Some(Exit::Code(4)));
    let pid = rig.pids_after(id, "pid ")[0];
    assert!(lives(pid), "it was started to stay");
    rig.stop(id);
    assert!(!lives(pid));
    assert_eq!(rig.manager.get_process(id).unwrap().status, Status::Failed, "a stop does not change how it ended");
}

#[test]
fn pm10_pipes_and_terminals_keep_every_byte_and_keep_the_streams_apart() {
    let rig = rig();
    let line =
        r"printf 'a\nb\r\n\377\000\033[31mred\033[0m\nend'; printf 'err\n' >&2; [ -t 1 ] && [ -t 2 ] && exit 7; exit 0";
    for id in [rig.start(line), rig.start_on_terminal(line)] {
        let on_terminal = rig.end_of(id).exit == Some(Exit::Code(7));
        assert_eq!(on_terminal, rig.manager.get_process(id).unwrap().terminal);
        let out: Vec<(Vec<u8>, Ending)> =
            rig.lines_of(id).into_iter().filter(|l| l.0 == Stream::Out).map(|l| (l.1, l.2)).collect();
        let expected: Vec<(Vec<u8>, Ending)> = vec![
            (b"a".to_vec(), Ending::Newline),
            (b"b".to_vec(), Ending::CarriageReturnNewline),
            (b"\xff\0\x1b[31mred\x1b[0m".to_vec(), Ending::Newline),
            (b"end".to_vec(), Ending::None),
        ];
        assert_eq!(out, expected, "on a terminal: {on_terminal}");
        assert_eq!(rig.text_of(id, Stream::Err), "err\n");
    }
}

#[test]
fn pm10_a_large_output_is_complete_on_pipes_and_terminals() {
    let rig = rig();
    let line = "awk 'BEGIN { for (i = 0; i < 50000; i++) printf \"%06d some text that makes the line longer\\n\", i }'";
    for id in [rig.start(line), rig.start_on_terminal(line)] {
        assert_eq!(rig.end_of(id).status, Status::Success);
        let lines = rig.lines_of(id);
        assert_eq!(lines.len(), 50_000);
        for (i, line) in lines.iter().enumerate() {
            assert!(line.1.starts_with(format!("{i:06} some").as_bytes()), "line {i}");
        }
    }
}

#[test]
fn a_prompt_is_shown_and_answered() {
    let rig = rig();
    let id = rig.start_on_terminal("printf 'Name: '; read name; echo \"hello $name\"");
    rig.seen.wait("the prompt", |state| {
        state.partials.get(&id)?.iter().any(|partial| partial.1 == b"Name: ").then_some(())
    });
    rig.manager.write_stdin(id, b"you\n").unwrap();
    rig.wait_for_line(id, "hello you");
    rig.end_of(id);
    let error = rig.manager.write_stdin(id, b"more\n").unwrap_err();
    assert_eq!(error.code(), Code::InvalidState);
}

#[test]
fn a_child_on_pipes_that_reads_its_input_finds_it_empty() {
    let rig = rig();
    let id = rig.start("cat; echo done");
    assert_eq!(rig.end_of(id).status, Status::Success);
    assert_eq!(rig.text_of(id, Stream::Out), "done\n");
}

#[test]
fn a_terminal_has_the_size_that_was_set_and_tells_a_change() {
    let rig = rig_with(ManagerConfig { size: (91, 33), interactive: true, ..ManagerConfig::default() });
    let id = rig.start("stty size; trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done");
    rig.wait_for_line(id, "33 91");
    rig.wait_for_line(id, "ready");
    rig.manager.resize(120, 40);
    rig.wait_for_line(id, "40 120");
    assert_eq!(rig.end_of(id).status, Status::Success);
}

#[test]
fn a_child_leads_its_own_session() {
    let rig = rig();
    let id = rig.start("ps -o pid=,pgid=,sid= -p $$");
    rig.end_of(id);
    let text = rig.text_of(id, Stream::Out);
    let mut ids: Vec<&str> = text.split_whitespace().collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{text}");
}

/// Descriptors that this program was itself given to pass on.
#[cfg(target_os = "linux")]
fn inheritable() -> Vec<i32> {
    let all = std::fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let passed_on = |fd: &i32| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or("0").trim().to_owned();
        i64::from_str_radix(&flags, 8).is_ok_and(|flags| flags & 0o2_000_000 == 0)
    };
    all.filter_map(|file| file.file_name().to_str()?.parse().ok()).filter(passed_on).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_child_inherits_no_descriptor_no_ignored_and_no_blocked_signal() {
    let rig = rig();
    let _others = [rig.start_on_terminal("exec sleep 1050"), rig.start("exec sleep 1050")];
    let spec = ProcessSpec::new("cat", Program::Argv(vec!["ls".into(), "/proc/self/fd".into()]), "/");
    let id = rig.manager.start(spec, &within(LONG)).unwrap();
    rig.end_of(id);
    let allowed = inheritable();
    let text = rig.text_of(id, Stream::Out);
    // 3 is the folder that `ls` reads.
    let more: Vec<i32> =
        text.lines().map(|fd| fd.parse().unwrap()).filter(|fd| *fd > 3 && !allowed.contains(fd)).collect();
    assert!(more.is_empty(), "{more:?}");
    let spec =
        ProcessSpec::new("grep", Program::Argv(["grep", "Sig", "/proc/self/status"].map(String::from).to_vec()), "/");
    let id = rig.manager.start(spec, &within(LONG)).unwrap();
    rig.end_of(id);
    for line in
        rig.text_of(id, Stream::Out).lines().filter(|line| line.starts_with("SigBlk") || line.starts_with("SigIgn"))
    {
        let mask = u64::from_str_radix(line[7..].trim(), 16).unwrap();
        assert_eq!(mask & 0x7fff_ffff, 0, "{line}");
    }
}

#[test]
fn pm03_stop_ends_children_that_ignore_every_request() {
    let rig = rig();
    let id = rig
        .start("trap '' INT TERM HUP; sh -c 'trap \"\" INT TERM HUP; echo pids $$ $PPID; while :; do sleep 1; done'");
    let pids = rig.pids_after(id, "pids ");
    let start = Instant::now();
    rig.stop(id);
    assert!(start.elapsed() >= Duration::from_millis(200), "the grace was kept");
    assert!(pids.iter().all(|&pid| !lives(pid)));
    assert_eq!(rig.manager.get_process(id).unwrap().exit, Some(Exit::Signal(9)));
}

#[test]
fn pm03_stop_reaches_what_left_the_session_and_what_lost_its_parent() {
    let rig = rig();
    let id = rig
        .start("setsid sleep 1001 & echo away $!; (setsid sh -c 'sleep 1002 & echo orphan $!' &) ; sleep 1003 & echo own $!; wait");
    let pids = ["away ", "orphan ", "own "].map(|word| rig.pids_after(id, word)[0]);
    rig.stop(id);
    assert!(pids.iter().all(|&pid| !lives(pid)));
}

#[test]
fn pm03_stop_of_one_process_leaves_the_others_alone() {
    let rig = rig();
    let line = "(setsid sh -c 'sleep 1010 & echo stray $!' &); sleep 1011 & echo own $!; wait";
    let (first, second) = (rig.start(line), rig.start(line));
    let pids = |id| [rig.pids_after(id, "stray ")[0], rig.pids_after(id, "own ")[0]];
    let (of_first, of_second) = (pids(first), pids(second));
    rig.stop(first);
    assert!(of_first.iter().all(|&pid| !lives(pid)));
    assert!(of_second.iter().all(|&pid| lives(pid)));
    rig.stop(second);
    assert!(of_second.iter().all(|&pid| !lives(pid)));
}

#[test]
fn pm03_a_stop_whose_context_ends_says_so_and_goes_on() {
    let rig = rig();
    let mut spec = shell("trap '' TERM; echo pid $$; while :; do sleep 1; done");
    // Longer than a busy machine needs to notice that the context has ended.
    spec.grace = Duration::from_secs(4);
    let id = rig.manager.start(spec, &within(LONG)).unwrap();
    rig.wait_for_line(id, "pid ");
    let error = rig.manager.stop_process(id, &within(Duration::from_millis(50))).unwrap_err();
    assert_eq!(error.code(), Code::Timeout);
    assert_eq!(rig.end_of(id).status, Status::Stopped);
    rig.stop(id);
    assert_eq!(rig.manager.stop_process(ProcessId(999_999), &within(LONG)).unwrap_err().code(), Code::NotFound);
}

#[test]
fn pm03_a_stopped_child_is_continued_so_that_it_can_end() {
    let rig = rig();
    let id = rig.start("trap 'echo bye; exit 0' TERM; echo ready; kill -STOP $$; while :; do sleep 0.05; done");
    rig.wait_for_line(id, "ready");
    rig.stop(id);
    assert_eq!(rig.manager.get_process(id).unwrap().status, Status::Stopped);
}

#[test]
fn pm05_a_callback_gets_all_lines_of_new_processes() {
    let rig = rig();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    let callback = rig.manager.register_log_callback(move |line| {
        kept.lock().unwrap().push((line.name.to_owned(), line.stream, line.text.to_vec()));
        assert_ne!(line.text, b"2", "planned by the test");
    });
    rig.end_of(rig.start("echo 1"));
    assert_eq!(*lines.lock().unwrap(), [("test".to_owned(), Stream::Out, b"1".to_vec())]);
    let id = rig.start("echo 2; echo 3");
    assert_eq!(rig.end_of(id).status, Status::Success);
    assert_eq!(rig.lines_of(id).len(), 2, "the panic of the callback did no harm to the sink");
    rig.manager.unregister_log_callback(callback);
}

#[test]
fn pm06_cleanup_ends_everybody_and_again_is_nothing() {
    let rig = rig();
    let mut pids = Vec::new();
    for line in [
        "echo pid $$; exec sleep 1020",
        "trap '' TERM HUP INT; sleep 1021 & echo pid $$ $!; wait; sleep 1021",
        "setsid sleep 1022 & echo pid $$ $!; sleep 1023",
    ] {
        let id = rig.start(line);
        pids.extend(rig.pids_after(id, "pid "));
    }
    rig.manager.cleanup(LONG).unwrap();
    assert!(pids.len() == 5 && pids.iter().all(|&pid| !lives(pid)), "{pids:?}");
    rig.manager.cleanup(LONG).unwrap();
    let error = rig.manager.start(shell("true"), &within(LONG)).unwrap_err();
    assert_eq!(error.code(), Code::InvalidState);
}

#[test]
fn pm06_cleanup_keeps_its_limit_when_graces_are_long() {
    let rig = rig();
    let mut spec = shell("trap '' TERM; echo ready $$; while :; do sleep 1; done");
    spec.grace = Duration::from_secs(600);
    let id = rig.manager.start(spec, &within(LONG)).unwrap();
    let pid = rig.pids_after(id, "ready ")[0];
    // On a machine that stands still the limit is over before the end is seen; it is not waited for any longer.
    if rig.manager.cleanup(Duration::from_secs(4)).is_ok() {
        assert_eq!(rig.manager.get_process(id).unwrap().exit, Some(Exit::Signal(9)));
    }
    let start = Instant::now();
    while lives(pid) {
        assert!(start.elapsed() < LONG, "it was not killed");
    }
}

#[test]
fn pm09_many_processes_share_one_thread() {
    let rig = rig();
    let named = |name: &str| {
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        tasks.filter(|t| std::fs::read_to_string(t.path().join("comm")).is_ok_and(|c| c.trim() == name)).count()
    };
    let ids: Vec<ProcessId> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..30)
            .map(|i| {
                let rig = &rig;
                scope.spawn(move || rig.start(&format!("echo {i}; read x; exec sleep 1030")))
            })
            .collect();
        starting.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), 30);
    for id in &ids {
        rig.seen.wait("a line", |state| state.lines.get(id).map(|_| ()));
    }
    assert!(named("brummer-reactor") >= usize::from(cfg!(target_os = "linux")));
    // One of another test that has ended may be listed a moment longer.
    let start = Instant::now();
    while cfg!(target_os = "linux") && named("brummer-reactor") > ALIVE.load(Ordering::SeqCst) {
        assert!(start.elapsed() < LONG, "more threads than managers");
        std::thread::yield_now();
    }
    rig.manager.cleanup(LONG).unwrap();
}

#[test]
fn pm11_history_is_bounded() {
    let rig = rig_with(ManagerConfig { history: 3, ..ManagerConfig::default() });
    let ids: Vec<ProcessId> = (0..6)
        .map(|_| {
            let id = rig.start("true");
            rig.end_of(id);
            id
        })
        .collect();
    assert_eq!(rig.manager.get_all_processes().len(), 4, "three ended ones, and the one whose start made room");
    assert!(rig.manager.get_process(ids[0]).is_none());
}

#[test]
fn a_restart_runs_the_same_again_under_a_new_id() {
    let rig = rig();
    let id = rig.start("echo pid $$; exec sleep 1040");
    let old = rig.pids_after(id, "pid ")[0];
    let again = rig.manager.restart(id, &within(LONG)).unwrap();
    assert!(!lives(old) && again != id);
    rig.wait_for_line(again, "pid ");
    assert_eq!(rig.manager.get_process(again).unwrap().command.as_ref(), "echo pid $$; exec sleep 1040");
    rig.manager.kill(again).unwrap();
    assert_eq!(rig.end_of(again).exit, Some(Exit::Signal(9)));
}
