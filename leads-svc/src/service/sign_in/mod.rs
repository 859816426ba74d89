//! Signing in: with an API key, or through the identity provider; either way a session begins.
//!
//! Stored: nothing but the session. What has to be remembered between leaving for the identity provider and coming back
//! travels sealed in a cookie, so that any replica can go on where another one began.
//!
//! Moves: [`SignIn::leave`] → the provider → [`SignIn::come_back`] → the members with the verified address → a session,
//! or the choice among several workspaces ([`SignIn::choose`]).
//!
//! Holds: an address counts only if the provider says that it is verified; only a member of a workspace whose plan has
//! it gets in; nobody is led to another site afterwards; refusals are in the audit log where there is a workspace.

mod oidc;
mod passage;
mod refusals;
mod settings;
mod target;

pub use self::{
    passage::{Departure, Return},
    settings::{ProviderSettings, Settings, trustworthy},
    target::Target,
};

use std::{net::IpAddr, sync::Arc};

use leads_proto::reason::Reason;
use uuid::Uuid;

use self::{oidc::Provider, refusals::Refusals};
use super::{
    auth::Auth,
    core::Core,
    error::{Error, Result},
    principal::{Bound, Principal},
    sessions::Begun,
};
use crate::domain::{ids, plan::Entitlement, session::Method};

/// See the module; clones share everything.
#[derive(Clone)]
pub struct SignIn(Arc<Inner>);

struct Inner {
    core: Core,
    auth: Auth,
    settings: Settings,
    provider: Option<Provider>,
    refusals: Refusals,
}

/// What came of a verified address.
#[derive(Debug)]
pub enum Arrival {
    /// The session.
    Begun(Begun),
    /// Several workspaces have the member.
    Choose {
        /// For the cookie, until one is chosen.
        sealed: String,
        /// Workspaces and their names.
        workspaces: Vec<(Uuid, String)>,
    },
}

impl SignIn {
    /// Sign-in to the workspaces of `core`, with sessions that `auth` knows.
    ///
    /// # Errors
    /// The settings do not hold together; nothing is asked of the provider yet.
    pub fn new(core: Core, auth: Auth, settings: Settings) -> Result<Self> {
        let provider = settings
            .provider
            .clone()
            .map(|provider| Provider::new(provider, &settings, core.store.clock().clone()))
            .transpose()?;
        Ok(Self(Arc::new(Inner {
            core,
            auth,
            provider,
            settings,
            refusals: Refusals::default(),
        })))
    }

    /// How people can sign in.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub fn admit(&self, peer: Option<IpAddr>) -> Result<()> {
        self.0.auth.admit_address(peer)
    }

    /// The caller whose session a cookie stands for.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn holder(&self, cookie: &str) -> Result<Option<Principal>> {
        self.0.auth.session_holder(cookie).await
    }

    /// Signs in with an API key of a workspace.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED` if keys are not taken or the key is no workspace's; those of
    /// [`Auth::authenticate`].
    pub async fn by_key(&self, key: &str, peer: Option<IpAddr>) -> Result<Begun> {
        let inner = &*self.0;
        if !inner.settings.keys {
            return Err(refused(
                "keys are not taken here; sign in through the identity provider",
            ));
        }
        let holder = match inner.auth.authenticate(key.trim(), peer).await {
            Ok(holder) => holder,
            Err(error) => {
                inner.refusals.of_key(&inner.core, key.trim(), error.reason).await;
                return Err(error);
            }
        };
        if !matches!(holder.bound(), Bound::Workspace(_)) {
            return Err(refused("only a key of a workspace (ak_…) signs in"));
        }
        inner
            .auth
            .begin_session(&holder, Method::ApiKey, inner.settings.lifetimes)
            .await
    }

    /// Leaves for the identity provider, to come back to `target`.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED` if there is no provider, `IDENTITY_PROVIDER_UNAVAILABLE`.
    pub async fn leave(&self, workspace: Option<Uuid>, target: Target) -> Result<Departure> {
        let ticket = self.provider()?.ticket().await?;
        passage::leave(&self.0.core.store, ticket, workspace, target).await
    }

    /// Comes back from the identity provider with its answer; `sealed` is the cookie that [`leave`](Self::leave) made.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED`, `PLAN_REQUIRED`, `IDENTITY_PROVIDER_UNAVAILABLE`, `STORAGE_UNAVAILABLE`.
    pub async fn come_back(&self, sealed: Option<&str>, answer: &Return) -> Result<(Arrival, Target)> {
        let provider = self.provider()?;
        let trip = passage::open(&self.0.core.store, sealed).await?;
        let code = trip.check(answer, provider.issuer())?;
        let email = provider.redeem(code, &trip).await?;
        let marks = self.0.core.store.sign_in_indexes(email.as_str()).await?;
        let arrival = self.arrive(&marks, trip.workspace(), trip.target()).await?;
        Ok((arrival, trip.target().clone()))
    }

    /// Goes on with the workspace that was chosen; `sealed` is the cookie of [`Arrival::Choose`].
    ///
    /// # Errors
    /// As [`come_back`](Self::come_back).
    pub async fn choose(&self, sealed: Option<&str>, workspace: Uuid) -> Result<(Begun, Target)> {
        let (marks, target) = passage::open_choice(&self.0.core.store, sealed).await?;
        match self.arrive(&marks, Some(workspace), &target).await? {
            Arrival::Begun(begun) => Ok((begun, target)),
            // One workspace has one member with an address.
            Arrival::Choose { .. } => Err(Error::internal("a choice was left after the choice")),
        }
    }

    /// Ends the session of a cookie.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn sign_out(&self, cookie: &str) -> Result<()> {
        self.0.auth.end_session(cookie).await
    }

    fn provider(&self) -> Result<&Provider> {
        let provider = self.0.provider.as_ref();
        provider.ok_or_else(|| refused("no identity provider is set up; sign in with an API key"))
    }

    /// Begins a session for the member with one of these marks, in the workspace that was named, or in the only one.
    async fn arrive(&self, marks: &[Vec<u8>], named: Option<Uuid>, target: &Target) -> Result<Arrival> {
        let Inner { core, refusals, .. } = &*self.0;
        let found = core.store.memberships(marks, named).await?;
        if found.is_empty() {
            refusals.of_stranger(core, named).await;
            return Err(refused(
                "no workspace has you as a member; ask an admin of yours to add your address",
            ));
        }
        let (mut open, mut closed) = (Vec::new(), None);
        for (workspace, member) in found {
            let facts = core.facts(workspace).await?;
            match facts.require(Entitlement::Sso) {
                Ok(()) => open.push((facts, member)),
                Err(error) => {
                    refusals.of_member(core, workspace, member, error.reason).await;
                    closed = Some(error);
                }
            }
        }
        match open.as_slice() {
            [] => Err(closed.unwrap_or_else(|| Error::internal("a membership without a workspace"))),
            [(facts, member)] => self.begin(facts.workspace.id, *member).await.map(Arrival::Begun),
            several => Ok(Arrival::Choose {
                sealed: passage::seal_choice(&core.store, marks, target).await?,
                workspaces: several
                    .iter()
                    .map(|(facts, _)| (facts.workspace.id, facts.workspace.name.clone()))
                    .collect(),
            }),
        }
    }

    async fn begin(&self, workspace: Uuid, member: Uuid) -> Result<Begun> {
        let Inner { auth, settings, .. } = &*self.0;
        let holder = auth.member_holder(workspace, member).await?;
        // Removed since it was found, or the plan has changed.
        let holder = holder.ok_or_else(|| refused("the member is no longer one; ask an admin"))?;
        auth.begin_session(&holder, Method::Oidc, settings.lifetimes)
            .await
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// A refusal that the person can read.
fn refused(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Reason::SignInRefused, text)
}

/// The workspace of a text that a person brings along.
///
/// # Errors
/// `INVALID_FIELDS`.
pub fn workspace(text: &str) -> Result<Uuid> {
    ids::parse::<ids::Workspace>(text).map_err(|problem| Error::invalid_field("workspace", problem))
}
