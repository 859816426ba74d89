//! The connector's line to leads-svc.

use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use leads_proto::leads::connector::v1::connector_service_client::ConnectorServiceClient;
use serde::{Deserialize, Serialize};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::process::config::{Checks, Validate};
use crate::process::telemetry::{host_name, inject_current};
use crate::redact::Secret;

/// Deadline of a call; the server gives up then as well.
const DEADLINE: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);
/// A connection that is silent for so long is asked whether it lives, and given up when it does not answer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(5);

/// `[leads]`: where leads-svc is, and who we are.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadsConfig {
    /// Such as `http://leads-svc:8081`.
    pub endpoint: String,
    /// The connector's key, `ck_…`.
    pub credential: Secret,
    /// Name of this process among its siblings; empty takes the host's name and a random suffix.
    pub replica: String,
}

/// Calls of ConnectorService. Clones share the connection, which is made when it is first needed and again after it broke.
#[derive(Clone)]
pub struct LeadsService {
    client: ConnectorServiceClient<InterceptedService<Channel, Credential>>,
}

/// What leads-svc says to a replica that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Replicas that live.
    pub live_replicas: u32,
    /// How long leases are; an older leads-svc does not say.
    pub lease: Option<Duration>,
}

/// Why the line cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The endpoint is no URL.
    #[error("leads.endpoint: {0}")]
    Endpoint(#[from] tonic::transport::Error),
    /// The credential is not plain ASCII.
    #[error("leads.credential is no header value")]
    Credential,
}

/// Adds credential, deadline and trace to each call.
#[derive(Clone)]
pub struct Credential {
    authorization: MetadataValue<Ascii>,
}

impl Validate for LeadsConfig {
    fn validate(&self, checks: &mut Checks) {
        let is_url =
            self.endpoint.starts_with("http://") && Endpoint::from_shared(self.endpoint.clone()).is_ok();
        checks.check("endpoint", is_url, "must be a URL such as http://leads-svc:8081");
        checks.check(
            "credential",
            self.credential.expose().starts_with("ck_"),
            "is required, and starts with ck_",
        );
        checks.check(
            "replica",
            self.replica.len() <= 128,
            "must have at most 128 characters",
        );
    }
}

impl LeadsConfig {
    /// The configured replica name, or one that is unique.
    pub fn replica_name(&self) -> String {
        if self.replica.is_empty() {
            let host: String = host_name().chars().take(100).collect();
            format!("{host}-{:08x}", rand::random::<u32>())
        } else {
            self.replica.clone()
        }
    }
}

impl LeadsService {
    /// Prepares the line; nothing is sent yet. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The configuration does not fit.
    pub fn connect_lazy(config: &LeadsConfig) -> Result<Self, ServiceError> {
        let bearer = format!("Bearer {}", config.credential.expose());
        let mut authorization: MetadataValue<Ascii> = bearer.parse().map_err(|_| ServiceError::Credential)?;
        authorization.set_sensitive(true);
        let channel = Endpoint::from_shared(config.endpoint.clone())?
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_ANSWER)
            .keep_alive_while_idle(true)
            .connect_lazy();
        Ok(Self {
            client: ConnectorServiceClient::with_interceptor(channel, Credential { authorization }),
        })
    }

    /// Says that this replica lives; answers how many do, and how long leases are.
    ///
    /// # Errors
    /// leads-svc is away or refuses.
    pub async fn heartbeat(&self, replica: &str) -> Result<Heartbeat, Status> {
        let request = wire::HeartbeatRequest {
            replica: replica.to_owned(),
        };
        let answer = self.client.clone().heartbeat(request).await?.into_inner();
        Ok(Heartbeat {
            live_replicas: u32::try_from(answer.live_replicas).unwrap_or(1),
            lease: answer.lease.and_then(|lease| lease.try_into().ok()),
        })
    }

    /// Credentials, mapping and limits.
    ///
    /// # Errors
    /// leads-svc is away, refuses, or knows no such connection.
    pub async fn connection(&self, connection_id: &str) -> Result<wire::GetConnectionResponse, Status> {
        let request = wire::GetConnectionRequest {
            connection_id: connection_id.to_owned(),
        };
        Ok(self.client.clone().get_connection(request).await?.into_inner())
    }

    /// Asks for the right to renew a connection's session, which has this version.
    ///
    /// # Errors
    /// leads-svc is away, refuses, or knows no such connection.
    pub async fn lease_token(
        &self,
        connection_id: &str,
        version: i64,
    ) -> Result<wire::LeaseTokenRefreshResponse, Status> {
        let request = wire::LeaseTokenRefreshRequest {
            connection_id: connection_id.to_owned(),
            version,
        };
        Ok(self
            .client
            .clone()
            .lease_token_refresh(request)
            .await?
            .into_inner())
    }

    /// Keeps a session before it is used.
    ///
    /// # Errors
    /// leads-svc is away or refuses; repeating the call is safe.
    pub async fn put_token(
        &self,
        request: wire::PutConnectionTokenRequest,
    ) -> Result<wire::PutConnectionTokenResponse, Status> {
        Ok(self
            .client
            .clone()
            .put_connection_token(request)
            .await?
            .into_inner())
    }

    /// Claims jobs; the results are in the hints' order.
    ///
    /// # Errors
    /// leads-svc is away or refuses; what it granted all the same comes back when the lease ends.
    pub async fn claim(
        &self,
        replica: &str,
        hints: Vec<wire::JobHint>,
    ) -> Result<Vec<wire::ClaimResult>, Status> {
        let request = wire::ClaimJobsRequest {
            replica: replica.to_owned(),
            hints,
        };
        Ok(self
            .client
            .clone()
            .claim_jobs(request)
            .await?
            .into_inner()
            .results)
    }

    /// Reports outcomes; the results are in their order.
    ///
    /// # Errors
    /// leads-svc is away or refuses; repeating the call is safe.
    pub async fn report(&self, outcomes: Vec<wire::JobOutcome>) -> Result<Vec<wire::ReportResult>, Status> {
        let request = wire::ReportOutcomesRequest { outcomes };
        Ok(self
            .client
            .clone()
            .report_outcomes(request)
            .await?
            .into_inner()
            .results)
    }

    /// Gives claimed jobs back.
    ///
    /// # Errors
    /// leads-svc is away or refuses; repeating the call is safe.
    pub async fn release(&self, leases: Vec<wire::JobLease>) -> Result<(), Status> {
        self.client
            .clone()
            .release_jobs(wire::ReleaseJobsRequest { leases })
            .await
            .map(drop)
    }

    /// Claims connection tasks.
    ///
    /// # Errors
    /// leads-svc is away or refuses.
    pub async fn claim_tasks(&self, replica: &str, limit: i32) -> Result<Vec<wire::ConnectionTask>, Status> {
        let request = wire::ClaimTasksRequest {
            replica: replica.to_owned(),
            limit,
        };
        Ok(self.client.clone().claim_tasks(request).await?.into_inner().tasks)
    }

    /// Reports a connection task.
    ///
    /// # Errors
    /// leads-svc is away or refuses; repeating the call is safe.
    pub async fn report_task(&self, report: wire::ReportTaskRequest) -> Result<(), Status> {
        self.client.clone().report_task(report).await.map(drop)
    }
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.set_timeout(DEADLINE);
        request
            .metadata_mut()
            .insert("authorization", self.authorization.clone());
        if let Some(Ok(traceparent)) = inject_current().map(|traceparent| traceparent.parse()) {
            request.metadata_mut().insert("traceparent", traceparent);
        }
        Ok(request)
    }
}
