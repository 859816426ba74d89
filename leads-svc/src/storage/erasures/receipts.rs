//! What the systems say: receipts, and the audit log's record of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, TryIntoModel, sea_query::Expr,
};
use uuid::Uuid;

use super::jobs::Owed;
use crate::{
    domain::{
        audit::{Act, Action as Recorded},
        erasure::{DATABASE, NOT_CONNECTED, STREAMS, State},
        ids,
        sync::{Action, JobState},
    },
    storage::{
        Transaction,
        entity::{erasure_receipt, sync_job},
        error::Result,
        jobs::report::store,
        rows, scope,
    },
};

/// What the audit log is to be told, by workspace.
pub(super) type Acts = Vec<(Uuid, Act)>;

/// What a job tells the receipt of its CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The CRM has deleted so many records, to be read back.
    Deleted {
        /// How many.
        records: i64,
    },
    /// A read-back found nothing.
    Absent,
    /// A read-back found a record.
    Found,
    /// It is tried again, for this reason.
    Waits {
        /// Code of the reason.
        code: String,
    },
    /// It is given up, for this reason.
    Failed {
        /// Code of the reason.
        code: String,
    },
}

/// The receipts of an erasure as it begins.
pub struct Receipts {
    /// The erasure.
    pub erasure: Uuid,
    /// Whose.
    pub workspace: Uuid,
    /// Rows that were deleted here.
    pub rows: u64,
    /// What is owed elsewhere.
    pub owed: Owed,
    /// When.
    pub at: DateTime<Utc>,
}

/// Makes the receipts, one for each system.
pub async fn open(transaction: &Transaction, receipts: Receipts) -> Result<()> {
    let Receipts {
        erasure,
        workspace,
        rows: deleted,
        owed,
        at,
    } = receipts;
    let row = |system: &str, state: State| erasure_receipt::Model {
        erasure_id: erasure,
        system: system.to_owned(),
        workspace_id: workspace,
        state: state.word().to_owned(),
        reason: String::new(),
        records: 0,
        hints: sea_orm::JsonValue::Array(Vec::new()),
        requested_at: at,
        done_at: None,
        verified_at: None,
    };
    let mut all = vec![
        erasure_receipt::Model {
            records: i64::try_from(deleted).unwrap_or(i64::MAX),
            done_at: Some(at),
            ..row(DATABASE, State::Pending)
        },
        erasure_receipt::Model {
            hints: rows::to_json(&owed.hints),
            ..row(STREAMS, State::Pending)
        },
    ];
    all.extend(owed.systems.into_iter().map(|(system, records)| match records {
        None => erasure_receipt::Model {
            reason: NOT_CONNECTED.to_owned(),
            ..row(system, State::Failed)
        },
        // Nothing was ever sent there.
        Some(0) => erasure_receipt::Model {
            done_at: Some(at),
            ..row(system, State::NotPresent)
        },
        Some(_) => row(system, State::Pending),
    }));
    transaction
        .insert::<erasure_receipt::Entity>(workspace, all)
        .await
}

/// Writes what jobs tell into the receipts of their CRM.
pub async fn note(
    transaction: &Transaction,
    system: &str,
    mut told: Vec<(Uuid, Told)>,
    now: DateTime<Utc>,
) -> Result<Acts> {
    let mut acts = Acts::new();
    // Everybody locks receipts in this order, so that nobody waits in a circle.
    told.sort_by_key(|(erasure, _)| *erasure);
    for (erasure, told) in told {
        let receipt = scope::select_any::<erasure_receipt::Entity>()
            .filter(erasure_receipt::Column::ErasureId.eq(erasure))
            .filter(erasure_receipt::Column::System.eq(system))
            .lock_exclusive()
            .one(&**transaction)
            .await?;
        let Some(receipt) = receipt else { continue };
        let before = receipt.state.clone();
        let records = receipt.records;
        let mut change = receipt.clone().into_active_model();
        match told {
            Told::Deleted { records: more } => {
                change.records = Set(records.saturating_add(more));
                change.done_at = Set(Some(now));
                change.reason = Set(String::new());
            }
            Told::Absent if open_jobs(transaction, erasure, system).await? == 0 => {
                let state = if records > 0 {
                    State::Erased
                } else {
                    State::NotPresent
                };
                change.state = Set(state.word().to_owned());
                change.reason = Set(String::new());
                change.done_at = Set(receipt.done_at.or(Some(now)));
                change.verified_at = Set(Some(now));
            }
            Told::Absent => {}
            Told::Found => {
                change.state = Set(State::Pending.word().to_owned());
                change.done_at = Set(None);
                change.verified_at = Set(None);
            }
            Told::Waits { code } => change.reason = Set(code),
            Told::Failed { code } => {
                change.state = Set(State::Failed.word().to_owned());
                change.reason = Set(code);
            }
        }
        if !change.is_changed() {
            continue;
        }
        let after = change.clone().try_into_model()?;
        scope::update::<erasure_receipt::Entity>(after.workspace_id)
            .filter(erasure_receipt::Column::ErasureId.eq(after.erasure_id))
            .filter(erasure_receipt::Column::System.eq(after.system.clone()))
            .set(change)
            .exec(&**transaction)
            .await?;
        if after.state != before {
            acts.push((after.workspace_id, act(&format!("connector:{system}"), &after)));
        }
    }
    Ok(acts)
}

/// Jobs that were given up since they kill the connector.
pub async fn given_up(
    transaction: &Transaction,
    jobs: &[sync_job::Model],
    code: &str,
    now: DateTime<Utc>,
) -> Result<Acts> {
    let mut by_system: BTreeMap<&str, Vec<(Uuid, Told)>> = BTreeMap::new();
    for job in jobs {
        if let Some(erasure) = job.erasure_id {
            let code = code.to_owned();
            let told = by_system.entry(job.provider.as_str()).or_default();
            told.push((erasure, Told::Failed { code }));
        }
    }
    let mut acts = Acts::new();
    for (system, told) in by_system {
        acts.extend(note(transaction, system, told, now).await?);
    }
    Ok(acts)
}

/// Ends the erasures that go through a connection which does not lead to their records any more.
pub async fn unreachable(
    transaction: &Transaction,
    connection: Uuid,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Acts> {
    let jobs = scope::select_any::<sync_job::Entity>()
        .filter(sync_job::Column::ConnectionId.eq(connection))
        .filter(sync_job::Column::Action.eq(Action::Erase.word()))
        .filter(sync_job::Column::State.ne(JobState::Done.word()))
        .order_by_asc(sync_job::Column::LeadId)
        .lock_exclusive()
        .all(&**transaction)
        .await?;
    scope::delete_any::<sync_job::Entity>()
        .filter(sync_job::Column::Id.is_in(jobs.iter().map(|job| job.id)))
        .exec(&**transaction)
        .await?;
    given_up(transaction, &jobs, code, now).await
}

/// Tries once more what was given up of the erasures through a connection.
pub async fn reopen(transaction: &Transaction, connection: Uuid) -> Result<()> {
    let dead = scope::select_any::<sync_job::Entity>().filter(sync_job::Column::ConnectionId.eq(connection));
    again(transaction, dead).await.map(drop)
}

/// The same for one erasure; returns how many jobs.
pub async fn reopen_one(transaction: &Transaction, workspace: Uuid, erasure: Uuid) -> Result<usize> {
    let dead = scope::select::<sync_job::Entity>(workspace).filter(sync_job::Column::ErasureId.eq(erasure));
    again(transaction, dead).await
}

async fn again(transaction: &Transaction, of: sea_orm::Select<sync_job::Entity>) -> Result<usize> {
    let dead = of
        .filter(sync_job::Column::Action.eq(Action::Erase.word()))
        .filter(sync_job::Column::State.eq(JobState::Dead.word()))
        .order_by_asc(sync_job::Column::LeadId)
        .lock_exclusive()
        .all(&**transaction)
        .await?;
    for job in &dead {
        let mut change = job.clone().into_active_model();
        change.state = Set(JobState::Pending.word().to_owned());
        change.next_at = Set(job.first_pending_at);
        change.attempt = Set(0);
        change.failing_since = Set(None);
        change.solo_losses = Set(0);
        store(transaction, job.workspace_id, job.id, change).await?;
    }
    scope::update_any::<erasure_receipt::Entity>()
        .filter(erasure_receipt::Column::ErasureId.is_in(dead.iter().filter_map(|job| job.erasure_id)))
        .filter(erasure_receipt::Column::System.is_in(dead.iter().map(|job| job.provider.clone())))
        .col_expr(erasure_receipt::Column::State, Expr::value(State::Pending.word()))
        .exec(&**transaction)
        .await?;
    Ok(dead.len())
}

/// What the audit log is told of a receipt.
pub(super) fn act(actor: &str, receipt: &erasure_receipt::Model) -> Act {
    let act = Act::new(
        actor,
        Recorded::ErasureSettled,
        ids::format::<ids::Erasure>(receipt.erasure_id),
    )
    .with("system", &receipt.system)
    .with("state", &receipt.state)
    .with("records", receipt.records.to_string());
    if receipt.reason.is_empty() {
        act
    } else {
        act.with("reason", &receipt.reason)
    }
}

async fn open_jobs(transaction: &Transaction, erasure: Uuid, system: &str) -> Result<u64> {
    Ok(scope::select_any::<sync_job::Entity>()
        .filter(sync_job::Column::ErasureId.eq(erasure))
        .filter(sync_job::Column::Provider.eq(system))
        .filter(sync_job::Column::State.ne(JobState::Done.word()))
        .count(&**transaction)
        .await?)
}
