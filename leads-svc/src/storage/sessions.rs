//! Sessions, as hashes of what their cookies hold.
//!
//! A session that ended has no row: signing out, and removing the member, delete it. Whether a key is revoked, or a
//! role changed, is looked up where the session is used.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{Store, Transaction, audit, entity::session, error::Result, rows, scope};
use crate::domain::{
    audit::{Act, Action},
    ids,
    session::{Method, Session},
};

/// Sessions of one member, or of one key that is nobody's; with the next one the oldest ends.
const MOST_PER_HOLDER: usize = 20;

impl Store {
    /// Stores a session, in the name of `by`.
    ///
    /// # Errors
    /// The database.
    pub async fn begin_session(&self, begun: &Session, digest: &[u8], by: &str) -> Result<()> {
        let workspace = begun.workspace;
        let keys = self.workspace_keys(workspace).await?;
        let transaction = self.begin().await?;
        let mut holders = scope::select::<session::Entity>(workspace);
        holders = match begun.member {
            Some(member) => holders.filter(session::Column::MemberId.eq(member)),
            None => holders.filter(session::Column::KeyId.eq(begun.key.clone())),
        };
        let held: Vec<Uuid> = holders
            .select_only()
            .column(session::Column::Id)
            .order_by_desc(session::Column::CreatedAt)
            .into_tuple()
            .all(&*transaction)
            .await?;
        for oldest in held.into_iter().skip(MOST_PER_HOLDER - 1) {
            scope::delete::<session::Entity>(workspace)
                .filter(session::Column::Id.eq(oldest))
                .exec(&*transaction)
                .await?;
        }
        transaction
            .insert::<session::Entity>(workspace, vec![row(begun, digest)])
            .await?;
        let act = act(by, Action::SessionBegun, begun).with("method", begun.method.word());
        audit::append(&transaction, &keys, workspace, act, begun.created_at).await?;
        transaction.commit().await
    }

    /// The session whose cookie has this hash, alive or not.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_session(&self, digest: &[u8]) -> Result<Option<Session>> {
        scope::select_any::<session::Entity>()
            .filter(session::Column::Digest.eq(digest))
            .one(self.reader())
            .await?
            .map(read)
            .transpose()
    }

    /// Ends a session, in the name of `by`; false if it has ended.
    ///
    /// # Errors
    /// The database.
    pub async fn end_session(&self, ended: &Session, by: &str) -> Result<bool> {
        let keys = self.workspace_keys(ended.workspace).await?;
        let transaction = self.begin().await?;
        let deleted = scope::delete::<session::Entity>(ended.workspace)
            .filter(session::Column::Id.eq(ended.id))
            .exec(&*transaction)
            .await?;
        if deleted.rows_affected == 0 {
            return Ok(false);
        }
        let act = act(by, Action::SessionEnded, ended);
        audit::append(&transaction, &keys, ended.workspace, act, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Notes when sessions were used.
    ///
    /// # Errors
    /// The database.
    pub async fn touch_sessions(&self, used: &[(Uuid, DateTime<Utc>)]) -> Result<()> {
        let transaction = self.begin().await?;
        for (id, at) in used {
            scope::update_any::<session::Entity>()
                .filter(session::Column::Id.eq(*id))
                .filter(session::Column::SeenAt.lt(*at))
                .col_expr(session::Column::SeenAt, Expr::value(*at))
                .exec(&*transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Deletes sessions whose time is over.
    ///
    /// # Errors
    /// The database.
    pub async fn forget_old_sessions(&self) -> Result<u64> {
        let transaction = self.begin().await?;
        let deleted = scope::delete_any::<session::Entity>()
            .filter(session::Column::ExpiresAt.lte(self.clock.now()))
            .exec(&*transaction)
            .await?;
        transaction.commit().await?;
        Ok(deleted.rows_affected)
    }
}

/// Ends the sessions of a member that is being removed.
///
/// # Errors
/// The database.
pub(super) async fn end_all_of(transaction: &Transaction, workspace: Uuid, member: Uuid) -> Result<()> {
    scope::delete::<session::Entity>(workspace)
        .filter(session::Column::MemberId.eq(member))
        .exec(&**transaction)
        .await?;
    Ok(())
}

/// What the audit log says of a session: the subject is whose it is.
fn act(by: &str, action: Action, session: &Session) -> Act {
    let subject = match (&session.member, &session.key) {
        (Some(member), _) => ids::format::<ids::Member>(*member),
        (None, key) => format!("key:{}", key.as_deref().unwrap_or_default()),
    };
    Act::new(by, action, subject).with("session", ids::format::<ids::Session>(session.id))
}

fn row(session: &Session, digest: &[u8]) -> session::Model {
    session::Model {
        id: session.id,
        workspace_id: session.workspace,
        digest: digest.to_vec(),
        member_id: session.member,
        key_id: session.key.clone(),
        method: session.method.word().to_owned(),
        created_at: session.created_at,
        expires_at: session.expires_at,
        seen_at: session.seen_at,
        idle_seconds: session.idle.num_seconds(),
    }
}

fn read(row: session::Model) -> Result<Session> {
    Ok(Session {
        id: row.id,
        workspace: row.workspace_id,
        member: row.member_id,
        key: row.key_id,
        method: rows::word(Method::parse(&row.method), "sessions.method", row.id, &row.method)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        seen_at: row.seen_at,
        idle: TimeDelta::seconds(row.idle_seconds),
    })
}
