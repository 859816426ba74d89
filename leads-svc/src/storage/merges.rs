//! Merges of leads, and everybody whom a person is.

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    Store, Transaction,
    contacts::Person,
    crypto::{Sealer, WorkspaceKeys},
    entity::{contact, lead, merge, sync_job},
    error::{Error, Result},
    rows, scope,
    sealing::Sealers,
};
use crate::domain::{
    merge::{Choices, Link, Merge},
    sync::{Action, JobState, Lane},
};

/// A change of a merge.
#[derive(Debug, Clone)]
pub enum MergeWrite {
    /// A new one.
    New {
        /// The merge.
        link: Link,
        /// Who made it.
        actor: String,
    },
    /// Other choices.
    Chosen {
        /// Which.
        id: Uuid,
        /// All of its choices.
        choices: Choices,
    },
    /// It is undone.
    Undone {
        /// Which.
        id: Uuid,
        /// When.
        at: DateTime<Utc>,
    },
}

/// The same, with everything encrypted.
#[derive(Debug)]
pub(super) enum SealedMerge {
    New(merge::Model),
    Chosen(Uuid, Vec<u8>),
    Undone(Uuid, DateTime<Utc>),
}

impl MergeWrite {
    /// `shown` seals what is chosen for the lead that the write shows.
    pub(super) fn seal(self, sealers: &Sealers<'_>, shown: &Sealer, workspace: Uuid) -> Result<SealedMerge> {
        Ok(match self {
            Self::New { link, actor } => SealedMerge::New(merge::Model {
                id: link.merge.id,
                workspace_id: workspace,
                survivor_lead: link.survivor,
                absorbed_lead: link.absorbed,
                sealed: rows::seal_json(
                    sealers.of_lead(link.survivor),
                    rows::CHOICES,
                    link.merge.id,
                    &link.merge.choices,
                )?,
                actor,
                at: link.merge.at,
                undone_at: None,
            }),
            Self::Chosen { id, choices } => {
                SealedMerge::Chosen(id, rows::seal_json(shown, rows::CHOICES, id, &choices)?)
            }
            Self::Undone { id, at } => SealedMerge::Undone(id, at),
        })
    }
}

impl SealedMerge {
    /// Stores it. Whoever changes merges has locked the survivor's row before.
    pub(super) async fn apply(self, transaction: &Transaction, workspace: Uuid) -> Result<()> {
        let change = |id: Uuid| scope::update::<merge::Entity>(workspace).filter(merge::Column::Id.eq(id));
        match self {
            Self::New(row) => transaction.insert::<merge::Entity>(workspace, vec![row]).await,
            Self::Chosen(id, sealed) => {
                let changed = change(id).col_expr(merge::Column::Sealed, Expr::value(sealed));
                changed.exec(&**transaction).await?;
                Ok(())
            }
            Self::Undone(id, at) => {
                let changed = change(id).col_expr(merge::Column::UndoneAt, Expr::value(Some(at)));
                changed.exec(&**transaction).await?;
                Ok(())
            }
        }
    }
}

/// Owes CRMs that the records of leads which disappeared behind another disappear too, where there may be one: a write
/// that is under way is waited for.
pub(super) async fn remove(
    transaction: &Transaction,
    workspace: Uuid,
    leads: Vec<Uuid>,
    now: DateTime<Utc>,
) -> Result<()> {
    let column = |column: sync_job::Column| Expr::col(column);
    let state = |state: JobState| Expr::value(state.word());
    let is_running = || column(sync_job::Column::State).eq(JobState::Running.word());
    let may_be_there = column(sync_job::Column::ExternalId)
        .ne("")
        .or(column(sync_job::Column::UnknownOutcome).eq(true));
    scope::update::<sync_job::Entity>(workspace)
        .filter(sync_job::Column::LeadId.is_in(leads))
        .filter(sync_job::Column::Action.eq(Action::Upsert.word()))
        .col_expr(
            sync_job::Column::State,
            Expr::case(is_running(), state(JobState::Running))
                .case(may_be_there, state(JobState::Pending))
                .finally(state(JobState::Done))
                .into(),
        )
        .col_expr(sync_job::Column::Action, Expr::value(Action::Remove.word()))
        .col_expr(sync_job::Column::Lane, Expr::value(Lane::Normal.rank()))
        .col_expr(sync_job::Column::Attempt, Expr::value(0))
        .col_expr(sync_job::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
        .col_expr(sync_job::Column::PublishCount, Expr::value(0))
        .col_expr(sync_job::Column::NextAt, Expr::value(now))
        .col_expr(sync_job::Column::FirstPendingAt, Expr::value(now))
        .col_expr(sync_job::Column::Verifying, Expr::value(false))
        .col_expr(sync_job::Column::Reason, Expr::value(None::<sea_orm::JsonValue>))
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// Everybody whom a lead is shown for.
#[derive(Debug)]
pub struct Members {
    /// Contacts with their leads, in any order.
    pub people: Vec<Person>,
    /// The merges between them that stand, oldest first.
    pub merges: Vec<Link>,
}

impl Store {
    /// The leads that are shown as `root`, itself first.
    ///
    /// # Errors
    /// The database.
    pub async fn leads_shown_as(&self, workspace: Uuid, root: Uuid) -> Result<Vec<Uuid>> {
        let absorbed: Vec<Uuid> = scope::select::<lead::Entity>(workspace)
            .select_only()
            .column(lead::Column::Id)
            .filter(lead::Column::MergedInto.eq(root))
            .order_by_asc(lead::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await?;
        Ok(std::iter::once(root).chain(absorbed).collect())
    }

    /// The merges that stand of a survivor, oldest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn merges_of(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        survivors: &[Uuid],
    ) -> Result<Vec<Link>> {
        let found = scope::select::<merge::Entity>(workspace)
            .filter(scope::among(
                merge::Column::SurvivorLead,
                survivors.iter().copied(),
                self.backend(),
            ))
            .filter(merge::Column::UndoneAt.is_null())
            .order_by_asc(merge::Column::At)
            .order_by_asc(merge::Column::Id)
            .all(self.reader())
            .await?;
        let sealed = found.iter().map(|row| row.sealed.as_slice());
        let keys = &self.secrets_for(keys, sealed).await?;
        found
            .into_iter()
            .map(|row| {
                Ok(Link {
                    survivor: row.survivor_lead,
                    absorbed: row.absorbed_lead,
                    merge: Merge {
                        id: row.id,
                        at: row.at,
                        choices: rows::open_json(keys, rows::CHOICES, row.id, &row.sealed)?,
                    },
                })
            })
            .collect()
    }

    /// Everybody whom the lead `root` is shown for.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_members(&self, workspace: Uuid, keys: &WorkspaceKeys, root: Uuid) -> Result<Members> {
        let leads = scope::select::<lead::Entity>(workspace)
            .filter(
                Condition::any()
                    .add(lead::Column::Id.eq(root))
                    .add(lead::Column::MergedInto.eq(root)),
            )
            .all(self.reader())
            .await?;
        let ids: Vec<Uuid> = leads.iter().map(|row| row.id).collect();
        let mut contacts = scope::select::<contact::Entity>(workspace)
            .filter(scope::among(
                contact::Column::Id,
                leads.iter().map(|row| row.contact_id),
                self.backend(),
            ))
            .all(self.reader())
            .await?;
        let sealed = contacts.iter().flat_map(rows::of_contact);
        let sealed = sealed.chain(leads.iter().flat_map(rows::of_lead));
        let secrets = self.secrets_for(keys, sealed).await?;
        let mut people = Vec::with_capacity(leads.len());
        for lead in leads {
            let place = contacts.iter().position(|row| row.id == lead.contact_id);
            let Some(place) = place else {
                // Deleted between the two reads.
                return Err(Error::Conflict {
                    constraint: "leads.contact_id".to_owned(),
                });
            };
            let contact = contacts.swap_remove(place);
            people.push(super::contacts::person(&secrets, contact, Some(lead))?);
        }
        Ok(Members {
            people,
            merges: self.merges_of(workspace, keys, &ids).await?,
        })
    }
}
