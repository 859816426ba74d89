//! Writes and read-backs that HubSpot accepts, whole or in part.

use leads_proto::leads::v1::{Outcome as Closed, Stage};
use leads_runtime::delivery::{Destination, LeaseBudget, Outcome};
use leads_runtime::stream::Lane;
use leads_testkit::fakes::hubspot::{Answer, Fault, PortalPatch, Route};

use crate::support::{Bench, PORTAL, Setting, item, linked, record_of};

#[tokio::test]
async fn new_leads_become_contacts_with_links_and_all_properties() {
    let bench = Bench::start(Setting::default()).await;
    let outcomes = bench.write((0..100).map(item).collect()).await;
    assert_eq!(
        bench.routes(),
        [Route::BatchRead, Route::BatchUpsert],
        "two calls for a hundred leads"
    );
    for n in 0..100 {
        let contact = bench.contact_of(&format!("lead_{n}"));
        let outcome = &outcomes[&format!("job-{n}")];
        assert_eq!(record_of(&outcome.outcome), contact.id);
        assert_eq!(outcome.calls, 2);
        assert_eq!(contact.properties["email"], format!("person{n}@example.org"));
    }
    let contact = bench.contact_of("lead_7");
    assert_eq!(
        outcomes["job-7"].outcome,
        Outcome::Delivered {
            external_id: contact.id.to_string(),
            url: contact.url.clone()
        }
    );
    for (property, value) in [
        ("firstname", "Ada"),
        ("lastname", "Lovelace"),
        ("company", "Analytical Engines"),
        ("lifecyclestage", "lead"),
        ("leads_revision", "1"),
        ("leads_score", "81"),
        ("leads_score_band", "hot"),
        ("leads_hot", "true"),
        ("leads_stage", "new"),
        ("leads_channel", "widget"),
        ("leads_budget_points", "20"),
        ("leads_need_points", "25"),
    ] {
        assert_eq!(
            contact.properties.get(property).map(String::as_str),
            Some(value),
            "{property}"
        );
    }
    bench.assert_sound();
}

#[tokio::test]
async fn a_later_revision_changes_the_same_contact_and_clears_what_is_ours() {
    let bench = Bench::start(Setting::default()).await;
    let record = record_of(&bench.write_one(item(1)).await);
    let mut later = linked(1, record);
    later.lead.company = String::new();
    later.lead.dimension_points.clear();
    later.lead.stage = Stage::Qualified.into();
    assert_eq!(record_of(&bench.write_one(later).await), record);
    let contact = bench.contact_of("lead_1");
    assert_eq!(contact.properties["leads_revision"], "2");
    assert_eq!(contact.properties["lifecyclestage"], "salesqualifiedlead");
    assert_eq!(
        contact.properties["company"], "Analytical Engines",
        "what others may have typed stays"
    );
    assert_eq!(
        contact
            .properties
            .get("leads_budget_points")
            .filter(|points| !points.is_empty()),
        None
    );
    bench.assert_sound();
}

#[tokio::test]
async fn the_lifecycle_of_a_contact_never_goes_back() {
    let bench = Bench::start(Setting::default()).await;
    let mut won = item(1);
    won.lead.stage = Stage::Closed.into();
    won.lead.outcome = Closed::Won.into();
    let record = record_of(&bench.write_one(won).await);
    assert_eq!(
        bench.contact_of("lead_1").properties["lifecyclestage"],
        "customer"
    );
    bench.write_one(linked(1, record)).await;
    let contact = bench.contact_of("lead_1");
    assert_eq!(contact.properties["lifecyclestage"], "customer");
    assert_eq!(contact.properties["leads_stage"], "new", "our own stage does");
}

#[tokio::test]
async fn the_bad_rows_of_a_batch_get_their_reasons_and_the_good_ones_pass() {
    let bench = Bench::start(Setting::default()).await;
    let mut items: Vec<_> = (0..20).map(item).collect();
    items[3].lead.email = "not-an-address".into();
    items[8].lead.email = "a b@example.org".into();
    let outcomes = bench.write(items).await;
    for n in 0..20 {
        let outcome = &outcomes[&format!("job-{n}")].outcome;
        match outcome {
            Outcome::Rejected {
                code,
                field,
                message,
                hint,
                ..
            } if n == 3 || n == 8 => {
                assert_eq!((*code, field.as_str()), ("VALIDATION", "email"));
                assert!(message.contains("is invalid") && !hint.is_empty(), "{message}");
            }
            Outcome::Delivered { .. } if n != 3 && n != 8 => {}
            other => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(bench.hubspot.contacts(PORTAL).unwrap().len(), 18);
    bench.assert_sound();
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_is_sent_in_halves() {
    let bench = Bench::start(Setting::default()).await;
    bench
        .hubspot
        .inject(Fault::status(400).route(Route::BatchUpsert).times(2))
        .unwrap();
    let outcomes = bench.write((0..8).map(item).collect()).await;
    assert!(
        outcomes
            .values()
            .all(|it| matches!(it.outcome, Outcome::Delivered { .. })),
        "{outcomes:?}"
    );
    // 8 and then 4 are refused; 2, 2 and 4 pass.
    let upserts = bench
        .routes()
        .iter()
        .filter(|route| **route == Route::BatchUpsert)
        .count();
    assert_eq!(upserts, 5);
    assert_eq!(bench.hubspot.contacts(PORTAL).unwrap().len(), 8);
}

#[tokio::test]
async fn a_mandatory_property_is_named() {
    let bench = Bench::start(Setting {
        object_path: "/crm/objects/2026-09/contacts",
        ..Setting::default()
    })
    .await;
    let patch = PortalPatch {
        required_properties: Some(vec!["website".into()]),
        ..PortalPatch::default()
    };
    bench.hubspot.patch_portal(PORTAL, &patch).unwrap();
    match bench.write_one(item(1)).await {
        Outcome::Rejected {
            code: "MISSING_REQUIRED_PROPERTY",
            field,
            ..
        } => assert_eq!(field, "website"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lease_that_is_too_short_gives_the_leads_back_and_sends_nothing() {
    let bench = Bench::start(Setting::default()).await;
    let short = LeaseBudget::new(std::time::Duration::from_secs(6), Lane::Normal);
    let outcomes = bench
        .connector
        .write(&bench.connection, vec![item(1), item(2)], short)
        .await;
    assert_eq!(outcomes.len(), 2);
    assert!(
        outcomes
            .iter()
            .all(|it| it.outcome == Outcome::NotStarted && it.calls == 0)
    );
    assert_eq!(bench.routes(), []);
}

#[tokio::test]
async fn a_read_back_finds_our_revision_or_says_that_there_is_none() {
    let bench = Bench::start(Setting::default()).await;
    let record = record_of(&bench.write_one(item(1)).await);
    let outcomes = bench.verify(vec![item(1), item(2)]).await;
    let url = bench.contact_of("lead_1").url;
    assert_eq!(
        outcomes["job-1"].outcome,
        Outcome::Verified {
            external_id: record.to_string(),
            url,
            revision: 1
        }
    );
    assert_eq!(
        outcomes["job-2"].outcome,
        Outcome::Verified {
            external_id: String::new(),
            url: String::new(),
            revision: 0
        }
    );
    bench
        .hubspot
        .inject(Fault::answer(Answer::Empty).route(Route::BatchRead))
        .unwrap();
    assert!(matches!(
        bench.verify(vec![item(1)]).await["job-1"].outcome,
        Outcome::Retry { .. }
    ));
}
