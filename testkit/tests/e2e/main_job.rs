//! The main job: a conversation becomes a scored lead, and the lead a contact in the CRM.
#![expect(
    clippy::indexing_slicing,
    reason = "JSON answers: a field that is missing is null, and fails the test"
)]

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use leads_proto::leads::v1::{
    Band, CollectResult, ConnectionState, GetConnectionRequest, Lead, ListLeadsRequest, Provider, Stage,
    SyncLeadRequest, SyncStatus, UpdateLeadRequest,
};
use leads_testkit::{
    captures,
    fakes::hubspot::{Answer, DEFAULT_PORTAL, DEFAULT_TOKEN, Fault, Route},
    stack::{Stack, StackOptions, Storage, hubspot_link},
    wait,
};
use serde_json::json;

use crate::{
    SYNC_LIMIT,
    checker::{check, check_synced},
    collect, on_both_databases,
};

on_both_databases!(
    a_capture_by_grpc_is_in_hubspot_once_with_id_and_link,
    a_capture_by_rest_is_in_hubspot_once_with_id_and_link,
    a_second_capture_of_a_person_updates_the_same_contact,
    a_change_after_the_sync_is_mirrored,
    a_lead_below_the_threshold_waits_until_a_sync_is_forced,
    a_refused_lead_shows_why_and_its_neighbours_pass,
    a_revoked_token_rests_the_connection_until_it_is_replaced,
);

async fn stack(storage: Storage) -> Result<Stack> {
    Stack::start_with(StackOptions {
        storage,
        ..StackOptions::default()
    })
    .await
}

async fn a_capture_by_grpc_is_in_hubspot_once_with_id_and_link(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let email = captures::address("grpc");
    let answer = stack
        .clients
        .leads
        .collect_lead(captures::hot(&email))
        .await?
        .into_inner();
    assert_eq!(answer.result(), CollectResult::Created);
    let id = answer.lead.context("lead")?.id;
    let lead = stack.synced(&id, SYNC_LIMIT).await?;
    assert_eq!(lead.score.as_ref().map(|score| score.band()), Some(Band::Hot));
    let record = stack
        .hubspot
        .find_contact_by(DEFAULT_PORTAL, "email", &email)
        .context("no contact")?;
    assert_eq!(
        record.properties.get("leads_hot").map(String::as_str),
        Some("true")
    );
    let total = lead.score.map(|score| score.total.to_string());
    assert_eq!(record.properties.get("leads_score"), total.as_ref());
    check_synced(&mut stack, &[id]).await?;
    stack.stop().await
}

async fn a_capture_by_rest_is_in_hubspot_once_with_id_and_link(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let email = captures::address("rest");
    let body = json!({
        "request_id": uuid::Uuid::new_v4().to_string(),
        "channel": "whatsapp",
        "contact": {"email": email, "name": "Ana Ruiz", "title": "CTO"},
        "intent": {"signal": "requested_demo"},
        "messages": [{"id": "m1", "role": "visitor", "text": captures::hot("a@b.example").messages[0].text}],
    });
    let answer = stack.clients.rest.post("/v1/leads:collect", &body).await?;
    assert_eq!(answer.status.as_u16(), 201, "{}", answer.text());
    let id = answer.json()?["lead"]["id"]
        .as_str()
        .context("lead.id")?
        .to_owned();
    let again = stack.clients.rest.post("/v1/leads:collect", &body).await?;
    assert_eq!(
        again.status.as_u16(),
        200,
        "the same request id is the same capture: {}",
        again.text()
    );
    check_synced(&mut stack, std::slice::from_ref(&id)).await?;
    let lead = stack.clients.rest.get(&format!("/v1/leads/{id}")).await?.json()?;
    assert_eq!(lead["crm_links"][0]["status"], "synced", "{lead}");
    let listed = stack
        .clients
        .rest
        .get("/v1/leads?score_min=80&stage=new")
        .await?
        .json()?;
    assert_eq!(listed["leads"][0]["id"], id.as_str(), "{listed}");
    Ok(())
}

async fn a_second_capture_of_a_person_updates_the_same_contact(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let email = captures::address("twice");
    let first = collect(&stack, captures::warm(&email)).await?;
    stack.synced(&first, SYNC_LIMIT).await?;
    let second = stack
        .clients
        .leads
        .collect_lead(captures::hot(&email.to_uppercase()))
        .await?
        .into_inner();
    assert_eq!(second.result(), CollectResult::Merged);
    assert_eq!(second.lead.map(|lead| lead.id).as_ref(), Some(&first));
    check_synced(&mut stack, &[first]).await?;
    assert_eq!(stack.hubspot.contacts(DEFAULT_PORTAL)?.len(), 1);
    Ok(())
}

async fn a_change_after_the_sync_is_mirrored(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let email = captures::address("changed");
    let id = collect(&stack, captures::hot(&email)).await?;
    stack.synced(&id, SYNC_LIMIT).await?;
    let lead = Lead {
        id: id.clone(),
        stage: Stage::Qualified.into(),
        ..Lead::default()
    };
    let update_mask = Some(prost_types::FieldMask {
        paths: vec!["stage".to_owned()],
    });
    stack
        .clients
        .leads
        .update_lead(UpdateLeadRequest {
            lead: Some(lead),
            update_mask,
        })
        .await?;
    let hubspot = stack.hubspot.simulation();
    let staged = async || {
        let record = hubspot.find_contact_by(DEFAULT_PORTAL, "email", &email);
        let stage = record.and_then(|record| record.properties.get("leads_stage").cloned());
        Ok((stage.as_deref() == Some("qualified")).then_some(()))
    };
    wait::until("the stage to be in HubSpot", SYNC_LIMIT, staged).await?;
    check_synced(&mut stack, &[id]).await
}

async fn a_lead_below_the_threshold_waits_until_a_sync_is_forced(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let cold = collect(&stack, captures::cold(&captures::address("cold"))).await?;
    let hot = collect(&stack, captures::hot(&captures::address("hot"))).await?;
    stack.synced(&hot, SYNC_LIMIT).await?;
    let lead = stack.lead(&cold).await?;
    assert_eq!(
        hubspot_link(&lead).map(|link| link.status()),
        Some(SyncStatus::BelowThreshold)
    );
    check(&mut stack, &[cold.clone(), hot.clone()]).await?;
    let request = SyncLeadRequest {
        lead_id: cold.clone(),
        provider: Provider::Hubspot.into(),
    };
    stack.clients.leads.sync_lead(request).await?;
    stack.synced(&cold, SYNC_LIMIT).await?;
    check_synced(&mut stack, &[cold, hot]).await
}

async fn a_refused_lead_shows_why_and_its_neighbours_pass(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let words = "Property values were not valid: the phone number is too long";
    let body =
        json!({"status": "error", "message": words, "category": "VALIDATION_ERROR", "correlationId": "c"});
    let refusal = Answer::Status {
        status: 400,
        headers: BTreeMap::new(),
        body: Some(body.to_string()),
        content_type: None,
    };
    // One lead at a time: only the first write is refused.
    let fault = stack
        .hubspot
        .inject(Fault::answer(refusal).route(Route::BatchUpsert))?;
    let refused = collect(&stack, captures::hot(&captures::address("refused"))).await?;
    let lead = stack.settled(&refused, SYNC_LIMIT).await?;
    let link = hubspot_link(&lead).context("link")?.clone();
    assert_eq!(link.status(), SyncStatus::Error);
    let reason = link.reason.context("reason")?;
    assert!(reason.message.contains("phone number"), "{reason:?}");
    assert!(stack.hubspot.clear_fault(fault));
    let fine = collect(&stack, captures::hot(&captures::address("fine"))).await?;
    stack.synced(&fine, SYNC_LIMIT).await?;
    let listed = ListLeadsRequest {
        sync: SyncStatus::Error.into(),
        ..ListLeadsRequest::default()
    };
    let listed = stack.clients.leads.list_leads(listed).await?.into_inner().leads;
    assert_eq!(listed.iter().map(|lead| &lead.id).collect::<Vec<_>>(), [&refused]);
    let request = SyncLeadRequest {
        lead_id: refused.clone(),
        provider: Provider::Hubspot.into(),
    };
    stack.clients.leads.sync_lead(request).await?;
    stack.synced(&refused, SYNC_LIMIT).await?;
    check_synced(&mut stack, &[refused, fine]).await
}

async fn a_revoked_token_rests_the_connection_until_it_is_replaced(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    assert!(stack.hubspot.revoke_token(DEFAULT_TOKEN));
    let id = collect(&stack, captures::hot(&captures::address("waiting"))).await?;
    wait::until("the connection to rest", SYNC_LIMIT, async || {
        let request = GetConnectionRequest {
            provider: Provider::Hubspot.into(),
        };
        let connection = stack
            .clients
            .integrations
            .clone()
            .get_connection(request)
            .await?
            .into_inner();
        Ok((connection.state() == ConnectionState::Paused && connection.problem.is_some()).then_some(()))
    })
    .await?;
    let lead = stack.lead(&id).await?;
    assert_eq!(
        hubspot_link(&lead).map(|link| link.status()),
        Some(SyncStatus::Pending)
    );
    let token = "pat-na1-00000000-0000-4000-8000-000000000002";
    stack.hubspot.add_token(
        DEFAULT_PORTAL,
        leads_testkit::fakes::hubspot::TokenOptions::new(token),
    )?;
    stack.connect_hubspot(token).await?;
    check_synced(&mut stack, &[id]).await
}
