//! By which indexes rows are found: what a planner chooses, asked of it on tables that are not empty.

use leads_svc::{
    domain::{
        page::{LeadCursor, LeadQuery, Mark, Order},
        sync::JobState,
    },
    storage::{
        entity::{lead, sync_job},
        leads::Listing,
        scope,
    },
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryTrait, Statement, sea_query::Expr};
use uuid::Uuid;

use crate::{
    population::{everything, filtered},
    world::World,
};

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

/// Leads of the workspace, of which one in ten is hot, half are new and one in fifty has the tag `vip`.
const LEADS: i32 = 40_000;

/// A Postgres world with many leads, put into the tables as they are: what is sealed is not read here.
async fn seeded() -> World {
    let world = World::postgres().await;
    let other = world.tenant(crate::world::settings()).await.0;
    for (workspace, leads) in [(world.workspace, LEADS), (other, LEADS)] {
        let rows = format!(
            "INSERT INTO contacts (id, workspace_id, profile, filled, attributes, search, messages, revision, created_at) \
             SELECT md5('{workspace} contact ' || n)::uuid, '{workspace}', '', 15, '{{}}', ' ' || md5(n::text) || ' ', 0, 1, now() \
             FROM generate_series(1, {leads}) n; \
             INSERT INTO leads (id, workspace_id, contact_id, stage, stage_changed_at, score, score_id, intent_signal, \
             intent_sealed, intent_at, channel, channels, tags, owner, captured_at, last_activity_at, revision, sync_revision) \
             SELECT md5('{workspace} lead ' || n)::uuid, '{workspace}', md5('{workspace} contact ' || n)::uuid, \
             (ARRAY['new', 'contacted', 'new', 'closed'])[1 + n % 4], now(), (n * 7919) % 100, md5('score ' || n)::uuid, \
             'asked_pricing', '', now(), 'widget', '[\"widget\"]', \
             to_jsonb(ARRAY['t' || n % 40] || CASE WHEN n % 50 = 0 THEN ARRAY['vip'] ELSE ARRAY[]::text[] END), '', now() - n * interval '1 minute', now(), 1, 1 \
             FROM generate_series(1, {leads}) n"
        );
        world.raw.execute_unprepared(&rows).await.unwrap();
    }
    world.raw.execute_unprepared("ANALYZE").await.unwrap();
    world
}

/// The plan of a page of leads, asked as the role of the service, whom policies hold.
async fn plan_of(world: &World, query: &LeadQuery, cursor: Option<&LeadCursor>) -> String {
    let facts = world.core.facts(world.workspace).await.unwrap();
    let list = Listing {
        workspace: &facts.workspace,
        keys: &facts.keys,
        query,
        connected: &facts.connected(),
        as_of: world.store.clock().now(),
    };
    let statement = world.store.page_statement(&list, cursor, 51).await.unwrap();
    let explained = Statement {
        sql: format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) {}", statement.sql),
        ..statement
    };
    let app = sea_orm::Database::connect(world.database.url()).await.unwrap();
    let lines = app.query_all_raw(explained).await.unwrap();
    let lines: Vec<String> = lines
        .into_iter()
        .map(|line| line.try_get_by_index(0).unwrap())
        .collect();
    lines.join("\n")
}

/// A place in the middle of the list, without reading what cannot be opened.
fn middle(world: &World, marks: Vec<Mark>) -> Option<LeadCursor> {
    Some(LeadCursor {
        marks,
        id: Uuid::from_u128(u128::MAX / 2),
        as_of: world.store.clock().now(),
    })
}

#[tokio::test]
async fn hot_lists_read_indexes_and_not_the_whole_table() {
    let world = seeded().await;
    let ordered = |order: &str, filter: &str| LeadQuery {
        order: Order::parse(order).unwrap(),
        ..filtered(filter)
    };
    let halfway = || Mark::Time(world.store.clock().now() - chrono::TimeDelta::minutes(i64::from(LEADS) / 2));
    for (query, marks, index) in [
        (everything(), halfway(), "leads_by_time"),
        (
            filtered("score >= 80 AND stage = new"),
            halfway(),
            "leads_by_stage",
        ),
        (filtered("tags:vip"), halfway(), "lead_tags_pkey"),
        (ordered("score desc", ""), Mark::Number(50), "leads_by_score"),
        (filtered("abcdefgh"), halfway(), "contact_words_by_word"),
    ] {
        for cursor in [None, middle(&world, vec![marks])] {
            let plan = plan_of(&world, &query, cursor.as_ref()).await;
            assert!(plan.contains(index), "{query:?}\n{plan}");
            assert!(!plan.contains("Seq Scan"), "{query:?}\n{plan}");
        }
    }
}
