//! Workspaces and their settings.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store,
    entity::{api_key, connection, idempotency, workspace},
    error::{Error, Result},
    idempotency::Answer,
    keys::{self, Key},
    rows, scope,
};
use crate::domain::{
    plan::Plan,
    workspace::{Settings, Workspace},
};

impl Store {
    /// Creates a workspace with a data key of its own and its first API key, and keeps the answer to the request: all of
    /// it, or nothing.
    ///
    /// # Errors
    /// The database; `Conflict` if the same request is answered by now.
    pub async fn create_workspace(
        &self,
        workspace: &Workspace,
        first_key: Key,
        answer: Option<Answer>,
    ) -> Result<()> {
        let kek = self.keyring.kek();
        let row = workspace::Model {
            id: workspace.id,
            name: workspace.name.clone(),
            settings: rows::to_json(&workspace.settings),
            plan: workspace.plan.word().to_owned(),
            wrapped_key: kek
                .new_data_key(workspace.id)
                .map_err(|problem| Error::inconsistent("workspaces", "wrapped_key", workspace.id, problem))?,
            kek_id: kek.id().to_owned(),
            created_at: workspace.created_at,
        };
        let answer = answer
            .map(|answer| answer.seal(&kek.platform_keys(), Uuid::nil()))
            .transpose()?;
        let transaction = self.begin().await?;
        transaction
            .insert::<idempotency::Entity>(answer.into_iter().collect())
            .await?;
        transaction.insert::<workspace::Entity>(vec![row]).await?;
        transaction
            .insert::<api_key::Entity>(vec![keys::row(first_key)])
            .await?;
        transaction.commit().await
    }

    /// A workspace.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_workspace(&self, id: Uuid) -> Result<Option<Workspace>> {
        let row = scope::select_any::<workspace::Entity>()
            .filter(workspace::Column::Id.eq(id))
            .one(self.reader())
            .await?;
        row.map(workspace).transpose()
    }

    /// How many workspaces have a data key that another key-encryption key wrapped: nothing of theirs can be read.
    ///
    /// # Errors
    /// The database.
    pub async fn count_unreadable_workspaces(&self) -> Result<u64> {
        Ok(scope::select_any::<workspace::Entity>()
            .filter(workspace::Column::KekId.ne(self.keyring.kek().id()))
            .count(self.reader())
            .await?)
    }

    /// All workspaces, oldest first: for the operator's command line.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>> {
        use sea_orm::QueryOrder;
        scope::select_any::<workspace::Entity>()
            .order_by_asc(workspace::Column::CreatedAt)
            .all(self.reader())
            .await?
            .into_iter()
            .map(workspace)
            .collect()
    }

    /// Replaces the settings by what `change` makes of them. Leads that qualify by the new ones are looked for.
    ///
    /// # Errors
    /// The database; `None` if there is no such workspace.
    pub async fn update_settings(
        &self,
        id: Uuid,
        change: impl FnOnce(Settings) -> Settings + Send,
    ) -> Result<Option<Workspace>> {
        let transaction = self.begin().await?;
        let row = scope::select_any::<workspace::Entity>()
            .filter(workspace::Column::Id.eq(id))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut changed = workspace(row.clone())?;
        changed.settings = change(changed.settings);
        let mut active = row.into_active_model();
        active.settings = sea_orm::ActiveValue::Set(rows::to_json(&changed.settings));
        active.update(&*transaction).await?;
        scope::update::<connection::Entity>(id)
            .col_expr(
                connection::Column::BackfillAt,
                Expr::value(Some(self.clock.now())),
            )
            .col_expr(connection::Column::Backfills, Expr::value(0))
            .col_expr(
                connection::Column::BackfillTime,
                Expr::value(None::<DateTime<Utc>>),
            )
            .col_expr(connection::Column::BackfillLead, Expr::value(None::<Uuid>))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(changed))
    }
}

fn workspace(row: workspace::Model) -> Result<Workspace> {
    let created_at: DateTime<Utc> = row.created_at;
    Ok(Workspace {
        id: row.id,
        name: row.name,
        settings: rows::json("workspaces.settings", row.id, row.settings)?,
        plan: rows::word(Plan::parse(&row.plan), "workspaces.plan", row.id, &row.plan)?,
        created_at,
    })
}
