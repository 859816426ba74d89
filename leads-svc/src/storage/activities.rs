//! Timelines.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Store, crypto::WorkspaceKeys, entity::activity, error::Result, rows, scope};
use crate::domain::activity::Activity;

impl Store {
    /// Activities of some leads, older than `before`, newest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn activities(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        leads: &[Uuid],
        before: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Activity>> {
        let mut query = scope::select::<activity::Entity>(workspace)
            .filter(activity::Column::LeadId.is_in(leads.iter().copied()));
        if let Some(before) = before {
            query = query.filter(activity::Column::Id.lt(before));
        }
        let found = query
            .order_by_desc(activity::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?;
        let sealed = found.iter().map(|row| row.sealed.as_slice());
        let keys = &self.secrets_for(keys, sealed).await?;
        found.into_iter().map(|row| rows::activity(keys, row)).collect()
    }
}
