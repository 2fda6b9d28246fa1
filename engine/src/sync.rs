//! The door to what threads share without waiting for each other, and to the locks beside it.
//!
//! With the feature `loom` or `shuttle` it leads to those checkers, which try schedules one after the
//! other (`engine/tests/models`); else it is the standard library and parking_lot and costs nothing. Code
//! that the models run takes its atomics and locks from here, the rest need not.

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod ordinary {
    pub use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
    pub use std::sync::atomic;

    /// Waits to be woken; the time is only there to look again if a wake was lost. Whether it passed.
    pub fn wait<'a, T>(
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
        at_most: std::time::Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let outcome = condvar.wait_for(&mut guard, at_most);
        (guard, outcome.timed_out())
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod modelled {
    #[cfg(feature = "loom")]
    use loom::sync as inner;
    #[cfg(not(feature = "loom"))]
    use shuttle::sync as inner;

    pub use inner::atomic;
    pub use inner::{Condvar, MutexGuard, RwLockReadGuard, RwLockWriteGuard};

    /// A mutex without poisoning, as parking_lot's.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(inner::Mutex<T>);

    impl<T> Mutex<T> {
        /// Around a value.
        pub fn new(inside: T) -> Self {
            Mutex(inner::Mutex::new(inside))
        }

        /// Waits for it.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(|_| unreachable!("a panic ends the model"))
        }
    }

    /// The same of a lock for many readers.
    #[derive(Debug)]
    pub struct RwLock<T>(inner::RwLock<T>);

    impl<T> RwLock<T> {
        /// Around a value.
        pub fn new(inside: T) -> Self {
            RwLock(inner::RwLock::new(inside))
        }

        /// Waits until nobody writes.
        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(|_| unreachable!("a panic ends the model"))
        }

        /// Waits until nobody else has it.
        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(|_| unreachable!("a panic ends the model"))
        }
    }

    /// Waits until woken. No time passes here, so a wake that is lost is a deadlock that is found.
    pub fn wait<'a, T>(
        condvar: &Condvar,
        guard: MutexGuard<'a, T>,
        _at_most: std::time::Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let guard = condvar.wait(guard);
        (guard.unwrap_or_else(|_| unreachable!("a panic ends the model")), false)
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
pub use modelled::*;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub use ordinary::*;
