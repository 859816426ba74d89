//! Conversations.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Store, crypto::WorkspaceKeys, entity::message, error::Result, rows, scope};
use crate::domain::capture::StoredMessage;

impl Store {
    /// A contact's messages from `position` on, at most `most`, oldest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn messages(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        contact_id: Uuid,
        position: i64,
        most: u64,
    ) -> Result<Vec<StoredMessage>> {
        let found = scope::select::<message::Entity>(workspace)
            .filter(message::Column::ContactId.eq(contact_id))
            .filter(message::Column::Position.gte(position))
            .order_by_asc(message::Column::Position)
            .limit(most)
            .all(self.reader())
            .await?;
        let sealed = found.iter().map(|row| row.sealed.as_slice());
        let keys = &self.secrets_for(keys, sealed).await?;
        found.into_iter().map(|row| rows::message(keys, row)).collect()
    }
}
