//! Changing leads.

use chrono::{DateTime, Utc};
use leads_proto::reason::Reason;
use uuid::Uuid;

use crate::{
    domain::{
        activity::{Change, Kind},
        consent::Standing,
        lead::{Lead, Outcome, Stage, TransitionError, check_transition},
        merge::{Choice, Link, Part, Side, Update},
    },
    service::{
        capture::{MAX_TRIES, contended},
        core::{Core, Facts},
        error::{Error, Result},
        plan::{self, Occasion},
        principal::{Principal, Scope},
        view::LeadView,
    },
    storage::{
        capture::{LeadWrite, Write},
        leads::Record,
        merges::MergeWrite,
        transaction::Prior,
    },
};

/// What a caller wants changed; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct LeadChange {
    /// New stage.
    pub stage: Option<Stage>,
    /// New outcome; the inner `None` clears it.
    pub outcome: Option<Option<Outcome>>,
    /// All tags.
    pub tags: Option<Vec<String>>,
    /// New owner.
    pub owner: Option<String>,
    /// Version that the caller saw.
    pub etag: Option<String>,
}

impl Core {
    /// Changes a lead.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `ETAG_MISMATCH`, `STAGE_TRANSITION`, `CONFLICT`, `STORAGE_UNAVAILABLE`.
    pub async fn update_lead(&self, principal: &Principal, id: Uuid, change: LeadChange) -> Result<LeadView> {
        self.change_lead(principal, id, |occasion, record, merges, holds| {
            plan_update(occasion, record, merges, &change, holds)
        })
        .await
    }

    /// Stores what `plan` makes of a lead, of its merges and of what holds for the workspace's consent purpose, planned
    /// again from a fresh read if somebody was faster; nothing if there is nothing to change.
    pub(super) async fn change_lead(
        &self,
        principal: &Principal,
        id: Uuid,
        plan: impl Fn(&Occasion<'_>, Record, Vec<Link>, Option<Standing>) -> Result<Option<Write>> + Send + Sync,
    ) -> Result<LeadView> {
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        let _turn = self.turns.take(facts.workspace.id, &[&id.to_string()]).await;
        for attempt in 0..MAX_TRIES {
            let record = self.record(&facts, id).await?;
            let merges = if record.lead.own.is_some() {
                self.store
                    .merges_of(facts.workspace.id, &facts.keys, &[record.lead.id])
                    .await?
            } else {
                Vec::new()
            };
            let holds = self.standing(&facts, &record.lead).await?;
            let stored = match plan(&self.occasion(&facts, &actor), record, merges, holds)? {
                Some(write) => self.store_write(&facts, write, attempt > 0).await?,
                None => true,
            };
            if stored {
                return self.view(&facts, id).await;
            }
        }
        Err(contended())
    }
}

fn plan_update(
    occasion: &Occasion<'_>,
    record: Record,
    merges: Vec<Link>,
    change: &LeadChange,
    holds: Option<Standing>,
) -> Result<Option<Write>> {
    let Record {
        lead: before,
        contact,
        mut jobs,
        ..
    } = record;
    if change.etag.as_ref().is_some_and(|etag| *etag != before.etag()) {
        let text = "somebody changed the lead since it was read; read it again and decide anew";
        return Err(Error::new(Reason::EtagMismatch, text).with("etag", before.etag()));
    }
    let mut lead = changed(&before, change)?;
    let outcome = |lead: &Lead| lead.outcome.map(Outcome::word).unwrap_or_default();
    let stage_changes: Vec<Change> = [
        Change::of("stage", before.stage.word(), lead.stage.word()),
        Change::of("outcome", outcome(&before), outcome(&lead)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let own_changes: Vec<Change> = [
        Change::of("tags", before.tags.join(", "), lead.tags.join(", ")),
        Change::of("owner", &before.owner, &lead.owner),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut write = Write::empty(occasion.facts.workspace.id);
    choose(&mut write, &mut lead, merges, change, occasion.now);
    if stage_changes.is_empty() && own_changes.is_empty() && lead.own == before.own {
        return Ok(None);
    }
    lead.revision += 1;
    lead.last_activity_at = occasion.now;
    if !stage_changes.is_empty() {
        lead.stage_changed_at = occasion.now;
    }
    if !stage_changes.is_empty() || (before.owner != lead.owner && owner_is_sent(occasion.facts)) {
        lead.sync_revision += 1;
        let filled = contact.profile.filled();
        plan::owe(occasion, &mut write, &lead, filled, &mut jobs, holds, None);
    }
    for (kind, changes) in [(Kind::StageChanged, stage_changes), (Kind::Updated, own_changes)] {
        if !changes.is_empty() {
            let activity = occasion.activity(kind, changes, String::new());
            write.activities.push((lead.id, activity));
        }
    }
    write.lead = Some(LeadWrite {
        lead,
        prior: Prior::At(before.revision),
    });
    Ok(Some(write))
}

/// Of a lead that absorbed others, what is set by hand is its own and counts in its merges from now on.
fn choose(write: &mut Write, lead: &mut Lead, merges: Vec<Link>, change: &LeadChange, now: DateTime<Utc>) {
    let is_stage = change.stage.is_some() || change.outcome.is_some();
    let update = Update {
        stage: is_stage.then_some((lead.stage, lead.outcome)),
        tags: change.tags.clone(),
        owner: change.owner.clone(),
    };
    let Some(own) = &mut lead.own else { return };
    own.update(&update, now);
    let parts = [
        (Part::Stage, update.stage.is_some()),
        (Part::Tags, update.tags.is_some()),
        (Part::Owner, update.owner.is_some()),
    ];
    let side = Side::Survivor;
    for mut link in merges {
        for (part, _) in parts.iter().filter(|(_, is_set)| *is_set) {
            link.merge.choices.insert(part.clone(), Choice { side, at: now });
        }
        write.merges.push(MergeWrite::Chosen {
            id: link.merge.id,
            choices: link.merge.choices,
        });
    }
}

/// Whether a CRM is sent the owner: only if the workspace mapped it.
fn owner_is_sent(facts: &Facts) -> bool {
    facts.connections.iter().any(|connection| {
        let property = connection.field_mapping.get("owner");
        property.is_some_and(|property| !property.is_empty())
    })
}

fn changed(before: &Lead, change: &LeadChange) -> Result<Lead> {
    let mut lead = before.clone();
    let stage = change.stage.unwrap_or(before.stage);
    let outcome = match (change.outcome, stage) {
        (Some(outcome), _) => outcome,
        (None, Stage::Closed) => before.outcome,
        (None, _) => None,
    };
    if (stage, outcome) != (before.stage, before.outcome) {
        check_transition(before.stage, stage, outcome).map_err(|error| {
            let text = match error {
                TransitionError::OutcomeMissing => "closing a lead needs its outcome: won or lost",
                TransitionError::OutcomeWithoutClosing => "only a closed lead has an outcome",
                TransitionError::ClosedToNew => "a closed lead can be reopened to any stage but new",
            };
            Error::new(Reason::StageTransition, text)
                .with("from", before.stage.word())
                .with("to", stage.word())
        })?;
        lead.stage = stage;
        lead.outcome = outcome;
    }
    if let Some(tags) = &change.tags {
        lead.tags.clone_from(tags);
    }
    if let Some(owner) = &change.owner {
        lead.owner.clone_from(owner);
    }
    Ok(lead)
}
