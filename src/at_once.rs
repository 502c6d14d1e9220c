//! Work in parts that threads may share. This room knows no threads: who has a report written says who does the parts.

use std::sync::OnceLock;

/// Calls a function with every number from 0 up to this one, in any order and maybe at the same time, and returns when all
/// calls have returned.
pub type AtOnce<'t> = dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Sync + 't;

/// What a function makes of every number from 0 up to `count`, in order.
pub fn each<T: Send + Sync>(at_once: &AtOnce<'_>, count: usize, make: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let made: Vec<OnceLock<T>> = (0..count).map(|_| OnceLock::new()).collect();
    at_once(count, &|number| drop(made[number].set(make(number))));
    made.into_iter().filter_map(OnceLock::into_inner).collect()
}
