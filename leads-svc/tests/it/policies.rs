//! Row-level security: what Postgres shows a statement that forgot to say whose rows it is about.

use leads_svc::storage::entity::{contact, lead};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    Statement, TransactionTrait,
};
use uuid::Uuid;

use crate::world::{World, hot, open, settings};

/// A world with people in two workspaces, and a connection with the rights of the service.
struct Two {
    world: World,
    other: Uuid,
    app: DatabaseConnection,
}

impl Two {
    async fn new() -> Self {
        let world = World::postgres().await;
        let (other, caller) = world.tenant(settings()).await;
        world.connect().await;
        world.lead("ana").await;
        world.collect(hot("bo")).await;
        world.lead_as(&caller, "cleo").await;
        Self {
            app: sea_orm::Database::connect(world.database.url()).await.unwrap(),
            world,
            other,
        }
    }

    /// What a statement without any condition sees of a table, after a transaction entered this.
    async fn seen(&self, entered: Option<&str>, table: &str, column: &str) -> Vec<Uuid> {
        let transaction = self.app.begin().await.unwrap();
        enter(&transaction, entered).await.unwrap();
        let all = format!("SELECT DISTINCT \"{column}\" AS workspace FROM \"{table}\"");
        let rows = transaction.query_all_raw(sql(&all)).await.unwrap();
        let workspaces = rows
            .iter()
            .map(|row| row.try_get::<Option<Uuid>>("", "workspace"));
        workspaces.filter_map(|workspace| workspace.unwrap()).collect()
    }

    /// Tables that hold what is of workspaces, and the column that says of which.
    async fn tables(&self) -> Vec<(String, String)> {
        let tables = "SELECT table_name::text AS name, column_name::text AS workspace \
                      FROM information_schema.columns WHERE table_schema = 'public' \
                      AND (column_name = 'workspace_id' OR (table_name, column_name) = ('workspaces', 'id'))";
        let rows = self.world.raw.query_all_raw(sql(tables)).await.unwrap();
        let tables: Vec<(String, String)> = rows
            .iter()
            .map(|row| {
                (
                    row.try_get("", "name").unwrap(),
                    row.try_get("", "workspace").unwrap(),
                )
            })
            .collect();
        assert!(tables.len() >= 20, "{tables:?}");
        tables
    }
}

fn sql(text: &str) -> Statement {
    Statement::from_string(sea_orm::DbBackend::Postgres, text)
}

async fn enter(on: &impl ConnectionTrait, scope: Option<&str>) -> Result<(), DbErr> {
    if let Some(scope) = scope {
        on.execute_raw(sql(&format!("SELECT CAST('{scope}'::text AS leads_scope)")))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_table_of_workspaces_has_a_policy_that_holds_its_owner_too() {
    let two = Two::new().await;
    for (table, _) in two.tables().await {
        let held = format!(
            "SELECT relrowsecurity AND relforcerowsecurity AND \
             (SELECT count(*) = 1 FROM pg_policies WHERE tablename = '{table}') AS held \
             FROM pg_class WHERE oid = '{table}'::regclass"
        );
        let row = two.world.raw.query_one_raw(sql(&held)).await.unwrap().unwrap();
        assert!(row.try_get::<bool>("", "held").unwrap(), "{table}");
    }
}

#[tokio::test]
async fn a_query_that_lost_its_condition_sees_nothing_but_what_was_entered() {
    let two = Two::new().await;
    let own = two.world.workspace;
    let mut several = 0;
    for (table, column) in two.tables().await {
        let seen = async |entered: Option<&str>| two.seen(entered, &table, &column).await;
        assert_eq!(seen(None).await, Vec::<Uuid>::new(), "{table}");
        assert_eq!(seen(Some("")).await, Vec::<Uuid>::new(), "{table}");
        for workspace in [own, two.other, Uuid::from_u128(7)] {
            let seen = seen(Some(&workspace.to_string())).await;
            assert!(seen.iter().all(|of| *of == workspace), "{table}: {seen:?}");
        }
        several += usize::from(seen(Some("all")).await.len() > 1);
    }
    // Leads, contacts, messages, scores, activities, identities, keys, the audit log and its heads, workspaces.
    assert!(several >= 10, "{several}");
}

#[tokio::test]
async fn what_was_entered_ends_with_the_transaction_and_with_the_statement() {
    let two = Two::new().await;
    let own = two.world.workspace.to_string();
    let count = async || lead::Entity::find().count(&two.app).await.unwrap();
    let single = sea_orm::ConnectOptions::new(two.world.database.url())
        .max_connections(1)
        .to_owned();
    let single = sea_orm::Database::connect(single).await.unwrap();
    for commits in [true, false] {
        let transaction = single.begin().await.unwrap();
        enter(&transaction, Some(&own)).await.unwrap();
        assert_eq!(lead::Entity::find().count(&transaction).await.unwrap(), 2);
        if commits {
            transaction.commit().await.unwrap();
        } else {
            drop(transaction);
        }
        assert_eq!(lead::Entity::find().count(&single).await.unwrap(), 0);
    }
    enter(&single, Some("all")).await.unwrap();
    assert_eq!(lead::Entity::find().count(&single).await.unwrap(), 0);
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn a_write_that_lost_its_condition_changes_nothing_of_another_workspace() {
    let two = Two::new().await;
    let own = two.world.workspace.to_string();
    let stolen = |workspace: Uuid| {
        let found = lead::Entity::find()
            .filter(lead::Column::WorkspaceId.eq(workspace))
            .filter(lead::Column::Owner.eq("thief"));
        found.count(&two.world.raw)
    };
    let change = "UPDATE leads SET owner = 'thief'";
    assert_eq!(two.app.execute_raw(sql(change)).await.unwrap().rows_affected(), 0);
    let transaction = two.app.begin().await.unwrap();
    enter(&transaction, Some(&own)).await.unwrap();
    assert_eq!(
        transaction
            .execute_raw(sql(change))
            .await
            .unwrap()
            .rows_affected(),
        2
    );
    assert_eq!(
        transaction
            .execute_raw(sql("DELETE FROM messages"))
            .await
            .unwrap()
            .rows_affected(),
        2
    );
    transaction.commit().await.unwrap();
    assert_eq!(stolen(two.world.workspace).await.unwrap(), 2);
    assert_eq!(stolen(two.other).await.unwrap(), 0);

    for row in [
        format!("UPDATE contacts SET workspace_id = '{}'", two.other),
        format!("INSERT INTO usages VALUES ('{}', '2026-01', 1, 1)", two.other),
    ] {
        let transaction = two.app.begin().await.unwrap();
        enter(&transaction, Some(&own)).await.unwrap();
        let refused = transaction.execute_raw(sql(&row)).await.unwrap_err().to_string();
        assert!(refused.contains("row-level security"), "{refused}");
    }
    let left = contact::Entity::find().filter(contact::Column::WorkspaceId.eq(two.other));
    assert_eq!(left.count(&two.world.raw).await.unwrap(), 1);
}

#[tokio::test]
async fn the_service_works_as_a_role_that_the_policies_hold() {
    let two = Two::new().await;
    assert!(!two.world.store.bypasses_policies().await.unwrap());
    let clock = two.world.store.clock().clone();
    let admin = open(&two.world.database.admin_url(), clock).await;
    assert!(admin.bypasses_policies().await.unwrap());
}

#[tokio::test]
async fn the_role_of_the_service_changes_no_tables_and_nothing_that_the_audit_log_holds() {
    let two = Two::new().await;
    for statement in [
        "DROP TABLE leads",
        "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
        "DROP POLICY entered ON leads",
        "CREATE TABLE mine (id int)",
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
        "DELETE FROM audit_anchors",
        "DELETE FROM seaql_migrations",
        "SET ROLE leads",
        "DROP TABLE leads_keys.contact_keys",
        "CREATE TABLE leads_keys.mine (id int)",
        "DELETE FROM leads_keys.contact_keys",
        "DELETE FROM leads_keys.seaql_migrations",
    ] {
        let refused = two.app.execute_raw(sql(statement)).await.unwrap_err().to_string();
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{statement}: {refused}"
        );
    }
}

#[tokio::test]
async fn a_role_that_needs_quotes_is_granted_nothing() {
    let world = World::postgres().await;
    for role in ["", "app\"; DROP TABLE leads; --", "App", "a b"] {
        assert!(world.store.grant_to(role).await.is_err(), "{role}");
    }
}
