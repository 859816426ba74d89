//! Who calls: the answer of authentication, and the only source of a workspace.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use leads_proto::reason::Reason;
use uuid::Uuid;

use super::error::{Error, Result};
use crate::domain::ids;

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Principal(Arc<Identity>);

#[derive(Debug)]
struct Identity {
    key_id: String,
    bound: Bound,
    scopes: Vec<Scope>,
    member: Option<Uuid>,
    session: Option<OfSession>,
}

/// The session that a caller comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfSession {
    /// Identifier.
    pub id: Uuid,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Whether it was begun with a key, whose rights it has.
    pub by_key: bool,
}

/// What a credential is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// An API key (`ak_`): one workspace.
    Workspace(Uuid),
    /// A platform key (`pk_`): the installation. It becomes `Workspace` for a call that names one.
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
    /// Create workspaces and set their plans; only platform keys have it.
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

    /// Scopes that a platform key can have: it acts in any workspace that a call names.
    pub fn of_platforms() -> impl Iterator<Item = Scope> {
        Self::of_workspaces().chain([Scope::PlatformWorkspaces])
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
            member: None,
            session: None,
        }))
    }

    /// The same caller, at work in a workspace.
    #[must_use]
    pub fn within(&self, workspace: Uuid) -> Self {
        self.with(Bound::Workspace(workspace), self.0.member, self.0.session)
    }

    /// The same caller, who is a member of its workspace.
    #[must_use]
    pub fn of_member(&self, member: Uuid) -> Self {
        self.with(self.0.bound.clone(), Some(member), self.0.session)
    }

    /// The same caller, who comes with a session.
    #[must_use]
    pub fn of_session(&self, session: OfSession) -> Self {
        self.with(self.0.bound.clone(), self.0.member, Some(session))
    }

    fn with(&self, bound: Bound, member: Option<Uuid>, session: Option<OfSession>) -> Self {
        Self(Arc::new(Identity {
            key_id: self.0.key_id.clone(),
            bound,
            scopes: self.0.scopes.clone(),
            member,
            session,
        }))
    }

    /// The member that the key or the session belongs to.
    pub fn member(&self) -> Option<Uuid> {
        self.0.member
    }

    /// The session that the caller comes with, if it does not send a key.
    pub fn session(&self) -> Option<OfSession> {
        self.0.session
    }

    /// What the caller may do.
    pub fn scopes(&self) -> &[Scope] {
        &self.0.scopes
    }

    /// Public part of the key; the member's id where somebody signed in without one.
    pub fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// What the key is bound to.
    pub fn bound(&self) -> &Bound {
        &self.0.bound
    }

    /// Who to name in a timeline.
    pub fn actor(&self) -> String {
        if let Some(member) = self.0.member {
            return format!("member:{}", ids::format::<ids::Member>(member));
        }
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

    /// The workspace that the key belongs to, or that a platform key named for this call.
    ///
    /// # Errors
    /// `INVALID_FIELDS` if a platform key named none, `SCOPE_REQUIRED` for a connector's credential.
    pub fn workspace(&self) -> Result<Uuid> {
        match self.0.bound {
            Bound::Workspace(id) => Ok(id),
            Bound::Platform => Err(Error::invalid_field(
                "leads-workspace",
                "is required as metadata: a platform key acts in the workspace that it names",
            )),
            Bound::Destination(_) => Err(Error::new(
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
