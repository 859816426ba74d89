//! Searching in what is encrypted.

use leads_svc::{
    domain::{filter::Filter, page::LeadQuery, search},
    service::{plan::Collected, principal::Principal},
};

use crate::{
    population::everything,
    world::{World, lead, on_both_databases, warm},
};

on_both_databases!(
    finds_words_of_name_company_and_email_in_any_case,
    finds_beginnings_of_three_to_eight_letters,
    finds_other_alphabets_and_their_spellings,
    all_words_must_be_there,
    signs_of_query_languages_mean_nothing,
    a_new_name_is_found_and_the_old_one_is_not,
    another_workspace_finds_nothing,
);

async fn found_by(world: &World, caller: &Principal, q: &str) -> usize {
    let words = search::words(q);
    assert!(!words.is_empty(), "{q}");
    let query = LeadQuery {
        filter: Filter::words(words),
        ..everything()
    };
    world
        .core
        .list_leads(caller, &query, 50, "")
        .await
        .unwrap()
        .items
        .len()
}

async fn found(world: &World, q: &str) -> usize {
    found_by(world, &world.caller, q).await
}

async fn person(world: &World, address: &str, name: &str, company: &str) -> Collected {
    let mut request = warm(address);
    let contact = request.contact.as_mut().unwrap();
    contact.name = name.to_owned();
    contact.company = company.to_owned();
    world.collect(request).await
}

async fn finds_words_of_name_company_and_email_in_any_case(world: World) {
    person(&world, "zoe.martin", "Zoé Martín", "Globex-Werke GmbH").await;
    person(&world, "bo", "Bo Li", "Initech").await;
    for q in [
        "Zoé",
        "ZOÉ",
        "martín",
        "globex",
        "GMBH",
        "werke",
        "zoe",
        "Globex-Werke",
        "zoe.martin@leads.example",
    ] {
        assert_eq!(found(&world, q).await, 1, "{q}");
    }
    assert_eq!(found(&world, "leads.example").await, 2);
    for q in ["nobody", "+34600000000", "pricing"] {
        assert_eq!(found(&world, q).await, 0, "{q}");
    }
}

async fn finds_beginnings_of_three_to_eight_letters(world: World) {
    person(&world, "a", "Bartholomew", "Initech").await;
    for letters in 3..=8 {
        assert_eq!(found(&world, &"bartholomew"[..letters]).await, 1, "{letters}");
    }
    for q in ["ba", "bartholom", "artholomew", "bartholomews"] {
        assert_eq!(found(&world, q).await, 0, "{q}");
    }
}

async fn finds_other_alphabets_and_their_spellings(world: World) {
    person(&world, "a", "Владимир Ильин", "北京公司").await;
    person(&world, "b", "Jo\u{308}rg Straße", "ｆｕｌｌ ｗｉｄｔｈ").await;
    for q in [
        "владимир",
        "ВЛАДИМИР",
        "Вла",
        "ильин",
        "北京公司",
        "北京公",
        "jörg",
        "straße",
        "full",
        "ＷＩＤＴＨ",
    ] {
        assert_eq!(found(&world, q).await, 1, "{q}");
    }
}

async fn all_words_must_be_there(world: World) {
    person(&world, "a", "Ana Ruiz", "Acme").await;
    person(&world, "b", "Ana Li", "Globex").await;
    assert_eq!(found(&world, "ana").await, 2);
    assert_eq!(found(&world, "ana globex").await, 1);
    assert_eq!(found(&world, "li, ANA!").await, 1);
    assert_eq!(found(&world, "ruiz globex").await, 0);
}

async fn signs_of_query_languages_mean_nothing(world: World) {
    person(&world, "a", "Ana Ruiz", "Acme").await;
    for q in ["%ana%", "_ana_", "ana:*", "'ana'", "(ana)", "ana\\", "<ana>"] {
        assert_eq!(found(&world, q).await, 1, "{q}");
    }
    for q in [
        "an%",
        "an_",
        "!ana | zz",
        "ana & zz",
        "zz OR ana",
        "ana' OR '1'='1",
    ] {
        assert_eq!(found(&world, q).await, 0, "{q}");
    }
}

async fn a_new_name_is_found_and_the_old_one_is_not(world: World) {
    let before = lead(person(&world, "a", "Ana Ruiz", "Acme").await);
    let after = lead(person(&world, "a", "Ana Fischer", "Acme").await);
    assert_eq!(before.id, after.id);
    assert_eq!(
        (found(&world, "fischer").await, found(&world, "ruiz").await),
        (1, 0)
    );
}

async fn another_workspace_finds_nothing(world: World) {
    person(&world, "a", "Ana Ruiz", "Acme").await;
    let (_, stranger) = world.tenant(crate::world::settings()).await;
    assert_eq!(found_by(&world, &stranger, "ana").await, 0);
    world.lead_as(&stranger, "b").await;
    assert_eq!(found_by(&world, &stranger, "ana").await, 1);
    assert_eq!(found(&world, "ana").await, 1);
}
