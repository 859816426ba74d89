//! A refusal per row of the table.

use std::collections::BTreeSet;

use leads_runtime::delivery::Outcome;

use super::fault::position;
use super::*;

fn body(code: &str, message: &str) -> Vec<u8> {
    format!(r#"[{{"errorCode":"{code}","message":"{message}"}}]"#).into_bytes()
}

#[test]
fn every_row_of_the_table_takes_a_refusal() {
    let mut taken = BTreeSet::new();
    for row in TABLE {
        let (status, body) = match row.mark {
            Mark::Code(code) => (None, body(code, "x")),
            Mark::Begins(start) => (None, body(&format!("{start}_ON_CROSS_REFERENCE_ENTITY"), "x")),
            Mark::CodeSaying(code, piece) => (Some(403), body(code, piece)),
            Mark::CodeOfKey(code) => (
                Some(400),
                body(code, "No such column 'Leads_Lead_Id__c' on sobject of type Lead"),
            ),
            Mark::Saying(piece) => (None, body("SOME_CODE", piece)),
            Mark::Status(status) => (Some(status), body("OTHER", "x")),
            Mark::Statuses(from, _) => (Some(from + 2), body("OTHER", "x")),
            Mark::Page(status) => (Some(status), b"<html>".to_vec()),
        };
        taken.extend(position(status, &body));
    }
    assert_eq!(
        taken.len(),
        TABLE.len(),
        "a row is behind another one that takes all of its own"
    );
}

#[test]
fn limits_are_told_apart_by_their_message() {
    let kind = |text| Fault::of_call(403, &body("REQUEST_LIMIT_EXCEEDED", text)).kind;
    assert_eq!(kind("TotalRequests Limit exceeded."), Kind::DailyLimit);
    assert_eq!(
        kind("ConcurrentPerOrgLongTxn Limit exceeded."),
        Kind::ConcurrentLimit
    );
    assert_eq!(kind("ConcurrentRequests Limit exceeded."), Kind::ConcurrentLimit);
    let day = Fault::of_call(
        403,
        &body("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    );
    assert!(matches!(day.outcome(), Outcome::Paused { for_: Some(pause), .. } if pause.as_secs() == 3600));
}

#[test]
fn a_page_is_an_outage_and_an_unknown_code_is_shown_with_its_message() {
    assert_eq!(Fault::of_call(503, b"<html>down</html>").kind, Kind::Unavailable);
    assert_eq!(Fault::of_call(403, b"").kind, Kind::Unavailable);
    let strange = Fault::of_call(400, &body("SOMETHING_NEW", "words"));
    assert_eq!((strange.kind, strange.message.as_str()), (Kind::Refused, "words"));
}

#[test]
fn a_lock_within_a_triggers_error_is_a_lock() {
    let error = crate::api::RowError {
        status_code: "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY".into(),
        message: "LeadTrigger: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain"
            .into(),
        fields: Vec::new(),
    };
    assert_eq!(Fault::of_row(&error).kind, Kind::Locked);
}
