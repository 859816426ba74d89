//! Rotation of keys: no call fails meanwhile, and both ends of the overlap hold on every replica.

use std::time::{Duration, Instant};

use leads_proto::leads::v1::{
    ApiKey, CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest, ListApiKeysResponse,
    RevokeApiKeyRequest, RevokeApiKeyResponse, RotateApiKeyRequest, RotateApiKeyResponse,
};
use leads_svc::service::principal::{Bound, Scope};
use tonic::{Code, Status};

use super::service::{Doors, Service, reason};
use crate::world::{World, on_both_databases};

on_both_databases!(
    callers_change_over_without_a_refusal,
    an_overlap_of_zero_ends_the_old_key_at_once,
    a_key_is_replaced_once_and_by_somebody_who_has_its_scopes,
    an_ended_key_is_refused_by_every_replica_within_five_seconds,
    the_last_use_of_a_key_is_shown,
);

const LIST: &str = "/leads.v1.LeadsService/ListLeads";
const CREATE: &str = "/leads.v1.WorkspacesService/CreateApiKey";
const LIST_KEYS: &str = "/leads.v1.WorkspacesService/ListApiKeys";
const ROTATE: &str = "/leads.v1.WorkspacesService/RotateApiKey";
const REVOKE: &str = "/leads.v1.WorkspacesService/RevokeApiKey";

async fn create(service: &Service, admin: &str, scopes: &[&str]) -> (String, String) {
    let request = CreateApiKeyRequest {
        name: "chat backend".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Default::default()
    };
    let answer: CreateApiKeyResponse = service.ask(CREATE, admin, &request).await.unwrap();
    (answer.key.unwrap().id, answer.secret)
}

async fn rotate(
    service: &Service,
    admin: &str,
    key_id: &str,
    overlap: Option<i64>,
) -> Result<RotateApiKeyResponse, Status> {
    let request = RotateApiKeyRequest {
        key_id: key_id.to_owned(),
        overlap: overlap.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
    };
    service.ask(ROTATE, admin, &request).await
}

async fn listed(service: &Service, admin: &str, id: &str) -> ApiKey {
    let all: ListApiKeysResponse = service
        .ask(LIST_KEYS, admin, &ListApiKeysRequest {})
        .await
        .unwrap();
    all.keys.into_iter().find(|key| key.id == id).unwrap()
}

/// Waits until the key is refused, for at most five seconds from `since`.
async fn is_refused_within_five_seconds(doors: &Doors, key: &str, since: Instant) {
    loop {
        let asked = since.elapsed();
        match doors.call(LIST, key, None, Vec::new()).await {
            Err(status) => {
                assert_eq!(status.code(), Code::Unauthenticated);
                return;
            }
            Ok(_) => assert!(asked < Duration::from_secs(5), "still accepted after {asked:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn callers_change_over_without_a_refusal(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let other = service.replica().await;
    let (id, old) = create(&service, &admin, &["leads.read"]).await;
    let mut new = None;
    for round in 0..400 {
        if round == 100 {
            new = Some(rotate(&service, &admin, &id, None).await.unwrap());
        }
        // From the rotation on, some callers have the new key and some still the old one.
        let key = new
            .as_ref()
            .filter(|_| round % 2 == 0)
            .map_or(&old, |answer| &answer.secret);
        service.call(LIST, key, Vec::new()).await.unwrap();
        other.call(LIST, key, None, Vec::new()).await.unwrap();
    }
    let new = new.unwrap();
    let shown = new.key.unwrap();
    assert_eq!(
        (shown.name.as_str(), shown.scopes.as_slice(), shown.expires_at),
        ("chat backend", ["leads.read".to_owned()].as_slice(), None)
    );
    let old_key = listed(&service, &admin, &id).await;
    assert_eq!(old_key.replaced_by, shown.id);
    let day = old_key.expires_at.unwrap().seconds - shown.created_at.unwrap().seconds;
    assert!((86_398..=86_402).contains(&day), "{day}");

    service.world.pass(Duration::from_secs(86_300));
    service.call(LIST, &old, Vec::new()).await.unwrap();
    service.world.pass(Duration::from_secs(200));
    is_refused_within_five_seconds(&service.doors, &old, Instant::now()).await;
    service.call(LIST, &new.secret, Vec::new()).await.unwrap();
}

async fn an_overlap_of_zero_ends_the_old_key_at_once(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let other = service.replica().await;
    let (id, old) = create(&service, &admin, &["leads.read"]).await;
    other.call(LIST, &old, None, Vec::new()).await.unwrap();
    let new = rotate(&service, &admin, &id, Some(0)).await.unwrap();
    let since = Instant::now();
    is_refused_within_five_seconds(&service.doors, &old, since).await;
    is_refused_within_five_seconds(&other, &old, since).await;
    other.call(LIST, &new.secret, None, Vec::new()).await.unwrap();
    assert!(listed(&service, &admin, &id).await.revoked_at.is_some());
}

async fn a_key_is_replaced_once_and_by_somebody_who_has_its_scopes(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let (id, _) = create(&service, &admin, &["leads.read", "leads.write"]).await;
    let bound = Bound::Workspace(service.world.workspace);
    let weak = service
        .key(&bound, &[Scope::WorkspaceAdmin, Scope::LeadsRead])
        .await;
    let refused = rotate(&service, &weak, &id, None).await.unwrap_err();
    assert_eq!(reason(&refused), "SCOPE_REQUIRED");
    let refused = rotate(&service, &admin, &id, Some(7 * 86_400 + 1))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "INVALID_FIELDS");
    rotate(&service, &admin, &id, Some(7 * 86_400)).await.unwrap();
    let refused = rotate(&service, &admin, &id, None).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "KEY_ENDED")
    );

    let (revoked, _) = create(&service, &admin, &["leads.read"]).await;
    let request = RevokeApiKeyRequest {
        key_id: revoked.clone(),
    };
    let _: RevokeApiKeyResponse = service.ask(REVOKE, &admin, &request).await.unwrap();
    let refused = rotate(&service, &admin, &revoked, None).await.unwrap_err();
    assert_eq!(reason(&refused), "KEY_ENDED");
}

async fn an_ended_key_is_refused_by_every_replica_within_five_seconds(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let (second, third) = (service.replica().await, service.replica().await);
    let (id, secret) = create(&service, &admin, &["leads.read"]).await;
    for doors in [&service.doors, &second, &third] {
        doors.call(LIST, &secret, None, Vec::new()).await.unwrap();
    }
    let request = RevokeApiKeyRequest { key_id: id };
    let _: RevokeApiKeyResponse = service.ask(REVOKE, &admin, &request).await.unwrap();
    let since = Instant::now();
    futures::future::join_all(
        [&service.doors, &second, &third].map(|doors| is_refused_within_five_seconds(doors, &secret, since)),
    )
    .await;
}

async fn the_last_use_of_a_key_is_shown(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let (id, secret) = create(&service, &admin, &["leads.read"]).await;
    service.doors.auth.note_use().await.unwrap();
    assert_eq!(listed(&service, &admin, &id).await.last_used_at, None);
    service.call(LIST, &secret, Vec::new()).await.unwrap();
    service.doors.auth.note_use().await.unwrap();
    let used = listed(&service, &admin, &id).await.last_used_at.unwrap();
    let now = service.world.store.clock().now().timestamp();
    assert!((now - 5..=now).contains(&used.seconds), "{used:?}");
}
