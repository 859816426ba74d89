//! What a capture or a message changes: from what was read and what came in to what is stored and shown. No I/O.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use leads_runtime::{clock::Clock, ids::new_id, process::trace};
use uuid::Uuid;

use super::{core::Facts, qualification, view::LeadView};
use crate::{
    domain::{
        activity::{Activity, Change, Details, Kind},
        capture::{Capture, Message, StoredMessage},
        consent::{self, Consent},
        consent_policy::no_consent,
        contact::{Contact, Profile},
        ids,
        lead::{Intent, Lead, Stage},
        score::Score,
        sync::{Job, JobState, Lane, Link, Provider, Status, eligibility},
    },
    storage::{
        capture::{ContactWrite, LeadWrite, Prior, Withheld, Write},
        contacts::Person,
        jobs::write::Want,
        leads::Record,
    },
};

/// Consents that are shown with a lead.
pub const SHOWN_CONSENTS: usize = 20;

/// A person with everything that a change has to know.
#[derive(Debug, Clone)]
pub struct Known {
    /// Contact and lead.
    pub person: Person,
    /// The whole conversation.
    pub messages: Vec<StoredMessage>,
    /// The current score, if it is a lead.
    pub score: Option<Score>,
    /// Jobs by CRM, if it is a lead.
    pub jobs: HashMap<Provider, Job>,
    /// Consents, newest first, as many as are shown.
    pub consents: Vec<Consent>,
}

/// What became of a capture.
#[derive(Debug, Clone)]
pub enum Collected {
    /// A new lead.
    Created(Box<LeadView>),
    /// Added to a lead that was there.
    Merged(Box<LeadView>),
    /// A contact, and no lead.
    Contact(Contact),
}

/// A change, ready to be stored.
#[derive(Debug)]
pub struct Planned {
    /// What to store.
    pub write: Write,
    /// What to answer.
    pub collected: Collected,
    /// Messages that were new.
    pub appended: usize,
}

/// Who changes what, and when.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The workspace's facts.
    pub facts: &'a Facts,
    /// Who, for the timeline.
    pub actor: &'a str,
    /// Source of ids and of the current time.
    pub clock: &'a Clock,
    /// The current time, the same for everything that is stored.
    pub now: DateTime<Utc>,
}

impl Occasion<'_> {
    fn id(&self) -> Uuid {
        new_id(self.clock)
    }

    pub(super) fn activity(&self, kind: Kind, changes: Vec<Change>, text: String) -> Activity {
        Activity {
            id: self.id(),
            kind: kind.word().to_owned(),
            actor: self.actor.to_owned(),
            at: self.now,
            details: Details { changes, text },
        }
    }
}

/// Plans a capture of a person who is known, or not.
pub fn capture(occasion: Occasion<'_>, capture: Capture, known: Option<Known>) -> Planned {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let prior = known
        .as_ref()
        .map_or(Prior::Absent, |known| Prior::At(known.person.revision));
    let before = known.as_ref().map(|known| known.person.contact.clone());
    let contact = merged_contact(&occasion, before.as_ref(), &capture);

    let mut messages = known
        .as_ref()
        .map(|known| known.messages.clone())
        .unwrap_or_default();
    let appended = append(
        &occasion,
        &mut write,
        contact.id,
        &mut messages,
        capture.messages,
        &capture.conversation_id,
    );
    let mut consents = capture.consents;
    write.consents.extend(
        consents
            .iter()
            .cloned()
            .map(|consent| (occasion.id(), contact.id, consent)),
    );
    consents.sort_by_key(|consent| std::cmp::Reverse(consent.at));
    consents.extend(
        known
            .as_ref()
            .map(|known| known.consents.clone())
            .unwrap_or_default(),
    );
    let standings = [
        standing(&occasion, known.as_ref().map_or(&[], |known| &known.consents)),
        standing(&occasion, &consents),
    ];
    consents.truncate(SHOWN_CONSENTS);

    write.contact = Some(ContactWrite {
        id: contact.id,
        profile: contact.profile.clone(),
        attributes: contact.attributes.clone(),
        messages: messages.len() as i64,
        prior,
        at: occasion.now,
    });
    let touch = Touch {
        channel: capture.channel,
        intent: capture.intent,
        at: capture.captured_at,
    };
    let lead_before = known.as_ref().and_then(|known| known.person.lead.clone());
    let (lead, is_new) = match (lead_before, touch.intent.clone()) {
        (Some(lead), _) => (lead, false),
        (None, Some(intent)) if contact.profile.email.is_some() => {
            (new_lead(&occasion, contact.id, intent, &touch), true)
        }
        (None, _) => {
            return Planned {
                write,
                collected: Collected::Contact(contact),
                appended,
            };
        }
    };
    let profile_before = before.map(|contact| contact.profile).unwrap_or_default();
    let standing = Standing {
        lead,
        is_new,
        contact,
        profile_before,
        messages,
        appended,
        score: known.as_ref().and_then(|known| known.score.clone()),
        jobs: known.map(|known| known.jobs).unwrap_or_default(),
        consents,
        standings,
    };
    let view = change_lead(&occasion, &mut write, standing, Some(touch));
    let collected = if is_new {
        Collected::Created(view)
    } else {
        Collected::Merged(view)
    };
    Planned {
        write,
        collected,
        appended,
    }
}

/// Plans the addition of messages to a lead.
pub fn append_messages(
    occasion: Occasion<'_>,
    known: Known,
    lead: Lead,
    new: Vec<Message>,
    conversation_id: &str,
) -> (Write, Box<LeadView>, usize) {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let Known {
        person,
        mut messages,
        score,
        jobs,
        consents,
    } = known;
    let contact = person.contact;
    let held = standing(&occasion, &consents);
    let appended = append(
        &occasion,
        &mut write,
        contact.id,
        &mut messages,
        new,
        conversation_id,
    );
    if appended == 0 {
        let record = Record {
            lead,
            contact,
            score,
            jobs,
        };
        let view = LeadView::new(record, consents, held, occasion.facts);
        return (write, Box::new(view), appended);
    }
    write.contact = Some(ContactWrite {
        id: contact.id,
        profile: contact.profile.clone(),
        attributes: contact.attributes.clone(),
        messages: messages.len() as i64,
        prior: Prior::At(person.revision),
        at: occasion.now,
    });
    let profile_before = contact.profile.clone();
    let standing = Standing {
        lead,
        is_new: false,
        contact,
        profile_before,
        messages,
        appended,
        score,
        jobs,
        consents,
        standings: [held, held],
    };
    let view = change_lead(&occasion, &mut write, standing, None);
    (write, view, appended)
}

/// What holds for the workspace's consent purpose by consents that are given newest first.
pub fn standing(occasion: &Occasion<'_>, consents: &[Consent]) -> Option<consent::Standing> {
    let purpose = &occasion.facts.workspace.settings.consent_purpose;
    let records: Vec<Consent> = consents
        .iter()
        .rev()
        .filter(|consent| consent.purpose == *purpose)
        .cloned()
        .collect();
    consent::current(&records, purpose, occasion.now).map(|current| current.standing)
}

/// Owes every connected CRM the newest revision of a lead whose mapped fields changed, or gives up what was owed if
/// the person's consent does not allow it.
pub fn owe(
    occasion: &Occasion<'_>,
    write: &mut Write,
    lead: &Lead,
    filled: i16,
    jobs: &mut HashMap<Provider, Job>,
    holds: Option<consent::Standing>,
    forced: Option<&[Provider]>,
) {
    let settings = &occasion.facts.workspace.settings;
    if settings.consent_policy.withholds(holds) {
        write.withheld = (!jobs.is_empty()).then(|| Withheld {
            lead: lead.id,
            reason: no_consent(&settings.consent_purpose, holds),
        });
        return;
    }
    let lane = if forced.is_some() || lead.score >= settings.hot_threshold {
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
        let has_it = known
            .is_some_and(|job| job.state == JobState::Done && job.link.wanted_revision >= lead.sync_revision);
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
                link,
            },
        );
    }
}

struct Touch {
    channel: crate::domain::lead::Channel,
    intent: Option<Intent>,
    at: DateTime<Utc>,
}

struct Standing {
    lead: Lead,
    is_new: bool,
    contact: Contact,
    profile_before: Profile,
    messages: Vec<StoredMessage>,
    appended: usize,
    score: Option<Score>,
    jobs: HashMap<Provider, Job>,
    consents: Vec<Consent>,
    /// What holds for the workspace's consent purpose, before and after.
    standings: [Option<consent::Standing>; 2],
}

/// Scores, raises revisions, writes the timeline and owes the CRMs.
fn change_lead(
    occasion: &Occasion<'_>,
    write: &mut Write,
    standing: Standing,
    touch: Option<Touch>,
) -> Box<LeadView> {
    let Standing {
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
    } = standing;
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
        } else {
            let text = format!("{appended} new messages");
            write.activities.push((
                lead.id,
                occasion.activity(Kind::ConversationAppended, Vec::new(), text),
            ));
        }
        if rescored || !changes.is_empty() {
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
    if is_new || rescored || !changes.is_empty() || policy.withholds(held) != policy.withholds(holds) {
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

fn new_lead(occasion: &Occasion<'_>, contact_id: Uuid, intent: Intent, touch: &Touch) -> Lead {
    Lead {
        id: occasion.id(),
        contact_id,
        stage: Stage::New,
        outcome: None,
        stage_changed_at: touch.at,
        score: 0,
        score_id: Uuid::nil(),
        intent,
        channel: touch.channel,
        channels: vec![touch.channel],
        tags: Vec::new(),
        owner: String::new(),
        captured_at: touch.at,
        last_activity_at: occasion.now,
        revision: 1,
        sync_revision: 1,
    }
}

fn merged_contact(occasion: &Occasion<'_>, before: Option<&Contact>, capture: &Capture) -> Contact {
    let mut contact = before.cloned().unwrap_or_else(|| Contact {
        id: occasion.id(),
        ..Contact::default()
    });
    contact.update(&capture.profile, &capture.attributes, capture.captured_at);
    contact
}

/// Adds the messages that the conversation does not have yet; returns how many.
fn append(
    occasion: &Occasion<'_>,
    write: &mut Write,
    contact: Uuid,
    messages: &mut Vec<StoredMessage>,
    new: Vec<Message>,
    conversation_id: &str,
) -> usize {
    let known: HashSet<String> = messages
        .iter()
        .filter(|message| message.conversation_id == conversation_id)
        .map(|message| message.external_id.clone())
        .collect();
    let mut appended = 0;
    for message in new {
        if message.external_id.as_ref().is_some_and(|id| known.contains(id)) {
            continue;
        }
        let id = occasion.id();
        let stored = StoredMessage {
            external_id: message
                .external_id
                .unwrap_or_else(|| ids::format::<ids::Message>(id)),
            conversation_id: conversation_id.to_owned(),
            position: messages.len() as i64,
            role: message.role,
            text: message.text,
            at: message.at,
        };
        write.messages.push((id, contact, stored.clone()));
        messages.push(stored);
        appended += 1;
    }
    appended
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
