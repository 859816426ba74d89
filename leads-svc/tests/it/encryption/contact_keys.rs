//! A key per contact: everything of the contact is under it, and gone with it.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use futures::future::join_all;
use leads_proto::{leads::v1, reason::Reason};
use leads_svc::{
    domain::sync::JobReport,
    service::{
        capture::{Answered, Request},
        plan::Collected,
    },
    storage::{
        Options, Store,
        crypto::Seals,
        entity::{contact, former_key, identity, lead, message, renewal, score},
    },
};
use leads_testkit::wait;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::{answers, headers, key_of, renew_all};
use crate::{
    population::everything,
    world::{World, kek, lead as lead_of, on_both_databases, reason, warm},
};

on_both_databases!(
    everything_of_a_person_is_sealed_under_the_persons_key,
    the_key_of_an_erased_person_is_destroyed_and_what_a_backup_holds_stays_closed,
    a_restored_backup_loses_nobody_who_has_another_key_by_now,
    a_key_store_of_another_database_is_noticed,
    another_replica_cannot_read_an_erased_person_for_long,
    no_two_contacts_ever_have_the_same_key,
    a_contact_that_goes_up_in_another_leaves_nothing_that_cannot_be_read,
    contacts_of_an_older_release_are_read_and_get_keys,
);

const WAIT: Duration = Duration::from_secs(10);

async fn everything_of_a_person_is_sealed_under_the_persons_key(world: World) {
    world.connect().await;
    let mut request = warm("ana");
    request.consents.push(v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        text: "May we contact you?".to_owned(),
        ..Default::default()
    });
    request.request_id = Uuid::new_v4().to_string();
    let (capture, key) =
        leads_svc::grpc::convert::capture::capture(request, world.store.clock().now()).unwrap();
    let encode = |_: &Collected| b"the answer".to_vec();
    let keyed = key.map(|key| Request { key, encode: &encode });
    let Answered::Now(collected) = world.core.collect(&world.caller, capture, keyed).await.unwrap() else {
        panic!("answered before")
    };
    let ana = lead_of(collected);
    let rejected = JobReport::Rejected(reason("VALIDATION"));
    world.report(&world.grant().await, rejected).await;
    let mut sealed = headers(&world, ana.contact_id).await;
    let ben = world.lead("ben").await;
    world
        .core
        .merge_leads(&world.caller, ana.id, ben.id, &BTreeMap::new(), false)
        .await
        .unwrap();
    world.lead("ben").await;

    let anas = key_of(&world, ana.contact_id).await.unwrap();
    let bens = key_of(&world, ben.contact_id).await.unwrap();
    assert_ne!(anas, bens);
    for (column, header) in headers(&world, ben.contact_id).await {
        assert_eq!(header.contact_key, Some(bens), "{column}");
    }
    sealed.extend(headers(&world, ana.contact_id).await);
    let mut columns = BTreeSet::new();
    for (column, header) in sealed {
        assert_eq!(header.contact_key, Some(anas), "{column}");
        columns.insert(column);
    }
    let all = [
        "activity", "consent", "intent", "merge", "message", "own", "profile", "reason", "score",
    ];
    assert_eq!(columns, BTreeSet::from(all));
    let kept: Vec<_> = answers(&world).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].contact_key, Some(anas));
}

async fn the_key_of_an_erased_person_is_destroyed_and_what_a_backup_holds_stays_closed(world: World) {
    let (ana, ben) = (world.lead("ana").await, world.lead("ben").await);
    let key = key_of(&world, ana.contact_id).await.unwrap();
    // What a backup of the database holds.
    let person = contact::Entity::find_by_id(ana.contact_id)
        .one(&world.raw)
        .await
        .unwrap()
        .unwrap();
    let row = lead::Entity::find_by_id(ana.id)
        .one(&world.raw)
        .await
        .unwrap()
        .unwrap();
    let names = identity::Entity::find()
        .filter(identity::Column::ContactId.eq(ana.contact_id))
        .all(&world.raw)
        .await
        .unwrap();
    let said = message::Entity::find()
        .filter(message::Column::ContactId.eq(ana.contact_id))
        .all(&world.raw)
        .await
        .unwrap();
    let scored = score::Entity::find_by_id(row.score_id)
        .one(&world.raw)
        .await
        .unwrap()
        .unwrap();

    world.core.delete_lead(&world.caller, ana.id).await.unwrap();
    let keks = world.store.keyring().keks();
    let found = world.store.key_store().secrets(keks, HashSet::from([key])).await;
    let found = found.unwrap();
    assert!(found.secrets.is_empty());
    assert_eq!(found.destroyed, HashSet::from([key]));
    assert!(
        former_key::Entity::find()
            .all(&world.raw)
            .await
            .unwrap()
            .is_empty()
    );

    // The backup is restored over the tombstone.
    identity::Entity::delete_many().exec(&world.raw).await.unwrap();
    person.into_active_model().insert(&world.raw).await.unwrap();
    row.into_active_model().insert(&world.raw).await.unwrap();
    scored.into_active_model().insert(&world.raw).await.unwrap();
    for row in names {
        row.into_active_model().insert(&world.raw).await.unwrap();
    }
    for row in said {
        row.into_active_model().insert(&world.raw).await.unwrap();
    }
    assert!(world.core.get_lead(&world.caller, ana.id).await.is_err());
    let page = world
        .core
        .list_leads(&world.caller, &everything(), 50, "")
        .await
        .unwrap();
    let listed: Vec<Uuid> = page.items.iter().map(|view| view.lead.id).collect();
    assert_eq!(listed, [ben.id]);

    let erased = world.store.erase_again(world.workspace, "test").await.unwrap();
    assert_eq!((erased.people, erased.merged), (1, 0));
    let back = world
        .core
        .collect(&world.caller, world.read(warm("ana")), None)
        .await;
    assert_eq!(back.unwrap_err().reason, Reason::ErasedSubject);
    world.view(ben.id).await;
}

async fn a_restored_backup_loses_nobody_who_has_another_key_by_now(world: World) {
    let ana = world.lead("ana").await;
    let former = key_of(&world, ana.contact_id).await;
    let exchanged = world
        .store
        .rotate_contact_key(world.workspace, ana.contact_id, "test");
    exchanged.await.unwrap();
    world.pass(Duration::from_secs(26 * 3_600));
    world.core.destroy_former_keys().await.unwrap();
    contact::Entity::update_many()
        .col_expr(contact::Column::KeyId, sea_orm::sea_query::Expr::value(former))
        .filter(contact::Column::Id.eq(ana.contact_id))
        .exec(&world.raw)
        .await
        .unwrap();
    let erased = world.store.erase_again(world.workspace, "test").await.unwrap();
    assert_eq!((erased.people, erased.unreadable), (0, 1));
    let kept = contact::Entity::find_by_id(ana.contact_id).one(&world.raw).await;
    assert!(kept.unwrap().is_some());
}

async fn a_key_store_of_another_database_is_noticed(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let empty = format!("sqlite://{}?mode=rwc", folder.path().join("keys.db").display());
    let options = Options {
        url: world.database.url(),
        max_connections: 4,
    };
    let clock = world.store.clock().clone();
    let other = Store::connect_with(&options, &empty, kek('A'), clock)
        .await
        .unwrap();
    other.key_store().migrate().await.unwrap();
    assert!(
        !other.has_other_key_store().await.unwrap(),
        "nobody has a key yet"
    );
    world.lead("ana").await;
    assert!(other.has_other_key_store().await.unwrap());
    assert!(!world.store.has_other_key_store().await.unwrap());
}

async fn another_replica_cannot_read_an_erased_person_for_long(world: World) {
    let lead = world.lead("ana").await;
    let (other, _) = world.replica().await;
    other.get_lead(&world.caller, lead.id).await.unwrap();
    let key = key_of(&world, lead.contact_id).await.unwrap();
    world.core.delete_lead(&world.caller, lead.id).await.unwrap();
    let keks = other.store.keyring().keks();
    wait::until("the other replica to forget the key", WAIT, async || {
        let found = other
            .store
            .key_store()
            .secrets(keks, HashSet::from([key]))
            .await?;
        Ok(found.secrets.is_empty().then_some(()))
    })
    .await
    .unwrap();
}

async fn no_two_contacts_ever_have_the_same_key(world: World) {
    let (other, _) = world.replica().await;
    // A third replica starts, makes keys, and ends without using them.
    let (third, _) = world.replica().await;
    third.fill_keys().await.unwrap();
    drop(third);
    for round in 0..15 {
        let mut captures = Vec::new();
        for person in 0..9 {
            for core in [&world.core, &other] {
                // Every third person comes at once to both.
                let name = match person % 3 {
                    0 => format!("both{round}.{person}"),
                    _ => format!("person{round}.{person}.{}", captures.len()),
                };
                let (core, caller, capture) = (core.clone(), world.caller.clone(), world.read(warm(&name)));
                captures.push(tokio::spawn(
                    async move { core.collect(&caller, capture, None).await },
                ));
            }
        }
        for captured in join_all(captures).await {
            captured.unwrap().unwrap();
        }
    }
    let contacts = contact::Entity::find().all(&world.raw).await.unwrap();
    let keys: HashSet<Uuid> = contacts.iter().map(|row| row.key_id.unwrap()).collect();
    assert_eq!(contacts.len(), 15 * 15);
    assert_eq!(keys.len(), contacts.len());
    let keks = world.store.keyring().keks();
    let fresh = world.replica().await.0;
    let found = fresh.store.key_store().secrets(keks, keys.clone()).await.unwrap();
    assert_eq!(found.secrets.len(), keys.len());
}

async fn a_contact_that_goes_up_in_another_leaves_nothing_that_cannot_be_read(world: World) {
    let mut anonymous = warm("x");
    let contact = anonymous.contact.as_mut().unwrap();
    contact.email.clear();
    contact.visitor_id = "v-1".to_owned();
    anonymous.consents.push(v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        text: "May we contact you?".to_owned(),
        ..Default::default()
    });
    let Collected::Contact(visitor) = world.collect(anonymous).await else {
        panic!("somebody without an address is no lead")
    };
    let ana = world.lead("ana").await;
    let visitors = key_of(&world, visitor.id).await.unwrap();
    let mut named = warm("ana");
    named.contact.as_mut().unwrap().visitor_id = "v-1".to_owned();
    world.collect(named).await;
    assert!(
        contact::Entity::find_by_id(visitor.id)
            .one(&world.raw)
            .await
            .unwrap()
            .is_none()
    );
    let read = async || {
        let keys = keys(&world).await;
        let contacts = [ana.contact_id];
        let records = world.store.consent_records(world.workspace, &keys, &contacts);
        records.await.unwrap().len()
    };
    assert_eq!(read().await, 1);

    world.pass(Duration::from_secs(26 * 3_600));
    world.core.destroy_former_keys().await.unwrap();
    let keks = world.store.keyring().keks();
    let found = world
        .store
        .key_store()
        .secrets(keks, HashSet::from([visitors]))
        .await;
    assert_eq!(found.unwrap().destroyed, HashSet::from([visitors]));
    assert_eq!(read().await, 1);
    let own = key_of(&world, ana.contact_id).await;
    for (column, header) in headers(&world, ana.contact_id).await {
        assert_eq!(header.contact_key, own, "{column}");
    }
}

async fn keys(world: &World) -> std::sync::Arc<leads_svc::storage::crypto::WorkspaceKeys> {
    world.store.workspace_keys(world.workspace).await.unwrap()
}

async fn contacts_of_an_older_release_are_read_and_get_keys(world: World) {
    let lead = world.lead("ana").await;
    let shown = world.view(lead.id).await;
    // As the release before stored it: under the workspace's key.
    let keys = keys(&world).await;
    let place = |column, row| leads_svc::storage::crypto::Place { column, row };
    let person = contact::Entity::find_by_id(lead.contact_id)
        .one(&world.raw)
        .await
        .unwrap()
        .unwrap();
    let profile = serde_json::to_vec(&shown.contact.profile).unwrap();
    let mut older = person.into_active_model();
    let at = place("contacts.profile", lead.contact_id);
    older.profile = Set(keys.seal(at, &profile).unwrap());
    older.key_id = Set(None);
    older.update(&world.raw).await.unwrap();
    assert_eq!(world.view(lead.id).await.contact.profile, shown.contact.profile);

    renewal::Entity::insert(
        renewal::Model {
            workspace_id: world.workspace,
            kind: "seal".to_owned(),
            not_before: world.store.clock().now(),
            cursor_at: None,
            cursor_id: None,
            contacts: 0,
        }
        .into_active_model(),
    )
    .exec_without_returning(&world.raw)
    .await
    .unwrap();
    renew_all(&world).await;
    let own = key_of(&world, lead.contact_id).await;
    assert!(own.is_some());
    for (column, header) in headers(&world, lead.contact_id).await {
        assert_eq!(header.contact_key, own, "{column}");
    }
    assert_eq!(world.view(lead.id).await.contact.profile, shown.contact.profile);

    // A writer that did not know of the key is caught a day later.
    let late = message::Entity::find()
        .filter(message::Column::ContactId.eq(lead.contact_id))
        .one(&world.raw)
        .await
        .unwrap()
        .unwrap();
    let (id, at) = (late.id, place("messages.sealed", late.id));
    let mut late = late.into_active_model();
    late.sealed = Set(keys.seal(at, b"said late").unwrap());
    late.update(&world.raw).await.unwrap();
    world.pass(Duration::from_secs(26 * 3_600));
    world.core.destroy_former_keys().await.unwrap();
    let late = message::Entity::find_by_id(id)
        .one(&world.raw)
        .await
        .unwrap()
        .unwrap();
    let header = leads_svc::storage::crypto::Header::of(&late.sealed).unwrap();
    assert_eq!(header.contact_key, own);
    let page = world
        .core
        .list_conversation(&world.caller, lead.id, 50, "")
        .await
        .unwrap();
    assert!(page.items.iter().any(|message| message.text == "said late"));
}
