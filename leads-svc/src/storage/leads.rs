//! Leads, with what is shown beside them.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{
    ColumnTrait, Condition, DbBackend, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query, SimpleExpr},
};
use uuid::Uuid;

use super::{
    Store,
    crypto::WorkspaceKeys,
    entity::{contact, identity, lead, sync_job},
    error::{Error, Result},
    jobs::read::job,
    rows, scope,
    standings::withheld,
};
use crate::domain::{
    contact::Contact,
    identity::Mark,
    lead::Lead,
    page::{Key, LeadCursor, LeadQuery},
    score::Score,
    sync::{Job, JobState, Provider, Status},
    workspace::{Settings, Workspace},
};

/// A lead with its contact, score and jobs.
#[derive(Debug, Clone)]
pub struct Record {
    /// The lead.
    pub lead: Lead,
    /// The person.
    pub contact: Contact,
    /// The current score.
    pub score: Option<Score>,
    /// One per CRM that was ever owed something.
    pub jobs: HashMap<Provider, Job>,
}

/// A lead as it is shown, of whatever leads it is made.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// The lead.
    pub lead: Uuid,
    /// Its contact.
    pub contact: Uuid,
    /// Whether it absorbed others.
    pub has_absorbed: bool,
}

impl Store {
    /// One lead.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_lead(&self, workspace: Uuid, keys: &WorkspaceKeys, id: Uuid) -> Result<Option<Record>> {
        let rows = scope::select::<lead::Entity>(workspace)
            .filter(lead::Column::Id.eq(id))
            .all(self.reader())
            .await?;
        Ok(self.records(workspace, keys, rows).await?.pop())
    }

    /// Some leads, in any order; those that are gone are left out.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn leads_by_id(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        ids: &[Uuid],
    ) -> Result<Vec<Record>> {
        let rows = scope::select::<lead::Entity>(workspace)
            .filter(scope::among(
                lead::Column::Id,
                ids.iter().copied(),
                self.backend(),
            ))
            .all(self.reader())
            .await?;
        self.records(workspace, keys, rows).await
    }

    /// Leads whose contact has one of the marks, as they are shown; at most `most`, in any order.
    ///
    /// # Errors
    /// The database.
    pub async fn leads_by_mark(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        marks: &[Mark],
        most: u64,
    ) -> Result<Vec<Uuid>> {
        let has_one = marks.iter().fold(Condition::any(), |any, mark| {
            let kind = mark.kind.word();
            any.add(
                Condition::all()
                    .add(identity::Column::Kind.eq(kind))
                    .add(identity::Column::ValueIndex.is_in(keys.value_indexes(kind, &mark.value))),
            )
        });
        let contacts = scope::select::<identity::Entity>(workspace)
            .select_only()
            .column(identity::Column::ContactId)
            .filter(has_one);
        let found: Vec<(Uuid, Option<Uuid>)> = scope::select::<lead::Entity>(workspace)
            .select_only()
            .columns([lead::Column::Id, lead::Column::MergedInto])
            .filter(lead::Column::ContactId.in_subquery(contacts.into_query()))
            .limit(most)
            .into_tuple()
            .all(self.reader())
            .await?;
        let shown: BTreeSet<Uuid> = found
            .into_iter()
            .map(|(lead, merged_into)| merged_into.unwrap_or(lead))
            .collect();
        Ok(shown.into_iter().collect())
    }

    /// Whether the workspace has the lead, and who it is.
    ///
    /// # Errors
    /// The database.
    pub async fn find_contact_of_lead(&self, workspace: Uuid, id: Uuid) -> Result<Option<Uuid>> {
        Ok(self.find_shown(workspace, id).await?.map(|shown| shown.contact))
    }

    /// The lead that a lead is shown as.
    ///
    /// # Errors
    /// The database.
    pub async fn find_shown(&self, workspace: Uuid, id: Uuid) -> Result<Option<Shown>> {
        let find = async |id: Uuid| {
            scope::select::<lead::Entity>(workspace)
                .filter(lead::Column::Id.eq(id))
                .one(self.reader())
                .await
        };
        let mut row = find(id).await?;
        if let Some(root) = row.as_ref().and_then(|row| row.merged_into) {
            row = find(root).await?;
        }
        Ok(row.map(|row| Shown {
            lead: row.id,
            contact: row.contact_id,
            has_absorbed: row.own_sealed.is_some(),
        }))
    }

    /// A page of leads after `cursor`, at most `most`. `connected` says whether the workspace has a CRM.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_leads(
        &self,
        workspace: &Workspace,
        keys: &WorkspaceKeys,
        query: &LeadQuery,
        connected: bool,
        cursor: Option<LeadCursor>,
        most: u64,
    ) -> Result<Vec<Record>> {
        let mut select =
            scope::select::<lead::Entity>(workspace.id).filter(lead::Column::MergedInto.is_null());
        if let Some(score) = query.score_min {
            select = select.filter(lead::Column::Score.gte(i16::from(score)));
        }
        if let Some(score) = query.score_max {
            select = select.filter(lead::Column::Score.lte(i16::from(score)));
        }
        if let Some(stage) = query.stage {
            select = select.filter(lead::Column::Stage.eq(stage.word()));
        }
        if let Some(channel) = query.channel {
            select = select.filter(lead::Column::Channel.eq(channel.word()));
        }
        if let Some(status) = query.sync {
            let withheld =
                withheld(self.reader(), workspace.id, &workspace.settings, self.clock.now()).await?;
            select = select.filter(stands(status, &workspace.settings, connected, withheld));
        }
        if !query.words.is_empty() {
            let tokens = keys.search_tokens(&query.words);
            let mut contact = Query::select();
            contact
                .expr(Expr::value(1))
                .from(contact::Entity)
                .and_where(
                    Expr::col((contact::Entity, contact::Column::Id))
                        .equals((lead::Entity, lead::Column::ContactId)),
                )
                .cond_where(found_by(tokens, self.backend()));
            select = select.filter(Expr::exists(contact));
        }
        let key = match query.order.key {
            Key::CapturedAt => lead::Column::CapturedAt,
            Key::Score => lead::Column::Score,
        };
        if let Some(cursor) = cursor {
            select = select.filter(after(key, cursor, query.order.descending));
        }
        let direction = if query.order.descending {
            sea_orm::Order::Desc
        } else {
            sea_orm::Order::Asc
        };
        let found = select
            .order_by(key, direction.clone())
            .order_by(lead::Column::Id, direction)
            .limit(most)
            .all(self.reader())
            .await?;
        self.records(workspace.id, keys, found).await
    }

    /// Rows of leads with what is shown beside them, in the same order.
    async fn records(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        mut found: Vec<lead::Model>,
    ) -> Result<Vec<Record>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let contacts = scope::select::<contact::Entity>(workspace)
            .filter(scope::among(
                contact::Column::Id,
                found.iter().map(|row| row.contact_id),
                self.backend(),
            ))
            .all(self.reader())
            .await?;
        let mut contacts: HashMap<Uuid, contact::Model> =
            contacts.into_iter().map(|row| (row.id, row)).collect();
        let orphans = found.iter().filter(|row| !contacts.contains_key(&row.contact_id));
        let orphans: Vec<Uuid> = orphans.map(|row| row.id).collect();
        if !orphans.is_empty() {
            // Left out if they were deleted between the two reads.
            if let Some(row) = scope::select::<lead::Entity>(workspace)
                .filter(scope::among(lead::Column::Id, orphans, self.backend()))
                .one(self.reader())
                .await?
            {
                return Err(Error::inconsistent(
                    "leads",
                    "contact_id",
                    row.id,
                    "the contact is gone",
                ));
            }
            found.retain(|row| contacts.contains_key(&row.contact_id));
        }
        let mut scores = self
            .scores_by_id(workspace, found.iter().map(|row| row.score_id))
            .await?;
        let job_rows = self.jobs_of(workspace, found.iter().map(|row| row.id)).await?;
        let reasons: Result<Vec<Option<Vec<u8>>>> = job_rows
            .iter()
            .filter_map(|row| Some(rows::sealed_reason(row.id, row.reason.as_ref()?)))
            .collect();
        let reasons = reasons?;
        let sealed = contacts.values().flat_map(rows::of_contact);
        let sealed = sealed.chain(found.iter().flat_map(rows::of_lead));
        let sealed = sealed.chain(scores.values().map(|row| row.sealed.as_slice()));
        let sealed = sealed.chain(reasons.iter().flatten().map(Vec::as_slice));
        let keys = &self.secrets_for(keys, sealed).await?;
        // Somebody whose key was destroyed is gone, whatever a restored database still holds.
        found.retain(|row| !keys.is_destroyed(&row.intent_sealed));
        let mut jobs: HashMap<Uuid, HashMap<Provider, Job>> = HashMap::new();
        for row in job_rows {
            let lead = row.lead_id;
            if found.iter().any(|row| row.id == lead) {
                let (provider, job) = job(keys, row)?;
                jobs.entry(lead).or_default().insert(provider, job);
            }
        }
        found
            .into_iter()
            .map(|row| {
                let contact = contacts.remove(&row.contact_id).ok_or_else(|| {
                    Error::inconsistent("leads", "contact_id", row.id, "the contact is gone")
                })?;
                Ok(Record {
                    contact: rows::contact(keys, contact)?,
                    score: scores
                        .remove(&row.score_id)
                        .map(|row| rows::score(keys, row))
                        .transpose()?,
                    jobs: jobs.remove(&row.id).unwrap_or_default(),
                    lead: rows::lead(keys, row)?,
                })
            })
            .collect()
    }
}

/// Rows behind a cursor.
fn after(key: lead::Column, cursor: LeadCursor, descending: bool) -> Condition {
    let value: sea_orm::Value = match key {
        lead::Column::Score => i16::from(cursor.score).into(),
        _ => cursor.captured_at.into(),
    };
    let (further, next) = if descending {
        (key.lt(value.clone()), lead::Column::Id.lt(cursor.id))
    } else {
        (key.gt(value.clone()), lead::Column::Id.gt(cursor.id))
    };
    Condition::any()
        .add(further)
        .add(Condition::all().add(key.eq(value)).add(next))
}

/// Leads whose sync stands so: the same rules as those of a lead's view, in SQL.
fn stands(status: Status, settings: &Settings, connected: bool, withheld: SimpleExpr) -> Condition {
    let required: i16 = settings.required_fields.iter().map(|field| field.bit()).sum();
    let no_job = || job_in(None).not();
    let reaches = || lead::Column::Score.gte(i16::from(settings.sync_threshold));
    let complete = || {
        Expr::exists(
            Query::select()
                .expr(Expr::value(1))
                .from(contact::Entity)
                .and_where(
                    Expr::col((contact::Entity, contact::Column::Id))
                        .equals((lead::Entity, lead::Column::ContactId)),
                )
                .and_where(
                    Expr::col((contact::Entity, contact::Column::Filled))
                        .bit_and(required)
                        .eq(required),
                )
                .to_owned(),
        )
    };
    match (status, connected) {
        (Status::NotConnected, connected) => Condition::all().add(Expr::value(!connected)),
        (_, false) => Condition::all().add(Expr::value(false)),
        (Status::Synced, true) => Condition::all()
            .add(job_in(Some(&[JobState::Done])))
            .add(withheld.not()),
        (Status::Error, true) => Condition::all()
            .add(job_in(Some(&[JobState::Dead])))
            .add(withheld.not()),
        (Status::Pending, true) => Condition::all()
            .add(
                Condition::any()
                    .add(job_in(Some(&[
                        JobState::Pending,
                        JobState::Published,
                        JobState::Running,
                    ])))
                    .add(Condition::all().add(no_job()).add(reaches()).add(complete())),
            )
            .add(withheld.not()),
        (Status::BelowThreshold, true) => Condition::all().add(no_job()).add(reaches().not()),
        (Status::Blocked, true) => Condition::any()
            .add(
                Condition::all()
                    .add(no_job())
                    .add(reaches())
                    .add(complete().not()),
            )
            .add(
                Condition::all()
                    .add(withheld)
                    .add(Condition::any().add(job_in(None)).add(reaches())),
            ),
    }
}

fn job_in(states: Option<&[JobState]>) -> SimpleExpr {
    let mut query = Query::select();
    query.expr(Expr::value(1)).from(sync_job::Entity).and_where(
        Expr::col((sync_job::Entity, sync_job::Column::LeadId)).equals((lead::Entity, lead::Column::Id)),
    );
    if let Some(states) = states {
        query.and_where(
            Expr::col((sync_job::Entity, sync_job::Column::State))
                .is_in(states.iter().map(|state| state.word())),
        );
    }
    Expr::exists(query.to_owned())
}

/// Contacts that are found by every token of one of the lists. Tokens are letters from `a` to `p` only.
pub(super) fn found_by(lists: Vec<Vec<String>>, backend: DbBackend) -> Condition {
    let any = Condition::any();
    lists
        .into_iter()
        .fold(any, |any, tokens| any.add(found_by_all(tokens, backend)))
}

fn found_by_all(tokens: Vec<String>, backend: DbBackend) -> Condition {
    if backend == DbBackend::Postgres {
        let all = tokens.join(" & ");
        return Condition::all().add(Expr::cust_with_values(
            "\"contacts\".\"id\" IN \
             (SELECT contact_id FROM contact_words WHERE words @@ to_tsquery('simple', $1))",
            [all],
        ));
    }
    tokens.into_iter().fold(Condition::all(), |all, token| {
        all.add(Expr::col((contact::Entity, contact::Column::Search)).like(format!("% {token} %")))
    })
}
