//! Keys: whose they are, how they take each other's place, and that nothing is left behind when they go.

use leads_svc::storage::{
    crypto::Header,
    entity::{activity, consent, contact, idempotency, lead, merge, message, score, sync_job},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::world::World;

mod contact_keys;
mod reindexing;
mod rotation;

/// Headers of everything that is sealed of a contact, each with the column that it is in.
async fn headers(world: &World, contact: Uuid) -> Vec<(&'static str, Header)> {
    let mut sealed: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let raw = &world.raw;
    let row = contact::Entity::find_by_id(contact)
        .one(raw)
        .await
        .unwrap()
        .unwrap();
    sealed.push(("profile", row.profile));
    sealed.extend(row.seen_sealed.map(|seen| ("seen", seen)));
    let leads = lead::Entity::find()
        .filter(lead::Column::ContactId.eq(contact))
        .all(raw)
        .await
        .unwrap();
    let ids: Vec<Uuid> = leads.iter().map(|row| row.id).collect();
    for row in leads {
        sealed.push(("intent", row.intent_sealed));
        sealed.extend(row.own_sealed.map(|own| ("own", own)));
    }
    let messages = message::Entity::find().filter(message::Column::ContactId.eq(contact));
    let messages = messages.all(raw).await.unwrap();
    sealed.extend(messages.into_iter().map(|row| ("message", row.sealed)));
    let consents = consent::Entity::find().filter(consent::Column::ContactId.eq(contact));
    let consents = consents.all(raw).await.unwrap();
    sealed.extend(consents.into_iter().map(|row| ("consent", row.sealed.unwrap())));
    let scores = score::Entity::find().filter(score::Column::LeadId.is_in(ids.clone()));
    let scores = scores.all(raw).await.unwrap();
    sealed.extend(scores.into_iter().map(|row| ("score", row.sealed)));
    let activities = activity::Entity::find().filter(activity::Column::LeadId.is_in(ids.clone()));
    let activities = activities.all(raw).await.unwrap();
    sealed.extend(activities.into_iter().map(|row| ("activity", row.sealed)));
    let merges = merge::Entity::find().filter(merge::Column::SurvivorLead.is_in(ids.clone()));
    let merges = merges.all(raw).await.unwrap();
    sealed.extend(merges.into_iter().map(|row| ("merge", row.sealed)));
    let jobs = sync_job::Entity::find().filter(sync_job::Column::LeadId.is_in(ids));
    for row in jobs.all(raw).await.unwrap() {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let reason = row.reason.and_then(|reason| reason.as_str().map(str::to_owned));
        sealed.extend(reason.map(|reason| ("reason", STANDARD.decode(reason).unwrap())));
    }
    sealed
        .into_iter()
        .map(|(column, sealed)| (column, Header::of(&sealed).unwrap()))
        .collect()
}

/// Headers of the kept answers of the workspace.
async fn answers(world: &World) -> Vec<Header> {
    let found = idempotency::Entity::find()
        .filter(idempotency::Column::WorkspaceId.eq(world.workspace))
        .all(&world.raw)
        .await
        .unwrap();
    found
        .iter()
        .map(|row| Header::of(&row.response).unwrap())
        .collect()
}

async fn key_of(world: &World, contact: Uuid) -> Option<Uuid> {
    let row = contact::Entity::find_by_id(contact)
        .one(&world.raw)
        .await
        .unwrap();
    row.unwrap().key_id
}

/// Lets the background work go on until no walk is left. Time jumps over what it would wait for.
async fn renew_all(world: &World) {
    for _ in 0..1_000 {
        if world.store.renewals().await.unwrap().is_empty() {
            return;
        }
        if world.core.renew_some().await.unwrap() == 0 {
            world.pass(std::time::Duration::from_secs(150));
        }
    }
    panic!(
        "the walks do not end: {:?}",
        world.store.renewals().await.unwrap()
    );
}
