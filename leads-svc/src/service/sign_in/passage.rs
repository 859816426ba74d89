//! What is remembered between leaving for the identity provider and the session: sealed, short-lived, in the browser.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use subtle::ConstantTimeEq;
use url::Url;
use uuid::Uuid;

use super::{Target, oidc::Ticket, refused};
use crate::{
    service::error::{Error, Result},
    storage::{
        Store,
        crypto::{Opens, Place, Seals},
    },
};

/// How long somebody may take at the identity provider.
pub(super) const TRIP: TimeDelta = TimeDelta::minutes(10);
/// How long somebody may take to choose.
const CHOICE: TimeDelta = TimeDelta::minutes(5);

const TRIP_PLACE: &str = "sign_in.trip";
const CHOICE_PLACE: &str = "sign_in.choice";

/// What is needed to leave.
pub struct Departure {
    /// Where to send the browser.
    pub url: Url,
    /// For the cookie, until the browser is back.
    pub sealed: String,
}

/// What the identity provider sent the browser back with.
#[derive(Debug, Clone, Default)]
pub struct Return {
    /// What it was left with.
    pub state: String,
    /// To be redeemed.
    pub code: String,
    /// Why there is no code.
    pub error: String,
    /// Who answers.
    pub issuer: Option<String>,
}

/// What a browser left with.
#[derive(Serialize, Deserialize)]
pub(super) struct Trip {
    state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    workspace: Option<Uuid>,
    target: Target,
}

#[derive(Serialize, Deserialize)]
struct Choice {
    marks: Vec<Vec<u8>>,
    target: Target,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    inside: T,
    until: DateTime<Utc>,
}

impl Trip {
    pub(super) fn workspace(&self) -> Option<Uuid> {
        self.workspace
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The code of an answer that belongs to this trip.
    pub(super) fn check<'a>(&self, answer: &'a Return, issuer: &str) -> Result<&'a str> {
        let is_ours = bool::from(answer.state.as_bytes().ct_eq(self.state.as_bytes()));
        if !is_ours {
            return Err(refused(
                "the answer belongs to another sign-in; begin again and finish in the same browser window",
            ));
        }
        if answer.issuer.as_ref().is_some_and(|said| said != issuer) {
            return Err(refused(
                "the answer came from another identity provider; begin again",
            ));
        }
        if !answer.error.is_empty() || answer.code.is_empty() {
            // Codes are words of the standard; what is none is not repeated.
            let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            let word = Some(answer.error.as_str())
                .filter(|code| !code.is_empty() && code.len() <= 40 && code.bytes().all(is_word))
                .unwrap_or("no code came");
            return Err(refused(format!("the identity provider refused: {word}")));
        }
        Ok(&answer.code)
    }
}

/// Seals what a browser leaves with.
pub(super) async fn leave(
    store: &Store,
    ticket: Ticket,
    workspace: Option<Uuid>,
    target: Target,
) -> Result<Departure> {
    let Ticket {
        url,
        state,
        nonce,
        verifier,
    } = ticket;
    let trip = Trip {
        state,
        nonce,
        verifier,
        workspace,
        target,
    };
    let sealed = seal(store, TRIP_PLACE, trip, TRIP).await?;
    Ok(Departure { url, sealed })
}

/// What a browser left with.
pub(super) async fn open(store: &Store, sealed: Option<&str>) -> Result<Trip> {
    opened(store, TRIP_PLACE, sealed)
        .await?
        .ok_or_else(|| refused("the sign-in took too long, or began in another browser; begin again"))
}

/// Seals whose workspaces there are to choose from.
pub(super) async fn seal_choice(store: &Store, marks: &[Vec<u8>], target: &Target) -> Result<String> {
    let choice = Choice {
        marks: marks.to_vec(),
        target: target.clone(),
    };
    seal(store, CHOICE_PLACE, choice, CHOICE).await
}

/// Whose workspaces there are to choose from.
pub(super) async fn open_choice(store: &Store, sealed: Option<&str>) -> Result<(Vec<Vec<u8>>, Target)> {
    let choice: Option<Choice> = opened(store, CHOICE_PLACE, sealed).await?;
    let choice = choice.ok_or_else(|| refused("the choice took too long; sign in again"))?;
    Ok((choice.marks, choice.target))
}

async fn seal<T: Serialize>(
    store: &Store,
    column: &'static str,
    inside: T,
    valid: TimeDelta,
) -> Result<String> {
    let until = store.clock().now() + valid;
    let plain = serde_json::to_vec(&Sealed { inside, until }).map_err(Error::internal)?;
    let keys = store.installation_keys().await?;
    let sealed = keys.seal(place(column), &plain).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// What is inside; `None` if it is not there, altered, another's or too old.
async fn opened<T: DeserializeOwned>(
    store: &Store,
    column: &'static str,
    sealed: Option<&str>,
) -> Result<Option<T>> {
    let Some(sealed) = sealed.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) else {
        return Ok(None);
    };
    let keys = store.installation_keys().await?;
    let plain = keys.open(place(column), &sealed).ok();
    let inside: Option<Sealed<T>> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
    let inside = inside.filter(|sealed| store.clock().now() < sealed.until);
    Ok(inside.map(|sealed| sealed.inside))
}

fn place(column: &'static str) -> Place {
    Place {
        column,
        row: Uuid::nil(),
    }
}
