//! A consent that is recorded by itself.

use uuid::Uuid;

use super::{
    group::{Group, shown},
    occasion::Occasion,
    owe::owe,
};
use crate::{
    domain::{activity::Kind, consent::Consent},
    storage::{
        capture::{ContactWrite, LeadWrite, Write},
        transaction::Prior,
    },
};

/// Plans a consent of one of the leads that a person is. `None` if the lead is not one of them.
pub fn record_consent(
    occasion: &Occasion<'_>,
    mut group: Group,
    source: Uuid,
    consent: Consent,
) -> Option<Write> {
    let mut write = Write::empty(occasion.facts.workspace.id);
    let held = group.standing(occasion, &group.tree);
    let said = if consent.given { "given" } else { "refused" };
    let text = format!("{} {said}", consent.purpose);
    let activity = occasion.activity(Kind::ConsentRecorded, Vec::new(), text);
    write.activities.push((source, activity));
    let contact = group.members.get(&source)?.contact.id;
    write.consents.push((occasion.id(), contact, consent.clone()));
    group.consents.entry(source).or_default().push(consent);
    group.tree.find_mut(source)?.own.last_activity_at = occasion.now;
    let holds = group.standing(occasion, &group.tree);

    group.put_absorbed(&mut write, &group.tree, group.tree.lead, occasion)?;
    let member = group.members.get(&group.tree.lead)?;
    let (contact, mut lead) = shown(member, &group.tree);
    let prior = Prior::At(lead.revision);
    lead.revision += 1;
    lead.last_activity_at = occasion.now;
    let policy = occasion.facts.workspace.settings.consent_policy;
    if policy.withholds(held) != policy.withholds(holds) {
        let filled = contact.profile.filled();
        owe(occasion, &mut write, &lead, filled, &mut group.jobs, holds, None);
    }
    // The contact's revision moves as well, so that a capture which was planned before does not owe what the person
    // refused meanwhile.
    let (messages, at) = (member.messages.len(), occasion.now);
    write.contact = Some(ContactWrite::of(
        &contact,
        messages,
        Prior::At(member.revision),
        at,
    ));
    write.lead = Some(LeadWrite { lead, prior });
    Some(write)
}
