//! Hints that wait to be claimed, by workspace and lane: one that has to wait for its quota holds up no other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::stream::{Lane, Received};

/// Who waits together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct QueueKey {
    pub(super) workspace: String,
    pub(super) lane: Lane,
}

/// A hint and its place among those that the process holds.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) received: Received,
    pub(super) _place: OwnedSemaphorePermit,
}

/// A queue exists from its first hint until its worker finds it empty.
#[derive(Default)]
pub(super) struct Queues {
    queues: Mutex<HashMap<QueueKey, VecDeque<Held>>>,
}

impl Queues {
    /// Adds a hint. A key in the answer means that the queue is new and needs a worker.
    pub(super) fn push(&self, held: Held) -> Option<QueueKey> {
        let key = QueueKey {
            workspace: held.received.hint.workspace.clone(),
            lane: held.received.lane,
        };
        let mut queues = self.lock();
        let is_new = !queues.contains_key(&key);
        queues.entry(key.clone()).or_default().push_back(held);
        is_new.then_some(key)
    }

    /// Takes the oldest hints.
    pub(super) fn take(&self, key: &QueueKey, most: usize) -> Vec<Held> {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(key) else {
            return Vec::new();
        };
        let count = most.min(queue.len());
        queue.drain(..count).collect()
    }

    /// Hints that wait.
    pub(super) fn len(&self, key: &QueueKey) -> usize {
        self.lock().get(key).map_or(0, VecDeque::len)
    }

    /// Ends an empty queue; true if it has ended.
    pub(super) fn end_if_empty(&self, key: &QueueKey) -> bool {
        let mut queues = self.lock();
        let is_empty = queues.get(key).is_none_or(VecDeque::is_empty);
        if is_empty {
            queues.remove(key);
        }
        is_empty
    }

    /// Ends a queue with all its hints, whose entries stay pending.
    pub(super) fn abandon(&self, key: &QueueKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<QueueKey, VecDeque<Held>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
