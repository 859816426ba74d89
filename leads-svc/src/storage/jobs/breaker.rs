//! When a CRM fails so often that its connection has to rest.
//!
//! Stored: failures and answers of the last minute, in the connection's row, so that all replicas count together. Moves:
//! each batch of reports, under the row's lock and in the reports' own transaction.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::storage::{
    Transaction,
    connections::State,
    entity::{connection, sync_job},
    error::Result,
    scope,
};

const WINDOW: TimeDelta = TimeDelta::seconds(60);
const MIN_FAILURES: i32 = 5;
const FIRST_REST: Duration = Duration::from_secs(30);
const MAX_REST: Duration = Duration::from_secs(15 * 60);

/// What a batch of reports says about one connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Jobs that the vendor answered, one way or the other.
    pub answered: i32,
    /// Jobs that failed for the vendor's or the network's sake.
    pub failed: i32,
}

/// A change of a connection that people should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which connection.
    pub connection: Uuid,
    /// Whose.
    pub workspace: Uuid,
    /// What changed.
    pub kind: ChangeKind,
}

/// How a connection changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The vendor asked for a pause, or a person has to act.
    Paused,
    /// Nothing is sent for this time, then one job at a time until one succeeds.
    Rests(Duration),
    /// The vendor answers again.
    Healed,
}

/// The connections of some jobs, locked until the transaction ends.
pub(super) struct Watched(BTreeMap<Uuid, (connection::Model, Health, Option<ChangeKind>)>);

impl Watched {
    /// Locks the connections in the order in which everybody does, so that nobody waits in a circle.
    pub(super) async fn lock(transaction: &Transaction, jobs: &[sync_job::Model]) -> Result<Self> {
        let rows = scope::select_any::<connection::Entity>()
            .filter(connection::Column::Id.is_in(jobs.iter().map(|job| job.connection_id)))
            .order_by_asc(connection::Column::Id)
            .lock_exclusive()
            .all(&**transaction)
            .await?;
        let watched = rows
            .into_iter()
            .map(|row| (row.id, (row, Health::default(), None)));
        Ok(Self(watched.collect()))
    }

    /// What reports of a connection say about it; to be added to.
    pub(super) fn health(&mut self, id: Uuid) -> Option<&mut Health> {
        self.0.get_mut(&id).map(|(_, health, _)| health)
    }

    /// Whether a connection rests as its vendor wants it, or until a person acts.
    pub(super) fn is_paused(&self, id: Uuid) -> bool {
        let watched = self.0.get(&id);
        watched.is_some_and(|(row, ..)| row.state == State::Paused.word())
    }

    /// Has a connection rest as the vendor wants it, or until a person acts. False if the vendor refused a version that is
    /// replaced by now; 0 is an unknown one. `problem` is why, sealed.
    pub(super) fn pause(
        &mut self,
        id: Uuid,
        version: i64,
        rest: Option<Duration>,
        problem: Vec<u8>,
        now: DateTime<Utc>,
    ) -> bool {
        let Some((row, _, change)) = self.0.get_mut(&id) else {
            return false;
        };
        let is_current = version == 0 || version >= row.version;
        if !is_current || !is_in_use(row) {
            return false;
        }
        State::Paused.word().clone_into(&mut row.state);
        row.paused_until = rest.map(|rest| now + rest);
        row.problem_sealed = Some(problem);
        *change = Some(ChangeKind::Paused);
        true
    }

    /// Draws the conclusions and stores them.
    pub(super) async fn settle(self, transaction: &Transaction, now: DateTime<Utc>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (mut row, health, paused) in self.0.into_values() {
            let change = paused.or_else(|| judge(&mut row, health, now));
            if change.is_none() && health == Health::default() {
                continue;
            }
            if let Some(kind) = change {
                changes.push(Change {
                    connection: row.id,
                    workspace: row.workspace_id,
                    kind,
                });
            }
            store(transaction, row).await?;
        }
        Ok(changes)
    }
}

/// Whether something was sent through it with what it holds now.
fn is_in_use(row: &connection::Model) -> bool {
    [State::Connected, State::Paused]
        .map(State::word)
        .contains(&row.state.as_str())
}

async fn store(transaction: &Transaction, row: connection::Model) -> Result<()> {
    let mut stored = row.clone().into_active_model();
    stored.state = Set(row.state);
    stored.paused_until = Set(row.paused_until);
    stored.problem_sealed = Set(row.problem_sealed);
    stored.resting_until = Set(row.resting_until);
    stored.trips = Set(row.trips);
    stored.counted_from = Set(row.counted_from);
    stored.answered = Set(row.answered);
    stored.failed = Set(row.failed);
    scope::update::<connection::Entity>(row.workspace_id)
        .filter(connection::Column::Id.eq(row.id))
        .set(stored)
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// Counts what was seen, and opens or closes the breaker.
fn judge(row: &mut connection::Model, seen: Health, now: DateTime<Utc>) -> Option<ChangeKind> {
    let is_paused = row.state == State::Paused.word();
    let pause_holds = is_paused && row.paused_until.is_none_or(|until| until > now);
    if !is_in_use(row) || pause_holds || row.resting_until.is_some_and(|until| until > now) {
        // What is reported now was sent before the rest.
        return None;
    }
    // A paused connection is tried like one whose breaker is half open.
    let half_open = row.trips > 0 || is_paused;
    if half_open && seen.answered > 0 {
        State::Connected.word().clone_into(&mut row.state);
        row.problem_sealed = None;
        row.paused_until = None;
        row.resting_until = None;
        row.trips = 0;
        row.counted_from = None;
        return Some(ChangeKind::Healed);
    }
    if half_open && seen.failed > 0 {
        return Some(rest(row, now));
    }
    if row.counted_from.is_none_or(|from| now - from >= WINDOW) {
        (row.counted_from, row.answered, row.failed) = (Some(now), 0, 0);
    }
    row.answered = row.answered.saturating_add(seen.answered);
    row.failed = row.failed.saturating_add(seen.failed);
    let trips = row.failed >= MIN_FAILURES && row.failed >= row.answered;
    trips.then(|| rest(row, now))
}

fn rest(row: &mut connection::Model, now: DateTime<Utc>) -> ChangeKind {
    let trips = row.trips.max(i32::from(row.state == State::Paused.word()));
    let rest = FIRST_REST.saturating_mul(1 << trips.clamp(0, 10)).min(MAX_REST);
    row.resting_until = Some(now + rest);
    row.trips += 1;
    row.counted_from = None;
    ChangeKind::Rests(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Health = Health {
        answered: 0,
        failed: 1,
    };
    const ANSWERED: Health = Health {
        answered: 1,
        failed: 0,
    };

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn row(trips: i32) -> connection::Model {
        connection::Model {
            id: Uuid::from_u128(1),
            workspace_id: Uuid::from_u128(2),
            provider: "hubspot".to_owned(),
            state: State::Connected.word().to_owned(),
            sealed: Vec::new(),
            field_mapping: sea_orm::JsonValue::Null,
            account_id: String::new(),
            ui_domain: String::new(),
            limits: None,
            problem_sealed: None,
            created_at: now(),
            checked_at: None,
            paused_until: None,
            resting_until: None,
            trips,
            backfill_at: None,
            backfills: 0,
            backfill_time: None,
            backfill_lead: None,
            version: 1,
            counted_from: None,
            answered: 0,
            failed: 0,
            refresh_lease: None,
            refresh_until: None,
        }
    }

    #[test]
    fn rests_after_five_failures_that_are_half_of_the_calls() {
        let mut failing = row(0);
        for _ in 0..4 {
            assert_eq!(judge(&mut failing, FAILED, now()), None);
        }
        assert_eq!(
            judge(&mut failing, FAILED, now()),
            Some(ChangeKind::Rests(FIRST_REST))
        );
        let mut busy = row(0);
        let many = Health {
            answered: 100,
            failed: 0,
        };
        judge(&mut busy, many, now());
        for _ in 0..10 {
            assert_eq!(judge(&mut busy, FAILED, now()), None);
        }
    }

    #[test]
    fn failures_of_an_older_minute_do_not_count() {
        let mut row = row(0);
        for _ in 0..4 {
            judge(&mut row, FAILED, now());
        }
        assert_eq!(judge(&mut row, FAILED, now() + WINDOW), None);
        assert_eq!(row.failed, 1);
    }

    #[test]
    fn a_half_open_connection_heals_or_rests_twice_as_long() {
        let again = |trips, seen| judge(&mut row(trips), seen, now());
        assert_eq!(again(1, FAILED), Some(ChangeKind::Rests(2 * FIRST_REST)));
        assert_eq!(again(30, FAILED), Some(ChangeKind::Rests(MAX_REST)));
        assert_eq!(again(2, ANSWERED), Some(ChangeKind::Healed));
    }
}
