//! Workspaces that are created: whole, and once.

use std::time::Duration;

use futures::future::join_all;
use leads_proto::reason::Reason;
use leads_svc::{
    domain::workspace::{Settings, Workspace},
    service::{
        keys::mint,
        principal::{Bound, Principal, Scope},
        workspaces::Founded,
    },
    storage::entity::{api_key, idempotency, workspace},
};
use sea_orm::{EntityTrait, PaginatorTrait};
use uuid::Uuid;

use crate::{
    at_rest::{dump, holds},
    world::{World, on_both_databases},
};

on_both_databases!(
    a_workspace_without_its_first_key_is_not_created,
    the_same_request_gets_the_same_workspace_and_key,
    the_same_request_at_once_creates_one_workspace,
    a_request_id_with_another_body_is_refused,
    a_request_id_is_new_again_after_a_day,
    without_a_request_id_every_call_creates_a_workspace,
);

async fn create(world: &World, name: &str, id: Option<Uuid>) -> Result<Founded, Reason> {
    let platform = Principal::new(
        "platform".to_owned(),
        Bound::Platform,
        vec![Scope::PlatformWorkspaces],
    );
    world
        .core
        .create_workspace(&platform, name, Settings::default(), id)
        .await
        .map_err(|error| error.reason)
}

/// Workspaces and keys that are stored.
async fn stored(world: &World) -> (u64, u64) {
    (
        workspace::Entity::find().count(&world.raw).await.unwrap(),
        api_key::Entity::find().count(&world.raw).await.unwrap(),
    )
}

async fn a_workspace_without_its_first_key_is_not_created(world: World) {
    let (key, _) = mint(&world.store, &Bound::Platform, "taken", &[], None);
    world.store.create_key(key.clone(), "test").await.unwrap();
    let before = stored(&world).await;
    let workspace = Workspace {
        id: Uuid::now_v7(),
        name: "New".to_owned(),
        settings: Settings::default(),
        plan: world.store.default_plan(),
        created_at: world.store.clock().now(),
    };
    world
        .store
        .create_workspace(&workspace, key, None, "test")
        .await
        .unwrap_err();
    assert_eq!(stored(&world).await, before);
}

async fn the_same_request_gets_the_same_workspace_and_key(world: World) {
    let id = Some(Uuid::new_v4());
    let first = create(&world, "New", id).await.unwrap();
    let after = stored(&world).await;
    world.pass(Duration::from_secs(23 * 3_600));
    assert_eq!(create(&world, "New", id).await.unwrap(), first);
    assert_eq!(stored(&world).await, after);
    assert!(
        !holds(&dump(&world).await, &first.key),
        "the key is kept in clear"
    );
}

async fn the_same_request_at_once_creates_one_workspace(world: World) {
    let (id, before) = (Some(Uuid::new_v4()), stored(&world).await);
    let created = join_all((0..16).map(|_| create(&world, "New", id))).await;
    let created: Vec<Founded> = created.into_iter().map(Result::unwrap).collect();
    assert!(created.iter().all(|founded| *founded == created[0]));
    assert_eq!(stored(&world).await, (before.0 + 1, before.1 + 1));
}

async fn a_request_id_with_another_body_is_refused(world: World) {
    let id = Some(Uuid::new_v4());
    create(&world, "New", id).await.unwrap();
    let after = stored(&world).await;
    assert_eq!(
        create(&world, "Other", id).await.unwrap_err(),
        Reason::RequestIdReused
    );
    assert_eq!(stored(&world).await, after);
}

async fn a_request_id_is_new_again_after_a_day(world: World) {
    let id = Some(Uuid::new_v4());
    let first = create(&world, "New", id).await.unwrap();
    world.pass(Duration::from_secs(24 * 3_600 + 1));
    world.core.forget_old_answers().await.unwrap();
    assert_eq!(idempotency::Entity::find().count(&world.raw).await.unwrap(), 0);
    let second = create(&world, "New", id).await.unwrap();
    assert_ne!(second.workspace.id, first.workspace.id);
}

async fn without_a_request_id_every_call_creates_a_workspace(world: World) {
    let before = stored(&world).await;
    let first = create(&world, "New", None).await.unwrap();
    let second = create(&world, "New", None).await.unwrap();
    assert_ne!(first.workspace.id, second.workspace.id);
    assert_eq!(stored(&world).await, (before.0 + 2, before.1 + 2));
}
