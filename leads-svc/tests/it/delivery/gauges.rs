//! What the operator sees of what is owed.

use leads_runtime::{
    process::{config::RedisConfig, telemetry::Metrics},
    stream::{Body, Destination, Hint, JobHint, Lane, Publisher, Redis},
};
use leads_svc::{dispatch::Gauges, domain::ids};
use leads_testkit::servers;
use uuid::Uuid;

use crate::{
    population::{job, store_jobs},
    world::{World, on_both_databases, paused, rejected, retry},
};

on_both_databases!(
    jobs_are_counted_by_lane_and_state,
    connections_are_counted_by_state,
    entries_of_the_streams_are_counted_while_redis_answers,
);

struct Operator {
    gauges: Gauges,
    metrics: Metrics,
    publisher: Publisher,
    redis: servers::Redis,
}

impl Operator {
    async fn of(world: &World) -> Self {
        let redis = servers::Redis::start().await.unwrap();
        let config = RedisConfig {
            url: redis.url().into(),
        };
        let publisher = Publisher::new(Redis::open(&config).unwrap());
        let metrics = Metrics::standalone("leads-svc").unwrap();
        Self {
            gauges: Gauges::new(world.store.clone(), publisher.clone(), &metrics.meter()),
            metrics,
            publisher,
            redis,
        }
    }

    /// Values other than 0 of a gauge, such as `lane="hot",state="due" 3`.
    async fn sees(&self, gauge: &str) -> Vec<String> {
        self.gauges.count().await;
        let text = self.metrics.render();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix(gauge)?.strip_prefix('{'));
        let values = lines.filter(|line| !line.ends_with("} 0"));
        values
            .map(|line| line.replace("provider=\"hubspot\",", "").replace('}', ""))
            .collect()
    }
}

async fn jobs_are_counted_by_lane_and_state(world: World) {
    let connection = world.connect().await;
    let operator = Operator::of(&world).await;
    assert_eq!(operator.sees("leads_sync_jobs").await, Vec::<String>::new());
    assert!(
        operator.metrics.render().contains("state=\"dead\"} 0"),
        "zero is told"
    );

    for person in 0..4 {
        world.lead(&format!("person{person}")).await;
    }
    assert_eq!(
        operator.sees("leads_sync_jobs").await,
        ["lane=\"normal\",state=\"due\" 4"]
    );
    let mut grants = world.grants().await.into_iter();
    world.report(&grants.next().unwrap(), rejected()).await;
    let hour = std::time::Duration::from_secs(3_600);
    world.report(&grants.next().unwrap(), retry(Some(hour))).await;
    let now = world.store.clock().now();
    let of_others = job(Uuid::new_v4(), connection, Uuid::new_v4(), "published", now);
    store_jobs(&world, vec![of_others]).await;
    assert_eq!(
        operator.sees("leads_sync_jobs").await,
        [
            "lane=\"normal\",state=\"dead\" 1",
            "lane=\"normal\",state=\"published\" 1",
            "lane=\"normal\",state=\"running\" 2",
            "lane=\"normal\",state=\"waiting\" 1",
        ]
    );
}

async fn connections_are_counted_by_state(world: World) {
    world.connect().await;
    let operator = Operator::of(&world).await;
    assert_eq!(
        operator.sees("leads_connections").await,
        ["state=\"connected\" 1"]
    );
    let minute = std::time::Duration::from_secs(60);
    for person in 0..5 {
        world.lead(&format!("person{person}")).await;
    }
    for grant in world.grants().await {
        world.report(&grant, retry(Some(60 * minute))).await;
    }
    assert_eq!(operator.sees("leads_connections").await, ["state=\"resting\" 1"]);
    world.pass(minute + minute);
    world.lead("ana").await;
    let grant = world.grant().await;
    world.report(&grant, paused(None)).await;
    assert_eq!(operator.sees("leads_connections").await, ["state=\"paused\" 1"]);
}

async fn entries_of_the_streams_are_counted_while_redis_answers(world: World) {
    let mut operator = Operator::of(&world).await;
    let hint = Hint {
        destination: Destination::new("hubspot"),
        body: Body::Job(
            Lane::Hot,
            JobHint {
                job: ids::format::<ids::Job>(Uuid::new_v4()),
                generation: 1,
                workspace: ids::format::<ids::Workspace>(world.workspace),
                traceparent: String::new(),
            },
        ),
    };
    operator.publisher.publish(&[hint.clone(), hint]).await;
    assert_eq!(operator.sees("leads_stream_entries").await.len(), 1);
    assert!(
        operator
            .metrics
            .render()
            .contains("leads_stream_entries{provider=\"hubspot\"} 2")
    );
    operator.redis.kill().unwrap();
    operator.gauges.count().await;
    assert!(
        !operator.metrics.render().contains("leads_stream_entries{"),
        "no stale number"
    );
}
