//! Keys that are not, no longer, or not yet keys.

use std::time::{Duration, Instant};

use leads_proto::leads::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest,
    RevokeApiKeyResponse,
};
use leads_svc::service::{
    keys::mint,
    principal::{Bound, Scope},
};
use tonic::Code;

use super::service::{Service, seen};
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_key_that_is_malformed_unknown_expired_or_of_another_kind_gets_the_same_answer,
    a_revoked_key_is_refused_everywhere_within_five_seconds,
    a_key_expires_by_itself,
    a_key_can_do_no_more_than_the_one_that_made_it,
);

const LIST: &str = "/leads.v1.LeadsService/ListLeads";
const CREATE_KEY: &str = "/leads.v1.WorkspacesService/CreateApiKey";
const LIST_KEYS: &str = "/leads.v1.WorkspacesService/ListApiKeys";
const REVOKE: &str = "/leads.v1.WorkspacesService/RevokeApiKey";

async fn a_key_that_is_malformed_unknown_expired_or_of_another_kind_gets_the_same_answer(world: World) {
    let service = Service::start(world).await;
    let bound = Bound::Workspace(service.world.workspace);
    let key = service.key(&bound, Scope::ALL).await;
    assert!(service.call(LIST, &key, Vec::new()).await.is_ok());
    let store = &service.world.store;
    let (_, unknown) = mint(store, &bound, "never stored", Scope::ALL, None);
    let past = store.clock().now() - Duration::from_secs(1);
    let (expired, expired_text) = mint(store, &bound, "expired", Scope::ALL, Some(past));
    store.create_key(expired, "test").await.unwrap();
    // Same public part, another secret.
    let (mut stolen, stolen_text) = mint(store, &bound, "stolen id", Scope::ALL, None);
    stolen.digest = vec![7; 32];
    store.create_key(stolen, "test").await.unwrap();
    // Stored as a workspace's, presented as a platform's.
    let (mut other_kind, platform_text) = mint(store, &Bound::Platform, "kind", Scope::ALL, None);
    other_kind.workspace = Some(service.world.workspace);
    store.create_key(other_kind, "test").await.unwrap();
    let shortened = &key[..key.len() - 1];
    let refused: Vec<_> = [
        "x",
        "ak_",
        shortened,
        &unknown,
        &expired_text,
        &stolen_text,
        &platform_text,
    ]
    .into();
    let mut answers = Vec::new();
    for key in refused {
        answers.push(seen(&service.call(LIST, key, Vec::new()).await.unwrap_err()));
    }
    assert_eq!(answers[0].0, Code::Unauthenticated);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

async fn a_revoked_key_is_refused_everywhere_within_five_seconds(world: World) {
    let service = Service::start(world).await;
    let admin = service.key_of(service.world.workspace).await;
    let request = CreateApiKeyRequest {
        name: "short-lived".to_owned(),
        scopes: vec!["leads.read".to_owned()],
        expires_at: None,
        member_id: String::new(),
    };
    let created: CreateApiKeyResponse = service.ask(CREATE_KEY, &admin, &request).await.unwrap();
    assert!(service.call(LIST, &created.secret, Vec::new()).await.is_ok());
    let key_id = created.key.unwrap().id;
    let request = RevokeApiKeyRequest {
        key_id: key_id.clone(),
    };
    let _: RevokeApiKeyResponse = service.ask(REVOKE, &admin, &request).await.unwrap();
    let revoked = Instant::now();
    loop {
        let asked = revoked.elapsed();
        match service.call(LIST, &created.secret, Vec::new()).await {
            Err(status) => {
                assert_eq!(status.code(), Code::Unauthenticated);
                break;
            }
            Ok(_) => assert!(asked < Duration::from_secs(5), "still accepted after {asked:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let keys: ListApiKeysResponse = service
        .ask(LIST_KEYS, &admin, &ListApiKeysRequest {})
        .await
        .unwrap();
    let listed = keys.keys.iter().find(|key| key.id == key_id).unwrap();
    assert!(listed.revoked_at.is_some());
    let _: RevokeApiKeyResponse = service.ask(REVOKE, &admin, &request).await.unwrap();
}

async fn a_key_expires_by_itself(world: World) {
    let service = Service::start(world).await;
    let store = &service.world.store;
    let bound = Bound::Workspace(service.world.workspace);
    let end = store.clock().now() + Duration::from_secs(60);
    let (key, text) = mint(store, &bound, "an hour", &[Scope::LeadsRead], Some(end));
    store.create_key(key, "test").await.unwrap();
    assert!(service.call(LIST, &text, Vec::new()).await.is_ok());
    service.world.pass(Duration::from_secs(61));
    let refused = service.call(LIST, &text, Vec::new()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

async fn a_key_can_do_no_more_than_the_one_that_made_it(world: World) {
    let service = Service::start(world).await;
    let bound = Bound::Workspace(service.world.workspace);
    let admin = service
        .key(&bound, &[Scope::WorkspaceAdmin, Scope::LeadsRead])
        .await;
    for (scopes, allowed) in [
        (vec!["leads.read"], true),
        (vec!["leads.read", "leads.write"], false),
        (vec!["connector"], false),
        (vec!["platform.workspaces"], false),
    ] {
        let request = CreateApiKeyRequest {
            name: "child".to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            expires_at: None,
            member_id: String::new(),
        };
        let created = service
            .ask::<CreateApiKeyResponse>(CREATE_KEY, &admin, &request)
            .await;
        assert_eq!(created.is_ok(), allowed, "{scopes:?}");
    }
}
