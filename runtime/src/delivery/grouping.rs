//! Sorts granted jobs into batches that one vendor call can take.

use std::collections::{HashMap, HashSet};

use leads_proto::leads::connector::v1::Action;
use tokio::time::Instant;

use super::connector::WorkItem;
use super::queue::Held;

/// A job that is ours.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) item: WorkItem,
    pub(super) connection_id: String,
    pub(super) connection_version: i64,
    pub(super) action: Action,
    pub(super) lease_until: Instant,
    pub(super) held: Held,
}

/// Jobs that go together.
#[derive(Debug)]
pub(super) struct WorkBatch {
    pub(super) connection_id: String,
    pub(super) action: Action,
    pub(super) jobs: Vec<Granted>,
}

impl WorkBatch {
    /// When the first lease ends.
    pub(super) fn lease_until(&self) -> Instant {
        self.jobs
            .iter()
            .map(|job| job.lease_until)
            .min()
            .unwrap_or_else(Instant::now)
    }

    /// The newest version of the connection that a grant named.
    pub(super) fn connection_version(&self) -> i64 {
        self.jobs
            .iter()
            .map(|job| job.connection_version)
            .max()
            .unwrap_or_default()
    }

    /// Whether it is one job that has to be alone.
    pub(super) fn is_solo(&self) -> bool {
        self.jobs.iter().any(|job| job.item.solo)
    }
}

/// Batches of one connection and action with at most `most` jobs each, in the order of the grants; a solo job is alone.
/// The second part has jobs to leads that a batch holds already: one row per lead.
pub(super) fn into_batches(granted: Vec<Granted>, most: usize) -> (Vec<WorkBatch>, Vec<Granted>) {
    let mut batches: Vec<WorkBatch> = Vec::new();
    let mut open: HashMap<(String, Action), usize> = HashMap::new();
    let mut leads = HashSet::new();
    let mut doubled = Vec::new();
    for job in granted {
        if !leads.insert(job.item.lead.lead_id.clone()) {
            doubled.push(job);
            continue;
        }
        let key = (job.connection_id.clone(), job.action);
        let index = if job.item.solo {
            None
        } else {
            open.get(&key).copied()
        };
        match index
            .and_then(|index| batches.get_mut(index))
            .filter(|batch| batch.jobs.len() < most)
        {
            Some(batch) => batch.jobs.push(job),
            None => {
                let (connection_id, action) = key.clone();
                if !job.item.solo {
                    open.insert(key, batches.len());
                }
                batches.push(WorkBatch {
                    connection_id,
                    action,
                    jobs: vec![job],
                });
            }
        }
    }
    (batches, doubled)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use leads_proto::leads::connector::v1::LeadSnapshot;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::stream::{EntryId, JobHint, Lane, Received};

    fn granted(lead: &str, connection: &str, action: Action, solo: bool) -> Granted {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let hint = JobHint {
            job: lead.into(),
            generation: 1,
            workspace: "w".into(),
            traceparent: String::new(),
        };
        let item = WorkItem {
            job_id: format!("job-{lead}"),
            lease_token: "t".into(),
            lead: LeadSnapshot {
                lead_id: lead.into(),
                ..LeadSnapshot::default()
            },
            record_ids: Vec::new(),
            lead_ids: Vec::new(),
            attempt: 0,
            solo,
            traceparent: String::new(),
        };
        Granted {
            item,
            connection_id: connection.into(),
            connection_version: 1,
            action,
            lease_until: Instant::now(),
            held: Held {
                received: Received {
                    id: EntryId::default(),
                    lane: Lane::Normal,
                    hint,
                },
                _place: place,
            },
        }
    }

    #[test]
    fn batches_keep_connections_actions_and_solo_jobs_apart() {
        let jobs = vec![
            granted("a", "c1", Action::Write, false),
            granted("b", "c2", Action::Write, false),
            granted("c", "c1", Action::Write, true),
            granted("d", "c1", Action::Verify, false),
            granted("e", "c1", Action::Write, false),
            granted("f", "c1", Action::Write, false),
            granted("a", "c1", Action::Write, false),
        ];
        let (batches, doubled) = into_batches(jobs, 2);
        let leads: Vec<String> = batches
            .iter()
            .map(|batch| {
                batch
                    .jobs
                    .iter()
                    .map(|job| job.item.lead.lead_id.as_str())
                    .collect()
            })
            .collect();
        assert_eq!(leads, ["ae", "b", "c", "d", "f"]);
        assert_eq!(doubled.len(), 1);
        assert_eq!(doubled[0].item.lead.lead_id, "a");
    }
}
