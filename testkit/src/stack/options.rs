//! What a stack consists of, and how fast its clocks tick.

use std::path::PathBuf;

use crate::fakes::{hubspot::HubspotOptions, salesforce::SalesforceOptions};

/// How to build a stack. The default is SQLite, one connector, short times, connected to a simulated HubSpot.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// Which build of leads-svc.
    pub leads_binary: &'static str,
    /// Where leads-svc keeps its rows.
    pub storage: Storage,
    /// Connector replicas.
    pub connectors: usize,
    /// The simulated HubSpot's portals and limits.
    pub hubspot: HubspotOptions,
    /// The simulated Salesforce; with it come a connector and, if the workspace is to be connected, a connection.
    pub salesforce: Option<SalesforceOptions>,
    /// Lease, sweep and publish times.
    pub timing: Timing,
    /// Puts a fault proxy into each link between the processes.
    pub proxied: bool,
    /// Connects the workspace to the simulator's default portal and waits until that works.
    pub connect: bool,
    /// Starts a simulated identity provider, and lets the people of [`PEOPLE`](super::PEOPLE) sign in.
    pub sign_in: bool,
    /// Further environment of leads-svc; wins over what the stack sets.
    pub leads_env: Vec<(String, String)>,
    /// Further environment of every HubSpot connector; wins over what the stack sets.
    pub connector_env: Vec<(String, String)>,
    /// Where logs and the SQLite file go; a temporary folder if absent.
    pub folder: Option<PathBuf>,
    /// Name of the workspace.
    pub workspace: String,
    /// Hears what is being started.
    pub progress: fn(&str),
    /// Base64 of the 32 bytes that encrypt the rows' keys; drawn if absent.
    pub kek: Option<String>,
}

/// The database of a stack.
#[derive(Clone, Debug, Default)]
pub enum Storage {
    /// A file in the stack's folder.
    #[default]
    Sqlite,
    /// A database of its own.
    Postgres(Postgresql),
}

/// Which Postgres server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Postgresql {
    /// The one that all tests of this binary share.
    Shared,
    /// One of the stack's own, which can be killed.
    Own,
}

/// How fast a stack's clocks tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// Leases of 5 s and everything else in proportion, so that a test sees recoveries within seconds.
    #[default]
    Short,
    /// What ships.
    Shipped,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            leads_binary: "leads-svc",
            storage: Storage::default(),
            connectors: 1,
            hubspot: HubspotOptions::default(),
            salesforce: None,
            timing: Timing::default(),
            proxied: false,
            connect: true,
            sign_in: false,
            leads_env: Vec::new(),
            connector_env: Vec::new(),
            folder: None,
            workspace: "Test".to_owned(),
            progress: |_| {},
            kek: None,
        }
    }
}

impl StackOptions {
    /// Sets a variable of leads-svc.
    #[must_use]
    pub fn leads_env(mut self, name: &str, value: impl ToString) -> Self {
        self.leads_env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets a variable of every HubSpot connector.
    #[must_use]
    pub fn connector_env(mut self, name: &str, value: impl ToString) -> Self {
        self.connector_env.push((name.to_owned(), value.to_string()));
        self
    }
}

impl Timing {
    /// Variables of leads-svc.
    pub(super) fn leads(self) -> Vec<(String, String)> {
        variables(match self {
            Self::Shipped => &[],
            Self::Short => &[
                ("LEADS_SVC__DELIVERY__LEASE_MS", "5000"),
                ("LEADS_SVC__DELIVERY__SWEEP_INTERVAL_MS", "200"),
                ("LEADS_SVC__DELIVERY__PUBLISH_INTERVAL_MS", "50"),
                ("LEADS_SVC__DELIVERY__REPUBLISH_AFTER_MS", "2000"),
            ],
        })
    }

    /// Variables of a connector: a call fits a lease with 2 s to spare, and a reader's hints are taken over after it.
    pub(super) fn connector(self, prefix: &str) -> Vec<(String, String)> {
        let pairs: &[(&str, &str)] = match self {
            Self::Shipped => &[],
            Self::Short => &[
                ("VENDOR__CONNECT_MS", "1000"),
                ("VENDOR__TIMEOUT_MS", "1500"),
                ("DELIVERY__TAKEOVER_MS", "8000"),
                ("DELIVERY__TASK_POLL_MS", "300"),
            ],
        };
        let named = pairs
            .iter()
            .map(|(name, value)| (format!("{prefix}__{name}"), (*value).to_owned()));
        named.collect()
    }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
