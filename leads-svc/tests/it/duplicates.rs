//! Which leads are suggested to be one person, and which never are.

use leads_proto::leads::v1::CollectLeadRequest;
use leads_svc::domain::{duplicates::Reason, identity::Country};
use uuid::Uuid;

use crate::world::{World, lead, on_both_databases, warm};

on_both_databases!(
    leads_that_share_something_are_suggested_with_score_and_reasons,
    what_more_than_twenty_leads_share_suggests_nothing,
    a_name_that_was_corrected_suggests_nothing_any_more,
);

fn person(email: &str, name: &str, phone: &str, company: &str, visitor: &str) -> CollectLeadRequest {
    let mut request = warm("x");
    let contact = request.contact.as_mut().unwrap();
    (contact.email, contact.name) = (email.to_owned(), name.to_owned());
    (contact.phone, contact.company) = (phone.to_owned(), company.to_owned());
    contact.visitor_id = visitor.to_owned();
    request
}

async fn stored(world: &World, request: CollectLeadRequest) -> Uuid {
    lead(world.collect(request).await).id
}

async fn found(world: &World, lead: Uuid) -> Vec<(Uuid, u8, Vec<Reason>)> {
    let found = world.core.list_duplicates(&world.caller, lead).await.unwrap();
    found
        .into_iter()
        .map(|found| (found.lead.lead.id, found.candidate.score, found.candidate.reasons))
        .collect()
}

async fn leads_that_share_something_are_suggested_with_score_and_reasons(world: World) {
    world
        .change_settings(|settings| settings.country = Country::parse("ES"))
        .await;
    let ana = stored(
        &world,
        person("ana@acme.com", "Ana Ruiz", "+34600123456", "Acme", "v-1"),
    )
    .await;
    let tagged = stored(&world, person("ana+ads@acme.com", "", "", "", "")).await;
    let phone = stored(&world, person("a@home.org", "", "600 12 34 56", "", "v-1")).await;
    let name = stored(
        &world,
        person("ana.ruiz@gmail.com", "Ruiz, Ana", "", "ACME S.L.", ""),
    )
    .await;
    stored(&world, person("test@acme.com", "", "+34000000000", "", "v-2")).await;
    stored(
        &world,
        person("bob@acme.com", "Bob Ruiz", "+34600123457", "Acme", "v-3"),
    )
    .await;
    let all = found(&world, ana).await;
    let reasons: Vec<(Uuid, Vec<Reason>)> = all
        .iter()
        .map(|(lead, _, reasons)| (*lead, reasons.clone()))
        .collect();
    assert_eq!(
        reasons,
        [
            (phone, vec![Reason::Phone, Reason::Visitor]),
            (tagged, vec![Reason::AddressVariant]),
            (name, vec![Reason::NameAndCompany]),
        ]
    );
    assert!(all.is_sorted_by(|one, other| one.1 >= other.1), "{all:?}");
    for (other, score, reasons) in all {
        let back = found(&world, other).await;
        assert!(back.contains(&(ana, score, reasons)), "{back:?}");
    }
}

async fn what_more_than_twenty_leads_share_suggests_nothing(world: World) {
    let colleague = |index: usize| person(&format!("p{index}@acme.com"), "", "+34911234567", "", "kiosk");
    let first = stored(&world, colleague(0)).await;
    for index in 1..20 {
        stored(&world, colleague(index)).await;
    }
    assert_eq!(found(&world, first).await.len(), 19);
    stored(&world, colleague(20)).await;
    assert_eq!(found(&world, first).await, []);
}

async fn a_name_that_was_corrected_suggests_nothing_any_more(world: World) {
    let ana = stored(&world, person("ana@acme.com", "Ana Ruiz", "", "", "")).await;
    let other = stored(&world, person("info@acme.com", "Ana Ruiz", "", "", "")).await;
    assert_eq!(found(&world, ana).await.len(), 1);
    for name in ["Bob Reyes", "Ana Ruiz", "Bob Reyes"] {
        stored(&world, person("info@acme.com", name, "", "", "")).await;
    }
    assert_eq!(found(&world, ana).await, []);
    assert_eq!(found(&world, other).await, []);
}
