//! Erased people are gone here at once and from CRMs as soon as these can be reached, and each system has its receipt.

use std::{collections::BTreeMap, time::Duration};

use leads_proto::reason::Reason;
use leads_svc::{
    domain::{erasure::Erasure, plan::Plan, sync::Action},
    service::{
        erasure::{Receipt, State, Whom, explain},
        plan::Collected,
    },
    storage::{
        connections::Facts,
        entity::{activity, sync_job},
        jobs::{claim::Grant, report::Receipt as Reported},
        tasks::Outcome,
    },
};
use sea_orm::{EntityTrait, PaginatorTrait};
use uuid::Uuid;

use crate::world::{
    HUBSPOT, LEASE, VENDOR_TOKEN, VERIFY_AFTER, World, delivered_as, email, gone, on_both_databases,
    rejected, retry, unknown, verified, warm,
};

on_both_databases!(
    a_record_is_erased_read_back_and_receipted,
    what_no_crm_has_needs_no_erasure_there,
    a_write_under_way_is_waited_for,
    a_write_that_arrives_late_is_found_and_erased,
    a_write_whose_connector_died_cannot_bring_the_person_back,
    an_outage_puts_an_erasure_off_and_never_ends_it,
    what_failed_is_tried_again_when_it_is_asked_for_again,
    what_failed_is_tried_again_once_the_connection_works,
    a_crm_that_is_disconnected_is_named,
    records_of_another_account_are_left_alone,
    every_record_of_a_merged_person_is_erased,
    a_record_that_a_merge_archived_is_erased_as_well,
    somebody_who_is_no_lead_is_erased,
    an_erasure_does_not_depend_on_the_plan,
    what_a_crm_says_of_an_erased_person_is_not_kept,
    a_lead_that_an_earlier_connection_synced_is_looked_for,
    a_job_that_kills_the_connector_fails_its_erasure,
    erasures_are_listed_newest_first,
);

/// Somebody who is in the CRM as that record.
async fn synced(world: &World, name: &str, record: &str) -> Uuid {
    let lead = world.lead(name).await.id;
    let grant = world.grant().await;
    assert_eq!(grant.lead, lead);
    world.report(&grant, delivered_as(record)).await;
    lead
}

pub async fn erase(world: &World, name: &str) -> Erasure {
    world
        .core
        .erase_subject(&world.caller, Whom::Email(email(name)))
        .await
        .unwrap()
}

async fn now(world: &World, erasure: &Erasure) -> Erasure {
    world.core.get_erasure(&world.caller, erasure.id).await.unwrap()
}

fn receipt<'a>(erasure: &'a Erasure, system: &str) -> &'a Receipt {
    let mut receipts = erasure.receipts.iter();
    receipts.find(|receipt| receipt.system == system).unwrap()
}

async fn hubspot(world: &World, erasure: &Erasure) -> (State, i64, String) {
    let erasure = now(world, erasure).await;
    let receipt = receipt(&erasure, "hubspot");
    (receipt.state, receipt.records, receipt.reason.clone())
}

fn settled(state: State, records: i64) -> (State, i64, String) {
    (state, records, String::new())
}

/// The one erasure that is due, or its read-back.
async fn errand(world: &World, verify: bool) -> Grant {
    let grant = world.grant().await;
    assert_eq!((grant.action, grant.verify), (Action::Erase, verify));
    assert!(grant.record.is_none());
    grant
}

/// Lets the streams' receipt be looked after, as the process does.
async fn withdraw(world: &World) {
    world.pass(Duration::from_secs(3));
    for waiting in world.store.hints_to_withdraw().await.unwrap() {
        world.store.confirm_streams(&waiting, 0).await.unwrap();
    }
}

async fn jobs(world: &World) -> Vec<sync_job::Model> {
    sync_job::Entity::find().all(&world.raw).await.unwrap()
}

async fn a_record_is_erased_read_back_and_receipted(world: World) {
    world.connect().await;
    let lead = synced(&world, "ana", "1001").await;
    let contact = world.view(lead).await.contact.id;
    let erasure = erase(&world, "ana").await;
    assert_eq!((&erasure.leads, &erasure.contacts), (&vec![lead], &vec![contact]));
    assert_eq!(erasure.actor, "key:testkey");
    let here = receipt(&erasure, "leads");
    assert_eq!(here.state, State::Erased);
    assert!(
        here.records > 5 && here.done_at.is_some() && here.verified_at.is_some(),
        "{here:?}"
    );
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Pending, 0));

    let job = jobs(&world).await.pop().unwrap();
    assert_eq!((job.action.as_str(), job.external_id.as_str()), ("erase", "1001"));
    assert_eq!(
        (job.url.as_str(), job.traceparent.as_str(), &job.reason),
        ("", "", &None)
    );

    let grant = errand(&world, false).await;
    assert_eq!(
        (&grant.record_ids, &grant.lead_ids),
        (&vec!["1001".to_owned()], &vec![lead])
    );
    assert_eq!(world.report(&grant, gone(1)).await, Reported::Recorded);
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Pending, 1));
    let look = errand(&world, true).await;
    assert_eq!(look.record_ids, ["1001"]);
    assert_eq!(world.report(&look, verified(0)).await, Reported::Recorded);
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
    assert!(!now(&world, &erasure).await.is_complete());
    withdraw(&world).await;
    let erasure = now(&world, &erasure).await;
    assert!(erasure.is_complete(), "{erasure:?}");
    assert!(
        erasure
            .receipts
            .iter()
            .all(|receipt| receipt.verified_at.is_some())
    );
    assert!(world.publish().await.is_empty());

    let page = world
        .core
        .list_audit_entries(&world.caller, "", 50, "")
        .await
        .unwrap();
    let told: Vec<_> = page
        .items
        .iter()
        .filter(|entry| entry.action.starts_with("erasure."))
        .collect();
    let details: Vec<&str> = told.iter().rev().map(|entry| entry.details.as_str()).collect();
    assert_eq!(told.len(), 4, "{details:?}");
    assert_eq!(details[0], r#"{"contacts":"1","crms":"hubspot","leads":"1"}"#);
    assert!(
        details[1].contains(r#""state":"erased","system":"leads""#),
        "{details:?}"
    );
    assert_eq!(
        details[2],
        r#"{"records":"1","state":"erased","system":"hubspot"}"#
    );
    let walk = world.core.verify_audit(&world.caller, Vec::new()).await.unwrap();
    assert_eq!(walk.fault, None);
}

async fn what_no_crm_has_needs_no_erasure_there(world: World) {
    // Never connected: there is nothing to say of the CRM.
    world.lead("ana").await;
    let erasure = erase(&world, "ana").await;
    let systems: Vec<&str> = erasure
        .receipts
        .iter()
        .map(|receipt| receipt.system.as_str())
        .collect();
    assert_eq!(systems, ["leads", "redis"]);
    world.connect().await;
    world.lead("bo").await;
    let owed = erase(&world, "bo").await;
    assert_eq!(hubspot(&world, &owed).await, settled(State::NotPresent, 0));
    // A refusal is known not to have made a record.
    world.lead("cy").await;
    world.report(&world.grant().await, rejected()).await;
    let refused = erase(&world, "cy").await;
    assert_eq!(hubspot(&world, &refused).await, settled(State::NotPresent, 0));
    assert!(jobs(&world).await.is_empty());
}

async fn a_write_under_way_is_waited_for(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let write = world.grant().await;
    let erasure = erase(&world, "ana").await;
    assert!(world.publish().await.is_empty(), "the write has its lease");
    let before = activity::Entity::find().count(&world.raw).await.unwrap();
    assert_eq!(
        world.report(&write, delivered_as("3003")).await,
        Reported::Recorded
    );
    assert_eq!(activity::Entity::find().count(&world.raw).await.unwrap(), before);
    let grant = errand(&world, false).await;
    assert_eq!(grant.record_ids, ["3003"]);
    world.report(&grant, gone(1)).await;
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
}

async fn a_write_that_arrives_late_is_found_and_erased(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let write = world.grant().await;
    let erasure = erase(&world, "ana").await;
    // It was sent, and no answer came.
    world.report(&write, unknown()).await;
    let grant = errand(&world, false).await;
    assert!(grant.record_ids.is_empty());
    world.report(&grant, gone(0)).await;
    world.pass(VERIFY_AFTER / 2);
    assert!(world.publish().await.is_empty(), "it may still arrive");
    world.pass(VERIFY_AFTER);
    world.report(&errand(&world, true).await, delivered_late()).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Pending, 0));
    world.pass(Duration::from_secs(3_600));
    let again = errand(&world, false).await;
    assert_eq!(again.record_ids, ["4004"]);
    world.report(&again, gone(1)).await;
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
}

fn delivered_late() -> leads_svc::domain::sync::JobReport {
    leads_svc::domain::sync::JobReport::Verified {
        external_id: "4004".to_owned(),
        url: String::new(),
        revision: 0,
    }
}

async fn a_write_whose_connector_died_cannot_bring_the_person_back(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let lost = world.grant().await;
    let erasure = erase(&world, "ana").await;
    world.pass(LEASE);
    world.store.sweep().await.unwrap();
    world.report(&errand(&world, false).await, gone(0)).await;
    world.pass(VERIFY_AFTER);
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::NotPresent, 0));
    // The connector was frozen: it wakes and has written.
    assert_eq!(
        world.report(&lost, delivered_as("5005")).await,
        Reported::LeaseLost
    );
    world.pass(VERIFY_AFTER);
    world.report(&errand(&world, true).await, delivered_late()).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Pending, 0));
    world.pass(Duration::from_secs(3_600));
    world.report(&errand(&world, false).await, gone(1)).await;
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
}

async fn an_outage_puts_an_erasure_off_and_never_ends_it(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    let erasure = erase(&world, "ana").await;
    // Longer and oftener than any write is tried.
    for hour in 0..100 {
        world.pass(Duration::from_secs(3_600));
        let outcome = if hour % 2 == 0 { retry(None) } else { unknown() };
        world.report(&errand(&world, false).await, outcome).await;
    }
    let (state, _, reason) = hubspot(&world, &erasure).await;
    assert_eq!((state, reason.as_str()), (State::Pending, "UNKNOWN_OUTCOME"));
    world.pass(Duration::from_secs(3_600));
    world.report(&errand(&world, false).await, gone(1)).await;
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
}

async fn what_failed_is_tried_again_when_it_is_asked_for_again(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    let erasure = erase(&world, "ana").await;
    world.report(&errand(&world, false).await, rejected()).await;
    let (state, _, reason) = hubspot(&world, &erasure).await;
    assert_eq!((state, reason.as_str()), (State::Failed, "VALIDATION"));
    assert!(!explain(&reason).unwrap().hint.is_empty());
    assert!(world.publish().await.is_empty());
    let again = erase(&world, "ana").await;
    assert_eq!(again.id, erasure.id);
    assert_eq!(hubspot(&world, &erasure).await.0, State::Pending);
    world.report(&errand(&world, false).await, gone(1)).await;
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
    // What is done stays done.
    assert_eq!(erase(&world, "ana").await, now(&world, &erasure).await);
    assert!(world.publish().await.is_empty());
}

async fn what_failed_is_tried_again_once_the_connection_works(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    let erasure = erase(&world, "ana").await;
    world.report(&errand(&world, false).await, rejected()).await;
    check(&world, "42").await;
    assert_eq!(hubspot(&world, &erasure).await.0, State::Pending);
    assert_eq!(errand(&world, false).await.record_ids, ["1001"]);
}

/// Connects again: the check finds that account.
async fn check(world: &World, account: &str) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    world
        .store
        .connect_provider(
            world.workspace,
            &keys,
            HUBSPOT,
            VENDOR_TOKEN,
            &BTreeMap::new(),
            "test",
        )
        .await
        .unwrap();
    let mut tasks = world.delivery.claim_tasks(&world.connector, 20).await.unwrap();
    let (task, ..) = tasks.pop().unwrap();
    let outcome = Outcome::Connected(Facts {
        account_id: account.to_owned(),
        ui_domain: String::new(),
        limits: None,
    });
    world
        .delivery
        .report_task(&world.connector, task.id, task.token, outcome)
        .await
        .unwrap();
    world.core.forget(world.workspace).await;
}

async fn a_crm_that_is_disconnected_is_named(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    synced(&world, "bo", "1002").await;
    let before = erase(&world, "ana").await;
    world
        .core
        .disconnect_provider(&world.caller, HUBSPOT)
        .await
        .unwrap();
    let not_connected = (State::Failed, 0, "NOT_CONNECTED".to_owned());
    assert_eq!(hubspot(&world, &before).await, not_connected);
    let after = erase(&world, "bo").await;
    assert_eq!(hubspot(&world, &after).await, not_connected);
    let page = world
        .core
        .list_audit_entries(&world.caller, "", 50, "")
        .await
        .unwrap();
    let told = page
        .items
        .iter()
        .filter(|entry| entry.details.contains("NOT_CONNECTED"));
    assert_eq!(told.count(), 1);
}

async fn records_of_another_account_are_left_alone(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    let erasure = erase(&world, "ana").await;
    check(&world, "43").await;
    let changed = (State::Failed, 0, "ACCOUNT_CHANGED".to_owned());
    assert_eq!(hubspot(&world, &erasure).await, changed);
    assert!(world.publish().await.is_empty());
}

pub async fn merge(world: &World, one: Uuid, other: Uuid) {
    world
        .core
        .merge_leads(&world.caller, one, other, &BTreeMap::new(), false)
        .await
        .unwrap();
}

async fn every_record_of_a_merged_person_is_erased(world: World) {
    world.connect().await;
    let ana = synced(&world, "ana", "1001").await;
    let bo = synced(&world, "bo", "1002").await;
    merge(&world, ana, bo).await;
    let erasure = erase(&world, "bo").await;
    let mut leads = erasure.leads.clone();
    leads.sort_unstable();
    assert_eq!(leads, [ana, bo]);
    let grants = world.grants().await;
    assert_eq!(grants.len(), 2);
    for grant in &grants {
        assert_eq!(grant.action, Action::Erase);
        assert_eq!(grant.lead_ids.len(), 2, "either record may say it is of either");
        world.report(grant, gone(1)).await;
    }
    let looks = world.grants().await;
    world.report(&looks[0], verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Pending, 2));
    world.report(&looks[1], verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 2));
}

async fn a_record_that_a_merge_archived_is_erased_as_well(world: World) {
    world.connect().await;
    let ana = synced(&world, "ana", "1001").await;
    let bo = synced(&world, "bo", "1002").await;
    merge(&world, ana, bo).await;
    for grant in world.grants().await {
        let outcome = if grant.lead == bo {
            gone(1)
        } else {
            delivered_as("1001")
        };
        world.report(&grant, outcome).await;
    }
    world.core.unmerge_lead(&world.caller, ana, None).await.unwrap();
    for grant in world.grants().await {
        let record = if grant.lead == bo { "2002" } else { "1001" };
        world.report(&grant, delivered_as(record)).await;
    }
    erase(&world, "bo").await;
    let grant = errand(&world, false).await;
    assert_eq!(
        (grant.lead, grant.record_ids),
        (bo, vec!["2002".to_owned(), "1002".to_owned()])
    );
}

async fn somebody_who_is_no_lead_is_erased(world: World) {
    let mut request = warm("ana");
    request.intent = None;
    let Collected::Contact(contact) = world.collect(request.clone()).await else {
        panic!("a lead")
    };
    let by_id = |id: Uuid| world.core.erase_subject(&world.caller, Whom::Contact(id));
    let erasure = by_id(contact.id).await.unwrap();
    assert_eq!((erasure.leads.len(), &erasure.contacts), (0, &vec![contact.id]));
    assert_eq!(receipt(&erasure, "leads").state, State::Erased);
    assert_eq!(by_id(contact.id).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(by_id(erasure.id).await.unwrap_err().reason, Reason::NotFound);
    assert_eq!(erase(&world, "ana").await.id, erasure.id);
    let capture = world.read(request);
    let refused = world.core.collect(&world.caller, capture, None).await;
    assert_eq!(refused.unwrap_err().reason, Reason::ErasedSubject);
    let nobody = Whom::Email(email("nobody"));
    let refused = world.core.erase_subject(&world.caller, nobody).await;
    assert_eq!(refused.unwrap_err().reason, Reason::NotFound);
}

async fn an_erasure_does_not_depend_on_the_plan(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    world.lead("bo").await;
    world
        .store
        .set_plan(world.workspace, Plan::Free, "test")
        .await
        .unwrap();
    world.core.forget(world.workspace).await;
    assert!(world.publish().await.is_empty());
    erase(&world, "ana").await;
    assert_eq!(errand(&world, false).await.record_ids, ["1001"]);
}

async fn what_a_crm_says_of_an_erased_person_is_not_kept(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let write = world.grant().await;
    erase(&world, "ana").await;
    world.report(&write, rejected()).await;
    for outcome in [retry(None), unknown(), rejected()] {
        world.pass(Duration::from_secs(3_600));
        world.report(&errand(&world, false).await, outcome).await;
        let job = jobs(&world).await.pop().unwrap();
        assert_eq!((job.reason, job.url.as_str()), (None, ""));
        assert_eq!(activity::Entity::find().count(&world.raw).await.unwrap(), 0);
    }
}

async fn a_lead_that_an_earlier_connection_synced_is_looked_for(world: World) {
    world.connect().await;
    let lead = synced(&world, "ana", "1001").await;
    world
        .core
        .disconnect_provider(&world.caller, HUBSPOT)
        .await
        .unwrap();
    world.connect().await;
    let erasure = erase(&world, "ana").await;
    let grant = errand(&world, false).await;
    assert_eq!((grant.lead, grant.record_ids.len()), (lead, 0));
    world.report(&grant, gone(1)).await;
    world.report(&errand(&world, true).await, verified(0)).await;
    assert_eq!(hubspot(&world, &erasure).await, settled(State::Erased, 1));
}

async fn a_job_that_kills_the_connector_fails_its_erasure(world: World) {
    world.connect().await;
    synced(&world, "ana", "1001").await;
    let erasure = erase(&world, "ana").await;
    for _ in 0..4 {
        errand(&world, false).await;
        world.pass(LEASE);
        world.store.sweep().await.unwrap();
    }
    let (state, _, reason) = hubspot(&world, &erasure).await;
    assert_eq!((state, reason.as_str()), (State::Failed, "WORKER_CRASH"));
}

async fn erasures_are_listed_newest_first(world: World) {
    let mut erased = Vec::new();
    for name in ["ana", "bo", "cy"] {
        world.lead(name).await;
        erased.push(erase(&world, name).await.id);
    }
    let list = async |token: &str| world.core.list_erasures(&world.caller, 2, token).await.unwrap();
    let first = list("").await;
    let second = list(&first.next).await;
    let listed: Vec<Uuid> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|erasure| erasure.id)
        .collect();
    assert_eq!(listed, [erased[2], erased[1], erased[0]]);
    assert_eq!(second.next, "");
    let (_, stranger) = world.tenant(crate::world::settings()).await;
    assert!(
        world
            .core
            .list_erasures(&stranger, 2, "")
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let refused = world.core.get_erasure(&stranger, erased[0]).await;
    assert_eq!(refused.unwrap_err().reason, Reason::NotFound);
}
