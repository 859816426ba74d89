//! Leads, with what is shown beside them.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    Statement, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store,
    crypto::WorkspaceKeys,
    entity::{contact, identity, lead},
    error::{Error, Result},
    filter_sql::Around,
    jobs::read::job,
    order_sql, rows, scope,
    standings::withheld,
};
use crate::domain::{
    contact::Contact,
    filter::{CrmField, Field, Filter, Subject},
    identity::Mark,
    lead::Lead,
    page::{LeadCursor, LeadQuery},
    score::Score,
    sync::{Job, Link, Provider},
    workspace::Workspace,
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

impl Record {
    /// The record as filters see it, with how it stands with CRMs.
    pub fn subject<'a>(&'a self, links: &'a [Link]) -> Subject<'a> {
        Subject {
            lead: &self.lead,
            contact: &self.contact,
            score: self.score.as_ref(),
            links,
        }
    }
}

/// A list of leads, whichever of its pages.
#[derive(Debug)]
pub struct Listing<'a> {
    /// Whose.
    pub workspace: &'a Workspace,
    /// Its keys.
    pub keys: &'a WorkspaceKeys,
    /// Which, and in which order.
    pub query: &'a LeadQuery,
    /// CRMs that the workspace has.
    pub connected: &'a [Provider],
    /// What counts as now.
    pub as_of: DateTime<Utc>,
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

    /// Leads of a list behind `cursor`, at most `most`.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_leads(
        &self,
        list: &Listing<'_>,
        cursor: Option<&LeadCursor>,
        most: u64,
    ) -> Result<Vec<Record>> {
        let found = self.page(list, cursor, most).await?.all(self.reader()).await?;
        self.records(list.workspace.id, list.keys, found).await
    }

    /// The statement that finds them: to see how the database goes about it.
    ///
    /// # Errors
    /// The database, which may be asked for what the statement needs to know.
    pub async fn page_statement(
        &self,
        list: &Listing<'_>,
        cursor: Option<&LeadCursor>,
        most: u64,
    ) -> Result<Statement> {
        Ok(self.page(list, cursor, most).await?.build(self.backend()))
    }

    /// How many leads a list has on all its pages, counted up to `most`.
    ///
    /// # Errors
    /// The database.
    pub async fn count_leads(&self, list: &Listing<'_>, most: u64) -> Result<u64> {
        let counted = self.listed(list).await?.limit(most);
        Ok(counted.count(self.reader()).await?)
    }

    async fn page(
        &self,
        list: &Listing<'_>,
        cursor: Option<&LeadCursor>,
        most: u64,
    ) -> Result<Select<lead::Entity>> {
        let columns = order_sql::columns(&list.query.order, cursor, self.backend());
        let mut select = self.listed(list).await?;
        if let Some(behind) = order_sql::behind(&columns) {
            select = select.filter(behind);
        }
        for column in columns {
            let direction = column.direction();
            select = select.order_by(column.value, direction);
        }
        Ok(select.limit(most))
    }

    async fn listed(&self, list: &Listing<'_>) -> Result<Select<lead::Entity>> {
        let Listing {
            workspace,
            keys,
            query,
            connected,
            as_of,
        } = list;
        let asks_status = query
            .filter
            .names(&|field| matches!(field, Field::Crm(_, CrmField::Status)));
        let withheld = if asks_status {
            withheld(self.reader(), workspace.id, &workspace.settings, self.clock.now()).await?
        } else {
            Expr::value(false)
        };
        let around = Around {
            workspace: workspace.id,
            keys,
            settings: &workspace.settings,
            connected,
            withheld,
            now: *as_of,
            backend: self.backend(),
        };
        let mut select =
            scope::select::<lead::Entity>(workspace.id).filter(lead::Column::MergedInto.is_null());
        if query.filter != Filter::EVERYTHING {
            select = select.filter(around.condition(&query.filter));
        }
        Ok(select)
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
