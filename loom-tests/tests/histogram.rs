//! Models of the histogram: no value is lost, and the largest is the largest.

use brummer_loom_tests::sync::Histogram;
use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::{check, mutation_is_caught, run, side};

fn two_record(values: [u64; 2]) {
    let histogram = Arc::new(Histogram::new());
    run(values.map(|value| {
        let histogram = Arc::clone(&histogram);
        side(move || histogram.record(value))
    }));
    let snapshot = histogram.snapshot();
    assert_eq!(snapshot.count(), 2);
    assert_eq!(snapshot.max(), values[0].max(values[1]));
    assert_eq!(snapshot.mean(), (values[0] + values[1]) as f64 / 2.0);
}

#[test]
fn no_value_is_lost() {
    check("histogram, two values", None, 150, || two_record([3, 5]));
    check("histogram, one value twice", None, 400, || two_record([5, 5]));
}

#[test]
fn a_count_in_two_steps_is_caught() {
    mutation_is_caught("histogram: load and store", || two_record([5, 5]));
}
