//! Answers kept for repeated requests.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::{
    Store, Transaction,
    crypto::{Seals, WorkspaceKeys},
    entity::idempotency,
    error::Result,
    rows, scope,
};
use crate::domain::capture::RequestKey;

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::hours(24);

pub(super) const COLUMN: &str = "idempotency.response";
/// In place of the method of a request whose answer was emptied.
const OF_THE_ERASED: &str = "erased";

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
    pub(super) fn seal(
        self,
        key: &impl Seals,
        workspace: Uuid,
        contact: Option<Uuid>,
    ) -> Result<idempotency::Model> {
        Ok(idempotency::Model {
            workspace_id: workspace,
            request_id: self.key.id,
            method: self.method.to_owned(),
            body_digest: self.key.digest.to_vec(),
            response: rows::seal(key, COLUMN, self.key.id, &self.response)?,
            created_at: self.at,
            contact_id: contact,
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
    /// It was answered, and the person whom it concerned was erased.
    Erased,
}

/// Notes that answers to these contacts' requests may hold data of others as well: whoever of the workspace is erased
/// takes them along.
pub(super) async fn of_several(
    transaction: &Transaction,
    workspace: Uuid,
    contacts: Vec<Uuid>,
) -> Result<()> {
    scope::update::<idempotency::Entity>(workspace)
        .filter(idempotency::Column::ContactId.is_in(contacts))
        .col_expr(idempotency::Column::ContactId, Expr::value(None::<Uuid>))
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// Empties the answers that hold data of these contacts, and deletes those that may; returns how many. The request ids
/// stay as long as they would have, so that a request which is repeated does not bring the person back.
pub(super) async fn forget_answers_of(
    transaction: &Transaction,
    workspace: Uuid,
    contacts: Vec<Uuid>,
) -> Result<u64> {
    let emptied = scope::update::<idempotency::Entity>(workspace)
        .filter(idempotency::Column::ContactId.is_in(contacts))
        .col_expr(idempotency::Column::Method, Expr::value(OF_THE_ERASED))
        .col_expr(idempotency::Column::BodyDigest, Expr::value(Vec::<u8>::new()))
        .col_expr(idempotency::Column::Response, Expr::value(Vec::<u8>::new()))
        .col_expr(idempotency::Column::ContactId, Expr::value(Some(Uuid::nil())))
        .exec(&**transaction)
        .await?;
    let deleted = scope::delete::<idempotency::Entity>(workspace)
        .filter(idempotency::Column::ContactId.is_null())
        .exec(&**transaction)
        .await?;
    Ok(emptied.rows_affected + deleted.rows_affected)
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
        if row.method == OF_THE_ERASED {
            return Ok(Some(Known::Erased));
        }
        if row.method != method || row.body_digest != key.digest {
            return Ok(Some(Known::Reused));
        }
        let keys = self
            .secrets_for(keys, std::iter::once(row.response.as_slice()))
            .await?;
        if keys.is_destroyed(&row.response) {
            // A database from before the erasure was restored.
            return Ok(Some(Known::Erased));
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
