//! Everything that HubSpot may answer instead of a result.

use std::time::Duration;

use leads_runtime::delivery::Outcome;
use leads_testkit::fakes::hubspot::{
    Answer, Apply, DEFAULT_TOKEN, Fault, HubspotOptions, Policy, PortalOptions, PortalPatch, Route, Tier,
    TokenOptions,
};

use crate::support::{Bench, PORTAL, Setting, item, record_of};

/// A portal whose token has these scopes.
fn with_scopes(scopes: &[&str]) -> Setting {
    let mut portal = PortalOptions::new(PORTAL).tier(Tier::Unlimited);
    portal
        .tokens
        .push(TokenOptions::new(DEFAULT_TOKEN).scopes(scopes));
    Setting {
        options: HubspotOptions {
            portals: vec![portal],
            ..HubspotOptions::default()
        },
        ..Setting::default()
    }
}

async fn outcome_of(fault: Fault) -> (Bench, Outcome) {
    let bench = Bench::start(Setting::default()).await;
    bench.hubspot.inject(fault.route(Route::BatchUpsert)).unwrap();
    let outcome = bench.write_one(item(1)).await;
    (bench, outcome)
}

#[tokio::test]
async fn a_burst_limit_is_a_retry_after_the_window_and_pauses_the_account() {
    let (bench, outcome) = outcome_of(Fault::rate_limited(Policy::TenSecondlyRolling, None)).await;
    match outcome {
        Outcome::Retry {
            class: "RATE_LIMITED",
            after,
            code,
            ..
        } => {
            assert_eq!(
                (after, code.as_str()),
                (Some(Duration::from_secs(10)), "TEN_SECONDLY_ROLLING")
            );
        }
        other => panic!("{other:?}"),
    }
    bench.hubspot.clear_faults();
    bench.hubspot.clear_requests();
    assert_eq!(bench.write_one(item(2)).await, Outcome::NotStarted);
    assert_eq!(bench.routes(), [], "nobody calls while the account rests");
}

#[tokio::test]
async fn a_short_retry_after_is_waited_for_within_the_lease() {
    let fault = Fault::rate_limited(Policy::TenSecondlyRolling, Some(1)).times(1);
    let (bench, outcome) = outcome_of(fault).await;
    record_of(&outcome);
    assert_eq!(
        bench.routes(),
        [Route::BatchRead, Route::BatchUpsert, Route::BatchUpsert]
    );
}

#[tokio::test]
async fn a_used_up_day_rests_the_connection_for_an_hour() {
    let bench = Bench::start(Setting::default()).await;
    let patch = PortalPatch {
        daily_limit: Some(1000),
        daily_used: Some(1000),
        ..PortalPatch::default()
    };
    bench.hubspot.patch_portal(PORTAL, &patch).unwrap();
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_, reason } => {
            assert_eq!(for_, Some(Duration::from_secs(3600)));
            assert_eq!(reason.code, "DAILY_LIMIT");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_revoked_token_rests_the_connection_until_a_person_acts() {
    let bench = Bench::start(Setting::default()).await;
    assert!(bench.hubspot.revoke_token(DEFAULT_TOKEN));
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_: None, reason } => assert_eq!(reason.code, "CREDENTIALS"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_missing_scope_is_named_and_is_not_a_revoked_token() {
    let bench = Bench::unconnected(with_scopes(&["crm.objects.contacts.read"])).await;
    bench
        .hubspot
        .define_property(PORTAL, "leads_lead_id", "string", true)
        .unwrap();
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_: None, reason } => {
            assert_eq!(reason.code, "MISSING_SCOPE");
            assert!(
                reason.message.contains("crm.objects.contacts.write"),
                "{}",
                reason.message
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_page_where_the_api_should_be_blames_our_settings_not_the_lead() {
    let bench = Bench::unconnected(Setting {
        object_path: "/crm/v9/objects/contacts",
        ..Setting::default()
    })
    .await;
    match bench.write_one(item(1)).await {
        Outcome::Retry {
            class: "WRONG_PATH",
            message,
            ..
        } => assert!(message.contains("page"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn locked_records_are_tried_again_after_two_seconds() {
    let (_bench, outcome) = outcome_of(Fault::status(423)).await;
    assert!(
        matches!(outcome, Outcome::Retry { class: "LOCKED", after: Some(after), .. } if after == Duration::from_secs(2)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_moving_account_rests_as_long_as_hubspot_says() {
    let (_bench, outcome) = outcome_of(Fault::migration(7200)).await;
    match outcome {
        Outcome::Paused { for_, reason } => {
            assert_eq!(
                (for_, reason.code.as_str()),
                (Some(Duration::from_secs(7200)), "VENDOR_MIGRATION")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_outage_is_a_retry_without_repeats() {
    for status in [500, 502, 503, 521] {
        let (bench, outcome) = outcome_of(Fault::status(status)).await;
        assert!(
            matches!(
                outcome,
                Outcome::Retry {
                    class: "UNAVAILABLE",
                    ..
                }
            ),
            "{status}: {outcome:?}"
        );
        assert_eq!(bench.routes(), [Route::BatchRead, Route::BatchUpsert], "{status}");
    }
}

#[tokio::test]
async fn a_gateway_that_gave_up_leaves_the_outcome_unknown() {
    for status in [504, 524] {
        let (_bench, outcome) = outcome_of(Fault::status(status).apply(Apply::Once)).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{status}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_write_that_took_effect_without_an_answer_is_unknown_and_its_repeat_makes_no_second_contact() {
    let answers = [
        Answer::Hang,
        Answer::Cut,
        Answer::GarbageJson,
        Answer::Empty,
        Answer::StalledBody,
    ];
    for answer in answers {
        let bench = Bench::start(Setting {
            timeout: Duration::from_secs(1),
            ..Setting::default()
        })
        .await;
        let fault = Fault::answer(answer.clone())
            .apply(Apply::Once)
            .route(Route::BatchUpsert)
            .times(1);
        bench.hubspot.inject(fault).unwrap();
        let outcome = bench.write_one(item(1)).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{answer:?}: {outcome:?}"
        );
        let again = bench.write_one(item(1)).await;
        assert_eq!(record_of(&again), bench.contact_of("lead_1").id, "{answer:?}");
        assert_eq!(bench.hubspot.contacts(PORTAL).unwrap().len(), 1, "{answer:?}");
        bench.assert_sound();
    }
}

#[tokio::test]
async fn a_success_that_mentions_nobody_is_unknown_never_delivered() {
    let body = r#"{"status":"COMPLETE","results":[],"startedAt":"2026-11-22T10:00:00Z","completedAt":"2026-11-22T10:00:00Z"}"#;
    let fault = Fault::answer(Answer::Status {
        status: 200,
        headers: Default::default(),
        body: Some(body.to_owned()),
        content_type: None,
    });
    let (bench, outcome) = outcome_of(fault).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(bench.hubspot.contacts(PORTAL).unwrap().len(), 0);
}

#[tokio::test]
async fn answers_that_are_endless_huge_or_elsewhere_are_cut_off() {
    for answer in [Answer::HugeBody(64 * 1024 * 1024), Answer::EndlessBody] {
        let (_bench, outcome) = outcome_of(Fault::answer(answer.clone())).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{answer:?}: {outcome:?}"
        );
    }
    let (_bench, outcome) = outcome_of(Fault::answer(Answer::Redirect("http://127.0.0.1:9/".into()))).await;
    assert!(
        matches!(
            outcome,
            Outcome::Retry {
                class: "WRONG_PATH",
                ..
            }
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_hubspot_that_cannot_be_reached_is_a_retry_and_nothing_is_in_doubt() {
    let bench = Bench::start(Setting::default()).await;
    let Bench {
        hubspot,
        connector,
        connection,
        ..
    } = bench;
    hubspot.shutdown().await;
    use leads_runtime::delivery::Destination;
    let outcomes = connector
        .write(&connection, vec![item(1)], crate::support::lease())
        .await;
    assert!(
        matches!(
            outcomes[0].outcome,
            Outcome::Retry {
                class: "UNAVAILABLE",
                ..
            }
        ),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_key_property_that_somebody_deleted_rests_the_connection_instead_of_rejecting_leads() {
    let bench = Bench::unconnected(Setting::default()).await;
    match bench.write_one(item(1)).await {
        Outcome::Paused { for_: None, reason } => {
            assert_eq!(reason.code, "KEY_PROPERTY");
            assert!(reason.hint.contains("leads_lead_id"));
        }
        other => panic!("{other:?}"),
    }
}
