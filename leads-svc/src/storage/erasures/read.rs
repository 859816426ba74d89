//! Erasures as people see them.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::receipts::reopen_one;
use crate::{
    domain::erasure::{Erasure, Receipt, State},
    storage::{
        Store,
        entity::{erasure, erasure_receipt},
        error::Result,
        rows, scope,
    },
};

impl Store {
    /// An erasure with its receipts.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_erasure(&self, workspace: Uuid, id: Uuid) -> Result<Option<Erasure>> {
        let row = scope::select::<erasure::Entity>(workspace)
            .filter(erasure::Column::Id.eq(id))
            .one(self.reader())
            .await?;
        Ok(self
            .with_receipts(workspace, row.into_iter().collect())
            .await?
            .pop())
    }

    /// Erasures before `before`, newest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_erasures(
        &self,
        workspace: Uuid,
        before: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Erasure>> {
        let mut select = scope::select::<erasure::Entity>(workspace);
        if let Some(before) = before {
            select = select.filter(erasure::Column::Id.lt(before));
        }
        let found = select
            .order_by_desc(erasure::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?;
        self.with_receipts(workspace, found).await
    }

    /// Tries once more what was given up of an erasure; true if there was something.
    ///
    /// # Errors
    /// The database.
    pub async fn retry_erasure(&self, workspace: Uuid, id: Uuid) -> Result<bool> {
        let transaction = self.begin().await?;
        let jobs = reopen_one(&transaction, workspace, id).await?;
        transaction.commit().await?;
        Ok(jobs > 0)
    }

    async fn with_receipts(&self, workspace: Uuid, found: Vec<erasure::Model>) -> Result<Vec<Erasure>> {
        let mut receipts: HashMap<Uuid, Vec<Receipt>> = HashMap::new();
        for row in scope::select::<erasure_receipt::Entity>(workspace)
            .filter(erasure_receipt::Column::ErasureId.is_in(found.iter().map(|row| row.id)))
            .order_by_asc(erasure_receipt::Column::System)
            .all(self.reader())
            .await?
        {
            let id = row.erasure_id;
            receipts.entry(id).or_default().push(receipt(row)?);
        }
        found
            .into_iter()
            .map(|row| {
                Ok(Erasure {
                    id: row.id,
                    requested_at: row.requested_at,
                    actor: row.actor,
                    leads: rows::json("erasures.leads", row.id, row.leads)?,
                    contacts: rows::json("erasures.contacts", row.id, row.contacts)?,
                    receipts: receipts.remove(&row.id).unwrap_or_default(),
                })
            })
            .collect()
    }
}

fn receipt(row: erasure_receipt::Model) -> Result<Receipt> {
    Ok(Receipt {
        state: rows::word(
            State::parse(&row.state),
            "erasure_receipts.state",
            row.erasure_id,
            &row.state,
        )?,
        system: row.system,
        records: row.records,
        reason: row.reason,
        requested_at: row.requested_at,
        done_at: row.done_at,
        verified_at: row.verified_at,
    })
}
