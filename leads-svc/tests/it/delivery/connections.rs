//! Connections that rest, are paused, are ended and made again.

use std::time::Duration;

use leads_svc::{
    domain::sync::{JobReport, Status},
    storage::jobs::{claim::Refusal, report::Report},
};

use crate::world::{HUBSPOT, PATIENCE, World, delivered, on_both_databases, paused, refusals, retry, warm};

on_both_databases!(
    a_paused_connection_rests_until_its_time_and_resumes,
    a_pause_without_an_end_waits_for_a_person,
    a_pause_stands_although_neighbours_were_delivered,
    an_answer_from_before_a_pause_does_not_end_it,
    a_claim_through_a_paused_connection_is_held,
    five_failures_let_a_connection_rest,
    being_rate_limited_is_no_failure,
    a_half_open_connection_lets_one_job_through_and_rests_longer_if_it_fails,
    a_half_open_connection_that_succeeds_works_again,
    a_resting_connection_does_not_hold_up_another_workspace,
    nothing_is_sent_before_the_first_check,
    disconnecting_drops_what_is_owed,
    a_capture_that_raced_a_disconnect_is_delivered_after_reconnecting,
    live_replicas_are_those_heard_of_in_thirty_seconds,
    a_refusal_of_credentials_that_are_replaced_by_now_pauses_nothing,
    replicas_count_failures_together,
);

const TEN_MINUTES: Duration = Duration::from_secs(600);

async fn status(world: &World, lead: uuid::Uuid) -> (Status, String) {
    let link = world.view(lead).await.links.remove(0);
    (
        link.status,
        link.reason.map(|reason| reason.code).unwrap_or_default(),
    )
}

async fn a_paused_connection_rests_until_its_time_and_resumes(world: World) {
    let id = world.connect().await;
    let first = world.lead("ana").await.id;
    world
        .report(&world.grant().await, paused(Some(TEN_MINUTES)))
        .await;
    world.core.forget(world.workspace).await;
    let second = world.lead("bo").await.id;
    assert_eq!(world.connection(id).await.state, "paused");
    assert_eq!(world.job(first).await.unwrap().attempt, 0);
    for lead in [first, second] {
        assert_eq!(
            status(&world, lead).await,
            (Status::Pending, "DAILY_LIMIT".to_owned())
        );
    }
    world.pass(TEN_MINUTES - Duration::from_secs(10));
    assert_eq!(world.publish().await, []);
    world.pass(Duration::from_secs(10));
    for grant in world.grants().await {
        world.report(&grant, delivered()).await;
    }
    for lead in [first, second] {
        assert_eq!(status(&world, lead).await, (Status::Synced, String::new()));
    }
    assert_eq!(world.connection(id).await.state, "connected");
}

async fn a_pause_without_an_end_waits_for_a_person(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    world.report(&world.grant().await, paused(None)).await;
    world.pass(Duration::from_secs(1_000 * 3_600));
    assert_eq!(world.publish().await, []);
    world.connect().await;
    world.deliver().await;
    assert_eq!(status(&world, lead).await.0, Status::Synced);
}

async fn a_pause_stands_although_neighbours_were_delivered(world: World) {
    let id = world.connect().await;
    for name in ["ana", "bo", "cy"] {
        world.lead(name).await;
    }
    let mut outcomes = Vec::new();
    for (index, grant) in world.grants().await.into_iter().enumerate() {
        let outcome = if index == 1 {
            paused(Some(TEN_MINUTES))
        } else {
            delivered()
        };
        outcomes.push((grant, outcome));
    }
    world.report_all(outcomes).await;
    assert_eq!(world.connection(id).await.state, "paused");
    world.lead("dee").await;
    assert_eq!(world.publish().await, []);
}

async fn an_answer_from_before_a_pause_does_not_end_it(world: World) {
    let id = world.connect().await;
    for name in ["ana", "bo"] {
        world.lead(name).await;
    }
    let grants = world.grants().await;
    world.report(&grants[0], paused(None)).await;
    world.report(&grants[1], delivered()).await;
    assert_eq!(world.connection(id).await.state, "paused");
}

async fn a_claim_through_a_paused_connection_is_held(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let grant = world.grant().await;
    world.lead("bo").await;
    let hints = world.publish().await;
    world.report(&grant, paused(Some(TEN_MINUTES))).await;
    assert_eq!(refusals(world.claim(&hints).await), [Refusal::Held]);
}

/// Captures some people and fails all of their jobs in one report.
async fn fail(world: &World, people: usize, outcome: impl Fn() -> JobReport) {
    for person in 0..people {
        world.lead(&format!("person{person}")).await;
    }
    let grants = world.grants().await;
    assert_eq!(grants.len(), people);
    let outcomes = grants.into_iter().map(|grant| (grant, outcome())).collect();
    world.report_all(outcomes).await;
}

async fn five_failures_let_a_connection_rest(world: World) {
    let id = world.connect().await;
    fail(&world, 4, || retry(None)).await;
    assert_eq!(world.connection(id).await.resting_until, None);
    let lead = world.lead("last").await.id;
    let now = world.store.clock().now();
    let grants = world.grants().await;
    let grant = grants.iter().find(|grant| grant.lead == lead).unwrap();
    world.report(grant, retry(None)).await;
    let connection = world.connection(id).await;
    assert_eq!(connection.trips, 1);
    assert!(connection.resting_until.unwrap() >= now + Duration::from_secs(30));
    assert_eq!(
        status(&world, lead).await,
        (Status::Pending, "RESTING".to_owned())
    );
    world.pass(Duration::from_secs(20));
    assert_eq!(world.publish().await, []);
}

async fn a_refusal_of_credentials_that_are_replaced_by_now_pauses_nothing(world: World) {
    let id = world.connect().await;
    let lead = world.lead("ana").await.id;
    let refused = |version| JobReport::Paused {
        rest: None,
        reason: crate::world::reason("CREDENTIALS"),
        connection_version: version,
    };
    let old = world.grant().await;
    world.connect().await;
    world.report(&old, refused(old.connection_version)).await;
    assert_eq!(world.connection(id).await.state, "connected");
    let current = world.grant().await;
    assert!(current.connection_version > old.connection_version);
    let (connection, _) = world.delivery.connection(&world.connector, id).await.unwrap();
    assert_eq!(connection.version, current.connection_version);
    world.report(&current, refused(current.connection_version)).await;
    assert_eq!(world.connection(id).await.state, "paused");
    assert_eq!(
        status(&world, lead).await,
        (Status::Pending, "CREDENTIALS".to_owned())
    );
}

async fn replicas_count_failures_together(world: World) {
    let id = world.connect().await;
    for person in 0..5 {
        world.lead(&format!("person{person}")).await;
    }
    let (_, second) = world.replica().await;
    for (index, grant) in world.grants().await.into_iter().enumerate() {
        assert_eq!(world.connection(id).await.trips, 0);
        let report = Report {
            job: world.job(grant.lead).await.unwrap().id,
            token: grant.token,
            outcome: retry(None),
        };
        let delivery = if index % 2 == 0 { &world.delivery } else { &second };
        delivery.report(&world.connector, &[report]).await.unwrap();
    }
    assert_eq!(world.connection(id).await.trips, 1);
}

async fn being_rate_limited_is_no_failure(world: World) {
    let id = world.connect().await;
    fail(&world, 20, || JobReport::Retry {
        reason: crate::world::reason("RATE_LIMITED"),
        after: Some(Duration::from_secs(1)),
    })
    .await;
    assert_eq!(world.connection(id).await.trips, 0);
}

async fn a_half_open_connection_lets_one_job_through_and_rests_longer_if_it_fails(world: World) {
    let id = world.connect().await;
    fail(&world, 6, || retry(None)).await;
    assert_eq!(world.connection(id).await.trips, 1);
    for (trips, rest) in [(2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (7, 900)] {
        world.pass(Duration::from_secs(900));
        let grants = world.grants().await;
        assert_eq!(grants.len(), 1, "after trip {trips}");
        assert_eq!(world.publish().await, []);
        let now = world.store.clock().now();
        world.report(&grants[0], retry(None)).await;
        let connection = world.connection(id).await;
        let rested = connection.resting_until.unwrap() - now;
        assert_eq!(connection.trips, trips);
        assert!(
            (rest..rest + 10).contains(&rested.num_seconds()),
            "{rested} after trip {trips}"
        );
    }
}

async fn a_half_open_connection_that_succeeds_works_again(world: World) {
    let id = world.connect().await;
    fail(&world, 6, || retry(None)).await;
    world.pass(Duration::from_secs(60));
    world.deliver().await;
    let connection = world.connection(id).await;
    assert_eq!((connection.trips, connection.resting_until), (0, None));
    assert_eq!(world.grants().await.len(), 5);
}

async fn a_resting_connection_does_not_hold_up_another_workspace(world: World) {
    world.connect().await;
    fail(&world, 6, || retry(None)).await;
    let (other, caller) = world.tenant(crate::world::settings()).await;
    world.connect_workspace(other).await;
    world.lead_as(&caller, "ana").await;
    let grant = world.grant().await;
    assert_eq!(grant.workspace, other);
    assert_eq!(world.report_of(&grant, other, delivered()).await, "done");
}

async fn nothing_is_sent_before_the_first_check(world: World) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let mapping = std::collections::BTreeMap::new();
    let asked = world
        .store
        .connect_provider(world.workspace, &keys, HUBSPOT, "pat-new", &mapping, "test");
    asked.await.unwrap();
    let lead = world.lead("ana").await.id;
    assert_eq!(world.state(lead).await, "pending");
    assert_eq!(world.publish().await, []);
    let (_, connection, secret) = world
        .delivery
        .claim_tasks(&world.connector, 20)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(secret, "pat-new");
    assert_eq!(connection.workspace, world.workspace);
}

async fn disconnecting_drops_what_is_owed(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    let hints = world.publish().await;
    world
        .core
        .disconnect_provider(&world.caller, HUBSPOT)
        .await
        .unwrap();
    assert_eq!(world.state(lead).await, "none");
    assert_eq!(refusals(world.claim(&hints).await), [Refusal::Gone]);
    assert_eq!(status(&world, lead).await.0, Status::NotConnected);
    assert!(world.core.get_connection(&world.caller, HUBSPOT).await.is_err());

    world.connect().await;
    world.core.backfill_some().await.unwrap();
    world.deliver().await;
    assert_eq!(status(&world, lead).await.0, Status::Synced);
}

async fn a_capture_that_raced_a_disconnect_is_delivered_after_reconnecting(world: World) {
    world.connect().await;
    // The first replica still believes in the connection that the second one has ended.
    world.core.facts(world.workspace).await.unwrap();
    let (other, _) = world.replica().await;
    other.disconnect_provider(&world.caller, HUBSPOT).await.unwrap();
    let lead = crate::world::lead(world.collect(warm("ana")).await).id;

    world.connect().await;
    world.core.backfill_some().await.unwrap();
    world.deliver().await;
    assert_eq!(status(&world, lead).await.0, Status::Synced);
}

async fn live_replicas_are_those_heard_of_in_thirty_seconds(world: World) {
    let beat = async |replica: &str| world.delivery.heartbeat(&world.connector, replica).await.unwrap();
    assert_eq!(beat("one").await, 1);
    assert_eq!(beat("two").await, 2);
    assert_eq!(beat("one").await, 2);
    world.pass(Duration::from_secs(20));
    assert_eq!(beat("two").await, 2);
    world.pass(Duration::from_secs(20));
    assert_eq!(beat("two").await, 1);
    world.pass(PATIENCE);
    assert_eq!(beat("one").await, 2);
}

impl World {
    /// Reports on a lead of any workspace; the state that its job has then.
    async fn report_of(
        &self,
        grant: &leads_svc::storage::jobs::claim::Grant,
        workspace: uuid::Uuid,
        outcome: leads_svc::domain::sync::JobReport,
    ) -> String {
        let lead = grant.lead;
        let job = self.job(lead).await.unwrap();
        assert_eq!(job.workspace_id, workspace);
        let report = Report {
            job: job.id,
            token: grant.token,
            outcome,
        };
        self.delivery.report(&self.connector, &[report]).await.unwrap();
        self.state(lead).await
    }
}
