//! Runs a model, counts what loom explored, and turns a planted bug that goes unnoticed into a failure.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::sync::shim::with_mutation;

/// Branches in one execution before loom takes the model for an endless loop; ten times loom's default.
const BRANCHES_MAX: usize = 10_000;

/// The preemption bound for a planted bug: such a bug needs one or two badly placed switches.
const MUTATION_BOUND: usize = 3;

/// Names the mutation that a test's executable is started again for.
const MUTATION: &str = "BRUMMER_LOOM_MUTATION";

/// Explores `model` with at most `bound` preemptions (`None`: every order) and asserts that at least `min_iterations`
/// executions were explored.
///
/// Take the floor from a measured run: a model that stops exploring (a role moved to the main thread, an assertion
/// that returns early) then fails instead of passing for nothing.
pub fn check(name: &str, bound: Option<usize>, min_iterations: usize, model: impl Fn() + Send + Sync + 'static) {
    if mutation_to_run().is_some() {
        return;
    }
    let iterations = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&iterations);
    let started = Instant::now();
    builder(bound).check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let explored = iterations.load(Ordering::Relaxed);
    let bound = bound.map_or("no bound".to_owned(), |bound| format!("bound {bound}"));
    report(&format!("{name}: {explored} iterations, {bound}, {:.2?}", started.elapsed()));
    assert!(explored >= min_iterations, "{name}: explored {explored} orders only, the floor is {min_iterations}");
}

/// Asserts that `model` fails when the mutation `name` is planted in the source it runs.
///
/// The model runs in a process of its own, since loom aborts on some failures (a deadlock drops guards outside of the
/// model): this test's executable is started once more with the name in its environment, and does nothing else then.
pub fn mutation_is_caught(name: &'static str, model: impl Fn() + Send + Sync + 'static) {
    if let Some(planted) = mutation_to_run() {
        if planted == name {
            report(&planted_line(name));
            with_mutation(name, || builder(Some(MUTATION_BOUND)).check(model));
        }
        return;
    }
    let executable = std::env::current_exe().expect("a running test has an executable");
    let run =
        Command::new(executable).arg("--nocapture").env(MUTATION, name).output().expect("it can be started again");
    assert!(String::from_utf8_lossy(&run.stdout).contains(&planted_line(name)), "the model of \"{name}\" was not run");
    assert!(!run.status.success(), "the planted bug \"{name}\" went unnoticed: the model proves nothing");
    report(&format!("{name}: caught"));
}

/// The mutation that this process was started for.
fn mutation_to_run() -> Option<String> {
    std::env::var(MUTATION).ok()
}

fn planted_line(name: &str) -> String {
    format!("planted: {name};")
}

/// One side of a model, for [`run`].
pub fn side(role: impl FnOnce() + 'static) -> Box<dyn FnOnce()> {
    Box::new(role)
}

/// Spawns every side and waits for all of them: no role is ever played by the main thread.
pub fn run<const N: usize>(sides: [Box<dyn FnOnce()>; N]) {
    let sides = sides.map(loom::thread::spawn);
    for side in sides {
        side.join().expect("loom stops the whole model when a side panics");
    }
}

/// Loom's builder, with environment variables left to say otherwise about everything but the bound.
fn builder(bound: Option<usize>) -> loom::model::Builder {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = builder.max_branches.max(BRANCHES_MAX);
    builder.preemption_bound = bound;
    builder
}

/// Writes to the test's output, shown with `--nocapture`.
#[allow(clippy::print_stdout)]
fn report(line: &str) {
    println!("{line}");
}
