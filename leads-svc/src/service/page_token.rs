//! Page tokens: sealed, so that they can be neither read nor forged, and bound to workspace, method and query.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use leads_proto::reason::Reason;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::{Error, Result};
use crate::storage::crypto::{Opens, Place, Seals, WorkspaceKeys};

const VALID: TimeDelta = TimeDelta::hours(24);

#[derive(Serialize, Deserialize)]
struct Token<C> {
    query: [u8; 32],
    cursor: C,
    until: DateTime<Utc>,
}

/// A token for the page behind `cursor`. `query` is everything that must be the same in the next call.
pub fn issue<C: Serialize>(
    keys: &WorkspaceKeys,
    method: &'static str,
    query: &str,
    cursor: C,
    now: DateTime<Utc>,
) -> Result<String> {
    let token = Token {
        query: digest(query),
        cursor,
        until: now + VALID,
    };
    let plain = serde_json::to_vec(&token).map_err(Error::internal)?;
    let sealed = keys.seal(place(method), &plain).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The cursor of a token; `None` if the token is empty.
///
/// # Errors
/// `PAGE_TOKEN_INVALID` or `PAGE_TOKEN_EXPIRED`.
pub fn read<C: DeserializeOwned>(
    keys: &WorkspaceKeys,
    method: &'static str,
    query: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<C>> {
    if token.is_empty() {
        return Ok(None);
    }
    let invalid = || {
        Error::new(
            Reason::PageTokenInvalid,
            "the page token is damaged or belongs to another query; start from the first page",
        )
    };
    let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let plain = keys.open(place(method), &sealed).map_err(|_| invalid())?;
    let token: Token<C> = serde_json::from_slice(&plain).map_err(|_| invalid())?;
    if token.query != digest(query) {
        return Err(invalid());
    }
    if token.until < now {
        return Err(Error::new(
            Reason::PageTokenExpired,
            "the page token is older than 24 hours; start from the first page",
        ));
    }
    Ok(Some(token.cursor))
}

fn digest(query: &str) -> [u8; 32] {
    Sha256::digest(query).into()
}

fn place(method: &'static str) -> Place {
    Place {
        column: method,
        row: Uuid::nil(),
    }
}
