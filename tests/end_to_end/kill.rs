//! Whatever is killed and however a child resists: nobody is left, and nobody else is touched.

use std::process::Child;
use std::time::Duration;

use crate::harness::{Project, Run, children_of, signal, until, until_within};
use rustix::process::Signal;

/// A child that resists in every way: deaf to TERM, INT and HUP, in a session of its own, and double-forked.
const STUBBORN: &str = r#"#!/bin/sh
trap '' HUP TERM INT
if command -v setsid >/dev/null; then
    setsid sh -c 'trap "" HUP TERM INT; while :; do sleep 1; done' &
    setsid -f sh -c 'trap "" HUP TERM INT; while :; do sleep 1; done'
fi
( ( trap '' HUP TERM INT; while :; do sleep 1; done ) & )
sh -c 'trap "" HUP TERM INT; exec >/dev/null 2>&1 </dev/null; while :; do sleep 1; done' &
echo up
while :; do sleep 1; done
"#;

/// Nobody is left this long after the death of a part of Brummer.
const LIMIT: Duration = Duration::from_secs(2);

/// What is added to [`LIMIT`] because the machine does other things meanwhile.
const LOAD: Duration = Duration::from_secs(58);

fn stubborn() -> (Project, Run, Bystander) {
    let project = Project::configured("grace = '300ms'\n[processes.stubborn]\ncommand = 'sh stubborn.sh'\n");
    project.write("stubborn.sh", STUBBORN);
    let bystander = Bystander::start(&project);
    let mut run = project.brummer(&["--no-tui", "stubborn"]);
    run.wait_for("stubborn │ up");
    let least = if crate::harness::is_installed("setsid") { 7 } else { 5 };
    until("the whole tree is there", || project.living().len() >= least);
    (project, run, bystander)
}

/// A process in the same folder that Brummer did not start: it must not be touched.
struct Bystander(Child);

impl Bystander {
    fn start(project: &Project) -> Bystander {
        let mut command = project.command("sleep", &["1000"]);
        command.env_remove("BRUMMER_TEST");
        Bystander(command.spawn().expect("sleep starts"))
    }

    fn is_unharmed(&mut self) -> bool {
        self.0.try_wait().expect("it can be asked").is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn nobody_left(project: &Project, bystander: &mut Bystander) {
    until_within(LIMIT + LOAD, "nobody is left", || project.living().is_empty());
    assert!(bystander.is_unharmed(), "a process that Brummer did not start was ended");
}

#[test]
fn pm06_nobody_is_left_when_the_app_is_killed() {
    let (project, run, mut bystander) = stubborn();
    let app = children_of(run.pid())[0];
    signal(app, Signal::KILL);
    nobody_left(&project, &mut bystander);
    assert_eq!(run.finish().code(), 137);
}

#[test]
fn pm06_nobody_is_left_when_the_guardian_is_killed() {
    let (project, run, mut bystander) = stubborn();
    run.signal(Signal::KILL);
    nobody_left(&project, &mut bystander);
    assert_eq!(run.finish().code(), 137);
}

#[test]
fn pm03_nobody_is_left_after_an_orderly_stop() {
    for number in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (project, run, mut bystander) = stubborn();
        run.signal(number);
        nobody_left(&project, &mut bystander);
        run.finish();
    }
}

#[test]
fn pm06_nobody_is_left_when_a_child_ends_before_its_children() {
    let project = Project::configured("grace = '300ms'\n[processes.parent]\ncommand = 'sh parent.sh'\n");
    project
        .write("parent.sh", "sh -c 'trap \"\" HUP TERM INT; while :; do sleep 1; done' >/dev/null 2>&1 &\necho up\n");
    let run = project.brummer(&["--no-tui", "parent"]).finish();
    assert_eq!(run.code(), 0, "{}", run.stderr);
    until_within(LIMIT + LOAD, "nobody is left", || project.living().is_empty());
}

#[test]
fn pm03_a_signal_while_processes_are_started_leaves_them_their_time() {
    let mut settings = String::from("grace = '60s'\n[processes.first]\ncommand = 'sh first.sh'\n");
    let others: Vec<String> = (0..40).map(|number| format!("other{number}")).collect();
    others.iter().for_each(|name| settings.push_str(&format!("[processes.{name}]\ncommand = 'exec sleep 600'\n")));
    let project = Project::configured(&settings);
    project.write("first.sh", "trap 'echo bye >bye; exit 0' TERM\n: >up\nwhile :; do sleep 0.05; done\n");
    let names: Vec<&str> = others.iter().map(String::as_str).collect();
    let run = project.brummer(&[&["--no-tui", "first"], &names[..]].concat());
    until("the first one is up", || project.dir().join("up").exists());
    signal(children_of(run.pid())[0], Signal::TERM);
    assert_eq!(run.finish().code(), 143);
    assert!(project.dir().join("bye").exists(), "the first one was ended without its time");
    until_within(LIMIT + LOAD, "nobody is left", || project.living().is_empty());
}
