//! ID tokens: right ones, and wrong ones on demand.

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use ring::hmac;
use serde_json::{Value, json};

use super::{
    Fault,
    keys::SigningKey,
    state::{Grant, Kind, State},
};

/// Seconds that a token holds.
const VALID: i64 = 300;

/// An ID token for whoever a code was given for.
pub(super) fn id_token(state: &mut State, grant: &Grant) -> Result<String> {
    let (fault, now) = (state.fault, Utc::now().timestamp());
    let claims = claims(state, grant, now);
    let foreign = match fault {
        Some(Fault::ForeignKey | Fault::UnknownKey) => Some(state.new_key(Kind::P256)?),
        _ => None,
    };
    let own = state.published.last().context("there is no key")?;
    let key = foreign.as_ref().unwrap_or(own);
    let name = if fault == Some(Fault::ForeignKey) {
        &own.id
    } else {
        &key.id
    };
    let algorithm = match fault {
        Some(Fault::AlgNone) => "none",
        Some(Fault::HmacWithPublicKey | Fault::HmacWithSecret) => "HS256",
        _ => key.algorithm(),
    };
    let header = json!({"alg": algorithm, "kid": name, "typ": "JWT"});
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = signature(state, key, fault, signed.as_bytes())?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn claims(state: &State, grant: &Grant, now: i64) -> Value {
    let fault = state.fault;
    let client = state.options.client_id.as_str();
    let mut claims = json!({
        "iss": state.issuer,
        "sub": grant.user.subject,
        "aud": client,
        "iat": now,
        "exp": now + VALID,
        "nonce": grant.nonce,
        "email": grant.user.email,
        "email_verified": true,
    });
    let mut set = |name: &str, value: Value| {
        if let Some(claims) = claims.as_object_mut() {
            match value {
                Value::Null => claims.remove(name),
                value => claims.insert(name.to_owned(), value),
            };
        }
    };
    match fault {
        Some(Fault::WrongNonce) => set("nonce", "of-another-sign-in".into()),
        Some(Fault::NoNonce) => set("nonce", Value::Null),
        Some(Fault::WrongAudience) => set("aud", "another-client".into()),
        Some(Fault::FurtherAudience) => set("aud", json!([client, "another-client"])),
        Some(Fault::OtherParty) => set("azp", "another-client".into()),
        Some(Fault::WrongIssuer) => set("iss", "https://id.evil.example".into()),
        Some(Fault::Expired) => {
            set("iat", (now - 2 * VALID).into());
            set("exp", (now - VALID).into());
        }
        Some(Fault::FromTomorrow) => {
            set("iat", (now + 86_400).into());
            set("exp", (now + 86_400 + VALID).into());
        }
        Some(Fault::UnverifiedAddress) => set("email_verified", false.into()),
        Some(Fault::SilentAboutVerification) => set("email_verified", Value::Null),
        Some(Fault::VerifiedAsText) => set("email_verified", "true".into()),
        Some(Fault::NoAddress) => set("email", Value::Null),
        _ => {}
    }
    claims
}

fn signature(state: &State, key: &SigningKey, fault: Option<Fault>, signed: &[u8]) -> Result<Vec<u8>> {
    let by_secret = |secret: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        hmac::sign(&key, signed).as_ref().to_vec()
    };
    Ok(match fault {
        Some(Fault::AlgNone) => Vec::new(),
        Some(Fault::HmacWithPublicKey) => by_secret(&key.public_bytes()),
        Some(Fault::HmacWithSecret) => by_secret(state.options.client_secret.as_bytes()),
        Some(Fault::BrokenSignature) => {
            let mut signature = key.sign(signed)?;
            if let Some(byte) = signature.last_mut() {
                *byte ^= 1;
            }
            signature
        }
        _ => key.sign(signed)?,
    })
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
