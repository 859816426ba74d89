//! The demo set: conversations as channels would send them, captured over REST.

use std::time::Duration;

use anyhow::{Context, Result};
use leads_proto::leads::v1::{Band, Channel, Lead, SyncStatus};
use serde_json::Value;

use super::show;
use crate::stack::{Stack, hubspot_link};

const CONVERSATIONS: &str = include_str!("../../demo/conversations.jsonl");
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// What the demo set led to.
#[derive(Debug)]
pub struct Shown {
    /// A line per lead, best first.
    pub lines: Vec<String>,
    /// Address of the best lead that HubSpot has.
    pub synced_address: String,
}

/// The captures, each a REST body.
pub fn conversations() -> impl Iterator<Item = Result<Value>> {
    let lines = CONVERSATIONS
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| serde_json::from_str(line).with_context(|| format!("line {}", number + 1)))
}

/// Captures all and waits until their syncs rest.
pub async fn capture(stack: &mut Stack) -> Result<Shown> {
    show::step("capturing the demo conversations");
    let mut ids = Vec::new();
    for conversation in conversations() {
        let answer = stack
            .clients
            .rest
            .post("/v1/leads:collect", &conversation?)
            .await?
            .json()?;
        if let Some(id) = answer.pointer("/lead/id").and_then(Value::as_str) {
            ids.push(id.to_owned());
        }
    }
    ids.sort();
    ids.dedup();
    show::step("waiting for the CRMs to have them");
    let mut leads = stack.all_settled(&ids, SETTLE_LIMIT).await?;
    leads.sort_by_key(|lead| std::cmp::Reverse(score(lead).0));
    let synced = leads.iter().find(|lead| status(lead) == SyncStatus::Synced);
    let synced_address = synced
        .and_then(|lead| lead.contact.as_ref())
        .map(|contact| contact.email.clone());
    let synced_address = synced_address.context("HubSpot has none of the demo leads")?;
    Ok(Shown {
        lines: leads.iter().map(line).collect(),
        synced_address,
    })
}

fn line(lead: &Lead) -> String {
    let (total, band) = score(lead);
    let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase();
    let contact = lead.contact.clone().unwrap_or_default();
    format!(
        "{total:>5}  {:<9} {:<16} {:<12} {} <{}>",
        word(band.as_str_name(), "BAND_"),
        word(status(lead).as_str_name(), "SYNC_STATUS_"),
        word(
            Channel::try_from(lead.channel).unwrap_or_default().as_str_name(),
            "CHANNEL_"
        ),
        contact.name,
        contact.email,
    )
}

fn score(lead: &Lead) -> (i32, Band) {
    lead.score
        .as_ref()
        .map_or((0, Band::Unspecified), |score| (score.total, score.band()))
}

fn status(lead: &Lead) -> SyncStatus {
    hubspot_link(lead).map_or(SyncStatus::Unspecified, |link| link.status())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::conversations;

    #[test]
    fn the_demo_set_is_varied_and_its_addresses_cannot_exist() {
        let all: Vec<_> = conversations().map(|line| line.unwrap()).collect();
        let texts = |path: &str| -> BTreeSet<String> {
            all.iter()
                .filter_map(|item| Some(item.pointer(path)?.as_str()?.to_owned()))
                .collect()
        };
        assert!(all.len() >= 20, "{}", all.len());
        assert!(texts("/channel").len() >= 6, "{:?}", texts("/channel"));
        let addresses = texts("/contact/email");
        assert!(addresses.len() >= 20 && addresses.iter().all(|address| address.ends_with(".example")));
        for item in &all {
            let messages = item["messages"].as_array().unwrap();
            assert!(
                messages.iter().any(|message| message["role"] == "visitor"),
                "{item}"
            );
        }
    }
}
