//! A task in four words: a closure of up to three words lies in it, a bigger one in a box.
//!
//! **Shape**: made by one thread, moved through queues, run or dropped once by another. **Invariants** I1: `data` holds a
//! valid `F` of exactly the type whose table it points to, from [`Task::new`] until `run` or `drop` takes it out.
//! I2: `F: Send`, so the thread that takes it out may be any. **Progress**: wait-free. **Limits**: alignment up to that
//! of a word; anything else is boxed. **Checked by**: the tests below (under Miri too).

use std::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};

type Data = MaybeUninit<[usize; 3]>;

pub(super) struct Task {
    data: Data,
    table: &'static Table,
}

struct Table {
    run: unsafe fn(*mut Data),
    drop: unsafe fn(*mut Data),
}

struct TableOf<F>(std::marker::PhantomData<F>);

impl<F: FnOnce()> TableOf<F> {
    const TABLE: Table = Table { run: run::<F>, drop: drop_in_place::<F> };
}

/// # Safety
/// `data` holds an `F`, which this call takes out.
unsafe fn run<F: FnOnce()>(data: *mut Data) {
    // SAFETY: the caller's promise; I1 gives type and alignment.
    let task = unsafe { data.cast::<F>().read() };
    task();
}

/// # Safety
/// `data` holds an `F`, which this call ends.
unsafe fn drop_in_place<F>(data: *mut Data) {
    // SAFETY: the caller's promise; I1 gives type and alignment.
    unsafe { data.cast::<F>().drop_in_place() }
}

impl Task {
    #[inline]
    pub(super) fn new<F: FnOnce() + Send + 'static>(work: F) -> Task {
        if size_of::<F>() <= size_of::<Data>() && align_of::<F>() <= align_of::<Data>() {
            Task::inline(work)
        } else {
            Task::inline(Box::new(work))
        }
    }

    #[inline]
    fn inline<F: FnOnce() + Send + 'static>(work: F) -> Task {
        const { assert!(size_of::<Box<u8>>() <= size_of::<Data>()) };
        let mut data = Data::uninit();
        // SAFETY: `new` has compared size and alignment, and a box's closure is one word; this makes I1 true.
        unsafe { data.as_mut_ptr().cast::<F>().write(work) };
        Task { data, table: const { &TableOf::<F>::TABLE } }
    }

    #[inline]
    pub(super) fn run(self) {
        let mut task = ManuallyDrop::new(self);
        // SAFETY: I1 holds, and `ManuallyDrop` keeps `drop` from taking the closure a second time.
        unsafe { (task.table.run)(&mut task.data) }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // SAFETY: I1 holds: `run` would have forgotten the task.
        unsafe { (self.table.drop)(&mut self.data) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn count(ran: &Arc<AtomicUsize>) -> usize {
        ran.load(Ordering::Relaxed)
    }

    #[test]
    fn wp01_small_and_big_closures_run_once_and_are_freed() {
        let ran = Arc::new(AtomicUsize::new(0));
        let (small, big) = (Arc::clone(&ran), Arc::clone(&ran));
        let ballast = [7_u64; 16];
        Task::new(move || {
            small.fetch_add(1, Ordering::Relaxed);
        })
        .run();
        Task::new(move || {
            big.fetch_add(ballast[3] as usize, Ordering::Relaxed);
        })
        .run();
        Task::new(|| {}).run();
        assert_eq!((count(&ran), Arc::strong_count(&ran)), (8, 1));
        assert_eq!(size_of::<Task>(), 4 * size_of::<usize>());
    }

    #[test]
    fn a_task_that_never_ran_frees_what_it_holds() {
        let held = Arc::new(AtomicUsize::new(0));
        let (small, big) = (Arc::clone(&held), (Arc::clone(&held), [0_u64; 16]));
        drop(Task::new(move || drop(small)));
        drop(Task::new(move || drop(big)));
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_closure_with_a_big_alignment_is_boxed() {
        #[repr(align(64))]
        struct Wide(u8);
        let (wide, seen) = (Wide(3), Arc::new(AtomicUsize::new(0)));
        let out = Arc::clone(&seen);
        Task::new(move || {
            let wide = &wide;
            assert_eq!(std::ptr::from_ref(wide).addr() % 64, 0);
            out.store(wide.0 as usize, Ordering::Relaxed);
        })
        .run();
        assert_eq!(count(&seen), 3);
    }
}
