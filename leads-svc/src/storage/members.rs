//! Members of workspaces.

use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use super::{
    Store, audit,
    crypto::WorkspaceKeys,
    entity::{api_key, member},
    error::Result,
    rows, scope, sessions,
};
use crate::domain::{
    audit::{Act, Action},
    ids,
    member::{Member, Role},
};

pub(super) const EMAIL: &str = "members.sealed";
/// What is hashed by the installation's keys.
const SIGN_IN: &str = "member";
/// Rows of older releases that are marked at a time.
const BATCH: u64 = 200;
/// Workspaces among which a sign-in lets choose.
const MOST_WORKSPACES: u64 = 50;

impl Store {
    /// Stores a member, in the name of `by`; `None` if the workspace has one with that address.
    ///
    /// # Errors
    /// The database.
    pub async fn create_member(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        email: &str,
        role: Role,
        by: &str,
    ) -> Result<Option<Member>> {
        let created = Member {
            id: leads_runtime::ids::new_id(&self.clock),
            email: email.to_owned(),
            role,
            created_at: self.clock.now(),
        };
        let row = member::Model {
            id: created.id,
            workspace_id: workspace,
            email_index: keys
                .newest_index()
                .map(|key| key.value("email", email))
                .unwrap_or_default(),
            sign_in_index: self.sign_in_index(email).await?,
            sealed: rows::seal(keys, EMAIL, created.id, email.as_bytes())?,
            role: role.word().to_owned(),
            created_at: created.created_at,
        };
        let transaction = self.begin().await?;
        let known = scope::select::<member::Entity>(workspace)
            .filter(member::Column::EmailIndex.is_in(keys.value_indexes("email", email)))
            .count(&*transaction)
            .await?;
        if known > 0 {
            return Ok(None);
        }
        transaction.insert::<member::Entity>(workspace, vec![row]).await?;
        let act = Act::new(by, Action::MemberCreated, subject(created.id)).with("role", role.word());
        audit::append(&transaction, keys, workspace, act, created.created_at).await?;
        transaction.commit().await?;
        Ok(Some(created))
    }

    /// The marks of an address by which a sign-in finds its members: one for each index key of the installation.
    ///
    /// # Errors
    /// The installation's secrets cannot be read.
    pub async fn sign_in_indexes(&self, email: &str) -> Result<Vec<Vec<u8>>> {
        Ok(self.installation_keys().await?.value_indexes(SIGN_IN, email))
    }

    /// The mark of an address that is stored.
    async fn sign_in_index(&self, email: &str) -> Result<Option<Vec<u8>>> {
        let keys = self.installation_keys().await?;
        Ok(keys.newest_index().map(|key| key.value(SIGN_IN, email)))
    }

    /// Workspaces that have a member with one of these marks, each with the member, oldest first; at most 50. Only the one that is
    /// named, if one is.
    ///
    /// # Errors
    /// The database.
    pub async fn memberships(&self, marks: &[Vec<u8>], named: Option<Uuid>) -> Result<Vec<(Uuid, Uuid)>> {
        let members = match named {
            Some(workspace) => scope::select::<member::Entity>(workspace),
            None => scope::select_any::<member::Entity>(),
        };
        Ok(members
            .select_only()
            .column(member::Column::WorkspaceId)
            .column(member::Column::Id)
            .filter(member::Column::SignInIndex.is_in(marks.iter().cloned()))
            .order_by_asc(member::Column::Id)
            .limit(MOST_WORKSPACES)
            .into_tuple()
            .all(self.reader())
            .await?)
    }

    /// Marks members that an earlier release added; returns how many, fewer than there are.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn mark_old_members(&self) -> Result<usize> {
        let found = scope::select_any::<member::Entity>()
            .filter(member::Column::SignInIndex.is_null())
            .limit(BATCH)
            .all(self.reader())
            .await?;
        let mut marked = Vec::with_capacity(found.len());
        for row in found {
            let keys = self.workspace_keys(row.workspace_id).await?;
            let (workspace, id) = (row.workspace_id, row.id);
            let index = self.sign_in_index(&read(&keys, row)?.email).await?;
            marked.push((workspace, id, index));
        }
        let count = marked.len();
        if count > 0 {
            let transaction = self.begin().await?;
            for (workspace, id, index) in marked {
                scope::update::<member::Entity>(workspace)
                    .filter(member::Column::Id.eq(id))
                    .col_expr(member::Column::SignInIndex, Expr::value(index))
                    .exec(&*transaction)
                    .await?;
            }
            transaction.commit().await?;
        }
        Ok(count)
    }

    /// A member.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_member(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        id: Uuid,
    ) -> Result<Option<Member>> {
        let row = scope::select::<member::Entity>(workspace)
            .filter(member::Column::Id.eq(id))
            .one(self.reader())
            .await?;
        row.map(|row| read(keys, row)).transpose()
    }

    /// The role of a member.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn find_role(&self, workspace: Uuid, id: Uuid) -> Result<Option<Role>> {
        let row = scope::select::<member::Entity>(workspace)
            .filter(member::Column::Id.eq(id))
            .one(self.reader())
            .await?;
        row.map(|row| role(&row)).transpose()
    }

    /// Members of a workspace after `after`, oldest first.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn list_members(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        after: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<Member>> {
        let mut query = scope::select::<member::Entity>(workspace);
        if let Some(after) = after {
            query = query.filter(member::Column::Id.gt(after));
        }
        query
            .order_by_asc(member::Column::Id)
            .limit(most)
            .all(self.reader())
            .await?
            .into_iter()
            .map(|row| read(keys, row))
            .collect()
    }

    /// How many members a workspace has.
    ///
    /// # Errors
    /// The database.
    pub async fn count_members(&self, workspace: Uuid) -> Result<u64> {
        Ok(scope::select::<member::Entity>(workspace)
            .count(self.reader())
            .await?)
    }

    /// Gives a member a role, in the name of `by`; `None` if the workspace has no such member.
    ///
    /// # Errors
    /// The database, or a row that cannot be read.
    pub async fn update_member(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        id: Uuid,
        role: Role,
        by: &str,
    ) -> Result<Option<Member>> {
        let transaction = self.begin().await?;
        let row = scope::select::<member::Entity>(workspace)
            .filter(member::Column::Id.eq(id))
            .lock_exclusive()
            .one(&*transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let act = Act::new(by, Action::MemberChanged, subject(id))
            .with("role", format!("{} -> {}", row.role, role.word()));
        scope::update::<member::Entity>(workspace)
            .filter(member::Column::Id.eq(id))
            .col_expr(member::Column::Role, Expr::value(role.word()))
            .exec(&*transaction)
            .await?;
        audit::append(&transaction, keys, workspace, act, self.clock.now()).await?;
        transaction.commit().await?;
        Ok(Some(Member {
            role,
            ..read(keys, row)?
        }))
    }

    /// Deletes a member and ends its keys and sessions, in the name of `by`; false if the workspace has no such member.
    ///
    /// # Errors
    /// The database.
    pub async fn delete_member(
        &self,
        workspace: Uuid,
        keys: &WorkspaceKeys,
        id: Uuid,
        by: &str,
    ) -> Result<bool> {
        let now = self.clock.now();
        let transaction = self.begin().await?;
        let deleted = scope::delete::<member::Entity>(workspace)
            .filter(member::Column::Id.eq(id))
            .exec(&*transaction)
            .await?;
        if deleted.rows_affected == 0 {
            return Ok(false);
        }
        let mut ended: Vec<String> = scope::select::<api_key::Entity>(workspace)
            .select_only()
            .column(api_key::Column::Id)
            .filter(api_key::Column::MemberId.eq(id))
            .filter(api_key::Column::RevokedAt.is_null())
            .into_tuple()
            .all(&*transaction)
            .await?;
        ended.sort_unstable();
        scope::update::<api_key::Entity>(workspace)
            .filter(api_key::Column::MemberId.eq(id))
            .filter(api_key::Column::RevokedAt.is_null())
            .col_expr(api_key::Column::RevokedAt, Expr::value(Some(now)))
            .exec(&*transaction)
            .await?;
        sessions::end_all_of(&transaction, workspace, id).await?;
        let mut act = Act::new(by, Action::MemberRemoved, subject(id));
        if !ended.is_empty() {
            act = act.with("keys", ended.join(" "));
        }
        audit::append(&transaction, keys, workspace, act, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// A member as the audit log names it.
fn subject(id: Uuid) -> String {
    ids::format::<ids::Member>(id)
}

fn read(keys: &WorkspaceKeys, row: member::Model) -> Result<Member> {
    Ok(Member {
        id: row.id,
        email: rows::open_text(keys, EMAIL, row.id, &row.sealed)?,
        role: role(&row)?,
        created_at: row.created_at,
    })
}

fn role(row: &member::Model) -> Result<Role> {
    rows::word(Role::parse(&row.role), "members.role", row.id, &row.role)
}
