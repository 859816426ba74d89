//! Leads, conversations and timelines, to the wire.

use leads_proto::leads::v1;

use super::{consent::consent, times::timestamp, words};
use crate::{
    domain::{
        activity::Activity,
        capture::StoredMessage,
        ids,
        lead::Intent,
        score::{Dimension, Score},
        sync::{Link, Reason},
    },
    service::{contacts::ContactView, leads::Duplicate, qualification::Band, view::LeadView},
};

/// A lead.
pub fn lead(view: LeadView) -> v1::Lead {
    let LeadView {
        lead,
        contact: person,
        score: current,
        consents,
        links,
    } = view;
    v1::Lead {
        etag: lead.etag(),
        id: ids::format::<ids::Lead>(lead.id),
        contact: Some(contact(ContactView {
            contact: person,
            lead: Some(lead.id),
        })),
        stage: words::stage(lead.stage).into(),
        outcome: lead
            .outcome
            .map_or(v1::Outcome::Unspecified, words::outcome)
            .into(),
        stage_changed_at: Some(timestamp(lead.stage_changed_at)),
        score: current.map(score),
        intent: Some(intent(lead.intent)),
        channel: words::channel(lead.channel).into(),
        channels: lead
            .channels
            .into_iter()
            .map(|channel| words::channel(channel).into())
            .collect(),
        tags: lead.tags,
        owner: lead.owner,
        crm_links: links.into_iter().map(link).collect(),
        consents: consents.into_iter().map(consent).collect(),
        captured_at: Some(timestamp(lead.captured_at)),
        last_activity_at: Some(timestamp(lead.last_activity_at)),
        revision: lead.revision,
    }
}

/// A lead that may be the same person as another.
pub fn duplicate(duplicate: Duplicate) -> v1::Duplicate {
    let Duplicate {
        lead: view,
        candidate,
    } = duplicate;
    v1::Duplicate {
        lead: Some(lead(view)),
        score: candidate.score.into(),
        reasons: candidate
            .reasons
            .into_iter()
            .map(|reason| reason.word().to_owned())
            .collect(),
    }
}

/// A contact.
pub fn contact(view: ContactView) -> v1::Contact {
    let ContactView { contact, lead } = view;
    v1::Contact {
        emails: contact.profile.emails(),
        phones: contact.profile.phones(),
        visitor_ids: contact.profile.visitors,
        visitor_id: String::new(),
        lead_id: lead.map(ids::format::<ids::Lead>).unwrap_or_default(),
        id: ids::format::<ids::Contact>(contact.id),
        email: contact.profile.email.unwrap_or_default(),
        name: contact.profile.name.unwrap_or_default(),
        phone: contact.profile.phone.unwrap_or_default(),
        company: contact.profile.company.unwrap_or_default(),
        title: contact.profile.title.unwrap_or_default(),
        attributes: contact.attributes,
    }
}

/// A score.
pub fn score(score: Score) -> v1::Score {
    v1::Score {
        total: score.total.into(),
        band: band(score.total).into(),
        framework: score.framework,
        rubric_version: score.rubric_version,
        dimensions: score.dimensions.into_iter().map(dimension).collect(),
        scored_at: Some(timestamp(score.scored_at)),
    }
}

/// The range that a score lies in.
pub fn band(total: u8) -> v1::Band {
    match Band::of(total) {
        Band::Cold => v1::Band::Cold,
        Band::Lukewarm => v1::Band::Lukewarm,
        Band::Warm => v1::Band::Warm,
        Band::Hot => v1::Band::Hot,
    }
}

/// A link to a CRM.
pub fn link(link: Link) -> v1::CrmLink {
    v1::CrmLink {
        provider: words::provider(link.provider).into(),
        status: words::status(link.status).into(),
        external_id: link.external_id,
        url: link.url,
        reason: link.reason.map(reason),
        wanted_revision: link.wanted_revision,
        synced_revision: link.synced_revision,
        pending_since: link.pending_since.map(timestamp),
        synced_at: link.synced_at.map(timestamp),
        latency_ms: link.latency_ms,
    }
}

/// Why a sync does not go on.
pub fn reason(reason: Reason) -> v1::SyncReason {
    v1::SyncReason {
        code: reason.code,
        message: reason.message,
        field: reason.field,
        hint: reason.hint,
    }
}

/// A message.
pub fn message(message: StoredMessage) -> v1::Message {
    v1::Message {
        id: message.external_id,
        role: words::role(message.role).into(),
        text: message.text,
        at: Some(timestamp(message.at)),
        conversation_id: message.conversation_id,
    }
}

/// An entry of a timeline.
pub fn activity(activity: Activity) -> v1::Activity {
    v1::Activity {
        id: ids::format::<ids::Activity>(activity.id),
        kind: activity.kind,
        actor: activity.actor,
        at: Some(timestamp(activity.at)),
        changes: activity
            .details
            .changes
            .into_iter()
            .map(|change| v1::Change {
                field: change.field,
                before: change.before,
                after: change.after,
            })
            .collect(),
        detail: activity.details.text,
    }
}

fn intent(intent: Intent) -> v1::Intent {
    v1::Intent {
        signal: intent.signal,
        detail: intent.detail,
        at: Some(timestamp(intent.at)),
    }
}

fn dimension(dimension: Dimension) -> v1::DimensionScore {
    v1::DimensionScore {
        key: dimension.key,
        label: dimension.label,
        points: dimension.points.into(),
        max: dimension.max.into(),
        level: dimension.level,
        evidence: dimension
            .quote
            .into_iter()
            .map(|quote| v1::Evidence {
                message_id: quote.message_id,
                start: quote.start.try_into().unwrap_or(i32::MAX),
                end: quote.end.try_into().unwrap_or(i32::MAX),
                quote: quote.text,
            })
            .collect(),
        reason: dimension.reason,
    }
}
