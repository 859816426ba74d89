//! Answers kept for repeated requests.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter};
use uuid::Uuid;

use super::{
    Store,
    crypto::{Seals, WorkspaceKeys},
    entity::idempotency,
    error::Result,
    rows, scope,
};
use crate::domain::capture::RequestKey;

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

pub(super) const COLUMN: &str = "idempotency.response";

/// An answer to keep.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Which request.
    pub key: RequestKey,
    /// Method that it was.
    pub method: &'static str,
    /// The answer's bytes.
    pub response: Vec<u8>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Answer {
    pub(super) fn seal(self, key: &impl Seals, workspace: Uuid) -> Result<idempotency::Model> {
        Ok(idempotency::Model {
            workspace_id: workspace,
            request_id: self.key.id,
            method: self.method.to_owned(),
            body_digest: self.key.digest.to_vec(),
            response: rows::seal(key, COLUMN, self.key.id, &self.response)?,
            created_at: self.at,
        })
    }
}

/// What is known of a request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The same request was answered so.
    Answered(Vec<u8>),
    /// The id was used with another body or method.
    Reused,
}

impl Store {
    /// What is known of a request id; `None` if it is new, or was forgotten after 24 hours.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_answer(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        key: &RequestKey,
        method: &str,
    ) -> Result<Option<Known>> {
        let row = scope::select::<idempotency::Entity>(workspace)
            .filter(idempotency::Column::RequestId.eq(key.id))
            .one(self.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.method != method || row.body_digest != key.digest {
            return Ok(Some(Known::Reused));
        }
        let keys = self
            .secrets_for(keys, std::iter::once(row.response.as_slice()))
            .await?;
        if keys.is_destroyed(&row.response) {
            // The person was erased; the request is judged anew.
            return Ok(None);
        }
        Ok(Some(Known::Answered(rows::open(
            &keys,
            COLUMN,
            key.id,
            &row.response,
        )?)))
    }

    /// Deletes answers that were kept long enough; returns how many.
    ///
    /// # Errors
    /// The database.
    pub async fn forget_old_answers(&self) -> Result<u64> {
        let transaction = self.begin().await?;
        let deleted = scope::delete_any::<idempotency::Entity>()
            .filter(idempotency::Column::CreatedAt.lt(self.clock.now() - KEPT))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected)
    }
}
