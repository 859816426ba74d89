//! Signed assertions: RS256 over the app, the user, the audience and a short life.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::options::JwtUser;

/// Longest life that Salesforce takes, in seconds.
const LONGEST: i64 = 180;

/// The app's client id of an assertion, unverified.
pub(super) fn issuer(assertion: &str) -> Option<String> {
    let claims = claims(assertion)?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}

/// Whether the assertion is the user's, of now, and signed with their key.
///
/// # Errors
/// What Salesforce answers as `error_description`.
pub(super) fn check(
    assertion: &str,
    user: &JwtUser,
    audiences: &[&str],
    now: i64,
) -> Result<(), &'static str> {
    let claims = claims(assertion).ok_or("invalid assertion")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if !audiences.contains(&text("aud")) {
        return Err("audience is invalid");
    }
    if text("sub") != user.username {
        return Err("user hasn't approved this consumer");
    }
    let expires = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    if expires <= now || expires > now + LONGEST {
        return Err("expired authorization code");
    }
    let (signed, signature) = assertion.rsplit_once('.').ok_or("invalid assertion")?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| "invalid assertion")?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &user.public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "invalid assertion")
}

fn claims(assertion: &str) -> Option<Value> {
    let mut parts = assertion.split('.');
    let (header, claims) = (parts.next()?, parts.next()?);
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
