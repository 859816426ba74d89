//! Workspaces and their settings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::{QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{
    Store, audit,
    entity::{api_key, connection, idempotency, workspace},
    error::Result,
    idempotency::Answer,
    keys::{self, Key},
    rows,
    scope::{self, Reach},
};
use crate::domain::{
    audit::{Act, Action},
    ids,
    plan::Plan,
    workspace::{Settings, Workspace},
};

impl Store {
    /// Creates a workspace with a data key of its own and its first API key, in the name of `by`, and keeps the answer to
    /// the request: all of it, or nothing.
    ///
    /// # Errors
    /// The database; `Conflict` if the same request is answered by now.
    pub async fn create_workspace(
        &self,
        workspace: &Workspace,
        first_key: Key,
        answer: Option<Answer>,
        by: &str,
    ) -> Result<()> {
        let (id, at) = (workspace.id, workspace.created_at);
        let installation = self.installation_keys().await?;
        let row = workspace::Model {
            id,
            name: workspace.name.clone(),
            settings: rows::to_json(&workspace.settings),
            plan: workspace.plan.word().to_owned(),
            created_at: at,
        };
        let answer = answer
            .map(|answer| answer.seal(&*installation, Uuid::nil(), None))
            .transpose()?;
        let transaction = self.begin().await?;
        transaction
            .insert::<idempotency::Entity>(Reach::All, answer.into_iter().collect())
            .await?;
        transaction.insert::<workspace::Entity>(id, vec![row]).await?;
        let keys = self.found_workspace_keys(&transaction, id, at).await?;
        let acts = [
            Act::new(by, Action::WorkspaceCreated, ids::format::<ids::Workspace>(id)),
            keys::created(&first_key, by),
        ];
        transaction
            .insert::<api_key::Entity>(id, vec![keys::row(first_key)])
            .await?;
        for act in acts {
            audit::append(&transaction, &keys, id, act, at).await?;
        }
        transaction.commit().await
    }

    /// A workspace.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_workspace(&self, id: Uuid) -> Result<Option<Workspace>> {
        let row = scope::select::<workspace::Entity>(id).one(self.reader()).await?;
        row.map(workspace).transpose()
    }

    /// Identifiers of all workspaces, oldest first.
    ///
    /// # Errors
    /// The database.
    pub async fn workspace_ids(&self) -> Result<Vec<Uuid>> {
        Ok(scope::select_any::<workspace::Entity>()
            .select_only()
            .column(workspace::Column::Id)
            .order_by_asc(workspace::Column::CreatedAt)
            .into_tuple()
            .all(self.reader())
            .await?)
    }

    /// All workspaces, oldest first: for the operator's command line.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_workspaces(&self) -> Result<Vec<Workspace>> {
        scope::select_any::<workspace::Entity>()
            .order_by_asc(workspace::Column::CreatedAt)
            .all(self.reader())
            .await?
            .into_iter()
            .map(workspace)
            .collect()
    }

    /// Replaces the settings by what `change` makes of them, in the name of `by`. Leads that qualify by the new ones are looked for.
    ///
    /// # Errors
    /// The database; `None` if there is no such workspace.
    pub async fn update_settings(
        &self,
        id: Uuid,
        by: &str,
        change: impl FnOnce(Settings) -> Settings + Send,
    ) -> Result<Option<Workspace>> {
        let transaction = self.begin().await?;
        let row = scope::select::<workspace::Entity>(id)
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let before = row.settings.clone();
        let mut changed = workspace(row)?;
        let settings_before = changed.settings.clone();
        changed.settings = change(changed.settings);
        scope::update::<workspace::Entity>(id)
            .col_expr(
                workspace::Column::Settings,
                Expr::value(rows::to_json(&changed.settings)),
            )
            .exec(&*transaction)
            .await?;
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
        let found_by = |settings: &Settings| (settings.merge_address_variants, settings.country.clone());
        if found_by(&changed.settings) != found_by(&settings_before) {
            self.settings_moved(&transaction, id, self.clock.now()).await?;
        }
        let act = Act {
            details: differences(&before, &rows::to_json(&changed.settings)),
            ..Act::new(by, Action::SettingsChanged, ids::format::<ids::Workspace>(id))
        };
        let keys = self.workspace_keys(id).await?;
        audit::append(&transaction, &keys, id, act, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(Some(changed))
    }
}

/// The settings that differ, each with its value before and after.
fn differences(before: &sea_orm::JsonValue, after: &sea_orm::JsonValue) -> BTreeMap<String, String> {
    let names: BTreeSet<&String> = [before, after]
        .into_iter()
        .filter_map(|settings| settings.as_object())
        .flat_map(|settings| settings.keys())
        .collect();
    let shown = |settings: &sea_orm::JsonValue, name: &str| {
        settings
            .get(name)
            .map_or_else(|| "default".to_owned(), ToString::to_string)
    };
    names
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .map(|name| {
            (
                name.clone(),
                format!("{} -> {}", shown(before, name), shown(after, name)),
            )
        })
        .collect()
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
