//! Takes records away: archives or erases them, and looks whether they are gone.
//!
//! How it moves: the records that stand under our key are looked up beside those that the job knows, since a write whose
//! outcome is not known may have made one. What is found goes by its record id.
//!
//! What must hold: a record goes only if it says that it is of a lead of the job, for its id may be that of somebody else
//! by now: HubSpot's users merge and edit records. An id that HubSpot does not know is gone; an id that its answer does
//! not mention is not.

use std::collections::{BTreeMap, BTreeSet};

use leads_runtime::delivery::{ItemOutcome, Outcome, WorkItem};

use crate::api::{
    BATCH_MAX, BatchAnswer, BatchArchive, BatchInput, BatchRead, Endpoint, GdprDelete, ReadInput,
};
use crate::errors::{Fault, Kind, lost, not_sent};
use crate::map::KEY_PROPERTY;
use crate::request::Reply;
use crate::service::{Caller, HubspotApi};

/// What to do with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Move them to the recycle bin.
    Archive,
    /// Delete them for good, in the recycle bin too.
    Erase,
    /// See whether they are there.
    Look {
        /// In the recycle bin too.
        archived: bool,
    },
}

/// What HubSpot has of a lead.
#[derive(Debug, Default)]
struct Found {
    /// Record ids with the lead that each says it is of; empty if it says nothing.
    records: BTreeMap<String, String>,
    /// Ids that HubSpot says it does not know.
    unknown: BTreeSet<String>,
}

/// Does the errand for one lead after the other. A failure that is not the lead's own ends the batch: the others would
/// meet it as well.
pub async fn carry_out(
    api: &HubspotApi,
    caller: &Caller,
    items: Vec<WorkItem>,
    errand: Errand,
) -> Vec<ItemOutcome> {
    let mut outcomes = Vec::with_capacity(items.len());
    let mut ended: Option<Outcome> = None;
    for item in items {
        let calls_before = caller.lease.calls();
        let outcome = match &ended {
            Some(outcome) => outcome.clone(),
            None => for_item(api, caller, &item, errand)
                .await
                .unwrap_or_else(|outcome| outcome),
        };
        ended = ended.or_else(|| outcome.for_the_rest_of_the_batch());
        outcomes.push(ItemOutcome {
            job_id: item.job_id,
            outcome,
            calls: caller.lease.calls().saturating_sub(calls_before),
        });
    }
    outcomes
}

async fn for_item(
    api: &HubspotApi,
    caller: &Caller,
    item: &WorkItem,
    errand: Errand,
) -> Result<Outcome, Outcome> {
    let archived = matches!(errand, Errand::Erase | Errand::Look { archived: true });
    let found = look(api, caller, item, archived).await?;
    let (ours, others): (Vec<_>, Vec<_>) = found
        .records
        .into_iter()
        .partition(|(_, key)| item.lead_ids.contains(key));
    let ours: Vec<String> = ours.into_iter().map(|(id, _)| id).collect();
    match errand {
        Errand::Archive => archive(api, caller, ours).await,
        Errand::Erase => {
            let outcome = erase(api, caller, ours, found.unknown).await?;
            Ok(match others.first() {
                Some((id, _)) => not_ours(id),
                None => outcome,
            })
        }
        Errand::Look { .. } => Ok(Outcome::Verified {
            external_id: ours.into_iter().next().unwrap_or_default(),
            url: String::new(),
            revision: 0,
        }),
    }
}

async fn look(api: &HubspotApi, caller: &Caller, item: &WorkItem, archived: bool) -> Result<Found, Outcome> {
    let mut found = Found::default();
    let key = [item.lead.lead_id.clone()];
    read(
        api,
        caller,
        Endpoint::BatchRead,
        Some(KEY_PROPERTY),
        &key,
        &mut found,
    )
    .await?;
    found.unknown.clear();
    for ids in item.record_ids.chunks(BATCH_MAX) {
        read(api, caller, Endpoint::BatchRead, None, ids, &mut found).await?;
    }
    let binned: Vec<String> = std::mem::take(&mut found.unknown).into_iter().collect();
    if archived {
        for ids in binned.chunks(BATCH_MAX) {
            read(api, caller, Endpoint::BatchReadArchived, None, ids, &mut found).await?;
        }
    }
    Ok(found)
}

async fn read(
    api: &HubspotApi,
    caller: &Caller,
    endpoint: Endpoint,
    id_property: Option<&'static str>,
    ids: &[String],
    found: &mut Found,
) -> Result<(), Outcome> {
    let body = BatchInput::Read(BatchRead {
        id_property,
        inputs: ids.iter().map(|id| ReadInput { id: id.clone() }).collect(),
        properties: vec![KEY_PROPERTY.to_owned()],
        properties_with_history: Vec::new(),
    });
    let answer: BatchAnswer = match api.send(caller, endpoint, &body).await {
        Reply::Answer(answer) => answer,
        Reply::Refused(fault) if fault.kind == Kind::RecordGone => {
            found.unknown.extend(ids.iter().cloned());
            return Ok(());
        }
        reply => return Err(unread(reply)),
    };
    let missing: BTreeSet<String> = answer
        .errors
        .iter()
        .filter(|error| Fault::of_row(error).kind == Kind::RecordGone)
        .flat_map(|error| {
            ["ids", "id"]
                .iter()
                .flat_map(|name| error.facts(name))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|id| ids.contains(id))
        .collect();
    // Whoever was merged away is answered with the record that stands for them, by another id than was asked for.
    if answer.results.len() + missing.len() < ids.len() {
        return Err(not_sent(
            "INCOMPLETE",
            "HubSpot's answer does not mention the record",
        ));
    }
    for record in answer.results {
        let key = record.property(KEY_PROPERTY).unwrap_or_default().to_owned();
        found.records.insert(record.id, key);
    }
    found.unknown.extend(missing);
    Ok(())
}

async fn archive(api: &HubspotApi, caller: &Caller, ids: Vec<String>) -> Result<Outcome, Outcome> {
    let mut records = 0;
    for some in ids.chunks(BATCH_MAX) {
        let body = BatchArchive {
            inputs: some.iter().map(|id| ReadInput { id: id.clone() }).collect(),
        };
        match api.order(caller, Endpoint::BatchArchive, &body).await {
            Reply::Answer(()) => records += u32::try_from(some.len()).unwrap_or(u32::MAX),
            // Somebody was faster.
            Reply::Refused(fault) if fault.kind == Kind::RecordGone => {}
            reply => return Err(undone(reply)),
        }
    }
    Ok(Outcome::Gone { records })
}

/// Erases what was found, and what HubSpot knew once and does not show any more.
async fn erase(
    api: &HubspotApi,
    caller: &Caller,
    found: Vec<String>,
    unknown: BTreeSet<String>,
) -> Result<Outcome, Outcome> {
    let mut records = 0;
    let hidden = unknown.into_iter().map(|id| (id, false));
    for (object_id, is_shown) in found.into_iter().map(|id| (id, true)).chain(hidden) {
        let body = GdprDelete { object_id };
        match api.order(caller, Endpoint::GdprDelete, &body).await {
            Reply::Answer(()) => records += u32::from(is_shown),
            Reply::Refused(fault) if fault.kind == Kind::RecordGone => {}
            // A page in place of JSON: HubSpot's way to say that an id names nothing.
            Reply::Refused(fault) if fault.kind == Kind::WrongPath && !is_shown => {}
            reply => return Err(undone(reply)),
        }
    }
    Ok(Outcome::Gone { records })
}

fn not_ours(id: &str) -> Outcome {
    Outcome::Rejected {
        code: "RECORD_NOT_OURS",
        message: format!("Record {id} says that it is of another lead, or of none."),
        field: KEY_PROPERTY.to_owned(),
        hint: "Look at the record in HubSpot, and delete it there if it is the person's.".to_owned(),
        vendor_code: String::new(),
    }
}

/// A read that brought nothing: it changed nothing either.
fn unread<T>(reply: Reply<T>) -> Outcome {
    match reply {
        Reply::Refused(fault) if fault.kind == Kind::GatewayTimeout => not_sent("UNAVAILABLE", fault.message),
        Reply::Lost(why) => not_sent("UNAVAILABLE", why),
        reply => undone(reply),
    }
}

/// A call that did not do what it was to do, as far as is known.
fn undone<T>(reply: Reply<T>) -> Outcome {
    match reply {
        Reply::Refused(fault) => fault.outcome(),
        Reply::Lost(why) => lost(why),
        Reply::NotSent(why) => not_sent("UNAVAILABLE", why),
        Reply::NotStarted => Outcome::NotStarted,
        Reply::Answer(_) => lost("HubSpot's answer was not understood"),
    }
}
