//! Credentials: how they look, how they are made, how their secrets are kept.

use chrono::{DateTime, Utc};
use rand::RngExt;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{
    core::Core,
    error::{Error, Result},
    principal::{Bound, Principal, Scope},
};
pub use crate::storage::keys::Key;
use crate::{
    domain::{
        member::Role,
        plan::Limit,
        text,
        violation::{Violation, Violations},
    },
    storage::Store,
};

const ID_LETTERS: usize = 12;
/// 43 letters of 62 hold 256 bits.
pub(super) const SECRET_LETTERS: usize = 43;
pub(super) const CHECKSUM_LETTERS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A credential's text, taken apart. Its checksum was right, so it was a key once, here or elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Presented<'a> {
    /// `ak`, `pk` or `ck`.
    pub prefix: &'a str,
    /// Public part.
    pub id: &'a str,
    secret: &'a str,
}

impl<'a> Presented<'a> {
    /// Takes a credential apart; `None` if it never was one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (body, checksum) = text.split_at_checked(text.len().checked_sub(CHECKSUM_LETTERS)?)?;
        if checksum != checksum_of(body) {
            return None;
        }
        let mut parts = body.split('_');
        let (prefix, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = parts.next().is_none()
            && matches!(prefix, "ak" | "pk" | "ck")
            && id.len() == ID_LETTERS
            && secret.len() == SECRET_LETTERS;
        fits.then_some(Self { prefix, id, secret })
    }

    /// Whether the credential is the one that the row holds the hash of; takes the same time whatever differs.
    pub fn matches(&self, store: &Store, key: &Key) -> bool {
        let Some(digest) = store.keyring().digest(self.secret) else {
            return false;
        };
        bool::from(digest.as_slice().ct_eq(&key.digest)) && prefix_of(key) == self.prefix
    }
}

/// A new credential: what is stored, and the text that is shown once.
pub fn mint(
    store: &Store,
    bound: &Bound,
    name: &str,
    scopes: &[Scope],
    expires_at: Option<DateTime<Utc>>,
) -> (Key, String) {
    let (id, secret) = (letters(ID_LETTERS), letters(SECRET_LETTERS));
    let (workspace, destination) = match bound {
        Bound::Workspace(workspace) => (Some(*workspace), None),
        Bound::Platform => (None, None),
        Bound::Destination(destination) => (None, Some(destination.clone())),
    };
    let key = Key {
        digest: store.keyring().digest(&secret).map(Vec::from).unwrap_or_default(),
        id,
        workspace,
        destination,
        name: name.to_owned(),
        scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        created_at: store.clock().now(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
        replaced_by: None,
        member: None,
    };
    let body = format!("{}_{}_{secret}", prefix_of(&key), key.id);
    let text = format!("{body}{}", checksum_of(&body));
    (key, text)
}

impl Core {
    /// Creates an API key of the caller's workspace, for one of its members or for nobody. A member's key can have only
    /// scopes of the member's role.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `INVALID_FIELDS`, `NOT_FOUND`, `PLAN_LIMIT`, `LIMIT_EXCEEDED`, `STORAGE_UNAVAILABLE`.
    pub async fn create_api_key(
        &self,
        principal: &Principal,
        name: &str,
        scopes: &[String],
        expires_at: Option<DateTime<Utc>>,
        member: Option<Uuid>,
    ) -> Result<(Key, String)> {
        principal.require(Scope::WorkspaceAdmin)?;
        let workspace = principal.workspace()?;
        let (name, scopes) =
            check(principal, name, scopes, expires_at, self.store.clock().now()).map_err(Error::invalid)?;
        if let Some(member) = member {
            let role = self.store.find_role(workspace, member).await?;
            let role = role.ok_or_else(|| Error::not_found("member"))?;
            check_role(role, &scopes)?;
        }
        let used = self.store.count_keys(workspace).await?;
        self.facts(workspace).await?.require_room(Limit::Keys, used)?;
        let (mut key, secret) = mint(
            &self.store,
            &Bound::Workspace(workspace),
            &name,
            &scopes,
            expires_at,
        );
        key.member = member;
        self.store.create_key(key.clone(), &principal.actor()).await?;
        tracing::info!(workspace.id = %workspace, key.id = key.id, by = principal.key_id(), "api key created");
        Ok((key, secret))
    }

    /// API keys of the caller's workspace, newest first.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `STORAGE_UNAVAILABLE`.
    pub async fn list_api_keys(&self, principal: &Principal) -> Result<Vec<Key>> {
        principal.require(Scope::WorkspaceAdmin)?;
        Ok(self.store.list_keys(principal.workspace()?).await?)
    }

    /// Ends an API key of the caller's workspace.
    ///
    /// # Errors
    /// `SCOPE_REQUIRED`, `NOT_FOUND`, `STORAGE_UNAVAILABLE`.
    pub async fn revoke_api_key(&self, principal: &Principal, id: &str) -> Result<()> {
        principal.require(Scope::WorkspaceAdmin)?;
        let workspace: Uuid = principal.workspace()?;
        if !self.store.revoke_key(workspace, id, &principal.actor()).await? {
            return Err(Error::not_found("key"));
        }
        tracing::info!(workspace.id = %workspace, key.id = id, by = principal.key_id(), "api key revoked");
        Ok(())
    }
}

/// Name and scopes of a key that `principal` may create.
///
/// # Errors
/// Every violation.
pub fn check(
    principal: &Principal,
    name: &str,
    scopes: &[String],
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(String, Vec<Scope>), Vec<Violation>> {
    let mut violations = Violations::default();
    let name = text::required("name", name, 100, &mut violations);
    let scopes = check_scopes(principal, scopes, &mut violations);
    if expires_at.is_some_and(|at| at <= now) {
        violations.add("expires_at", "must be in the future");
    }
    violations.into_result((name, scopes))
}

fn check_scopes(principal: &Principal, names: &[String], violations: &mut Violations) -> Vec<Scope> {
    if names.is_empty() {
        violations.add(
            "scopes",
            "needs at least one scope: a key without scopes may do nothing",
        );
    }
    let mut scopes = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match Scope::parse(name).filter(|scope| Scope::of_workspaces().any(|of| of == *scope)) {
            None => {
                let known: Vec<&str> = Scope::of_workspaces().map(Scope::name).collect();
                violations.add(
                    format!("scopes[{index}]"),
                    format!("is not one of {}", known.join(", ")),
                );
            }
            Some(scope) if !principal.has(scope) => {
                violations.add(
                    format!("scopes[{index}]"),
                    "is a scope that the calling key does not have",
                );
            }
            Some(scope) => scopes.push(scope),
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn check_role(role: Role, scopes: &[Scope]) -> Result<()> {
    let possible = Scope::of_role(role);
    let beyond: Vec<&str> = scopes
        .iter()
        .filter(|scope| !possible.contains(scope))
        .map(|scope| scope.name())
        .collect();
    if beyond.is_empty() {
        return Ok(());
    }
    let text = format!("the role {} does not have {}", role.word(), beyond.join(", "));
    Err(Error::invalid_field("scopes", text))
}

fn prefix_of(key: &Key) -> &'static str {
    match (&key.workspace, &key.destination) {
        (Some(_), _) => "ak",
        (None, Some(_)) => "ck",
        (None, None) => "pk",
    }
}

pub(super) fn letters(count: usize) -> String {
    let mut random = rand::rng();
    (0..count).map(|_| letter(random.random_range(0..62))).collect()
}

fn letter(index: u32) -> char {
    ALPHABET.get(index as usize).copied().map_or('0', char::from)
}

/// CRC-32 in base 62. It is no secret: it tells a typing mistake from a key before the database is asked.
pub(super) fn checksum_of(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [0; CHECKSUM_LETTERS];
    for digit in digits.iter_mut().rev() {
        *digit = rest % 62;
        rest /= 62;
    }
    digits.into_iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> String {
        let body = format!("ak_{}_{}", letters(ID_LETTERS), letters(SECRET_LETTERS));
        format!("{body}{}", checksum_of(&body))
    }

    #[test]
    fn a_key_parses_and_its_parts_are_the_ones_it_was_made_of() {
        let text = sample();
        let key = Presented::parse(&text).unwrap();
        assert_eq!(key.prefix, "ak");
        assert!(text.starts_with(&format!("ak_{}_{}", key.id, key.secret)));
    }

    proptest! {
        #[test]
        fn what_is_no_key_is_refused_before_the_database(text in "\\PC{0,80}") {
            prop_assert_eq!(Presented::parse(&text), None);
        }

        #[test]
        fn a_key_with_one_letter_changed_is_refused(at in 0usize..65, to in 0u32..62) {
            let text = sample();
            let mut changed: Vec<char> = text.chars().collect();
            changed[at] = letter(to);
            let changed: String = changed.into_iter().collect();
            prop_assert!(changed == text || Presented::parse(&changed).is_none());
        }
    }
}
