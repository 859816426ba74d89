//! The simulated Salesforce of a stack, and the connector that writes to it.

use std::path::Path;

use anyhow::Result;
use leads_proto::leads::v1::{
    SalesforceClientCredentials, SalesforceCredentials, connect_provider_request::Credentials,
    salesforce_credentials::Flow,
};

use super::{Cli, Service, Timing};
use crate::{
    fakes::salesforce::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, SalesforceOptions, SalesforceServer},
    ports::free_port,
    process::Program,
};

/// An org and its connector.
#[derive(Debug)]
pub struct Salesforce {
    /// The connector.
    pub connector: Service,
    /// The org.
    pub server: SalesforceServer,
}

/// Where the connector works.
pub(super) struct Place<'a> {
    pub logs: &'a Path,
    pub leads_url: &'a str,
    pub redis_url: String,
    pub timing: Timing,
}

impl Salesforce {
    pub(super) async fn start(org: SalesforceOptions, cli: &Cli, place: Place<'_>) -> Result<Self> {
        let server = SalesforceServer::start(org).await?;
        let credential = cli.create_connector_credential("salesforce").await?;
        let ops = free_port()?;
        let program = Program::ours("crm-salesforce", place.logs)?
            .envs(place.timing.connector("CRM_SALESFORCE"))
            .env("CRM_SALESFORCE__OPS__LISTEN", format!("127.0.0.1:{ops}"))
            .env("CRM_SALESFORCE__LEADS__ENDPOINT", place.leads_url)
            .env("CRM_SALESFORCE__LEADS__CREDENTIAL", credential)
            .env("CRM_SALESFORCE__LEADS__REPLICA", "salesforce-0")
            .env("CRM_SALESFORCE__REDIS__URL", place.redis_url)
            .env("CRM_SALESFORCE__VENDOR__DOMAINS", "127.0.0.1")
            .env("CRM_SALESFORCE__VENDOR__ALLOW_HTTP", "true")
            .arg("serve");
        let mut connector = Service::new(program, ops);
        connector.start().await?;
        Ok(Self { connector, server })
    }

    /// Credentials of the org's default app.
    pub fn credentials(&self) -> Credentials {
        Credentials::Salesforce(SalesforceCredentials {
            login_url: self.server.base_url(),
            client_id: DEFAULT_CLIENT_ID.to_owned(),
            flow: Some(Flow::ClientCredentials(SalesforceClientCredentials {
                client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
            })),
        })
    }
}
