//! Models of the sharded counter: no addition is lost, on one shard or on two.

use brummer_loom_tests::sync::ShardedCounter;
use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::{check, mutation_is_caught, run, side};

fn two_additions_on(shards: [usize; 2]) {
    let counter = Arc::new(ShardedCounter::new(2));
    run(shards.map(|shard| {
        let counter = Arc::clone(&counter);
        side(move || {
            counter.add_to(shard, 1);
            counter.add_to(shard, 1);
            assert!(counter.sum() >= 2, "does not see its own");
        })
    }));
    assert_eq!(counter.sum(), 4);
}

#[test]
fn no_addition_is_lost() {
    check("counter, one shard", None, 300, || two_additions_on([0, 0]));
    check("counter, two shards", None, 1_000, || two_additions_on([0, 1]));
}

#[test]
fn an_addition_in_two_steps_is_caught() {
    mutation_is_caught("counter: load and store", || two_additions_on([0, 0]));
}
