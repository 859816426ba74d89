//! How fast a key may go on, where one call stands for many.

use leads_proto::leads::v1::{
    BatchCollectLeadsRequest, BatchCollectLeadsResponse, ListLeadsRequest, ListLeadsResponse,
};

use super::service::{Service, reason};
use crate::world::{World, on_both_databases, warm};

on_both_databases!(
    a_batch_counts_as_its_captures,
    a_batch_larger_than_the_burst_counts_as_a_whole_burst,
);

const BATCH: &str = "/leads.v1.LeadsService/BatchCollectLeads";
const LIST: &str = "/leads.v1.LeadsService/ListLeads";

fn batch(captures: usize) -> BatchCollectLeadsRequest {
    BatchCollectLeadsRequest {
        requests: (0..captures)
            .map(|number| warm(&format!("person{number}")))
            .collect(),
    }
}

async fn a_batch_counts_as_its_captures(world: World) {
    let service = Service::start_at(world, 10).await;
    let key = service.key_of(service.world.workspace).await;
    let answer: BatchCollectLeadsResponse = service.ask(BATCH, &key, &batch(6)).await.unwrap();
    assert_eq!(answer.results.len(), 6);
    // Four calls are left, of which this is one.
    let refused = service
        .ask::<BatchCollectLeadsResponse>(BATCH, &key, &batch(6))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMITED");
    let other = service.key_of(service.world.workspace).await;
    let stored: ListLeadsResponse = service
        .ask(LIST, &other, &ListLeadsRequest::default())
        .await
        .unwrap();
    assert_eq!(stored.leads.len(), 6, "a refused batch stores nothing");
}

async fn a_batch_larger_than_the_burst_counts_as_a_whole_burst(world: World) {
    let service = Service::start_at(world, 3).await;
    let key = service.key_of(service.world.workspace).await;
    let answer: BatchCollectLeadsResponse = service.ask(BATCH, &key, &batch(5)).await.unwrap();
    assert_eq!(answer.results.len(), 5);
    let refused = service.call(LIST, &key, Vec::new()).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMITED");
}
