//! Claims of which some part is not as it should be.

use leads_proto::leads::connector::v1::{
    ClaimJobsRequest, ClaimResult, JobHint, Refusal, claim_result::Result as Claimed,
    connector_service_server::ConnectorService,
};
use leads_svc::{
    domain::{ids, sync::Status},
    grpc::connector::Connectors,
    storage::{
        entity::{contact, lead},
        jobs::publish::Hint,
    },
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use tonic::Request;
use uuid::Uuid;

use crate::world::{self, LEASE, World, delivered, granted, on_both_databases};

on_both_databases!(
    a_lead_that_cannot_be_read_does_not_stop_the_others_of_its_claim,
    a_claim_whose_leads_cannot_be_had_leaves_no_lease_behind,
    a_hint_that_is_malformed_or_foreign_is_gone,
);

async fn a_lead_that_cannot_be_read_does_not_stop_the_others_of_its_claim(world: World) {
    world.connect().await;
    let mut leads = Vec::new();
    for name in ["ana", "bo", "cy", "dee"] {
        leads.push(world.lead(name).await);
    }
    contact::Entity::update_many()
        .col_expr(contact::Column::Profile, Expr::value(vec![1_u8; 60]))
        .filter(contact::Column::Id.eq(leads[1].contact_id))
        .exec(&world.raw)
        .await
        .unwrap();
    // A value of another row is as unreadable as a damaged one.
    let of_another = lead::Entity::find_by_id(leads[0].id)
        .one(&world.raw)
        .await
        .unwrap();
    lead::Entity::update_many()
        .col_expr(
            lead::Column::IntentSealed,
            Expr::value(of_another.unwrap().intent_sealed),
        )
        .filter(lead::Column::Id.eq(leads[2].id))
        .exec(&world.raw)
        .await
        .unwrap();

    let claimed = world.claim(&world.publish().await).await;
    assert_eq!(claimed.len(), 4);
    let grants: Vec<_> = claimed
        .into_iter()
        .filter(|claimed| claimed.result.is_ok())
        .map(granted)
        .collect();
    let mut readable: Vec<Uuid> = grants.iter().map(|grant| grant.lead).collect();
    readable.sort();
    assert_eq!(readable, [leads[0].id, leads[3].id]);
    for grant in &grants {
        world.report(grant, delivered()).await;
    }
    for (lead, state) in leads.iter().zip(["done", "dead", "dead", "done"]) {
        assert_eq!(world.state(lead.id).await, state);
    }
    assert_eq!(world.view(leads[0].id).await.links[0].status, Status::Synced);
    assert_eq!(world.publish().await, []);
}

async fn claim(world: &World, hints: Vec<JobHint>) -> Vec<ClaimResult> {
    let mut request = Request::new(ClaimJobsRequest {
        hints,
        ..ClaimJobsRequest::default()
    });
    request.extensions_mut().insert(world.connector.clone());
    let connectors = Connectors::new(world.delivery.clone());
    connectors.claim_jobs(request).await.unwrap().into_inner().results
}

fn named(hint: &Hint) -> JobHint {
    JobHint {
        job_id: ids::format::<ids::Job>(hint.job),
        generation: hint.generation,
    }
}

async fn a_hint_that_is_malformed_or_foreign_is_gone(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await.id;
    let hints = world.publish().await;
    let good = named(&hints[0]);
    let bad = [
        String::new(),
        "x".to_owned(),
        "job_".to_owned(),
        "job_\u{0}\u{fffd}".to_owned(),
        // Of another kind, and nobody's.
        ids::format::<ids::Lead>(hints[0].job),
        ids::format::<ids::Job>(Uuid::from_u128(7)),
    ];
    let mut asked: Vec<JobHint> = bad
        .into_iter()
        .map(|job_id| JobHint {
            job_id,
            generation: 1,
        })
        .collect();
    asked.insert(3, good);
    let results = claim(&world, asked.clone()).await;
    assert_eq!(results.len(), asked.len());
    for (index, (hint, result)) in asked.iter().zip(results).enumerate() {
        assert_eq!(result.job_id, hint.job_id);
        match result.result.unwrap() {
            Claimed::Grant(_) => assert_eq!(index, 3),
            Claimed::Refusal(refusal) => assert_eq!(refusal, i32::from(Refusal::Gone), "{hint:?}"),
        }
    }
    assert_eq!(world.state(lead).await, "running");
}

async fn a_claim_whose_leads_cannot_be_had_leaves_no_lease_behind(world: World) {
    world.connect().await;
    let mut leads = Vec::new();
    for name in ["ana", "bo", "cy"] {
        leads.push(world.lead(name).await.id);
    }
    let hints = world.publish().await;
    let rename = async |from: &str, to: &str| {
        let statement = format!("ALTER TABLE {from} RENAME TO {to}");
        world.raw.execute_unprepared(&statement).await.unwrap();
    };
    rename("contacts", "hidden").await;
    let claimed = world
        .delivery
        .claim(&world.connector, &world::named(&hints))
        .await;
    rename("hidden", "contacts").await;
    assert!(claimed.is_err(), "{claimed:?}");
    world.pass(LEASE);
    assert_eq!(world.store.sweep().await.unwrap().expired, 0);
    for lead in leads {
        let job = world.job(lead).await.unwrap();
        assert_eq!(
            (job.state.as_str(), job.unknown_outcome, job.lease_until),
            ("pending", false, None)
        );
    }
    let grants = world.grants().await;
    assert_eq!(grants.len(), 3);
    assert!(grants.iter().all(|grant| !grant.solo && grant.attempt == 0));
}
