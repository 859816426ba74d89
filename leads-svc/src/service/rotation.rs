//! Rotation: a new key takes the place of an old one, which stays valid while callers change over.

use std::time::Duration;

use leads_proto::reason::Reason;

use super::{
    core::Core,
    error::{Error, Result},
    keys::{Key, mint},
    principal::{Bound, Principal, Scope},
};
use crate::storage::rotation::Replaced;

/// How long the old key stays valid if the caller does not say.
const USUAL_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);
/// Valid keys of a workspace, replaced ones included, beyond which there is no overlap: what a list shows.
const MAX_LIVE: u64 = 200;
/// Longest time for which both are valid.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Core {
    /// Replaces an API key of the caller's workspace. The new one has the same name, scopes and member, and lives for as
    /// long as the old one was made for; the old one ends after `overlap`, at most [`LONGEST_OVERLAP`].
    ///
    /// # Errors
    /// `SCOPE_REQUIRED` also if the key has a scope that the caller lacks, `NOT_FOUND`, `KEY_ENDED`, `LIMIT_EXCEEDED`,
    /// `STORAGE_UNAVAILABLE`.
    pub async fn rotate_api_key(
        &self,
        principal: &Principal,
        id: &str,
        overlap: Option<Duration>,
    ) -> Result<(Key, String)> {
        principal.require(Scope::WorkspaceAdmin)?;
        let workspace = principal.workspace()?;
        let overlap = overlap.unwrap_or(USUAL_OVERLAP).min(LONGEST_OVERLAP);
        let old = self
            .store
            .find_key_of(workspace, id)
            .await?
            .ok_or_else(|| Error::not_found("key"))?;
        let scopes: Vec<Scope> = old.scopes.iter().filter_map(|name| Scope::parse(name)).collect();
        for scope in &scopes {
            principal.require(*scope)?;
        }
        if !overlap.is_zero() && self.store.count_live_keys(workspace).await? >= MAX_LIVE {
            return Err(Error::new(
                Reason::LimitExceeded,
                "too many replaced keys are still valid; revoke some, or rotate without an overlap",
            ));
        }
        let now = self.store.clock().now();
        let expires_at = old.expires_at.map(|at| now + (at - old.created_at));
        let bound = Bound::Workspace(workspace);
        let (mut new, secret) = mint(&self.store, &bound, &old.name, &scopes, expires_at);
        new.member = old.member;
        match self
            .store
            .replace_key(workspace, id, new.clone(), now + overlap, &principal.actor())
            .await?
        {
            Replaced::Done => {}
            Replaced::Absent => return Err(Error::not_found("key")),
            Replaced::Ended => {
                return Err(Error::new(
                    Reason::KeyEnded,
                    "the key is revoked, expired or replaced; create a new one",
                ));
            }
        }
        tracing::info!(
            workspace.id = %workspace, key.id = id, key.new = new.id, by = principal.key_id(), "api key rotated"
        );
        Ok((new, secret))
    }
}
