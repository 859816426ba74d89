//! Databases of older releases.

use leads_migration::Migrator;
use leads_svc::storage::entity::{data_key, workspace};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, QueryFilter,
    Statement,
};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

use crate::{
    at_rest::{dump, holds},
    world::{Database, World, on_both_databases, open},
};

on_both_databases!(
    what_a_crm_said_of_a_connection_does_not_stay_in_the_open,
    a_workspace_of_before_contacts_had_keys_is_readable_here_and_in_the_release_before,
);

/// Migrations of the release that stored it.
const BEFORE: u32 = 3;
/// Migrations of the release in which a workspace's key stood in its row.
const BEFORE_KEYS: u32 = 16;
const SAID: &str = "the token of zanary.mail@canarydomain.example was revoked";

/// An id as it stands in a statement.
type Literal = fn(&[u8]) -> String;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An empty database with so many migrations, its address, and how ids are written there.
async fn database_before(world: &World, migrations: u32) -> (DatabaseConnection, String, Literal) {
    let (url, uuid, begin): (String, Literal, &str) = match &world.database {
        Database::Sqlite(folder) => (
            format!("sqlite://{}?mode=rwc", folder.path().join("older.db").display()),
            |bytes| format!("x'{}'", hex(bytes)),
            "PRAGMA journal_mode = WAL",
        ),
        Database::Postgres(database) => (
            database.url.clone(),
            |bytes| format!("'{}'::uuid", hex(bytes)),
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        ),
    };
    let older = sea_orm::Database::connect(&url).await.unwrap();
    older.execute_unprepared(begin).await.unwrap();
    Migrator::up(&older, Some(migrations)).await.unwrap();
    (older, url, uuid)
}

async fn what_a_crm_said_of_a_connection_does_not_stay_in_the_open(world: World) {
    let (older, url, uuid) = database_before(&world, BEFORE).await;
    let insert = format!(
        "INSERT INTO connections (id, workspace_id, provider, state, sealed, field_mapping, account_id, ui_domain, \
         problem, created_at, trips, backfills) VALUES ({}, {}, 'hubspot', 'paused', '', '{{}}', '42', '', \
         '{{\"code\": \"CREDENTIALS\", \"message\": \"{SAID}\"}}', '2026-01-01T00:00:00+00:00', 0, 0)",
        uuid(Uuid::from_u128(1).as_bytes()),
        uuid(Uuid::from_u128(2).as_bytes()),
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

async fn a_workspace_of_before_contacts_had_keys_is_readable_here_and_in_the_release_before(world: World) {
    let first = data_key::Entity::find()
        .filter(data_key::Column::WorkspaceId.eq(world.workspace))
        .filter(data_key::Column::Purpose.eq("data"));
    let first = first.one(&world.raw).await.unwrap().unwrap();
    let (older, url, uuid) = database_before(&world, BEFORE_KEYS).await;
    let (id, wrapped) = (uuid(world.workspace.as_bytes()), hex(&first.wrapped));
    let wrapped = match older.get_database_backend() {
        DbBackend::Postgres => format!("'\\x{wrapped}'"),
        _ => format!("x'{wrapped}'"),
    };
    let insert = format!(
        "INSERT INTO workspaces (id, name, settings, plan, wrapped_key, kek_id, created_at) VALUES \
         ({id}, 'Old', '{{}}', 'free', {wrapped}, '{}', '2026-01-01T00:00:00+00:00')",
        first.kek_id,
    );
    older.execute_unprepared(&insert).await.unwrap();
    let store = open(&url, world.store.clock().clone()).await;
    store.migrate().await.unwrap();
    let found = store.find_workspace(world.workspace).await.unwrap().unwrap();
    assert_eq!(found.name, "Old");
    store.workspace_keys(world.workspace).await.unwrap();

    let read = format!("SELECT wrapped_key, kek_id FROM workspaces WHERE id = {id}");
    let read = older.query_one_raw(Statement::from_string(older.get_database_backend(), read));
    let row = read.await.unwrap().unwrap();
    assert_eq!(row.try_get::<Vec<u8>>("", "wrapped_key").unwrap(), first.wrapped);
    assert_eq!(row.try_get::<String>("", "kek_id").unwrap(), first.kek_id);
    // One that is made from now on has its keys elsewhere.
    let made = workspace::ActiveModel {
        id: Set(Uuid::new_v4()),
        ..workspace::Entity::find()
            .one(&older)
            .await
            .unwrap()
            .unwrap()
            .into()
    };
    workspace::Entity::insert(made)
        .exec_without_returning(&older)
        .await
        .unwrap();
}
