//! From a change that is owed to a CRM that has it.

use std::time::Duration;

use leads_svc::{
    domain::{lead::Stage, sync::Status},
    service::leads::LeadChange,
    storage::{
        entity::lead,
        jobs::{
            claim::Refusal,
            report::{Receipt, Report, Unused},
        },
    },
};

use crate::world::{
    HUBSPOT, LEASE, PATIENCE, World, delivered, granted, on_both_databases, refusals, rejected, retry,
    unknown,
};

on_both_databases!(
    a_change_is_published_claimed_delivered_and_done,
    ten_edits_are_one_job_with_the_newest_revision,
    a_newer_revision_of_a_running_job_is_written_after_it,
    tags_and_owner_are_not_written_to_the_crm,
    a_hint_of_an_older_publication_is_refused,
    jobs_that_cannot_be_granted_say_why,
    a_claim_of_nothing_grants_nothing,
    a_report_counts_once_whatever_it_says_later,
    a_job_that_is_named_twice_in_a_report_counts_once,
    a_report_of_a_job_that_is_gone_says_so,
    a_released_lease_is_due_again_and_counts_no_attempt,
    a_release_with_another_token_changes_nothing,
    a_job_that_is_put_off_is_not_due_before_its_time,
    a_lead_that_cannot_be_read_is_given_up_with_a_reason_and_its_neighbours_go_on,
);

pub(super) async fn move_to(world: &World, lead: uuid::Uuid, stage: Stage) {
    let change = LeadChange {
        stage: Some(stage),
        ..LeadChange::default()
    };
    world.core.update_lead(&world.caller, lead, change).await.unwrap();
}

async fn a_change_is_published_claimed_delivered_and_done(world: World) {
    let connection = world.connect().await;
    let lead = world.lead("ana").await;
    let link = world.view(lead.id).await.links.remove(0);
    assert_eq!((link.status, link.wanted_revision), (Status::Pending, 1));

    let hints = world.publish().await;
    assert_eq!(hints.len(), 1);
    assert_eq!((hints[0].generation, hints[0].workspace), (1, world.workspace));
    assert_eq!(world.state(lead.id).await, "published");
    assert_eq!(world.publish().await, []);

    let grant = granted(world.claim(&hints).await.remove(0));
    assert_eq!(world.state(lead.id).await, "running");
    assert_eq!((grant.connection, grant.workspace), (connection, world.workspace));
    assert_eq!((grant.attempt, grant.solo, grant.verify), (0, false, false));
    assert_eq!(
        grant.record.as_ref().unwrap().contact.profile.email.as_deref(),
        Some("ana@leads.example")
    );
    assert_eq!(grant.lead, lead.id);

    world.pass(Duration::from_secs(3));
    assert_eq!(world.report(&grant, delivered()).await, Receipt::Recorded);
    assert_eq!(world.state(lead.id).await, "done");
    let link = world.view(lead.id).await.links.remove(0);
    assert_eq!(link.status, Status::Synced);
    assert_eq!((link.external_id.as_str(), link.synced_revision), ("1001", 1));
    assert!((3_000..60_000).contains(&link.latency_ms), "{}", link.latency_ms);
    assert_eq!(world.timeline(lead.id).await, ["captured", "scored", "synced"]);
    assert_eq!(world.publish().await, []);
}

async fn ten_edits_are_one_job_with_the_newest_revision(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    for round in 0..10 {
        let stage = if round % 2 == 0 {
            Stage::Contacted
        } else {
            Stage::Qualified
        };
        move_to(&world, lead.id, stage).await;
    }
    let grant = world.grant().await;
    assert_eq!(grant.record.as_ref().unwrap().lead.sync_revision, 11);
    assert_eq!(grant.record.as_ref().unwrap().lead.stage, Stage::Qualified);
    world.report(&grant, delivered()).await;
    let job = world.job(lead.id).await.unwrap();
    assert_eq!(
        (job.state.as_str(), job.wanted_revision, job.synced_revision),
        ("done", 11, 11)
    );
    assert_eq!(world.publish().await, []);
}

async fn a_newer_revision_of_a_running_job_is_written_after_it(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let first = world.grant().await;
    move_to(&world, lead.id, Stage::Contacted).await;
    assert_eq!(world.state(lead.id).await, "running");
    world.report(&first, delivered()).await;
    let job = world.job(lead.id).await.unwrap();
    assert_eq!((job.state.as_str(), job.synced_revision), ("pending", 1));

    let second = world.grant().await;
    assert_ne!(second.token, first.token);
    assert_eq!(
        (
            second.record.as_ref().unwrap().lead.sync_revision,
            second.external_id.as_str()
        ),
        (2, "1001")
    );
    world.report(&second, delivered()).await;
    let job = world.job(lead.id).await.unwrap();
    assert_eq!((job.state.as_str(), job.synced_revision), ("done", 2));
}

async fn tags_and_owner_are_not_written_to_the_crm(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    world.deliver().await;
    let change = LeadChange {
        tags: Some(vec!["vip".to_owned()]),
        owner: Some("sam".to_owned()),
        ..LeadChange::default()
    };
    let view = world
        .core
        .update_lead(&world.caller, lead.id, change)
        .await
        .unwrap();
    assert_eq!((view.lead.revision, view.lead.sync_revision), (2, 1));
    assert_eq!(world.state(lead.id).await, "done");
}

async fn a_hint_of_an_older_publication_is_refused(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let old = world.publish().await;
    world.pass(PATIENCE);
    assert_eq!(world.store.sweep().await.unwrap().unheard, 1);
    let new = world.publish().await;
    assert_eq!((old[0].generation, new[0].generation), (1, 2));
    assert_eq!(refusals(world.claim(&old).await), [Refusal::Done]);
    granted(world.claim(&new).await.remove(0));
}

async fn jobs_that_cannot_be_granted_say_why(world: World) {
    world.connect().await;
    let mut leads = Vec::new();
    for name in ["gone", "done", "later", "held"] {
        leads.push(world.lead(name).await.id);
    }
    let hints = world.publish().await;
    let mut grants = Vec::new();
    for claimed in world.claim(&hints).await {
        grants.push(granted(claimed));
    }
    for (grant, outcome) in grants.iter().map(|grant| {
        let lead = grant.lead;
        let outcome = if lead == leads[0] {
            Some(rejected())
        } else if lead == leads[1] {
            Some(delivered())
        } else if lead == leads[2] {
            Some(retry(Some(Duration::from_secs(600))))
        } else {
            None
        };
        (grant, outcome)
    }) {
        if let Some(outcome) = outcome {
            world.report(grant, outcome).await;
        }
    }
    world.core.delete_lead(&world.caller, leads[0]).await.unwrap();
    for (hint, claimed) in hints.iter().zip(world.claim(&hints).await) {
        let lead = grants
            .iter()
            .zip(&hints)
            .find(|(_, other)| other.job == hint.job)
            .map(|(grant, _)| grant.lead)
            .unwrap();
        let expected = [Refusal::Gone, Refusal::Done, Refusal::NotDue, Refusal::Held];
        let place = leads.iter().position(|other| *other == lead).unwrap();
        assert_eq!(claimed.result.err(), Some(expected[place]));
    }
}

async fn a_claim_of_nothing_grants_nothing(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let hints = world.publish().await;
    assert!(world.store.claim(HUBSPOT, &[], LEASE).await.unwrap().is_empty());
    assert_eq!(world.state(lead.id).await, "published");
    granted(world.claim(&hints).await.remove(0));
}

async fn a_report_counts_once_whatever_it_says_later(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    for outcome in [delivered(), delivered(), rejected(), retry(None), unknown()] {
        assert_eq!(world.report(&grant, outcome).await, Receipt::Recorded);
        assert_eq!(world.state(lead.id).await, "done");
    }
    assert_eq!(world.timeline(lead.id).await, ["captured", "scored", "synced"]);
}

async fn a_job_that_is_named_twice_in_a_report_counts_once(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    let twice = vec![(grant.clone(), delivered()), (grant, rejected())];
    assert_eq!(
        world.report_all(twice).await,
        [Receipt::Recorded, Receipt::Recorded]
    );
    assert_eq!(world.state(lead.id).await, "done");
}

async fn a_report_of_a_job_that_is_gone_says_so(world: World) {
    world.connect().await;
    world.lead("ana").await;
    let hints = world.publish().await;
    let grant = granted(world.claim(&hints).await.remove(0));
    world
        .core
        .disconnect_provider(&world.caller, HUBSPOT)
        .await
        .unwrap();
    let report = Report {
        job: hints[0].job,
        token: grant.token,
        outcome: delivered(),
    };
    let receipts = world.delivery.report(&world.connector, &[report]).await.unwrap();
    assert_eq!(receipts, [Receipt::Gone]);
}

fn unused(job: uuid::Uuid, token: uuid::Uuid) -> Unused {
    let after = Duration::ZERO;
    Unused { job, token, after }
}

async fn a_job_that_is_put_off_is_not_due_before_its_time(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    let put_off = Unused {
        after: Duration::from_secs(300),
        ..unused(world.job(lead.id).await.unwrap().id, grant.token)
    };
    world
        .delivery
        .release(&world.connector, &[put_off])
        .await
        .unwrap();
    world.pass(Duration::from_secs(290));
    world.store.sweep().await.unwrap();
    assert_eq!(world.publish().await, []);
    world.pass(Duration::from_secs(10));
    let again = world.grant().await;
    assert_eq!((again.attempt, again.solo, again.verify), (0, false, false));
}

async fn a_lead_that_cannot_be_read_is_given_up_with_a_reason_and_its_neighbours_go_on(world: World) {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
    world.connect().await;
    let lead = world.lead("ana").await;
    let neighbour = world.lead("bo").await;
    lead::Entity::update_many()
        .filter(lead::Column::Id.eq(lead.id))
        .col_expr(lead::Column::Channels, Expr::value(serde_json::json!("no list")))
        .exec(&world.raw)
        .await
        .unwrap();
    let hints = world.publish().await;
    let granted: Vec<_> = world
        .claim(&hints)
        .await
        .into_iter()
        .filter_map(|claimed| claimed.result.ok())
        .collect();
    assert_eq!(granted.len(), 1);
    assert_eq!(granted[0].grant.lead, neighbour.id);
    let job = world.job(lead.id).await.unwrap();
    assert_eq!(job.state, "dead");
    let reason = job.reason.unwrap();
    assert_eq!(reason["code"], "UNREADABLE_LEAD");
    for part in ["message", "hint"] {
        assert!(!reason[part].as_str().unwrap().is_empty(), "{reason}");
    }
    assert!(world.told_of_failure(lead.id).await);
}

async fn a_released_lease_is_due_again_and_counts_no_attempt(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    let job = world.job(lead.id).await.unwrap().id;
    world
        .delivery
        .release(&world.connector, &[unused(job, grant.token)])
        .await
        .unwrap();
    let again = world.grant().await;
    assert_eq!((again.attempt, again.solo, again.verify), (0, false, false));
    world.report(&again, delivered()).await;
    assert_eq!(world.state(lead.id).await, "done");
}

async fn a_release_with_another_token_changes_nothing(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    let grant = world.grant().await;
    let job = world.job(lead.id).await.unwrap().id;
    world
        .delivery
        .release(&world.connector, &[unused(job, uuid::Uuid::from_u128(7))])
        .await
        .unwrap();
    assert_eq!(world.state(lead.id).await, "running");
    world.report(&grant, delivered()).await;
    world
        .delivery
        .release(&world.connector, &[unused(job, grant.token)])
        .await
        .unwrap();
    assert_eq!(world.state(lead.id).await, "done");
}
