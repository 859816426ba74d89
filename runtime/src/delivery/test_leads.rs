//! The other end of the line: a leads-svc that keeps jobs in memory and grants what is pending.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use leads_proto::leads::connector::v1::connector_service_server::{ConnectorService, ConnectorServiceServer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};
use wire::job_outcome::Outcome;
use wire::{Refusal, ReportStatus};

use crate::process::tasks::TaskSet;

#[derive(Clone)]
pub(super) struct TestLeads(Arc<Mutex<State>>);

impl Default for TestLeads {
    fn default() -> Self {
        let state = State {
            version: 1,
            lease: Duration::from_secs(30),
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) tasks: VecDeque<wire::ConnectionTask>,
    pub(super) task_reports: Vec<wire::ReportTaskRequest>,
    /// Jobs that were given back, and for how long they are not due.
    pub(super) releases: Vec<(String, Option<Duration>)>,
    pub(super) heartbeats: u32,
    /// Bearer token that connections are given; counted up by each question.
    pub(super) tokens: VecDeque<String>,
    /// Reports that are recorded but not answered.
    pub(super) lost_answers: u32,
    /// Jobs whose outcomes cannot be taken, and what a call with one of them is answered.
    pub(super) untakable: HashMap<String, Code>,
    /// Calls that were refused for one of them.
    pub(super) refused_reports: u32,
    /// Releases that are refused from now on.
    pub(super) refused_releases: u32,
    pub(super) claim_sizes: Vec<usize>,
    /// Version of each connection.
    pub(super) version: i64,
    /// How long leases are.
    pub(super) lease: Duration,
}

#[derive(Clone, Default)]
pub(super) struct Job {
    pub(super) workspace: String,
    pub(super) solo: bool,
    pub(super) action: Option<wire::Action>,
    pub(super) lease: Option<String>,
    pub(super) outcomes: Vec<Outcome>,
}

impl TestLeads {
    pub(super) async fn start(&self, listen: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(ConnectorServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        TaskSet::new(CancellationToken::new()).spawn("leads-svc", server);
        address
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn add(&self, id: &str, workspace: &str) {
        self.add_job(
            id,
            Job {
                workspace: workspace.into(),
                ..Job::default()
            },
        );
    }

    pub(super) fn add_job(&self, id: &str, job: Job) {
        self.state().jobs.insert(id.into(), job);
    }

    /// The last outcome of each job that has one.
    pub(super) fn outcomes(&self) -> HashMap<String, Outcome> {
        let last = |(id, job): (&String, &Job)| Some((id.clone(), job.outcomes.last()?.clone()));
        self.state().jobs.iter().filter_map(last).collect()
    }
}

fn checked<T>(request: Request<T>) -> Result<T, Status> {
    match request
        .metadata()
        .get("authorization")
        .map(|value| value.as_bytes())
    {
        Some(b"Bearer ck_test") => Ok(request.into_inner()),
        _ => Err(Status::unauthenticated("no credential")),
    }
}

#[tonic::async_trait]
impl ConnectorService for TestLeads {
    async fn lease_token_refresh(
        &self,
        _: Request<wire::LeaseTokenRefreshRequest>,
    ) -> Result<Response<wire::LeaseTokenRefreshResponse>, Status> {
        Err(Status::unimplemented("its connections have no sessions"))
    }

    async fn put_connection_token(
        &self,
        _: Request<wire::PutConnectionTokenRequest>,
    ) -> Result<Response<wire::PutConnectionTokenResponse>, Status> {
        Err(Status::unimplemented("its connections have no sessions"))
    }

    async fn heartbeat(
        &self,
        request: Request<wire::HeartbeatRequest>,
    ) -> Result<Response<wire::HeartbeatResponse>, Status> {
        assert_eq!(checked(request)?.replica, "replica-1");
        self.state().heartbeats += 1;
        let lease = self.state().lease.try_into().ok();
        Ok(Response::new(wire::HeartbeatResponse {
            live_replicas: 3,
            lease,
        }))
    }

    async fn get_connection(
        &self,
        request: Request<wire::GetConnectionRequest>,
    ) -> Result<Response<wire::GetConnectionResponse>, Status> {
        let id = checked(request)?.connection_id;
        let version = self.state().version;
        let access_token = self.state().tokens.pop_front().unwrap_or_else(|| "token".into());
        Ok(Response::new(wire::GetConnectionResponse {
            workspace_id: id.trim_start_matches("connection-of-").to_owned(),
            account_id: format!("account-of-{id}"),
            version,
            credentials: Some(wire::get_connection_response::Credentials::Hubspot(
                wire::HubspotSecret { access_token },
            )),
            ..wire::GetConnectionResponse::default()
        }))
    }

    async fn claim_jobs(
        &self,
        request: Request<wire::ClaimJobsRequest>,
    ) -> Result<Response<wire::ClaimJobsResponse>, Status> {
        let hints = checked(request)?.hints;
        let mut state = self.state();
        state.claim_sizes.push(hints.len());
        let (version, lease) = (state.version, state.lease);
        let mut claim = |hint: wire::JobHint| {
            let result = match state.jobs.get_mut(&hint.job_id) {
                None => wire::claim_result::Result::Refusal(Refusal::Gone.into()),
                Some(job) if !job.outcomes.is_empty() => {
                    wire::claim_result::Result::Refusal(Refusal::Done.into())
                }
                Some(job) if job.lease.is_some() => wire::claim_result::Result::Refusal(Refusal::Held.into()),
                Some(job) => {
                    job.lease = Some(format!("lease-of-{}", hint.job_id));
                    wire::claim_result::Result::Grant(wire::Grant {
                        connection_version: version,
                        lease: lease.try_into().ok(),
                        ..grant(&hint.job_id, job)
                    })
                }
            };
            wire::ClaimResult {
                job_id: hint.job_id,
                result: Some(result),
            }
        };
        let results = hints.into_iter().map(&mut claim).collect();
        Ok(Response::new(wire::ClaimJobsResponse { results }))
    }

    async fn report_outcomes(
        &self,
        request: Request<wire::ReportOutcomesRequest>,
    ) -> Result<Response<wire::ReportOutcomesResponse>, Status> {
        let outcomes = checked(request)?.outcomes;
        let mut state = self.state();
        let refusal = outcomes
            .iter()
            .find_map(|outcome| state.untakable.get(&outcome.job_id).copied());
        if let Some(code) = refusal {
            state.refused_reports += 1;
            return Err(Status::new(code, "there is an outcome that cannot be taken"));
        }
        let mut record = |outcome: wire::JobOutcome| {
            let job = state.jobs.get_mut(&outcome.job_id).unwrap();
            assert_eq!(job.lease.as_deref(), Some(outcome.lease_token.as_str()));
            job.outcomes.extend(outcome.outcome);
            wire::ReportResult {
                job_id: outcome.job_id,
                status: ReportStatus::Recorded.into(),
            }
        };
        let results = outcomes.into_iter().map(&mut record).collect();
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(Status::unavailable("the answer is lost"));
        }
        Ok(Response::new(wire::ReportOutcomesResponse { results }))
    }

    async fn release_jobs(
        &self,
        request: Request<wire::ReleaseJobsRequest>,
    ) -> Result<Response<wire::ReleaseJobsResponse>, Status> {
        let mut state = self.state();
        if state.refused_releases > 0 {
            state.refused_releases -= 1;
            return Err(Status::unavailable("not now"));
        }
        for lease in checked(request)?.leases {
            state.jobs.get_mut(&lease.job_id).unwrap().lease = None;
            let after = lease.after.map(|after| Duration::try_from(after).unwrap());
            state.releases.push((lease.job_id, after));
        }
        Ok(Response::new(wire::ReleaseJobsResponse {}))
    }

    async fn claim_tasks(
        &self,
        request: Request<wire::ClaimTasksRequest>,
    ) -> Result<Response<wire::ClaimTasksResponse>, Status> {
        let limit = usize::try_from(checked(request)?.limit).unwrap();
        assert!((1..=20).contains(&limit));
        let mut state = self.state();
        let count = limit.min(state.tasks.len());
        Ok(Response::new(wire::ClaimTasksResponse {
            tasks: state.tasks.drain(..count).collect(),
        }))
    }

    async fn report_task(
        &self,
        request: Request<wire::ReportTaskRequest>,
    ) -> Result<Response<wire::ReportTaskResponse>, Status> {
        self.state().task_reports.push(checked(request)?);
        Ok(Response::new(wire::ReportTaskResponse {
            status: ReportStatus::Recorded.into(),
        }))
    }
}

fn grant(id: &str, job: &Job) -> wire::Grant {
    wire::Grant {
        lease_token: format!("lease-of-{id}"),
        action: job.action.unwrap_or(wire::Action::Write).into(),
        connection_id: format!("connection-of-{}", job.workspace),
        lead: Some(wire::LeadSnapshot {
            lead_id: format!("lead-{id}"),
            revision: 4,
            ..wire::LeadSnapshot::default()
        }),
        solo: job.solo,
        ..wire::Grant::default()
    }
}
