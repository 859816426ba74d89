//! The script as a client meets it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Lab, V3, lead, with};
use crate::fakes::hubspot::{Answer, Apply, DEFAULT_PORTAL, Fault, Policy, RequestFilter, Route};

#[tokio::test]
async fn scripted_statuses_come_with_their_documented_bodies() {
    let lab = Lab::new().await;
    for (status, fragment) in [
        (401, "INVALID_AUTHENTICATION"),
        (403, "MISSING_SCOPES"),
        (423, "LOCKED"),
        (429, "TEN_SECONDLY_ROLLING"),
        (500, "internal error"),
        (502, "<html>"),
        (503, "<html>"),
    ] {
        lab.server
            .inject(Fault::status(status).times(1).route(Route::BatchUpsert))
            .unwrap();
        let answer = lab.upsert(vec![lead(1)]).await;
        assert!(
            answer.status == status && answer.text.contains(fragment),
            "{answer:?}"
        );
    }
    lab.server.inject(Fault::migration(86_400).times(1)).unwrap();
    let moved = lab.get(V3).await;
    assert_eq!(
        (moved.status, moved.headers["retry-after"].to_str().unwrap()),
        (477, "86400")
    );
    lab.server
        .inject(Fault::rate_limited(Policy::Daily, Some(7)).times(1))
        .unwrap();
    let limited = lab.get(V3).await;
    assert_eq!(
        (limited.status, &limited.json["policyName"]),
        (429, &json!("DAILY"))
    );
    assert_eq!(limited.headers["retry-after"], "7");
    assert!(lab.server.contacts(DEFAULT_PORTAL).unwrap().is_empty());
    assert_eq!(
        lab.upsert(vec![lead(1)]).await.status,
        200,
        "all scripts have ended"
    );
}

#[tokio::test]
async fn an_outage_of_one_portal_lasts_until_cleared() {
    let lab = Lab::new().await;
    let outage = lab
        .server
        .inject(Fault::status(503).portal(DEFAULT_PORTAL))
        .unwrap();
    lab.server.inject(Fault::status(500).portal(4711)).unwrap();
    for _ in 0..5 {
        assert_eq!(lab.get(V3).await.status, 503);
    }
    assert_eq!(lab.server.faults()[0].hits, 5);
    assert!(lab.server.clear_fault(outage));
    assert_eq!(lab.get(V3).await.status, 200);
}

#[tokio::test]
async fn bodies_can_be_garbage_empty_mislabelled_or_a_redirect() {
    let lab = Lab::new().await;
    let next = |answer| lab.server.inject(Fault::answer(answer).times(1)).unwrap();
    next(Answer::GarbageJson);
    let garbage = lab.get(V3).await;
    assert!(garbage.status == 200 && garbage.json.is_null() && !garbage.text.is_empty());
    next(Answer::Empty);
    assert!(lab.get(V3).await.text.is_empty());
    lab.server
        .inject(
            Fault::answer(Answer::WrongContentType)
                .apply(Apply::Once)
                .times(1),
        )
        .unwrap();
    let text = lab.upsert(vec![lead(1)]).await;
    assert_eq!(
        (
            text.headers["content-type"].to_str().unwrap(),
            text.json["results"].as_array().unwrap().len()
        ),
        ("text/plain", 1)
    );
    next(Answer::Redirect("http://169.254.169.254/".to_owned()));
    let moved = lab.get(V3).await;
    assert_eq!(
        (moved.status, moved.headers["location"].to_str().unwrap()),
        (302, "http://169.254.169.254/")
    );
    next(Answer::HugeBody(3 << 20));
    assert!(lab.get(V3).await.text.len() >= 3 << 20);
}

#[tokio::test]
async fn endless_and_stalled_bodies_start_and_do_not_end() {
    let lab = Lab::new().await;
    lab.server
        .inject(Fault::answer(Answer::EndlessBody).times(1))
        .unwrap();
    let mut endless = lab.request("GET", V3).send().await.unwrap();
    let mut seen = 0;
    while seen < 1 << 20 {
        seen += endless.chunk().await.unwrap().unwrap().len();
    }
    lab.server
        .inject(Fault::answer(Answer::StalledBody).times(1))
        .unwrap();
    let mut stalled = lab.request("GET", V3).send().await.unwrap();
    assert!(stalled.chunk().await.unwrap().is_some());
    assert!(
        tokio::time::timeout(Duration::from_millis(80), stalled.chunk())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_slow_answer_is_late_and_applied_even_if_the_client_gives_up() {
    let lab = Lab::new().await;
    lab.server
        .inject(Fault::latency(Duration::from_millis(120), Duration::from_millis(10)).times(2))
        .unwrap();
    let started = Instant::now();
    assert_eq!(lab.upsert(vec![lead(1)]).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(120));
    let short = lab
        .request("POST", &format!("{V3}/batch/upsert"))
        .json(&json!({"inputs": [lead(2)]}));
    assert!(
        short
            .timeout(Duration::from_millis(40))
            .send()
            .await
            .unwrap_err()
            .is_timeout()
    );
    until(&lab, "lead_2", true).await;
}

#[tokio::test]
async fn a_hang_has_no_answer_and_no_effect() {
    let lab = Lab::new().await;
    lab.server.inject(Fault::hang().times(1)).unwrap();
    let held = lab
        .request("POST", &format!("{V3}/batch/upsert"))
        .json(&json!({"inputs": [lead(1)]}));
    assert!(
        held.timeout(Duration::from_millis(500))
            .send()
            .await
            .unwrap_err()
            .is_timeout()
    );
    until(&lab, "lead_1", false).await;
    let entry = &lab.server.requests(&RequestFilter::default())[0];
    assert_eq!(
        (entry.status, entry.applied, entry.inputs, entry.fault),
        (0, 0, 1, Some(1))
    );
}

#[tokio::test]
async fn applied_then_cut_leaves_the_client_without_an_answer() {
    let lab = Lab::new().await;
    lab.server.inject(Fault::apply_then_cut().times(1)).unwrap();
    let error = lab
        .try_send(
            "POST",
            &format!("{V3}/batch/upsert"),
            json!({"inputs": [lead(1)]}),
        )
        .await
        .unwrap_err();
    assert!(!error.is_timeout());
    until(&lab, "lead_1", true).await;
    lab.server.inject(Fault::answer(Answer::Cut).times(1)).unwrap();
    assert!(
        lab.try_send(
            "POST",
            &format!("{V3}/batch/upsert"),
            json!({"inputs": [lead(2)]})
        )
        .await
        .is_err()
    );
    until(&lab, "lead_2", false).await;
}

#[tokio::test]
async fn applied_late_overtakes_a_newer_write() {
    let lab = Lab::new().await;
    lab.seed(1).await;
    lab.server
        .inject(Fault::apply_late(Duration::from_millis(100)).times(1))
        .unwrap();
    let old = json!({"inputs": [with(lead(1), "lead_rev", "2")]});
    assert!(
        lab.try_send("POST", &format!("{V3}/batch/upsert"), old)
            .await
            .is_err()
    );
    lab.upsert(vec![with(lead(1), "lead_rev", "3")]).await;
    while lab
        .server
        .find_contact_by(DEFAULT_PORTAL, "lead_key", "lead_1")
        .unwrap()
        .properties["lead_rev"]
        != "2"
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let back = lab.server.steps_back(DEFAULT_PORTAL, "lead_rev").unwrap();
    assert_eq!(
        (
            back.len(),
            back[0].before.value.as_str(),
            back[0].after.value.as_str()
        ),
        (1, "3", "2")
    );
    let late = lab.server.requests(&RequestFilter {
        status: Some(0),
        ..RequestFilter::default()
    });
    assert_eq!((late[0].applied, late[0].rows[0].key.as_str()), (1, "lead_1"));
    assert_eq!(back[0].after.request, late[0].seq);
}

#[tokio::test]
async fn applied_twice_answers_the_second_time() {
    let lab = Lab::new().await;
    lab.server.inject(Fault::apply_twice().times(1)).unwrap();
    let answer = lab.upsert(vec![lead(1)]).await;
    assert_eq!(answer.json["results"][0]["new"], false);
    let id = answer.json["results"][0]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(
        lab.server
            .history(DEFAULT_PORTAL, id, Some("lead_rev"))
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn shutdown_ends_hung_requests_and_frees_the_port() {
    let lab = Lab::new().await;
    lab.server.inject(Fault::hang()).unwrap();
    let request = lab.request("GET", V3).send();
    let held = async {
        let simulation = lab.server.simulation();
        while simulation.request_count() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let address = lab.server.base_url();
        lab.server.shutdown().await;
        address.trim_start_matches("http://").to_owned()
    };
    let (answer, address) = tokio::join!(request, held);
    assert!(answer.is_err());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

/// Waits until the lead is there, or makes sure for a while that it does not come.
async fn until(lab: &Lab, key: &str, present: bool) {
    let deadline = Instant::now()
        + if present {
            Duration::from_secs(5)
        } else {
            Duration::from_millis(150)
        };
    loop {
        let is_there = lab
            .server
            .find_contact_by(DEFAULT_PORTAL, "lead_key", key)
            .is_some();
        assert!(present || !is_there, "{key} was applied");
        if is_there || (!present && Instant::now() > deadline) {
            return;
        }
        assert!(!present || Instant::now() < deadline, "{key} was not applied");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
