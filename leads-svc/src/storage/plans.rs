//! Plans of workspaces.

use sea_orm::{QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{Store, audit, entity::workspace, error::Result, rows, scope};
use crate::domain::{
    audit::{Act, Action},
    ids,
    plan::Plan,
};

impl Store {
    /// The plan of a workspace; `None` if there is no such workspace.
    ///
    /// # Errors
    /// The database, or a word that no release knows.
    pub async fn find_plan(&self, id: Uuid) -> Result<Option<Plan>> {
        scope::select::<workspace::Entity>(id)
            .select_only()
            .column(workspace::Column::Plan)
            .into_tuple::<String>()
            .one(self.reader())
            .await?
            .map(|word| rows::word(Plan::parse(&word), "workspaces.plan", id, &word))
            .transpose()
    }

    /// Gives a workspace a plan, in the name of `by`; false if there is no such workspace.
    ///
    /// # Errors
    /// The database.
    pub async fn set_plan(&self, id: Uuid, plan: Plan, by: &str) -> Result<bool> {
        let transaction = self.begin().await?;
        let before = scope::select::<workspace::Entity>(id)
            .select_only()
            .column(workspace::Column::Plan)
            .lock_exclusive()
            .into_tuple::<String>()
            .one(&*transaction)
            .await?;
        let Some(before) = before else { return Ok(false) };
        scope::update::<workspace::Entity>(id)
            .col_expr(workspace::Column::Plan, Expr::value(plan.word()))
            .exec(&*transaction)
            .await?;
        let act = Act::new(by, Action::PlanSet, ids::format::<ids::Workspace>(id))
            .with("plan", format!("{before} -> {}", plan.word()));
        let keys = self.workspace_keys(id).await?;
        audit::append(&transaction, &keys, id, act, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(true)
    }
}
