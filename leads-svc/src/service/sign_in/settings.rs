//! How people sign in, as the operator has set it up.

use leads_runtime::redact::Secret;
use url::{Host, Url};

use super::super::sessions::Lifetimes;

/// See the module.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where browsers reach the service: scheme, host and port.
    pub base: Url,
    /// Whether API keys are taken.
    pub keys: bool,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// The identity provider, if there is one.
    pub provider: Option<ProviderSettings>,
}

/// The identity provider, and who we are to it.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Its issuer, below which `.well-known/openid-configuration` is.
    pub issuer: Url,
    /// The issuer as it was written: it is compared letter by letter.
    pub issuer_text: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there; empty for a public client.
    pub client_secret: Secret,
}

impl Settings {
    /// The origin that our pages have, as browsers spell it.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Whether browsers reach us by TLS.
    pub fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }
}

/// An address that secrets may travel to: https, or this very machine.
///
/// # Errors
/// What is wrong with it.
pub fn trustworthy(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be a URL such as https://leads.example")?;
    let is_plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain || url.host().is_none() {
        return Err("must have a host, and no user, query or fragment");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_machine(&url) => Ok(url),
        _ => Err("must be https; plain http is for localhost alone"),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_travel_by_tls_or_not_at_all() {
        for good in [
            "https://leads.example",
            "https://leads.example:8443/",
            "http://localhost:8080",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
        ] {
            assert!(trustworthy(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "leads.example",
            "http://leads.example",
            "http://localhost.evil.example",
            "https://user@leads.example",
            "https://leads.example/?a=b",
            "https://leads.example/#a",
            "ftp://leads.example",
            "javascript:alert(1)",
        ] {
            assert!(trustworthy(bad).is_err(), "{bad}");
        }
    }
}
