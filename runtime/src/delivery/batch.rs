//! Turns single questions into batches without waiting: what gathers while one batch is away makes up the next.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

use crate::process::tasks::TaskSet;

/// Questions that wait; more than that hold up those who ask.
const WAITING: usize = 10_000;

/// Asks in batches. Clones share the queue.
pub(super) struct Batcher<Q, A> {
    queue: mpsc::Sender<(Q, oneshot::Sender<A>)>,
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
        }
    }
}

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// Starts a task that asks `ask` with up to `most` questions at a time, one batch after the other. It answers in the
    /// order of the questions; those beyond the last answer go without one. The task ends when all clones are gone.
    pub(super) fn start<F, Fut>(tasks: &TaskSet, name: &'static str, most: usize, ask: F) -> Self
    where
        F: Fn(Vec<Q>) -> Fut + Send + 'static,
        Fut: Future<Output = Vec<A>> + Send,
    {
        let (queue, mut waiting) = mpsc::channel::<(Q, oneshot::Sender<A>)>(WAITING);
        tasks.spawn(name, async move {
            let mut batch = Vec::with_capacity(most);
            while waiting.recv_many(&mut batch, most).await > 0 {
                let (questions, askers): (Vec<Q>, Vec<_>) = batch.drain(..).unzip();
                for (asker, answer) in askers.into_iter().zip(ask(questions).await) {
                    // Who asked may be gone.
                    let _ = asker.send(answer);
                }
            }
        });
        Self { queue }
    }

    /// Asks one question. `None` if there was no answer to it.
    pub(super) async fn ask(&self, question: Q) -> Option<A> {
        let (asker, answer) = oneshot::channel();
        self.queue.send((question, asker)).await.ok()?;
        answer.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::future::join_all;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_gathers_during_a_batch_goes_together_in_order() {
        let tasks = TaskSet::new(CancellationToken::new());
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = sizes.clone();
        let batcher = Batcher::start(&tasks, "doubling", 4, move |numbers: Vec<u32>| {
            seen.lock().unwrap().push(numbers.len());
            async move {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                numbers
                    .into_iter()
                    .filter(|number| *number != 9)
                    .map(|number| number * 2)
                    .collect()
            }
        });
        let first = batcher.ask(1);
        let rest = async {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            join_all((2..8).map(|number| batcher.ask(number))).await
        };
        let (first, rest) = tokio::join!(first, rest);
        assert_eq!(first, Some(2));
        assert_eq!(rest, [4, 6, 8, 10, 12, 14].map(Some));
        assert_eq!(*sizes.lock().unwrap(), [1, 4, 2]);
        assert_eq!(batcher.ask(9).await, None, "an answer too few is no answer");
    }
}
