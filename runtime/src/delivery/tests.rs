//! The pipeline on a real Redis, against a leads-svc on the wire.

use std::sync::Arc;
use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use redis::AsyncCommands;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tonic::Code;
use tracing_subscriber::layer::SubscriberExt;
use wire::job_outcome::Outcome as Reported;

use super::connector::TaskKind;
use super::test_leads::{Job, TestLeads};
use super::test_world::{ANYWHERE, NAME, World, delivered};
use super::*;
use crate::quota::Feedback;
use crate::stream::{self, Body, Lane, TaskHint};

#[tokio::test]
async fn each_job_is_written_once_in_full_batches_and_acknowledged() {
    let world = World::new().await;
    for number in 0..250 {
        let id = format!("j{number}");
        world.leads.add(&id, "w1");
        world.publish(Lane::Normal, &id, "w1", "").await;
    }
    world.run();
    world.until_settled(250).await;
    let writes = world.crm.writes();
    let mut leads: Vec<String> = writes.iter().flat_map(|write| write.leads.clone()).collect();
    leads.sort();
    let count = leads.len();
    leads.dedup();
    assert_eq!((leads.len(), count), (250, 250));
    assert!(writes.len() <= 4, "{} batches for 250 leads", writes.len());
    assert!(
        world
            .leads
            .outcomes()
            .iter()
            .all(|(id, outcome)| *outcome == delivered(&format!("lead-{id}")))
    );
    assert!(world.readiness.is_ready());
    assert_eq!(world.replicas.get(), 3);
    world.stop().await;
}

#[tokio::test]
async fn a_batch_answer_is_counted_against_its_input() {
    let world = World::new().await;
    for id in ["good", "forgotten", "unlucky"] {
        world.leads.add(id, "w1");
        world.publish(Lane::Bulk, id, "w1", "").await;
    }
    for id in ["gone", "gone-too"] {
        world.publish(Lane::Bulk, id, "w1", "").await;
    }
    world.run();
    world.until_settled(2).await;
    let outcomes = world.leads.outcomes();
    assert_eq!(outcomes["good"], delivered("lead-good"));
    assert!(
        matches!(outcomes["forgotten"], Reported::Unknown(_)),
        "{outcomes:?}"
    );
    assert_eq!(
        world.leads.state().releases,
        [("unlucky".to_owned(), None)],
        "what was not started is given back, not reported"
    );
    world.stop().await;
}

#[tokio::test]
async fn an_outcome_is_reported_until_it_is_answered_and_acknowledged_only_then() {
    let world = World::new().await;
    world.leads.add("j1", "w1");
    world.leads.state().lost_answers = 3;
    world.publish(Lane::Hot, "j1", "w1", "").await;
    world.run();
    world
        .until("the report is tried again", async || {
            world.leads.state().jobs["j1"].outcomes.len() == 2
        })
        .await;
    assert_eq!(
        world.depth().await,
        1,
        "acknowledged before the report was answered"
    );
    world.until_settled(1).await;
    assert_eq!(world.leads.state().jobs["j1"].outcomes.len(), 4);
    assert_eq!(world.crm.writes().len(), 1);
    world.stop().await;
}

#[tokio::test]
async fn outcomes_that_leads_svc_cannot_take_hold_up_no_other() {
    let world = World::new().await;
    for number in 0..20 {
        let id = format!("j{number}");
        world.leads.add(&id, "w1");
        world.publish(Lane::Normal, &id, "w1", "").await;
    }
    let untakable = [
        ("j3", Code::Internal),
        ("j4", Code::ResourceExhausted),
        ("j11", Code::InvalidArgument),
    ];
    for (id, code) in untakable {
        world.leads.state().untakable.insert(id.to_owned(), code);
    }
    world.run();
    world
        .until("all others are reported and acknowledged", async || {
            world.leads.outcomes().len() == 17 && world.depth().await == 3
        })
        .await;
    world.leads.add("later", "w2");
    world.publish(Lane::Normal, "later", "w2", "").await;
    world
        .until("what comes later is reported", async || {
            world.leads.outcomes().contains_key("later")
        })
        .await;
    assert_eq!(world.depth().await, 3, "what was not taken is not acknowledged");
    let calls = world.leads.state().refused_reports;
    assert!(calls < 40, "{calls} refused calls");
    world.stop().await;
}

#[tokio::test]
async fn what_could_not_be_given_back_is_not_acknowledged() {
    let world = World::new().await;
    for id in ["unlucky", "good"] {
        world.leads.add(id, "w1");
    }
    world.leads.state().refused_releases = 3;
    world.publish(Lane::Normal, "unlucky", "w1", "").await;
    world.run();
    world
        .until("the release is given up", async || {
            world.leads.state().refused_releases == 0
        })
        .await;
    world.publish(Lane::Normal, "good", "w1", "").await;
    world
        .until("another one is reported", async || {
            world.leads.outcomes().contains_key("good")
        })
        .await;
    world.stop().await;
    assert_eq!(world.leads.state().releases, []);
    assert_eq!(
        world.depth().await,
        1,
        "the entry of a job that nobody has back is gone"
    );
}

#[tokio::test]
async fn solo_jobs_are_written_alone_and_verifications_read_back() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.leads.add_job(
            id,
            Job {
                workspace: "w1".into(),
                solo: id == "b",
                ..Job::default()
            },
        );
        world.publish(Lane::Normal, id, "w1", "").await;
    }
    world.leads.add_job(
        "v",
        Job {
            workspace: "w1".into(),
            action: Some(wire::Action::Verify),
            ..Job::default()
        },
    );
    world.publish(Lane::Normal, "v", "w1", "").await;
    world.run();
    world.until_settled(4).await;
    let alone = world
        .crm
        .writes()
        .into_iter()
        .filter(|write| write.leads.iter().any(|lead| lead == "lead-b"));
    assert_eq!(alone.map(|write| write.leads).collect::<Vec<_>>(), [["lead-b"]]);
    assert!(matches!(world.leads.outcomes()["v"], Reported::Verified(_)));
    world.stop().await;
}

#[tokio::test]
async fn records_that_are_to_be_gone_are_not_written() {
    let world = World::new().await;
    let actions = [
        wire::Action::Remove,
        wire::Action::Erase,
        wire::Action::VerifyRemoved,
        wire::Action::VerifyErased,
    ];
    for action in actions {
        let id = action.as_str_name().to_lowercase();
        let job = Job {
            workspace: "w1".into(),
            action: Some(action),
            ..Job::default()
        };
        world.leads.add_job(&id, job);
        world.publish(Lane::Normal, &id, "w1", "").await;
    }
    world.run();
    world.until_settled(4).await;
    assert_eq!(world.crm.writes().len(), 0);
    let mut gone = world.crm.gone.lock().unwrap().clone();
    gone.sort_unstable();
    assert_eq!(gone, ["erase", "remove", "verify_gone false", "verify_gone true"]);
    let outcomes = world.leads.outcomes();
    let counted = |id: &str| matches!(&outcomes[id], Reported::Gone(gone) if gone.records == 1);
    assert!(
        counted("action_remove") && counted("action_erase"),
        "{outcomes:?}"
    );
    world.stop().await;
}

#[tokio::test]
async fn solo_jobs_go_one_after_the_other() {
    let world = World::new().await;
    let gate = Arc::new(Notify::new());
    *world.crm.gate.lock().unwrap() = Some(gate.clone());
    for id in ["a", "b", "c"] {
        let job = Job {
            workspace: "w1".into(),
            solo: true,
            ..Job::default()
        };
        world.leads.add_job(id, job);
        world.publish(Lane::Normal, id, "w1", "").await;
    }
    world.run();
    for write in 1..=3 {
        world
            .until("the next one is written", async || {
                world.crm.writes().len() >= write
            })
            .await;
        sleep(Duration::from_millis(100)).await;
        assert_eq!(world.crm.writes().len(), write);
        gate.notify_one();
    }
    world.until_settled(3).await;
    world.stop().await;
}

#[tokio::test]
async fn a_connection_is_asked_for_again_when_a_grant_names_a_newer_one() {
    let world = World::new().await;
    world.leads.state().tokens.extend(["old".into(), "new".into()]);
    world.run();
    for (job, version) in [("a", 1), ("b", 1), ("c", 2), ("d", 2)] {
        world.leads.state().version = version;
        world.leads.add(job, "w1");
        world.publish(Lane::Hot, job, "w1", "").await;
        world
            .until("it is written", async || world.leads.outcomes().contains_key(job))
            .await;
    }
    let tokens: Vec<String> = world.crm.writes().into_iter().map(|write| write.token).collect();
    assert_eq!(tokens, ["old", "old", "new", "new"]);
    world.stop().await;
}

#[tokio::test]
async fn a_connector_is_ready_before_its_first_read_comes_back() {
    let world = World::new().await;
    let start = Instant::now();
    world.run();
    world
        .until("it is ready", async || world.readiness.is_ready())
        .await;
    let (took, read) = (start.elapsed(), stream::ConsumerSettings::default().block);
    assert!(took < read, "ready after {took:?}, a read takes {read:?}");
    world.stop().await;
}

#[tokio::test]
async fn a_connector_whose_calls_do_not_fit_a_lease_is_not_ready() {
    let world = World::new().await;
    world.leads.state().lease = Duration::from_secs(11);
    world.leads.add("j1", "w1");
    world.publish(Lane::Hot, "j1", "w1", "").await;
    world.run();
    world.until_settled(1).await;
    world
        .until("leads-svc said how long its leases are", async || {
            world.replicas.get() == 3
        })
        .await;
    sleep(Duration::from_millis(50)).await;
    assert!(!world.readiness.is_ready());
    world.stop().await;
}

#[tokio::test]
async fn credentials_that_were_replaced_meanwhile_get_another_try() {
    let world = World::new().await;
    world
        .leads
        .state()
        .tokens
        .extend(["revoked".into(), "fresh".into()]);
    world.leads.add("j1", "w1");
    world.publish(Lane::Hot, "j1", "w1", "").await;
    world.run();
    world.until_settled(1).await;
    let tokens: Vec<String> = world.crm.writes().into_iter().map(|write| write.token).collect();
    assert_eq!(tokens, ["revoked", "fresh"]);
    assert_eq!(world.leads.outcomes()["j1"], delivered("lead-j1"));

    world
        .leads
        .state()
        .tokens
        .extend(["revoked".into(), "revoked".into()]);
    world.leads.add("j2", "w2");
    world.publish(Lane::Hot, "j2", "w2", "").await;
    world.until_settled(2).await;
    let Reported::Paused(paused) = &world.leads.outcomes()["j2"] else {
        panic!("not paused")
    };
    assert_eq!(paused.connection_version, 1);
    world.stop().await;
}

#[tokio::test]
async fn an_account_without_quota_holds_up_no_other() {
    let world = World::new().await;
    let rests = super::connector::Account {
        id: "account-of-connection-of-w1".into(),
        limits: world.crm.default_limits(),
    };
    world.run();
    world.leads.add("first", "w1");
    world.publish(Lane::Normal, "first", "w1", "").await;
    world.until_settled(1).await;

    let pause = Some(Duration::from_secs(600));
    world
        .quota
        .correct(
            &rests,
            Feedback {
                pause,
                ..Feedback::default()
            },
        )
        .await;
    for (id, workspace) in [("resting", "w1"), ("other", "w2")] {
        world.leads.add(id, workspace);
        world.publish(Lane::Normal, id, workspace, "").await;
    }
    world.until_settled(2).await;
    assert!(world.leads.outcomes().contains_key("other"));
    world
        .until("the resting job is put off", async || {
            !world.leads.state().releases.is_empty()
        })
        .await;
    let put_off = ("resting".to_owned(), Some(Duration::from_secs(300)));
    assert_eq!(
        world.leads.state().releases,
        [put_off],
        "not due while there is no quota"
    );
    assert_eq!(world.crm.writes().len(), 2);
    world.stop().await;
}

#[tokio::test]
async fn leads_svc_may_come_later_and_redis_may_be_wiped() {
    let mut world = World::new().await;
    let late = TestLeads::default();
    let free = std::net::TcpListener::bind(ANYWHERE)
        .unwrap()
        .local_addr()
        .unwrap();
    world.address = free;
    world.run();
    late.add("j1", "w1");
    world.publish(Lane::Hot, "j1", "w1", "").await;
    sleep(Duration::from_millis(300)).await;
    assert!(!world.readiness.is_ready());
    late.start(free).await;
    world
        .until("the job is reported", async || late.outcomes().contains_key("j1"))
        .await;
    world
        .until("it is ready", async || world.readiness.is_ready())
        .await;

    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut world.redis.redis().commands())
        .await
        .unwrap();
    late.add("j2", "w1");
    world.publish(Lane::Hot, "j2", "w1", "").await;
    world
        .until("the next job is reported", async || {
            late.outcomes().contains_key("j2")
        })
        .await;
    world.stop().await;
}

#[tokio::test]
async fn a_drain_finishes_what_is_at_work_and_leaves_the_group() {
    let world = World::new().await;
    let gate = Arc::new(Notify::new());
    *world.crm.gate.lock().unwrap() = Some(gate.clone());
    world.leads.add("j1", "w1");
    world.publish(Lane::Hot, "j1", "w1", "").await;
    world.run();
    world
        .until("the write is at work", async || !world.crm.writes().is_empty())
        .await;
    world.tasks.stop_token().cancel();
    sleep(Duration::from_millis(100)).await;
    gate.notify_one();
    assert_eq!(world.tasks.drain(Duration::from_secs(10)).await, Ok(()));
    assert_eq!(world.leads.outcomes()["j1"], delivered("lead-j1"));
    let consumers: redis::streams::StreamInfoConsumersReply = world
        .redis
        .redis()
        .commands()
        .xinfo_consumers(NAME.stream(Lane::Hot), stream::keys::GROUP)
        .await
        .unwrap();
    assert!(consumers.consumers.is_empty(), "{consumers:?}");
}

#[tokio::test]
async fn connection_tasks_are_carried_out_when_a_hint_comes() {
    let world = World::new().await;
    world.run();
    world
        .until("it is ready", async || world.readiness.is_ready())
        .await;
    let task = wire::ConnectionTask {
        task_id: "t1".into(),
        lease_token: "l1".into(),
        lease: Some(Duration::from_secs(30).try_into().unwrap()),
        connection_id: "c1".into(),
        kind: TaskKind::Connect.into(),
        connection: Some(wire::GetConnectionResponse::default()),
    };
    world.leads.state().tasks.push_back(task);
    world
        .hint(Body::Task(TaskHint {
            task: "t1".into(),
            workspace: "w1".into(),
        }))
        .await;
    world
        .until("the task is reported", async || {
            !world.leads.state().task_reports.is_empty()
        })
        .await;
    let report = world.leads.state().task_reports[0].clone();
    assert_eq!(
        (report.task_id.as_str(), report.lease_token.as_str()),
        ("t1", "l1")
    );
    assert!(matches!(
        report.outcome,
        Some(wire::report_task_request::Outcome::Connected(_))
    ));
    world.stop().await;
}

#[tokio::test]
async fn the_vendor_call_of_a_lead_belongs_to_the_trace_of_its_capture() {
    let tracer = SdkTracerProvider::builder().build().tracer("test");
    let subscriber = tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(tracer));
    let _guard = tracing::subscriber::set_default(subscriber);
    // With a single subscriber, whether a span is wanted is asked of the thread that meets it first: another test's.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let world = World::new().await;
    world.leads.add("j1", "w1");
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    world.publish(Lane::Hot, "j1", "w1", traceparent).await;
    world.run();
    world.until_settled(1).await;
    let seen = world.crm.writes()[0].traceparent.clone().unwrap();
    assert_eq!(seen.split('-').nth(1), traceparent.split('-').nth(1));
    world.stop().await;
}

#[tokio::test]
async fn a_drain_gives_up_when_its_time_is_over_and_leaves_the_entry_pending() {
    let world = World::new().await;
    *world.crm.gate.lock().unwrap() = Some(Arc::default());
    world.leads.add("j1", "w1");
    world.publish(Lane::Hot, "j1", "w1", "").await;
    world.run();
    world
        .until("the write is at work", async || !world.crm.writes().is_empty())
        .await;
    world.tasks.stop_token().cancel();
    let start = Instant::now();
    let left = world.tasks.drain(Duration::from_secs(6)).await;
    assert_eq!(
        left,
        Err(crate::process::tasks::DrainError::StillRunning(vec![
            "claims", "delivery", "reports"
        ]))
    );
    assert!(start.elapsed() < Duration::from_secs(8));
    let consumers: redis::streams::StreamInfoConsumersReply = world
        .redis
        .redis()
        .commands()
        .xinfo_consumers(NAME.stream(Lane::Hot), stream::keys::GROUP)
        .await
        .unwrap();
    assert_eq!(
        consumers.consumers[0].pending, 1,
        "another reader can take the entry over"
    );
}
