//! Due jobs go onto the streams: marked first, hinted after.

use std::{cmp, collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use rand::seq::SliceRandom;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query, SimpleExpr},
};
use uuid::Uuid;

use crate::{
    domain::{
        plan::{Entitlement, Plan},
        sync::{Action, JobState, Lane, Provider},
    },
    storage::{
        Store, Transaction,
        entity::{connection, sync_job, workspace},
        error::Result,
        scope,
    },
};

/// Most entries that the streams of one destination hold together.
pub const MAX_PUBLISHED: u64 = 1_000;

/// Jobs of one connection that are on their way although they go alone: each takes calls of its own, and if the connector
/// dies, all that it holds count as lost while alone.
const MAX_SOLO: u64 = 4;

/// Number of the lock that publishers take, among Postgres' advisory locks.
const PUBLISHER_LOCK: i64 = 0x6c65_6164_7301;

/// The lane of erasures.
pub(in crate::storage) const ERASURES: Lane = Lane::Normal;

/// Entries of these that only hot leads get.
const HOT_RESERVE: u64 = 100;

/// A job that was marked as published, for its stream entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The job.
    pub job: Uuid,
    /// This publication.
    pub generation: i64,
    /// Its workspace.
    pub workspace: Uuid,
    /// Its queue.
    pub lane: Lane,
    /// Trace of the change.
    pub traceparent: String,
}

impl Store {
    /// Marks due jobs of a destination as published and returns them for their stream entries: connection by
    /// connection, hot lane first, at most `window` outstanding per connection, one if its breaker is half open. A hint
    /// counts as lost after `patience`, doubled with each loss up to five minutes.
    ///
    /// # Errors
    /// The database; nothing is marked then.
    pub async fn publish_due(
        &self,
        provider: Provider,
        window: u64,
        patience: Duration,
    ) -> Result<Vec<Hint>> {
        let now = self.clock.now();
        let mut connections = scope::select_any::<connection::Entity>()
            .filter(connection::Column::Provider.eq(provider.name()))
            .filter(is_open(now))
            .filter(owes(now))
            .all(self.reader())
            .await?;
        if connections.is_empty() {
            return Ok(Vec::new());
        }
        let on_their_way = OnTheirWay::count(self.reader(), provider).await?;
        connections.retain(|connection| on_their_way.places(connection, window) > 0);
        if on_their_way.room() == 0 || connections.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.begin().await?;
        one_publisher(&transaction).await?;
        let on_their_way = OnTheirWay::count(&*transaction, provider).await?;
        let mut room = on_their_way.room();
        // By chance, so that nobody is always the last one for whom there is no room.
        connections.shuffle(&mut rand::rng());
        let share = cmp::max(room / connections.len() as u64, 1);
        let planned: Vec<Uuid> = scope::select_any::<connection::Entity>()
            .select_only()
            .column(connection::Column::Id)
            .filter(connection::Column::Id.is_in(connections.iter().map(|connection| connection.id)))
            .filter(is_planned())
            .into_tuple()
            .all(&*transaction)
            .await?;
        let mut marked = Vec::new();
        for connection in connections {
            if room == 0 {
                break;
            }
            let most = cmp::min(on_their_way.places(&connection, window), cmp::min(share, room));
            let places = Places {
                all: most,
                others: cmp::min(most, room.saturating_sub(HOT_RESERVE)),
                solo: on_their_way.solo_places(&connection),
                only_erasures: !planned.contains(&connection.id),
            };
            let hints = mark(&transaction, connection.id, places, now, patience).await?;
            room = room.saturating_sub(hints.len() as u64);
            marked.extend(hints);
        }
        transaction.commit().await?;
        marked.sort_by_key(|hint| hint.lane);
        Ok(marked)
    }

    /// Takes marks back whose stream entries could not be written.
    ///
    /// # Errors
    /// The database; the sweep takes them back then.
    pub async fn unpublish(&self, hints: &[Hint]) -> Result<()> {
        let transaction = self.begin().await?;
        scope::update_any::<sync_job::Entity>()
            .filter(scope::among(
                sync_job::Column::Id,
                hints.iter().map(|hint| hint.job),
                self.backend(),
            ))
            .filter(sync_job::Column::State.eq(JobState::Published.word()))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }

    /// Makes everything published due again: for when the streams may have been lost. That nobody heard the hints says
    /// nothing about the connectors, so it does not count as a loss.
    ///
    /// # Errors
    /// The database.
    pub async fn republish_all(&self) -> Result<u64> {
        let transaction = self.begin().await?;
        let changed = scope::update_any::<sync_job::Entity>()
            .filter(sync_job::Column::State.eq(JobState::Published.word()))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
            .col_expr(sync_job::Column::PublishCount, Expr::value(0))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(changed.rows_affected)
    }
}

/// Jobs of a destination that are on a stream or in work.
#[derive(Default)]
struct OnTheirWay {
    /// Those on a stream.
    published: u64,
    /// All of them, by connection.
    of: HashMap<Uuid, Outstanding>,
}

impl OnTheirWay {
    async fn count(on: &impl ConnectionTrait, provider: Provider) -> Result<Self> {
        let states = [JobState::Published, JobState::Running].map(JobState::word);
        let counts: Vec<(Uuid, String, bool, i64)> = scope::select_any::<sync_job::Entity>()
            .select_only()
            .columns([
                sync_job::Column::ConnectionId,
                sync_job::Column::State,
                sync_job::Column::Solo,
            ])
            .column_as(sync_job::Column::Id.count(), "jobs")
            .filter(sync_job::Column::Provider.eq(provider.name()))
            .filter(sync_job::Column::State.is_in(states))
            .group_by(sync_job::Column::ConnectionId)
            .group_by(sync_job::Column::State)
            .group_by(sync_job::Column::Solo)
            .into_tuple()
            .all(on)
            .await?;
        let mut found = Self::default();
        for (connection, state, solo, jobs) in counts {
            let jobs = u64::try_from(jobs).unwrap_or_default();
            if state == JobState::Published.word() {
                found.published += jobs;
            }
            let outstanding = found.of.entry(connection).or_default();
            outstanding.all += jobs;
            outstanding.solo += if solo { jobs } else { 0 };
        }
        Ok(found)
    }

    /// What the streams can still take.
    fn room(&self) -> u64 {
        MAX_PUBLISHED.saturating_sub(self.published)
    }

    /// What a connection may still have on its way.
    fn places(&self, connection: &connection::Model, window: u64) -> u64 {
        let allowed = if connection.trips > 0 { 1 } else { window };
        allowed.saturating_sub(self.outstanding(connection).all)
    }

    /// What it may still have of those that go alone.
    fn solo_places(&self, connection: &connection::Model) -> u64 {
        MAX_SOLO.saturating_sub(self.outstanding(connection).solo)
    }

    fn outstanding(&self, connection: &connection::Model) -> Outstanding {
        self.of.get(&connection.id).copied().unwrap_or_default()
    }
}

/// How many jobs of one connection may be marked.
#[derive(Clone, Copy)]
struct Places {
    /// Of any lane.
    all: u64,
    /// Of the lanes behind the hot one; these come after it.
    others: u64,
    /// Of those that go alone.
    solo: u64,
    /// Whether they are for erasures alone: the workspace's plan has no syncs.
    only_erasures: bool,
}

/// Jobs of one connection that are on their way.
#[derive(Clone, Copy, Default)]
struct Outstanding {
    all: u64,
    /// Those of them that go alone.
    solo: u64,
}

/// Connections through which something may be sent now, as far as the vendor is concerned.
pub(in crate::storage) fn is_open(now: DateTime<Utc>) -> Condition {
    let works = Condition::any()
        .add(connection::Column::State.eq("connected"))
        .add(
            Condition::all()
                .add(connection::Column::State.eq("paused"))
                .add(connection::Column::PausedUntil.is_not_null())
                .add(connection::Column::PausedUntil.lte(now)),
        );
    let rested = Condition::any()
        .add(connection::Column::RestingUntil.is_null())
        .add(connection::Column::RestingUntil.lte(now));
    Condition::all().add(works).add(rested)
}

/// Connections of workspaces whose plan has syncs.
pub(super) fn is_planned() -> Condition {
    let syncing = Plan::ALL
        .into_iter()
        .filter(|plan| plan.allows(Entitlement::CrmSync))
        .map(Plan::word);
    Condition::all().add(Expr::exists(
        Query::select()
            .expr(Expr::value(1))
            .from(workspace::Entity)
            .and_where(
                Expr::col((workspace::Entity, workspace::Column::Id))
                    .equals((connection::Entity, connection::Column::WorkspaceId)),
            )
            .and_where(Expr::col((workspace::Entity, workspace::Column::Plan)).is_in(syncing))
            .to_owned(),
    ))
}

/// Connections that have a due job, of workspaces without syncs an erasure; one probe of the index per lane.
fn owes(now: DateTime<Utc>) -> Condition {
    let due = |lane: Lane| {
        Query::select()
            .expr(Expr::value(1))
            .from(sync_job::Entity)
            .and_where(
                Expr::col((sync_job::Entity, sync_job::Column::ConnectionId))
                    .equals((connection::Entity, connection::Column::Id)),
            )
            .and_where(is_due(lane, now))
            .to_owned()
    };
    [Lane::Hot, Lane::Normal, Lane::Bulk]
        .into_iter()
        .fold(Condition::any(), |any, lane| {
            any.add(is_planned().add(Expr::exists(due(lane))))
        })
        .add(Expr::exists(due(ERASURES).and_where(is_erasure()).to_owned()))
}

fn is_erasure() -> SimpleExpr {
    Expr::col((sync_job::Entity, sync_job::Column::Action)).eq(Action::Erase.word())
}

fn is_due(lane: Lane, now: DateTime<Utc>) -> SimpleExpr {
    Expr::col((sync_job::Entity, sync_job::Column::State))
        .eq(JobState::Pending.word())
        .and(Expr::col((sync_job::Entity, sync_job::Column::Lane)).eq(lane.rank()))
        .and(Expr::col((sync_job::Entity, sync_job::Column::NextAt)).lte(now))
}

/// Keeps publishers apart until the transaction ends: two of them would each fill the windows that both have counted.
async fn one_publisher(transaction: &Transaction) -> Result<()> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({PUBLISHER_LOCK})");
        transaction.execute_unprepared(&lock).await?;
    }
    Ok(())
}

async fn mark(
    transaction: &Transaction,
    connection: Uuid,
    places: Places,
    now: DateTime<Utc>,
    patience: Duration,
) -> Result<Vec<Hint>> {
    let mut due: Vec<(Uuid, i32, bool)> = Vec::new();
    for lane in [Lane::Hot, Lane::Normal, Lane::Bulk] {
        let most = if lane == Lane::Hot {
            places.all
        } else {
            places.others
        };
        let left = most.saturating_sub(due.len() as u64);
        if left == 0 {
            break;
        }
        due.extend(
            scope::select_any::<sync_job::Entity>()
                .select_only()
                .columns([
                    sync_job::Column::Id,
                    sync_job::Column::PublishCount,
                    sync_job::Column::Solo,
                ])
                .filter(sync_job::Column::ConnectionId.eq(connection))
                .filter(is_due(lane, now))
                .filter(match places.only_erasures {
                    true => Condition::all().add(is_erasure()),
                    false => Condition::all(),
                })
                .filter(sync_job::Column::Solo.is_in(if places.solo > 0 {
                    vec![false, true]
                } else {
                    vec![false]
                }))
                .order_by_asc(sync_job::Column::NextAt)
                .limit(left)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple::<(Uuid, i32, bool)>()
                .all(&**transaction)
                .await?,
        );
    }
    let mut solo = places.solo;
    due.retain(|(.., alone)| {
        let fits = !alone || solo > 0;
        solo = solo.saturating_sub(u64::from(*alone));
        fits
    });
    let mut hints = Vec::with_capacity(due.len());
    // Jobs of one loss count share a patience, and so a statement; almost all have lost nothing.
    due.sort_by_key(|(_, losses, _)| *losses);
    for same in due.chunk_by(|left, right| left.1 == right.1) {
        let losses = same.first().map_or(0, |(_, losses, _)| *losses);
        let marked = scope::update_any::<sync_job::Entity>()
            .filter(scope::among(
                sync_job::Column::Id,
                same.iter().map(|(id, ..)| *id),
                transaction.get_database_backend(),
            ))
            .filter(sync_job::Column::State.eq(JobState::Pending.word()))
            .col_expr(sync_job::Column::State, Expr::value(JobState::Published.word()))
            .col_expr(
                sync_job::Column::Generation,
                Expr::col(sync_job::Column::Generation).add(1),
            )
            .col_expr(
                sync_job::Column::PublishCount,
                Expr::col(sync_job::Column::PublishCount).add(1),
            )
            .col_expr(
                sync_job::Column::RepublishAt,
                Expr::value(now + patience_after(patience, losses)),
            )
            .exec_with_returning(&**transaction)
            .await?;
        hints.extend(marked.into_iter().map(|row| Hint {
            job: row.id,
            generation: row.generation,
            workspace: row.workspace_id,
            lane: Lane::from_rank(row.lane),
            traceparent: row.traceparent,
        }));
    }
    Ok(hints)
}

fn patience_after(patience: Duration, losses: i32) -> Duration {
    const MOST: Duration = Duration::from_secs(300);
    cmp::min(patience.saturating_mul(1 << losses.clamp(0, 10)), MOST)
}
