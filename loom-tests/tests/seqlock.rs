//! Models of the seqlock: no reader sees half a write, no writer loses another's, whatever the order.

use brummer_loom_tests::sync::SeqLock;
use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::{check, mutation_is_caught, run, side};

fn whole(words: Option<[u64; 2]>) {
    if let Some([a, b]) = words {
        assert_eq!(a, b, "torn");
    }
}

fn one_write_one_read() {
    let lock = Arc::new(SeqLock::new([0, 0]));
    let read = Arc::clone(&lock);
    run([side(move || lock.write([1, 1])), side(move || whole(read.try_read()))]);
}

#[test]
fn sy11_a_read_beside_a_write_is_whole() {
    check("seqlock, 1 write, 1 read", None, 10_000, one_write_one_read);
}

/// A burst of `writes` under a claim that the writer has from the start and keeps, beside `reads`: whole, and never going back.
fn a_burst_beside_reads(writes: u64, reads: usize) {
    // Leaked, so that a writer made here can move to its side; the claim itself is the matter of other models.
    let lock: &'static SeqLock<2> = Box::leak(Box::new(SeqLock::new([0, 0])));
    let mut writer = lock.writer();
    let burst = side(move || {
        (1..=writes).for_each(|value| writer.write([value, value]));
        std::mem::forget(writer);
    });
    let reads = side(move || {
        let mut last = [0, 0];
        for words in (0..reads).filter_map(|_| lock.try_read()) {
            whole(Some(words));
            assert!(last <= words, "went back from {last:?} to {words:?}");
            last = words;
        }
    });
    run([burst, reads]);
}

#[test]
fn sy11_reads_beside_a_burst_are_whole_and_in_order() {
    check("seqlock, burst of 2, 1 read", None, 38_000, || a_burst_beside_reads(2, 1));
    check("seqlock, burst of 1, 2 reads", None, 10_000, || a_burst_beside_reads(1, 2));
    // The bigger sibling: too long without a bound.
    check("seqlock, burst of 2, 2 reads", Some(2), 8_000, || a_burst_beside_reads(2, 2));
}

#[test]
fn sy11_no_update_is_lost_between_two_writers() {
    check("seqlock, 2 updates", None, 1_000, || {
        let lock = Arc::new(SeqLock::new([0, 0]));
        run([(); 2].map(|()| {
            let lock = Arc::clone(&lock);
            side(move || lock.update(|words| words.map(|word| word + 1)))
        }));
        assert_eq!(lock.read(), [2, 2]);
    });
}

#[test]
fn sy11_a_read_beside_two_writers_is_whole() {
    check("seqlock, 2 writers, 1 read", Some(2), 20_000, || {
        let lock = Arc::new(SeqLock::new([0, 0]));
        let (first, second) = (Arc::clone(&lock), Arc::clone(&lock));
        run([
            side(move || first.write([1, 1])),
            side(move || second.write([2, 2])),
            side(move || whole(lock.try_read())),
        ]);
    });
}

#[test]
fn sy11_missing_fences_are_caught() {
    mutation_is_caught("seqlock: no release fence", one_write_one_read);
    mutation_is_caught("seqlock: no acquire fence", one_write_one_read);
}
