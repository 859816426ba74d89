//! A capture of a person who is known, or not.

use uuid::Uuid;

use super::{
    conversation::{append, take_over},
    identities,
    known::{Known, SHOWN_CONSENTS, Whom},
    lead::{Before, Touch, change_lead},
    occasion::Occasion,
    owe::standing,
};
use crate::{
    domain::{
        capture::Capture,
        contact::{Contact, Seen},
        lead::{Lead, Stage},
    },
    service::view::LeadView,
    storage::{
        capture::{ContactWrite, Write},
        identities::Joined,
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
    Contact(Box<Contact>),
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
pub fn capture(occasion: Occasion<'_>, capture: Capture, whom: Whom) -> Planned {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let Whom {
        known,
        joined,
        next_place,
    } = whom;
    let prior = known
        .as_ref()
        .map_or(Prior::Absent, |known| Prior::At(known.person.revision));
    let before = known.as_ref().map(|known| known.person.contact.clone());
    let mut contact = before.clone().unwrap_or_else(|| Contact {
        id: occasion.id(),
        ..Contact::default()
    });
    let mut messages = known
        .as_ref()
        .map(|known| known.messages.clone())
        .unwrap_or_default();
    let mut consents = capture.consents;
    write.consents.extend(
        consents
            .iter()
            .cloned()
            .map(|consent| (occasion.id(), contact.id, consent)),
    );
    let mut moved = Vec::new();
    if let Some(joined) = joined {
        let Known {
            person,
            messages: others,
            consents: theirs,
            ..
        } = joined;
        write.joined = Some(Joined {
            contact: person.contact.id,
            revision: person.revision,
            into: contact.id,
        });
        moved.clone_from(&person.contact.profile.visitors);
        contact.join(person.contact);
        take_over(&occasion, &mut write, contact.id, &mut messages, others);
        consents.extend(theirs);
    }
    contact.update(&capture.profile, &capture.attributes, capture.captured_at);
    let settings = &occasion.facts.workspace.settings;
    let profile_before = before.as_ref().map(|contact| &contact.profile);
    identities::note(&mut write, settings, profile_before, &contact, &moved, next_place);
    let appended = append(
        &occasion,
        &mut write,
        contact.id,
        &mut messages,
        capture.messages,
        &capture.conversation_id,
    );
    consents.extend(
        known
            .as_ref()
            .map(|known| known.consents.clone())
            .unwrap_or_default(),
    );
    consents.sort_by_key(|consent| std::cmp::Reverse(consent.at));
    let standings = [
        standing(&occasion, known.as_ref().map_or(&[], |known| &known.consents)),
        standing(&occasion, &consents),
    ];
    consents.truncate(SHOWN_CONSENTS);

    let touch = Touch {
        channel: capture.channel,
        intent: capture.intent,
        at: capture.captured_at,
    };
    let lead_before = known.as_ref().and_then(|known| known.person.lead.clone());
    let (lead, is_new) = match lead_before {
        Some(mut lead) => {
            lead.take_in(std::mem::take(&mut contact.seen));
            (Some(lead), false)
        }
        None => {
            contact.seen.note(touch.channel, touch.intent.clone());
            (new_lead(&occasion, &mut contact, &touch), true)
        }
    };
    write.contact = Some(ContactWrite::of(&contact, messages.len(), prior, occasion.now));
    let Some(lead) = lead else {
        return Planned {
            write,
            collected: Collected::Contact(Box::new(contact)),
            appended,
        };
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
        activity: None,
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

/// The lead that a contact becomes, if it has an address and has shown intent.
fn new_lead(occasion: &Occasion<'_>, contact: &mut Contact, touch: &Touch) -> Option<Lead> {
    contact.profile.email.as_ref()?;
    let intent = contact.seen.intent.take()?;
    let Seen { channels, .. } = std::mem::take(&mut contact.seen);
    Some(Lead {
        id: occasion.id(),
        contact_id: contact.id,
        stage: Stage::New,
        outcome: None,
        stage_changed_at: touch.at,
        score: 0,
        score_id: Uuid::nil(),
        intent,
        channel: channels.first().copied().unwrap_or(touch.channel),
        channels,
        tags: Vec::new(),
        owner: String::new(),
        captured_at: touch.at,
        last_activity_at: occasion.now,
        revision: 1,
        sync_revision: 1,
        merged_into: None,
        own: None,
    })
}
