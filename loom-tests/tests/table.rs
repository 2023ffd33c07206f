//! Models of the seqlock table: a key never reaches another row, and no row is lost or given out twice.

use brummer_loom_tests::sync::shim::Arc;
use brummer_loom_tests::sync::{Key, SeqTable};
use brummer_loom_tests::{check, mutation_is_caught, run, side};

fn a_late_write_beside_a_new_row() {
    let table = Arc::new(SeqTable::<1>::with_capacity(1));
    let old = table.insert([1]).expect("it is empty");
    let late = Arc::clone(&table);
    run([
        side(move || {
            assert!(table.remove(old));
            let new = table.insert([5]).expect("it was freed");
            assert_eq!(table.read(new), Some([5]), "the key of a row that is gone changed another");
        }),
        side(move || _ = late.write(old, [9])),
    ]);
}

#[test]
fn sy11_a_late_write_does_not_reach_the_row_that_came_after() {
    check("table, remove and insert, late write", None, 30_000, a_late_write_beside_a_new_row);
}

#[test]
fn sy11_a_late_read_sees_the_old_row_or_none() {
    check("table, remove, late read", None, 2_700, || {
        let table = Arc::new(SeqTable::<1>::with_capacity(1));
        let old = table.insert([1]).expect("it is empty");
        let late = Arc::clone(&table);
        run([
            side(move || assert!(table.remove(old))),
            side(move || assert!(matches!(late.read(old), None | Some([1])))),
        ]);
    });
    // The bigger sibling: too long without a bound.
    check("table, remove and insert, late read", Some(2), 4_000, || {
        let table = Arc::new(SeqTable::<1>::with_capacity(1));
        let old = table.insert([1]).expect("it is empty");
        let late = Arc::clone(&table);
        run([
            side(move || {
                assert!(table.remove(old));
                table.insert([5]).expect("it was freed");
            }),
            side(move || assert!(matches!(late.read(old), None | Some([1])))),
        ]);
    });
}

/// Generation and words change together: the key is known beforehand, and never shows what was in the row before.
#[test]
fn sy11_an_early_read_sees_the_new_row_or_none() {
    check("table, insert, early read", None, 10_000, || {
        let table = Arc::new(SeqTable::<1>::with_capacity(1));
        let key = Key::from_u64(1 << 32).expect("a row's first generation is 1");
        let early = Arc::clone(&table);
        run([
            side(move || assert_eq!(table.insert([5]), Ok(key))),
            side(move || assert!(matches!(early.read(key), None | Some([5])))),
        ]);
    });
}

#[test]
fn sy11_one_of_two_removes_frees_the_row() {
    check("table, 2 removes", None, 400, || {
        let table = Arc::new(SeqTable::<1>::with_capacity(1));
        let key = table.insert([1]).expect("it is empty");
        let (first, second) = (Arc::clone(&table), Arc::clone(&table));
        run([side(move || _ = first.remove(key)), side(move || _ = second.remove(key))]);
        assert!(table.insert([2]).is_ok(), "freed");
        assert!(table.insert([3]).is_err(), "freed twice");
    });
}

/// One side pops; the other pops both rows, gives the first back and pops again: in between the head looks as before, but
/// its `next` is live. A row that is given out twice ends with an even generation, which `insert` refuses to make a key of.
fn a_pop_beside_pop_pop_push_pop() {
    let table = Arc::new(SeqTable::<0>::with_capacity(2));
    let other = Arc::clone(&table);
    run([
        side(move || _ = table.insert([])),
        side(move || {
            if let (Ok(first), Ok(second)) = (other.insert([]), other.insert([])) {
                assert!(other.remove(first));
                assert_ne!(other.insert([]).map(|third| third.index()), Ok(second.index()), "given out twice");
                assert!(other.read(second).is_some());
            }
        }),
    ]);
}

#[test]
fn sy11_no_row_is_given_out_twice() {
    check("table, free stack, 2 rows", None, 300, a_pop_beside_pop_pop_push_pop);
}

#[test]
fn sy11_a_weak_key_and_a_stack_without_tags_are_caught() {
    mutation_is_caught("table: generation compared before the claim", a_late_write_beside_a_new_row);
    mutation_is_caught("table: no tag on the free stack", a_pop_beside_pop_pop_push_pop);
}
