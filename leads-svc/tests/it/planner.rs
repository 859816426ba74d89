//! How SQLite finds rows that are named by their ids.

use leads_svc::{
    domain::sync::JobState,
    storage::{
        entity::{lead, sync_job},
        scope,
    },
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryTrait, Statement, sea_query::Expr};
use uuid::Uuid;

use crate::world::World;

/// The steps of a statement's plan.
async fn plan(world: &World, statement: Statement) -> String {
    let explained = Statement {
        sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
        ..statement
    };
    let steps = world.raw.query_all_raw(explained).await.unwrap();
    let steps: Vec<String> = steps
        .into_iter()
        .map(|step| step.try_get("", "detail").unwrap())
        .collect();
    steps.join("; ")
}

#[tokio::test]
async fn rows_are_found_by_their_ids_and_not_among_all_of_a_workspace_or_a_state() {
    let world = World::sqlite().await;
    let ids = || [Uuid::new_v4()];
    let leads = scope::select::<lead::Entity>(world.workspace)
        .filter(scope::among(lead::Column::Id, ids(), DbBackend::Sqlite))
        .build(DbBackend::Sqlite);
    let found = plan(&world, leads).await;
    assert!(found.contains("sqlite_autoindex_leads_1 (id=?)"), "{found}");
    let jobs = scope::update_any::<sync_job::Entity>()
        .filter(scope::among(sync_job::Column::Id, ids(), DbBackend::Sqlite))
        .filter(sync_job::Column::State.eq(JobState::Pending.word()))
        .col_expr(sync_job::Column::Generation, Expr::value(1))
        .build(DbBackend::Sqlite);
    let found = plan(&world, jobs).await;
    assert!(found.contains("sqlite_autoindex_sync_jobs_1 (id=?)"), "{found}");
}
