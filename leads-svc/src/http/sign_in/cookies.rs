//! The two cookies: one for the session, one for the way to it.

use http::{HeaderMap, HeaderValue, header};

use crate::service::sign_in::Settings;

/// Names and attributes of our cookies. By TLS they have the prefix `__Host-`: browsers take such a cookie only from us,
/// with `Secure` and for no other host. On this machine alone, without TLS, they have neither.
#[derive(Debug, Clone)]
pub(super) struct Cookies {
    session: String,
    passage: String,
    attributes: &'static str,
}

impl Cookies {
    pub(super) fn new(settings: &Settings) -> Self {
        let prefix = if settings.is_secure() { "__Host-" } else { "" };
        Self {
            session: format!("{prefix}leads-session"),
            passage: format!("{prefix}leads-sign-in"),
            attributes: if settings.is_secure() {
                "Path=/; Secure; HttpOnly; SameSite=Lax"
            } else {
                "Path=/; HttpOnly; SameSite=Lax"
            },
        }
    }

    /// The session's cookie of a request.
    pub(super) fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        find(headers, &self.session)
    }

    /// The cookie of somebody who is signing in.
    pub(super) fn passage<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        find(headers, &self.passage)
    }

    /// Makes the browser keep a session.
    pub(super) fn keep_session(&self, headers: &mut HeaderMap, value: &str, seconds: i64) {
        self.append(headers, &self.session, value, seconds);
    }

    /// Makes the browser keep what it needs on its way.
    pub(super) fn keep_passage(&self, headers: &mut HeaderMap, value: &str, seconds: i64) {
        self.append(headers, &self.passage, value, seconds);
    }

    /// Makes the browser forget a session.
    pub(super) fn drop_session(&self, headers: &mut HeaderMap) {
        self.append(headers, &self.session, "", 0);
    }

    /// Makes the browser forget the way.
    pub(super) fn drop_passage(&self, headers: &mut HeaderMap) {
        self.append(headers, &self.passage, "", 0);
    }

    fn append(&self, headers: &mut HeaderMap, name: &str, value: &str, seconds: i64) {
        let cookie = format!("{name}={value}; Max-Age={seconds}; {}", self.attributes);
        if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
            cookie.set_sensitive(true);
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// The one cookie of that name; none if there are several, of which one is not ours.
fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(known, value)| *known == name && !value.is_empty())
        .map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_two_of_a_name_are_none() {
        let found = |sent: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in sent {
                headers.append(header::COOKIE, HeaderValue::from_static(value));
            }
            find(&headers, "a").map(str::to_owned)
        };
        assert_eq!(found(&["a=1"]), Some("1".to_owned()));
        assert_eq!(found(&["b=2; a=1;c=3"]), Some("1".to_owned()));
        assert_eq!(found(&["b=2", "a=1"]), Some("1".to_owned()));
        for sent in [&[][..], &["a="], &["aa=1"], &["a=1; a=2"], &["a=1", "a=2"]] {
            assert_eq!(found(sent), None, "{sent:?}");
        }
    }
}
