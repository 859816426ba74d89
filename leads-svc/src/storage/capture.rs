//! The write of captures: many at once share a transaction and its statements.
//!
//! A capture is planned and sealed before the transaction, from what was read before. The transaction holds plain
//! inserts, and updates that compare revisions: if anything moved in between, or a unique index refuses a row, nothing
//! of the group is stored, and the caller repeats its members one by one from a fresh read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::{
    Store, audit,
    consents::{cancel, consent_row},
    crypto::{Sealer, WorkspaceKeys},
    entity::{activity, consent, contact, former_key, idempotency, identity, lead, message, score, sync_job},
    error::Result,
    former_keys,
    idempotency::{self as answers, Answer},
    identities::{self, Identity, Joined, Known, identity_rows, join_contacts, names_of},
    insert::NewRows,
    jobs::write::Want,
    merges::{self, MergeWrite, SealedMerge},
    rows,
    scope::{self, Reach},
    sealing::Sealers,
    transaction::{Prior, Transaction, moved_unless},
};
use crate::domain::{
    activity::Activity,
    audit::Act,
    capture::StoredMessage,
    consent::Consent,
    contact::{Contact, Profile, Seen},
    identity::{Kind, Mark},
    lead::Lead,
    score::Score,
    search,
    sync::Reason,
};

/// A contact to store.
#[derive(Debug, Clone)]
pub struct ContactWrite {
    /// Identifier.
    pub id: Uuid,
    /// The whole profile.
    pub profile: Profile,
    /// All attributes.
    pub attributes: BTreeMap<String, String>,
    /// What is remembered until it is a lead.
    pub seen: Seen,
    /// Messages after this write.
    pub messages: i64,
    /// Its key; none if it is to get one.
    pub key: Option<Uuid>,
    /// What was there before.
    pub prior: Prior,
    /// Time of the write.
    pub at: DateTime<Utc>,
}

impl ContactWrite {
    /// A contact as it is to be stored, with the number of its messages.
    pub fn of(contact: &Contact, messages: usize, prior: Prior, at: DateTime<Utc>) -> Self {
        Self {
            id: contact.id,
            profile: contact.profile.clone(),
            attributes: contact.attributes.clone(),
            seen: contact.seen.clone(),
            messages: messages as i64,
            key: contact.key.0,
            prior,
            at,
        }
    }
}

/// A lead to store.
#[derive(Debug, Clone)]
pub struct LeadWrite {
    /// The whole lead, with its new revision.
    pub lead: Lead,
    /// What was there before.
    pub prior: Prior,
}

/// A lead whose syncs the person's consent does not allow.
#[derive(Debug, Clone)]
pub struct Withheld {
    /// The lead.
    pub lead: Uuid,
    /// Why, for people.
    pub reason: Reason,
}

/// Everything that one capture, message or change stores.
#[derive(Debug, Clone)]
pub struct Write {
    /// Workspace of all of it.
    pub workspace: Uuid,
    /// The person.
    pub contact: Option<ContactWrite>,
    /// What the person is found by from now on.
    pub identities: Vec<Identity>,
    /// What the person is no longer compared by.
    pub former_identities: Vec<(Uuid, Mark)>,
    /// A contact without a name of its own that turned out to be the person: it goes.
    pub joined: Option<Joined>,
    /// The lead, if there is one.
    pub lead: Option<LeadWrite>,
    /// Changes of merges.
    pub merges: Vec<MergeWrite>,
    /// Leads whose records are to disappear from CRMs.
    pub removed: Vec<Uuid>,
    /// Contacts whose stored answers may hold data of others from now on.
    pub parted: Vec<Uuid>,
    /// What is stored with it, in the same transaction.
    pub also: Vec<Write>,
    /// New messages of the contact.
    pub messages: Vec<(Uuid, Uuid, StoredMessage)>,
    /// New consents of the contact.
    pub consents: Vec<(Uuid, Uuid, Consent)>,
    /// New score of the lead.
    pub score: Option<(Uuid, Uuid, Score)>,
    /// Timeline entries of the lead.
    pub activities: Vec<(Uuid, Activity)>,
    /// Syncs that are owed from now on.
    pub wants: Vec<Want>,
    /// Syncs that are given up for the lack of consent.
    pub withheld: Option<Withheld>,
    /// What the audit log is told of it.
    pub acts: Vec<Act>,
    /// Answer to keep for a repeated request.
    pub answer: Option<Answer>,
}

/// Writes with everything encrypted, ready for a transaction.
#[derive(Debug, Default)]
pub struct Sealed {
    answers: Vec<idempotency::Model>,
    new_contacts: Vec<contact::Model>,
    changed_contacts: Vec<(contact::Model, i64)>,
    identities: Vec<identity::Model>,
    former_identities: Vec<Known>,
    former_keys: Vec<former_key::Model>,
    joined: Vec<Joined>,
    new_leads: Vec<lead::Model>,
    changed_leads: Vec<(lead::Model, i64)>,
    merges: Vec<SealedMerge>,
    removed: Vec<Uuid>,
    parted: Vec<Uuid>,
    messages: Vec<message::Model>,
    consents: Vec<consent::Model>,
    scores: Vec<score::Model>,
    activities: Vec<activity::Model>,
    new_jobs: Vec<sync_job::Model>,
    changed_jobs: Vec<Want>,
    withheld: Vec<Withheld>,
    acts: Vec<Act>,
}

impl Sealed {
    /// What two writes of one transaction must not both touch: addresses, visitor ids, contacts, request ids.
    pub fn claims(&self) -> Vec<Vec<u8>> {
        let identities = self
            .identities
            .iter()
            .filter(|row| row.place.is_some())
            .map(|row| [row.kind.as_bytes(), b" ", row.value_index.as_slice()].concat());
        let joined = self
            .joined
            .iter()
            .map(|joined| joined.contact.as_bytes().to_vec());
        let contacts = self
            .changed_contacts
            .iter()
            .map(|(row, _)| row.id.as_bytes().to_vec());
        let leads = self
            .changed_leads
            .iter()
            .map(|(row, _)| row.contact_id.as_bytes().to_vec());
        let requests = self
            .answers
            .iter()
            .map(|row| [b"request ".as_slice(), row.request_id.as_bytes().as_slice()].concat());
        identities
            .chain(joined)
            .chain(contacts)
            .chain(leads)
            .chain(requests)
            .collect()
    }

    /// Whether all of it is rows that were not there before.
    fn is_new(&self) -> bool {
        let Self {
            answers: _,
            new_contacts: _,
            changed_contacts,
            identities: _,
            former_identities,
            former_keys,
            joined,
            new_leads: _,
            changed_leads,
            merges,
            removed,
            parted,
            messages: _,
            consents: _,
            scores: _,
            activities: _,
            new_jobs: _,
            changed_jobs,
            withheld,
            acts,
        } = self;
        changed_contacts.is_empty()
            && former_identities.is_empty()
            && former_keys.is_empty()
            && joined.is_empty()
            && changed_leads.is_empty()
            && merges.is_empty()
            && removed.is_empty()
            && parted.is_empty()
            && changed_jobs.is_empty()
            && withheld.is_empty()
            && acts.is_empty()
    }

    fn join(&mut self, mut other: Self) {
        self.answers.append(&mut other.answers);
        self.new_contacts.append(&mut other.new_contacts);
        self.changed_contacts.append(&mut other.changed_contacts);
        self.identities.append(&mut other.identities);
        self.former_identities.append(&mut other.former_identities);
        self.former_keys.append(&mut other.former_keys);
        self.joined.append(&mut other.joined);
        self.new_leads.append(&mut other.new_leads);
        self.changed_leads.append(&mut other.changed_leads);
        self.merges.append(&mut other.merges);
        self.removed.append(&mut other.removed);
        self.parted.append(&mut other.parted);
        self.messages.append(&mut other.messages);
        self.consents.append(&mut other.consents);
        self.scores.append(&mut other.scores);
        self.activities.append(&mut other.activities);
        self.new_jobs.append(&mut other.new_jobs);
        self.changed_jobs.append(&mut other.changed_jobs);
        self.withheld.append(&mut other.withheld);
        self.acts.append(&mut other.acts);
    }
}

impl Write {
    /// A write of nothing in `workspace`, to be filled.
    pub fn empty(workspace: Uuid) -> Self {
        Self {
            workspace,
            contact: None,
            identities: Vec::new(),
            former_identities: Vec::new(),
            joined: None,
            lead: None,
            merges: Vec::new(),
            removed: Vec::new(),
            parted: Vec::new(),
            also: Vec::new(),
            messages: Vec::new(),
            consents: Vec::new(),
            score: None,
            activities: Vec::new(),
            wants: Vec::new(),
            withheld: None,
            acts: Vec::new(),
            answer: None,
        }
    }

    /// Encrypts everything.
    ///
    /// # Errors
    /// The cipher refused a value.
    pub(super) fn seal(self, sealers: &Sealers<'_>) -> Result<Sealed> {
        let (workspace, keys) = (self.workspace, sealers.keys);
        let mut sealed = Sealed::default();
        let whose = match (&self.contact, &self.lead) {
            (Some(contact), _) => Some(contact.id),
            (None, Some(lead)) => Some(lead.lead.contact_id),
            (None, None) => None,
        };
        let shown = whose.map_or(keys.sealer(), |contact| sealers.of_contact(contact));
        if let Some(write) = self.contact {
            let (prior, had_key, at) = (write.prior, write.key.is_some(), write.at);
            let row = contact_row(sealers, workspace, write)?;
            if matches!(prior, Prior::At(_)) && !had_key && row.key_id.is_some() {
                let former = former_keys::of_workspace(workspace, row.id, at);
                sealed.former_keys.push(former);
            }
            match prior {
                Prior::Absent => sealed.new_contacts.push(row),
                Prior::At(revision) => sealed.changed_contacts.push((row, revision)),
            }
        }
        sealed.identities = self
            .identities
            .into_iter()
            .flat_map(|new| {
                identity_rows(keys, workspace, new.contact, &new.mark, new.place).collect::<Vec<_>>()
            })
            .collect();
        sealed.former_identities = self
            .former_identities
            .iter()
            .flat_map(|(contact, mark)| names_of(keys, *contact, mark))
            .collect();
        sealed.joined.extend(self.joined);
        if let Some(write) = self.lead {
            let sealer = sealers.of_contact(write.lead.contact_id);
            let row = rows::lead_row(sealer, workspace, &write.lead)?;
            match write.prior {
                Prior::Absent => sealed.new_leads.push(row),
                Prior::At(revision) => sealed.changed_leads.push((row, revision)),
            }
        }
        for (id, contact, message) in self.messages {
            sealed.messages.push(message_row(
                sealers.of_contact(contact),
                workspace,
                id,
                contact,
                message,
            )?);
        }
        for (id, contact, consent) in self.consents {
            sealed.consents.push(consent_row(
                sealers.of_contact(contact),
                workspace,
                id,
                contact,
                consent,
            )?);
        }
        if let Some((id, lead, score)) = self.score {
            let sealer = sealers.of_lead(lead);
            sealed
                .scores
                .push(score_row(sealer, workspace, id, lead, &score)?);
        }
        for (lead, activity) in self.activities {
            sealed.activities.push(rows::activity_row(
                sealers.of_lead(lead),
                workspace,
                lead,
                activity,
            )?);
        }
        for want in self.wants {
            match want.prior {
                Prior::Absent => sealed.new_jobs.push(want.into_row(workspace)),
                Prior::At(_) => sealed.changed_jobs.push(want),
            }
        }
        for merge in self.merges {
            sealed.merges.push(merge.seal(sealers, shown, workspace)?);
        }
        sealed.removed = self.removed;
        sealed.parted = self.parted;
        for also in self.also {
            sealed.join(also.seal(sealers)?);
        }
        sealed.withheld.extend(self.withheld);
        sealed.acts = self.acts;
        if let Some(answer) = self.answer {
            sealed.answers.push(answer.seal(shown, workspace, whose)?);
        }
        Ok(sealed)
    }
}

impl Store {
    /// Stores writes of one workspace in one transaction: all of them, or none.
    ///
    /// # Errors
    /// `Conflict` if a row moved since it was read, or another of the same key exists by now.
    pub async fn write(&self, workspace: Uuid, group: Vec<Sealed>) -> Result<()> {
        let mut all = Sealed::default();
        for write in group {
            all.join(write);
        }
        // Everybody locks rows in this order, so that nobody waits in a circle.
        all.answers.sort_unstable_by_key(|row| row.request_id);
        all.identities.sort_unstable_by(|left, right| {
            (&left.kind, &left.value_index).cmp(&(&right.kind, &right.value_index))
        });
        all.joined.sort_unstable_by_key(|joined| joined.contact);
        all.changed_contacts.sort_unstable_by_key(|(row, _)| row.id);
        all.changed_leads.sort_unstable_by_key(|(row, _)| row.id);
        all.changed_jobs.sort_unstable_by_key(|want| want.lead);
        let is_new = all.is_new();
        let is_changed = |contact: Uuid| all.changed_contacts.iter().any(|(row, _)| row.id == contact);
        // Somebody who was erased and came back has the addresses from before.
        let again: Vec<Known> = all
            .identities
            .iter()
            .filter(|row| row.place == Some(0) && row.kind != Kind::Visitor.word())
            .filter(|row| is_changed(row.contact_id))
            .map(Known::of)
            .collect();

        let new = || NewRows::of(self.backend(), Reach::One(workspace));
        let people = new()
            .and::<idempotency::Entity>(all.answers)?
            .and::<contact::Entity>(all.new_contacts)?
            .and::<identity::Entity>(all.identities)?
            .and::<lead::Entity>(all.new_leads)?;
        let (people, belongings) = if is_new {
            (None, people)
        } else {
            (Some(people), new())
        };
        let belongings = belongings
            .and::<message::Entity>(all.messages)?
            .and::<consent::Entity>(all.consents)?
            .and::<score::Entity>(all.scores)?
            .and::<activity::Entity>(all.activities)?
            .and::<sync_job::Entity>(all.new_jobs)?
            .and::<former_key::Entity>(all.former_keys)?;
        if is_new && belongings.is_one_statement() {
            leads_runtime::crash_point!("capture.before_commit");
            belongings.insert(&self.database).await?;
            leads_runtime::crash_point!("capture.after_commit");
            return Ok(());
        }

        let now = self.clock.now();
        let transaction = self.begin().await?;
        for known in again {
            identities::forget(&transaction, workspace, known).await?;
        }
        if let Some(people) = people {
            people.insert(&*transaction).await?;
        }
        for joined in all.joined {
            join_contacts(&transaction, workspace, joined, now).await?;
        }
        for known in all.former_identities {
            identities::forget(&transaction, workspace, known).await?;
        }
        for (row, revision) in all.changed_contacts {
            change_contact(&transaction, row, revision).await?;
        }
        for (row, revision) in all.changed_leads {
            change_lead(&transaction, row, revision).await?;
        }
        for merge in all.merges {
            merge.apply(&transaction, workspace).await?;
        }
        if !all.removed.is_empty() {
            merges::remove(&transaction, workspace, all.removed, now).await?;
        }
        if !all.parted.is_empty() {
            answers::of_several(&transaction, workspace, all.parted).await?;
        }
        belongings.insert(&*transaction).await?;
        for want in all.changed_jobs {
            want.apply(&transaction, workspace, now).await?;
        }
        all.withheld.sort_unstable_by_key(|withheld| withheld.lead);
        for withheld in all.withheld {
            cancel(&transaction, workspace, withheld.lead, &withheld.reason).await?;
        }
        if !all.acts.is_empty() {
            let keys = self.workspace_keys(workspace).await?;
            for act in all.acts {
                audit::append(&transaction, &keys, workspace, act, now).await?;
            }
        }
        leads_runtime::crash_point!("capture.before_commit");
        transaction.commit().await?;
        leads_runtime::crash_point!("capture.after_commit");
        Ok(())
    }
}

async fn change_contact(transaction: &Transaction, row: contact::Model, prior: i64) -> Result<()> {
    let changed = scope::update::<contact::Entity>(row.workspace_id)
        .filter(contact::Column::Id.eq(row.id))
        .filter(contact::Column::Revision.eq(prior))
        .col_expr(contact::Column::Profile, Expr::value(row.profile))
        .col_expr(contact::Column::SeenSealed, Expr::value(row.seen_sealed))
        .col_expr(contact::Column::Filled, Expr::value(row.filled))
        .col_expr(contact::Column::Attributes, Expr::value(row.attributes))
        .col_expr(contact::Column::Search, Expr::value(row.search))
        .col_expr(contact::Column::Messages, Expr::value(row.messages))
        .col_expr(contact::Column::Revision, Expr::value(row.revision))
        .col_expr(contact::Column::ErasedAt, Expr::value(row.erased_at))
        .col_expr(contact::Column::KeyId, Expr::value(row.key_id))
        .exec(&**transaction)
        .await?;
    moved_unless(changed.rows_affected == 1, "contacts.revision")
}

async fn change_lead(transaction: &Transaction, row: lead::Model, prior: i64) -> Result<()> {
    let changed = scope::update::<lead::Entity>(row.workspace_id)
        .filter(lead::Column::Id.eq(row.id))
        .filter(lead::Column::Revision.eq(prior))
        .col_expr(lead::Column::Stage, Expr::value(row.stage))
        .col_expr(lead::Column::Outcome, Expr::value(row.outcome))
        .col_expr(lead::Column::StageChangedAt, Expr::value(row.stage_changed_at))
        .col_expr(lead::Column::Score, Expr::value(row.score))
        .col_expr(lead::Column::ScoreId, Expr::value(row.score_id))
        .col_expr(lead::Column::IntentSignal, Expr::value(row.intent_signal))
        .col_expr(lead::Column::IntentSealed, Expr::value(row.intent_sealed))
        .col_expr(lead::Column::IntentAt, Expr::value(row.intent_at))
        .col_expr(lead::Column::Channels, Expr::value(row.channels))
        .col_expr(lead::Column::Tags, Expr::value(row.tags))
        .col_expr(lead::Column::Owner, Expr::value(row.owner))
        .col_expr(lead::Column::LastActivityAt, Expr::value(row.last_activity_at))
        .col_expr(lead::Column::Revision, Expr::value(row.revision))
        .col_expr(lead::Column::SyncRevision, Expr::value(row.sync_revision))
        .col_expr(lead::Column::Channel, Expr::value(row.channel))
        .col_expr(lead::Column::CapturedAt, Expr::value(row.captured_at))
        .col_expr(lead::Column::MergedInto, Expr::value(row.merged_into))
        .col_expr(lead::Column::OwnSealed, Expr::value(row.own_sealed))
        .exec(&**transaction)
        .await?;
    moved_unless(changed.rows_affected == 1, "leads.revision")
}

fn contact_row(sealers: &Sealers<'_>, workspace: Uuid, write: ContactWrite) -> Result<contact::Model> {
    let sealer = sealers.of_contact(write.id);
    Ok(contact::Model {
        id: write.id,
        workspace_id: workspace,
        profile: rows::seal_json(sealer, rows::PROFILE, write.id, &write.profile)?,
        seen_sealed: (write.seen != Seen::default())
            .then(|| rows::seal_json(sealer, rows::SEEN, write.id, &write.seen))
            .transpose()?,
        filled: write.profile.filled(),
        attributes: rows::to_json(&write.attributes),
        search: search_tokens(sealers.keys, &write.profile),
        messages: write.messages,
        revision: match write.prior {
            Prior::Absent => 1,
            Prior::At(revision) => revision + 1,
        },
        created_at: write.at,
        erased_at: None,
        key_id: sealers.key_of(write.id).or(write.key),
    })
}

/// Keyed hashes of the words of a profile, a space around each.
pub(super) fn search_tokens(keys: &WorkspaceKeys, profile: &Profile) -> String {
    let mut search = String::from(" ");
    for term in search::terms(profile) {
        if let Some(index) = keys.newest_index() {
            search.push_str(&index.word(&term));
            search.push(' ');
        }
    }
    search
}

fn message_row(
    sealer: &Sealer,
    workspace: Uuid,
    id: Uuid,
    contact: Uuid,
    message: StoredMessage,
) -> Result<message::Model> {
    Ok(message::Model {
        id,
        workspace_id: workspace,
        contact_id: contact,
        sealed: rows::seal(sealer, rows::MESSAGE, id, message.text.as_bytes())?,
        conversation_id: message.conversation_id,
        external_id: message.external_id,
        position: message.position,
        role: rows::role_word(message.role).to_owned(),
        at: message.at,
    })
}

fn score_row(sealer: &Sealer, workspace: Uuid, id: Uuid, lead: Uuid, score: &Score) -> Result<score::Model> {
    Ok(score::Model {
        id,
        workspace_id: workspace,
        lead_id: lead,
        total: i16::from(score.total),
        framework: score.framework.clone(),
        rubric_version: score.rubric_version,
        points: Some(rows::to_json(&score.points())),
        sealed: rows::seal_json(sealer, rows::SCORE, id, &score.dimensions)?,
        scored_at: score.scored_at,
    })
}
