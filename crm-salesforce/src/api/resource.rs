//! Which address a call has, and where calls may go at all.

use http::Method;

/// A resource of the REST API that this connector calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// Create or update leads by our key.
    Upsert,
    /// Change leads by id.
    Update,
    /// Move leads to the recycle bin, by id.
    Delete(Vec<String>),
    /// Find leads.
    Query(String),
    /// Fields of Lead.
    Describe,
    /// Versions of the API.
    Versions,
}

/// Where calls may go, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Such as `62.0`.
    pub api_version: String,
    /// Domains in lower case, each with everything below it.
    pub domains: Vec<String>,
    /// Whether plain http will do.
    pub allow_http: bool,
    /// Calls of an org in any second.
    pub calls_per_second: u32,
}

impl Resource {
    /// Name in spans.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Update => "update",
            Self::Delete(_) => "delete",
            Self::Query(_) => "query",
            Self::Describe => "describe",
            Self::Versions => "versions",
        }
    }

    /// Method.
    pub const fn method(&self) -> Method {
        match self {
            Self::Upsert | Self::Update => Method::PATCH,
            Self::Delete(_) => Method::DELETE,
            Self::Query(_) | Self::Describe | Self::Versions => Method::GET,
        }
    }

    /// Full address within an org.
    pub fn url(&self, instance_url: &str, api_version: &str, key_field: &str) -> String {
        let base = format!("{instance_url}/services/data/v{api_version}");
        let with = |path: &str, name: &str, value: &str| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair(name, value)
                .finish();
            format!("{base}{path}?{query}")
        };
        match self {
            Self::Upsert => format!("{base}/composite/sobjects/Lead/{key_field}"),
            Self::Update => format!("{base}/composite/sobjects"),
            Self::Delete(ids) => format!(
                "{}&allOrNone=false",
                with("/composite/sobjects", "ids", &ids.join(","))
            ),
            Self::Query(soql) => with("/query", "q", soql),
            Self::Describe => format!("{base}/sobjects/Lead/describe"),
            Self::Versions => format!("{instance_url}/services/data/"),
        }
    }
}

impl Rules {
    /// Whether an address is scheme and host of a domain that calls may go to. Who connects a workspace names the address:
    /// it must not lead to what only this process can reach.
    pub fn allow(&self, origin: &str) -> bool {
        let Ok(uri) = origin.parse::<http::Uri>() else {
            return false;
        };
        let fits = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => self.allow_http,
            _ => false,
        };
        let host = uri.host().unwrap_or_default().to_lowercase();
        let is_below = |domain: &String| {
            host == *domain
                || host
                    .strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
        };
        let bare = uri.path() == "/" && uri.query().is_none() && !origin.contains('@');
        fits && bare && self.domains.iter().any(is_below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_salesforces_own_domains_are_called() {
        let rules = Rules {
            api_version: "62.0".into(),
            domains: vec!["salesforce.com".into()],
            allow_http: false,
            calls_per_second: 1,
        };
        for (origin, allowed) in [
            ("https://acme.my.salesforce.com", true),
            ("https://LOGIN.salesforce.com", true),
            ("http://acme.my.salesforce.com", false),
            ("https://acme.my.salesforce.com.evil.example", false),
            ("https://evilsalesforce.com", false),
            ("https://169.254.169.254", false),
            ("https://x@acme.my.salesforce.com", false),
            ("https://acme.my.salesforce.com/path", false),
        ] {
            assert_eq!(rules.allow(origin), allowed, "{origin}");
        }
    }

    #[test]
    fn queries_are_encoded() {
        let soql = "SELECT Id FROM Lead WHERE Leads_Lead_Id__c IN ('a','b')";
        let url = Resource::Query(soql.into()).url("https://x", "62.0", "K__c");
        assert!(
            url.starts_with("https://x/services/data/v62.0/query?q=SELECT+Id"),
            "{url}"
        );
        assert!(url.parse::<http::Uri>().is_ok(), "{url}");
    }
}
