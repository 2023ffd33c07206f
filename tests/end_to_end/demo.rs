//! The built-in sample project runs everywhere and leaves nothing.

use crate::harness::{Project, Signal, children_of, signal, until};

#[test]
fn the_demo_shows_a_server_a_failing_api_a_worker_and_a_failing_test() {
    let project = Project::new();
    let mut run = project.brummer(&["demo", "--no-tui", "--seconds", "600"]);
    for text in [
        "web    │   ➜  Local: http://127.0.0.1:",
        "api    ┃ TypeError: ",
        "api    ┃     at checkout (",
        "worker │ ✔ job 1",
        "test   │ FAIL",
        "test   ● exited with code 1",
    ] {
        run.wait_for(text);
    }
    run.signal(Signal::INT);
    assert_eq!(run.finish().code(), 130);
    assert_eq!(project.living(), []);
    assert_eq!(left(&project), 0);
}

#[test]
fn the_demo_ends_by_itself_after_the_seconds_it_was_given() {
    let project = Project::new();
    // How far its processes have come by then is up to the machine.
    let out = project.brummer(&["demo", "--no-tui", "--seconds", "1"]).finish().expect(0);
    assert!(out.contains("web    ● started: "), "{out}");
    assert_eq!(project.living(), []);
}

#[test]
fn the_folder_of_the_demo_is_gone_whichever_part_is_killed() {
    for app in [true, false] {
        let project = Project::new();
        let mut run = project.brummer(&["demo", "--no-tui", "--seconds", "600"]);
        run.wait_for("Local: http://");
        assert_eq!(left(&project), 1);
        signal(if app { children_of(run.pid())[0] } else { run.pid() }, Signal::KILL);
        assert_eq!(run.finish().code(), 137);
        until("the folder is gone", || left(&project) == 0);
        until("nobody is left", || project.living().is_empty());
    }
}

/// How many temporary files there are.
fn left(project: &Project) -> usize {
    std::fs::read_dir(project.temporary()).expect("readable").count()
}
