//! Clients of a running leads-svc with the caller's key on every call.

use anyhow::{Context, Result};
use leads_proto::leads::v1::{
    integrations_service_client::IntegrationsServiceClient, leads_service_client::LeadsServiceClient,
    privacy_service_client::PrivacyServiceClient, workspaces_service_client::WorkspacesServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::http::Http;

/// A connection that sends the caller's key.
pub type Connection = InterceptedService<Channel, Caller>;

/// Sends the key, and a trace context if one is set.
#[derive(Clone, Debug)]
pub struct Caller {
    authorization: MetadataValue<Ascii>,
    traceparent: Option<MetadataValue<Ascii>>,
}

/// Every service of one leads-svc, for one key. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Capture, read, change.
    pub leads: LeadsServiceClient<Connection>,
    /// CRM connections.
    pub integrations: IntegrationsServiceClient<Connection>,
    /// Consents, erasures, exports.
    pub privacy: PrivacyServiceClient<Connection>,
    /// Workspace, settings, keys.
    pub workspaces: WorkspacesServiceClient<Connection>,
    /// The same by REST.
    pub rest: Http,
    channel: Channel,
    caller: Caller,
    base: String,
}

impl Clients {
    /// Clients of the server at `base` (`http://host:port`), which is dialled at the first call.
    pub fn new(base: &str, key: &str) -> Result<Self> {
        let channel = Endpoint::from_shared(base.to_owned())?
            .tcp_nodelay(true)
            .connect_lazy();
        let authorization = format!("Bearer {key}")
            .parse()
            .context("the key has characters no header takes")?;
        let rest = Http::new(base).bearer(key);
        Ok(Self::build(
            base,
            channel,
            Caller {
                authorization,
                traceparent: None,
            },
            rest,
        ))
    }

    /// The same, as part of the trace that this W3C `traceparent` names; gRPC only.
    pub fn traced(&self, traceparent: &str) -> Result<Self> {
        let caller = Caller {
            traceparent: Some(traceparent.parse()?),
            ..self.caller.clone()
        };
        Ok(Self::build(
            &self.base,
            self.channel.clone(),
            caller,
            self.rest.clone(),
        ))
    }

    fn build(base: &str, channel: Channel, caller: Caller, rest: Http) -> Self {
        let connection = InterceptedService::new(channel.clone(), caller.clone());
        Self {
            leads: LeadsServiceClient::new(connection.clone()),
            integrations: IntegrationsServiceClient::new(connection.clone()),
            privacy: PrivacyServiceClient::new(connection.clone()),
            workspaces: WorkspacesServiceClient::new(connection),
            rest,
            channel,
            caller,
            base: base.to_owned(),
        }
    }
}

impl Interceptor for Caller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.authorization.clone());
        if let Some(traceparent) = &self.traceparent {
            metadata.insert("traceparent", traceparent.clone());
        }
        Ok(request)
    }
}
