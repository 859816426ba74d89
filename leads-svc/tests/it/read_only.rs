//! A database that takes no writes for now, as after a failover: callers are told to repeat what they asked for.

use leads_proto::reason::Reason;
use leads_runtime::process::tasks::TaskSet;
use leads_svc::service::core::Core;
use sea_orm::ConnectionTrait;
use tokio_util::sync::CancellationToken;

use crate::world::{Database, World, open, warm};

async fn assert_unavailable(world: &World, url: &str) {
    let store = open(url, world.store.clock().clone()).await;
    let core = Core::new(store, TaskSet::new(CancellationToken::new()));
    let capture = world.read(warm("ana"));
    let refused = core.collect(&world.caller, capture, None).await.unwrap_err();
    assert_eq!(refused.reason, Reason::StorageUnavailable, "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_of_postgres_is_unavailable_for_writes() {
    let world = World::postgres().await;
    let url = world.database.url();
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    let standby = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on");
    world.raw.execute_unprepared(&standby).await.unwrap();
    assert_unavailable(&world, &url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_sqlite_that_is_read_only_is_unavailable_for_writes() {
    let world = World::sqlite().await;
    let Database::Sqlite(folder) = &world.database else {
        panic!("not SQLite")
    };
    let url = format!("sqlite://{}?mode=ro", folder.path().join("leads.db").display());
    assert_unavailable(&world, &url).await;
}
