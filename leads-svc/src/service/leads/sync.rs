//! Syncs that somebody asks for.

use leads_proto::reason::Reason;
use uuid::Uuid;

use crate::{
    domain::{
        activity::Kind,
        consent::Standing,
        consent_policy::no_consent,
        plan::Entitlement,
        sync::{self, Hindrance, Link, Provider},
    },
    service::{
        core::{Core, Facts},
        error::{Error, Result},
        plan::{self, Occasion},
        principal::{Principal, Scope},
    },
    storage::{
        capture::{LeadWrite, Write},
        leads::Record,
        transaction::Prior,
    },
};

impl Core {
    /// Owes the CRMs a lead now, below the threshold and after an error too.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `PLAN_REQUIRED`, `NOT_FOUND`, `NOT_CONNECTED`, `SYNC_BLOCKED`, `CONSENT_REQUIRED`, `CONFLICT`,
    /// `STORAGE_UNAVAILABLE`.
    pub async fn sync_lead(
        &self,
        principal: &Principal,
        id: Uuid,
        provider: Option<Provider>,
    ) -> Result<Vec<Link>> {
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        facts.require(Entitlement::CrmSync)?;
        let view = self
            .change_lead(principal, id, |occasion, record, _, holds| {
                plan_sync(occasion, record, holds, provider).map(Some)
            })
            .await?;
        Ok(view.links)
    }
}

fn plan_sync(
    occasion: &Occasion<'_>,
    record: Record,
    holds: Option<Standing>,
    provider: Option<Provider>,
) -> Result<Write> {
    let Record {
        mut lead,
        contact,
        mut jobs,
        ..
    } = record;
    let workspace = &occasion.facts.workspace;
    let providers = connected(occasion.facts, provider)?;
    let filled = contact.profile.filled();
    if let Err(Hindrance::MissingFields(fields)) = sync::missing(filled, &workspace.settings) {
        let reason = sync::missing_fields(&fields);
        let text = format!("{}; {}", reason.message, reason.hint);
        return Err(Error::new(Reason::SyncBlocked, text).with("field", reason.field));
    }
    let settings = &workspace.settings;
    if settings.consent_policy.withholds(holds) {
        let reason = no_consent(&settings.consent_purpose, holds);
        let text = format!("{}; {}", reason.message, reason.hint);
        return Err(Error::new(Reason::ConsentRequired, text).with("purpose", &settings.consent_purpose));
    }
    let mut write = Write::empty(workspace.id);
    let prior = Prior::At(lead.revision);
    lead.revision += 1;
    // A revision of its own makes the CRM's record be written even if nothing else changed.
    lead.sync_revision += 1;
    lead.last_activity_at = occasion.now;
    let forced = Some(providers.as_slice());
    plan::owe(occasion, &mut write, &lead, filled, &mut jobs, holds, forced);
    let names: Vec<&str> = providers.iter().map(|provider| provider.name()).collect();
    let forced = occasion.activity(Kind::SyncForced, Vec::new(), names.join(", "));
    write.activities.push((lead.id, forced));
    write.lead = Some(LeadWrite { lead, prior });
    Ok(write)
}

fn connected(facts: &Facts, provider: Option<Provider>) -> Result<Vec<Provider>> {
    let connected: Vec<Provider> = Provider::ALL
        .into_iter()
        .filter(|candidate| provider.is_none_or(|provider| provider == *candidate))
        .filter(|candidate| facts.connection(*candidate).is_some())
        .collect();
    if connected.is_empty() {
        return Err(Error::new(
            Reason::NotConnected,
            "the workspace is not connected to the CRM; connect it first: PUT /v1/connections/{provider}, or ConnectProvider",
        ));
    }
    Ok(connected)
}
