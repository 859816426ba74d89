//! Who calls with a session: from what the cookie holds to a [`Principal`] with the rights of this moment.
//!
//! Stored: per session a keyed hash of 256 random bits, which only the browser has. Moves: a session is looked up by
//! that hash, then what it stands on: the key that it was begun with, or the member's role and the plan. What was found
//! is kept for 4 seconds. Holds: signing out, removing a member, another role, a revoked key take effect on every
//! replica within 5 seconds.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use leads_proto::reason::Reason;
use moka::future::Cache;
use uuid::Uuid;

use super::{
    auth::{Auth, FRESH, MAX_KEPT},
    error::{Error, Result},
    keys::{CHECKSUM_LETTERS, SECRET_LETTERS, checksum_of, letters},
    principal::{Bound, OfSession, Principal, Scope},
};
use crate::{
    domain::{
        ids,
        plan::Entitlement,
        session::{Method, Session},
    },
    storage::Store,
};

/// Requests to the paths of signing in that one address may make at once, and how many come back in a minute.
const BURST: NonZeroU32 = NonZeroU32::new(120).unwrap();
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(120).unwrap();

type Digest = [u8; 32];

/// What a browser sent in its cookie, and whether the request may have been brought about by another site.
#[derive(Clone)]
pub struct Presented {
    text: String,
    cross_site: Option<&'static str>,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// From sign-in to the end, whatever the use.
    pub whole: TimeDelta,
    /// Without use.
    pub idle: TimeDelta,
}

/// A session that has just begun.
#[derive(Clone)]
pub struct Begun {
    /// What the cookie is to hold.
    pub cookie: String,
    /// The session.
    pub session: Session,
}

/// Sessions that this replica knows, those that were used since the last note, and how often addresses sign in.
pub(super) struct Sessions {
    known: Cache<Digest, Arc<Known>>,
    seen: Mutex<HashMap<Uuid, DateTime<Utc>>>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
}

/// A session and what it may do.
struct Known {
    session: Session,
    principal: Principal,
}

impl Presented {
    /// `cross_site` says why the request may be another site's, if it may.
    pub fn new(text: &str, cross_site: Option<&'static str>) -> Self {
        Self {
            text: text.to_owned(),
            cross_site,
        }
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("cross_site", &self.cross_site)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(MAX_KEPT)
                .time_to_live(FRESH)
                .build(),
            seen: Mutex::default(),
            addresses: RateLimiter::keyed(Quota::per_minute(PER_MINUTE).allow_burst(BURST)),
        }
    }
}

impl Sessions {
    /// When a session was last used, as far as is known here.
    fn last_seen(&self, session: &Session) -> DateTime<Utc> {
        self.addresses.retain_recent();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let here = seen.get(&session.id).copied();
        here.map_or(session.seen_at, |here| here.max(session.seen_at))
    }

    fn note(&self, session: Uuid, at: DateTime<Utc>) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session, at);
    }

    /// Stores which sessions were used since the last call.
    pub(super) async fn note_use(&self, store: &Store) -> crate::storage::Result<()> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if seen.is_empty() {
            return Ok(());
        }
        let noted: Vec<_> = seen.iter().map(|(session, at)| (*session, *at)).collect();
        store.touch_sessions(&noted).await?;
        // What was used meanwhile is for the next note.
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|session, at| seen.get(session) != Some(at));
        Ok(())
    }
}

impl Auth {
    /// Who calls with a session.
    ///
    /// # Errors
    /// `CROSS_SITE` if the request may be another site's; `UNAUTHENTICATED`, the same whether the session is malformed,
    /// unknown, over or has lost what it stands on; `RATE_LIMITED` if the address sent too many of those;
    /// `STORAGE_UNAVAILABLE`.
    pub async fn authenticate_session(
        &self,
        presented: &Presented,
        peer: Option<IpAddr>,
    ) -> Result<Principal> {
        if let Some(why) = presented.cross_site {
            tracing::info!(
                client.address = peer.map(tracing::field::display),
                why,
                "cross-site call refused"
            );
            return Err(Error::new(Reason::CrossSite, why));
        }
        match self.find_alive(&presented.text).await? {
            Some(known) => Ok(known.principal.clone()),
            None => Err(self.wrong(peer, None).await),
        }
    }

    /// Counts a request of an address to the paths of signing in.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub fn admit_address(&self, peer: Option<IpAddr>) -> Result<()> {
        let Some(peer) = peer else { return Ok(()) };
        self.sessions().addresses.check_key(&peer).map_err(|not_until| {
            let delay = not_until.wait_time_from(DefaultClock::default().now());
            Error::new(Reason::RateLimited, "too many sign-ins came from this address").retry_after(delay)
        })
    }

    /// The caller that a cookie stands for; `None` if its session does not hold. For pages that greet their reader.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn session_holder(&self, cookie: &str) -> Result<Option<Principal>> {
        Ok(self
            .find_alive(cookie)
            .await?
            .map(|known| known.principal.clone()))
    }

    /// Begins a session with the rights of `holder`, who signed in by `method`.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED` if the holder belongs to no workspace, `STORAGE_UNAVAILABLE`.
    pub async fn begin_session(
        &self,
        holder: &Principal,
        method: Method,
        lifetimes: Lifetimes,
    ) -> Result<Begun> {
        let workspace = holder.workspace()?;
        let clock = self.store().clock();
        let now = clock.now();
        let key = (method == Method::ApiKey).then(|| holder.key_id().to_owned());
        let session = Session {
            id: leads_runtime::ids::new_id(clock),
            workspace,
            member: holder.member(),
            key,
            method,
            created_at: now,
            expires_at: now + lifetimes.whole,
            seen_at: now,
            idle: lifetimes.idle,
        };
        let secret = letters(SECRET_LETTERS);
        let cookie = format!("{secret}{}", checksum_of(&secret));
        let digest = self.digest(&secret)?;
        self.store()
            .begin_session(&session, &digest, &holder.actor())
            .await?;
        tracing::info!(
            workspace.id = ids::format::<ids::Workspace>(workspace),
            session.id = ids::format::<ids::Session>(session.id),
            by = holder.actor(),
            method = method.word(),
            "signed in"
        );
        Ok(Begun { cookie, session })
    }

    /// Ends the session of a cookie, if it holds: here at once, elsewhere within 5 seconds.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub async fn end_session(&self, cookie: &str) -> Result<()> {
        let Some(secret) = parse(cookie) else {
            return Ok(());
        };
        let digest = self.digest(secret)?;
        let Some(session) = self.store().find_session(&digest).await? else {
            return Ok(());
        };
        let by = match (session.member, &session.key) {
            (Some(member), _) => format!("member:{}", ids::format::<ids::Member>(member)),
            (None, key) => format!("key:{}", key.as_deref().unwrap_or_default()),
        };
        if self.store().end_session(&session, &by).await? {
            tracing::info!(
                workspace.id = ids::format::<ids::Workspace>(session.workspace),
                session.id = ids::format::<ids::Session>(session.id),
                by,
                "signed out"
            );
        }
        self.sessions().known.invalidate(&digest).await;
        Ok(())
    }

    async fn find_alive(&self, cookie: &str) -> Result<Option<Arc<Known>>> {
        let Some(secret) = parse(cookie) else {
            return Ok(None);
        };
        let (digest, sessions) = (self.digest(secret)?, self.sessions());
        let now = self.store().clock().now();
        let is_alive = |known: &Arc<Known>| known.session.is_alive(sessions.last_seen(&known.session), now);
        let kept = sessions.known.get(&digest).await.filter(is_alive);
        let known = match kept {
            Some(known) => known,
            // What is kept and seems over may have been used elsewhere meanwhile.
            None => match self.read_session(&digest).await?.map(Arc::new).filter(is_alive) {
                Some(known) => {
                    sessions.known.insert(digest, Arc::clone(&known)).await;
                    known
                }
                None => return Ok(None),
            },
        };
        sessions.note(known.session.id, now);
        if let Some(key) = &known.session.key {
            self.note_key(key, now);
        }
        Ok(Some(known))
    }

    async fn read_session(&self, digest: &Digest) -> Result<Option<Known>> {
        let Some(session) = self.store().find_session(digest).await? else {
            return Ok(None);
        };
        let holder = match (&session.key, session.member) {
            (Some(key), _) => self.holder(key).await?,
            (None, Some(member)) => self.member_holder(session.workspace, member).await?,
            (None, None) => None,
        };
        // A key never changes its workspace; that the session's is the same is not left to that.
        let holder = holder.filter(|holder| *holder.bound() == Bound::Workspace(session.workspace));
        Ok(holder.map(|holder| Known {
            principal: holder.of_session(OfSession {
                id: session.id,
                expires_at: session.expires_at,
                by_key: session.key.is_some(),
            }),
            session,
        }))
    }

    /// A member with the rights of its role; `None` if it was removed, or the plan no longer lets members sign in
    /// without keys.
    ///
    /// # Errors
    /// `STORAGE_UNAVAILABLE`.
    pub(super) async fn member_holder(&self, workspace: Uuid, member: Uuid) -> Result<Option<Principal>> {
        let plan = self.plan(workspace).await?;
        if !plan.is_some_and(|plan| plan.allows(Entitlement::Sso)) {
            return Ok(None);
        }
        let Some(role) = self.store().find_role(workspace, member).await? else {
            return Ok(None);
        };
        let holder = Principal::new(
            ids::format::<ids::Member>(member),
            Bound::Workspace(workspace),
            Scope::of_role(role),
        );
        Ok(Some(holder.of_member(member)))
    }

    fn digest(&self, secret: &str) -> Result<Digest> {
        // Its own words in front: the hash of a session's secret is never that of a key's.
        let digest = self.store().keyring().digest(&format!("session {secret}"));
        digest.ok_or_else(|| Error::internal("the installation has no secrets: run leads-svc migrate"))
    }
}

/// The secret of a cookie; `None` if it never was one of ours.
fn parse(cookie: &str) -> Option<&str> {
    let (secret, checksum) = cookie.split_at_checked(cookie.len().checked_sub(CHECKSUM_LETTERS)?)?;
    (secret.len() == SECRET_LETTERS && checksum == checksum_of(secret)).then_some(secret)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_cookie_holds_is_told_from_what_never_was_one() {
        let secret = letters(SECRET_LETTERS);
        let cookie = format!("{secret}{}", checksum_of(&secret));
        assert_eq!(parse(&cookie), Some(secret.as_str()));
        assert_eq!(parse(&secret), None);
        assert_eq!(parse(&format!("{cookie}0")), None);
    }

    proptest! {
        #[test]
        fn other_texts_are_refused_before_the_database(text in "\\PC{0,60}") {
            prop_assert_eq!(parse(&text), None);
        }
    }
}
