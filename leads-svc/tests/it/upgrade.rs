//! Databases of older releases.

use leads_migration::Migrator;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigratorTrait;

use crate::{
    at_rest::{dump, holds},
    world::{Database, World, on_both_databases, open},
};

on_both_databases!(what_a_crm_said_of_a_connection_does_not_stay_in_the_open,);

/// Migrations of the release that stored it.
const BEFORE: u32 = 3;
const SAID: &str = "the token of zanary.mail@canarydomain.example was revoked";

async fn what_a_crm_said_of_a_connection_does_not_stay_in_the_open(world: World) {
    let (url, uuid, begin) = match &world.database {
        Database::Sqlite(folder) => (
            format!("sqlite://{}?mode=rwc", folder.path().join("older.db").display()),
            (|last: u8| format!("x'{last:032x}'")) as fn(u8) -> String,
            "PRAGMA journal_mode = WAL",
        ),
        Database::Postgres(database) => (
            database.url.clone(),
            (|last: u8| format!("'{last:032x}'::uuid")) as fn(u8) -> String,
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        ),
    };
    let older = sea_orm::Database::connect(&url).await.unwrap();
    older.execute_unprepared(begin).await.unwrap();
    Migrator::up(&older, Some(BEFORE)).await.unwrap();
    let insert = format!(
        "INSERT INTO connections (id, workspace_id, provider, state, sealed, field_mapping, account_id, ui_domain, \
         problem, created_at, trips, backfills) VALUES ({}, {}, 'hubspot', 'paused', '', '{{}}', '42', '', \
         '{{\"code\": \"CREDENTIALS\", \"message\": \"{SAID}\"}}', '2026-01-01T00:00:00+00:00', 0, 0)",
        uuid(1),
        uuid(2),
    );
    older.execute_unprepared(&insert).await.unwrap();
    assert!(holds(&dump(&world).await, SAID));
    open(&url, world.store.clock().clone())
        .await
        .migrate()
        .await
        .unwrap();
    assert!(!holds(&dump(&world).await, SAID));
    let count = "SELECT count(*) AS found FROM connections WHERE state = 'paused'";
    let left = older.query_one_raw(Statement::from_string(older.get_database_backend(), count));
    let left: i64 = left.await.unwrap().unwrap().try_get("", "found").unwrap();
    assert_eq!(left, 1);
}
