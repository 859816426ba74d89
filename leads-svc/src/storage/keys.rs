//! Credentials, as hashes.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, sea_query::Expr,
};
use uuid::Uuid;

use super::{
    Store, audit,
    crypto::WorkspaceKeys,
    entity::api_key,
    error::Result,
    rows,
    scope::{self, Reach},
};
use crate::domain::audit::{Act, Action};

/// Keys of one list; a workspace has at most half as many that are not revoked.
const MAX_LISTED: u64 = 200;

/// A credential without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Public part.
    pub id: String,
    /// Workspace of an API key.
    pub workspace: Option<Uuid>,
    /// Destination of a connector credential.
    pub destination: Option<String>,
    /// Name for people.
    pub name: String,
    /// Names of scopes.
    pub scopes: Vec<String>,
    /// Keyed hash of the secret.
    pub digest: Vec<u8>,
    /// Creation.
    pub created_at: DateTime<Utc>,
    /// End by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Last use, within a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Revocation.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Key that took its place.
    pub replaced_by: Option<String>,
    /// Member who signs in with it.
    pub member: Option<Uuid>,
}

impl Store {
    /// Stores a credential, in the name of `by`.
    ///
    /// # Errors
    /// The database.
    pub async fn create_key(&self, key: Key, by: &str) -> Result<()> {
        let chain = self.chain_of(key.workspace).await?;
        let act = created(&key, by);
        let transaction = self.begin().await?;
        transaction
            .insert::<api_key::Entity>(Reach::All, vec![row(key)])
            .await?;
        if let Some((workspace, keys)) = chain {
            audit::append(&transaction, &keys, workspace, act, self.clock.now()).await?;
        }
        transaction.commit().await
    }

    /// The credential with a public part.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_key(&self, id: &str) -> Result<Option<Key>> {
        scope::select_any::<api_key::Entity>()
            .filter(api_key::Column::Id.eq(id))
            .one(self.reader())
            .await?
            .map(key)
            .transpose()
    }

    /// API keys of a workspace, newest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_keys(&self, workspace: Uuid) -> Result<Vec<Key>> {
        scope::select::<api_key::Entity>(workspace)
            .order_by_desc(api_key::Column::CreatedAt)
            .order_by_desc(api_key::Column::Id)
            .limit(MAX_LISTED)
            .all(self.reader())
            .await?
            .into_iter()
            .map(key)
            .collect()
    }

    /// How many API keys a workspace has that are neither revoked, expired nor replaced.
    ///
    /// # Errors
    /// The database.
    pub async fn count_keys(&self, workspace: Uuid) -> Result<u64> {
        Ok(self
            .live_keys(workspace)
            .filter(api_key::Column::ReplacedBy.is_null())
            .count(self.reader())
            .await?)
    }

    /// How many API keys of a workspace are valid, replaced ones included.
    ///
    /// # Errors
    /// The database.
    pub async fn count_live_keys(&self, workspace: Uuid) -> Result<u64> {
        Ok(self.live_keys(workspace).count(self.reader()).await?)
    }

    fn live_keys(&self, workspace: Uuid) -> Select<api_key::Entity> {
        let has_time = Condition::any()
            .add(api_key::Column::ExpiresAt.is_null())
            .add(api_key::Column::ExpiresAt.gt(self.clock.now()));
        scope::select::<api_key::Entity>(workspace)
            .filter(api_key::Column::RevokedAt.is_null())
            .filter(has_time)
    }

    /// Ends a key of a workspace, in the name of `by`; false if there is none. Ending it again changes nothing.
    ///
    /// # Errors
    /// The database.
    pub async fn revoke_key(&self, workspace: Uuid, id: &str, by: &str) -> Result<bool> {
        let found = scope::select::<api_key::Entity>(workspace)
            .filter(api_key::Column::Id.eq(id))
            .count(self.reader())
            .await?;
        Ok(found > 0 && self.revoke_any_key(id, by).await?)
    }

    /// Ends a credential of any kind, in the same way. For the operator's command line.
    ///
    /// # Errors
    /// The database.
    pub async fn revoke_any_key(&self, id: &str, by: &str) -> Result<bool> {
        let Some(key) = self.find_key(id).await? else {
            return Ok(false);
        };
        let chain = self.chain_of(key.workspace).await?;
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let revoked = scope::update_any::<api_key::Entity>()
            .filter(api_key::Column::Id.eq(id))
            .filter(api_key::Column::RevokedAt.is_null())
            .col_expr(api_key::Column::RevokedAt, Expr::value(Some(now)))
            .exec(&*transaction)
            .await?;
        if let Some((workspace, keys)) = chain.filter(|_| revoked.rows_affected == 1) {
            let act = Act::new(by, Action::KeyRevoked, subject(id));
            audit::append(&transaction, &keys, workspace, act, now).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The audit log that records what becomes of a key; those of the installation have none.
    async fn chain_of(&self, workspace: Option<Uuid>) -> Result<Option<(Uuid, Arc<WorkspaceKeys>)>> {
        Ok(match workspace {
            Some(workspace) => Some((workspace, self.workspace_keys(workspace).await?)),
            None => None,
        })
    }

    /// Notes that credentials were used.
    ///
    /// # Errors
    /// The database.
    pub async fn touch_keys(&self, used: &[(String, DateTime<Utc>)]) -> Result<()> {
        let transaction = self.begin().await?;
        for (id, at) in used {
            scope::update_any::<api_key::Entity>()
                .filter(api_key::Column::Id.eq(id))
                .col_expr(api_key::Column::LastUsedAt, Expr::value(Some(*at)))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await
    }
}

/// A key as the audit log names it.
pub(super) fn subject(id: &str) -> String {
    format!("key:{id}")
}

/// What the audit log says of a new credential.
pub(super) fn created(key: &Key, by: &str) -> Act {
    Act::new(by, Action::KeyCreated, subject(&key.id)).with("scopes", key.scopes.join(" "))
}

/// A new credential as it is stored.
pub(super) fn row(key: Key) -> api_key::Model {
    api_key::Model {
        id: key.id,
        workspace_id: key.workspace,
        destination: key.destination,
        name: key.name,
        scopes: rows::to_json(&key.scopes),
        digest: key.digest,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: None,
        revoked_at: None,
        replaced_by: None,
        member_id: key.member,
    }
}

pub(super) fn key(row: api_key::Model) -> Result<Key> {
    let scopes = serde_json::from_value(row.scopes)
        .map_err(|problem| super::Error::inconsistent("api_keys", "scopes", &row.id, problem))?;
    Ok(Key {
        id: row.id,
        workspace: row.workspace_id,
        destination: row.destination,
        name: row.name,
        scopes,
        digest: row.digest,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
        replaced_by: row.replaced_by,
        member: row.member_id,
    })
}
