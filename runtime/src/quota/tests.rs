//! The quota on a real Redis, with several replicas and with losses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use redis::AsyncCommands;
use tokio::time::{Instant, sleep};

use super::account::Pace;
use super::fallback::Fallback;
use super::script::Scripts;
use super::*;
use crate::stream::test_server::TestServer;
use crate::stream::{Destination, Lane};

/// As the vendor with the tightest limit has it.
const WINDOW: Duration = Duration::from_secs(10);
const CALLS: u32 = 190;

fn quota(server: &TestServer, replicas: u32) -> Quota {
    let live = LiveReplicas::default();
    live.set(replicas);
    Quota::new(
        server.redis(),
        Destination::new("testcrm"),
        QuotaSettings::default(),
        live,
    )
}

fn account() -> Account {
    Account {
        id: "4711".into(),
        limits: AccountLimits {
            calls: CALLS,
            window: WINDOW,
            daily: None,
        },
    }
}

/// Share of the limit that was used, and the most calls in any window.
fn used(grants: &[Instant], lasting: Duration) -> (f64, usize) {
    let in_window = |start: usize| {
        grants[start..]
            .iter()
            .take_while(|at| **at < grants[start] + WINDOW)
            .count()
    };
    let most = (0..grants.len()).map(in_window).max().unwrap_or(0);
    let limit = f64::from(CALLS) * lasting.as_secs_f64() / WINDOW.as_secs_f64();
    (grants.len() as f64 / limit, most)
}

async fn flush(server: &TestServer) {
    redis::cmd("FLUSHALL")
        .query_async::<()>(&mut server.redis().commands())
        .await
        .unwrap();
}

async fn rest(server: &TestServer, quota: &Quota, account: &Account) {
    // A first try makes the bucket; after a few intervals it is full.
    let _ = quota.try_acquire(account, Lane::Hot, Use::GoOn).await;
    sleep(Duration::from_millis(500)).await;
    let exists: bool = server
        .redis()
        .commands()
        .exists("leads:quota:{testcrm:4711}")
        .await
        .unwrap();
    assert!(exists);
}

/// Runs greedy callers of several replicas and returns the times of all grants.
async fn greedy(server: &TestServer, account: &Account, replicas: u32, lasting: Duration) -> Vec<Instant> {
    let end = Instant::now() + lasting;
    let grants = Arc::new(Mutex::new(Vec::new()));
    let callers = (0..replicas).flat_map(|_| {
        let quota = quota(server, replicas);
        (0..3).map(move |_| quota.clone())
    });
    let callers = callers.map(|quota| {
        let grants = grants.clone();
        async move {
            while let Verdict::Granted(_used) = quota.acquire(account, Lane::Normal, Use::GoOn, end).await {
                grants.lock().unwrap().push(Instant::now());
            }
        }
    });
    join_all(callers).await;
    let mut grants = std::mem::take(&mut *grants.lock().unwrap());
    grants.sort();
    grants
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_greedy_replicas_use_the_limit_and_never_exceed_it() {
    let server = TestServer::start().await;
    let account = account();
    rest(&server, &quota(&server, 4), &account).await;
    let lasting = WINDOW * 2;
    let (share, most) = used(&greedy(&server, &account, 4, lasting).await, lasting);
    assert!(most <= CALLS as usize, "{most} in one window");
    assert!(share >= 0.95, "only {share} of the limit was used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wiping_redis_again_and_again_lets_no_window_exceed_the_limit() {
    let server = TestServer::start().await;
    let account = account();
    rest(&server, &quota(&server, 4), &account).await;
    let wiping = async {
        for pause in [900, 3_300, 100, 250, 4_700, 2_000, 1_000] {
            sleep(Duration::from_millis(pause)).await;
            flush(&server).await;
        }
    };
    let lasting = WINDOW * 2;
    let (grants, ()) = tokio::join!(greedy(&server, &account, 4, lasting), wiping);
    let (share, most) = used(&grants, lasting);
    assert!(most <= CALLS as usize, "{most} in one window");
    assert!(share >= 0.9, "only {share} of the limit was used");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_share_the_limit_while_redis_is_away() {
    let mut server = TestServer::start().await;
    let account = account();
    rest(&server, &quota(&server, 4), &account).await;
    server.kill();
    let lasting = WINDOW * 3 / 2;
    let (share, most) = used(&greedy(&server, &account, 4, lasting).await, lasting);
    assert!(most <= CALLS as usize, "{most} in one window");
    assert!(share >= 0.6, "only {share} of the limit was used");
}

#[tokio::test]
async fn calls_made_without_redis_are_charged_when_it_is_back() {
    let server = TestServer::start().await;
    let account = account();
    let pace = account.limits.pace(Duration::from_millis(100));
    let fallback = Fallback::default();
    for _ in 0..3 {
        while fallback.acquire(&account.id, &pace, 1).is_some() {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let debt = fallback.take_debt(&account.id);
    assert_eq!((debt, fallback.take_debt(&account.id)), (3, 0));

    rest(&server, &quota(&server, 1), &account).await;
    let (scripts, mut connection) = (Scripts::new(), server.redis().commands());
    let free = Pace { reserve: 0, ..pace };
    let mut acquire = async |debt| {
        scripts
            .acquire(
                &mut connection,
                "leads:quota:{testcrm:4711}",
                &free,
                &account,
                debt,
            )
            .await
    };
    assert_eq!(acquire(0).await.unwrap().wait, 0);
    assert!(acquire(debt + 10).await.unwrap().wait > 0);
}

#[tokio::test]
async fn the_hot_lane_finds_a_call_that_the_others_leave() {
    let server = TestServer::start().await;
    let (account, quota) = (account(), quota(&server, 1));
    rest(&server, &quota, &account).await;
    while let Verdict::Granted(_used) = quota.try_acquire(&account, Lane::Bulk, Use::GoOn).await {}
    assert!(matches!(
        quota.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Granted(_)
    ));
    assert!(matches!(
        quota.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Wait(_)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_begun_in_any_replica_comes_before_what_is_not() {
    let server = TestServer::start().await;
    for (calls, lane) in [(CALLS, Lane::Hot), (CALLS, Lane::Bulk), (30, Lane::Hot)] {
        flush(&server).await;
        let limits = AccountLimits {
            calls,
            ..account().limits
        };
        let account = Account { limits, ..account() };
        let (begun, new) = (quota(&server, 2), quota(&server, 2));
        let end = Instant::now() + Duration::from_secs(6);
        let greedy = async |quota: &Quota, use_| {
            let mut grants = 0;
            while let Verdict::Granted(_used) = quota.acquire(&account, lane, use_, end).await {
                grants += 1;
            }
            grants
        };
        let (old, new) = tokio::join!(greedy(&begun, Use::GoOn), greedy(&new, Use::Begin));
        assert!(
            old >= 5 && new * 5 <= old,
            "{lane:?} of {calls}: {old} that go on, {new} that begin"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_work_alone_uses_the_limit_too() {
    let server = TestServer::start().await;
    let (account, quota) = (account(), quota(&server, 1));
    rest(&server, &quota, &account).await;
    let lasting = Duration::from_secs(4);
    let end = Instant::now() + lasting;
    let mut grants = Vec::new();
    while let Verdict::Granted(_used) = quota.acquire(&account, Lane::Bulk, Use::Begin, end).await {
        grants.push(Instant::now());
    }
    let (share, _) = used(&grants, lasting);
    assert!(share >= 0.75, "only {share} of the limit was used");
}

#[tokio::test]
async fn an_unused_call_is_given_back_once_and_only_to_its_own_bucket() {
    let server = TestServer::start().await;
    let (account, quota) = (account(), quota(&server, 1));
    rest(&server, &quota, &account).await;
    let Verdict::Granted(permit) = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await else {
        panic!("refused")
    };
    while let Verdict::Granted(_used) = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await {}
    quota.give_back(&account, permit).await;
    assert!(matches!(
        quota.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Granted(_)
    ));

    flush(&server).await;
    let before = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await;
    assert!(matches!(before, Verdict::Wait(_)), "a new bucket is empty");
    quota.give_back(&account, permit).await;
    quota.give_back(&account, permit).await;
    assert!(matches!(
        quota.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Wait(_)
    ));
}

#[tokio::test]
async fn a_pause_holds_for_all_replicas_also_without_redis() {
    let mut server = TestServer::start().await;
    let (account, first, second) = (account(), quota(&server, 1), quota(&server, 1));
    rest(&server, &first, &account).await;
    for seconds in [30, 1] {
        let pause = Some(Duration::from_secs(seconds));
        first
            .correct(
                &account,
                Feedback {
                    pause,
                    ..Feedback::default()
                },
            )
            .await;
    }
    for quota in [&first, &second] {
        let Verdict::Wait(wait) = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await else {
            panic!("granted")
        };
        assert!(wait > Duration::from_secs(25), "{wait:?}");
    }
    let start = Instant::now();
    let verdict = second
        .acquire(
            &account,
            Lane::Hot,
            Use::GoOn,
            Instant::now() + Duration::from_secs(10),
        )
        .await;
    assert!(matches!(verdict, Verdict::Wait(_)));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "nobody waits for what comes too late"
    );
    server.kill();
    assert!(matches!(
        first.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Wait(_)
    ));
}

#[tokio::test]
async fn the_vendors_count_of_the_day_is_believed() {
    let server = TestServer::start().await;
    let quota = quota(&server, 1);
    let limits = AccountLimits {
        calls: 100,
        window: WINDOW,
        daily: Some(1_000),
    };
    let account = Account {
        id: "4711".into(),
        limits,
    };
    rest(&server, &quota, &account).await;
    quota
        .correct(
            &account,
            Feedback {
                daily_remaining: Some(1),
                ..Feedback::default()
            },
        )
        .await;
    assert!(matches!(
        quota.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Granted(_)
    ));
    sleep(Duration::from_millis(100)).await;
    let probe = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await;
    assert!(
        matches!(probe, Verdict::Granted(_)),
        "one call finds out whether the day is over"
    );
    sleep(Duration::from_millis(100)).await;
    let Verdict::Wait(wait) = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await else {
        panic!("granted")
    };
    assert!(wait > Duration::from_secs(600), "{wait:?}");
    quota
        .correct(
            &account,
            Feedback {
                daily_remaining: Some(1_000),
                ..Feedback::default()
            },
        )
        .await;
    assert!(matches!(
        quota.try_acquire(&account, Lane::Hot, Use::GoOn).await,
        Verdict::Granted(_)
    ));
}

#[tokio::test]
async fn an_account_that_others_use_too_gets_no_bursts() {
    let server = TestServer::start().await;
    let (account, quota) = (account(), quota(&server, 1));
    rest(&server, &quota, &account).await;
    quota
        .correct(
            &account,
            Feedback {
                remaining: Some(0),
                ..Feedback::default()
            },
        )
        .await;
    let Verdict::Wait(wait) = quota.try_acquire(&account, Lane::Hot, Use::GoOn).await else {
        panic!("granted")
    };
    assert!(wait > Duration::from_millis(100), "{wait:?}");
}
