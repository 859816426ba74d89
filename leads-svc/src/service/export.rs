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
    identity::Mark,
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
        let found = match &subject {
            Subject::Email(email) => {
                let marks = Mark::of_address(email, &facts.workspace.settings);
                let found = self.store.find_people(workspace, keys, &marks, None).await?;
                found.by_address
            }
            Subject::Lead(id) => self.store.find_person_of_lead(workspace, keys, *id).await?,
        };
        let what = match subject {
            Subject::Email(_) => "person",
            Subject::Lead(_) => "lead",
        };
        let person = found
            .filter(|person| person.erased_at.is_none())
            .ok_or_else(|| Error::not_found(what))?;
        let mut export = Export {
            at: self.store.clock().now(),
            contact: person.contact,
            lead: None,
            messages: Vec::new(),
            scores: Vec::new(),
            activities: Vec::new(),
            consents: Vec::new(),
            consent_states: Vec::new(),
            audit_entries: Vec::new(),
        };
        // What the audit log calls the person, first what it is to call them now.
        let mut names = Vec::new();
        if let Some(lead) = person.lead {
            let group = self.group_of(&facts, lead.id).await?;
            let root = group.tree.lead;
            let leads: Vec<Uuid> = group.tree.leads().into_iter().map(|(lead, _)| lead).collect();
            names.extend(leads.iter().copied().map(ids::format::<ids::Lead>));
            let contacts = group.members.values().map(|member| member.contact.id);
            names.extend(contacts.map(ids::format::<ids::Contact>));
            let view = self.view(&facts, root).await?;
            export.contact = view.contact.clone();
            export.lead = Some(Box::new(view));
            export.messages = group.transcript(&group.tree);
            let scores = self.store.scores(workspace, keys, &leads, None, MAX_ROWS).await?;
            export.scores = scores.into_iter().map(|(_, score)| score).collect();
            export.activities = self
                .store
                .activities(workspace, keys, &leads, None, MAX_ROWS)
                .await?;
            (export.consents, export.consent_states) = self.heard(&facts, root).await?;
        } else {
            let contact = export.contact.id;
            names.push(ids::format::<ids::Contact>(contact));
            export.messages = self.store.messages(workspace, keys, contact, 0, MAX_ROWS).await?;
            (export.consents, export.consent_states) = self.heard_of(&facts, contact).await?;
        }
        let named = names.first().cloned().unwrap_or_default();
        let act = Act::new(&principal.actor(), Action::ExportMade, named).with("kind", "subject");
        self.store.record(workspace, keys, act).await?;
        export.audit_entries = self
            .store
            .audit_entries(workspace, &names, None, MAX_AUDIT_ENTRIES)
            .await?;
        self.note_read(principal, &facts, "ExportSubject", 1);
        Ok(export)
    }
}
