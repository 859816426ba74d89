//! Consents: what is recorded, and what they do to syncs.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use leads_proto::{leads::v1, reason::Reason};
use leads_svc::{
    domain::{
        consent::{Consent, Details, LawfulBasis, Standing},
        consent_policy::ConsentPolicy,
        lead::{Channel, Stage},
        page::LeadQuery,
        sync::Status,
    },
    service::{leads::LeadChange, plan::Collected},
    storage::{entity::consent, jobs::report::Receipt},
};
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use crate::{
    population::filtered,
    world::{World, delivered, lead, on_both_databases, warm},
};

on_both_databases!(
    records_are_kept_as_they_were_said,
    texts_of_an_earlier_release_are_sealed_and_read_the_same,
    a_refusal_cancels_what_is_owed_and_a_consent_owes_it_again,
    a_refusal_in_a_capture_withholds_the_lead,
    a_required_consent_is_waited_for,
    a_consent_that_expires_ends_what_it_allowed,
    a_change_of_the_policy_is_followed_by_the_jobs,
    a_lease_that_is_held_while_consent_is_withdrawn_is_lost,
    a_reconnected_crm_is_not_owed_what_was_refused,
    the_purpose_that_decides_is_found_behind_many_others,
    a_merged_lead_is_withheld_if_one_of_the_two_refused,
    a_consent_after_the_merge_speaks_for_the_whole_person,
    silence_of_an_absorbed_lead_does_not_withhold_what_was_consented,
);

fn said(given: bool, at: DateTime<Utc>) -> Consent {
    Consent {
        purpose: "sales_contact".to_owned(),
        given,
        text: "May we contact you?".to_owned(),
        version: "2026-01".to_owned(),
        channel: Channel::Widget,
        at,
        details: Details::default(),
    }
}

async fn record(world: &World, lead: Uuid, given: bool) -> Standing {
    let consent = said(given, world.store.clock().now());
    let (_, state) = world
        .core
        .record_consent(&world.caller, lead, consent)
        .await
        .unwrap();
    state.unwrap().standing
}

async fn require(world: &World) {
    world
        .change_settings(|settings| settings.consent_policy = ConsentPolicy::Required)
        .await;
}

/// Status, and code of the reason, of a lead's one link: by itself, in the list, and by the list's filter.
async fn link(world: &World, lead: Uuid) -> (Status, String) {
    let link = world.view(lead).await.links.remove(0);
    let list = async |query: LeadQuery| {
        let page = world.core.list_leads(&world.caller, &query, 200, "").await;
        page.unwrap().items
    };
    let all = list(LeadQuery::everything()).await;
    let listed = all.iter().find(|view| view.lead.id == lead).unwrap();
    assert_eq!(listed.links[0].status, link.status);
    for status in [
        Status::NotConnected,
        Status::BelowThreshold,
        Status::Blocked,
        Status::Pending,
        Status::Synced,
        Status::Error,
    ] {
        let of_status = filtered(&format!("crm.hubspot.status = {}", status.word()));
        let is_found = list(of_status).await.iter().any(|view| view.lead.id == lead);
        assert_eq!(is_found, status == link.status, "{status:?} of {link:?}");
    }
    let code = link.reason.map(|reason| reason.code).unwrap_or_default();
    (link.status, code)
}

fn blocked() -> (Status, String) {
    (Status::Blocked, "NO_CONSENT".to_owned())
}

fn pending() -> (Status, String) {
    (Status::Pending, String::new())
}

async fn records_are_kept_as_they_were_said(world: World) {
    let lead = world.lead("ana").await;
    let now = world.store.clock().now();
    let full = Consent {
        details: Details {
            basis: LawfulBasis::Contract,
            language: Some("pt-BR".to_owned()),
            method: Some("checkbox".to_owned()),
            page: Some("https://acme.example/pricing".to_owned()),
            expires_at: Some(now + TimeDelta::days(30)),
            recorded_by: None,
        },
        ..said(true, now)
    };
    let newsletter = Consent {
        purpose: "newsletter".to_owned(),
        ..said(false, now)
    };
    for consent in [&full, &newsletter, &said(false, now + TimeDelta::seconds(1))] {
        world
            .core
            .record_consent(&world.caller, lead.id, consent.clone())
            .await
            .unwrap();
    }
    world.pass(Duration::from_secs(2));
    let first = world
        .core
        .list_consents(&world.caller, lead.id, 2, "")
        .await
        .unwrap();
    let rest = world
        .core
        .list_consents(&world.caller, lead.id, 2, &first.page.next)
        .await
        .unwrap();
    assert_eq!(
        (
            first.page.items.len(),
            rest.page.items.len(),
            rest.page.next.as_str()
        ),
        (2, 1, "")
    );
    let mut expected = full;
    expected.details.recorded_by = Some("key:testkey".to_owned());
    assert_eq!(first.page.items[0], expected);
    let states: Vec<(&str, Standing)> = rest
        .states
        .iter()
        .map(|state| (state.record.purpose.as_str(), state.standing))
        .collect();
    assert_eq!(
        states,
        [
            ("newsletter", Standing::Refused),
            ("sales_contact", Standing::Withdrawn)
        ]
    );
    assert!(
        world
            .timeline(lead.id)
            .await
            .contains(&"consent_recorded".to_owned())
    );
}

async fn texts_of_an_earlier_release_are_sealed_and_read_the_same(world: World) {
    let lead = world.lead("ana").await;
    record(&world, lead.id, true).await;
    let old = "UPDATE consents SET shown = 'a text in the open', sealed = NULL, text_hash = NULL";
    world.raw.execute_unprepared(old).await.unwrap();
    let before = world.view(lead.id).await.consents;
    assert_eq!(before[0].text, "a text in the open");
    assert_eq!(world.core.seal_old_consents().await.unwrap(), 1);
    assert_eq!(world.core.seal_old_consents().await.unwrap(), 0);
    assert_eq!(world.view(lead.id).await.consents, before);
    let rows = consent::Entity::find().all(&world.raw).await.unwrap();
    assert_eq!(rows[0].shown, "");
    assert_eq!(
        rows[0].text_hash.as_deref(),
        Some(before[0].text_hash().as_slice())
    );
}

async fn a_refusal_cancels_what_is_owed_and_a_consent_owes_it_again(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    assert_eq!(link(&world, lead.id).await, pending());
    assert_eq!(record(&world, lead.id, false).await, Standing::Refused);
    assert_eq!(link(&world, lead.id).await, blocked());
    assert_eq!(world.state(lead.id).await, "dead");
    assert!(world.grants().await.is_empty());
    let refused = world
        .core
        .sync_lead(&world.caller, lead.id, None)
        .await
        .unwrap_err();
    assert_eq!(refused.reason, Reason::ConsentRequired);
    // More words do not owe it either.
    world.collect(warm("ana")).await;
    assert_eq!(world.state(lead.id).await, "dead");

    world.pass(Duration::from_secs(1));
    assert_eq!(record(&world, lead.id, true).await, Standing::Given);
    assert_eq!(link(&world, lead.id).await, pending());
    world.deliver().await;
    assert_eq!(link(&world, lead.id).await.0, Status::Synced);
    world.pass(Duration::from_secs(1));
    assert_eq!(record(&world, lead.id, false).await, Standing::Withdrawn);
    assert_eq!(link(&world, lead.id).await, blocked());
}

async fn merge(world: &World, survivor: Uuid, absorbed: Uuid) {
    world
        .core
        .merge_leads(&world.caller, survivor, absorbed, &BTreeMap::new(), false)
        .await
        .unwrap();
}

/// Lets the clock's work run: it must not change how the lead stands.
async fn stays(world: &World, lead: Uuid, expected: (Status, String)) {
    assert_eq!(link(world, lead).await, expected);
    world.core.follow_retention().await.unwrap();
    assert_eq!(link(world, lead).await, expected);
}

async fn a_merged_lead_is_withheld_if_one_of_the_two_refused(world: World) {
    world.connect().await;
    let (ana, bob) = (world.lead("ana").await.id, world.lead("bob").await.id);
    record(&world, ana, true).await;
    record(&world, bob, false).await;
    stays(&world, ana, pending()).await;
    merge(&world, ana, bob).await;
    stays(&world, ana, blocked()).await;
    assert_eq!(world.state(ana).await, "dead");
    let heard = world
        .core
        .list_consents(&world.caller, ana, 50, "")
        .await
        .unwrap();
    assert_eq!(
        (heard.page.items.len(), heard.states[0].standing),
        (2, Standing::Refused)
    );
    assert_eq!(world.view(ana).await.consents.len(), 2);

    // Nothing that is done with the lead sends it.
    let refused = world.core.sync_lead(&world.caller, ana, None).await;
    assert_eq!(refused.unwrap_err().reason, Reason::ConsentRequired);
    let change = LeadChange {
        stage: Some(Stage::Contacted),
        ..LeadChange::default()
    };
    world.core.update_lead(&world.caller, ana, change).await.unwrap();
    for name in ["ana", "bob"] {
        let mut again = warm(name);
        "we sign within two weeks".clone_into(&mut again.messages[0].text);
        again.messages[0].id = "again".to_owned();
        world.collect(again).await;
    }
    stays(&world, ana, blocked()).await;
    assert!(world.grants().await.is_empty());

    world.core.unmerge_lead(&world.caller, ana, None).await.unwrap();
    stays(&world, ana, pending()).await;
    stays(&world, bob, blocked()).await;
}

async fn a_consent_after_the_merge_speaks_for_the_whole_person(world: World) {
    world.connect().await;
    let (ana, bob) = (world.lead("ana").await.id, world.lead("bob").await.id);
    record(&world, ana, false).await;
    merge(&world, bob, ana).await;
    stays(&world, bob, blocked()).await;
    world.pass(Duration::from_secs(1));
    assert_eq!(record(&world, bob, true).await, Standing::Given);
    stays(&world, bob, pending()).await;
    // A merge with somebody who was never asked takes nothing back.
    let cleo = world.lead("cleo").await.id;
    world.pass(Duration::from_secs(1));
    merge(&world, bob, cleo).await;
    stays(&world, bob, pending()).await;
    world.pass(Duration::from_secs(1));
    assert_eq!(record(&world, ana, false).await, Standing::Refused);
    stays(&world, bob, blocked()).await;
}

async fn silence_of_an_absorbed_lead_does_not_withhold_what_was_consented(world: World) {
    require(&world).await;
    world.connect().await;
    let (ana, bob) = (world.lead("ana").await.id, world.lead("bob").await.id);
    record(&world, ana, true).await;
    merge(&world, bob, ana).await;
    stays(&world, bob, pending()).await;
    world.core.unmerge_lead(&world.caller, bob, None).await.unwrap();
    stays(&world, bob, blocked()).await;
    stays(&world, ana, pending()).await;
}

async fn a_refusal_in_a_capture_withholds_the_lead(world: World) {
    world.connect().await;
    let mut request = warm("ana");
    request.consents.push(v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: false,
        ..Default::default()
    });
    let Collected::Created(view) = world.collect(request).await else {
        panic!("not created")
    };
    assert_eq!(view.links[0].status, Status::Blocked);
    assert_eq!(link(&world, view.lead.id).await, blocked());
    assert_eq!(world.state(view.lead.id).await, "none");
    let mut request = warm("bo");
    request.consents.push(v1::Consent {
        purpose: "newsletter".to_owned(),
        given: false,
        ..Default::default()
    });
    let bo = lead(world.collect(request).await);
    assert_eq!(link(&world, bo.id).await, pending());
}

async fn a_required_consent_is_waited_for(world: World) {
    world.connect().await;
    require(&world).await;
    let lead = world.lead("ana").await;
    assert_eq!(link(&world, lead.id).await, blocked());
    assert_eq!(world.state(lead.id).await, "none");
    while world.core.backfill_some().await.unwrap() {}
    assert_eq!(world.state(lead.id).await, "none");
    let refused = world
        .core
        .sync_lead(&world.caller, lead.id, None)
        .await
        .unwrap_err();
    assert_eq!(refused.reason, Reason::ConsentRequired);
    record(&world, lead.id, true).await;
    assert_eq!(link(&world, lead.id).await, pending());
    world.deliver().await;
    assert_eq!(link(&world, lead.id).await.0, Status::Synced);
}

async fn a_consent_that_expires_ends_what_it_allowed(world: World) {
    world.connect().await;
    require(&world).await;
    let lead = world.lead("ana").await;
    let now = world.store.clock().now();
    let mut consent = said(true, now);
    consent.details.expires_at = Some(now + TimeDelta::days(1));
    world
        .core
        .record_consent(&world.caller, lead.id, consent)
        .await
        .unwrap();
    assert_eq!(link(&world, lead.id).await, pending());
    world.pass(Duration::from_secs(86_401));
    assert_eq!(link(&world, lead.id).await, blocked());
    world.core.follow_retention().await.unwrap();
    assert_eq!(world.state(lead.id).await, "dead");
}

async fn a_change_of_the_policy_is_followed_by_the_jobs(world: World) {
    world.connect().await;
    let (ana, bo) = (world.lead("ana").await, world.lead("bo").await);
    record(&world, bo.id, true).await;
    require(&world).await;
    while world.core.backfill_some().await.unwrap() {}
    assert_eq!(world.state(ana.id).await, "dead");
    assert_eq!(link(&world, ana.id).await, blocked());
    assert_eq!(link(&world, bo.id).await, pending());
    world
        .change_settings(|settings| settings.consent_policy = ConsentPolicy::LegitimateInterest)
        .await;
    while world.core.backfill_some().await.unwrap() {}
    assert_eq!(link(&world, ana.id).await, pending());
    assert_eq!(world.grants().await.len(), 2);
}

async fn a_lease_that_is_held_while_consent_is_withdrawn_is_lost(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    record(&world, lead.id, false).await;
    assert_eq!(world.report(&grant, delivered()).await, Receipt::LeaseLost);
    assert_eq!(link(&world, lead.id).await, blocked());
    assert!(world.grants().await.is_empty());
}

async fn a_reconnected_crm_is_not_owed_what_was_refused(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    record(&world, lead.id, false).await;
    world.connect().await;
    assert_eq!(world.state(lead.id).await, "dead");
    while world.core.backfill_some().await.unwrap() {}
    assert_eq!(world.state(lead.id).await, "dead");
    assert_eq!(link(&world, lead.id).await, blocked());
}

async fn the_purpose_that_decides_is_found_behind_many_others(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    record(&world, lead.id, false).await;
    for number in 0..25 {
        world.pass(Duration::from_secs(1));
        let consent = Consent {
            purpose: format!("purpose_{number}"),
            ..said(true, world.store.clock().now())
        };
        world
            .core
            .record_consent(&world.caller, lead.id, consent)
            .await
            .unwrap();
    }
    assert_eq!(link(&world, lead.id).await, blocked());
    assert_eq!(world.view(lead.id).await.consents.len(), 20);
    world.collect(warm("ana")).await;
    assert_eq!(world.state(lead.id).await, "dead");
}
