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

/// `count` values of zeros, as `make` makes them; memory that comes fresh from the system is not touched.
///
/// # Safety
/// A `T` may be all zeros.
#[cfg(not(loom))]
pub(super) unsafe fn zeroed<T>(count: usize, _make: impl Fn() -> T) -> Box<[T]> {
    // SAFETY: by the contract of this function.
    unsafe { Box::new_zeroed_slice(count).assume_init() }
}

/// As the other, with loom's types, which are not made of zeros.
///
/// # Safety
/// None here.
#[cfg(loom)]
pub unsafe fn zeroed<T>(count: usize, make: impl Fn() -> T) -> Box<[T]> {
    (0..count).map(|_| make()).collect()
}

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
