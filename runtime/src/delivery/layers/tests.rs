//! The stack against a vendor that refuses, limits and hangs.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use futures::future::{Either, join_all, select};
use opentelemetry::global;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::process::tasks::TaskSet;
use crate::quota::{AccountLimits, LiveReplicas, QuotaSettings, Use};
use crate::stream::test_server::TestServer;
use crate::stream::{Destination, Lane};
use crate::vendor::ClientLimits;

#[derive(Clone, Default)]
struct Vendor {
    calls: Arc<AtomicU32>,
    at_work: Arc<AtomicU32>,
    most_at_work: Arc<AtomicU32>,
}

async fn limited_once(State(vendor): State<Vendor>) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let first = vendor.calls.fetch_add(1, Ordering::SeqCst) == 0;
    (
        if first {
            StatusCode::TOO_MANY_REQUESTS
        } else {
            StatusCode::OK
        },
        [("retry-after", "1")],
    )
}

async fn limited_for_long(State(vendor): State<Vendor>) -> (StatusCode, [(&'static str, &'static str); 1]) {
    vendor.calls.fetch_add(1, Ordering::SeqCst);
    (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")])
}

async fn broken(State(vendor): State<Vendor>) -> StatusCode {
    vendor.calls.fetch_add(1, Ordering::SeqCst);
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn slow(State(vendor): State<Vendor>) {
    let at_work = vendor.at_work.fetch_add(1, Ordering::SeqCst) + 1;
    vendor.most_at_work.fetch_max(at_work, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    vendor.at_work.fetch_sub(1, Ordering::SeqCst);
}

async fn start(vendor: &Vendor) -> SocketAddr {
    let app = Router::new()
        .route("/limited-once", post(limited_once))
        .route("/limited-for-long", post(limited_for_long))
        .route("/broken", post(broken))
        .route("/slow", post(slow))
        .with_state(vendor.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskSet::new(CancellationToken::new()).spawn("vendor", async move { axum::serve(listener, app).await });
    address
}

fn feedback(response: &VendorResponse) -> Feedback {
    let limited = response.status == StatusCode::TOO_MANY_REQUESTS;
    let pause = response
        .header("retry-after")
        .and_then(|value| value.parse().ok())
        .map(Duration::from_secs);
    Feedback {
        pause: pause.filter(|_| limited),
        ..Feedback::default()
    }
}

fn calls(redis: &TestServer, settings: &CallSettings) -> (VendorCalls, Quota) {
    let limits = ClientLimits {
        total: Duration::from_secs(2),
        allow_http: true,
        ..ClientLimits::default()
    };
    let client = VendorClient::new(limits).unwrap();
    let destination = Destination::new("testcrm");
    let quota = Quota::new(
        redis.redis(),
        destination,
        QuotaSettings::default(),
        LiveReplicas::default(),
    );
    (
        VendorCalls::new(
            client,
            quota.clone(),
            Arc::new(feedback),
            settings,
            &global::meter("test"),
        ),
        quota,
    )
}

fn account() -> Account {
    let limits = AccountLimits {
        calls: 1_000,
        window: Duration::from_secs(10),
        daily: None,
    };
    Account {
        id: "1".into(),
        limits,
    }
}

fn call(url: String, lease: &LeaseBudget) -> VendorCall {
    let request = Request::post(url).body(Bytes::from_static(b"{}")).unwrap();
    VendorCall {
        account: account(),
        lease: lease.clone(),
        request,
    }
}

fn lease(seconds: u64) -> LeaseBudget {
    LeaseBudget::new(Duration::from_secs(seconds), Lane::Normal)
}

#[tokio::test]
async fn a_short_limit_is_waited_for_and_each_attempt_counts() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let (calls, _) = calls(&redis, &CallSettings::default());
    let (lease, start) = (lease(30), Instant::now());
    let response = calls
        .call(call(format!("http://{address}/limited-once"), &lease))
        .await
        .unwrap();
    assert_eq!(response.status, StatusCode::OK);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "came after {:?}",
        start.elapsed()
    );
    assert_eq!(vendor.calls.load(Ordering::SeqCst), 2);
    assert_eq!(lease.calls(), 2);
}

#[tokio::test]
async fn a_long_limit_is_an_answer_and_pauses_the_account() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let (calls, _) = calls(&redis, &CallSettings::default());
    let url = format!("http://{address}/limited-for-long");
    let response = calls.call(call(url.clone(), &lease(30))).await.unwrap();
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    let second = lease(30);
    let error = calls.call(call(url, &second)).await.unwrap_err();
    assert!(
        matches!(error, CallError::NoQuota(wait) if wait > Duration::from_secs(50)),
        "{error:?}"
    );
    assert_eq!(error.outcome(), Outcome::NotStarted);
    assert_eq!((vendor.calls.load(Ordering::SeqCst), second.calls()), (1, 0));
}

#[tokio::test]
async fn what_may_have_taken_effect_is_not_repeated() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let (calls, _) = calls(&redis, &CallSettings::default());
    for _ in 0..10 {
        calls
            .call(call(format!("http://{address}/broken"), &lease(30)))
            .await
            .unwrap();
    }
    assert_eq!(vendor.calls.load(Ordering::SeqCst), 10);
}

#[tokio::test]
async fn refused_connections_are_repeated_within_a_budget() {
    let redis = TestServer::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let (calls, _) = calls(&redis, &CallSettings::default());
    let lease = lease(60);
    for _ in 0..50 {
        let error = calls
            .call(call(format!("http://{address}/"), &lease))
            .await
            .unwrap_err();
        assert!(
            matches!(error, CallError::Transport(TransportError::NotSent(_))),
            "{error:?}"
        );
    }
    let attempts = lease.calls();
    assert!((51..=60).contains(&attempts), "{attempts} attempts for 50 calls");
}

#[tokio::test]
async fn nothing_is_sent_when_the_lease_has_no_time_left() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let (calls, _) = calls(&redis, &CallSettings::default());
    let error = calls
        .call(call(format!("http://{address}/broken"), &lease(3)))
        .await
        .unwrap_err();
    assert_eq!(error, CallError::NoTime);
    assert_eq!(vendor.calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_prepaid_call_is_not_paid_twice_unless_it_is_late() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let (calls, quota) = calls(
        &redis,
        &CallSettings {
            quota_wait: Duration::ZERO,
            ..CallSettings::default()
        },
    );
    let soon = Instant::now() + Duration::from_secs(5);
    let crate::quota::Verdict::Granted(permit) = quota.acquire(&account(), Lane::Hot, Use::Begin, soon).await
    else {
        panic!("no quota")
    };
    let pause = Some(Duration::from_secs(60));
    quota
        .correct(
            &account(),
            Feedback {
                pause,
                ..Feedback::default()
            },
        )
        .await;
    let url = format!("http://{address}/broken");
    let late = lease(30).with_prepaid(permit, Instant::now());
    assert!(matches!(
        calls.call(call(url.clone(), &late)).await,
        Err(CallError::NoQuota(_))
    ));
    assert_eq!(late.take_unused(), Some(permit));
    let timely = lease(30).with_prepaid(permit, Instant::now() + Duration::from_secs(5));
    assert!(calls.call(call(url, &timely)).await.is_ok());
    assert_eq!(timely.take_unused(), None);
}

#[tokio::test]
async fn calls_at_a_time_are_bounded() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let (calls, _) = calls(
        &redis,
        &CallSettings {
            concurrency: 3,
            ..CallSettings::default()
        },
    );
    let lease = lease(60);
    let all = join_all((0..12).map(|_| calls.call(call(format!("http://{address}/slow"), &lease)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(vendor.most_at_work.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_account_that_waits_for_quota_takes_no_place_from_another() {
    let (redis, vendor) = (TestServer::start().await, Vendor::default());
    let address = start(&vendor).await;
    let settings = CallSettings {
        concurrency: 1,
        ..CallSettings::default()
    };
    let (calls, quota) = calls(&redis, &settings);
    let pause = Feedback {
        pause: Some(Duration::from_secs(3)),
        ..Feedback::default()
    };
    quota.correct(&account(), pause).await;
    let (url, lease) = (format!("http://{address}/slow"), lease(30));
    let throttled = join_all((0..3).map(|_| calls.call(call(url.clone(), &lease))));
    let mut other = call(url.clone(), &lease);
    other.account.id = "2".into();
    // The first is polled first, so it asks for a place before the other.
    match select(Box::pin(throttled), Box::pin(calls.call(other))).await {
        Either::Left((answers, _)) => panic!("the other account waited for {answers:?}"),
        Either::Right((answer, throttled)) => {
            assert!(answer.is_ok(), "{answer:?}");
            assert!(throttled.await.iter().all(Result::is_ok));
        }
    }
}
