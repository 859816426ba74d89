//! What a change does to a lead: scores, revisions, the timeline, and what the CRMs are owed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{occasion::Occasion, owe::owe};
use crate::{
    domain::{
        activity::{Activity, Change, Kind},
        capture::StoredMessage,
        consent::{Consent, Standing},
        contact::{Contact, Profile},
        lead::{Channel, Intent, Lead},
        score::Score,
        sync::{Job, Provider},
    },
    service::{qualification, view::LeadView},
    storage::{
        capture::{LeadWrite, Write},
        leads::Record,
        transaction::Prior,
    },
};

/// How somebody came again.
pub(super) struct Touch {
    pub(super) channel: Channel,
    pub(super) intent: Option<Intent>,
    pub(super) at: DateTime<Utc>,
}

/// A lead as it is before its score and its revisions are raised.
pub(super) struct Before {
    pub(super) lead: Lead,
    pub(super) is_new: bool,
    pub(super) contact: Contact,
    pub(super) profile_before: Profile,
    pub(super) messages: Vec<StoredMessage>,
    pub(super) appended: usize,
    pub(super) score: Option<Score>,
    pub(super) jobs: HashMap<Provider, Job>,
    pub(super) consents: Vec<Consent>,
    /// What happened, if it was neither a capture nor a message.
    pub(super) activity: Option<Activity>,
    /// What holds for the workspace's consent purpose, before and after.
    pub(super) standings: [Option<Standing>; 2],
}

/// Scores, raises revisions, writes the timeline and owes the CRMs.
pub(super) fn change_lead(
    occasion: &Occasion<'_>,
    write: &mut Write,
    before: Before,
    touch: Option<Touch>,
) -> Box<LeadView> {
    let Before {
        mut lead,
        is_new,
        contact,
        profile_before,
        messages,
        appended,
        score,
        mut jobs,
        consents,
        standings: [held, holds],
        activity,
    } = before;
    let is_other = activity.is_some();
    let prior = if is_new {
        Prior::Absent
    } else {
        Prior::At(lead.revision)
    };
    let settings = &occasion.facts.workspace.settings;
    let judged_from = messages
        .iter()
        .map(|message| message.at)
        .max()
        .or(touch.as_ref().map(|touch| touch.at));
    let scored = qualification::score(
        &contact.profile,
        &messages,
        &settings.ideal_customer,
        judged_from.unwrap_or(occasion.now),
        occasion.now,
    );
    let changes = profile_changes(&profile_before, &contact.profile);
    let rescored = score
        .as_ref()
        .is_none_or(|before| before.dimensions != scored.dimensions);
    if !is_new {
        lead.revision += 1;
        if let Some(touch) = touch {
            if !lead.channels.contains(&touch.channel) {
                lead.channels.push(touch.channel);
            }
            if let Some(intent) = touch.intent.filter(|intent| intent.at >= lead.intent.at) {
                lead.intent = intent;
            }
            let text = format!(
                "another capture through {}, {appended} new messages",
                touch.channel.word()
            );
            write
                .activities
                .push((lead.id, occasion.activity(Kind::Merged, changes.clone(), text)));
        } else if let Some(activity) = activity {
            write.activities.push((lead.id, activity));
        } else {
            let text = format!("{appended} new messages");
            write.activities.push((
                lead.id,
                occasion.activity(Kind::ConversationAppended, Vec::new(), text),
            ));
        }
        if rescored || is_other || !changes.is_empty() {
            lead.sync_revision += 1;
        }
    } else {
        let text = format!("{} through {}", lead.intent.signal, lead.channel.word());
        write
            .activities
            .push((lead.id, occasion.activity(Kind::Captured, Vec::new(), text)));
    }
    let shown = if rescored {
        let change = Change::of(
            "score",
            score
                .as_ref()
                .map_or(String::new(), |score| score.total.to_string()),
            scored.total,
        );
        write.activities.push((
            lead.id,
            occasion.activity(Kind::Scored, change.into_iter().collect(), String::new()),
        ));
        let id = occasion.id();
        write.score = Some((id, lead.id, scored.clone()));
        lead.score_id = id;
        lead.score = scored.total;
        scored
    } else {
        score.unwrap_or(scored)
    };
    lead.last_activity_at = occasion.now;
    let filled = contact.profile.filled();
    let policy = settings.consent_policy;
    let is_sent = is_new || is_other || rescored || !changes.is_empty();
    if is_sent || policy.withholds(held) != policy.withholds(holds) {
        owe(occasion, write, &lead, filled, &mut jobs, holds, None);
    }
    write.lead = Some(LeadWrite {
        lead: lead.clone(),
        prior,
    });
    Box::new(LeadView::new(
        Record {
            lead,
            contact,
            score: Some(shown),
            jobs,
        },
        consents,
        holds,
        occasion.facts,
    ))
}

fn profile_changes(before: &Profile, after: &Profile) -> Vec<Change> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [
        Change::of("contact.name", text(&before.name), text(&after.name)),
        Change::of("contact.phone", text(&before.phone), text(&after.phone)),
        Change::of("contact.company", text(&before.company), text(&after.company)),
        Change::of("contact.title", text(&before.title), text(&after.title)),
    ]
    .into_iter()
    .flatten()
    .collect()
}
