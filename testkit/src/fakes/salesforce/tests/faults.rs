//! Scripted misbehaviour.

use serde_json::json;

use super::{Lab, UPSERT};
use crate::fakes::salesforce::{Answer, Apply, Fault, RequestFilter, Route, SalesforceOptions};

fn one(revision: i64) -> serde_json::Value {
    json!({"records": [{"attributes": {"type": "Lead"}, "Leads_Lead_Id__c": "lead_1", "LastName": "L",
        "Company": "C", "Leads_Revision__c": revision}]})
}

#[tokio::test]
async fn refusals_are_worded_as_salesforce_words_them() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    for (answer, status, code, text) in [
        (Answer::DailyLimit, 403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests"),
        (
            Answer::ConcurrentLimit,
            403,
            "REQUEST_LIMIT_EXCEEDED",
            "ConcurrentPerOrgLongTxn",
        ),
        (Answer::InvalidSession, 401, "INVALID_SESSION_ID", "expired"),
    ] {
        lab.server.inject(Fault::answer(answer).times(1));
        let got = lab.send("PATCH", UPSERT, one(1)).await;
        assert_eq!(
            (got.status, got.json[0]["errorCode"].as_str()),
            (status, Some(code))
        );
        assert!(got.text.contains(text), "{}", got.text);
    }
    lab.server.inject(Fault::answer(Answer::Html(503)).times(1));
    let page = lab.send("PATCH", UPSERT, one(1)).await;
    assert!(page.status == 503 && page.text.starts_with("<html>"));
    assert_eq!(lab.server.leads().len(), 0, "nothing was carried out");
}

#[tokio::test]
async fn a_cut_call_was_carried_out_and_a_doubled_one_twice() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    lab.server
        .inject(Fault::apply_then_cut().route(Route::Upsert).times(1));
    lab.server.inject(Fault::apply_twice().times(1));
    assert!(lab.request("PATCH", UPSERT).json(&one(1)).send().await.is_err());
    lab.send("PATCH", UPSERT, one(2)).await;
    let lead = lab.server.find_lead_by("Leads_Lead_Id__c", "lead_1").unwrap();
    assert_eq!(lead.revisions, [1, 2, 2]);
    let log = lab.server.requests(&RequestFilter {
        route: Some(Route::Upsert),
        ..RequestFilter::default()
    });
    assert_eq!(
        log.iter()
            .map(|entry| (entry.status, entry.applied))
            .collect::<Vec<_>>(),
        [(0, 1), (200, 2)]
    );
}

#[tokio::test]
async fn a_late_write_is_seen_as_a_step_back() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    lab.server
        .inject(Fault::answer(Answer::Cut).apply(Apply::LateMs(100)).times(1));
    assert!(lab.request("PATCH", UPSERT).json(&one(1)).send().await.is_err());
    lab.send("PATCH", UPSERT, one(2)).await;
    crate::wait::until("the late write", std::time::Duration::from_secs(5), async || {
        Ok((lab.server.steps_back().len() == 1).then_some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn only_the_rows_that_were_named_are_refused() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let fault = Fault::rows(
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access",
        &["lead_2"],
    );
    lab.server.inject(fault.times(1));
    let record = |n: usize| json!({"Leads_Lead_Id__c": format!("lead_{n}"), "LastName": "L", "Company": "C"});
    let got = lab
        .send("PATCH", UPSERT, json!({"records": [record(1), record(2)]}))
        .await;
    assert_eq!(got.json[0]["success"], json!(true));
    assert_eq!(
        got.json[1]["errors"][0]["statusCode"],
        json!("UNABLE_TO_LOCK_ROW")
    );
}
