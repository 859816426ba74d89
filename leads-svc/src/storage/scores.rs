//! Scores, newest last in the table and newest first in answers.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Store, crypto::WorkspaceKeys, entity::score, error::Result, rows, scope};
use crate::domain::score::Score;

impl Store {
    /// Scores of some leads, older than `before`, newest first, with the ids to go on from.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn scores(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        leads: &[Uuid],
        before: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<(Uuid, Score)>> {
        let mut query = scope::select::<score::Entity>(workspace)
            .filter(score::Column::LeadId.is_in(leads.iter().copied()));
        if let Some(before) = before {
            query = query.filter(score::Column::Id.lt(before));
        }
        let found = query
            .order_by_desc(score::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?;
        let sealed = found.iter().map(|row| row.sealed.as_slice());
        let keys = &self.secrets_for(keys, sealed).await?;
        found
            .into_iter()
            .map(|row| Ok((row.id, rows::score(keys, row)?)))
            .collect()
    }

    /// Scores by their ids, as they are stored.
    ///
    /// # Errors
    /// The database.
    pub(super) async fn scores_by_id(
        &self,
        workspace: Uuid,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<HashMap<Uuid, score::Model>> {
        let found = scope::select::<score::Entity>(workspace)
            .filter(scope::among(score::Column::Id, ids, self.backend()))
            .all(self.reader())
            .await?;
        Ok(found.into_iter().map(|row| (row.id, row)).collect())
    }
}
