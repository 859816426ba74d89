//! A workspace with both CRMs: what each is owed reaches each, whatever becomes of the connector.

use anyhow::{Context, Result, ensure};
use leads_proto::leads::v1::{Provider, SyncStatus, UpdateLeadRequest};
use leads_testkit::{
    captures,
    fakes::{
        hubspot::DEFAULT_PORTAL,
        salesforce::{Answer, Apply, Fault, Route, SalesforceOptions},
    },
    stack::{Salesforce, Stack, StackOptions, Storage, link_to},
};

use crate::{RECOVERY_LIMIT, SYNC_LIMIT, collect, on_both_databases};

on_both_databases!(
    a_lead_is_in_both_crms_and_a_change_follows,
    one_crm_that_refuses_a_lead_does_not_keep_it_from_the_other,
    a_session_that_ends_and_an_answer_that_is_lost_cost_nothing,
);

async fn stack(storage: Storage) -> Result<Stack> {
    Stack::start_with(StackOptions {
        storage,
        salesforce: Some(SalesforceOptions::default()),
        ..StackOptions::default()
    })
    .await
}

fn org(stack: &Stack) -> Result<&Salesforce> {
    stack.salesforce.as_ref().context("no Salesforce")
}

/// Every lead is in the org once, no revision went back.
fn check_org(stack: &Stack, leads: usize) -> Result<()> {
    let server = &org(stack)?.server;
    ensure!(server.leads().len() == leads, "{:?}", server.leads());
    ensure!(server.duplicates().is_empty() && server.steps_back().is_empty());
    Ok(())
}

async fn a_lead_is_in_both_crms_and_a_change_follows(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let email = captures::address("both");
    let id = collect(&stack, captures::hot(&email)).await?;
    let lead = stack.synced_everywhere(&id, SYNC_LIMIT).await?;
    let record = org(&stack)?
        .server
        .find_lead_by("Leads_Lead_Id__c", &id)
        .context("no lead in Salesforce")?;
    assert_eq!(
        (record.text("Email"), record.text("Leads_Hot__c")),
        (email.clone(), "true".to_owned())
    );
    let link = link_to(&lead, Provider::Salesforce).context("no link")?;
    assert_eq!(link.external_id, record.id);
    ensure!(link.url.contains(&record.id), "{}", link.url);
    let contact = stack
        .hubspot
        .find_contact_by(DEFAULT_PORTAL, "leads_lead_id", &id);
    contact.context("no contact in HubSpot")?;

    let mut changed = lead.clone();
    changed.set_stage(leads_proto::leads::v1::Stage::Contacted);
    let request = UpdateLeadRequest {
        lead: Some(changed),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["stage".to_owned()],
        }),
    };
    stack.clients.leads.update_lead(request).await?;
    stack.synced_everywhere(&id, SYNC_LIMIT).await?;
    let record = org(&stack)?.server.find_lead_by("Leads_Lead_Id__c", &id);
    assert_eq!(record.context("gone")?.text("Leads_Stage__c"), "contacted");
    check_org(&stack, 1)?;
    stack.stop().await
}

async fn one_crm_that_refuses_a_lead_does_not_keep_it_from_the_other(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    org(&stack)?.server.inject(
        Fault::rows(
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "Annual revenue first, please",
            &[],
        )
        .route(Route::Upsert),
    );
    let id = collect(&stack, captures::hot(&captures::address("refused"))).await?;
    stack.synced(&id, SYNC_LIMIT).await?;
    let refused = leads_testkit::wait::until("Salesforce to refuse", SYNC_LIMIT, async || {
        let lead = stack.lead(&id).await?;
        let link = link_to(&lead, Provider::Salesforce).cloned();
        Ok(link.filter(|link| link.status() == SyncStatus::Error))
    });
    let reason = refused.await?.reason.context("no reason")?;
    assert_eq!(reason.code, "VALIDATION");
    ensure!(reason.message.contains("Annual revenue"), "{}", reason.message);
    stack.stop().await
}

async fn a_session_that_ends_and_an_answer_that_is_lost_cost_nothing(storage: Storage) -> Result<()> {
    let mut stack = stack(storage).await?;
    let first = collect(&stack, captures::hot(&captures::address("session"))).await?;
    stack.synced_everywhere(&first, SYNC_LIMIT).await?;
    let server = &org(&stack)?.server;
    server.end_sessions();
    let lost = Fault::answer(Answer::Cut).apply(Apply::Once);
    server.inject(lost.route(Route::Upsert).times(1));
    let second = collect(&stack, captures::hot(&captures::address("lost"))).await?;
    stack.synced_everywhere(&second, RECOVERY_LIMIT).await?;
    check_org(&stack, 2)?;
    stack.stop().await
}

/// Kills the connector at each of its own points, then lets a successor finish.
#[cfg(feature = "crash-points")]
#[tokio::test]
async fn a_kill_at_each_crash_point_of_the_connector_loses_and_doubles_nothing() -> Result<()> {
    let mut stack = stack(Storage::Sqlite).await?;
    let points = [
        "salesforce.before_vendor_call",
        "salesforce.after_vendor_answer",
        "salesforce.after_token_refresh",
    ];
    let mut ids = Vec::new();
    for point in points {
        let salesforce = stack.salesforce.as_mut().context("no Salesforce")?;
        // A session has to be begun on the way.
        salesforce.server.end_sessions();
        let crash = format!("{point}:1");
        salesforce.connector.start_with(&[("CRASH_AT", &crash)]).await?;
        let id = collect(&stack, captures::hot(&captures::address("crash"))).await?;
        let salesforce = stack.salesforce.as_mut().context("no Salesforce")?;
        leads_testkit::wait::until(point, SYNC_LIMIT, async || {
            Ok((!salesforce.connector.process()?.is_running()?).then_some(()))
        })
        .await?;
        leads_testkit::faults::tally::note("kills of our processes");
        salesforce.connector.start().await?;
        ids.push(id);
        for id in &ids {
            stack.synced_everywhere(id, RECOVERY_LIMIT).await.context(point)?;
        }
    }
    check_org(&stack, ids.len())?;
    stack.stop().await
}
