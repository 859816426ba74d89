//! Everything about a person, for the person.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    consents::ConsentState,
    core::Core,
    error::{Error, Result},
    principal::{Principal, Scope},
    view::LeadView,
};
use crate::domain::{
    activity::Activity,
    audit::{Act, Action, Entry},
    capture::StoredMessage,
    consent::Consent,
    contact::Contact,
    ids,
    score::Score,
};

/// Most rows of each kind. A person has fewer: conversations are limited, and a timeline grows with what is done.
const MAX_ROWS: u64 = 100_000;
/// Entries of the audit log that are told.
const MAX_AUDIT_ENTRIES: u64 = 1_000;

/// Who is asked about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// By normalised address.
    Email(String),
    /// By lead.
    Lead(Uuid),
}

/// Everything that is kept about a person.
#[derive(Debug)]
pub struct Export {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// Who it is.
    pub contact: Contact,
    /// The lead with its receivers, if the person is one.
    pub lead: Option<Box<LeadView>>,
    /// The conversation, oldest first.
    pub messages: Vec<StoredMessage>,
    /// Scores, newest first.
    pub scores: Vec<Score>,
    /// The timeline, newest first.
    pub activities: Vec<Activity>,
    /// Consents as they were recorded.
    pub consents: Vec<Consent>,
    /// What holds now.
    pub consent_states: Vec<ConsentState>,
    /// What the audit log says of the person, newest first.
    pub audit_entries: Vec<Entry>,
}

impl Core {
    /// Everything about a person. It is written into the audit log before it is handed out.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn export_subject(&self, principal: &Principal, subject: Subject) -> Result<Export> {
        principal.require(Scope::PrivacyRead)?;
        let facts = self.facts(principal.workspace()?).await?;
        let (workspace, keys) = (facts.workspace.id, &facts.keys);
        let person = match &subject {
            Subject::Email(email) => self.store.find_person(workspace, keys, email).await?,
            Subject::Lead(id) => self.store.find_person_of_lead(workspace, keys, *id).await?,
        };
        let what = match subject {
            Subject::Email(_) => "person",
            Subject::Lead(_) => "lead",
        };
        let person = person
            .filter(|person| person.erased_at.is_none())
            .ok_or_else(|| Error::not_found(what))?;
        let contact = person.contact;
        let contact_subject = ids::format::<ids::Contact>(contact.id);
        let lead_id = person.lead.map(|lead| lead.id);
        let named = lead_id.map_or_else(|| contact_subject.clone(), ids::format::<ids::Lead>);
        let act = Act::new(&principal.actor(), Action::ExportMade, named.clone()).with("kind", "subject");
        self.store.record(workspace, keys, act).await?;

        let (mut lead, mut scores, mut activities) = (None, Vec::new(), Vec::new());
        if let Some(id) = lead_id {
            lead = Some(Box::new(self.view(&facts, id).await?));
            let found = self.store.scores(workspace, keys, id, None, MAX_ROWS).await?;
            scores = found.into_iter().map(|(_, score)| score).collect();
            activities = self.store.activities(workspace, keys, id, None, MAX_ROWS).await?;
        }
        let messages = self
            .store
            .messages(workspace, keys, contact.id, 0, MAX_ROWS)
            .await?;
        let consents = self.records(&facts, contact.id).await?;
        let audit_entries = self
            .store
            .audit_entries(workspace, &[named, contact_subject], None, MAX_AUDIT_ENTRIES)
            .await?;
        self.note_read(principal, &facts, "ExportSubject", 1);
        Ok(Export {
            at: self.store.clock().now(),
            contact,
            lead,
            messages,
            scores,
            activities,
            consent_states: self.consent_states(&consents),
            consents,
            audit_entries,
        })
    }
}
