//! The built-in sample project runs everywhere and leaves nothing.

use crate::harness::Project;

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
    run.signal(rustix::process::Signal::INT);
    assert_eq!(run.finish().code(), 130);
    assert_eq!(project.living(), []);
    let left: Vec<_> = std::fs::read_dir(project.temporary()).expect("readable").flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_demo_ends_by_itself_after_the_seconds_it_was_given() {
    let project = Project::new();
    let out = project.brummer(&["demo", "--no-tui", "--seconds", "1"]).finish().expect(0);
    assert!(out.contains("Local: http://"), "{out}");
    assert_eq!(project.living(), []);
}
