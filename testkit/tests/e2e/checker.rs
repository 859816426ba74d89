//! The promise as a check: every accepted lead is in the CRM exactly once with its newest revision, or shows why not.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use leads_proto::leads::v1::{Lead, SyncStatus};
use leads_testkit::{
    fakes::hubspot::{ContactView, DEFAULT_PORTAL},
    stack::{Stack, hubspot_link},
    wait,
};

use crate::{
    RECOVERY_LIMIT,
    summary::{self, Fate},
};

const LEAD_ID: &str = "leads_lead_id";
const REVISION: &str = "leads_revision";

/// Waits until the leads' syncs rest and the promise holds: a write that the vendor carries out late, or that a frozen
/// process sends, may undo a newer one for as long as it takes to notice.
///
/// # Errors
/// What is still broken after the limit.
pub async fn check(stack: &mut Stack, accepted: &[String]) -> Result<Vec<Lead>> {
    let mut broken = Vec::new();
    let held = wait::until("the promise to hold", RECOVERY_LIMIT, async || {
        let leads = stack.all_settled(accepted, RECOVERY_LIMIT).await?;
        let contacts = stack.hubspot.contacts(DEFAULT_PORTAL)?;
        summary::note(&leads, |lead| fate(lead, &records(&contacts)))?;
        broken = violations(&leads, &contacts);
        broken.extend(
            stack
                .hubspot
                .duplicates(DEFAULT_PORTAL)?
                .iter()
                .map(|duplicate| format!("{duplicate:?}")),
        );
        Ok(broken.is_empty().then_some(leads))
    });
    let held = held.await;
    held.with_context(|| format!("broken:\n{}\n{}", broken.join("\n"), stack.tails()))
}

/// [`check`], and that all of them are synced.
pub async fn check_synced(stack: &mut Stack, accepted: &[String]) -> Result<()> {
    for lead in check(stack, accepted).await? {
        let link = hubspot_link(&lead);
        ensure!(
            link.is_some_and(|link| link.status() == SyncStatus::Synced),
            "{}: {link:?}",
            lead.id
        );
    }
    Ok(())
}

/// Live records of the CRM by the lead that they say they are of.
fn records(contacts: &[ContactView]) -> BTreeMap<&str, Vec<&ContactView>> {
    let mut records: BTreeMap<&str, Vec<&ContactView>> = BTreeMap::new();
    for contact in contacts.iter().filter(|contact| !contact.archived) {
        if let Some(id) = contact.properties.get(LEAD_ID) {
            records.entry(id).or_default().push(contact);
        }
    }
    records
}

/// What became of an accepted lead, for the summary.
fn fate(lead: &Lead, records: &BTreeMap<&str, Vec<&ContactView>>) -> Fate {
    let own = records.get(lead.id.as_str()).map_or(&[][..], Vec::as_slice);
    match judge(lead, own) {
        _ if own.len() > 1 => Fate::Doubled,
        Err(_) => Fate::Lost,
        Ok(()) if own.is_empty() => Fate::Told,
        Ok(()) => Fate::Delivered,
    }
}

fn violations(leads: &[Lead], contacts: &[ContactView]) -> Vec<String> {
    let records = records(contacts);
    let known: BTreeSet<&str> = leads.iter().map(|lead| lead.id.as_str()).collect();
    let strangers = records
        .keys()
        .filter(|id| !known.contains(**id))
        .map(|id| format!("{id}: nobody captured it"));
    let broken = leads.iter().filter_map(|lead| {
        let own = records.get(lead.id.as_str()).map_or(&[][..], Vec::as_slice);
        judge(lead, own)
            .err()
            .map(|error| format!("{}: {error}", lead.id))
    });
    strangers.chain(broken).collect()
}

fn judge(lead: &Lead, records: &[&ContactView]) -> Result<()> {
    let Some(link) = hubspot_link(lead) else {
        anyhow::bail!("it has no state for HubSpot")
    };
    ensure!(records.len() < 2, "it is in the CRM {} times", records.len());
    match link.status() {
        SyncStatus::Synced => {
            let Some(record) = records.first() else {
                anyhow::bail!("called synced, and not in the CRM")
            };
            let written = record
                .properties
                .get(REVISION)
                .and_then(|text| text.parse::<i64>().ok());
            ensure!(
                link.synced_revision >= link.wanted_revision,
                "called synced with an old revision: {link:?}"
            );
            ensure!(
                written == Some(link.synced_revision),
                "the CRM has revision {written:?}, not {}",
                link.synced_revision
            );
            ensure!(
                link.external_id == record.id.to_string(),
                "linked to {}, not {}",
                link.external_id,
                record.id
            );
            ensure!(
                link.url == record.url,
                "the link is {}, not {}",
                link.url,
                record.url
            );
            let email = lead.contact.as_ref().map(|contact| contact.email.as_str());
            ensure!(
                record.properties.get("email").map(String::as_str) == email,
                "the CRM has another address"
            );
        }
        SyncStatus::Error | SyncStatus::Blocked => {
            let told = link
                .reason
                .as_ref()
                .is_some_and(|reason| !reason.code.is_empty() && !reason.message.is_empty());
            ensure!(told, "failed without a reason: {link:?}");
        }
        SyncStatus::BelowThreshold => ensure!(records.is_empty(), "below the threshold, and in the CRM"),
        SyncStatus::Unspecified | SyncStatus::NotConnected | SyncStatus::Pending => {
            anyhow::bail!("neither in the CRM nor failed: {link:?}")
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use leads_proto::leads::v1::{Contact, CrmLink, Lead, Provider, SyncReason, SyncStatus};
    use leads_testkit::fakes::hubspot::ContactView;

    use super::{Fate, LEAD_ID, REVISION, fate, records, violations};

    fn lead(status: SyncStatus) -> Lead {
        let link = CrmLink {
            provider: Provider::Hubspot.into(),
            status: status.into(),
            external_id: "7".to_owned(),
            url: "https://crm.example/7".to_owned(),
            wanted_revision: 3,
            synced_revision: 3,
            ..CrmLink::default()
        };
        let contact = Contact {
            email: "a@leads.example".to_owned(),
            ..Contact::default()
        };
        Lead {
            id: "lead_1".to_owned(),
            contact: Some(contact),
            crm_links: vec![link],
            ..Lead::default()
        }
    }

    fn record(id: u64, revision: &str) -> ContactView {
        let values = [
            (LEAD_ID, "lead_1"),
            (REVISION, revision),
            ("email", "a@leads.example"),
        ];
        ContactView {
            id,
            properties: values
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            created_ms: 0,
            updated_ms: 0,
            archived: false,
            merged_ids: Vec::new(),
            url: format!("https://crm.example/{id}"),
        }
    }

    #[test]
    fn a_lead_that_is_there_once_with_its_newest_revision_is_fine() {
        assert_eq!(
            violations(&[lead(SyncStatus::Synced)], &[record(7, "3")]),
            Vec::<String>::new()
        );
        let edited_by_hand = ContactView {
            properties: BTreeMap::new(),
            ..record(8, "")
        };
        assert_eq!(
            violations(&[lead(SyncStatus::Synced)], &[record(7, "3"), edited_by_hand]).len(),
            0
        );
    }

    #[test]
    fn every_way_to_break_the_promise_is_seen() {
        let with_link = |change: fn(&mut CrmLink)| {
            let mut lead = lead(SyncStatus::Synced);
            change(&mut lead.crm_links[0]);
            lead
        };
        let archived = ContactView {
            archived: true,
            ..record(7, "3")
        };
        for (what, lead, records) in [
            ("lost", lead(SyncStatus::Synced), vec![]),
            ("deleted", lead(SyncStatus::Synced), vec![archived]),
            (
                "doubled",
                lead(SyncStatus::Synced),
                vec![record(7, "3"), record(8, "3")],
            ),
            ("old", lead(SyncStatus::Synced), vec![record(7, "2")]),
            (
                "not the newest",
                with_link(|link| link.wanted_revision = 4),
                vec![record(7, "3")],
            ),
            ("other record", lead(SyncStatus::Synced), vec![record(9, "3")]),
            (
                "no link",
                with_link(|link| link.url.clear()),
                vec![record(7, "3")],
            ),
            ("stuck", lead(SyncStatus::Pending), vec![]),
            ("no reason", lead(SyncStatus::Error), vec![]),
            (
                "not wanted",
                lead(SyncStatus::BelowThreshold),
                vec![record(7, "3")],
            ),
        ] {
            let counted = fate(&lead, &super::records(&records));
            let expected = if what == "doubled" {
                Fate::Doubled
            } else {
                Fate::Lost
            };
            assert_eq!(counted, expected, "{what}");
            assert_eq!(violations(&[lead], &records).len(), 1, "{what}");
        }
        assert_eq!(violations(&[], &[record(7, "3")]).len(), 1, "from nowhere");
    }

    #[test]
    fn a_failure_with_a_reason_is_within_the_promise() {
        let mut failed = lead(SyncStatus::Error);
        let (code, message) = ("VALIDATION".to_owned(), "refused".to_owned());
        failed.crm_links[0].reason = Some(SyncReason {
            code,
            message,
            ..SyncReason::default()
        });
        assert_eq!(fate(&failed, &records(&[])), Fate::Told);
        assert_eq!(violations(&[failed], &[]), Vec::<String>::new());
    }
}
