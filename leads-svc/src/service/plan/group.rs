//! A person whom several leads are: what comes in, merges, and merges that are undone.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::{
    conversation::{append, take_over},
    identities,
    known::{Known, SHOWN_CONSENTS},
    lead::{Before, Touch, change_lead},
    occasion::Occasion,
};
use crate::{
    domain::{
        activity::{Activity, Kind},
        audit::{Act, Action},
        capture::{Capture, Message, StoredMessage},
        consent::{Consent, Standing},
        contact::Contact,
        ids,
        lead::Lead,
        merge::{self, Link, Merge, Part, Refusal, Side, transcript},
        score::Score,
        sync::{Job, Provider},
    },
    service::view::LeadView,
    storage::{
        capture::{ContactWrite, LeadWrite, Write},
        identities::Joined,
        merges::MergeWrite,
        transaction::Prior,
    },
};

/// One of the leads that a person is.
#[derive(Debug, Clone)]
pub struct Member {
    /// The contact, as it is shown.
    pub contact: Contact,
    /// Its revision.
    pub revision: i64,
    /// Messages that are stored of it.
    pub stored: usize,
    /// The lead, as it is shown.
    pub lead: Lead,
    /// The contact's own conversation.
    pub messages: Vec<StoredMessage>,
}

/// A person whom several leads are, or one.
#[derive(Debug, Clone)]
pub struct Group {
    /// Who absorbed whom.
    pub tree: merge::Person,
    /// Its leads.
    pub members: HashMap<Uuid, Member>,
    /// The current score of the lead that is shown.
    pub score: Option<Score>,
    /// Its jobs by CRM.
    pub jobs: HashMap<Provider, Job>,
    /// Consents by lead, oldest first: the newest of each, and among them the one that decides about syncs.
    pub consents: HashMap<Uuid, Vec<Consent>>,
}

/// What comes in of one of the leads.
#[derive(Debug)]
pub struct Arrival {
    /// The lead that it is addressed to.
    pub source: Uuid,
    /// A capture, whose messages are below.
    pub capture: Option<Capture>,
    /// A contact without an address that turned out to be the same person.
    pub joined: Option<Known>,
    /// Place of the next contact that has the capture's visitor id.
    pub next_place: i32,
    /// New messages.
    pub messages: Vec<Message>,
    /// The caller's id of their conversation.
    pub conversation_id: String,
}

/// What happens to the lead that is shown.
#[derive(Default)]
struct Event {
    touch: Option<Touch>,
    appended: usize,
    /// What held for the workspace's consent purpose before.
    held: Option<Standing>,
    activity: Option<Activity>,
}

impl Event {
    fn of(activity: Activity) -> Self {
        Self {
            activity: Some(activity),
            ..Self::default()
        }
    }
}

/// Plans what comes in of one of the leads. `None` if the lead is not one of the person's.
pub fn arrive(
    occasion: &Occasion<'_>,
    mut group: Group,
    arrival: Arrival,
) -> Option<(Write, Box<LeadView>, usize)> {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let Arrival {
        source,
        capture,
        joined,
        next_place,
        messages,
        conversation_id,
    } = arrival;
    let held = group.standing(occasion, &group.tree);
    let consents = group.consents.entry(source).or_default();
    let member = group.members.get_mut(&source)?;
    let own = &mut group.tree.find_mut(source)?.own;
    let mut contact = Contact {
        id: member.contact.id,
        profile: own.profile.clone(),
        attributes: own.attributes.clone(),
        ..Contact::default()
    };
    let before = contact.profile.clone();
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
        let seen = person.contact.seen.clone();
        contact.join(person.contact);
        (own.profile, own.attributes) = (contact.profile.clone(), contact.attributes.clone());
        for channel in seen.channels {
            if !own.channels.contains(&channel) {
                own.channels.push(channel);
            }
        }
        if let Some(intent) = seen.intent.filter(|intent| intent.at >= own.intent.at) {
            own.intent = intent;
        }
        take_over(occasion, &mut write, contact.id, &mut member.messages, others);
        consents.extend(theirs.into_iter().rev());
    }
    let mut touch = None;
    match capture {
        Some(capture) => {
            own.capture(&capture, occasion.now);
            let new = capture.consents.iter().cloned();
            write
                .consents
                .extend(new.map(|consent| (occasion.id(), contact.id, consent)));
            consents.extend(capture.consents);
            touch = Some(Touch {
                channel: capture.channel,
                intent: None,
                at: capture.captured_at,
            });
        }
        None => own.last_activity_at = occasion.now,
    }
    contact.profile.clone_from(&own.profile);
    let settings = &occasion.facts.workspace.settings;
    identities::note(&mut write, settings, Some(&before), &contact, &moved, next_place);
    let appended = append(
        occasion,
        &mut write,
        contact.id,
        &mut member.messages,
        messages,
        &conversation_id,
    );
    group.put_absorbed(&mut write, &group.tree, group.tree.lead, occasion)?;
    let event = Event {
        touch,
        appended,
        held,
        activity: None,
    };
    let view = group.show(occasion, &mut write, &group.tree, event)?;
    for (lead, activity) in &mut write.activities {
        if activity.kind != Kind::Scored.word() {
            *lead = source;
        }
    }
    Some((write, view, appended))
}

/// Plans that `survivor` absorbs `other`.
pub fn merge(
    occasion: &Occasion<'_>,
    mut survivor: Group,
    other: Group,
    choices: &BTreeMap<Part, Side>,
) -> Option<(Write, Box<LeadView>, Uuid)> {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let (id, absorbed) = (occasion.id(), other.tree.lead);
    write.removed = other.members.keys().copied().collect();
    survivor.members.extend(other.members);
    survivor.consents.extend(other.consents);
    survivor.tree.absorb(other.tree, id, choices, occasion.now);
    let made: &Merge = &survivor.tree.absorbed.last()?.merge;
    write.merges.push(MergeWrite::New {
        link: Link {
            survivor: survivor.tree.lead,
            absorbed,
            merge: made.clone(),
        },
        actor: occasion.actor.to_owned(),
    });
    let name = ids::format::<ids::Lead>(absorbed);
    let root = ids::format::<ids::Lead>(survivor.tree.lead);
    let act = Act::new(occasion.actor, Action::LeadMerged, root)
        .with("absorbed", name.clone())
        .with("merge", ids::format::<ids::Merge>(id));
    write.acts.push(act);
    let text = format!("{name} merged into this lead");
    let activity = occasion.activity(Kind::LeadsMerged, Vec::new(), text);
    survivor.put_absorbed(&mut write, &survivor.tree, survivor.tree.lead, occasion)?;
    let view = survivor.show(occasion, &mut write, &survivor.tree, Event::of(activity))?;
    Some((write, view, id))
}

/// Why a merge was not undone.
#[derive(Debug)]
pub enum Kept {
    /// A rule forbids it.
    Refused(Refusal),
    /// A lead of the merge is missing: a defect.
    Broken,
}

/// Plans that a merge is undone; `jobs` are those of the leads that may be freed.
///
/// # Errors
/// Why not.
pub fn unmerge(
    occasion: &Occasion<'_>,
    mut group: Group,
    merge: Uuid,
    jobs: HashMap<Provider, Job>,
) -> Result<(Write, Box<LeadView>, Uuid), Kept> {
    let freed = group.tree.undo(merge).map_err(Kept::Refused)?;
    let mut write = Write::empty(occasion.facts.workspace.id);
    // What was answered meanwhile showed all of them.
    write.parted = group.members.values().map(|member| member.contact.id).collect();
    write.merges.push(MergeWrite::Undone {
        id: merge,
        at: occasion.now,
    });
    let activity = |text: String| occasion.activity(Kind::LeadsUnmerged, Vec::new(), text);
    let name = |lead: Uuid| ids::format::<ids::Lead>(lead);
    let act = Act::new(occasion.actor, Action::LeadUnmerged, name(group.tree.lead))
        .with("freed", name(freed.lead))
        .with("merge", ids::format::<ids::Merge>(merge));
    write.acts.push(act);
    let text = format!("{} stands for itself again", name(freed.lead));
    let shown = activity(text);
    group
        .put_absorbed(&mut write, &group.tree, group.tree.lead, occasion)
        .ok_or(Kept::Broken)?;
    let view = group
        .show(occasion, &mut write, &group.tree, Event::of(shown))
        .ok_or(Kept::Broken)?;
    let mut also = Write::empty(occasion.facts.workspace.id);
    let text = format!("stands for itself again, apart from {}", name(group.tree.lead));
    let shown = activity(text);
    group.jobs = jobs;
    group.score = None;
    group
        .put_absorbed(&mut also, &freed, freed.lead, occasion)
        .ok_or(Kept::Broken)?;
    group
        .show(occasion, &mut also, &freed, Event::of(shown))
        .ok_or(Kept::Broken)?;
    write.also.push(also);
    Ok((write, view, freed.lead))
}

impl Group {
    /// The conversation of a lead with those of the leads that it absorbed.
    pub fn transcript(&self, node: &merge::Person) -> Vec<StoredMessage> {
        let conversations = node.leads().into_iter().map(|(lead, _)| {
            let messages = self.members.get(&lead).map(|member| member.messages.clone());
            (lead, messages.unwrap_or_default())
        });
        let messages = transcript(conversations.collect());
        messages.into_iter().map(|(_, message)| message).collect()
    }

    /// Consents of a lead and of those that it absorbed, newest first, as many as are shown.
    pub fn newest_consents(&self, node: &merge::Person) -> Vec<Consent> {
        let leads = node.leads().into_iter();
        let records = leads.filter_map(|(lead, _)| self.consents.get(&lead));
        let mut records: Vec<Consent> = records.flatten().rev().cloned().collect();
        records.sort_by_key(|consent| std::cmp::Reverse(consent.at));
        records.truncate(SHOWN_CONSENTS);
        records
    }

    /// What holds for the workspace's consent purpose, of a lead and those that it absorbed.
    pub fn standing(&self, occasion: &Occasion<'_>, node: &merge::Person) -> Option<Standing> {
        let purpose = &occasion.facts.workspace.settings.consent_purpose;
        node.consent(&self.consents, purpose, occasion.now)
            .map(|current| current.standing)
    }

    /// Stores the leads below `node` that are shown otherwise than they are stored.
    pub(super) fn put_absorbed(
        &self,
        write: &mut Write,
        node: &merge::Person,
        root: Uuid,
        occasion: &Occasion<'_>,
    ) -> Option<()> {
        for absorbed in &node.absorbed {
            let person = &absorbed.person;
            let member = self.members.get(&person.lead)?;
            let (mut contact, mut lead) = shown(member, person);
            lead.merged_into = Some(root);
            let is_same = contact == member.contact && lead == member.lead;
            if !is_same || member.messages.len() != member.stored {
                contact.id = member.contact.id;
                lead.revision += 1;
                let mut also = Write::empty(write.workspace);
                also.contact = Some(ContactWrite::of(
                    &contact,
                    member.messages.len(),
                    Prior::At(member.revision),
                    occasion.now,
                ));
                also.lead = Some(LeadWrite {
                    lead,
                    prior: Prior::At(member.lead.revision),
                });
                write.also.push(also);
            }
            self.put_absorbed(write, person, root, occasion)?;
        }
        Some(())
    }

    /// Stores the lead that `node` is shown as.
    fn show(
        &self,
        occasion: &Occasion<'_>,
        write: &mut Write,
        node: &merge::Person,
        event: Event,
    ) -> Option<Box<LeadView>> {
        let Event {
            touch,
            appended,
            held,
            activity,
        } = event;
        let member = self.members.get(&node.lead)?;
        let (contact, mut lead) = shown(member, node);
        lead.merged_into = None;
        write.contact = Some(ContactWrite::of(
            &contact,
            member.messages.len(),
            Prior::At(member.revision),
            occasion.now,
        ));
        let before = Before {
            lead,
            is_new: false,
            contact,
            profile_before: member.contact.profile.clone(),
            messages: self.transcript(node),
            appended,
            score: self.score.clone(),
            jobs: self.jobs.clone(),
            consents: self.newest_consents(node),
            standings: [held, self.standing(occasion, node)],
            activity,
        };
        Some(change_lead(occasion, write, before, touch))
    }
}

/// A lead with its contact, as it is shown.
pub(super) fn shown(member: &Member, node: &merge::Person) -> (Contact, Lead) {
    let (mut contact, mut lead) = (member.contact.clone(), member.lead.clone());
    node.united().put_into(&mut contact, &mut lead);
    lead.own = (!node.absorbed.is_empty()).then(|| Box::new(node.own.clone()));
    (contact, lead)
}
