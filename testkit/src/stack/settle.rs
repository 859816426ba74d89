//! Waiting until leads and the CRM agree, or say why they do not.

use std::time::Duration;

use anyhow::{Context, Result};
use leads_proto::leads::v1::{CrmLink, GetLeadRequest, Lead, Provider, SyncStatus};

use super::Stack;
use crate::wait;

impl Stack {
    /// A lead as it is now.
    pub async fn lead(&self, id: &str) -> Result<Lead> {
        let request = GetLeadRequest {
            lead_id: id.to_owned(),
        };
        Ok(self.clients.leads.clone().get_lead(request).await?.into_inner())
    }

    /// Waits until a lead's sync rests: synced, error, blocked or below the threshold.
    pub async fn settled(&mut self, id: &str, limit: Duration) -> Result<Lead> {
        self.reaches(id, limit, "its sync to rest", |lead| {
            hubspot_link(lead).is_some_and(|link| rests(link.status()))
        })
        .await
    }

    /// Waits until every CRM that the workspace is connected to has a lead's newest revision.
    pub async fn synced_everywhere(&mut self, id: &str, limit: Duration) -> Result<Lead> {
        self.reaches(id, limit, "to be synced everywhere", |lead| {
            let connected = |link: &&CrmLink| link.status() != SyncStatus::NotConnected;
            lead.crm_links.iter().filter(connected).all(is_current)
        })
        .await
    }

    /// Waits until HubSpot has a lead's newest revision.
    pub async fn synced(&mut self, id: &str, limit: Duration) -> Result<Lead> {
        let current = |lead: &Lead| hubspot_link(lead).is_some_and(is_current);
        self.reaches(id, limit, "to be synced", current).await
    }

    /// Waits until the syncs of all these leads rest, and returns them.
    pub async fn all_settled(&mut self, ids: &[String], limit: Duration) -> Result<Vec<Lead>> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut leads = Vec::with_capacity(ids.len());
        for id in ids {
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            leads.push(self.settled(id, left).await?);
        }
        Ok(leads)
    }

    /// Whether the syncs of all these leads rest now.
    pub async fn rest_now(&self, ids: &[String]) -> bool {
        for id in ids {
            let lead = self.lead(id).await.ok();
            let link = lead.as_ref().and_then(hubspot_link);
            if !link.is_some_and(|link| rests(link.status())) {
                return false;
            }
        }
        true
    }

    async fn reaches(
        &mut self,
        id: &str,
        limit: Duration,
        what: &str,
        reached: impl Fn(&Lead) -> bool,
    ) -> Result<Lead> {
        let mut last = None;
        let what = format!("lead {id} {what}");
        let waited = wait::until(&what, limit, async || {
            // The service may be down for a moment, on purpose.
            let Ok(lead) = self.lead(id).await else {
                return Ok(None);
            };
            let done = reached(&lead);
            last = Some(lead.crm_links.clone());
            Ok(done.then_some(lead))
        });
        let waited = waited.await;
        waited.with_context(|| format!("last seen: {last:?}\n{}", self.tails()))
    }
}

/// How a lead stands with HubSpot.
pub fn hubspot_link(lead: &Lead) -> Option<&CrmLink> {
    link_to(lead, Provider::Hubspot)
}

/// How a lead stands with a CRM.
pub fn link_to(lead: &Lead, provider: Provider) -> Option<&CrmLink> {
    lead.crm_links.iter().find(|link| link.provider() == provider)
}

fn is_current(link: &CrmLink) -> bool {
    link.status() == SyncStatus::Synced && link.synced_revision >= link.wanted_revision
}

fn rests(status: SyncStatus) -> bool {
    match status {
        SyncStatus::Synced | SyncStatus::Error | SyncStatus::Blocked | SyncStatus::BelowThreshold => true,
        SyncStatus::Unspecified | SyncStatus::NotConnected | SyncStatus::Pending => false,
    }
}
