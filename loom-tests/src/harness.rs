//! Runs a model, counts what loom explored, and turns a planted bug that goes unnoticed into a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::sync::shim::with_mutation;

/// Branches in one execution before loom takes the model for an endless loop; ten times loom's default.
const BRANCHES_MAX: usize = 10_000;

/// The preemption bound for a planted bug: such a bug needs one or two badly placed switches.
const MUTATION_BOUND: usize = 3;

/// Explores `model` with at most `bound` preemptions (`None`: every order) and asserts that at least `min_iterations`
/// executions were explored.
///
/// Take the floor from a measured run: a model that stops exploring (a role moved to the main thread, an assertion
/// that returns early) then fails instead of passing for nothing.
pub fn check(name: &str, bound: Option<usize>, min_iterations: usize, model: impl Fn() + Send + Sync + 'static) {
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
pub fn mutation_is_caught(name: &'static str, model: impl Fn() + Send + Sync + 'static) {
    let caught = catch_unwind(AssertUnwindSafe(|| with_mutation(name, || builder(Some(MUTATION_BOUND)).check(model))));
    assert!(caught.is_err(), "the planted bug \"{name}\" went unnoticed: the model proves nothing");
    report(&format!("{name}: caught"));
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
