//! Leads that are put into storage as a test wants them, whatever scoring would make of their words.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use leads_svc::{
    domain::{
        contact::Profile,
        filter,
        identity::{Kind, Mark},
        lead::{Channel, Intent, Lead, Outcome, Stage},
        page::LeadQuery,
        sync::Lane,
    },
    storage::{
        capture::{ContactWrite, LeadWrite, Write},
        entity::sync_job,
        identities::Identity,
        transaction::Prior,
    },
};
use rand::{RngExt, rngs::StdRng};
use sea_orm::{EntityTrait, IntoActiveModel};
use uuid::Uuid;

use crate::world::{HUBSPOT, World};

/// Every lead, newest first.
pub fn everything() -> LeadQuery {
    LeadQuery::everything()
}

/// The leads of a filter, newest first.
pub fn filtered(text: &str) -> LeadQuery {
    LeadQuery {
        filter: filter::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")),
        ..everything()
    }
}

pub fn pick<T: Copy>(random: &mut StdRng, values: &[T]) -> T {
    values[random.random_range(0..values.len())]
}

/// A lead of anybody.
pub fn somebody(random: &mut StdRng, now: DateTime<Utc>) -> (Profile, Lead) {
    let stage = pick(random, Stage::ALL);
    let channel = pick(random, Channel::ALL);
    // Few distinct values, so that there are ties.
    let captured_at = now - TimeDelta::hours(random.random_range(0..12));
    let mut field = |text: &str| random.random_bool(0.5).then(|| text.to_owned());
    let profile = Profile {
        email: Some(format!("{}@leads.example", Uuid::new_v4().simple())),
        name: field("Ana Ruiz"),
        phone: field("+34600000000"),
        company: field("Acme"),
        title: field("CTO"),
        ..Profile::default()
    };
    let lead = Lead {
        id: Uuid::now_v7(),
        contact_id: Uuid::now_v7(),
        stage,
        outcome: (stage == Stage::Closed).then_some(Outcome::Won),
        stage_changed_at: captured_at,
        score: random.random_range(0..=20) * 5,
        score_id: Uuid::nil(),
        intent: Intent {
            signal: "asked_pricing".to_owned(),
            detail: String::new(),
            at: captured_at,
        },
        channel,
        channels: vec![channel],
        tags: Vec::new(),
        owner: String::new(),
        captured_at,
        last_activity_at: captured_at,
        revision: 1,
        sync_revision: 1,
        merged_into: None,
        own: None,
    };
    (profile, lead)
}

/// What an address is found by.
pub fn address(contact: Uuid, profile: &Profile) -> Vec<Identity> {
    let email = profile.email.iter().map(|email| Identity {
        contact,
        mark: Mark::new(Kind::Email, email),
        place: Some(0),
    });
    email.collect()
}

pub async fn store(world: &World, people: Vec<(Profile, Lead)>) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let mut writes = Vec::with_capacity(people.len());
    for (profile, lead) in people {
        let mut write = Write::empty(world.workspace);
        write.contact = Some(ContactWrite {
            id: lead.contact_id,
            profile: profile.clone(),
            attributes: BTreeMap::new(),
            seen: Default::default(),
            messages: 0,
            key: None,
            prior: Prior::Absent,
            at: lead.captured_at,
        });
        write.identities = address(lead.contact_id, &profile);
        write.lead = Some(LeadWrite {
            lead,
            prior: Prior::Absent,
        });
        writes.push(world.store.seal(&keys, write).await.unwrap());
    }
    world.store.write(world.workspace, writes).await.unwrap();
}

/// A job in that state.
pub fn job(
    workspace: Uuid,
    connection: Uuid,
    lead: Uuid,
    state: &str,
    now: DateTime<Utc>,
) -> sync_job::Model {
    sync_job::Model {
        id: Uuid::now_v7(),
        workspace_id: workspace,
        connection_id: connection,
        lead_id: lead,
        provider: HUBSPOT.name().to_owned(),
        action: "upsert".to_owned(),
        claimed_action: "upsert".to_owned(),
        erasure_id: None,
        state: state.to_owned(),
        lane: Lane::Normal.rank(),
        wanted_revision: 1,
        synced_revision: 0,
        claimed_revision: 0,
        attempt: 0,
        failing_since: None,
        solo_losses: 0,
        solo: false,
        generation: 0,
        lease_token: None,
        reported_token: None,
        lease_until: None,
        next_at: now,
        republish_at: None,
        publish_count: 0,
        unknown_outcome: false,
        verifying: false,
        external_id: String::new(),
        former_ids: String::new(),
        url: String::new(),
        reason: None,
        first_pending_at: now,
        synced_at: None,
        latency_ms: 0,
        traceparent: String::new(),
    }
}

pub async fn store_jobs(world: &World, jobs: Vec<sync_job::Model>) {
    for some in jobs.chunks(500) {
        let rows = some.iter().cloned().map(IntoActiveModel::into_active_model);
        sync_job::Entity::insert_many(rows)
            .exec_without_returning(&world.raw)
            .await
            .unwrap();
    }
}
