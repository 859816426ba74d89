//! Syncs that a change of a lead owes.

use std::collections::HashMap;

use leads_runtime::process::trace;

use super::occasion::Occasion;
use crate::{
    domain::{
        consent::{Consent, Standing, current},
        consent_policy::no_consent,
        lead::Lead,
        plan::Entitlement,
        sync::{Action, Job, JobState, Lane, Link, Provider, Status, eligibility},
    },
    storage::{
        capture::{Withheld, Write},
        jobs::write::Want,
        transaction::Prior,
    },
};

/// What holds for the workspace's consent purpose by consents that are given newest first.
pub fn standing(occasion: &Occasion<'_>, consents: &[Consent]) -> Option<Standing> {
    let purpose = &occasion.facts.workspace.settings.consent_purpose;
    let records: Vec<Consent> = consents
        .iter()
        .rev()
        .filter(|consent| consent.purpose == *purpose)
        .cloned()
        .collect();
    current(&records, purpose, occasion.now).map(|current| current.standing)
}

/// Owes every connected CRM the newest revision of a lead whose mapped fields changed, or gives up what was owed if
/// the person's consent does not allow it.
pub fn owe(
    occasion: &Occasion<'_>,
    write: &mut Write,
    lead: &Lead,
    filled: i16,
    jobs: &mut HashMap<Provider, Job>,
    holds: Option<Standing>,
    forced: Option<&[Provider]>,
) {
    let workspace = &occasion.facts.workspace;
    let settings = &workspace.settings;
    if settings.consent_policy.withholds(holds) {
        write.withheld = (!jobs.is_empty()).then(|| Withheld {
            lead: lead.id,
            reason: no_consent(&settings.consent_purpose, holds),
        });
        return;
    }
    let is_hot = lead.score >= settings.hot_threshold && workspace.plan.allows(Entitlement::HotRouting);
    let lane = if forced.is_some() || is_hot {
        Lane::Hot
    } else {
        Lane::Normal
    };
    for provider in Provider::ALL {
        let Some(connection) = occasion.facts.connection(provider) else {
            continue;
        };
        let known = jobs.get(&provider);
        let wanted = match forced {
            Some(providers) => providers.contains(&provider),
            None => known.is_some() || eligibility(lead.score, filled, settings).is_ok(),
        };
        let has_it = known.is_some_and(|job| {
            job.action == Action::Upsert
                && job.state == JobState::Done
                && job.link.wanted_revision >= lead.sync_revision
        });
        if !wanted || has_it {
            continue;
        }
        write.wants.push(Want {
            id: occasion.id(),
            connection: connection.id,
            lead: lead.id,
            provider,
            revision: lead.sync_revision,
            lane,
            traceparent: trace::inject_current().unwrap_or_default(),
            prior: known.map_or(Prior::Absent, |job| Prior::At(job.link.wanted_revision)),
            at: occasion.now,
            forced: forced.is_some(),
        });
        let link = known.map_or_else(
            || Link::without_job(provider, Status::Pending, None),
            |job| job.link.clone(),
        );
        let pending_since = match known {
            Some(Job {
                state: JobState::Pending | JobState::Published | JobState::Running,
                link,
                ..
            }) => link.pending_since,
            Some(Job {
                state: JobState::Done | JobState::Dead,
                ..
            })
            | None => Some(occasion.now),
        };
        let link = Link {
            wanted_revision: lead.sync_revision,
            pending_since,
            reason: None,
            ..link
        };
        jobs.insert(
            provider,
            Job {
                state: JobState::Pending,
                action: Action::Upsert,
                link,
            },
        );
    }
}
