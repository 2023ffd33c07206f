//! Lines printed without the terminal UI: what they look like, when it ends and with which code.

use std::process::{Command, Stdio};

use crate::harness::{Finished, Project, Run, Signal, children_of, signal, until};
use serde_json::Value;

/// Its grace is never used up: whoever is asked to end does so, if not at once where the machine is busy.
fn process(name: &str, command: &str) -> String {
    format!("[processes.{name}]\ncommand = {}\ngrace = '60s'\n", Value::from(command))
}

fn run_json(project: &Project, args: &[&str]) -> (Finished, Vec<Value>) {
    let run = project.brummer(&[&["--output", "json"], args].concat()).finish();
    let objects = run.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    (run, objects)
}

fn lines<'v>(objects: &'v [Value], process: &str) -> Vec<&'v str> {
    let of = objects.iter().filter(|object| object["type"] == "line" && object["process"] == process);
    of.map(|object| object["text"].as_str().expect("text")).collect()
}

fn of_type<'v>(objects: &'v [Value], kind: &str) -> Vec<&'v Value> {
    objects.iter().filter(|object| object["type"] == kind).collect()
}

#[test]
fn lines_carry_time_name_and_stream() {
    let project = Project::configured(&process("web", "echo hello; echo oops >&2"));
    let out = project.brummer(&["--no-tui", "web"]).finish().expect(0);
    let line = |text: &str| out.lines().find(|line| line.ends_with(text)).unwrap_or_else(|| panic!("{text} in\n{out}"));
    let hello = line("web │ hello");
    let time: Vec<u32> = hello[1..9].split(':').map(|part| part.parse().expect("digits")).collect();
    assert!(time.len() == 3 && hello.starts_with('[') && hello[9..].starts_with("] web"), "{hello}");
    line("web ┃ oops");
    line("web ● started: echo hello; echo oops >&2");
    assert!(out.lines().last().expect("a line").contains("web ● exited with code 0 after "), "{out}");
}

#[test]
fn output_that_goes_into_a_pipe_is_printed_without_asking() {
    let project = Project::configured(&process("web", "echo hello"));
    assert!(project.brummer(&["web"]).finish().expect(0).contains("web │ hello"));
}

#[test]
fn the_exit_code_is_that_of_the_first_failure() {
    let slow = process("slow", "while ! [ -e first ]; do sleep 0.05; done; exit 4");
    let text = format!("{}{}{slow}", process("fine", "true"), process("first", "exit 3"));
    let project = Project::configured(&text);
    assert_eq!(project.brummer(&["--no-tui", "fine"]).finish().code(), 0);
    let mut run = project.brummer(&["--no-tui", "fine", "slow", "first"]);
    run.wait_for("first ● exited with code 3");
    project.write("first", "");
    assert_eq!(run.finish().code(), 3);
}

#[test]
fn pm08_a_process_that_a_signal_ended_gives_128_and_its_number() {
    let project = Project::configured(&process("web", "kill -9 $$"));
    let run = project.brummer(&["--no-tui", "web"]).finish();
    assert_eq!(run.code(), 137);
    assert!(run.stdout.contains("web ● ended by signal 9 (SIGKILL) after "), "{}", run.stdout);
}

#[test]
fn a_command_with_arguments_runs_after_the_dashes() {
    let project = Project::new();
    let out = project.brummer(&["--no-tui", "--", "printf", "%s|", "a b", "c$d", "-x"]).finish().expect(0);
    assert!(out.contains("printf │ a b|c$d|-x|"), "{out}");
    let run = project.brummer(&["--no-tui", "--", "/no/such/program"]).finish();
    assert_eq!(run.code(), 1);
    assert!(run.stderr.contains("/no/such/program"), "{}", run.stderr);
}

#[test]
fn a_quoted_command_runs_in_a_shell() {
    let out = Project::new().brummer(&["--no-tui", "echo one && echo two"]).finish().expect(0);
    assert!(out.contains("│ one\n") && out.contains("│ two\n"), "{out}");
}

#[test]
fn arguments_behind_a_script_are_added_to_it() {
    let project = Project::new();
    project.write("package.json", r#"{"name":"shop","scripts":{"say":"echo said","run":"echo ran"}}"#);
    let out = project.brummer(&["--runner", "direct", "--no-tui", "say", "--", "--loud", "a b"]).finish().expect(0);
    assert!(out.contains("say │ said --loud a b\n"), "{out}");
    let out = project.brummer(&["--runner", "direct", "--no-tui", "run", "run"]).finish().expect(0);
    assert!(out.contains("run │ ran\n"), "{out}");
}

#[test]
fn colours_are_kept_when_asked_for_and_stripped_elsewhere() {
    let project = Project::configured(&process("web", r"printf '\033[31mred\033[0m \033[2Jx\n'"));
    let plain = project.brummer(&["--no-tui", "web"]).finish().expect(0);
    assert!(plain.contains("web │ red x\n") && !plain.contains('\x1b'), "{plain:?}");
    let coloured = project.brummer(&["--no-tui", "--color", "always", "web"]).finish().expect(0);
    assert!(coloured.contains("\x1b[31mred\x1b[0m x") && !coloured.contains("\x1b[2J"), "{coloured:?}");
}

#[test]
fn pm10_what_a_program_wrote_is_printed_whatever_it_is() {
    let bytes =
        r#"printf 'nul\000in \377\376 bad\n'; head -c 300000 /dev/zero | tr '\000' x; echo; printf 'no newline'"#;
    let project = Project::configured(&process("web", bytes));
    let (run, objects) = run_json(&project, &["web"]);
    assert_eq!(run.code(), 0, "{}", run.stderr);
    let of_web: Vec<&Value> = of_type(&objects, "line");
    assert_eq!(of_web[0]["text"], "nul\0in \u{fffd}\u{fffd} bad");
    assert_eq!(of_web[0]["lossy"], true);
    let long: usize = of_web[1..of_web.len() - 1].iter().map(|line| line["text"].as_str().expect("text").len()).sum();
    assert_eq!(long, 300_000);
    assert!(of_web[1..].iter().rev().skip(2).all(|line| line["continued"] == true), "long lines say that they go on");
    let last = of_web[of_web.len() - 1];
    assert_eq!((&last["text"], &last["newline"]), (&Value::from("no newline"), &Value::from(false)));
}

#[test]
fn json_tells_starts_lines_urls_and_ends() {
    let url = "http://localhost:4321/";
    let project = Project::configured(&process("web", &format!("echo 'ready on {url}'; echo 'ERROR: no' >&2; exit 3")));
    let (run, objects) = run_json(&project, &["web"]);
    assert_eq!(run.code(), 3);
    let started = of_type(&objects, "started");
    assert_eq!((started.len(), &started[0]["process"]), (1, &Value::from("web")));
    // A process that has ended before it could be told has no process id any more.
    assert!((started[0]["pid"].is_u64() || started[0]["pid"].is_null()) && started[0]["cwd"].is_string());
    // Two pipes: nobody can say which was written to first.
    let texts = lines(&objects, "web");
    assert!(texts.len() == 2 && texts.contains(&"ready on http://localhost:4321/") && texts.contains(&"ERROR: no"));
    let error = of_type(&objects, "line").into_iter().find(|line| line["stream"] == "stderr").expect("a line");
    assert_eq!(error["level"], "error");
    assert_eq!(of_type(&objects, "url")[0]["url"], url);
    let ended = of_type(&objects, "exited");
    assert_eq!((ended.len(), &ended[0]["code"], &ended[0]["status"]), (1, &3.into(), &"failed".into()));
    // Brummer may have something of its own to say at any time: of the process this is the last.
    let last = objects.iter().rfind(|object| object["type"] != "message").expect("an end");
    assert_eq!(last, ended[0]);
}

#[test]
fn a_prompt_is_shown_before_its_line_ends() {
    let project =
        Project::configured(&process("ask", "printf 'Name: '; while ! [ -e go ]; do sleep 0.05; done; echo Ada"));
    let mut run = project.brummer(&["--no-tui", "ask"]);
    run.wait_for("ask │ Name: ");
    assert!(run.stdout().ends_with("Name: "), "{:?}", run.stdout());
    project.write("go", "");
    let out = run.finish().expect(0);
    assert_eq!(out.matches("Name: ").count(), 2, "once in the command, once as it was printed: {out}");
    assert!(out.contains("ask │ Name: Ada\n"), "{out}");
}

#[test]
fn progress_is_collapsed_to_its_last_state() {
    let project = Project::configured(&process("get", r"printf '10%%\r50%%\r100%%\n'; echo done"));
    let (_, objects) = run_json(&project, &["get"]);
    assert_eq!(lines(&objects, "get"), ["100%", "done"]);
}

/// Ends a run by a signal; its exit code.
fn ended_by(signal: Signal) -> (Project, Finished) {
    let project = Project::configured(&process("web", "echo up; while :; do sleep 1; done"));
    let mut run = project.brummer(&["--no-tui", "web"]);
    run.wait_for("web │ up");
    run.signal(signal);
    let finished = run.finish();
    (project, finished)
}

#[test]
fn pm06_interrupt_terminate_and_hang_up_stop_everything_and_give_their_codes() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (project, run) = ended_by(signal);
        assert_eq!((run.code(), run.stderr.as_str()), (code, ""), "{}", run.stdout);
        assert!(run.stdout.contains("web ● stopped: ended by signal 15 (SIGTERM)"), "{}", run.stdout);
        assert_eq!(project.living(), []);
    }
}

#[test]
fn a_second_interrupt_does_not_wait_for_the_grace() {
    let text =
        "[processes.deaf]\ncommand = \"trap '' TERM INT HUP; echo up; while :; do sleep 1; done\"\ngrace = '300s'\n";
    let project = Project::configured(text);
    let mut run = project.brummer(&["--no-tui", "deaf"]);
    run.wait_for("deaf │ up");
    run.signal(Signal::INT);
    run.wait_for("press Ctrl+C again");
    // One that comes at once might be taken for the same one.
    until("everybody has ended", || {
        run.signal(Signal::INT);
        project.living().is_empty()
    });
    assert_eq!(run.finish().code(), 130);
    assert_eq!(project.living(), []);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let project = Project::configured(&process("web", "while :; do echo tick; sleep 0.05; done"));
    let line = format!("'{}' --no-tui web | head -n 2", env!("CARGO_BIN_EXE_brummer"));
    let output = project.command("sh", &["-c", &line]).stderr(Stdio::piped()).output().expect("sh runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((out.lines().count(), err.as_ref()), (2, ""));
    until("nobody is left", || project.living().is_empty());
}

#[test]
fn with_nothing_named_it_says_so_and_serves_until_a_signal() {
    let project = Project::configured(&process("web", "echo hello"));
    let mut run = project.brummer(&["--no-tui"]);
    run.wait_for("nothing was named");
    assert!(run.stdout().contains("web"), "{}", run.stdout());
    run.signal(Signal::TERM);
    assert_eq!(run.finish().code(), 143);
}

#[test]
fn pf_ten_processes_run_at_once_and_none_of_their_lines_is_lost() {
    let text: String = (0..10).map(|n| process(&format!("p{n}"), "seq 1 1000")).collect();
    let project = Project::configured(&text);
    let names: Vec<String> = (0..10).map(|n| format!("p{n}")).collect();
    let (run, objects) = run_json(&project, &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.code(), 0, "{}", run.stderr);
    let expected: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    for name in &names {
        assert_eq!(lines(&objects, name), expected, "{name}");
    }
}

#[test]
fn a_terminal_of_its_own_is_given_when_asked_for() {
    let project = Project::configured(&process("web", "test -t 1 && test -t 2 && echo terminals || echo pipes"));
    let run = |when: &str| -> Run { project.brummer(&["--no-tui", "--terminal", when, "web"]) };
    assert!(run("always").finish().expect(0).contains("web │ terminals\n"));
    assert!(run("never").finish().expect(0).contains("web │ pipes\n"));
    assert!(run("auto").finish().expect(0).contains("web │ pipes\n"));
}

#[test]
fn it_runs_where_standard_input_is_closed() {
    let project = Project::configured(&process("web", "cat; echo end"));
    let line = format!("exec '{}' --no-tui web <&-", env!("CARGO_BIN_EXE_brummer"));
    let mut command: Command = project.command("sh", &["-c", &line]);
    let output = command.output().expect("sh runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("web │ end\n"), "{output:?}");
}

#[test]
fn without_a_terminal_no_program_is_asked_for_its_size() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::configured("[processes.web]\ncommand = 'echo hello'\n");
    let tput = project.write("bin/tput", "#!/bin/sh\ntouch asked\n");
    std::fs::set_permissions(&tput, std::fs::Permissions::from_mode(0o755)).expect("its own file");
    let mut command = project.command(env!("CARGO_BIN_EXE_brummer"), &["web"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", project.dir().join("bin").display()));
    assert!(Run::start(command).finish().expect(0).contains("hello"));
    assert!(!project.dir().join("asked").exists());
}

#[test]
fn a_signal_that_comes_twice_at_once_still_leaves_the_grace() {
    let script = "trap 'sleep 0.3; echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done";
    let project = Project::configured(&process("web", script));
    let mut run = project.brummer(&["--no-tui", "web"]);
    run.wait_for("web │ up");
    let app = children_of(run.pid())[0];
    run.signal(Signal::TERM);
    signal(app, Signal::TERM);
    let end = run.finish();
    assert!(end.stdout.contains("web │ bye"), "{}", end.stdout);
    assert_eq!(end.code(), 143);
}
