//! Consent records, and what they mean for syncs.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, DbBackend, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query, SimpleExpr},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Store, Transaction,
    crypto::{Opens, Seals, WorkspaceKeys},
    entity::{consent, lead, sync_job},
    error::Result,
    rows, scope,
    standings::withheld,
};
use crate::domain::{
    consent::{Consent, Details, LawfulBasis},
    consent_policy::{ConsentPolicy, NO_CONSENT, no_consent},
    lead::Channel,
    sync::{Action, JobState, Reason},
    workspace::Settings,
};

/// Most records of one person that are looked at.
pub const MAX_RECORDS: u64 = 10_000;

pub(super) const SEALED: &str = "consents.sealed";
/// Jobs that are changed in one transaction.
const STEP: u64 = 500;
/// Records of one transaction when old ones are sealed.
const BATCH: u64 = 200;

/// What of a record is encrypted.
#[derive(Serialize, Deserialize)]
struct Sealed {
    text: String,
    #[serde(default)]
    details: Details,
}

pub(super) fn consent_row(
    key: &impl Seals,
    workspace: Uuid,
    id: Uuid,
    contact: Uuid,
    consent: Consent,
) -> Result<consent::Model> {
    let text_hash = consent.text_hash().to_vec();
    let (basis, expires_at) = (consent.details.basis, consent.details.expires_at);
    let sealed = Sealed {
        text: consent.text,
        details: consent.details,
    };
    Ok(consent::Model {
        id,
        workspace_id: workspace,
        contact_id: contact,
        purpose: consent.purpose,
        given: consent.given,
        shown: String::new(),
        version: consent.version,
        channel: consent.channel.word().to_owned(),
        at: consent.at,
        sealed: Some(rows::seal_json(key, SEALED, id, &sealed)?),
        text_hash: Some(text_hash),
        basis: basis.word().to_owned(),
        expires_at,
    })
}

pub(super) fn consent(keys: &impl Opens, row: consent::Model) -> Result<Consent> {
    let sealed = match &row.sealed {
        Some(sealed) => rows::open_json(keys, SEALED, row.id, sealed)?,
        None => Sealed {
            text: row.shown.clone(),
            details: Details::default(),
        },
    };
    let mut consent = decision(row)?;
    consent.text = sealed.text;
    consent.details = sealed.details;
    Ok(consent)
}

/// A record without what is encrypted.
pub(super) fn decision(row: consent::Model) -> Result<Consent> {
    Ok(Consent {
        channel: rows::word(
            Channel::parse(&row.channel),
            "consents.channel",
            row.id,
            &row.channel,
        )?,
        details: Details {
            basis: rows::word(
                LawfulBasis::parse(&row.basis),
                "consents.basis",
                row.id,
                &row.basis,
            )?,
            expires_at: row.expires_at,
            ..Details::default()
        },
        purpose: row.purpose,
        given: row.given,
        text: String::new(),
        version: row.version,
        at: row.at,
    })
}

/// Whether the policy keeps the lead of a contact from being synced: the same rule as `ConsentPolicy::withholds`, in SQL.
pub(super) fn lacks(settings: &Settings, now: DateTime<Utc>, contact: Expr) -> SimpleExpr {
    let newest = || {
        let newer = |column: consent::Column| Expr::col(("newer", column));
        let of_newest = |column: consent::Column| Expr::col((consent::Entity, column));
        let is_newer = newer(consent::Column::At)
            .gt(of_newest(consent::Column::At))
            .or(newer(consent::Column::At)
                .eq(of_newest(consent::Column::At))
                .and(newer(consent::Column::Id).gt(of_newest(consent::Column::Id))));
        let overruled = Query::select()
            .expr(Expr::value(1))
            .from_as(consent::Entity, "newer")
            .and_where(newer(consent::Column::ContactId).eq(of_newest(consent::Column::ContactId)))
            .and_where(newer(consent::Column::Purpose).eq(settings.consent_purpose.as_str()))
            .and_where(newer(consent::Column::At).lte(now))
            .and_where(is_newer)
            .to_owned();
        Query::select()
            .expr(Expr::value(1))
            .from(consent::Entity)
            .and_where(of_newest(consent::Column::ContactId).eq(contact.clone()))
            .and_where(of_newest(consent::Column::Purpose).eq(settings.consent_purpose.as_str()))
            .and_where(of_newest(consent::Column::At).lte(now))
            .and_where(Expr::exists(overruled).not())
            .to_owned()
    };
    let given = Expr::col((consent::Entity, consent::Column::Given));
    match settings.consent_policy {
        ConsentPolicy::LegitimateInterest => Expr::exists(newest().and_where(given.eq(false)).to_owned()),
        ConsentPolicy::Required => {
            let expiry = Expr::col((consent::Entity, consent::Column::ExpiresAt));
            let holds = expiry.clone().is_null().or(expiry.gt(now));
            Expr::exists(newest().and_where(given.eq(true)).and_where(holds).to_owned()).not()
        }
    }
}

/// Gives up what is owed of a lead, for the lack of consent.
pub(super) async fn cancel(
    transaction: &Transaction,
    workspace: Uuid,
    lead: Uuid,
    reason: &Reason,
) -> Result<()> {
    cancelling(workspace, reason)
        .filter(sync_job::Column::LeadId.eq(lead))
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// Gives up what is owed of all leads that the policy withholds; returns how many jobs.
pub(super) async fn cancel_withheld(
    transaction: &Transaction,
    workspace: Uuid,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Result<u64> {
    let withheld = withheld(&**transaction, workspace, settings, now).await?;
    let cancelled = cancelling(workspace, &no_consent(&settings.consent_purpose, None))
        .filter(of_leads(workspace, withheld))
        .exec(&**transaction)
        .await?;
    Ok(cancelled.rows_affected)
}

fn cancelling(workspace: Uuid, reason: &Reason) -> sea_orm::UpdateMany<sync_job::Entity> {
    let open = [JobState::Pending, JobState::Published, JobState::Running].map(JobState::word);
    scope::update::<sync_job::Entity>(workspace)
        .filter(sync_job::Column::State.is_in(open))
        // What is to be gone from a CRM is to be gone whatever the person agreed to.
        .filter(sync_job::Column::Action.eq(Action::Upsert.word()))
        // A write that is under way may still arrive.
        .col_expr(
            sync_job::Column::UnknownOutcome,
            Expr::case(
                sync_job::Column::State.eq(JobState::Running.word()),
                Expr::value(true),
            )
            .finally(Expr::col(sync_job::Column::UnknownOutcome))
            .into(),
        )
        .col_expr(sync_job::Column::State, Expr::value(JobState::Dead.word()))
        .col_expr(sync_job::Column::LeaseToken, Expr::value(None::<Uuid>))
        .col_expr(sync_job::Column::LeaseUntil, Expr::value(None::<DateTime<Utc>>))
        .col_expr(sync_job::Column::Verifying, Expr::value(false))
        .col_expr(sync_job::Column::Reason, Expr::value(Some(rows::to_json(reason))))
}

/// Jobs that were given up for the lack of consent.
pub(super) fn lacked_consent(backend: DbBackend) -> SimpleExpr {
    // What is encrypted is a string and has no members.
    Expr::cust(match backend {
        DbBackend::Postgres => format!("coalesce(\"reason\" ->> 'code', '') = '{NO_CONSENT}'"),
        _ => format!("coalesce(json_extract(\"reason\", '$.code'), '') = '{NO_CONSENT}'"),
    })
}

/// Jobs of shown leads that the policy withholds, or of those that it does not.
fn of_leads(workspace: Uuid, condition: SimpleExpr) -> SimpleExpr {
    let leads = Query::select()
        .column((lead::Entity, lead::Column::Id))
        .from(lead::Entity)
        .and_where(Expr::col((lead::Entity, lead::Column::WorkspaceId)).eq(workspace))
        .and_where(Expr::col((lead::Entity, lead::Column::MergedInto)).is_null())
        .and_where(condition)
        .to_owned();
    sync_job::Column::LeadId.in_subquery(leads)
}

impl Store {
    /// A contact's newest consents, newest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn consents(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        contact_id: Uuid,
        most: u64,
    ) -> Result<Vec<Consent>> {
        let found = scope::select::<consent::Entity>(workspace)
            .filter(consent::Column::ContactId.eq(contact_id))
            .order_by_desc(consent::Column::At)
            .order_by_desc(consent::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?;
        let sealed = found.iter().filter_map(|row| row.sealed.as_deref());
        let keys = &self.secrets_for(keys, sealed).await?;
        found.into_iter().map(|row| consent(keys, row)).collect()
    }

    /// All consents of some contacts, each with its contact, in the order in which they were recorded.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn consent_records(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        contacts: &[Uuid],
    ) -> Result<Vec<(Uuid, Consent)>> {
        let found = scope::select::<consent::Entity>(workspace)
            .filter(consent::Column::ContactId.is_in(contacts.iter().copied()))
            .order_by_asc(consent::Column::Id)
            .limit(MAX_RECORDS)
            .all(self.reader())
            .await?;
        let sealed = found.iter().filter_map(|row| row.sealed.as_deref());
        let keys = &self.secrets_for(keys, sealed).await?;
        found
            .into_iter()
            .map(|row| Ok((row.contact_id, consent(keys, row)?)))
            .collect()
    }

    /// Brings a workspace's jobs in line with its policy: gives up those that it withholds, owes again those that were
    /// given up for the lack of a consent that is not lacking any more. Returns how many of each.
    ///
    /// # Errors
    /// The database.
    pub async fn follow_consents(&self, workspace: Uuid, settings: &Settings) -> Result<(u64, u64)> {
        let now = self.clock.now();
        let withheld = withheld(self.reader(), workspace, settings, now).await?;
        let open = [JobState::Pending, JobState::Published, JobState::Running].map(JobState::word);
        let open = sync_job::Column::State
            .is_in(open)
            .and(of_leads(workspace, withheld.clone()));
        let reason = no_consent(&settings.consent_purpose, None);
        let cancelled = self
            .in_steps(workspace, open, || cancelling(workspace, &reason))
            .await?;
        let lacking = sync_job::Column::State
            .eq(JobState::Dead.word())
            .and(lacked_consent(self.reader().get_database_backend()))
            .and(of_leads(workspace, withheld.not()));
        let owing = || {
            scope::update::<sync_job::Entity>(workspace)
                .col_expr(sync_job::Column::State, Expr::value(JobState::Pending.word()))
                .col_expr(sync_job::Column::Attempt, Expr::value(0))
                .col_expr(sync_job::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
                .col_expr(sync_job::Column::Reason, Expr::value(None::<sea_orm::JsonValue>))
                .col_expr(sync_job::Column::NextAt, Expr::value(now))
                .col_expr(sync_job::Column::FirstPendingAt, Expr::value(now))
        };
        let owed = self.in_steps(workspace, lacking, owing).await?;
        Ok((cancelled, owed))
    }

    /// Changes the jobs of a workspace for which `which` holds, in short transactions: nobody waits long for one of them.
    /// Returns how many.
    async fn in_steps(
        &self,
        workspace: Uuid,
        which: SimpleExpr,
        change: impl Fn() -> sea_orm::UpdateMany<sync_job::Entity>,
    ) -> Result<u64> {
        let mut changed = 0;
        let mut after = Uuid::nil();
        loop {
            let leads: Vec<Uuid> = scope::select::<sync_job::Entity>(workspace)
                .select_only()
                .column(sync_job::Column::LeadId)
                .filter(which.clone())
                .filter(sync_job::Column::LeadId.gt(after))
                .order_by_asc(sync_job::Column::LeadId)
                .limit(STEP)
                .into_tuple()
                .all(self.reader())
                .await?;
            let Some(last) = leads.last().copied() else {
                return Ok(changed);
            };
            after = last;
            let transaction = self.begin().await?;
            changed += change()
                .filter(scope::among(
                    sync_job::Column::LeadId,
                    leads,
                    self.reader().get_database_backend(),
                ))
                .filter(which.clone())
                .exec(&*transaction)
                .await?
                .rows_affected;
            transaction.commit().await?;
        }
    }

    /// Seals up to 200 texts of consents that an earlier release stored in the open; returns how many.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn seal_old_consents(&self) -> Result<usize> {
        let found = scope::select_any::<consent::Entity>()
            .filter(consent::Column::Sealed.is_null())
            .limit(BATCH)
            .all(self.reader())
            .await?;
        if found.is_empty() {
            return Ok(0);
        }
        let mut sealed = Vec::with_capacity(found.len());
        for row in found {
            let keys = self.workspace_keys(row.workspace_id).await?;
            let (workspace, id, contact) = (row.workspace_id, row.id, row.contact_id);
            let consent = consent(&*keys, row)?;
            sealed.push(consent_row(&*keys, workspace, id, contact, consent)?);
        }
        let count = sealed.len();
        let transaction = self.begin().await?;
        for row in sealed {
            scope::update::<consent::Entity>(row.workspace_id)
                .filter(consent::Column::Id.eq(row.id))
                .col_expr(consent::Column::Shown, Expr::value(""))
                .col_expr(consent::Column::Sealed, Expr::value(row.sealed))
                .col_expr(consent::Column::TextHash, Expr::value(row.text_hash))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(count)
    }
}
