//! What the database itself tells whoever reads it: nothing about people, no secret.

use std::{collections::BTreeMap, fmt::Write as _};

use leads_proto::leads::v1::{CollectLeadRequest, MessageRole};
use leads_svc::{
    domain::{
        capture::Message,
        contact::RawProfile,
        conversation::Role,
        email::Email,
        member,
        sync::{JobReport, Reason},
    },
    grpc::convert,
    service::{
        capture::{Answered, Request},
        keys::mint,
        plan::Collected,
        principal::{Bound, Scope},
    },
    storage::{crypto::KeyEncryptionKey, tasks::Outcome},
};
use prost::Message as _;
use uuid::Uuid;

use crate::world::{Database, HUBSPOT, VENDOR_TOKEN, World, lead, on_both_databases, warm};

on_both_databases!(
    personal_data_and_secrets_are_nowhere_in_the_database,
    the_search_for_canaries_finds_what_is_stored_in_the_open,
);

const PERSON: RawProfile<'_> = RawProfile {
    email: "zanary.mail@canarydomain.example",
    name: "Zanaryname Familyzanary",
    phone: "+34699887766",
    company: "Zanarycompany",
    title: "Chief Zanary Officer",
    visitor_id: "zanary-visitor",
};
const MEMBER: &str = "zanary.member@canarydomain.example";
const DETAIL: &str = "zanarydetail of the intent";
const SAID: &str = "zanarysaid our budget is 61,234 EUR a year and I sign the contract myself";
const ADDED: &str = "zanaryadded we need it within two weeks";
const CONSENTED: &str = "zanaryconsent: may we write to zanary.mail@canarydomain.example?";
const CONSENT_PAGE: &str = "https://canarypage.example/?mail=zanary";
const VENDOR_SAID: &str = "Email address zanary.mail@canarydomain.example is invalid";

const CONNECTION_SAID: &str = "token of zanary.mail@canarydomain.example was revoked";
const NEW_TOKEN: &str = "pat-another-canary-token";

async fn refuse_new_credentials(world: &World, reason: Reason) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let mapping = BTreeMap::new();
    world
        .store
        .connect_provider(world.workspace, &keys, HUBSPOT, NEW_TOKEN, &mapping, "test")
        .await
        .unwrap();
    let mut tasks = world.delivery.claim_tasks(&world.connector, 20).await.unwrap();
    let (task, _, secret) = tasks.remove(0);
    assert_eq!(secret, NEW_TOKEN);
    let refused = Outcome::Failed(reason);
    world
        .delivery
        .report_task(&world.connector, task.id, task.token, refused)
        .await
        .unwrap();
}

/// Everything that the database holds: its files, or the text of every row.
pub async fn dump(world: &World) -> Vec<u8> {
    match &world.database {
        Database::Sqlite(folder) => {
            let mut all = Vec::new();
            for entry in std::fs::read_dir(folder.path()).unwrap() {
                all.extend(std::fs::read(entry.unwrap().path()).unwrap());
            }
            all
        }
        Database::Postgres(database) => {
            let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
            let mut all = String::new();
            for table in database.sql(tables).await.unwrap().lines() {
                all += &database
                    .sql(&format!("SELECT t::text FROM \"{table}\" t"))
                    .await
                    .unwrap();
                all.push('\n');
            }
            all.into_bytes()
        }
    }
}

/// Whether the dump holds the text: as it is, as hexadecimal digits, or in base64 at any of the three offsets.
pub fn holds(dump: &[u8], text: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut forms = vec![text.as_bytes().to_vec(), hex.into_bytes()];
    for offset in 0..3 {
        let encoded = STANDARD.encode([vec![b' '; offset], text.as_bytes().to_vec()].concat());
        let inner = encoded.len() - 4;
        forms.push(encoded.into_bytes()[4..inner].to_vec());
    }
    forms
        .iter()
        .any(|form| dump.windows(form.len()).any(|window| window == form.as_slice()))
}

fn canary() -> CollectLeadRequest {
    let mut request = warm("x");
    let contact = request.contact.as_mut().unwrap();
    contact.email = PERSON.email.to_owned();
    contact.name = PERSON.name.to_owned();
    contact.phone = PERSON.phone.to_owned();
    contact.company = PERSON.company.to_owned();
    contact.title = PERSON.title.to_owned();
    contact.visitor_id = PERSON.visitor_id.to_owned();
    request.intent.as_mut().unwrap().detail = DETAIL.to_owned();
    request.messages[0].text = SAID.to_owned();
    request.messages[0].role = MessageRole::Visitor.into();
    request.consents = vec![leads_proto::leads::v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        text: CONSENTED.to_owned(),
        page: CONSENT_PAGE.to_owned(),
        ..Default::default()
    }];
    request.request_id = Uuid::new_v4().to_string();
    request
}

async fn personal_data_and_secrets_are_nowhere_in_the_database(world: World) {
    world.connect().await;
    let encode = |collected: &Collected| match collected {
        Collected::Created(view) | Collected::Merged(view) => {
            convert::lead::lead((**view).clone()).encode_to_vec()
        }
        Collected::Contact(_) => convert::lead::contact(collected.clone().into()).encode_to_vec(),
    };
    let (capture, key) = convert::capture::capture(canary(), world.store.clock().now()).unwrap();
    let keyed = key.map(|key| Request { key, encode: &encode });
    let Answered::Now(collected) = world.core.collect(&world.caller, capture, keyed).await.unwrap() else {
        panic!("answered before")
    };
    let lead = lead(collected).id;
    let added = Message {
        external_id: None,
        role: Role::Visitor,
        text: ADDED.to_owned(),
        at: world.store.clock().now(),
    };
    world
        .core
        .append(&world.caller, lead, vec![added], "c", None)
        .await
        .unwrap();
    let mut renamed = canary();
    renamed.contact.as_mut().unwrap().name = "Zanarynewname".to_owned();
    world.collect(renamed).await;
    let reason = Reason {
        code: "VALIDATION".to_owned(),
        message: VENDOR_SAID.to_owned(),
        ..Reason::default()
    };
    world
        .report(&world.grant().await, JobReport::Rejected(reason))
        .await;
    assert_eq!(
        world.view(lead).await.links[0].reason.as_ref().unwrap().message,
        VENDOR_SAID
    );
    let told = Reason {
        code: "CREDENTIALS".to_owned(),
        message: CONNECTION_SAID.to_owned(),
        ..Reason::default()
    };
    world.lead("paused").await;
    let paused = JobReport::Paused {
        rest: None,
        connection_version: 0,
        reason: told.clone(),
    };
    world.report(&world.grant().await, paused).await;
    let shown = world.core.list_connections(&world.caller).await.unwrap();
    assert_eq!(shown[0].connection.problem.as_ref(), Some(&told));
    refuse_new_credentials(&world, told).await;
    let (key, secret) = mint(
        &world.store,
        &Bound::Workspace(world.workspace),
        "a key",
        Scope::ALL,
        None,
    );
    world.store.create_key(key, "test").await.unwrap();

    let address = Email::parse(MEMBER).unwrap();
    let member = world
        .core
        .create_member(&world.caller, &address, member::Role::Agent);
    member.await.unwrap();

    let dump = dump(&world).await;
    let kek = KeyEncryptionKey::from_base64(&("A".repeat(43) + "=")).unwrap();
    assert!(holds(&dump, kek.id()));
    for text in [
        PERSON.email,
        "zanary.mail",
        MEMBER,
        "canarydomain",
        PERSON.name,
        "Familyzanary",
        "familyzanary",
        "zanaryname",
        "Zanarynewname",
        PERSON.phone,
        "699887766",
        PERSON.company,
        "zanarycompany",
        PERSON.title,
        PERSON.visitor_id,
        DETAIL,
        "zanarydetail",
        SAID,
        "61,234 EUR",
        ADDED,
        CONSENTED,
        CONSENT_PAGE,
        VENDOR_SAID,
        CONNECTION_SAID,
        VENDOR_TOKEN,
        NEW_TOKEN,
        secret.as_str(),
        &secret[16..59],
    ] {
        assert!(!holds(&dump, text), "{text}");
    }
}

async fn the_search_for_canaries_finds_what_is_stored_in_the_open(world: World) {
    let mut request = canary();
    let attributes = &mut request.contact.as_mut().unwrap().attributes;
    attributes.insert("utm_source".to_owned(), "openlystored".to_owned());
    world
        .collect(CollectLeadRequest {
            request_id: String::new(),
            ..request
        })
        .await;
    let dump = dump(&world).await;
    assert!(holds(&dump, "openlystored"));
    let encoded = "prefix openlystored suffix"
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    assert!(holds(encoded.as_bytes(), "openlystored"));
    use base64::{Engine, engine::general_purpose::STANDARD};
    assert!(holds(
        STANDARD.encode("an openlystored text").as_bytes(),
        "openlystored"
    ));
}
