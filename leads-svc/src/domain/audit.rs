//! The audit log: entries chained by a keyed hash, so that nobody without the key can change one unseen.
//!
//! Stored: per workspace entries numbered from 1, each with the MAC of itself and of the MAC before it; the head, which
//! is the newest number and MAC; an anchor, a copy of number and MAC kept elsewhere, at every hundredth entry.
//!
//! Moves: an entry is appended in the transaction of the act that it records, and takes its number from the head.
//!
//! Holds: verification finds the first entry that is not as it was written: changed, deleted, swapped, inserted, or cut
//! off below the head or an anchor. No personal data is inside.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// Entries between anchors.
pub const ANCHOR_INTERVAL: i64 = 100;

/// Bytes of a MAC.
pub const MAC_BYTES: usize = 32;

/// What stands before the first entry.
const GENESIS: [u8; MAC_BYTES] = [0; MAC_BYTES];

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[doc = $doc])+ $variant,)+ }

        impl Action {
            /// The word in entries.
            pub const fn word(self) -> &'static str {
                match self { $(Action::$variant => $word),+ }
            }
        }
    };
}

actions! {
    /// The workspace was created.
    WorkspaceCreated = "workspace.created",
    /// Settings were changed; the details name each with its value before and after.
    SettingsChanged = "settings.changed",
    /// A key was created.
    KeyCreated = "key.created",
    /// A key took the place of another; the details name it and say when the other ends.
    KeyRotated = "key.rotated",
    /// A key was revoked.
    KeyRevoked = "key.revoked",
    /// A new encryption key was announced; the details name what for and its number.
    EncryptionKeyRotated = "encryption_key.rotated",
    /// The workspace was given a plan; the details name it and the one before.
    PlanSet = "plan.set",
    /// A member was added.
    MemberCreated = "member.created",
    /// A member was given a role; the details name it and the one before.
    MemberChanged = "member.changed",
    /// A member was removed; the details name the keys that ended with it.
    MemberRemoved = "member.removed",
    /// Somebody signed in; the details name the session and the way.
    SessionBegun = "session.begun",
    /// Somebody signed out; the details name the session.
    SessionEnded = "session.ended",
    /// A sign-in was refused; the details say why.
    SignInRefused = "sign_in.refused",
    /// A CRM was connected, or its credentials were replaced.
    ConnectionMade = "connection.made",
    /// A connection was paused.
    ConnectionPaused = "connection.paused",
    /// A CRM was disconnected.
    ConnectionEnded = "connection.ended",
    /// A lead was deleted with its contact.
    LeadDeleted = "lead.deleted",
    /// A person was erased here; the details count what, and where else it is to be.
    ErasureRequested = "erasure.requested",
    /// A system has erased a person, or cannot; the details name it and say how it stands.
    ErasureSettled = "erasure.settled",
    /// A lead absorbed another; the details name that one and the merge.
    LeadMerged = "lead.merged",
    /// A merge was taken back; the details name it and the lead that was freed.
    LeadUnmerged = "lead.unmerged",
    /// Personal data left the service by an export.
    ExportMade = "export.made",
}

/// An act to record. Holds no personal data.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who: `key:<id>`, `member:<id>`, `connector:<provider>`, `operator` for the command line, `system:<job>`, or
    /// `anonymous` for a sign-in that was refused.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// To what: an identifier as callers see it.
    pub subject: String,
    /// Facts about it.
    pub details: BTreeMap<String, String>,
}

impl Act {
    /// An act without details.
    pub fn new(actor: &str, action: Action, subject: impl Into<String>) -> Self {
        Self {
            actor: actor.to_owned(),
            action,
            subject: subject.into(),
            details: BTreeMap::new(),
        }
    }

    /// The same act with a fact about it.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }
}

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Number, from 1 without gaps.
    pub n: i64,
    /// When, in whole microseconds.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// Word of the action.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Facts, a JSON object of strings: these very bytes are what is authenticated.
    pub details: String,
    /// MAC of the entry and of the MAC before it.
    pub mac: Vec<u8>,
}

/// A number and MAC that are known from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Number of the entry.
    pub n: i64,
    /// Its MAC.
    pub mac: Vec<u8>,
}

/// The key of a workspace's chain.
#[derive(Clone)]
pub struct ChainKey(Hmac<Sha256>);

impl ChainKey {
    /// A chain keyed by `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros to its block: done here, so that no length can be refused.
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        Self(<Hmac<Sha256> as KeyInit>::new(&block.into()))
    }

    /// The MAC of an entry that follows `previous`; the entry's own `mac` is not read.
    pub fn mac(&self, workspace: Uuid, previous: &[u8], entry: &Entry) -> [u8; MAC_BYTES] {
        let mut mac = self.0.clone();
        mac.update(b"leads audit v1");
        mac.update(workspace.as_bytes());
        mac.update(previous);
        mac.update(&entry.n.to_be_bytes());
        mac.update(&entry.at.timestamp_micros().to_be_bytes());
        for text in [&entry.actor, &entry.action, &entry.subject, &entry.details] {
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// The entry that records `act` after `head`.
    pub fn extend(&self, workspace: Uuid, head: Option<&Anchor>, act: Act, at: DateTime<Utc>) -> Entry {
        let details = serde_json::Value::from_iter(act.details).to_string();
        let mut entry = Entry {
            n: head.map_or(1, |head| head.n + 1),
            at,
            actor: act.actor,
            action: act.action.word().to_owned(),
            subject: act.subject,
            details,
            mac: Vec::new(),
        };
        let previous = head.map_or(GENESIS.as_slice(), |head| &head.mac);
        entry.mac = self.mac(workspace, previous, &entry).to_vec();
        entry
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChainKey { [hidden] }")
    }
}

/// The first place where a log is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Number of the entry.
    pub n: i64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// It is not there.
    Missing,
    /// It is not what was written, or not what was written at this place.
    Altered,
    /// It was not written by the service: it is beyond the head, or its number is there twice.
    Inserted,
    /// It authenticates and is not what the anchor says: the log was written anew by somebody who has the key, or the
    /// anchor was changed.
    AnchorDiffers,
    /// It authenticates and is not what the head says.
    HeadDiffers,
}

/// Walks a log from its first entry.
#[derive(Debug)]
pub struct Verifier<'a> {
    key: &'a ChainKey,
    workspace: Uuid,
    last: Anchor,
    anchors: BTreeMap<i64, Vec<Vec<u8>>>,
}

impl<'a> Verifier<'a> {
    /// A walk through the log of `workspace`, which has to pass through all `anchors`.
    pub fn new(key: &'a ChainKey, workspace: Uuid, anchors: impl IntoIterator<Item = Anchor>) -> Self {
        let mut by_number: BTreeMap<i64, Vec<Vec<u8>>> = BTreeMap::new();
        for anchor in anchors {
            by_number.entry(anchor.n).or_default().push(anchor.mac);
        }
        Self {
            key,
            workspace,
            last: Anchor {
                n: 0,
                mac: GENESIS.to_vec(),
            },
            anchors: by_number,
        }
    }

    /// The last entry that was as it was written.
    pub fn last(&self) -> &Anchor {
        &self.last
    }

    /// The next entry, in the order of their numbers.
    ///
    /// # Errors
    /// It is not what follows; nothing behind it can be judged.
    pub fn push(&mut self, entry: &Entry) -> Result<(), Fault> {
        let n = self.last.n + 1;
        let fault = |problem| Err(Fault { n, problem });
        if entry.n > n {
            return fault(Problem::Missing);
        }
        if entry.n < n {
            return Err(Fault {
                n: entry.n,
                problem: Problem::Inserted,
            });
        }
        let mac = self.key.mac(self.workspace, &self.last.mac, entry);
        // Both are known to whoever reads the log: there is no secret that time could tell.
        if entry.mac != mac {
            return fault(Problem::Altered);
        }
        if let Some(macs) = self.anchors.remove(&n)
            && macs.iter().any(|known| *known != mac)
        {
            return fault(Problem::AnchorDiffers);
        }
        self.last = Anchor { n, mac: mac.to_vec() };
        Ok(())
    }

    /// The end of the log: what was passed has to reach the head and every anchor.
    ///
    /// # Errors
    /// Entries are missing at the end, or were added there. A log without entries lacks its first, which records the
    /// creation of the workspace.
    pub fn finish(self, head: Option<&Anchor>) -> Result<Anchor, Fault> {
        let next = self.last.n + 1;
        let fault = |n, problem| Err(Fault { n, problem });
        let Some(head) = head else {
            return match self.last.n {
                0 => fault(1, Problem::Missing),
                _ => fault(1, Problem::Inserted),
            };
        };
        if head.n > self.last.n || !self.anchors.is_empty() {
            return fault(next, Problem::Missing);
        }
        if head.n < self.last.n {
            return fault(head.n + 1, Problem::Inserted);
        }
        if head.mac != self.last.mac {
            return fault(head.n, Problem::HeadDiffers);
        }
        Ok(self.last)
    }
}

#[cfg(test)]
mod tests;
