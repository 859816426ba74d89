//! Contacts: who is found by what, and when a contact becomes a lead.

use futures::future::join_all;
use leads_proto::{
    leads::v1::{self, CollectLeadRequest},
    reason::Reason,
};
use leads_svc::{
    domain::{identity::Country, ids, lead::Channel, page::ContactQuery},
    grpc::convert::{self, contacts::Upsert},
    service::{capture::Answered, contacts::ContactView, plan::Collected, view::LeadView},
    storage::entity::{contact, identity, lead as lead_table, message},
};
use sea_orm::{EntityTrait, PaginatorTrait};
use uuid::Uuid;

use crate::world::{World, cold, email, lead, on_both_databases, warm};

on_both_databases!(
    a_visitor_becomes_a_lead_with_the_email_and_keeps_what_was_seen_before,
    a_contact_becomes_a_lead_in_whatever_order_email_and_intent_come,
    captures_of_one_visitor_at_once_in_any_order_are_one_lead,
    a_visitor_who_turns_out_to_be_a_known_person_goes_up_in_that_person,
    a_visitor_id_of_a_lead_finds_nobody,
    another_address_of_a_visitor_with_an_address_is_another_person,
    variants_of_an_address_are_one_lead_where_the_provider_says_so,
    a_contact_has_several_addresses_and_is_found_by_each,
    an_address_of_another_contact_is_refused,
    messages_are_added_to_contacts_and_to_leads,
    contacts_are_listed_newest_first_and_found_by_their_words,
    a_deleted_lead_leaves_nothing_to_be_found_by_but_its_address,
);

fn said(visitor: &str, mailbox: Option<&str>, intent: bool) -> CollectLeadRequest {
    let mut request = warm("x");
    let contact = request.contact.as_mut().unwrap();
    contact.email = mailbox.unwrap_or_default().to_owned();
    contact.visitor_id = visitor.to_owned();
    if !intent {
        request.intent = None;
    }
    request
}

async fn count<E: EntityTrait>(world: &World) -> u64
where
    <E as EntityTrait>::Model: Sync,
{
    E::find().count(&world.raw).await.unwrap()
}

fn created(collected: Collected) -> LeadView {
    match collected {
        Collected::Created(view) => *view,
        other => panic!("not created: {other:?}"),
    }
}

async fn upsert(world: &World, contact: v1::Contact) -> Result<ContactView, Reason> {
    let request = v1::UpsertContactRequest {
        contact: Some(contact),
        ..Default::default()
    };
    let now = world.store.clock().now();
    let Upsert { target, capture, .. } = convert::contacts::upsert(request, now).unwrap();
    match world
        .core
        .upsert_contact(&world.caller, target, capture, None)
        .await
    {
        Ok(Answered::Now(collected)) => Ok(collected.into()),
        Ok(Answered::Before(_)) => panic!("answered before"),
        Err(error) => Err(error.reason),
    }
}

async fn texts(world: &World, lead: Uuid) -> usize {
    let page = world.core.list_conversation(&world.caller, lead, 200, "").await;
    page.unwrap().items.len()
}

async fn a_visitor_becomes_a_lead_with_the_email_and_keeps_what_was_seen_before(world: World) {
    let Collected::Contact(visitor) = world.collect(said("v-1", None, true)).await else {
        panic!("a lead without an address")
    };
    assert_eq!(visitor.seen.channels, [Channel::Widget]);
    let mut second = said("v-1", Some(&email("ana")), false);
    second.channel = v1::Channel::Whatsapp.into();
    let view = created(world.collect(second).await);
    assert_eq!(view.contact.id, visitor.id);
    assert_eq!(view.lead.channels, [Channel::Widget, Channel::Whatsapp]);
    assert_eq!(Some(&view.lead.intent), visitor.seen.intent.as_ref());
    assert_eq!(texts(&world, view.lead.id).await, 2);
    let stored = world.view(view.lead.id).await;
    assert_eq!((stored.lead, stored.contact), (view.lead, view.contact));
}

async fn a_contact_becomes_a_lead_in_whatever_order_email_and_intent_come(world: World) {
    for (place, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        .into_iter()
        .enumerate()
    {
        let (visitor, address) = (format!("v-{place}"), email(&format!("ana{place}")));
        let capture = |which: i32| match which {
            0 => said(&visitor, None, false),
            1 => said(&visitor, Some(&address), false),
            _ => said(&visitor, None, true),
        };
        let mut leads = Vec::new();
        for which in order {
            if let Collected::Created(view) = world.collect(capture(which)).await {
                leads.push(view.lead.id);
            }
        }
        assert_eq!(leads.len(), 1, "{order:?}");
    }
    assert_eq!(count::<lead_table::Entity>(&world).await, 6);
}

async fn captures_of_one_visitor_at_once_in_any_order_are_one_lead(world: World) {
    let (other, _) = world.replica().await;
    let mut captured = Vec::new();
    for call in 0..64 {
        let request = match call % 3 {
            0 => said("v-1", None, true),
            1 => said("v-1", Some(&email("ana")), false),
            _ => said("", Some(&email("ana")), call % 2 == 0),
        };
        let core = if call % 2 == 0 {
            world.core.clone()
        } else {
            other.clone()
        };
        let (caller, capture) = (world.caller.clone(), world.read(request));
        captured.push(tokio::spawn(async move {
            loop {
                // Replicas do not know of each other's turns: a caller may be told to repeat.
                match core.collect(&caller, capture.clone(), None).await {
                    Err(error) if error.reason == Reason::Conflict => {}
                    answered => return answered.unwrap(),
                }
            }
        }));
    }
    let mut created = 0;
    for collected in join_all(captured).await {
        if let Answered::Now(Collected::Created(_)) = collected.unwrap() {
            created += 1;
        }
    }
    assert_eq!((created, count::<lead_table::Entity>(&world).await), (1, 1));
    assert_eq!(count::<message::Entity>(&world).await, 64);
    // Once there is a lead, its visitor id finds nobody: what came by it alone is beside it, and goes up in the lead with
    // the next capture that has both.
    let last = world.collect(said("v-1", Some(&email("ana")), false)).await;
    assert_eq!(texts(&world, lead(last).id).await, 65);
    assert_eq!(count::<contact::Entity>(&world).await, 1);
}

async fn a_visitor_who_turns_out_to_be_a_known_person_goes_up_in_that_person(world: World) {
    let known = world.collect(said("", Some(&email("ana")), false)).await;
    assert!(matches!(known, Collected::Contact(_)), "{known:?}");
    let mut first = said("v-1", None, true);
    first.contact.as_mut().unwrap().phone = "+34600123456".to_owned();
    first.consents.push(v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        ..Default::default()
    });
    world.collect(first).await;
    assert_eq!(count::<contact::Entity>(&world).await, 2);
    let view = created(world.collect(said("v-1", Some(&email("ana")), false)).await);
    assert_eq!(count::<contact::Entity>(&world).await, 1);
    assert_eq!(texts(&world, view.lead.id).await, 3);
    let phones = view.contact.profile.phones();
    assert!(phones.contains(&"+34600123456".to_owned()), "{phones:?}");
    let stored = world.view(view.lead.id).await;
    assert_eq!(
        (&stored.contact, &stored.consents),
        (&view.contact, &view.consents)
    );
    assert_eq!(stored.consents.len(), 1);
    let rows = identity::Entity::find().all(&world.raw).await.unwrap();
    assert!(
        rows.iter().all(|row| row.contact_id == view.contact.id),
        "{rows:?}"
    );
    let again = world.collect(said("v-1", Some(&email("ana")), true)).await;
    assert_eq!(lead(again).id, view.lead.id);
}

async fn a_visitor_id_of_a_lead_finds_nobody(world: World) {
    let ana = created(world.collect(said("v-1", Some(&email("ana")), true)).await);
    let Collected::Contact(somebody) = world.collect(said("v-1", None, true)).await else {
        panic!("found the lead")
    };
    assert_ne!(somebody.id, ana.contact.id);
    let bob = created(world.collect(said("v-1", Some(&email("bob")), false)).await);
    assert_eq!(bob.contact.id, somebody.id);
    assert_eq!(world.view(ana.lead.id).await.lead.revision, 1);
}

async fn another_address_of_a_visitor_with_an_address_is_another_person(world: World) {
    world.collect(said("v-1", Some(&email("ana")), false)).await;
    let bob = created(world.collect(said("v-1", Some(&email("bob")), true)).await);
    assert_eq!(bob.contact.profile.emails(), [email("bob")]);
    assert_eq!(count::<contact::Entity>(&world).await, 2);
}

async fn variants_of_an_address_are_one_lead_where_the_provider_says_so(world: World) {
    let first = created(
        world
            .collect(said("", Some("ana.ruiz+ads@gmail.com"), true))
            .await,
    );
    let second = world
        .collect(said("", Some("anaruiz@googlemail.com"), true))
        .await;
    assert_eq!(lead(second).id, first.lead.id);
    created(world.collect(said("", Some("ana@acme.com"), true)).await);
    created(world.collect(said("", Some("ana+ads@acme.com"), true)).await);
    world
        .change_settings(|settings| settings.merge_address_variants = false)
        .await;
    created(world.collect(said("", Some("ana.r.uiz@gmail.com"), true)).await);
    let known = world
        .collect(said("", Some("anaruiz@googlemail.com"), true))
        .await;
    assert_eq!(lead(known).id, first.lead.id);
    world
        .change_settings(|settings| settings.country = Country::parse("ES"))
        .await;
    let workspace = world.core.get_workspace(&world.caller).await.unwrap();
    let shown = convert::settings::workspace(workspace).settings.unwrap();
    assert_eq!((shown.country(), shown.merge_address_variants()), ("ES", false));
}

async fn a_contact_has_several_addresses_and_is_found_by_each(world: World) {
    let ana = world.lead("ana").await;
    let view = upsert(
        &world,
        v1::Contact {
            id: ids::format::<ids::Contact>(ana.contact_id),
            email: "Ana@Home.example".to_owned(),
            phone: "+34600123456".to_owned(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(view.lead, Some(ana.id));
    assert_eq!(
        view.contact.profile.emails(),
        [email("ana"), "ana@home.example".to_owned()]
    );
    let again = world.collect(said("", Some("ana@home.example"), true)).await;
    assert_eq!(lead(again).id, ana.id);
    let shown = world
        .core
        .get_contact(&world.caller, ana.contact_id)
        .await
        .unwrap();
    let shown = convert::lead::contact(shown);
    assert_eq!(
        (shown.email.as_str(), shown.emails.len(), shown.lead_id),
        (email("ana").as_str(), 2, ids::format::<ids::Lead>(ana.id))
    );
    assert!(
        shown.phones.contains(&"+34600123456".to_owned()),
        "{:?}",
        shown.phones
    );
}

async fn an_address_of_another_contact_is_refused(world: World) {
    let (ana, bob) = (world.lead("ana").await, world.lead("bob").await);
    let contact = |id: Uuid| v1::Contact {
        id: ids::format::<ids::Contact>(id),
        email: email("bob"),
        ..Default::default()
    };
    assert_eq!(
        upsert(&world, contact(ana.contact_id)).await.unwrap_err(),
        Reason::AddressTaken
    );
    assert_eq!(
        upsert(&world, contact(Uuid::now_v7())).await.unwrap_err(),
        Reason::NotFound
    );
    assert!(upsert(&world, contact(bob.contact_id)).await.is_ok());
    assert_eq!(world.view(ana.id).await.contact.profile.emails(), [email("ana")]);
}

async fn messages_are_added_to_contacts_and_to_leads(world: World) {
    let message = |id: &str| {
        let request = v1::AppendContactConversationRequest {
            contact_id: ids::format::<ids::Contact>(Uuid::nil()),
            messages: vec![v1::Message {
                id: id.to_owned(),
                role: v1::MessageRole::Visitor.into(),
                text: "our budget is 60k a year and I sign the contract".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let appended = convert::contacts::append(request, world.store.clock().now());
        appended.unwrap().messages
    };
    let Collected::Contact(visitor) = world.collect(said("v-1", None, false)).await else {
        panic!("a lead")
    };
    let append = async |id: Uuid, messages| match world
        .core
        .append_to_contact(&world.caller, id, messages, "chat", None)
        .await
        .unwrap()
    {
        Answered::Now(appended) => (appended.view.lead, appended.appended, appended.skipped),
        Answered::Before(_) => panic!("answered before"),
    };
    assert_eq!(append(visitor.id, message("m1")).await, (None, 1, 0));
    assert_eq!(append(visitor.id, message("m1")).await, (None, 0, 1));
    let cold = lead(world.collect(cold("ana")).await);
    assert_eq!(
        append(cold.contact_id, message("m1")).await,
        (Some(cold.id), 1, 0)
    );
    assert!(world.view(cold.id).await.lead.score > cold.score);
    let ana = created(world.collect(said("v-1", Some(&email("eve")), true)).await);
    assert_eq!(texts(&world, ana.lead.id).await, 3);
}

async fn contacts_are_listed_newest_first_and_found_by_their_words(world: World) {
    let mut names = Vec::new();
    for index in 0..5 {
        let contact = v1::Contact {
            name: format!("Person Number{index}"),
            ..Default::default()
        };
        names.push(contact.name.clone());
        upsert(&world, contact).await.unwrap();
    }
    world.lead("ana").await;
    let query = |words: &[&str], without_lead| ContactQuery {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        without_lead,
    };
    let list = async |query: ContactQuery, size, token: &str| {
        let page = world.core.list_contacts(&world.caller, &query, size, token).await;
        let page = page.unwrap();
        let names: Vec<String> = page
            .items
            .into_iter()
            .map(|view| view.contact.profile.name.unwrap_or_default())
            .collect();
        (names, page.next)
    };
    assert_eq!(list(query(&[], false), 50, "").await.0.len(), 6);
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = list(query(&[], true), 2, &token).await;
        listed.extend(page);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    names.reverse();
    assert_eq!(listed, names);
    assert_eq!(
        list(query(&["number3"], false), 50, "").await.0,
        ["Person Number3"]
    );
}

async fn a_deleted_lead_leaves_nothing_to_be_found_by_but_its_address(world: World) {
    let ana = created(world.collect(said("v-1", Some("ana.ruiz@gmail.com"), true)).await);
    assert!(count::<identity::Entity>(&world).await >= 3);
    world.core.delete_lead(&world.caller, ana.lead.id).await.unwrap();
    // Itself and its mailbox.
    assert_eq!(count::<identity::Entity>(&world).await, 2);
    for address in ["ana.ruiz@gmail.com", "anaruiz@gmail.com"] {
        let capture = world.read(said("v-1", Some(address), true));
        let refused = world.core.collect(&world.caller, capture, None).await;
        assert_eq!(refused.unwrap_err().reason, Reason::ErasedSubject);
    }
    let Collected::Contact(_) = world.collect(said("v-1", None, true)).await else {
        panic!("found by the visitor id")
    };
}
