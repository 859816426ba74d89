//! Walks through the contacts of a workspace that bring them to its present keys and settings.
//!
//! Stored: one row per workspace and kind of walk, with the contact that it reached. Moves: any replica takes the next
//! contacts, and moves the row on if nobody else did. Holds: calls go on meanwhile, since what is to be read opens under
//! the old keys as under the new ones until the walk has ended; a walk that was broken off goes on where it was.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{
    Store, Transaction,
    entity::{contact, renewal},
    error::Result,
    scope::{self, Reach},
};
use crate::domain::workspace::Workspace;

/// Contacts of one look.
const BATCH: u64 = 50;
/// Walks of one look.
const WALKS: u64 = 20;
/// From when a new key is used, or new settings hold, until no call goes on that does not know of them.
pub(super) const SETTLED: TimeDelta = TimeDelta::seconds(120);

/// What is brought to the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is sealed.
    Seals,
    /// What contacts are found by.
    Indexes,
}

impl Kind {
    /// The word in storage.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Seals => "seal",
            Self::Indexes => "index",
        }
    }
}

/// A walk that goes on.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// Whose contacts.
    pub workspace: Uuid,
    /// `seal` or `index`.
    pub kind: String,
    /// Contacts so far.
    pub contacts: i64,
    /// When it may go on.
    pub not_before: DateTime<Utc>,
}

/// Begins a walk, or begins it again.
pub(super) async fn begin(
    transaction: &Transaction,
    workspace: Uuid,
    kind: Kind,
    not_before: DateTime<Utc>,
) -> Result<()> {
    let row = renewal::Model {
        workspace_id: workspace,
        kind: kind.word().to_owned(),
        not_before,
        cursor_at: None,
        cursor_id: None,
        contacts: 0,
    };
    let again = OnConflict::columns([renewal::Column::WorkspaceId, renewal::Column::Kind])
        .update_columns([
            renewal::Column::NotBefore,
            renewal::Column::CursorAt,
            renewal::Column::CursorId,
            renewal::Column::Contacts,
        ])
        .to_owned();
    transaction.enter(Reach::One(workspace)).await?;
    #[expect(clippy::disallowed_methods, reason = "the walk that is there begins again")]
    renewal::Entity::insert(row.into_active_model())
        .on_conflict(again)
        .exec_without_returning(&**transaction)
        .await?;
    Ok(())
}

impl Store {
    /// Walks that have not ended.
    ///
    /// # Errors
    /// The database.
    pub async fn renewals(&self) -> Result<Vec<Renewal>> {
        let found = scope::select_any::<renewal::Entity>()
            .order_by_asc(renewal::Column::WorkspaceId)
            .all(self.reader())
            .await?;
        let renewals = found.into_iter().map(|row| Renewal {
            workspace: row.workspace_id,
            kind: row.kind,
            contacts: row.contacts,
            not_before: row.not_before,
        });
        Ok(renewals.collect())
    }

    /// Takes some contacts of every walk that may go on; returns how many. A walk that cannot go on keeps no other from
    /// it, and is tried again at the next look.
    ///
    /// # Errors
    /// The database.
    pub async fn renew_some(&self) -> Result<u64> {
        let walks = scope::select_any::<renewal::Entity>()
            .filter(renewal::Column::NotBefore.lte(self.clock.now()))
            .order_by_asc(renewal::Column::Contacts)
            .limit(WALKS)
            .all(self.reader())
            .await?;
        let mut renewed = 0;
        for walk in walks {
            let (workspace, kind) = (walk.workspace_id, walk.kind.clone());
            match self.go_on(walk).await {
                Ok(contacts) => renewed += contacts,
                Err(error) => {
                    tracing::error!(workspace.id = %workspace, kind, error = %error, "a walk cannot go on");
                }
            }
        }
        Ok(renewed)
    }

    async fn go_on(&self, walk: renewal::Model) -> Result<u64> {
        let id = walk.workspace_id;
        let Some(workspace) = self.find_workspace(id).await? else {
            return self.end_renewal(&walk).await;
        };
        let mut select = scope::select::<contact::Entity>(id);
        if let (Some(at), Some(last)) = (walk.cursor_at, walk.cursor_id) {
            let same = Condition::all()
                .add(contact::Column::CreatedAt.eq(at))
                .add(contact::Column::Id.gt(last));
            select = select.filter(Condition::any().add(contact::Column::CreatedAt.gt(at)).add(same));
        }
        let page: Vec<(Uuid, DateTime<Utc>)> = select
            .select_only()
            .columns([contact::Column::Id, contact::Column::CreatedAt])
            .order_by_asc(contact::Column::CreatedAt)
            .order_by_asc(contact::Column::Id)
            .limit(BATCH)
            .into_tuple()
            .all(self.reader())
            .await?;
        for (contact, _) in &page {
            self.renew_contact(&workspace, *contact, &walk.kind).await?;
        }
        if let Some((last, at)) = page.last() {
            let count = page.len() as i64;
            let transaction = self.begin().await?;
            self.now_walked(&walk)
                .col_expr(renewal::Column::CursorAt, Expr::value(Some(*at)))
                .col_expr(renewal::Column::CursorId, Expr::value(Some(*last)))
                .col_expr(renewal::Column::Contacts, Expr::value(walk.contacts + count))
                .exec(&*transaction)
                .await?;
            transaction.commit().await?;
            return Ok(page.len() as u64);
        }
        let is_done = if walk.kind == Kind::Seals.word() {
            self.finish_seals(&walk).await?
        } else {
            self.finish_indexes(&walk).await?
        };
        if is_done {
            self.end_renewal(&walk).await?;
            tracing::info!(workspace.id = %id, kind = walk.kind, contacts = walk.contacts, "contacts are renewed");
        }
        Ok(0)
    }

    async fn renew_contact(&self, workspace: &Workspace, contact: Uuid, kind: &str) -> Result<()> {
        if kind == Kind::Seals.word() {
            self.renew_seals(workspace.id, contact).await
        } else {
            self.renew_indexes(workspace, contact).await
        }
    }

    /// The walk's row, if no other replica moved it on.
    fn now_walked(&self, walk: &renewal::Model) -> sea_orm::UpdateMany<renewal::Entity> {
        let cursor = match walk.cursor_id {
            Some(id) => renewal::Column::CursorId.eq(id),
            None => renewal::Column::CursorId.is_null(),
        };
        scope::update::<renewal::Entity>(walk.workspace_id)
            .filter(renewal::Column::Kind.eq(walk.kind.as_str()))
            .filter(renewal::Column::NotBefore.eq(walk.not_before))
            .filter(cursor)
    }

    async fn end_renewal(&self, walk: &renewal::Model) -> Result<u64> {
        let transaction = self.begin().await?;
        scope::delete::<renewal::Entity>(walk.workspace_id)
            .filter(renewal::Column::Kind.eq(walk.kind.as_str()))
            .filter(renewal::Column::NotBefore.eq(walk.not_before))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(0)
    }

    /// Has a walk begin again at `not_before`, unless somebody else has.
    pub(super) async fn walk_again(&self, walk: &renewal::Model, not_before: DateTime<Utc>) -> Result<()> {
        let transaction = self.begin().await?;
        self.now_walked(walk)
            .col_expr(renewal::Column::NotBefore, Expr::value(not_before))
            .col_expr(renewal::Column::CursorAt, Expr::value(None::<DateTime<Utc>>))
            .col_expr(renewal::Column::CursorId, Expr::value(None::<Uuid>))
            .col_expr(renewal::Column::Contacts, Expr::value(0_i64))
            .exec(&*transaction)
            .await?;
        transaction.commit().await
    }
}
