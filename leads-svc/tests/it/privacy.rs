//! Erased people stay away, leads are kept as long as is said, and a person gets all that is known of them.

use std::{collections::BTreeMap, time::Duration};

use leads_proto::{
    leads::v1::{self, CollectLeadRequest},
    reason::Reason,
};
use leads_svc::{
    domain::{lead::Stage, page::ContactQuery, retention::Retention, workspace::Settings},
    service::{export::Subject, leads::LeadChange, plan::Collected},
    storage::entity::{contact, data_key, lead},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use crate::world::{World, email, on_both_databases, warm};

on_both_databases!(
    an_erased_person_is_refused_until_a_newer_consent_comes,
    an_erased_person_can_be_erased_again,
    a_merged_person_is_erased_with_all_addresses,
    a_merged_person_is_kept_as_long_as_the_lead_that_is_shown,
    an_export_of_a_merged_person_holds_what_each_of_the_leads_said,
    a_tombstone_is_no_contact,
    erasures_of_one_workspace_do_not_concern_another,
    a_lead_is_deleted_one_day_past_its_time_and_kept_one_day_before,
    a_workspace_that_cannot_be_read_keeps_no_other_from_its_retention,
    a_lead_with_news_is_kept_though_it_was_due,
    a_preview_tells_what_would_go_and_deletes_nothing,
    retention_leaves_no_tombstone,
    an_export_holds_everything_about_the_person_and_nobody_else,
);

const DAY: u64 = 86_400;

fn consenting(name: &str) -> CollectLeadRequest {
    let mut request = warm(name);
    request.consents.push(v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        text: "May we contact you?".to_owned(),
        ..Default::default()
    });
    request
}

async fn refusal(world: &World, request: CollectLeadRequest) -> Option<Reason> {
    let capture = world.read(request);
    let collected = world.core.collect(&world.caller, capture, None).await;
    collected.err().map(|error| error.reason)
}

async fn erase(world: &World, lead: Uuid) {
    world.core.delete_lead(&world.caller, lead).await.unwrap();
}

async fn an_erased_person_is_refused_until_a_newer_consent_comes(world: World) {
    let before = consenting("ana");
    let said_at = world.store.clock().now();
    let lead = world.lead("ana").await;
    world.pass(Duration::from_secs(1));
    erase(&world, lead.id).await;
    let mut older = before;
    older.consents[0].at = Some(prost_types::Timestamp {
        seconds: said_at.timestamp(),
        nanos: 0,
    });
    let mut refusing = consenting("ana");
    refusing.consents[0].given = false;
    world.pass(Duration::from_secs(1));
    for request in [warm("ana"), older, refusing] {
        assert_eq!(refusal(&world, request).await, Some(Reason::ErasedSubject));
    }
    let rows = contact::Entity::find().all(&world.raw).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_ne!(rows[0].id, lead.contact_id);

    let Collected::Created(view) = world.collect(consenting("ana")).await else {
        panic!("not created")
    };
    assert_ne!(view.lead.id, lead.id);
    assert_eq!(view.contact.profile.email, Some(email("ana")));
    // From now on they are as everybody else.
    let Collected::Merged(_) = world.collect(warm("ana")).await else {
        panic!("not merged")
    };
}

async fn an_erased_person_can_be_erased_again(world: World) {
    for _again in 0..3 {
        world.pass(Duration::from_secs(1));
        let Collected::Created(view) = world.collect(consenting("ana")).await else {
            panic!("not created")
        };
        erase(&world, view.lead.id).await;
        world.pass(Duration::from_secs(1));
        assert_eq!(refusal(&world, warm("ana")).await, Some(Reason::ErasedSubject));
    }
    assert_eq!(contact::Entity::find().all(&world.raw).await.unwrap().len(), 1);
}

async fn merged(world: &World) -> [Uuid; 2] {
    let leads = [world.lead("ana").await.id, world.lead("bo").await.id];
    world
        .core
        .merge_leads(&world.caller, leads[0], leads[1], &BTreeMap::new(), false)
        .await
        .unwrap();
    leads
}

async fn a_merged_person_is_erased_with_all_addresses(world: World) {
    let [ana, _] = merged(&world).await;
    erase(&world, ana).await;
    for name in ["ana", "bo"] {
        assert_eq!(refusal(&world, warm(name)).await, Some(Reason::ErasedSubject));
    }
    world.pass(Duration::from_secs(1));
    let Collected::Created(view) = world.collect(consenting("bo")).await else {
        panic!("not created")
    };
    let Collected::Merged(again) = world.collect(warm("ana")).await else {
        panic!("not merged")
    };
    assert_eq!(again.lead.id, view.lead.id);
    assert_eq!(again.contact.profile.emails(), [email("bo"), email("ana")]);
    erase(&world, view.lead.id).await;
    for name in ["ana", "bo"] {
        assert_eq!(refusal(&world, warm(name)).await, Some(Reason::ErasedSubject));
    }
}

async fn a_tombstone_is_no_contact(world: World) {
    let lead = world.lead("ana").await;
    erase(&world, lead.id).await;
    let tombstone = contact::Entity::find().one(&world.raw).await.unwrap().unwrap();
    let all = ContactQuery {
        words: Vec::new(),
        without_lead: true,
    };
    let page = world
        .core
        .list_contacts(&world.caller, &all, 50, "")
        .await
        .unwrap();
    assert!(page.items.is_empty());
    let refused = world.core.get_contact(&world.caller, tombstone.id).await;
    assert_eq!(refused.unwrap_err().reason, Reason::NotFound);
    let bo = world.lead("bo").await;
    let capture = world.read(consenting("ana"));
    let refused = world
        .core
        .upsert_contact(&world.caller, Some(bo.contact_id), capture, None)
        .await;
    assert_eq!(refused.unwrap_err().reason, Reason::ErasedSubject);
}

async fn a_merged_person_is_kept_as_long_as_the_lead_that_is_shown(world: World) {
    keep(&world, Stage::New, 3).await;
    let [ana, bo] = merged(&world).await;
    world.pass(Duration::from_secs(2 * DAY));
    // News of one is news of the person.
    world.collect(warm("ana")).await;
    world.pass(Duration::from_secs(2 * DAY));
    assert_eq!(world.core.follow_retention().await.unwrap(), 0);
    assert!(is_there(&world, bo).await);
    world.pass(Duration::from_secs(2 * DAY));
    assert_eq!(world.core.follow_retention().await.unwrap(), 1);
    assert!(!is_there(&world, ana).await);
    assert!(!is_there(&world, bo).await);
    assert!(contact::Entity::find().all(&world.raw).await.unwrap().is_empty());
}

async fn an_export_of_a_merged_person_holds_what_each_of_the_leads_said(world: World) {
    for name in ["ana", "bo"] {
        world.collect(consenting(name)).await;
    }
    let [ana, bo] = merged(&world).await;
    for subject in [Subject::Email(email("bo")), Subject::Lead(bo)] {
        let export = world.core.export_subject(&world.caller, subject).await.unwrap();
        assert_eq!(export.contact.profile.emails(), [email("ana"), email("bo")]);
        assert_eq!(export.lead.unwrap().lead.id, ana);
        assert_eq!(export.consents.len(), 2);
        assert_eq!(export.consent_states.len(), 1);
        let said = world
            .core
            .list_conversation(&world.caller, ana, 200, "")
            .await
            .unwrap();
        assert_eq!(export.messages, said.items);
        let told = export.audit_entries.iter().map(|entry| entry.action.as_str());
        assert!(
            told.clone().any(|action| action == "lead.merged"),
            "{:?}",
            told.collect::<Vec<_>>()
        );
    }
}

async fn erasures_of_one_workspace_do_not_concern_another(world: World) {
    let lead = world.lead("ana").await;
    erase(&world, lead.id).await;
    let (_, other) = world.tenant(crate::world::settings()).await;
    world.lead_as(&other, "ana").await;
    assert_eq!(refusal(&world, warm("bo")).await, None);
}

async fn keep(world: &World, stage: Stage, days: u16) {
    world
        .change_settings(|settings| settings.retention = Retention::default().with(stage, days))
        .await;
}

async fn move_to(world: &World, lead: Uuid, stage: Stage) {
    let change = LeadChange {
        stage: Some(stage),
        ..LeadChange::default()
    };
    world.core.update_lead(&world.caller, lead, change).await.unwrap();
}

async fn is_there(world: &World, lead: Uuid) -> bool {
    world.core.get_lead(&world.caller, lead).await.is_ok()
}

async fn a_lead_is_deleted_one_day_past_its_time_and_kept_one_day_before(world: World) {
    let (ana, bo) = (world.lead("ana").await, world.lead("bo").await);
    move_to(&world, bo.id, Stage::Contacted).await;
    keep(&world, Stage::New, 30).await;
    world.pass(Duration::from_secs(29 * DAY));
    assert_eq!(world.core.follow_retention().await.unwrap(), 0);
    assert!(is_there(&world, ana.id).await);
    world.pass(Duration::from_secs(2 * DAY));
    assert_eq!(world.core.follow_retention().await.unwrap(), 1);
    assert!(!is_there(&world, ana.id).await);
    assert!(is_there(&world, bo.id).await);
    let audit = world
        .core
        .list_audit_entries(&world.caller, "", 1, "")
        .await
        .unwrap();
    assert_eq!(
        (audit.items[0].action.as_str(), audit.items[0].actor.as_str()),
        ("lead.deleted", "system:retention")
    );
    keep(&world, Stage::Contacted, 0).await;
    world.pass(Duration::from_secs(1_000 * DAY));
    assert_eq!(world.core.follow_retention().await.unwrap(), 0);
    assert!(is_there(&world, bo.id).await);
}

async fn a_workspace_that_cannot_be_read_keeps_no_other_from_its_retention(world: World) {
    let (_, other) = world.tenant(crate::world::settings()).await;
    let retention = |mut settings: Settings| {
        settings.retention = Retention::default().with(Stage::New, 30);
        settings
    };
    for caller in [&world.caller, &other] {
        world.lead_as(caller, "ana").await;
        world.core.update_settings(caller, retention).await.unwrap();
    }
    world.pass(Duration::from_secs(31 * DAY));
    // The one that was founded first comes first.
    data_key::Entity::update_many()
        .col_expr(data_key::Column::Wrapped, Expr::value(vec![1_u8; 60]))
        .filter(data_key::Column::WorkspaceId.eq(world.workspace))
        .exec(&world.raw)
        .await
        .unwrap();
    let (replica, _) = world.replica().await;
    assert_eq!(replica.follow_retention().await.unwrap(), 1);
    let left = lead::Entity::find().all(&world.raw).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].workspace_id, world.workspace);
}

async fn a_lead_with_news_is_kept_though_it_was_due(world: World) {
    use leads_svc::storage::deletion::{Deletion, Target};
    let lead = world.lead("ana").await;
    let retention = Retention::default().with(Stage::New, 30);
    world.pass(Duration::from_secs(31 * DAY));
    let due = world
        .store
        .due_leads(world.workspace, &retention, None, 10)
        .await
        .unwrap();
    assert_eq!(due.len(), 1);
    world.collect(warm("ana")).await;
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let deletion = Deletion::Retention(&retention);
    let deleted = world
        .store
        .delete_person(world.workspace, &keys, Target::Lead(lead.id), deletion)
        .await
        .unwrap();
    assert!(deleted.is_none() && is_there(&world, lead.id).await);
}

async fn a_preview_tells_what_would_go_and_deletes_nothing(world: World) {
    for person in 0..5 {
        world.lead(&format!("person{person}")).await;
    }
    world.pass(Duration::from_secs(10 * DAY));
    let late = world.lead("late").await;
    let preview = async |retention: Option<Retention>, token: &str| {
        world
            .core
            .preview_retention(&world.caller, retention, 3, token)
            .await
            .unwrap()
    };
    let (total, page) = preview(None, "").await;
    assert_eq!((total, page.items.len()), (0, 0));
    let tried = Retention::default().with(Stage::New, 7);
    let (total, first) = preview(Some(tried.clone()), "").await;
    let (_, rest) = preview(Some(tried.clone()), &first.next).await;
    assert_eq!(
        (total, first.items.len(), rest.items.len(), rest.next.as_str()),
        (5, 3, 2, "")
    );
    let leads: Vec<Uuid> = first
        .items
        .iter()
        .chain(&rest.items)
        .map(|due| due.lead)
        .collect();
    assert!(!leads.contains(&late.id));
    for lead in leads {
        assert!(is_there(&world, lead).await);
    }
    keep(&world, Stage::New, 7).await;
    assert_eq!(preview(None, "").await.0, 5);
}

async fn retention_leaves_no_tombstone(world: World) {
    world.lead("ana").await;
    keep(&world, Stage::New, 30).await;
    world.pass(Duration::from_secs(31 * DAY));
    assert_eq!(world.core.follow_retention().await.unwrap(), 1);
    assert!(contact::Entity::find().all(&world.raw).await.unwrap().is_empty());
    assert_eq!(refusal(&world, warm("ana")).await, None);
}

async fn an_export_holds_everything_about_the_person_and_nobody_else(world: World) {
    world.connect().await;
    let ana = crate::world::lead(world.collect(consenting("ana")).await);
    world.deliver().await;
    let bo = world.lead("bo").await;
    move_to(&world, ana.id, Stage::Contacted).await;
    let by_email = world
        .core
        .export_subject(&world.caller, Subject::Email(email("ana")))
        .await
        .unwrap();
    let export = world
        .core
        .export_subject(&world.caller, Subject::Lead(ana.id))
        .await
        .unwrap();
    assert_eq!(by_email.contact, export.contact);
    assert_eq!(export.contact.profile.email, Some(email("ana")));
    let view = export.lead.unwrap();
    assert_eq!(
        (view.lead.id, view.links[0].external_id.as_str()),
        (ana.id, "1001")
    );
    assert!(view.links[0].synced_at.is_some());
    let said = world
        .core
        .list_conversation(&world.caller, ana.id, 200, "")
        .await
        .unwrap();
    assert_eq!(export.messages, said.items);
    assert!(!export.messages.is_empty());
    assert_eq!(export.scores.len(), 1);
    let kinds: Vec<String> = export
        .activities
        .iter()
        .rev()
        .map(|entry| entry.kind.clone())
        .collect();
    assert_eq!(kinds, world.timeline(ana.id).await);
    assert_eq!(export.consents[0].text, "May we contact you?");
    assert_eq!(export.consent_states.len(), 1);
    let recorded: Vec<&str> = export
        .audit_entries
        .iter()
        .map(|entry| entry.action.as_str())
        .collect();
    assert_eq!(recorded, ["export.made", "export.made"]);

    erase(&world, ana.id).await;
    for gone in [Subject::Email(email("ana")), Subject::Lead(ana.id)] {
        let refused = world.core.export_subject(&world.caller, gone).await.unwrap_err();
        assert_eq!(refused.reason, Reason::NotFound);
    }
    assert!(is_there(&world, bo.id).await);
}
