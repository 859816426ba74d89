//! The only place where queries start: every one of a workspace's rows carries its workspace from the first word.
//!
//! On Postgres each statement enters what it is about as well: its tables' policies show nothing else, whatever the
//! statement's own conditions say. It enters by a cast of a constant, which is a condition of its own: Postgres decides
//! it once, before it looks at any table.

#![expect(
    clippy::disallowed_methods,
    reason = "the scoped starts are built here, from the unscoped ones"
)]

use sea_orm::{
    ColumnTrait, DbBackend, DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany,
    sea_query::{Expr, ExprTrait, Query, SimpleExpr},
};
use uuid::Uuid;

use super::entity::{
    activity, api_key, audit, audit_anchor, audit_head, connection, connection_task, connector_replica,
    consent, contact, data_key, erasure, erasure_receipt, former_key, idempotency, identity, lead, member,
    merge, message, personal_read, renewal, score, session, sync_job, usage, workspace,
};

/// A table whose rows belong to workspaces.
pub trait Scoped: EntityTrait {
    /// The column that says to which one.
    const WORKSPACE: Self::Column;
}

macro_rules! scoped {
    ($($module:ident),+ $(,)?) => {
        $(impl Scoped for $module::Entity {
            const WORKSPACE: Self::Column = $module::Column::WorkspaceId;
        })+
    };
}

scoped!(
    activity,
    api_key,
    audit,
    audit_anchor,
    audit_head,
    connection,
    connection_task,
    consent,
    contact,
    data_key,
    erasure,
    erasure_receipt,
    former_key,
    idempotency,
    identity,
    lead,
    member,
    merge,
    message,
    personal_read,
    renewal,
    score,
    session,
    sync_job,
    usage
);

impl Scoped for workspace::Entity {
    const WORKSPACE: Self::Column = workspace::Column::Id;
}

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Rows of one workspace.
    One(Uuid),
    /// Rows of all workspaces.
    All,
}

impl Reach {
    /// The type whose values are entered workspaces, on Postgres.
    pub(super) const TYPE: &'static str = "leads_scope";

    /// How it is entered: the id, or `all`.
    pub(super) fn word(self) -> String {
        match self {
            Reach::One(workspace) => workspace.to_string(),
            Reach::All => "all".to_owned(),
        }
    }

    /// True, once it is entered. SQLite knows no policies, and SeaQuery casts for Postgres only.
    fn entered(self) -> SimpleExpr {
        let entrance = Query::select()
            .expr(Expr::value(self.word()).as_enum(Self::TYPE))
            .to_owned();
        SimpleExpr::SubQuery(None, Box::new(entrance.into())).is_not_null()
    }
}

impl From<Uuid> for Reach {
    fn from(workspace: Uuid) -> Self {
        Reach::One(workspace)
    }
}

/// Rows of one workspace.
pub fn select<E: Scoped>(workspace: Uuid) -> Select<E> {
    E::find()
        .filter(E::WORKSPACE.eq(workspace))
        .filter(Reach::One(workspace).entered())
}

/// Changes rows of one workspace.
pub fn update<E: Scoped>(workspace: Uuid) -> UpdateMany<E> {
    E::update_many()
        .filter(E::WORKSPACE.eq(workspace))
        .filter(Reach::One(workspace).entered())
}

/// Deletes rows of one workspace.
pub fn delete<E: Scoped>(workspace: Uuid) -> DeleteMany<E> {
    E::delete_many()
        .filter(E::WORKSPACE.eq(workspace))
        .filter(Reach::One(workspace).entered())
}

/// A table that the service itself works through, across workspaces: what it owes, and who may call.
pub trait Operational: EntityTrait {}

impl Operational for workspace::Entity {}
impl Operational for api_key::Entity {}
impl Operational for idempotency::Entity {}
impl Operational for connection::Entity {}
impl Operational for connection_task::Entity {}
impl Operational for connector_replica::Entity {}
impl Operational for sync_job::Entity {}
impl Operational for erasure_receipt::Entity {}
impl Operational for consent::Entity {}
impl Operational for personal_read::Entity {}
impl Operational for data_key::Entity {}
impl Operational for former_key::Entity {}
impl Operational for renewal::Entity {}
impl Operational for session::Entity {}
impl Operational for member::Entity {}

/// Rows of all workspaces: for authentication, delivery and housekeeping, never for an answer to a workspace's key.
pub fn select_any<E: Operational>() -> Select<E> {
    E::find().filter(Reach::All.entered())
}

/// Changes rows of all workspaces, under the same rule.
pub fn update_any<E: Operational>() -> UpdateMany<E> {
    E::update_many().filter(Reach::All.entered())
}

/// Deletes rows of all workspaces, under the same rule.
pub fn delete_any<E: Operational>() -> DeleteMany<E> {
    E::delete_many().filter(Reach::All.entered())
}

/// Whether a column is one of these ids, in one text however many there are: a connection keeps every text prepared.
pub fn among<C: ColumnTrait>(
    column: C,
    ids: impl IntoIterator<Item = Uuid>,
    backend: DbBackend,
) -> SimpleExpr {
    let (text, [open, mark, close]) = match backend {
        // Not ANY: where the planner takes another index, that compares every row with every id.
        DbBackend::Postgres => ("$1 IN (SELECT unnest(CAST($2 AS uuid[])))", ["{", "", "}"]),
        _ => ("? IN (SELECT unhex(value) FROM json_each(?))", ["[", "\"", "]"]),
    };
    let ids: Vec<String> = ids
        .into_iter()
        .map(|id| format!("{mark}{}{mark}", id.simple()))
        .collect();
    let list = format!("{open}{}{close}", ids.join(","));
    Expr::cust_with_exprs(text, [Expr::col(column.as_column_ref()), Expr::value(list)])
}
