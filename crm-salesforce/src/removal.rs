//! Takes records away, and looks whether they are gone; reads records back.
//!
//! How it moves: the records that stand under our key are looked up beside those that the job knows, since a write whose
//! outcome is not known may have made one. What is found goes to the recycle bin by its id. Before a person's records go
//! there for good, what they say of the person is overwritten: no REST call empties the bin, which Salesforce does after
//! 15 days.
//!
//! What must hold: a record goes only if it says that it is of a lead of the job. A record that is in the bin already, or
//! that nothing is known of, is gone.

use leads_runtime::delivery::{ItemOutcome, Outcome, WorkItem};

use crate::api::{BATCH_MAX, LeadRecord, Query, Resource, RowResult, WriteBody};
use crate::errors::{Fault, Kind, lost, not_sent};
use crate::map::{self, KEY_FIELD};
use crate::service::{Caller, Reply, SalesforceApi};

/// Most ids of one query: with them the address stays far below 16,384 bytes.
const QUERY_MAX: usize = 200;

/// What to do with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Move them to the recycle bin.
    Archive,
    /// The same, with nothing left in them.
    Erase,
    /// See whether they are there.
    Look,
}

/// Does the errand for one lead after the other. A failure that is not the lead's own ends the batch: the others would
/// meet it as well.
pub async fn carry_out(
    api: &SalesforceApi,
    caller: &mut Caller<'_>,
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

/// Reads leads back by our key.
pub async fn verify(
    api: &SalesforceApi,
    caller: &mut Caller<'_>,
    items: Vec<WorkItem>,
    instance_host: &str,
) -> Vec<ItemOutcome> {
    let mut outcomes = Vec::with_capacity(items.len());
    for chunk in items.chunks(QUERY_MAX) {
        let calls_before = caller.lease.calls();
        let keys: Vec<&str> = chunk.iter().map(|item| item.lead.lead_id.as_str()).collect();
        let found = find(api, caller, &among(KEY_FIELD, &keys)).await;
        let calls = caller.lease.calls().saturating_sub(calls_before);
        for item in chunk {
            let outcome = match &found {
                Ok(records) => match records.iter().find(|record| record.key == item.lead.lead_id) {
                    Some(record) => Outcome::Verified {
                        external_id: record.id.clone(),
                        url: map::record_url(instance_host, &record.id),
                        revision: record.revision(),
                    },
                    None => nothing(),
                },
                Err(outcome) => outcome.clone(),
            };
            outcomes.push(ItemOutcome {
                job_id: item.job_id.clone(),
                outcome,
                calls,
            });
        }
    }
    outcomes
}

async fn for_item(
    api: &SalesforceApi,
    caller: &mut Caller<'_>,
    item: &WorkItem,
    errand: Errand,
) -> Result<Outcome, Outcome> {
    let mut records = find(api, caller, &among(KEY_FIELD, &[&item.lead.lead_id])).await?;
    for ids in item.record_ids.chunks(QUERY_MAX) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).filter(|id| is_id(id)).collect();
        if !ids.is_empty() {
            records.extend(find(api, caller, &among("Id", &ids)).await?);
        }
    }
    records.sort_by(|one, other| one.id.cmp(&other.id));
    records.dedup_by(|one, other| one.id == other.id);
    let is_ours =
        |record: &LeadRecord| record.key == item.lead.lead_id || item.lead_ids.contains(&record.key);
    let (ours, others): (Vec<LeadRecord>, Vec<LeadRecord>) = records.into_iter().partition(is_ours);
    match errand {
        Errand::Look => Ok(match ours.into_iter().next() {
            Some(record) => Outcome::Verified {
                external_id: record.id,
                url: String::new(),
                revision: 0,
            },
            None => nothing(),
        }),
        Errand::Archive => delete(api, caller, &ours).await,
        Errand::Erase => {
            // Their contact would stay, and nobody would know of it any more.
            if let Some(record) = ours.iter().find(|record| record.is_converted) {
                return Ok(converted(&record.id));
            }
            scrub(api, caller, &ours).await?;
            let outcome = delete(api, caller, &ours).await?;
            Ok(match others.first() {
                Some(record) => not_ours(&record.id),
                None => outcome,
            })
        }
    }
}

async fn find(api: &SalesforceApi, caller: &mut Caller<'_>, which: &str) -> Result<Vec<LeadRecord>, Outcome> {
    let soql = format!("SELECT Id, {KEY_FIELD}, Leads_Revision__c, IsConverted FROM Lead WHERE {which}");
    match api.get::<Query>(caller, Resource::Query(soql)).await {
        Reply::Answer(page) if page.done => Ok(page.records),
        // As many as were asked for fit one page.
        Reply::Answer(_) => Err(not_sent(
            "INCOMPLETE",
            "Salesforce's answer has more pages than records were named",
        )),
        // A read changes nothing.
        Reply::Lost(why) | Reply::NotSent(why) => Err(not_sent("UNAVAILABLE", why)),
        Reply::Refused(fault) if fault.kind == Kind::GatewayTimeout => {
            Err(not_sent("UNAVAILABLE", fault.message))
        }
        Reply::Refused(fault) => Err(fault.outcome()),
        Reply::NotStarted => Err(Outcome::NotStarted),
    }
}

/// Overwrites what records say of a person.
async fn scrub(api: &SalesforceApi, caller: &mut Caller<'_>, records: &[LeadRecord]) -> Result<(), Outcome> {
    for some in records.chunks(BATCH_MAX) {
        let body = WriteBody::new(some.iter().map(|record| map::erased(&record.id)));
        let results = done(api.send(caller, Resource::Update, &body).await)?;
        each(some.len(), &results, |_| {})?;
    }
    Ok(())
}

async fn delete(
    api: &SalesforceApi,
    caller: &mut Caller<'_>,
    records: &[LeadRecord],
) -> Result<Outcome, Outcome> {
    let mut deleted = 0;
    for some in records.chunks(BATCH_MAX) {
        let ids = some.iter().map(|record| record.id.clone()).collect();
        let results = done(api.get(caller, Resource::Delete(ids)).await)?;
        each(some.len(), &results, |_| deleted += 1)?;
    }
    Ok(Outcome::Gone { records: deleted })
}

/// Looks at every record's result. Somebody may have been faster: what is gone is gone.
fn each(sent: usize, results: &[RowResult], mut written: impl FnMut(&RowResult)) -> Result<(), Outcome> {
    if results.len() != sent {
        return Err(lost("Salesforce's answer does not mention every record"));
    }
    for result in results {
        if result.success {
            written(result);
            continue;
        }
        match result.errors.first().map(Fault::of_row) {
            Some(fault) if fault.kind == Kind::RecordGone => {}
            Some(fault) => return Err(fault.outcome()),
            None => return Err(lost("Salesforce says neither that nor why a record was refused")),
        }
    }
    Ok(())
}

fn done(reply: Reply<Vec<RowResult>>) -> Result<Vec<RowResult>, Outcome> {
    match reply {
        Reply::Answer(results) => Ok(results),
        Reply::Refused(fault) => Err(fault.outcome()),
        Reply::Lost(why) => Err(lost(why)),
        Reply::NotSent(why) => Err(not_sent("UNAVAILABLE", why)),
        Reply::NotStarted => Err(Outcome::NotStarted),
    }
}

/// A condition on a field. The texts are ids, ours or Salesforce's; quotes are escaped all the same.
fn among(field: &str, values: &[&str]) -> String {
    let quoted: Vec<String> = values
        .iter()
        .map(|value| format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'")))
        .collect();
    format!("{field} IN ({})", quoted.join(","))
}

/// Salesforce refuses a query that compares an id with anything else.
fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn nothing() -> Outcome {
    Outcome::Verified {
        external_id: String::new(),
        url: String::new(),
        revision: 0,
    }
}

fn converted(id: &str) -> Outcome {
    Outcome::Rejected {
        code: "CONVERTED",
        message: format!("Record {id} was converted: the person is a contact in Salesforce too."),
        field: String::new(),
        hint: "Delete the lead, its contact and, where it is the person's alone, its account in Salesforce; then erase again."
            .to_owned(),
        vendor_code: String::new(),
    }
}

fn not_ours(id: &str) -> Outcome {
    Outcome::Rejected {
        code: "RECORD_NOT_OURS",
        message: format!("Record {id} says that it is of another lead, or of none."),
        field: KEY_FIELD.to_owned(),
        hint: "Look at the record in Salesforce, and delete it there if it is the person's.".to_owned(),
        vendor_code: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_named_ends_the_text_around_it() {
        assert_eq!(among("Id", &[r"a'b\"]), r"Id IN ('a\'b\\')");
    }

    #[test]
    fn two_hundred_of_our_keys_fit_an_address() {
        let key = format!("lead_{}", "0".repeat(26));
        let soql = among(KEY_FIELD, &[key.as_str(); QUERY_MAX]);
        let url = Resource::Query(soql).url("https://acme.my.salesforce.com", "62.0", KEY_FIELD);
        assert!(url.len() < 12_000, "{}", url.len());
    }
}
