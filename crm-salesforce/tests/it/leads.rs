//! What a connector asks leads-svc about sessions, served over gRPC: one connection whose versions, leases and refresh
//! tokens are kept as leads-svc keeps them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use leads_proto::leads::connector::v1 as wire;
use leads_proto::leads::connector::v1::connector_service_server::{ConnectorService, ConnectorServiceServer};
use leads_proto::leads::connector::v1::get_connection_response::Credentials;
use leads_proto::leads::v1::salesforce_credentials::Flow;
use tonic::{Request, Response, Status};

/// The connection as leads-svc has it.
#[derive(Clone, Default)]
pub struct Leads {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    settings: wire::GetConnectionResponse,
    /// Who may renew the session.
    lease: Option<String>,
    leases: u64,
    puts: u64,
    /// Tokens of tasks that were kept.
    of_tasks: Vec<String>,
}

impl Leads {
    /// Serves a connection on a loopback port.
    #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
    pub async fn start(settings: wire::GetConnectionResponse) -> (Self, SocketAddr) {
        let leads = Self::default();
        leads.state.lock().unwrap().settings = settings;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let server =
            tonic::transport::Server::builder().add_service(ConnectorServiceServer::new(leads.clone()));
        tokio::spawn(server.serve_with_incoming(incoming));
        (leads, address)
    }

    /// The connection as it is now.
    pub fn settings(&self) -> wire::GetConnectionResponse {
        self.state.lock().unwrap().settings.clone()
    }

    /// Rights to renew that were granted, and sessions that were kept.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap();
        (state.leases, state.puts)
    }

    /// Sessions of tasks that were kept.
    pub fn of_tasks(&self) -> usize {
        self.state.lock().unwrap().of_tasks.len()
    }

    /// The refresh token that would be used next.
    pub fn refresh_token(&self) -> String {
        let settings = self.settings();
        let Some(Credentials::Salesforce(secret)) = settings.credentials else {
            panic!("no credentials");
        };
        match secret.credentials.unwrap().flow {
            Some(Flow::RefreshToken(flow)) => flow.refresh_token,
            _ => panic!("another flow"),
        }
    }
}

#[tonic::async_trait]
impl ConnectorService for Leads {
    async fn get_connection(
        &self,
        _request: Request<wire::GetConnectionRequest>,
    ) -> Result<Response<wire::GetConnectionResponse>, Status> {
        Ok(Response::new(self.settings()))
    }

    async fn lease_token_refresh(
        &self,
        request: Request<wire::LeaseTokenRefreshRequest>,
    ) -> Result<Response<wire::LeaseTokenRefreshResponse>, Status> {
        let mut state = self.state.lock().unwrap();
        let ten_seconds = Some(prost_types::Duration {
            seconds: 10,
            nanos: 0,
        });
        let (lease_token, lease) = if request.get_ref().version != state.settings.version {
            (String::new(), None)
        } else if state.lease.is_some() {
            (String::new(), ten_seconds)
        } else {
            state.leases += 1;
            let token = format!("lease-{}", state.leases);
            state.lease = Some(token.clone());
            (token, ten_seconds)
        };
        Ok(Response::new(wire::LeaseTokenRefreshResponse {
            lease_token,
            lease,
        }))
    }

    async fn put_connection_token(
        &self,
        request: Request<wire::PutConnectionTokenRequest>,
    ) -> Result<Response<wire::PutConnectionTokenResponse>, Status> {
        use wire::put_connection_token_request::Target;
        let request = request.into_inner();
        let mut state = self.state.lock().unwrap();
        if let Some(Target::TaskId(_)) = request.target {
            state.of_tasks.push(request.access_token);
            return Ok(Response::new(wire::PutConnectionTokenResponse {
                status: wire::ReportStatus::Recorded.into(),
                version: 0,
            }));
        }
        if state.lease.as_deref() != Some(request.lease_token.as_str()) {
            return Ok(Response::new(wire::PutConnectionTokenResponse {
                status: wire::ReportStatus::LeaseLost.into(),
                version: 0,
            }));
        }
        let Some(Credentials::Salesforce(secret)) = &mut state.settings.credentials else {
            return Err(Status::internal("no credentials"));
        };
        secret.access_token = request.access_token;
        secret.instance_url = request.instance_url;
        let flow = secret.credentials.as_mut().and_then(|it| it.flow.as_mut());
        if let (Some(Flow::RefreshToken(flow)), false) = (flow, request.refresh_token.is_empty()) {
            flow.refresh_token = request.refresh_token;
        }
        state.settings.version += 1;
        state.lease = None;
        state.puts += 1;
        Ok(Response::new(wire::PutConnectionTokenResponse {
            status: wire::ReportStatus::Recorded.into(),
            version: state.settings.version,
        }))
    }

    async fn heartbeat(
        &self,
        _: Request<wire::HeartbeatRequest>,
    ) -> Result<Response<wire::HeartbeatResponse>, Status> {
        Err(Status::unimplemented("no delivery here"))
    }

    async fn claim_jobs(
        &self,
        _: Request<wire::ClaimJobsRequest>,
    ) -> Result<Response<wire::ClaimJobsResponse>, Status> {
        Err(Status::unimplemented("no delivery here"))
    }

    async fn report_outcomes(
        &self,
        _: Request<wire::ReportOutcomesRequest>,
    ) -> Result<Response<wire::ReportOutcomesResponse>, Status> {
        Err(Status::unimplemented("no delivery here"))
    }

    async fn release_jobs(
        &self,
        _: Request<wire::ReleaseJobsRequest>,
    ) -> Result<Response<wire::ReleaseJobsResponse>, Status> {
        Err(Status::unimplemented("no delivery here"))
    }

    async fn claim_tasks(
        &self,
        _: Request<wire::ClaimTasksRequest>,
    ) -> Result<Response<wire::ClaimTasksResponse>, Status> {
        Err(Status::unimplemented("no delivery here"))
    }

    async fn report_task(
        &self,
        _: Request<wire::ReportTaskRequest>,
    ) -> Result<Response<wire::ReportTaskResponse>, Status> {
        Err(Status::unimplemented("no delivery here"))
    }
}
