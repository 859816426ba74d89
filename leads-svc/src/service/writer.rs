//! Group commit: writes of one workspace that arrive while others are under way share the next transaction.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use leads_runtime::process::tasks::TaskSet;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::storage::{Error, Store, capture::Sealed};

/// Most writes of one transaction.
const MAX_GROUP: usize = 128;

/// How a write ended.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is durable.
    Stored,
    /// Nothing of it is stored. The error may be that of a neighbour in its group.
    Failed(Arc<Error>),
}

/// See the module. Clones share the queues.
#[derive(Debug, Clone)]
pub struct Writer {
    store: Store,
    tasks: TaskSet,
    queues: Arc<Mutex<HashMap<Uuid, Queue>>>,
}

/// Writes of one workspace.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Groups under way.
    groups: usize,
    /// What the groups under way touch.
    claimed: HashSet<Vec<u8>>,
}

#[derive(Debug)]
struct Waiting {
    write: Sealed,
    alone: bool,
    done: oneshot::Sender<Verdict>,
}

impl Writer {
    /// A writer without work.
    pub fn new(store: Store, tasks: TaskSet) -> Self {
        Self {
            store,
            tasks,
            queues: Arc::default(),
        }
    }

    /// Stores a write, together with others of its workspace unless `alone`. Once called it runs to its end, even if
    /// the caller stops waiting.
    pub async fn submit(&self, workspace: Uuid, write: Sealed, alone: bool) -> Verdict {
        let (done, verdict) = oneshot::channel();
        let starts = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let queue = queues.entry(workspace).or_default();
            queue.waiting.push_back(Waiting { write, alone, done });
            let starts = queue.groups < self.store.writers();
            queue.groups += usize::from(starts);
            starts
        };
        if starts {
            let writer = self.clone();
            self.tasks
                .spawn("writer", async move { writer.work_off(workspace).await });
        }
        verdict.await.unwrap_or_else(|_| {
            Verdict::Failed(Arc::new(Error::inconsistent(
                "writer",
                "group",
                workspace,
                "ended without an answer",
            )))
        })
    }

    /// Writes groups until nothing waits that may start. A queue exists in the map exactly while this runs for it.
    async fn work_off(&self, workspace: Uuid) {
        let mut finished = Vec::new();
        loop {
            let group = {
                let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(queue) = queues.get_mut(&workspace) else {
                    return;
                };
                for claim in &finished {
                    queue.claimed.remove(claim);
                }
                let (group, claims) = next_group(queue);
                if group.is_empty() {
                    // What still waits is held up by another group, whose task looks again after it.
                    queue.groups -= 1;
                    if queue.groups == 0 {
                        queues.remove(&workspace);
                    }
                    return;
                }
                finished = claims;
                group
            };
            let (writes, waiting): (Vec<_>, Vec<_>) =
                group.into_iter().map(|item| (item.write, item.done)).unzip();
            let verdict = match self.store.write(workspace, writes).await {
                Ok(()) => Verdict::Stored,
                Err(error) => Verdict::Failed(Arc::new(error)),
            };
            for done in waiting {
                // The caller may have stopped waiting; the write stands all the same.
                let _ = done.send(verdict.clone());
            }
        }
    }
}

/// The next writes that can share a transaction, and what they touch: none that wants to be alone, no two of the same
/// person or request, nor of one that is under way.
fn next_group(queue: &mut Queue) -> (Vec<Waiting>, Vec<Vec<u8>>) {
    let (mut group, mut claims) = (Vec::new(), Vec::new());
    while group.len() < MAX_GROUP {
        let Some(next) = queue.waiting.front() else { break };
        let wanted = next.write.claims();
        let is_taken = wanted.iter().any(|claim| queue.claimed.contains(claim));
        if is_taken || (next.alone && !group.is_empty()) {
            break;
        }
        let Some(next) = queue.waiting.pop_front() else {
            break;
        };
        let alone = next.alone;
        queue.claimed.extend(wanted.iter().cloned());
        claims.extend(wanted);
        group.push(next);
        if alone {
            break;
        }
    }
    (group, claims)
}
