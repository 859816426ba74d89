//! Contacts that HubSpot knew before we did: linked, never doubled.

use leads_runtime::delivery::Outcome;
use leads_testkit::fakes::hubspot::Route;

use crate::support::{Bench, PORTAL, Setting, item, linked, record_of};

#[tokio::test]
async fn a_contact_with_the_address_is_linked_and_keeps_what_is_its_own() {
    let bench = Bench::start(Setting::default()).await;
    let known = bench
        .hubspot
        .edit_contact(
            PORTAL,
            None,
            &[
                ("email", "Person1@Example.org"),
                ("lifecyclestage", "opportunity"),
                ("phone", "123456"),
            ],
        )
        .unwrap();
    let outcomes = bench.write(vec![item(1), item(2)]).await;
    assert_eq!(record_of(&outcomes["job-1"].outcome), known);
    assert_ne!(record_of(&outcomes["job-2"].outcome), known);
    assert_eq!(
        bench.routes(),
        [Route::BatchRead, Route::BatchUpdate, Route::BatchUpsert]
    );
    let contact = bench.contact_of("lead_1");
    assert_eq!(contact.id, known);
    assert_eq!(contact.properties["lifecyclestage"], "opportunity");
    assert_eq!(contact.properties["phone"], "123456");
    assert_eq!(contact.properties["leads_revision"], "1");
    bench.assert_sound();
}

#[tokio::test]
async fn a_contact_with_the_address_as_a_secondary_one_keeps_its_primary_address() {
    let bench = Bench::start(Setting::default()).await;
    let known = bench
        .hubspot
        .edit_contact(
            PORTAL,
            None,
            &[
                ("email", "boss@example.org"),
                ("hs_additional_emails", "x@example.org;person1@example.org"),
            ],
        )
        .unwrap();
    assert_eq!(record_of(&bench.write_one(item(1)).await), known);
    let contact = bench.contact_of("lead_1");
    assert_eq!(contact.properties["email"], "boss@example.org");
    assert_eq!(bench.hubspot.contacts(PORTAL).unwrap().len(), 1);
    bench.assert_sound();
}

#[tokio::test]
async fn a_storm_of_conflicts_is_resolved_by_one_lookup() {
    let bench = Bench::start(Setting::default()).await;
    // Linked leads are not looked up; somebody deleted thirty of their contacts and made new ones with the addresses.
    let outcomes = bench.write((0..100).map(item).collect()).await;
    let records: Vec<u64> = (0..100)
        .map(|n| record_of(&outcomes[&format!("job-{n}")].outcome))
        .collect();
    let mut made_anew = Vec::new();
    for (n, record) in records.iter().take(30).enumerate() {
        bench.hubspot.delete_contact(PORTAL, *record).unwrap();
        let address = format!("person{n}@example.org");
        made_anew.push(
            bench
                .hubspot
                .edit_contact(PORTAL, None, &[("email", &address)])
                .unwrap(),
        );
    }
    bench.hubspot.clear_requests();
    let outcomes = bench
        .write((0..100).map(|n| linked(n, records[n])).collect())
        .await;
    assert_eq!(
        bench.routes(),
        [
            Route::BatchUpsert,
            Route::BatchRead,
            Route::BatchUpdate,
            Route::BatchUpsert
        ]
    );
    for n in 0..100 {
        let expected = if n < 30 { made_anew[n] } else { records[n] };
        assert_eq!(record_of(&outcomes[&format!("job-{n}")].outcome), expected);
    }
    bench.assert_sound();
}

#[tokio::test]
async fn a_merged_contact_is_found_again_under_its_new_id() {
    let bench = Bench::start(Setting::default()).await;
    let ours = record_of(&bench.write_one(item(1)).await);
    let other = bench
        .hubspot
        .edit_contact(PORTAL, None, &[("email", "boss@example.org")])
        .unwrap();
    let survivor = bench.hubspot.merge_contacts(PORTAL, other, ours).unwrap();
    assert_eq!(record_of(&bench.write_one(linked(1, ours)).await), survivor);
    assert_eq!(bench.contact_of("lead_1").properties["leads_revision"], "2");
    let live = bench
        .hubspot
        .contacts(PORTAL)
        .unwrap()
        .into_iter()
        .filter(|contact| !contact.archived)
        .count();
    assert_eq!(live, 1);
    bench.assert_sound();
}

#[tokio::test]
async fn a_lead_whose_address_moved_to_somebody_elses_contact_is_rejected_and_the_others_pass() {
    let bench = Bench::start(Setting::default()).await;
    let outcomes = bench.write((0..4).map(item).collect()).await;
    let records: Vec<u64> = (0..4)
        .map(|n| record_of(&outcomes[&format!("job-{n}")].outcome))
        .collect();
    bench
        .hubspot
        .edit_contact(PORTAL, None, &[("email", "new@example.org")])
        .unwrap();
    let mut items: Vec<_> = (0..4).map(|n| linked(n, records[n])).collect();
    items[2].lead.email = "new@example.org".into();
    let outcomes = bench.write(items).await;
    for n in [0, 1, 3] {
        assert_eq!(record_of(&outcomes[&format!("job-{n}")].outcome), records[n]);
    }
    match &outcomes["job-2"].outcome {
        Outcome::Rejected {
            code: "EMAIL_TAKEN",
            hint,
            ..
        } => assert!(hint.contains("merge")),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        bench.contact_of("lead_2").properties["email"],
        "person2@example.org"
    );
    bench.assert_sound();
}

#[tokio::test]
async fn two_leads_of_one_contact_are_both_delivered_without_a_second_contact() {
    let bench = Bench::start(Setting::default()).await;
    let known = bench
        .hubspot
        .edit_contact(
            PORTAL,
            None,
            &[
                ("email", "person1@example.org"),
                ("hs_additional_emails", "person2@example.org"),
            ],
        )
        .unwrap();
    let outcomes = bench.write(vec![item(1), item(2)]).await;
    assert_eq!(record_of(&outcomes["job-1"].outcome), known);
    assert_eq!(record_of(&outcomes["job-2"].outcome), known);
    assert_eq!(bench.hubspot.contacts(PORTAL).unwrap().len(), 1);
    bench.assert_sound();
}
