//! The connection task.

use leads_proto::leads::v1::SyncReason;
use leads_runtime::delivery::TaskOutcome;
use leads_testkit::fakes::hubspot::{
    DEFAULT_TOKEN, Fault, HubspotOptions, Policy, PortalOptions, RequestFilter, Route, TokenOptions,
};

use crate::support::{Bench, PORTAL, Setting};

fn with_scopes(scopes: &[&str]) -> Setting {
    let mut portal = PortalOptions::new(PORTAL);
    portal.ui_domain = "app-eu1.hubspot.com".to_owned();
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

async fn refused(bench: &Bench) -> SyncReason {
    match bench.connect().await {
        TaskOutcome::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

const ALL: [&str; 4] = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
];

/// Properties that HubSpot was asked to make, each with success.
fn made(bench: &Bench) -> usize {
    let filter = RequestFilter {
        route: Some(Route::PropertyCreate),
        status: Some(201),
        ..RequestFilter::default()
    };
    bench.hubspot.requests(&filter).len()
}

#[tokio::test]
async fn the_first_check_makes_our_properties_and_the_second_none() {
    let bench = Bench::unconnected(with_scopes(&ALL)).await;
    let facts = bench.connected().await;
    assert_eq!(facts.account_id, PORTAL.to_string());
    assert_eq!(facts.ui_domain, "app-eu1.hubspot.com");
    let limits = facts.limits.unwrap();
    assert_eq!(
        (limits.calls, limits.window.unwrap().seconds, limits.daily_calls),
        (190, 10, 625_000)
    );
    assert_eq!(made(&bench), 11);
    bench.connected().await;
    assert_eq!(made(&bench), 11);
    assert_eq!(
        bench.hubspot.contacts(PORTAL).unwrap().len(),
        0,
        "a check makes no contact"
    );
}

#[tokio::test]
async fn a_property_that_is_missing_again_is_made_again() {
    let bench = Bench::unconnected(with_scopes(&ALL)).await;
    bench
        .hubspot
        .define_property(PORTAL, "leads_lead_id", "string", true)
        .unwrap();
    bench.connected().await;
    assert_eq!(made(&bench), 10);
}

#[tokio::test]
async fn a_token_that_may_not_make_properties_is_refused_with_the_scope_and_the_place() {
    let bench = Bench::unconnected(with_scopes(&ALL[..3])).await;
    let reason = refused(&bench).await;
    assert_eq!(reason.code, "MISSING_SCOPE");
    assert!(
        reason.message.contains("crm.schemas.contacts.write"),
        "{}",
        reason.message
    );
    assert!(reason.hint.contains("Private apps") && reason.hint.contains("crm.schemas.contacts.write"));
}

#[tokio::test]
async fn all_missing_scopes_are_named_at_once_and_nothing_is_made() {
    let bench = Bench::unconnected(with_scopes(&["crm.schemas.contacts.write"])).await;
    let reason = refused(&bench).await;
    assert_eq!(reason.code, "MISSING_SCOPE");
    for scope in ["crm.objects.contacts.read", "crm.objects.contacts.write"] {
        assert!(reason.message.contains(scope), "{}", reason.message);
    }
    assert!(!bench.routes().contains(&Route::PropertyCreate));
}

#[tokio::test]
async fn a_token_that_is_not_valid_is_refused() {
    let bench = Bench::unconnected(with_scopes(&ALL)).await;
    bench.hubspot.revoke_token(DEFAULT_TOKEN);
    assert_eq!(refused(&bench).await.code, "CREDENTIALS");
}

#[tokio::test]
async fn a_key_without_unique_values_is_refused_with_the_way_out() {
    let bench = Bench::unconnected(with_scopes(&ALL)).await;
    bench
        .hubspot
        .define_property(PORTAL, "leads_lead_id", "string", false)
        .unwrap();
    let reason = refused(&bench).await;
    assert_eq!(
        (reason.code.as_str(), reason.field.as_str()),
        ("KEY_PROPERTY", "leads_lead_id")
    );
    assert!(reason.hint.contains("Delete"));
}

#[tokio::test]
async fn an_account_without_room_for_a_unique_property_is_refused() {
    let bench = Bench::unconnected(with_scopes(&ALL)).await;
    for n in 0..10 {
        bench
            .hubspot
            .define_property(PORTAL, &format!("unique_{n}"), "string", true)
            .unwrap();
    }
    let reason = refused(&bench).await;
    assert_eq!(
        (reason.code.as_str(), reason.field.as_str()),
        ("PROPERTY_NOT_CREATED", "leads_lead_id")
    );
}

#[tokio::test]
async fn a_mapping_to_a_property_that_is_missing_or_unfit_is_refused() {
    let mut bench = Bench::unconnected(with_scopes(&ALL)).await;
    bench.connection.settings.field_mapping = [("score".to_owned(), "our_score".to_owned())].into();
    let reason = refused(&bench).await;
    assert_eq!(
        (reason.code.as_str(), reason.field.as_str()),
        ("MISSING_PROPERTY", "our_score")
    );

    bench
        .hubspot
        .define_property(PORTAL, "our_score", "datetime", false)
        .unwrap();
    assert_eq!(refused(&bench).await.code, "INVALID_MAPPING");

    bench.connection.settings.field_mapping = [("stage".to_owned(), "hs_lead_status".to_owned())].into();
    let reason = refused(&bench).await;
    assert!(reason.message.contains("demo_booked"), "{}", reason.message);

    bench.connection.settings.field_mapping = [("colour".to_owned(), "x".to_owned())].into();
    assert_eq!(refused(&bench).await.code, "INVALID_MAPPING");
}

#[tokio::test]
async fn a_property_that_is_mapped_elsewhere_is_not_made() {
    let mut bench = Bench::unconnected(with_scopes(&ALL)).await;
    bench
        .hubspot
        .define_property(PORTAL, "our_score", "number", false)
        .unwrap();
    bench.connection.settings.field_mapping = [("score".to_owned(), "our_score".to_owned())].into();
    bench.connected().await;
    assert_eq!(made(&bench), 10, "all but leads_score");
}

#[tokio::test]
async fn a_hubspot_that_does_not_answer_is_asked_again_later() {
    let bench = Bench::unconnected(with_scopes(&ALL)).await;
    bench
        .hubspot
        .inject(Fault::status(503).route(Route::AccountDetails).times(1))
        .unwrap();
    assert!(matches!(
        bench.connect().await,
        TaskOutcome::Retry {
            class: "UNAVAILABLE",
            ..
        }
    ));
    bench
        .hubspot
        .inject(
            Fault::rate_limited(Policy::Daily, None)
                .route(Route::PropertyList)
                .times(1),
        )
        .unwrap();
    assert!(matches!(bench.connect().await, TaskOutcome::Retry { .. }));
}
