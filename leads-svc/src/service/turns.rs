//! Turns per person: captures of one person in this process go one after the other, so that they do not keep
//! repeating each other's plans. Between replicas the compare-and-set of the write decides.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// People that share a turn by chance wait for each other: few, among this many.
const STRIPES: usize = 4_096;

/// See the module. Clones share the turns.
#[derive(Debug, Clone)]
pub struct Turns(Arc<[Mutex<()>]>);

impl Turns {
    /// Takes the turn of a person, named by address and visitor id, or by lead where only that is known.
    pub async fn take(&self, workspace: Uuid, names: &[&str]) -> Vec<MutexGuard<'_, ()>> {
        let stripe = |name: &&str| {
            let mut hasher = DefaultHasher::new();
            (workspace, name).hash(&mut hasher);
            usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default()
        };
        // In order, so that nobody waits in a circle.
        let stripes: BTreeSet<usize> = names.iter().map(stripe).collect();
        let mut turns = Vec::with_capacity(stripes.len());
        for turn in stripes.into_iter().filter_map(|stripe| self.0.get(stripe)) {
            turns.push(turn.lock().await);
        }
        turns
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| Mutex::default()).collect())
    }
}
