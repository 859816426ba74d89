//! A person full of canaries is captured, synced, changed, merged and erased; nothing of them is left anywhere, and no try
//! to bring them back succeeds.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use leads_proto::leads::v1::{
    AppendConversationRequest, CollectLeadRequest, Consent, EraseSubjectRequest, Erasure, ErasureReceipt,
    ErasureState, GetErasureRequest, Lead, MergeLeadsRequest, Message, MessageRole, UpdateLeadRequest,
};
use leads_testkit::{
    captures,
    fakes::hubspot::{DEFAULT_PORTAL, Fault, Route},
    stack::{Stack, StackOptions, Storage},
    wait,
};
use prost_types::FieldMask;
use tonic::Code;
use uuid::Uuid;

use crate::{SYNC_LIMIT, collect, on_both_databases, sweep::Sweep};

on_both_databases!(
    an_erased_person_is_nowhere_and_stays_away,
    an_erasure_survives_an_outage_of_the_crm,
);

/// What the person is told by; each is looked for in any case.
const CANARIES: [&str; 18] = [
    "zqmail.first@zqdomain.example",
    "zqmail.second@zqdomain.example",
    "zqdomain.example",
    "Zqgivenname",
    "Zqfamilyname",
    "Zqrenamedname",
    "699887766",
    "Zqcompanyname",
    "Zqtitletitle",
    "zqvisitorid",
    "zqattributes",
    "zqvaluevalue",
    "zqintention",
    "zqsaidhere",
    "zqconversation",
    "zqmessageid",
    "zqconsented",
    "zqtagtagtag",
];
/// How often somebody tries to bring the person back.
const TRIES: usize = 50;
/// Longest wait for an erasure to be complete.
const ERASURE_LIMIT: Duration = Duration::from_secs(60);

fn canary(email: &str) -> CollectLeadRequest {
    let mut request = captures::hot(email);
    request.request_id = Uuid::new_v4().to_string();
    request.conversation_id = format!("zqconversation-{email}");
    if let Some(contact) = request.contact.as_mut() {
        contact.name = "Zqgivenname Zqfamilyname".to_owned();
        contact.phone = "+34699887766".to_owned();
        contact.company = "Zqcompanyname".to_owned();
        contact.title = "Zqtitletitle and CTO".to_owned();
        contact.visitor_id = format!("zqvisitorid-{email}");
        let attributes = [("zqattributes".to_owned(), "zqvaluevalue".to_owned())];
        contact.attributes = attributes.into();
    }
    if let Some(intent) = request.intent.as_mut() {
        intent.detail = "zqintention: asked for a demo".to_owned();
    }
    for message in &mut request.messages {
        message.id = format!("zqmessageid-{}", message.id);
        message.text.push_str(" That is zqsaidhere.");
    }
    request.consents = vec![Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        text: "zqconsented: may we contact you?".to_owned(),
        page: "https://zqdomain.example/zqconsented".to_owned(),
        ..Consent::default()
    }];
    request
}

async fn erase(stack: &Stack, email: &str) -> Result<Erasure> {
    let request = EraseSubjectRequest {
        email: email.to_owned(),
        ..EraseSubjectRequest::default()
    };
    Ok(stack
        .clients
        .privacy
        .clone()
        .erase_subject(request)
        .await?
        .into_inner())
}

async fn erasure(stack: &Stack, id: &str) -> Result<Erasure> {
    let request = GetErasureRequest {
        erasure_id: id.to_owned(),
    };
    Ok(stack
        .clients
        .privacy
        .clone()
        .get_erasure(request)
        .await?
        .into_inner())
}

async fn completed(stack: &mut Stack, id: &str) -> Result<Erasure> {
    let mut last = None;
    let done = wait::until("the erasure to be complete", ERASURE_LIMIT, async || {
        let erasure = erasure(stack, id).await?;
        let complete = erasure.complete.then_some(erasure.clone());
        last = Some(erasure);
        Ok(complete)
    });
    let done = done.await;
    done.with_context(|| format!("last seen: {last:?}\n{}", stack.tails()))
}

fn receipt<'a>(erasure: &'a Erasure, system: &str) -> Result<&'a ErasureReceipt> {
    let mut receipts = erasure.receipts.iter();
    receipts
        .find(|receipt| receipt.system == system)
        .with_context(|| format!("no receipt of {system}: {erasure:?}"))
}

#[expect(
    clippy::print_stdout,
    reason = "what was looked through is evidence, and read with --nocapture"
)]
fn tell(what: &str, found: &str) {
    println!("{what}: {found}");
}

/// Captures the person twice, by two addresses, changes and merges the two, and waits until the CRM has followed.
async fn a_life(stack: &mut Stack) -> Result<[CollectLeadRequest; 2]> {
    let captures = [canary(CANARIES[0]), canary(CANARIES[1])];
    let [first, second] = &captures;
    let stays = collect(stack, first.clone()).await?;
    stack.synced(&stays, SYNC_LIMIT).await?;
    let goes = collect(stack, second.clone()).await?;
    stack.synced(&goes, SYNC_LIMIT).await?;
    let mut renamed = canary(CANARIES[0]);
    if let Some(contact) = renamed.contact.as_mut() {
        contact.name = "Zqrenamedname Zqfamilyname".to_owned();
    }
    collect(stack, renamed).await?;
    let append = AppendConversationRequest {
        lead_id: goes.clone(),
        request_id: Uuid::new_v4().to_string(),
        conversation_id: "zqconversation".to_owned(),
        messages: vec![Message {
            id: "zqmessageid-2".to_owned(),
            role: MessageRole::Visitor.into(),
            text: "One more thing is zqsaidhere.".to_owned(),
            ..Message::default()
        }],
    };
    let mut client = stack.clients.leads.clone();
    client.append_conversation(append).await?;
    let update = UpdateLeadRequest {
        lead: Some(Lead {
            id: stays.clone(),
            tags: vec!["zqtagtagtag".to_owned()],
            ..Lead::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["tags".to_owned()],
        }),
    };
    client.update_lead(update).await?;
    let merge = MergeLeadsRequest {
        lead_id: stays.clone(),
        absorbed_lead_id: goes,
        ..MergeLeadsRequest::default()
    };
    client.merge_leads(merge).await?;
    stack.synced(&stays, SYNC_LIMIT).await?;
    wait::until(
        "the absorbed lead's record to be archived",
        SYNC_LIMIT,
        async || {
            let contacts = stack.hubspot.contacts(DEFAULT_PORTAL)?;
            let archived = contacts.iter().filter(|contact| contact.archived).count();
            Ok((archived == 1).then_some(()))
        },
    )
    .await?;
    Ok(captures)
}

async fn an_erased_person_is_nowhere_and_stays_away(storage: Storage) -> Result<()> {
    let filter = "info,leads_svc=debug,leads_runtime=debug,crm_hubspot=debug";
    let options = StackOptions {
        storage,
        ..StackOptions::default()
    }
    .leads_env("LEADS_SVC__TELEMETRY__LOG_FILTER", filter)
    .connector_env("CRM_HUBSPOT__TELEMETRY__LOG_FILTER", filter);
    let mut stack = Stack::start_with(options).await?;
    let neighbour = collect(&stack, captures::hot(&captures::address("neighbour"))).await?;
    stack.synced(&neighbour, SYNC_LIMIT).await?;
    let captured = a_life(&mut stack).await?;

    let before = Sweep::of(&mut stack, &CANARIES).await?;
    tell("before", &before.told());
    let places = |part: &str| before.hits.iter().any(|(place, _)| place.contains(part));
    ensure!(
        places("of contacts") && places("HubSpot's record"),
        "the search finds nothing: {:?}",
        before.hits
    );

    let asked = erase(&stack, CANARIES[0]).await?;
    ensure!(
        asked.lead_ids.len() == 2 && asked.contact_ids.len() == 2,
        "{asked:?}"
    );
    let done = completed(&mut stack, &asked.id).await?;
    for receipt in &done.receipts {
        let stands = format!("{} records, {:?}", receipt.records, receipt.state());
        tell(&receipt.system, &stands);
        ensure!(
            receipt.verified_at.is_some() && receipt.done_at.is_some(),
            "{receipt:?}"
        );
    }
    ensure!(receipt(&done, "leads")?.records > 20, "{done:?}");
    let crm = receipt(&done, "hubspot")?;
    ensure!((crm.state(), crm.records) == (ErasureState::Erased, 2), "{crm:?}");

    let after = Sweep::of(&mut stack, &CANARIES).await?;
    tell("after", &after.told());
    ensure!(after.hits.is_empty(), "{:?}", after.hits);

    bring_back(&mut stack, &captured).await?;
    let later = Sweep::of(&mut stack, &CANARIES).await?;
    tell("after tries to bring them back", &later.told());
    ensure!(later.hits.is_empty(), "{:?}", later.hits);
    stack.synced(&neighbour, SYNC_LIMIT).await?;
    let records = stack.hubspot.contacts(DEFAULT_PORTAL)?;
    ensure!(records.len() == 1, "{} records", records.len());
    stack.stop().await
}

/// Tries with new captures that carry no consent, and with the very requests from before.
async fn bring_back(stack: &mut Stack, captured: &[CollectLeadRequest; 2]) -> Result<()> {
    for (attempt, request) in captured.iter().cycle().take(TRIES).enumerate() {
        let mut request = request.clone();
        if attempt % 4 < 2 {
            request.request_id = Uuid::new_v4().to_string();
            request.consents.clear();
        }
        let refused = stack.clients.leads.clone().collect_lead(request).await;
        let status = refused.err().context("captured again")?;
        ensure!(status.code() == Code::FailedPrecondition, "{status:?}");
    }
    Ok(())
}

async fn an_erasure_survives_an_outage_of_the_crm(storage: Storage) -> Result<()> {
    let options = StackOptions {
        storage,
        ..StackOptions::default()
    };
    let mut stack = Stack::start_with(options).await?;
    let email = captures::address("away");
    let lead = collect(&stack, captures::hot(&email)).await?;
    stack.synced(&lead, SYNC_LIMIT).await?;
    stack
        .hubspot
        .inject(Fault::status(503).route(Route::GdprDelete))?;
    let asked = erase(&stack, &email).await?;
    wait::until("the outage to be met", SYNC_LIMIT, async || {
        let erasure = erasure(&stack, &asked.id).await?;
        let crm = receipt(&erasure, "hubspot")?;
        ensure!(crm.state() == ErasureState::Pending, "{crm:?}");
        let reason = crm.reason.as_ref().map(|reason| reason.code.as_str());
        Ok((reason == Some("UNAVAILABLE")).then_some(()))
    })
    .await?;
    // Nothing that is not in the database knows of it.
    stack.leads.process()?.kill()?;
    stack.redis.flushall().await?;
    stack.leads.restart().await?;
    stack.hubspot.clear_faults();
    completed(&mut stack, &asked.id).await?;
    ensure!(
        stack.hubspot.contacts(DEFAULT_PORTAL)?.is_empty(),
        "the record is there"
    );
    stack.stop().await
}
