//! What a change has to know of a person.

use std::collections::HashMap;

use crate::{
    domain::{
        capture::StoredMessage,
        consent::Consent,
        score::Score,
        sync::{Job, Provider},
    },
    storage::contacts::Person,
};

/// Consents that are shown with a lead.
pub const SHOWN_CONSENTS: usize = 20;

/// Who a capture is of.
#[derive(Debug, Clone, Default)]
pub struct Whom {
    /// The person, if known.
    pub known: Option<Known>,
    /// A contact without an address that turned out to be the same person.
    pub joined: Option<Known>,
    /// Place of the next contact that has the capture's visitor id.
    pub next_place: i32,
}

/// A person with everything that a change has to know.
#[derive(Debug, Clone)]
pub struct Known {
    /// Contact and lead.
    pub person: Person,
    /// The whole conversation.
    pub messages: Vec<StoredMessage>,
    /// The current score, if it is a lead.
    pub score: Option<Score>,
    /// Jobs by CRM, if it is a lead.
    pub jobs: HashMap<Provider, Job>,
    /// Consents, newest first, as many as are shown.
    pub consents: Vec<Consent>,
}
