//! A capture of a person who is known, or not.

use uuid::Uuid;

use super::{
    conversation::append,
    known::{Known, SHOWN_CONSENTS},
    lead::{Before, Touch, change_lead},
    occasion::Occasion,
    owe::standing,
};
use crate::{
    domain::{
        capture::Capture,
        contact::Contact,
        lead::{Intent, Lead, Stage},
    },
    service::view::LeadView,
    storage::{
        capture::{ContactWrite, Write},
        transaction::Prior,
    },
};

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
    let before = Before {
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
    let view = change_lead(&occasion, &mut write, before, Some(touch));
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
