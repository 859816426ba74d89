//! Group commit: writes of one workspace that arrive while another is under way share the next transaction.

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
    queues: Arc<Mutex<HashMap<Uuid, VecDeque<Waiting>>>>,
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
        let is_first = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = !queues.contains_key(&workspace);
            queues
                .entry(workspace)
                .or_default()
                .push_back(Waiting { write, alone, done });
            is_first
        };
        if is_first {
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

    /// Writes groups until the queue is empty. A queue exists in the map exactly while this runs for it.
    async fn work_off(&self, workspace: Uuid) {
        loop {
            let group = {
                let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(queue) = queues.get_mut(&workspace) else {
                    return;
                };
                let group = next_group(queue);
                if group.is_empty() {
                    queues.remove(&workspace);
                    return;
                }
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

/// The next writes that can share a transaction: none that wants to be alone, no two of the same person or request.
fn next_group(queue: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut group = Vec::new();
    let mut claimed: HashSet<Vec<u8>> = HashSet::new();
    while group.len() < MAX_GROUP {
        let Some(next) = queue.front() else { break };
        let claims = next.write.claims();
        if !group.is_empty() && (next.alone || claims.iter().any(|claim| claimed.contains(claim))) {
            break;
        }
        let Some(next) = queue.pop_front() else { break };
        let alone = next.alone;
        claimed.extend(claims);
        group.push(next);
        if alone {
            break;
        }
    }
    group
}
