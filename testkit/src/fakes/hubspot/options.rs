//! What a simulated HubSpot is started with: portals, their tokens and limits, and the size of its memory.

use serde::{Deserialize, Serialize};

/// The portal of `HubspotOptions::default()`.
pub const DEFAULT_PORTAL: u64 = 8_800_001;
/// The token of `HubspotOptions::default()`; it has all of [`ALL_SCOPES`].
pub const DEFAULT_TOKEN: &str = "pat-na1-00000000-0000-4000-8000-000000000001";
/// Every scope that a simulated endpoint asks for.
pub const ALL_SCOPES: [&str; 4] = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
];

/// Start options of a server. The default is one Professional portal with one token, on a free port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubspotOptions {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Decides the order of batch results and the correlation ids.
    pub seed: u64,
    /// Requests kept in the log; older ones are forgotten.
    pub log_capacity: usize,
    /// Writes kept per contact; 0 keeps none, and then neither `propertiesWithHistory`, steps back nor a search
    /// lag see older values.
    pub history_capacity: usize,
    /// Accounts to begin with; more can be added while it runs.
    pub portals: Vec<PortalOptions>,
}

impl Default for HubspotOptions {
    fn default() -> Self {
        Self {
            port: 0,
            seed: 1,
            log_capacity: 50_000,
            history_capacity: 64,
            portals: vec![PortalOptions::new(DEFAULT_PORTAL).token(DEFAULT_TOKEN)],
        }
    }
}

/// One account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortalOptions {
    /// HubSpot's account number ("hub id").
    pub portal_id: u64,
    /// Host of record links; EU portals use `app-eu1.hubspot.com`.
    #[serde(default = "default_ui_domain")]
    pub ui_domain: String,
    /// Credentials that open this account.
    #[serde(default)]
    pub tokens: Vec<TokenOptions>,
    /// Decides the limits that are not overridden below.
    #[serde(default)]
    pub tier: Tier,
    /// Calls per app in any 10 s; overrides the tier.
    #[serde(default)]
    pub burst: Option<usize>,
    /// Calls of all private apps together per UTC day; overrides the tier.
    #[serde(default)]
    pub daily_limit: Option<u64>,
    /// Search calls in any second, account-wide.
    #[serde(default = "default_search_per_second")]
    pub search_per_second: usize,
    /// How far the search index lags behind the records.
    #[serde(default)]
    pub search_lag_ms: u64,
    /// A merged record normally gets a new id; true keeps the primary's.
    #[serde(default)]
    pub merge_keeps_primary_id: bool,
    /// Answer `null` for a property that was asked for and has no value on every path family. HubSpot's document
    /// allows null only from 2026-09 on, and only there it is sent by default; v3 is reported to send it too.
    #[serde(default)]
    pub nulls_for_unset: bool,
    /// Properties that an admin made mandatory; enforced on creates from `/2026-09/` on, never on v3.
    #[serde(default)]
    pub required_properties: Vec<String>,
}

impl PortalOptions {
    /// A Professional portal without tokens.
    pub fn new(portal_id: u64) -> Self {
        Self {
            portal_id,
            ui_domain: default_ui_domain(),
            tokens: Vec::new(),
            tier: Tier::default(),
            burst: None,
            daily_limit: None,
            search_per_second: default_search_per_second(),
            search_lag_ms: 0,
            merge_keeps_primary_id: false,
            nulls_for_unset: false,
            required_properties: Vec::new(),
        }
    }

    /// Adds a private-app token with all scopes.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.tokens.push(TokenOptions::new(token));
        self
    }

    /// Sets the tier.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// Overrides the tier's calls per 10 s.
    #[must_use]
    pub fn burst(mut self, calls: usize) -> Self {
        self.burst = Some(calls);
        self
    }

    /// Sets how far search lags.
    #[must_use]
    pub fn search_lag_ms(mut self, lag: u64) -> Self {
        self.search_lag_ms = lag;
        self
    }
}

/// One credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenOptions {
    /// The whole secret, `pat-…`.
    pub token: String,
    /// Tokens of one app share its burst window.
    #[serde(default = "default_app")]
    pub app: String,
    /// Granted scopes; see [`ALL_SCOPES`].
    #[serde(default = "all_scopes")]
    pub scopes: Vec<String>,
    /// An OAuth marketplace app: 110 calls per 10 s, no daily count, no daily headers.
    #[serde(default)]
    pub oauth: bool,
}

impl TokenOptions {
    /// A private app's token with all scopes.
    pub fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            app: default_app(),
            scopes: all_scopes(),
            oauth: false,
        }
    }

    /// Replaces the granted scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self
    }
}

/// Subscription level, which sets the limits of private apps (developers.hubspot.com, usage guidelines).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// 100 calls per 10 s, 250,000 a day.
    FreeStarter,
    /// 190 calls per 10 s, 625,000 a day.
    #[default]
    Professional,
    /// 190 calls per 10 s, 1,000,000 a day.
    Enterprise,
    /// Enterprise with one API limit increase: 250 calls per 10 s, 2,000,000 a day.
    LimitIncrease,
    /// No limit that a benchmark reaches.
    Unlimited,
}

impl Tier {
    /// Calls per app in any 10 s.
    pub fn burst(self) -> usize {
        match self {
            Self::FreeStarter => 100,
            Self::Professional | Self::Enterprise => 190,
            Self::LimitIncrease => 250,
            Self::Unlimited => 1_000_000,
        }
    }

    /// Calls per account and day.
    pub fn daily(self) -> u64 {
        match self {
            Self::FreeStarter => 250_000,
            Self::Professional => 625_000,
            Self::Enterprise => 1_000_000,
            Self::LimitIncrease => 2_000_000,
            Self::Unlimited => 1_000_000_000,
        }
    }
}

fn default_ui_domain() -> String {
    "app.hubspot.com".to_owned()
}

fn default_search_per_second() -> usize {
    5
}

fn default_app() -> String {
    "leads".to_owned()
}

fn all_scopes() -> Vec<String> {
    ALL_SCOPES.iter().map(|scope| (*scope).to_owned()).collect()
}
