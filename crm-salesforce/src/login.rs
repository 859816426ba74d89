//! Asks the token endpoint for a session: client credentials, refresh token, or a signed assertion.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, header};
use leads_proto::leads::v1::{SalesforceCredentials, salesforce_credentials::Flow};
use leads_runtime::delivery::{CallError, Outcome, Reply};
use leads_runtime::vendor::VendorResponse;
use ring::{rand::SystemRandom, signature};
use serde_json::json;

use crate::api::{Granted, Rules, TokenError};
use crate::errors::{no_credentials, not_sent};

/// Salesforce takes assertions that live for at most three minutes.
const ASSERTION_SECONDS: i64 = 120;

/// The request for a session.
///
/// # Errors
/// The credentials cannot be used, or may not be sent where they say.
pub fn request(
    credentials: &SalesforceCredentials,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Request<Bytes>, Outcome> {
    if !rules.allow(&credentials.login_url) {
        return Err(no_credentials("The login address is none of Salesforce's."));
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let client_id = credentials.client_id.as_str();
    match &credentials.flow {
        Some(Flow::ClientCredentials(flow)) => {
            form.append_pair("grant_type", "client_credentials")
                .append_pair("client_id", client_id)
                .append_pair("client_secret", &flow.client_secret);
        }
        Some(Flow::RefreshToken(flow)) => {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("client_id", client_id)
                .append_pair("refresh_token", &flow.refresh_token);
            if !flow.client_secret.is_empty() {
                form.append_pair("client_secret", &flow.client_secret);
            }
        }
        Some(Flow::JwtBearer(flow)) => {
            let claims = json!({
                "iss": client_id, "sub": flow.username, "aud": audience(&credentials.login_url),
                "exp": now.timestamp() + ASSERTION_SECONDS,
            });
            let assertion = sign(&flow.private_key, &claims).ok_or_else(|| {
                no_credentials("The private key cannot be read: it must be an RSA key in PKCS#8 (PEM).")
            })?;
            form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
                .append_pair("assertion", &assertion);
        }
        None => return Err(no_credentials("The connection names no way to get a token.")),
    }
    Request::post(format!("{}/services/oauth2/token", credentials.login_url))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(form.finish()))
        .map_err(|error| not_sent("UNAVAILABLE", error.to_string()))
}

/// Understands what the endpoint answered.
///
/// # Errors
/// What becomes of those who wait for the session.
pub fn answer(result: Result<VendorResponse, CallError>, rules: &Rules) -> Result<Granted, Outcome> {
    let reply = Reply::of(
        result,
        |response| (response.status.as_u16(), response.json::<TokenError>().ok()),
        |response| response.json::<Granted>().ok(),
    );
    let granted = match reply {
        Reply::Answer(granted) => granted,
        Reply::Refused((400 | 401, Some(refused))) if !refused.error.is_empty() => {
            let TokenError {
                error,
                error_description,
            } = refused;
            // Everything else stays wrong until a person acts.
            return Err(match error.as_str() {
                "rate_limit_exceeded" | "server_error" | "temporarily_unavailable" => {
                    not_sent("UNAVAILABLE", format!("{error}: {error_description}"))
                }
                _ => no_credentials(format!(
                    "Salesforce gives no token ({error}): {error_description}"
                )),
            });
        }
        Reply::Refused((status, _)) => {
            return Err(not_sent(
                "UNAVAILABLE",
                format!("the token endpoint answered {status}"),
            ));
        }
        // A refresh token may be spent all the same; the next try will tell.
        Reply::Lost(why) | Reply::NotSent(why) => return Err(not_sent("UNAVAILABLE", why)),
        Reply::NotStarted => return Err(Outcome::NotStarted),
    };
    let sendable = |token: &str| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let instance_url = granted.instance_url.trim_end_matches('/').to_owned();
    match sendable(&granted.access_token) && rules.allow(&instance_url) {
        true => Ok(Granted {
            instance_url,
            ..granted
        }),
        false => Err(no_credentials(
            "Salesforce's token cannot be used: its instance address is none of Salesforce's.",
        )),
    }
}

/// Whom an assertion is for: the login host of sandboxes or of everybody else, whatever the org's own address.
fn audience(login_url: &str) -> &'static str {
    match login_url.contains("://test.") || login_url.contains(".sandbox.") {
        true => "https://test.salesforce.com",
        false => "https://login.salesforce.com",
    }
}

fn sign(private_key: &str, claims: &serde_json::Value) -> Option<String> {
    let inner: String = private_key
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect();
    let key = signature::RsaKeyPair::from_pkcs8(&STANDARD.decode(inner).ok()?).ok()?;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mark = vec![0; key.public().modulus_len()];
    key.sign(
        &signature::RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut mark,
    )
    .ok()?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assertions_are_for_the_login_host_of_the_orgs_kind() {
        assert_eq!(
            audience("https://acme.my.salesforce.com"),
            "https://login.salesforce.com"
        );
        assert_eq!(
            audience("https://acme--dev.sandbox.my.salesforce.com"),
            "https://test.salesforce.com"
        );
        assert_eq!(
            audience("https://test.salesforce.com"),
            "https://test.salesforce.com"
        );
    }

    #[test]
    fn a_key_that_is_none_signs_nothing() {
        assert_eq!(
            sign(
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
                &json!({})
            ),
            None
        );
    }
}
