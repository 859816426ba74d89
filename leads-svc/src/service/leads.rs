//! Reading and changing leads.

use leads_proto::reason::Reason;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    capture::{MAX_TRIES, contended},
    core::{Core, Facts},
    error::{Error, Result},
    page_token, plan,
    principal::{Principal, Scope},
    view::LeadView,
};
use crate::{
    domain::{
        activity::{Activity, Change, Kind},
        capture::StoredMessage,
        consent::Standing,
        consent_policy::no_consent,
        contact::Contact,
        lead::{Lead, Outcome, Stage, TransitionError, check_transition},
        page::{LeadCursor, LeadQuery},
        score::Score,
        sync::{self, Hindrance, Link, Provider},
    },
    storage::{
        capture::{LeadWrite, Write},
        leads::{Deletion, Record},
        transaction::Prior,
    },
};

/// Bytes of free text in one page, so that an answer stays below what callers accept.
const PAGE_BYTES: usize = 2 * 1_024 * 1_024;
/// Consents shown with a lead of a list: none, a page would need a query each.
const CONSENTS_IN_LISTS: Vec<crate::domain::consent::Consent> = Vec::new();

/// A page of something.
#[derive(Debug)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Token of the next page; empty on the last.
    pub next: String,
}

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

#[derive(Serialize, Deserialize)]
struct Cursor {
    captured_at: chrono::DateTime<chrono::Utc>,
    score: u8,
    id: Uuid,
}

impl Core {
    /// One lead.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn get_lead(&self, principal: &Principal, id: Uuid) -> Result<LeadView> {
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let view = self.view(&facts, id).await?;
        self.note_read(principal, &facts, "GetLead", 1);
        Ok(view)
    }

    /// A page of leads.
    ///
    /// # Errors
    /// As [`get_lead`](Self::get_lead), and those of page tokens.
    pub async fn list_leads(
        &self,
        principal: &Principal,
        query: &LeadQuery,
        size: u64,
        token: &str,
    ) -> Result<Page<LeadView>> {
        const METHOD: &str = "ListLeads";
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let now = self.store.clock().now();
        let bound = format!("{query:?} {size}");
        let cursor = page_token::read::<Cursor>(&facts.keys, METHOD, &bound, token, now)?.map(
            |Cursor {
                 captured_at,
                 score,
                 id,
             }| LeadCursor {
                captured_at,
                score,
                id,
            },
        );
        let connected = !facts.connections.is_empty();
        let mut records = self
            .store
            .list_leads(&facts.workspace, &facts.keys, query, connected, cursor, size + 1)
            .await?;
        let size = fitting(
            size,
            records.iter().map(|record| attribute_bytes(&record.contact)),
        );
        let next = match cut(&mut records, size) {
            Some(Record { lead, .. }) => {
                let cursor = Cursor {
                    captured_at: lead.captured_at,
                    score: lead.score,
                    id: lead.id,
                };
                page_token::issue(&facts.keys, METHOD, &bound, cursor, now)?
            }
            None => String::new(),
        };
        self.note_read(principal, &facts, METHOD, records.len());
        let standings = self
            .store
            .standings(
                facts.workspace.id,
                records.iter().map(|record| record.contact.id),
                &facts.workspace.settings.consent_purpose,
            )
            .await?;
        let items = records
            .into_iter()
            .map(|record| {
                let holds = standings.get(&record.contact.id).copied();
                LeadView::new(record, CONSENTS_IN_LISTS, holds, &facts)
            })
            .collect();
        Ok(Page { items, next })
    }

    /// Changes a lead.
    ///
    /// # Errors
    /// As [`get_lead`](Self::get_lead), `ETAG_MISMATCH`, `STAGE_TRANSITION`, `CONFLICT`.
    pub async fn update_lead(&self, principal: &Principal, id: Uuid, change: LeadChange) -> Result<LeadView> {
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        let _turn = self.turns.take(facts.workspace.id, &id.to_string()).await;
        for attempt in 0..MAX_TRIES {
            let record = self
                .store
                .find_lead(facts.workspace.id, &facts.keys, id)
                .await?
                .ok_or_else(|| Error::not_found("lead"))?;
            if change
                .etag
                .as_ref()
                .is_some_and(|etag| *etag != record.lead.etag())
            {
                return Err(Error::new(
                    Reason::EtagMismatch,
                    "somebody changed the lead since it was read; read it again and decide anew",
                )
                .with("etag", record.lead.etag()));
            }
            let holds = self.standing(&facts, record.contact.id).await?;
            let Some(write) = self.plan_update(&facts, &actor, record, &change, holds)? else {
                return self.view(&facts, id).await;
            };
            if self.store_write(&facts, write, attempt > 0).await? {
                return self.view(&facts, id).await;
            }
        }
        Err(contended())
    }

    fn plan_update(
        &self,
        facts: &Facts,
        actor: &str,
        record: Record,
        change: &LeadChange,
        holds: Option<Standing>,
    ) -> Result<Option<Write>> {
        let Record {
            lead: before,
            contact,
            mut jobs,
            ..
        } = record;
        let occasion = self.occasion(facts, actor);
        let mut lead = changed(&before, change)?;
        let stage_changes: Vec<Change> = [
            Change::of("stage", before.stage.word(), lead.stage.word()),
            Change::of(
                "outcome",
                before.outcome.map(Outcome::word).unwrap_or_default(),
                lead.outcome.map(Outcome::word).unwrap_or_default(),
            ),
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
        if stage_changes.is_empty() && own_changes.is_empty() {
            return Ok(None);
        }
        let mut write = Write::empty(facts.workspace.id);
        lead.revision += 1;
        lead.last_activity_at = occasion.now;
        let owner_is_sent = facts.connections.iter().any(|connection| {
            connection
                .field_mapping
                .get("owner")
                .is_some_and(|property| !property.is_empty())
        });
        let owner_moved = owner_is_sent && before.owner != lead.owner;
        if !stage_changes.is_empty() {
            lead.stage_changed_at = occasion.now;
        }
        if !stage_changes.is_empty() || owner_moved {
            lead.sync_revision += 1;
            plan::owe(
                &occasion,
                &mut write,
                &lead,
                contact.profile.filled(),
                &mut jobs,
                holds,
                None,
            );
        }
        if !stage_changes.is_empty() {
            write.activities.push((
                lead.id,
                occasion.activity(Kind::StageChanged, stage_changes, String::new()),
            ));
        }
        if !own_changes.is_empty() {
            write.activities.push((
                lead.id,
                occasion.activity(Kind::Updated, own_changes, String::new()),
            ));
        }
        write.lead = Some(LeadWrite {
            lead,
            prior: Prior::At(before.revision),
        });
        Ok(Some(write))
    }

    /// Deletes a lead and its contact.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn delete_lead(&self, principal: &Principal, id: Uuid) -> Result<()> {
        principal.require(Scope::LeadsDelete)?;
        let facts = self.facts(principal.workspace()?).await?;
        let (workspace, by) = (facts.workspace.id, principal.actor());
        let deletion = Deletion::Erasure { by: &by };
        if self
            .store
            .delete_lead(workspace, &facts.keys, id, deletion)
            .await?
        {
            Ok(())
        } else {
            Err(Error::not_found("lead"))
        }
    }

    /// Owes the CRMs a lead now, below the threshold and after an error too.
    ///
    /// # Errors
    /// As [`get_lead`](Self::get_lead), `NOT_CONNECTED`, `SYNC_BLOCKED`, `CONSENT_REQUIRED`, `CONFLICT`.
    pub async fn sync_lead(
        &self,
        principal: &Principal,
        id: Uuid,
        provider: Option<Provider>,
    ) -> Result<Vec<Link>> {
        principal.require(Scope::LeadsWrite)?;
        let facts = self.facts(principal.workspace()?).await?;
        let actor = principal.actor();
        let _turn = self.turns.take(facts.workspace.id, &id.to_string()).await;
        for attempt in 0..MAX_TRIES {
            let mut record = self
                .store
                .find_lead(facts.workspace.id, &facts.keys, id)
                .await?
                .ok_or_else(|| Error::not_found("lead"))?;
            let providers = connected(&facts, provider)?;
            let filled = record.contact.profile.filled();
            if let Err(Hindrance::MissingFields(fields)) = sync::missing(filled, &facts.workspace.settings) {
                let reason = sync::missing_fields(&fields);
                return Err(Error::new(
                    Reason::SyncBlocked,
                    format!("{}; {}", reason.message, reason.hint),
                )
                .with("field", reason.field));
            }
            let holds = self.standing(&facts, record.contact.id).await?;
            let settings = &facts.workspace.settings;
            if settings.consent_policy.withholds(holds) {
                let reason = no_consent(&settings.consent_purpose, holds);
                return Err(Error::new(
                    Reason::ConsentRequired,
                    format!("{}; {}", reason.message, reason.hint),
                )
                .with("purpose", &settings.consent_purpose));
            }
            let occasion = self.occasion(&facts, &actor);
            let mut write = Write::empty(facts.workspace.id);
            let prior = Prior::At(record.lead.revision);
            record.lead.revision += 1;
            // A revision of its own makes the CRM's record be written even if nothing else changed.
            record.lead.sync_revision += 1;
            record.lead.last_activity_at = occasion.now;
            plan::owe(
                &occasion,
                &mut write,
                &record.lead,
                filled,
                &mut record.jobs,
                holds,
                Some(&providers),
            );
            let names: Vec<&str> = providers.iter().map(|provider| provider.name()).collect();
            write.activities.push((
                id,
                occasion.activity(Kind::SyncForced, Vec::new(), names.join(", ")),
            ));
            write.lead = Some(LeadWrite {
                lead: record.lead,
                prior,
            });
            if self.store_write(&facts, write, attempt > 0).await? {
                return Ok(self.view(&facts, id).await?.links);
            }
        }
        Err(contended())
    }

    /// A page of a lead's conversation, oldest first.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads).
    pub async fn list_conversation(
        &self,
        principal: &Principal,
        id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Page<StoredMessage>> {
        const METHOD: &str = "ListConversation";
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let now = self.store.clock().now();
        let bound = format!("{id} {size}");
        let from = page_token::read::<i64>(&facts.keys, METHOD, &bound, token, now)?.unwrap_or_default();
        let contact = self
            .store
            .find_contact_of_lead(facts.workspace.id, id)
            .await?
            .ok_or_else(|| Error::not_found("lead"))?;
        let mut items = self
            .store
            .messages(facts.workspace.id, &facts.keys, contact, from, size + 1)
            .await?;
        self.note_read(principal, &facts, METHOD, 1);
        let size = fitting(size, items.iter().map(|message| message.text.len()));
        let next = match cut(&mut items, size) {
            Some(last) => page_token::issue(&facts.keys, METHOD, &bound, last.position + 1, now)?,
            None => String::new(),
        };
        Ok(Page { items, next })
    }

    /// A page of a lead's timeline, newest first.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads).
    pub async fn list_activities(
        &self,
        principal: &Principal,
        id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Page<Activity>> {
        const METHOD: &str = "ListActivities";
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let now = self.store.clock().now();
        let bound = format!("{id} {size}");
        let before = page_token::read::<Uuid>(&facts.keys, METHOD, &bound, token, now)?;
        self.must_exist(&facts, id).await?;
        let mut items = self
            .store
            .activities(facts.workspace.id, &facts.keys, id, before, size + 1)
            .await?;
        self.note_read(principal, &facts, METHOD, 1);
        let next = match cut(&mut items, size) {
            Some(last) => page_token::issue(&facts.keys, METHOD, &bound, last.id, now)?,
            None => String::new(),
        };
        Ok(Page { items, next })
    }

    /// A page of a lead's scores, newest first.
    ///
    /// # Errors
    /// As [`list_leads`](Self::list_leads).
    pub async fn list_scores(
        &self,
        principal: &Principal,
        id: Uuid,
        size: u64,
        token: &str,
    ) -> Result<Page<Score>> {
        const METHOD: &str = "ListScores";
        principal.require(Scope::LeadsRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let now = self.store.clock().now();
        let bound = format!("{id} {size}");
        let before = page_token::read::<Uuid>(&facts.keys, METHOD, &bound, token, now)?;
        self.must_exist(&facts, id).await?;
        let mut items = self
            .store
            .scores(facts.workspace.id, &facts.keys, id, before, size + 1)
            .await?;
        self.note_read(principal, &facts, METHOD, 1);
        let next = match cut(&mut items, size) {
            Some((last, _)) => page_token::issue(&facts.keys, METHOD, &bound, *last, now)?,
            None => String::new(),
        };
        Ok(Page {
            items: items.into_iter().map(|(_, score)| score).collect(),
            next,
        })
    }

    async fn must_exist(&self, facts: &Facts, lead: Uuid) -> Result<()> {
        let found = self.store.find_contact_of_lead(facts.workspace.id, lead).await?;
        found.map(|_| ()).ok_or_else(|| Error::not_found("lead"))
    }

    /// What holds for the workspace's consent purpose.
    async fn standing(&self, facts: &Facts, contact: Uuid) -> Result<Option<Standing>> {
        let purpose = &facts.workspace.settings.consent_purpose;
        let standings = self
            .store
            .standings(facts.workspace.id, [contact], purpose)
            .await?;
        Ok(standings.get(&contact).copied())
    }

    pub(super) async fn view(&self, facts: &Facts, id: Uuid) -> Result<LeadView> {
        let record = self
            .store
            .find_lead(facts.workspace.id, &facts.keys, id)
            .await?
            .ok_or_else(|| Error::not_found("lead"))?;
        let mut consents = self.deciding_consents(facts, record.contact.id).await?;
        let holds = plan::standing(&self.occasion(facts, ""), &consents);
        consents.truncate(plan::SHOWN_CONSENTS);
        Ok(LeadView::new(record, consents, holds, facts))
    }
}

/// How many of a page's rows fit into an answer: as many as asked for, fewer if their texts are long, at least one.
pub(super) fn fitting(size: u64, bytes: impl Iterator<Item = usize>) -> u64 {
    let mut sum = 0_usize;
    let fitting = bytes.take_while(|bytes| {
        sum = sum.saturating_add(*bytes);
        sum <= PAGE_BYTES
    });
    size.min((fitting.count() as u64).max(1))
}

fn attribute_bytes(contact: &Contact) -> usize {
    contact
        .attributes
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum()
}

/// Cuts the row off that was read to see whether there is a next page; the last row of this page, if there is.
pub(super) fn cut<T>(rows: &mut Vec<T>, size: u64) -> Option<&T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return None;
    }
    rows.truncate(size);
    rows.last()
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

fn connected(facts: &Facts, provider: Option<Provider>) -> Result<Vec<Provider>> {
    let connected: Vec<Provider> = Provider::ALL
        .into_iter()
        .filter(|candidate| provider.is_none_or(|provider| provider == *candidate))
        .filter(|candidate| facts.connection(*candidate).is_some())
        .collect();
    if connected.is_empty() {
        return Err(Error::new(
            Reason::NotConnected,
            "the workspace is not connected to the CRM; connect it first: PUT /v1/connections/hubspot, or ConnectProvider",
        ));
    }
    Ok(connected)
}
