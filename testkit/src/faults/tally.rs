//! How many faults this process has injected, for the summary of a run. Noted where a fault is done, not where a test
//! says that it wants one.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

static TALLY: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());

/// Counts one fault; `kind` names it in the plural, such as `kills of Redis`.
pub fn note(kind: &'static str) {
    *TALLY
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(kind)
        .or_default() += 1;
}

/// Faults so far, by kind.
pub fn all() -> BTreeMap<&'static str, u64> {
    TALLY.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
