//! Hints on a real Redis that loses data, restarts and hands out rubbish.

use std::time::Duration;

use opentelemetry::global;
use redis::{AsyncCommands, Value};
use tokio::time::Instant;

use super::test_server::TestServer;
use super::*;
use crate::process::config::RedisConfig;

const CRM: Destination = Destination::new("testcrm");

fn settings(name: &str) -> ConsumerSettings {
    ConsumerSettings {
        name: name.to_owned(),
        block: Duration::from_millis(100),
        takeover_after: Duration::from_secs(60),
        upkeep_interval: Duration::from_millis(20),
        forget_after: Duration::from_secs(60),
    }
}

fn consumer(server: &TestServer, settings: ConsumerSettings) -> Consumer {
    Consumer::new(server.redis(), CRM, settings, &global::meter("test"))
}

fn job(lane: Lane, id: &str) -> Hint {
    let hint = JobHint {
        job: id.into(),
        generation: 7,
        workspace: "w1".into(),
        traceparent: String::new(),
    };
    Hint {
        destination: CRM,
        body: Body::Job(lane, hint),
    }
}

async fn publish(server: &TestServer, hints: &[Hint]) {
    let published = Publisher::new(server.redis()).publish(hints).await;
    assert!(
        published.results.iter().all(Result::is_ok),
        "{:?}",
        published.results
    );
}

/// Reads until `wanted` hints have come, for ten seconds at most.
async fn read(consumer: &mut Consumer, wanted: usize) -> Vec<Received> {
    let give_up = Instant::now() + Duration::from_secs(10);
    let mut jobs = Vec::new();
    while jobs.len() < wanted && Instant::now() < give_up {
        jobs.extend(consumer.read(100).await.jobs);
    }
    jobs
}

fn ids(received: &[Received]) -> Vec<&str> {
    received
        .iter()
        .map(|received| received.hint.job.as_str())
        .collect()
}

async fn consumers(server: &TestServer) -> Vec<String> {
    let reply: redis::streams::StreamInfoConsumersReply = server
        .redis()
        .commands()
        .xinfo_consumers(CRM.stream(Lane::Hot), keys::GROUP)
        .await
        .unwrap();
    reply
        .consumers
        .into_iter()
        .map(|consumer| consumer.name)
        .collect()
}

#[tokio::test]
async fn the_urgent_come_first_and_bulk_gets_a_share() {
    let server = TestServer::start().await;
    let mut reader = consumer(&server, settings("r1"));
    let mut hints = Vec::new();
    for number in 0..20 {
        hints.extend(Lane::ALL.map(|lane| job(lane, &format!("{lane}-{number}"))));
    }
    publish(&server, &hints).await;
    let first = reader.read(32).await.jobs;
    let count = |lane| first.iter().filter(|received| received.lane == lane).count();
    assert_eq!(
        (count(Lane::Hot), count(Lane::Normal), count(Lane::Bulk)),
        (20, 8, 4)
    );
    assert!(first[..20].iter().all(|received| received.lane == Lane::Hot));
    assert_eq!(first[0].hint.generation, 7);

    assert_eq!(server.depth(CRM).await, 60);
    let entries: Vec<EntryId> = first.into_iter().map(|received| received.id).collect();
    reader.acker().ack(&entries).await.unwrap();
    assert_eq!(server.depth(CRM).await, 28, "acknowledged entries are deleted");
    assert_eq!(read(&mut reader, 28).await.len(), 28);
}

#[tokio::test]
async fn groups_are_created_again_after_redis_was_wiped() {
    let server = TestServer::start().await;
    let mut reader = consumer(&server, settings("r1"));
    publish(&server, &[job(Lane::Hot, "before")]).await;
    assert_eq!(ids(&read(&mut reader, 1).await), ["before"]);
    for round in 0..3 {
        redis::cmd("FLUSHALL")
            .query_async::<()>(&mut server.redis().commands())
            .await
            .unwrap();
        // Published before the group exists again: a group that starts at the end would miss it.
        let id = format!("after-{round}");
        publish(&server, &[job(Lane::Bulk, &id)]).await;
        assert_eq!(ids(&read(&mut reader, 1).await), [id.as_str()]);
    }
}

#[tokio::test]
async fn a_group_that_is_destroyed_under_a_waiting_reader_is_created_again() {
    let server = TestServer::start().await;
    let slow = ConsumerSettings {
        block: Duration::from_secs(1),
        ..settings("r1")
    };
    let mut reader = consumer(&server, slow);
    assert!(reader.read(1).await.jobs.is_empty());
    let destroyer = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut connection = server.redis().commands();
        for lane in Lane::ALL {
            let _: bool = connection
                .xgroup_destroy(CRM.stream(lane), keys::GROUP)
                .await
                .unwrap();
        }
        publish(&server, &[job(Lane::Normal, "j1")]).await;
    };
    let (found, ()) = tokio::join!(read(&mut reader, 1), destroyer);
    assert_eq!(ids(&found), ["j1"]);
}

#[tokio::test]
async fn readers_and_publishers_survive_a_restart_of_redis() {
    let mut server = TestServer::start().await;
    let publisher = Publisher::new(server.redis());
    let mut reader = consumer(&server, settings("r1"));
    assert_eq!(
        publisher.probe().await,
        Ok(true),
        "the first look finds nothing that is known"
    );
    assert_eq!(publisher.probe().await, Ok(false));
    assert!(reader.read(1).await.jobs.is_empty());
    assert!(reader.is_connected());

    server.kill();
    let start = Instant::now();
    let published = publisher.publish(&[job(Lane::Hot, "lost")]).await;
    assert!(
        matches!(published.results[..], [Err(PublishError::Unavailable(_))]),
        "{published:?}"
    );
    assert!(!published.came_back);
    assert!(publisher.is_away());
    assert!(publisher.probe().await.is_err());
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "took {:?}",
        start.elapsed()
    );
    assert!(reader.read(1).await.jobs.is_empty());
    assert!(!reader.is_connected());

    server.restart().await;
    let mut came_back = false;
    for attempt in 0.. {
        let published = publisher.publish(&[job(Lane::Hot, "found")]).await;
        came_back |= published.came_back;
        if published.results[0].is_ok() {
            break;
        }
        assert!(attempt < 50, "{published:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(came_back, "the publisher tells that Redis is back");
    assert_eq!(publisher.probe().await, Ok(true), "Redis has lost its data");
    assert_eq!(publisher.probe().await, Ok(false));
    assert_eq!(ids(&read(&mut reader, 1).await), ["found"]);
}

#[tokio::test]
async fn a_malformed_entry_is_dropped_and_its_neighbours_go_on() {
    let server = TestServer::start().await;
    let mut reader = consumer(&server, settings("r1"));
    let mut connection = server.redis().commands();
    let key = CRM.stream(Lane::Normal);
    publish(&server, &[job(Lane::Normal, "a")]).await;
    let huge = "x".repeat(100_000);
    let _: String = connection
        .xadd(&key, "*", &[("v", "1"), ("job", &huge)])
        .await
        .unwrap();
    let _: String = connection
        .xadd(&key, "*", &[("v", "9"), ("job", "j"), ("gen", "1")])
        .await
        .unwrap();
    let _: String = connection
        .xadd(&key, "*", &[(b"\xff\xfe", b"\x00\xff")])
        .await
        .unwrap();
    publish(&server, &[job(Lane::Normal, "b")]).await;
    assert_eq!(ids(&read(&mut reader, 2).await), ["a", "b"]);
    let length: u64 = connection.xlen(&key).await.unwrap();
    assert_eq!(length, 2, "only the good ones are left");
}

#[tokio::test]
async fn task_hints_are_told_and_gone() {
    let server = TestServer::start().await;
    let mut reader = consumer(&server, settings("r1"));
    let task = TaskHint {
        task: "t1".into(),
        workspace: "w1".into(),
    };
    publish(
        &server,
        &[Hint {
            destination: CRM,
            body: Body::Task(task.clone()),
        }],
    )
    .await;
    assert_eq!(reader.read(10).await.tasks, [task]);
    let length: u64 = server.redis().commands().xlen(CRM.tasks()).await.unwrap();
    assert_eq!(length, 0);
}

#[tokio::test]
async fn what_a_dead_reader_left_is_taken_over() {
    let server = TestServer::start().await;
    let mut dead = consumer(&server, settings("dead"));
    publish(&server, &[job(Lane::Hot, "a"), job(Lane::Bulk, "b")]).await;
    assert_eq!(read(&mut dead, 2).await.len(), 2);
    drop(dead);

    let eager = ConsumerSettings {
        takeover_after: Duration::from_millis(50),
        forget_after: Duration::from_millis(200),
        ..settings("heir")
    };
    let mut heir = consumer(&server, eager);
    let found = read(&mut heir, 2).await;
    assert_eq!(ids(&found), ["a", "b"]);

    let give_up = Instant::now() + Duration::from_secs(10);
    while consumers(&server).await != ["heir"] {
        assert!(Instant::now() < give_up, "the dead consumer is still there");
        heir.read(1).await;
    }
}

#[tokio::test]
async fn a_reader_leaves_the_group_only_if_nothing_is_pending_on_it() {
    let server = TestServer::start().await;
    let mut busy = consumer(&server, settings("busy"));
    let mut idle = consumer(&server, settings("idle"));
    assert!(idle.read(1).await.jobs.is_empty());
    publish(&server, &[job(Lane::Hot, "a")]).await;
    assert_eq!(read(&mut busy, 1).await.len(), 1);
    idle.leave().await;
    busy.leave().await;
    assert_eq!(consumers(&server).await, ["busy"]);
    let pending: Value = server
        .redis()
        .commands()
        .xpending(CRM.stream(Lane::Hot), keys::GROUP)
        .await
        .unwrap();
    assert!(
        matches!(&pending, Value::Array(parts) if parts.first() == Some(&Value::Int(1))),
        "{pending:?}"
    );
}

#[tokio::test]
async fn a_full_redis_refuses_hints_and_says_so() {
    let server = TestServer::start().await;
    let mut connection = server.redis().commands();
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg("1")
        .query_async::<()>(&mut connection)
        .await
        .unwrap();
    let published = Publisher::new(server.redis())
        .publish(&[job(Lane::Hot, "a"), job(Lane::Hot, "not an id")])
        .await;
    assert_eq!(published.results[0], Err(PublishError::Refused("OOM".into())));
    assert!(matches!(published.results[1], Err(PublishError::Malformed(_))));
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("maxmemory")
        .arg("0")
        .query_async::<()>(&mut connection)
        .await
        .unwrap();
    publish(&server, &[job(Lane::Hot, "a")]).await;
}

#[tokio::test]
async fn a_redis_that_does_not_answer_costs_a_publisher_one_second() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/", silent.local_addr().unwrap());
    let publisher = Publisher::new(Redis::open(&RedisConfig { url: url.into() }).unwrap());
    let start = Instant::now();
    let published = publisher
        .publish(&[job(Lane::Hot, "a"), job(Lane::Hot, "b")])
        .await;
    assert!(
        published
            .results
            .iter()
            .all(|result| matches!(result, Err(PublishError::Unavailable(_))))
    );
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "took {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn withdrawn_hints_are_gone_whoever_reads_them_and_the_others_stay() {
    let server = TestServer::start().await;
    publish(
        &server,
        &[
            job(Lane::Hot, "held"),
            job(Lane::Normal, "waits"),
            job(Lane::Bulk, "other"),
        ],
    )
    .await;
    let mut reader = consumer(&server, settings("a"));
    assert_eq!(read(&mut reader, 3).await.len(), 3);
    publish(&server, &[job(Lane::Normal, "waits"), job(Lane::Hot, "newer")]).await;
    let publisher = Publisher::new(server.redis());
    let is_ours =
        |job: &str, generation: i64| (job == "held" || job == "waits") && generation <= 7 || generation < 7;
    assert_eq!(publisher.withdraw(CRM, is_ours).await, Ok(3));
    assert_eq!(publisher.withdraw(CRM, is_ours).await, Ok(0));
    let elsewhere = Destination::new("elsewhere");
    assert_eq!(
        publisher.withdraw(elsewhere, |_, _| true).await,
        Ok(0),
        "no stream"
    );
    assert_eq!(server.depth(CRM).await, 2);
    let left: Vec<_> = read(&mut reader, 1).await;
    assert_eq!(ids(&left), ["newer"]);
    let pending: redis::streams::StreamPendingReply = server
        .redis()
        .commands()
        .xpending(CRM.stream(Lane::Normal), keys::GROUP)
        .await
        .unwrap();
    assert_eq!(pending.count(), 0);
}
