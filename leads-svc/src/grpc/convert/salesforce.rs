//! Credentials of Salesforce.

use leads_proto::leads::{
    connector::v1 as wire,
    v1::{self, salesforce_credentials::Flow as Wire},
};

use crate::domain::{
    salesforce::{Flow, Salesforce, Session},
    violation::Violations,
};

const MAX_TOKEN: usize = 512;
const MAX_USERNAME: usize = 128;
const MAX_KEY: usize = 16_000;
const MAX_URL: usize = 255;

/// What a caller gave, as it is stored.
pub(super) fn read(given: &v1::SalesforceCredentials, violations: &mut Violations) -> String {
    let mut token = |field: &str, value: &str, required: bool| {
        let value = value.trim();
        let path = format!("salesforce.{field}");
        if value.is_empty() && required {
            violations.add(path, "is required");
        } else if value.len() > MAX_TOKEN || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            violations.add(path, "must be letters, digits and signs, at most 512");
        }
        value.to_owned()
    };
    let client_id = token("client_id", &given.client_id, true);
    let flow = match &given.flow {
        Some(Wire::ClientCredentials(flow)) => Some(Flow::ClientCredentials {
            client_secret: token("client_credentials.client_secret", &flow.client_secret, true),
        }),
        Some(Wire::RefreshToken(flow)) => Some(Flow::RefreshToken {
            refresh_token: token("refresh_token.refresh_token", &flow.refresh_token, true),
            client_secret: token("refresh_token.client_secret", &flow.client_secret, false),
        }),
        Some(Wire::JwtBearer(flow)) => Some(jwt(flow, violations)),
        None => {
            let text = "is required: client_credentials, refresh_token or jwt_bearer";
            violations.add("salesforce.flow", text);
            None
        }
    };
    let login_url = given.login_url.trim().trim_end_matches('/');
    if !is_origin(login_url) {
        let text = "must be scheme and host, such as https://acme.my.salesforce.com";
        violations.add("salesforce.login_url", text);
    }
    flow.map_or_else(String::new, |flow| {
        let stored = Salesforce {
            login_url: login_url.to_owned(),
            client_id,
            flow,
            session: None,
        };
        stored.secret()
    })
}

fn jwt(given: &v1::SalesforceJwtBearer, violations: &mut Violations) -> Flow {
    let username = given.username.trim();
    if !(1..=MAX_USERNAME).contains(&username.len()) || username.chars().any(char::is_control) {
        let text = "is required: the name of the user to act for, at most 128 characters";
        violations.add("salesforce.jwt_bearer.username", text);
    }
    let private_key = given.private_key.trim();
    let is_pem = private_key.starts_with("-----BEGIN PRIVATE KEY-----") && private_key.len() <= MAX_KEY;
    if !is_pem {
        let text = "is required: an RSA key in PKCS#8, which begins with -----BEGIN PRIVATE KEY-----";
        violations.add("salesforce.jwt_bearer.private_key", text);
    }
    Flow::JwtBearer {
        username: username.to_owned(),
        private_key: private_key.to_owned(),
    }
}

/// Scheme and host, perhaps a port. Whether plain http will do is the connector's to say.
pub(super) fn is_origin(url: &str) -> bool {
    let Ok(parsed) = url.parse::<http::Uri>() else {
        return false;
    };
    let scheme = parsed.scheme_str();
    let bare = parsed.path() == "/" && parsed.query().is_none() && !url.ends_with('/');
    let host = parsed.host().unwrap_or_default();
    url.len() <= MAX_URL
        && matches!(scheme, Some("https" | "http"))
        && bare
        && !host.is_empty()
        && !url.contains('@')
}

/// What is stored, for the connector; none if it cannot be read.
pub(super) fn secret(stored: &str) -> Option<wire::SalesforceSecret> {
    let Salesforce {
        login_url,
        client_id,
        flow,
        session,
    } = Salesforce::read(stored).ok()?;
    let flow = match flow {
        Flow::ClientCredentials { client_secret } => {
            Wire::ClientCredentials(v1::SalesforceClientCredentials { client_secret })
        }
        Flow::RefreshToken {
            refresh_token,
            client_secret,
        } => Wire::RefreshToken(v1::SalesforceRefreshToken {
            refresh_token,
            client_secret,
        }),
        Flow::JwtBearer {
            username,
            private_key,
        } => Wire::JwtBearer(v1::SalesforceJwtBearer {
            username,
            private_key,
        }),
    };
    let (access_token, instance_url) = session
        .map(|session| (session.access_token, session.instance_url))
        .unwrap_or_default();
    Some(wire::SalesforceSecret {
        credentials: Some(v1::SalesforceCredentials {
            login_url,
            client_id,
            flow: Some(flow),
        }),
        access_token,
        instance_url,
    })
}

/// A session that the connector began.
pub(super) fn session(request: &wire::PutConnectionTokenRequest, violations: &mut Violations) -> Session {
    let fits =
        |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic());
    if request.access_token.is_empty() || !fits(&request.access_token, 4_096) {
        violations.add("access_token", "must be 1 to 4,096 letters, digits and signs");
    }
    if !fits(&request.refresh_token, MAX_TOKEN) {
        violations.add("refresh_token", "must be letters, digits and signs, at most 512");
    }
    if !is_origin(&request.instance_url) {
        violations.add("instance_url", "must be scheme and host");
    }
    Session {
        access_token: request.access_token.clone(),
        instance_url: request.instance_url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_host_alone() {
        for (url, fits) in [
            ("https://acme.my.salesforce.com", true),
            ("http://127.0.0.1:8123", true),
            ("https://acme.my.salesforce.com/services", false),
            ("https://user@acme.my.salesforce.com", false),
            ("acme.my.salesforce.com", false),
            ("ftp://acme.my.salesforce.com", false),
            ("", false),
        ] {
            assert_eq!(is_origin(url), fits, "{url}");
        }
    }
}
