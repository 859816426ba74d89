//! Connector processes that live.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::OnConflict,
};

use super::{Store, entity::connector_replica, error::Result, scope};

impl Store {
    /// Notes that a connector process lives, and counts those of its destination that were heard of within `within`.
    ///
    /// # Errors
    /// The database.
    pub async fn heartbeat(&self, destination: &str, replica: &str, within: Duration) -> Result<u64> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let row = connector_replica::ActiveModel {
            destination: Set(destination.to_owned()),
            replica: Set(replica.to_owned()),
            seen_at: Set(now),
        };
        #[expect(clippy::disallowed_methods, reason = "no workspace has connectors")]
        connector_replica::Entity::insert(row)
            .on_conflict(
                OnConflict::columns([
                    connector_replica::Column::Destination,
                    connector_replica::Column::Replica,
                ])
                .update_column(connector_replica::Column::SeenAt)
                .to_owned(),
            )
            .exec_without_returning(&*transaction)
            .await?;
        scope::delete_any::<connector_replica::Entity>()
            .filter(connector_replica::Column::SeenAt.lt(now - within))
            .exec(&*transaction)
            .await?;
        let live = scope::select_any::<connector_replica::Entity>()
            .filter(connector_replica::Column::Destination.eq(destination))
            .count(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(live)
    }
}
