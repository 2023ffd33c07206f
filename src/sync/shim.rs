//! The only file that names std's or loom's atomics, threads and cells: everything lock-free is written against these names.
//!
//! `loom-tests` compiles the sources of this folder with `cfg(loom)`, and gets loom's types; everybody else gets std's.
//! A `Condvar`, `Mutex` and `thread` are here for the parker and for models; no other primitive blocks.

#[cfg(not(loom))]
pub use std::{
    hint,
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(loom)]
pub use loom::{
    hint,
    sync::{Arc, Condvar, Mutex, MutexGuard, atomic},
    thread,
};

#[cfg(loom)]
pub use loom::cell::UnsafeCell;

/// Reference counts with weak links, which loom's `Arc` lacks: std's in models too, so loom sees what they hold but not the counts.
pub mod counted {
    pub use std::sync::{Arc, Weak};
}

/// `std`'s cell with loom's access methods, so that loom can see every access to plain memory.
#[cfg(not(loom))]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer that may be read through.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Calls `f` with a pointer that may be written through.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Values that began as zeros, in memory of which the system gives a page when it is first written.
///
/// A boxed slice would do, but for values that are aligned to more than two words, as rows on cache lines are: for those
/// std writes the zeros itself, and so every page.
#[cfg(not(loom))]
pub(super) struct Zeroed<T> {
    words: std::ptr::NonNull<[u64]>,
    values: std::ptr::NonNull<[T]>,
}

/// As the other.
#[cfg(loom)]
pub type Zeroed<T> = Box<[T]>;

/// `count` values of zeros, as `make` makes them.
///
/// # Safety
/// A `T` may be all zeros.
#[cfg(not(loom))]
pub(super) unsafe fn zeroed<T>(count: usize, _make: impl Fn() -> T) -> Zeroed<T> {
    const { assert!(!std::mem::needs_drop::<T>(), "values are not dropped") };
    let bytes = size_of::<T>().checked_mul(count).and_then(|bytes| bytes.checked_add(align_of::<T>()));
    let words = bytes.expect("fewer values than memory has bytes").div_ceil(size_of::<u64>());
    // SAFETY: a word may be zero.
    let words = unsafe { Box::<[u64]>::new_zeroed_slice(words).assume_init() };
    let words = std::ptr::NonNull::from(Box::leak(words));
    let bytes = words.cast::<u8>();
    // SAFETY: the words are longer than the values by the alignment, and the offset is below that.
    let first = unsafe { bytes.add(bytes.align_offset(align_of::<T>())) }.cast();
    Zeroed { words, values: std::ptr::NonNull::slice_from_raw_parts(first, count) }
}

/// As the other, with loom's types, which are not made of zeros.
///
/// # Safety
/// None here.
#[cfg(loom)]
pub unsafe fn zeroed<T>(count: usize, make: impl Fn() -> T) -> Zeroed<T> {
    (0..count).map(|_| make()).collect()
}

#[cfg(not(loom))]
impl<T> std::ops::Deref for Zeroed<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: aligned values within the words, each valid from the start; they live as long as this does.
        unsafe { self.values.as_ref() }
    }
}

#[cfg(not(loom))]
impl<T: std::fmt::Debug> std::fmt::Debug for Zeroed<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(&**self).finish()
    }
}

#[cfg(not(loom))]
impl<T> Drop for Zeroed<T> {
    fn drop(&mut self) {
        // SAFETY: these came from a box, and nobody has the values any more.
        drop(unsafe { Box::from_raw(self.words.as_ptr()) });
    }
}

// SAFETY: it owns its values.
#[cfg(not(loom))]
unsafe impl<T: Send> Send for Zeroed<T> {}
// SAFETY: it only lends its values.
#[cfg(not(loom))]
unsafe impl<T: Sync> Sync for Zeroed<T> {}

/// Whether the named mutation is planted: always false outside of the models, where it costs nothing.
///
/// Each primitive has one place `if planted("seqlock: no release fence") { … }` that weakens it, and a model that must
/// fail when it is on; so a model that stopped exploring is noticed.
#[cfg(not(loom))]
#[inline(always)]
pub const fn planted(_name: &str) -> bool {
    false
}

#[cfg(loom)]
mod mutation {
    use std::cell::Cell;

    std::thread_local! {
        static PLANTED: Cell<&'static str> = const { Cell::new("") };
    }

    /// Whether the named mutation is planted in this model.
    pub fn planted(name: &str) -> bool {
        PLANTED.with(|planted| planted.get() == name)
    }

    /// Runs `model` with the named mutation planted. Loom runs all threads of a model on the caller's thread.
    pub fn with_mutation<R>(name: &'static str, model: impl FnOnce() -> R) -> R {
        PLANTED.with(|planted| planted.set(name));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(model));
        PLANTED.with(|planted| planted.set(""));
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(loom)]
pub use mutation::{planted, with_mutation};
