//! Merging leads, and taking merges back.

use std::collections::{BTreeMap, HashMap};

use leads_proto::reason::Reason;
use uuid::Uuid;

use crate::{
    domain::{
        ids,
        lead::Lead,
        merge::{Line, Part, Person, Refusal, Side, State},
        violation::Violations,
    },
    service::{
        capture::{MAX_TRIES, contended},
        core::{Core, Facts},
        error::{Error, Result},
        plan::{self, Group, Kept, Member},
        principal::{Principal, Scope},
        view::LeadView,
    },
    storage,
};

/// What became of a merge, or would.
#[derive(Debug)]
pub struct Merged {
    /// The lead that stays.
    pub lead: LeadView,
    /// The merge; none if it was only previewed, or the two were one lead already.
    pub merge: Option<Uuid>,
    /// Where each part comes from; empty if the two were one lead already.
    pub lines: Vec<Line>,
}

impl Core {
    /// Makes two leads one. With `only_checks` nothing is stored, and the answer is what it would be.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `INVALID_FIELDS`, `MERGE_REFUSED`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn merge_leads(
        &self,
        principal: &Principal,
        survivor: Uuid,
        absorbed: Uuid,
        choices: &BTreeMap<Part, Side>,
        only_checks: bool,
    ) -> Result<Merged> {
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        for attempt in 0..MAX_TRIES {
            let one = self.group_of(&facts, survivor).await?;
            let other = self.group_of(&facts, absorbed).await?;
            let root = one.tree.lead;
            if !one
                .tree
                .can_absorb(survivor, &other.tree, absorbed)
                .map_err(refused)?
            {
                return Ok(Merged {
                    lead: self.view(&facts, root).await?,
                    merge: None,
                    lines: Vec::new(),
                });
            }
            let mut violations = Violations::default();
            one.tree
                .check_choices(&other.tree, "choices", choices, &mut violations);
            violations.into_result(()).map_err(Error::invalid)?;
            let occasion = self.occasion(&facts, &actor);
            let lines = one.tree.preview(&other.tree, choices, occasion.now).lines;
            let planned = plan::merge(&occasion, one, other, choices);
            let (write, view, id) = planned.ok_or_else(|| broken(root))?;
            if only_checks {
                return Ok(Merged {
                    lead: *view,
                    merge: None,
                    lines,
                });
            }
            if self.store_write(&facts, write, attempt > 0).await? {
                return Ok(Merged {
                    lead: *view,
                    merge: Some(id),
                    lines,
                });
            }
        }
        Err(contended())
    }

    /// Takes back a merge of a lead, the newest if none is named; gives back the lead and the one that was freed.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `MERGE_REFUSED`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn unmerge_lead(
        &self,
        principal: &Principal,
        lead: Uuid,
        merge: Option<Uuid>,
    ) -> Result<(LeadView, LeadView)> {
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        for attempt in 0..MAX_TRIES {
            let group = self.group_of(&facts, lead).await?;
            let root = group.tree.lead;
            let newest = group.tree.absorbed.last();
            let Some(newest) = newest.map(|absorbed| (absorbed.merge.id, absorbed.person.lead)) else {
                return Err(refused(Refusal::Unknown));
            };
            let record = self
                .store
                .find_lead(facts.workspace.id, &facts.keys, newest.1)
                .await?;
            let jobs = record.map(|record| record.jobs).unwrap_or_default();
            let occasion = self.occasion(&facts, &actor);
            let (write, _, freed) = plan::unmerge(&occasion, group, merge.unwrap_or(newest.0), jobs)
                .map_err(|kept| match kept {
                    Kept::Refused(refusal) => refused(refusal),
                    Kept::Broken => broken(root),
                })?;
            if self.store_write(&facts, write, attempt > 0).await? {
                return Ok((self.view(&facts, root).await?, self.view(&facts, freed).await?));
            }
        }
        Err(contended())
    }

    /// The person that a lead is shown as.
    pub(in crate::service) async fn group_of(&self, facts: &Facts, lead: Uuid) -> Result<Group> {
        let mut group = self.silent_group_of(facts, lead).await?;
        for member in group.members.values_mut() {
            member.messages = self
                .store
                .messages(
                    facts.workspace.id,
                    &facts.keys,
                    member.contact.id,
                    0,
                    u64::MAX >> 1,
                )
                .await?;
            member.stored = member.messages.len();
        }
        Ok(group)
    }

    /// The same without its messages: for what is shown of it, not for changes.
    pub(in crate::service) async fn silent_group_of(&self, facts: &Facts, lead: Uuid) -> Result<Group> {
        let record = self.record(facts, lead).await?;
        let root = record.lead.id;
        let (workspace, keys) = (facts.workspace.id, &facts.keys);
        let found = self.store.find_members(workspace, keys, root).await?;
        let mut own: HashMap<Uuid, State> = HashMap::new();
        let mut members = HashMap::new();
        let mut consents = HashMap::new();
        for person in found.people {
            let Some(lead) = person.lead else { continue };
            let contact = person.contact;
            let state = match &lead.own {
                Some(own) => (**own).clone(),
                None => State::of(&contact, &lead),
            };
            own.insert(lead.id, state);
            let mut records = self.deciding_consents(facts, contact.id).await?;
            records.reverse();
            consents.insert(lead.id, records);
            members.insert(
                lead.id,
                Member {
                    contact,
                    revision: person.revision,
                    stored: 0,
                    lead,
                    messages: Vec::new(),
                },
            );
        }
        Ok(Group {
            tree: Person::assemble(root, &mut own, &found.merges).ok_or_else(|| broken(root))?,
            members,
            score: record.score,
            jobs: record.jobs,
            consents,
        })
    }
}

/// Whether a lead is one of several that a person is.
pub(in crate::service) fn is_grouped(lead: &Lead) -> bool {
    lead.merged_into.is_some() || lead.own.is_some()
}

/// Leads and merges do not fit together.
pub(in crate::service) fn broken(lead: Uuid) -> Error {
    let problem = "does not fit the merges of the lead";
    storage::Error::inconsistent("merges", "survivor_lead", lead, problem).into()
}

fn refused(refusal: Refusal) -> Error {
    let text = match &refusal {
        Refusal::Itself => "the two are one lead".to_owned(),
        Refusal::Cycle => {
            "the lead to absorb has absorbed the one that is to stay; undo that merge first".to_owned()
        }
        Refusal::TooMany => "a person can be at most 100 leads".to_owned(),
        Refusal::Unknown => "the lead has no such merge".to_owned(),
        Refusal::NotNewest { first } => {
            format!(
                "a newer merge has to be undone first: {}",
                ids::format::<ids::Merge>(*first)
            )
        }
    };
    let error = Error::new(Reason::MergeRefused, text);
    match refusal {
        Refusal::NotNewest { first } => error.with("merge_id", ids::format::<ids::Merge>(first)),
        _ => error,
    }
}
