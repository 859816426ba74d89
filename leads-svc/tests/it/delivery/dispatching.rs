//! The dispatcher at work on a real Redis.

use std::time::Duration;

use leads_runtime::{
    process::config::RedisConfig,
    stream::{Publisher, Redis},
};
use leads_svc::dispatch::Dispatcher;
use leads_testkit::servers;
use sea_orm::ConnectionTrait;
use tokio_util::sync::CancellationToken;

use crate::world::{World, on_both_databases};

on_both_databases!(hints_of_a_redis_that_lost_its_data_are_published_again_once_the_database_is_back,);

async fn hints_of_a_redis_that_lost_its_data_are_published_again_once_the_database_is_back(world: World) {
    let redis = servers::Redis::start().await.unwrap();
    let config = RedisConfig {
        url: redis.url().into(),
    };
    let dispatcher = Dispatcher {
        store: world.store.clone(),
        publisher: Publisher::new(Redis::open(&config).unwrap()),
        wake: world.core.wake(),
        interval: Duration::from_millis(50),
        window: 100,
        // Nobody finds the loss by waiting.
        patience: Duration::from_secs(100_000),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(dispatcher.run(stop.clone()));
    let until = async |what: &str, key: &str| {
        for _ in 0..1_000 {
            if redis.command::<bool>(&["EXISTS", key]).await.unwrap() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain until {what}");
    };
    world.connect().await;
    world.lead("ana").await;
    until("the hint is published", "leads:{hubspot}:normal").await;
    until("redis is known", "leads:present").await;

    let rename = async |from: &str, to: &str| {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        world.raw.execute_unprepared(&statement).await.unwrap();
    };
    rename("sync_jobs", "hidden").await;
    redis.flushall().await.unwrap();
    until("the loss is noticed", "leads:present").await;
    // It is told to the dispatcher once, and what that would do with it fails now.
    tokio::time::sleep(Duration::from_millis(300)).await;
    rename("hidden", "sync_jobs").await;
    until("the hint is published again", "leads:{hubspot}:normal").await;
    stop.cancel();
    running.await.unwrap();
}
