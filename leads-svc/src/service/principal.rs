//! Who calls: the answer of authentication, and the only source of a workspace.

use std::sync::Arc;

use leads_proto::reason::Reason;
use uuid::Uuid;

use super::error::{Error, Result};

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    key_id: String,
    bound: Bound,
    scopes: Vec<Scope>,
}

/// What a credential is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// An API key (`ak_`): one workspace.
    Workspace(Uuid),
    /// A platform key (`pk_`): the installation.
    Platform,
    /// A connector credential (`ck_`): one destination, such as `hubspot`.
    Destination(String),
}

macro_rules! scopes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A right that a key can have.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope { $($(#[doc = $doc])+ $variant,)+ }

        impl Scope {
            /// Every scope.
            pub const ALL: &[Scope] = &[$(Scope::$variant),+];

            /// Name in keys and errors.
            pub const fn name(self) -> &'static str {
                match self { $(Scope::$variant => $name),+ }
            }
        }
    };
}

scopes! {
    /// Read leads, conversations, scores and timelines.
    LeadsRead = "leads.read",
    /// Capture and change leads.
    LeadsWrite = "leads.write",
    /// Delete leads.
    LeadsDelete = "leads.delete",
    /// Read connections.
    IntegrationsRead = "integrations.read",
    /// Connect and disconnect CRMs.
    IntegrationsWrite = "integrations.write",
    /// Read the workspace and its settings.
    WorkspaceRead = "workspace.read",
    /// Change settings, create and revoke keys.
    WorkspaceAdmin = "workspace.admin",
    /// Read consents and the audit log, export everything about a person.
    PrivacyRead = "privacy.read",
    /// Record consents.
    PrivacyWrite = "privacy.write",
    /// Create workspaces; only platform keys have it.
    PlatformWorkspaces = "platform.workspaces",
    /// Claim and report jobs; only connector credentials have it.
    Connector = "connector",
}

impl Scope {
    /// Scopes that a workspace's own keys can have.
    pub fn of_workspaces() -> impl Iterator<Item = Scope> {
        Self::ALL
            .iter()
            .copied()
            .filter(|scope| !matches!(scope, Scope::PlatformWorkspaces | Scope::Connector))
    }

    /// The scope of that name.
    pub fn parse(name: &str) -> Option<Scope> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name)
    }
}

impl Principal {
    /// The caller that holds the key `key_id`.
    pub fn new(key_id: String, bound: Bound, scopes: Vec<Scope>) -> Self {
        Self(Arc::new(Identity {
            key_id,
            bound,
            scopes,
        }))
    }

    /// Public part of the key.
    pub fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// What the key is bound to.
    pub fn bound(&self) -> &Bound {
        &self.0.bound
    }

    /// Who to name in a timeline.
    pub fn actor(&self) -> String {
        match &self.0.bound {
            Bound::Workspace(_) | Bound::Platform => format!("key:{}", self.0.key_id),
            Bound::Destination(destination) => format!("connector:{destination}"),
        }
    }

    /// Whether the key has the scope.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.scopes.contains(&scope)
    }

    /// Passes if the key has the scope.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, with the scope in its metadata.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.has(scope) {
            return Ok(());
        }
        Err(Error::new(
            Reason::ScopeRequired,
            format!("the key lacks the scope {}", scope.name()),
        )
        .with("scope", scope.name()))
    }

    /// The workspace that the key belongs to.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED` if it belongs to none.
    pub fn workspace(&self) -> Result<Uuid> {
        match self.0.bound {
            Bound::Workspace(id) => Ok(id),
            Bound::Platform | Bound::Destination(_) => Err(Error::new(
                Reason::ScopeRequired,
                "the call needs a key of a workspace (ak_…)",
            )),
        }
    }

    /// The destination that the credential is bound to.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED` if it is bound to none.
    pub fn destination(&self) -> Result<&str> {
        match &self.0.bound {
            Bound::Destination(destination) => Ok(destination),
            Bound::Workspace(_) | Bound::Platform => Err(Error::new(
                Reason::ScopeRequired,
                "the call needs a connector's credential (ck_…)",
            )),
        }
    }
}
