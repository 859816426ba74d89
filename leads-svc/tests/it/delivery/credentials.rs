//! Credentials that are exchanged, field mappings that change, accounts that are other ones than before.

use std::{collections::BTreeMap, time::Duration};

use leads_svc::{
    domain::{
        consent::{Consent, Details},
        lead::Channel,
        sync::{Reason, Status},
    },
    service::{
        connector::{Connection, Facts},
        integrations::{Owing, State},
        leads::LeadChange,
    },
    storage::{
        entity::connection_task,
        jobs::report::Receipt,
        tasks::{Leased, Outcome},
    },
};
use sea_orm::{EntityTrait, sea_query::Expr};
use uuid::Uuid;

use crate::world::{
    HUBSPOT, VENDOR_TOKEN, World, cold, delivered, lead, on_both_databases, paused, reason, settings,
};

on_both_databases!(
    working_credentials_are_used_until_new_ones_are_checked,
    checked_credentials_and_mapping_take_effect_together,
    credentials_that_are_refused_leave_the_connection_as_it_was,
    a_paused_connection_that_is_given_wrong_credentials_stays_paused,
    a_first_check_that_fails_can_be_repeated_with_other_credentials,
    a_check_that_is_tried_again_still_has_the_new_credentials,
    a_vendor_that_is_away_for_half_an_hour_costs_no_credentials,
    a_check_that_cannot_be_made_for_an_hour_has_failed,
    a_check_whose_credentials_cannot_be_read_fails_alone,
    only_the_newest_credentials_count,
    the_caller_is_told_why_new_credentials_were_refused,
    another_account_is_owed_every_lead_anew,
    another_account_is_not_owed_what_was_refused,
    a_mapped_owner_is_synced_when_it_changes,
);

const NEW_TOKEN: &str = "pat-new";

fn mapping(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(field, property): &(&str, &str)| ((*field).to_owned(), (*property).to_owned());
    pairs.iter().map(own).collect()
}

async fn ask(world: &World, secret: &str, mapping: &BTreeMap<String, String>) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    world
        .store
        .connect_provider(world.workspace, &keys, HUBSPOT, secret, mapping, "test")
        .await
        .unwrap();
}

/// The one task that is due.
async fn task(world: &World) -> (Leased, Connection, String) {
    let mut tasks = world.delivery.claim_tasks(&world.connector, 20).await.unwrap();
    assert_eq!(tasks.len(), 1);
    tasks.remove(0)
}

async fn settle(world: &World, task: &Leased, outcome: Outcome) -> Receipt {
    let reported = world
        .delivery
        .report_task(&world.connector, task.id, task.token, outcome);
    let receipt = reported.await.unwrap();
    world.core.forget(world.workspace).await;
    receipt
}

fn works(account: &str) -> Outcome {
    Outcome::Connected(Facts {
        account_id: account.to_owned(),
        ui_domain: "app.hubspot.example".to_owned(),
        limits: None,
    })
}

fn refused() -> Outcome {
    Outcome::Failed(reason("CREDENTIALS"))
}

/// What a connector is given for syncs.
async fn in_use(world: &World, id: Uuid) -> (String, BTreeMap<String, String>) {
    let (connection, secret) = world.delivery.connection(&world.connector, id).await.unwrap();
    (secret, connection.field_mapping)
}

async fn shown(world: &World) -> (State, Option<String>) {
    let owing = world.core.get_connection(&world.caller, HUBSPOT).await.unwrap();
    (
        owing.connection.state,
        owing.connection.problem.map(|problem| problem.code),
    )
}

async fn working_credentials_are_used_until_new_ones_are_checked(world: World) {
    let id = world.connect().await;
    world.lead("ana").await;
    ask(&world, NEW_TOKEN, &mapping(&[("title", "role")])).await;
    assert_eq!(
        shown(&world).await,
        (State::Connected, Some("CHECKING".to_owned()))
    );
    world.deliver().await;
    assert_eq!(
        in_use(&world, id).await,
        (VENDOR_TOKEN.to_owned(), BTreeMap::new())
    );
    let (_, checked, secret) = task(&world).await;
    assert_eq!(
        (secret.as_str(), checked.field_mapping),
        (NEW_TOKEN, mapping(&[("title", "role")]))
    );
}

async fn checked_credentials_and_mapping_take_effect_together(world: World) {
    let id = world.connect().await;
    ask(&world, NEW_TOKEN, &mapping(&[("title", "role")])).await;
    let (leased, ..) = task(&world).await;
    assert_eq!(settle(&world, &leased, works("42")).await, Receipt::Recorded);
    assert_eq!(
        in_use(&world, id).await,
        (NEW_TOKEN.to_owned(), mapping(&[("title", "role")]))
    );
    assert_eq!(shown(&world).await, (State::Connected, None));
    let tasks = connection_task::Entity::find().all(&world.raw).await.unwrap();
    assert!(tasks.iter().all(|task| task.sealed.is_none()));
}

async fn credentials_that_are_refused_leave_the_connection_as_it_was(world: World) {
    let id = world.connect().await;
    ask(&world, NEW_TOKEN, &mapping(&[("title", "role")])).await;
    let (leased, ..) = task(&world).await;
    assert_eq!(settle(&world, &leased, refused()).await, Receipt::Recorded);
    assert_eq!(
        in_use(&world, id).await,
        (VENDOR_TOKEN.to_owned(), BTreeMap::new())
    );
    assert_eq!(
        shown(&world).await,
        (State::Connected, Some("CREDENTIALS".to_owned()))
    );
    let tasks = connection_task::Entity::find().all(&world.raw).await.unwrap();
    assert!(tasks.iter().all(|task| task.sealed.is_none()));
    let lead = world.lead("ana").await.id;
    world.deliver().await;
    assert_eq!(world.view(lead).await.links[0].status, Status::Synced);
}

async fn a_paused_connection_that_is_given_wrong_credentials_stays_paused(world: World) {
    world.connect().await;
    world.lead("ana").await;
    world.report(&world.grant().await, paused(None)).await;
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    settle(&world, &task(&world).await.0, refused()).await;
    assert_eq!(
        shown(&world).await,
        (State::Paused, Some("DAILY_LIMIT".to_owned()))
    );
    assert_eq!(world.publish().await, []);
}

async fn a_first_check_that_fails_can_be_repeated_with_other_credentials(world: World) {
    ask(&world, "pat-wrong", &BTreeMap::new()).await;
    let (leased, connection, _) = task(&world).await;
    settle(&world, &leased, refused()).await;
    assert_eq!(
        shown(&world).await,
        (State::Failed, Some("CREDENTIALS".to_owned()))
    );
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    assert_eq!(shown(&world).await, (State::Connecting, None));
    settle(&world, &task(&world).await.0, works("42")).await;
    assert_eq!(shown(&world).await, (State::Connected, None));
    assert_eq!(in_use(&world, connection.id).await.0, NEW_TOKEN);
}

async fn a_check_that_is_tried_again_still_has_the_new_credentials(world: World) {
    let id = world.connect().await;
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    let later = Outcome::Retry {
        reason: reason("UNAVAILABLE"),
        after: None,
    };
    settle(&world, &task(&world).await.0, later).await;
    assert_eq!(
        shown(&world).await,
        (State::Connected, Some("UNAVAILABLE".to_owned()))
    );
    world.pass(Duration::from_secs(60));
    let (leased, _, secret) = task(&world).await;
    assert_eq!(secret, NEW_TOKEN);
    settle(&world, &leased, works("42")).await;
    assert_eq!(in_use(&world, id).await.0, NEW_TOKEN);
}

fn away() -> Outcome {
    Outcome::Retry {
        reason: reason("UNAVAILABLE"),
        after: None,
    }
}

async fn a_vendor_that_is_away_for_half_an_hour_costs_no_credentials(world: World) {
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    for _ in 0..28 {
        settle(&world, &task(&world).await.0, away()).await;
        assert_eq!(
            shown(&world).await,
            (State::Connecting, Some("UNAVAILABLE".to_owned()))
        );
        world.pass(Duration::from_secs(64));
    }
    let (leased, connection, _) = task(&world).await;
    settle(&world, &leased, works("42")).await;
    assert_eq!(shown(&world).await, (State::Connected, None));
    assert_eq!(in_use(&world, connection.id).await.0, NEW_TOKEN);
}

async fn a_check_that_cannot_be_made_for_an_hour_has_failed(world: World) {
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    settle(&world, &task(&world).await.0, away()).await;
    world.pass(Duration::from_secs(3_601));
    settle(&world, &task(&world).await.0, away()).await;
    assert_eq!(
        shown(&world).await,
        (State::Failed, Some("UNAVAILABLE".to_owned()))
    );
    let tasks = connection_task::Entity::find().all(&world.raw).await.unwrap();
    assert!(tasks.iter().all(|task| task.sealed.is_none()));
}

async fn a_check_whose_credentials_cannot_be_read_fails_alone(world: World) {
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    connection_task::Entity::update_many()
        .col_expr(connection_task::Column::Sealed, Expr::value(Some(vec![1_u8; 60])))
        .exec(&world.raw)
        .await
        .unwrap();
    let (other, _) = world.tenant(settings()).await;
    let keys = world.store.workspace_keys(other).await.unwrap();
    let nothing = BTreeMap::new();
    let asked = world
        .store
        .connect_provider(other, &keys, HUBSPOT, NEW_TOKEN, &nothing, "test");
    asked.await.unwrap();
    let (_, connection, secret) = task(&world).await;
    assert_eq!((connection.workspace, secret.as_str()), (other, NEW_TOKEN));
    assert_eq!(
        shown(&world).await,
        (State::Failed, Some("UNREADABLE_CONNECTION".to_owned()))
    );
}

async fn only_the_newest_credentials_count(world: World) {
    let id = world.connect().await;
    ask(&world, "pat-older", &BTreeMap::new()).await;
    let (older, ..) = task(&world).await;
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    assert_eq!(settle(&world, &older, works("42")).await, Receipt::Gone);
    assert_eq!(in_use(&world, id).await.0, VENDOR_TOKEN);
    settle(&world, &task(&world).await.0, works("42")).await;
    assert_eq!(in_use(&world, id).await.0, NEW_TOKEN);
}

/// Connects through the use case while a connector answers.
async fn connect(world: &World, outcome: Outcome) -> Owing {
    let connector = async {
        loop {
            let tasks = world.delivery.claim_tasks(&world.connector, 20).await.unwrap();
            if let Some((task, ..)) = tasks.into_iter().next() {
                settle(world, &task, outcome).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let nothing = BTreeMap::new();
    let asked = world
        .core
        .connect_provider(&world.caller, HUBSPOT, NEW_TOKEN, &nothing);
    tokio::join!(asked, connector).0.unwrap()
}

async fn the_caller_is_told_why_new_credentials_were_refused(world: World) {
    world.connect().await;
    let Owing { connection, .. } = connect(&world, refused()).await;
    assert_eq!(
        (connection.state, connection.problem),
        (State::Connected, Some(reason("CREDENTIALS")))
    );
    world.lead("ana").await;
    let rest = paused(None);
    world.report(&world.grant().await, rest).await;
    // A connection that is paused for another reason tells this one first.
    let Owing { connection, .. } = connect(&world, refused()).await;
    let code = |problem: Option<Reason>| problem.map(|problem| problem.code).unwrap_or_default();
    assert_eq!(
        (connection.state, code(connection.problem).as_str()),
        (State::Paused, "CREDENTIALS")
    );
    let Owing { connection, .. } = connect(&world, works("42")).await;
    assert_eq!((connection.state, connection.problem), (State::Connected, None));
}

async fn another_account_is_owed_every_lead_anew(world: World) {
    let id = world.connect().await;
    let (done, forced) = (
        world.lead("done").await.id,
        lead(world.collect(cold("forced")).await).id,
    );
    let below = lead(world.collect(cold("below")).await).id;
    world.core.sync_lead(&world.caller, forced, None).await.unwrap();
    for grant in world.grants().await {
        world.report(&grant, delivered()).await;
    }
    let running = world.lead("running").await.id;
    let late = world.grant().await;
    let job = world.job(done).await.unwrap();
    assert_eq!((job.state.as_str(), job.external_id.as_str()), ("done", "1001"));

    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    settle(&world, &task(&world).await.0, works("43")).await;
    assert_eq!(world.connection(id).await.account_id, "43");
    assert_eq!(
        world.report(&late, delivered()).await,
        Receipt::LeaseLost,
        "what reached the old account does not count"
    );
    for lead in [done, forced, running] {
        let job = world.job(lead).await.unwrap();
        assert_eq!((job.state.as_str(), job.synced_revision), ("pending", 0));
        assert_eq!((job.external_id.as_str(), job.url.as_str()), ("", ""));
    }
    assert_eq!(world.state(below).await, "none");
    let grants = world.grants().await;
    assert_eq!(grants.len(), 3);
    assert!(
        grants
            .iter()
            .all(|grant| grant.external_id.is_empty() && !grant.verify)
    );

    // The same account again owes nothing.
    for grant in grants {
        world.report(&grant, delivered()).await;
    }
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    settle(&world, &task(&world).await.0, works("43")).await;
    assert_eq!(world.state(done).await, "done");
}

async fn refuse(world: &World, lead: Uuid) {
    let consent = Consent {
        purpose: "sales_contact".to_owned(),
        given: false,
        text: "May we contact you?".to_owned(),
        version: String::new(),
        channel: Channel::Widget,
        at: world.store.clock().now(),
        details: Details::default(),
    };
    let recorded = world.core.record_consent(&world.caller, lead, consent);
    recorded.await.unwrap();
}

async fn another_account_is_not_owed_what_was_refused(world: World) {
    world.connect().await;
    let (synced, changed) = (world.lead("synced").await.id, world.lead("changed").await.id);
    for grant in world.grants().await {
        world.report(&grant, delivered()).await;
    }
    world.core.sync_lead(&world.caller, changed, None).await.unwrap();
    for lead in [synced, changed] {
        refuse(&world, lead).await;
    }
    assert_eq!(
        (world.state(synced).await, world.state(changed).await),
        ("done".to_owned(), "dead".to_owned())
    );
    ask(&world, NEW_TOKEN, &BTreeMap::new()).await;
    settle(&world, &task(&world).await.0, works("43")).await;
    assert!(world.grants().await.is_empty());
    for lead in [synced, changed] {
        let job = world.job(lead).await.unwrap();
        assert_eq!((job.state.as_str(), job.synced_revision), ("dead", 0));
        assert_eq!((job.external_id.as_str(), job.url.as_str()), ("", ""));
    }
    // Once it is allowed, all of them are.
    world
        .change_settings(|settings| settings.consent_purpose = "newsletter".to_owned())
        .await;
    while world.core.backfill_some().await.unwrap() {}
    assert_eq!(world.grants().await.len(), 2);
}

async fn a_mapped_owner_is_synced_when_it_changes(world: World) {
    ask(&world, NEW_TOKEN, &mapping(&[("owner", "sales_owner")])).await;
    settle(&world, &task(&world).await.0, works("42")).await;
    let id = world.lead("ana").await.id;
    world.deliver().await;
    let owned_by = |owner: &str| LeadChange {
        owner: Some(owner.to_owned()),
        ..LeadChange::default()
    };
    let view = world
        .core
        .update_lead(&world.caller, id, owned_by("sam"))
        .await
        .unwrap();
    assert_eq!(view.lead.sync_revision, 2);
    assert_eq!(view.links[0].status, Status::Pending);
    let grant = world.grant().await;
    assert_eq!(grant.record.as_ref().unwrap().lead.owner, "sam");
    world.report(&grant, delivered()).await;

    let same = world.core.update_lead(&world.caller, id, owned_by("sam")).await;
    assert_eq!(same.unwrap().lead.sync_revision, 2);
    // An empty name leaves the owner out.
    ask(&world, NEW_TOKEN, &mapping(&[("owner", "")])).await;
    settle(&world, &task(&world).await.0, works("42")).await;
    let unsent = world.core.update_lead(&world.caller, id, owned_by("kim")).await;
    assert_eq!(unsent.unwrap().lead.sync_revision, 2);
}
