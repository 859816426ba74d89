//! A sample per row of the table, and what each means to a customer.

use std::time::Duration;

use leads_runtime::delivery::Outcome;

use super::*;
use crate::api::ErrorBody;

const PAGE: &str = "<!DOCTYPE html><html></html>";

/// Status, body and meaning, in the order of the table.
fn samples() -> Vec<(u16, String, Kind)> {
    let category = |name: &str| format!(r#"{{"status":"error","message":"m","category":"{name}"}}"#);
    let message = |text: &str| format!(r#"{{"status":"error","message":"{text}"}}"#);
    let code = |code: &str, property: &str| {
        format!(
            r#"{{"category":"VALIDATION_ERROR","errors":[{{"message":"m","code":"{code}","context":{{"propertyName":["{property}"]}}}}]}}"#
        )
    };
    let policy = |name: &str| format!(r#"{{"errorType":"RATE_LIMIT","policyName":"{name}","message":"m"}}"#);
    let text = str::to_owned;
    vec![
        (
            400,
            code("PROPERTY_DOESNT_EXIST", "leads_lead_id"),
            K::KeyProperty,
        ),
        (
            400,
            message("Unable to perform update/upsert by non-unique 0-1 property"),
            K::KeyProperty,
        ),
        (
            400,
            message("Unable to infer object type from: contact5"),
            K::WrongPath,
        ),
        (
            400,
            code("PROPERTY_DOESNT_EXIST", "leads_score"),
            K::MissingProperty,
        ),
        (400, code("READ_ONLY_VALUE", "createdate"), K::ReadOnlyProperty),
        (400, code("READ_ONLY_PROPERTY", "createdate"), K::ReadOnlyProperty),
        (400, code("MISSING_REQUIRED_PROPERTY", "vat"), K::RequiredProperty),
        (
            400,
            code("MISSING_CONDITIONAL_REQUIRED_PROPERTY", "vat"),
            K::RequiredProperty,
        ),
        (
            400,
            code("CONFLICTING_UNIQUE_VALUE", "leads_lead_id"),
            K::Conflict,
        ),
        (400, message("101 already has that value."), K::Conflict),
        (400, code("INVALID_EMAIL", "email"), K::Validation),
        (400, text(PAGE), K::WrongPath),
        (400, text("{}"), K::Refused),
        (401, category("INVALID_AUTHENTICATION"), K::Credentials),
        (403, category("MISSING_SCOPES"), K::Scope),
        (403, text(PAGE), K::Unavailable),
        (403, category("BANNED"), K::Forbidden),
        (404, category("OBJECT_NOT_FOUND"), K::RecordGone),
        (404, text(PAGE), K::WrongPath),
        (405, text(PAGE), K::WrongPath),
        (407, text(""), K::Unavailable),
        (408, text(""), K::GatewayTimeout),
        (409, category("CONFLICT"), K::Conflict),
        (413, text(""), K::TooLarge),
        (414, text(""), K::TooLarge),
        (415, text(""), K::WrongPath),
        (423, category("LOCKED"), K::Locked),
        (425, text(""), K::Unavailable),
        (429, policy("DAILY"), K::DailyLimit),
        (429, message("You have reached your daily limit."), K::DailyLimit),
        (429, policy("SECONDLY"), K::SecondLimit),
        (
            429,
            message("You have reached your secondly limit."),
            K::SecondLimit,
        ),
        (429, policy("TEN_SECONDLY_ROLLING"), K::BurstLimit),
        (477, text(""), K::Migration),
        (418, text(PAGE), K::Unavailable),
        (418, text("{}"), K::Refused),
        (504, text(PAGE), K::GatewayTimeout),
        (524, text(PAGE), K::GatewayTimeout),
        (502, text(PAGE), K::Unavailable),
        (302, text(""), K::WrongPath),
        (199, text(""), K::Unavailable),
    ]
}

#[test]
fn every_row_of_the_table_takes_its_sample_and_no_other_row_does() {
    let samples = samples();
    assert_eq!(
        samples.len(),
        TABLE.len(),
        "a sample per row, in the table's order"
    );
    for (row, (status, body, kind)) in TABLE.iter().zip(samples) {
        let fault = Fault::of_call(status, None, body.as_bytes());
        assert_eq!(
            (fault.kind, row.kind),
            (kind, kind),
            "{row:?} with {status} {body}"
        );
        assert_eq!(
            fault::position(status, body.as_bytes()),
            TABLE.iter().position(|it| std::ptr::eq(it, row)),
            "{row:?}"
        );
    }
}

#[test]
fn a_burst_is_a_retry_and_a_used_up_day_rests_the_connection() {
    let of = |body: &str| Fault::of_call(429, None, body.as_bytes()).outcome();
    match of(
        r#"{"policyName":"TEN_SECONDLY_ROLLING","message":"You have reached your ten_secondly_rolling limit."}"#,
    ) {
        Outcome::Retry {
            class, after, code, ..
        } => {
            assert_eq!((class, code.as_str()), ("RATE_LIMITED", "TEN_SECONDLY_ROLLING"));
            assert_eq!(after, Some(Duration::from_secs(10)));
        }
        other => panic!("{other:?}"),
    }
    match of(r#"{"policyName":"DAILY","message":"You have reached your daily limit."}"#) {
        Outcome::Paused { for_, reason } => {
            assert_eq!(for_, Some(Duration::from_secs(3600)));
            assert_eq!(reason.code, "DAILY_LIMIT");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_moving_account_rests_as_long_as_hubspot_says() {
    let wish = Duration::from_secs(7200);
    assert_eq!(Fault::of_call(477, Some(wish), b"").pause(), Some(wish));
}

#[test]
fn a_missing_scope_is_named_with_the_place_to_add_it() {
    let body = br#"{"status":"error","category":"MISSING_SCOPES","message":"This app hasn't been granted all required scopes to make this call.",
        "errors":[{"message":"m","context":{"requiredGranularScopes":["crm.schemas.contacts.write"]}}]}"#;
    let fault = Fault::of_call(403, None, body);
    let reason = fault.reason();
    assert_eq!(reason.code, "MISSING_SCOPE");
    assert!(
        reason.message.contains("crm.schemas.contacts.write"),
        "{}",
        reason.message
    );
    assert!(reason.hint.contains("Private apps") && reason.hint.contains("crm.schemas.contacts.write"));
    assert_eq!(fault.pause(), None, "until a person acts");
}

#[test]
fn a_row_of_a_207_may_say_everything_in_its_text() {
    let error = ErrorBody::parse(
        br#"{"status":"error","category":"VALIDATION_ERROR","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Email address x@ is invalid\",\"error\":\"INVALID_EMAIL\",\"name\":\"email\"}]"}"#,
    )
    .unwrap();
    match Fault::of_row(&error).outcome() {
        Outcome::Rejected {
            code,
            field,
            vendor_code,
            message,
            ..
        } => {
            assert_eq!((code, field.as_str()), ("VALIDATION", "email"));
            assert_eq!(vendor_code, "INVALID_EMAIL");
            assert_eq!(message, "Email address x@ is invalid");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_of_a_207_that_exists_already_is_a_conflict_with_or_without_a_category() {
    for body in [
        r#"{"category":"CONFLICT","message":"m"}"#,
        r#"{"message":"Contact already exists. Existing ID: 101"}"#,
    ] {
        assert_eq!(
            Fault::of_row(&ErrorBody::parse(body.as_bytes()).unwrap()).kind,
            K::Conflict
        );
    }
}

#[test]
fn the_contact_of_a_conflict_is_read_from_the_text() {
    let of = |message: &str| {
        Fault::of_call(409, None, format!(r#"{{"message":"{message}"}}"#).as_bytes())
            .existing_id()
            .map(str::to_owned)
    };
    assert_eq!(
        of("Contact already exists. Existing ID: 1010"),
        Some("1010".to_owned())
    );
    assert_eq!(
        of("Contact already exists. Existing ID: 1010, sorry"),
        Some("1010".to_owned())
    );
    assert_eq!(of("Contact already exists. Existing ID: "), None);
    assert_eq!(of("Contact already exists."), None);
}
