//! Jobs of a person who is being erased: those that may have left something in a CRM become erasures, the others go.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use leads_runtime::clock::Clock;
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::system::{Hint, Hints};
use crate::{
    domain::{
        activity::Kind,
        ids,
        sync::{Action, JobState, Provider, connector_name},
    },
    storage::{
        Transaction,
        entity::{activity, connection, sync_job},
        error::Result,
        jobs::{publish::ERASURES, records::known, report::store, write::Want},
        scope,
        transaction::Prior,
    },
};

/// What became of a person's jobs.
#[derive(Debug, Default)]
pub struct Owed {
    /// By CRM: how many records are to be erased; none if the CRM may have one and cannot be reached.
    pub systems: BTreeMap<&'static str, Option<u64>>,
    /// Hints that may be on the streams.
    pub hints: Hints,
    /// Jobs that were deleted.
    pub deleted: u64,
}

/// Turns the jobs of leads that are being deleted into erasures where a CRM may have a record, and deletes the others.
/// Whoever calls has locked the leads.
pub async fn owe(
    transaction: &Transaction,
    clock: &Clock,
    workspace: Uuid,
    leads: &[Uuid],
    erasure: Uuid,
) -> Result<Owed> {
    let now = clock.now();
    let jobs = scope::select::<sync_job::Entity>(workspace)
        .filter(sync_job::Column::LeadId.is_in(leads.iter().copied()))
        // In the order in which everybody locks jobs, so that nobody waits in a circle.
        .order_by_asc(sync_job::Column::LeadId)
        .lock_exclusive()
        .all(&**transaction)
        .await?;
    let connections = scope::select::<connection::Entity>(workspace)
        .all(&**transaction)
        .await?;
    // A job that was made by a later connection knows nothing of what an earlier one wrote.
    let synced: HashSet<(Uuid, String)> = scope::select::<activity::Entity>(workspace)
        .select_only()
        .columns([activity::Column::LeadId, activity::Column::Actor])
        .distinct()
        .filter(activity::Column::LeadId.is_in(leads.iter().copied()))
        .filter(activity::Column::Kind.eq(Kind::Synced.word()))
        .into_tuple::<(Uuid, String)>()
        .all(&**transaction)
        .await?
        .into_iter()
        .collect();
    let mut owed = Owed::default();
    for provider in Provider::ALL {
        let connector = connector_name(provider.name());
        let Some(connection) = connections.iter().find(|row| row.provider == provider.name()) else {
            if synced.iter().any(|(_, by)| *by == connector) {
                owed.systems.insert(provider.name(), None);
            }
            continue;
        };
        let mut records = 0;
        for lead in leads {
            let job = jobs
                .iter()
                .find(|job| job.lead_id == *lead && job.provider == provider.name());
            let may_exist =
                synced.contains(&(*lead, connector.clone())) || job.is_some_and(may_have_left_something);
            match job {
                Some(job) if may_exist => {
                    turn(transaction, job.clone(), connection.id, erasure, now).await?;
                }
                None if may_exist => {
                    let row = anew(clock, workspace, connection.id, *lead, provider, erasure);
                    transaction
                        .insert::<sync_job::Entity>(workspace, vec![row])
                        .await?;
                }
                Some(_) | None => continue,
            }
            records += 1;
        }
        owed.systems.insert(provider.name(), Some(records));
    }
    owed.hints = Hints(jobs.iter().map(hint).collect());
    let deleted = scope::delete::<sync_job::Entity>(workspace)
        .filter(sync_job::Column::LeadId.is_in(leads.iter().copied()))
        .filter(sync_job::Column::Action.ne(Action::Erase.word()))
        .exec(&**transaction)
        .await?;
    owed.deleted = deleted.rows_affected;
    Ok(owed)
}

/// Whether a CRM may have a record that a job made, or get one from a write that is under way.
fn may_have_left_something(job: &sync_job::Model) -> bool {
    !known(job).is_empty() || job.unknown_outcome || job.verifying || job.state == JobState::Running.word()
}

/// A write that is under way keeps its lease: its report, or the end of the lease, makes the erasure due.
async fn turn(
    transaction: &Transaction,
    job: sync_job::Model,
    connection: Uuid,
    erasure: Uuid,
    now: DateTime<Utc>,
) -> Result<()> {
    let is_running = job.state == JobState::Running.word();
    let (workspace, id) = (job.workspace_id, job.id);
    let mut job = job.into_active_model();
    if !is_running {
        job.state = Set(JobState::Pending.word().to_owned());
    }
    job.action = Set(Action::Erase.word().to_owned());
    job.erasure_id = Set(Some(erasure));
    job.connection_id = Set(connection);
    job.lane = Set(ERASURES.rank());
    job.attempt = Set(0);
    job.failing_since = Set(None);
    job.publish_count = Set(0);
    job.next_at = Set(now);
    job.first_pending_at = Set(now);
    job.verifying = Set(false);
    job.url = Set(String::new());
    job.traceparent = Set(String::new());
    job.reason = Set(None);
    store(transaction, workspace, id, job).await
}

fn anew(
    clock: &Clock,
    workspace: Uuid,
    connection: Uuid,
    lead: Uuid,
    provider: Provider,
    erasure: Uuid,
) -> sync_job::Model {
    let want = Want {
        id: leads_runtime::ids::new_id(clock),
        connection,
        lead,
        provider,
        revision: 0,
        lane: ERASURES,
        traceparent: String::new(),
        prior: Prior::Absent,
        forced: false,
        at: clock.now(),
    };
    sync_job::Model {
        action: Action::Erase.word().to_owned(),
        claimed_action: Action::Erase.word().to_owned(),
        erasure_id: Some(erasure),
        ..want.into_row(workspace)
    }
}

fn hint(job: &sync_job::Model) -> Hint {
    Hint {
        job: ids::format::<ids::Job>(job.id),
        generation: job.generation,
    }
}
