//! ConnectorService: parse, call the use case, convert.

use leads_proto::leads::connector::v1::{self as wire, connector_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{invalid, principal},
    convert::{connector, times},
};
use crate::{
    domain::ids,
    service::{connector::Delivery, error::Error},
};

const MAX_REPLICA_NAME: usize = 128;
const MAX_TASKS: i32 = 20;

/// Serves the RPCs of connectors.
#[derive(Debug, Clone)]
pub struct Connectors {
    delivery: Delivery,
}

impl Connectors {
    /// Serves `delivery`.
    pub fn new(delivery: Delivery) -> Self {
        Self { delivery }
    }
}

#[tonic::async_trait]
impl connector_service_server::ConnectorService for Connectors {
    async fn heartbeat(
        &self,
        request: Request<wire::HeartbeatRequest>,
    ) -> Result<Response<wire::HeartbeatResponse>, Status> {
        let caller = principal(&request)?;
        let replica = request.into_inner().replica;
        if !(1..=MAX_REPLICA_NAME).contains(&replica.len()) || replica.chars().any(char::is_control) {
            let text = "must have 1 to 128 bytes and no control characters";
            return Err(Error::invalid_field("replica", text).into());
        }
        let live = self.delivery.heartbeat(&caller, &replica).await?;
        Ok(Response::new(wire::HeartbeatResponse {
            live_replicas: live.try_into().unwrap_or(i32::MAX),
            lease: Some(times::duration(self.delivery.lease())),
        }))
    }

    async fn get_connection(
        &self,
        request: Request<wire::GetConnectionRequest>,
    ) -> Result<Response<wire::GetConnectionResponse>, Status> {
        let caller = principal(&request)?;
        let id = ids::parse::<ids::Connection>(&request.get_ref().connection_id)
            .map_err(|problem| Error::invalid_field("connection_id", problem))?;
        let (connection, secret) = self.delivery.connection(&caller, id).await?;
        Ok(Response::new(connector::connection(connection, secret)))
    }

    async fn lease_token_refresh(
        &self,
        request: Request<wire::LeaseTokenRefreshRequest>,
    ) -> Result<Response<wire::LeaseTokenRefreshResponse>, Status> {
        let caller = principal(&request)?;
        let (id, version) = connector::refresh(request.get_ref()).map_err(invalid)?;
        let lease = self.delivery.lease_token(&caller, id, version).await?;
        Ok(Response::new(connector::token_lease(
            lease,
            self.delivery.lease(),
        )))
    }

    async fn put_connection_token(
        &self,
        request: Request<wire::PutConnectionTokenRequest>,
    ) -> Result<Response<wire::PutConnectionTokenResponse>, Status> {
        let caller = principal(&request)?;
        let (target, token, session, newest) =
            connector::new_session(request.into_inner()).map_err(invalid)?;
        let (receipt, version) = self
            .delivery
            .put_token(&caller, target, token, session, newest)
            .await?;
        Ok(Response::new(wire::PutConnectionTokenResponse {
            status: connector::receipt(receipt).into(),
            version,
        }))
    }

    async fn claim_jobs(
        &self,
        request: Request<wire::ClaimJobsRequest>,
    ) -> Result<Response<wire::ClaimJobsResponse>, Status> {
        let caller = principal(&request)?;
        let hints = connector::hints(&request.get_ref().hints).map_err(invalid)?;
        let named: Vec<_> = hints.iter().copied().flatten().collect();
        let lease = self.delivery.lease();
        let mut claimed = self.delivery.claim(&caller, &named).await?.into_iter();
        let results = hints
            .iter()
            .zip(&request.get_ref().hints)
            .filter_map(|(named, hint)| match named {
                Some(_) => claimed.next().map(|claimed| connector::claimed(claimed, lease)),
                None => Some(connector::gone(hint)),
            })
            .collect();
        Ok(Response::new(wire::ClaimJobsResponse { results }))
    }

    async fn report_outcomes(
        &self,
        request: Request<wire::ReportOutcomesRequest>,
    ) -> Result<Response<wire::ReportOutcomesResponse>, Status> {
        let caller = principal(&request)?;
        let reports = connector::reports(request.into_inner().outcomes).map_err(invalid)?;
        let receipts = self.delivery.report(&caller, &reports).await?;
        let results = reports
            .iter()
            .zip(receipts)
            .map(|(report, receipt)| wire::ReportResult {
                job_id: ids::format::<ids::Job>(report.job),
                status: connector::receipt(receipt).into(),
            })
            .collect();
        Ok(Response::new(wire::ReportOutcomesResponse { results }))
    }

    async fn release_jobs(
        &self,
        request: Request<wire::ReleaseJobsRequest>,
    ) -> Result<Response<wire::ReleaseJobsResponse>, Status> {
        let caller = principal(&request)?;
        let leases = connector::leases(&request.get_ref().leases).map_err(invalid)?;
        self.delivery.release(&caller, &leases).await?;
        Ok(Response::new(wire::ReleaseJobsResponse {}))
    }

    async fn claim_tasks(
        &self,
        request: Request<wire::ClaimTasksRequest>,
    ) -> Result<Response<wire::ClaimTasksResponse>, Status> {
        let caller = principal(&request)?;
        let limit = request.get_ref().limit;
        if !(1..=MAX_TASKS).contains(&limit) {
            return Err(Error::invalid_field("limit", format!("must be 1 to {MAX_TASKS}")).into());
        }
        let lease = times::duration(self.delivery.lease());
        let tasks = self
            .delivery
            .claim_tasks(&caller, limit.unsigned_abs().into())
            .await?;
        let tasks = tasks
            .into_iter()
            .map(|(leased, connection, secret)| wire::ConnectionTask {
                task_id: ids::format::<ids::Task>(leased.id),
                lease_token: leased.token.to_string(),
                lease: Some(lease),
                connection_id: ids::format::<ids::Connection>(leased.connection),
                kind: wire::TaskKind::Connect.into(),
                connection: Some(connector::connection(connection, secret)),
            })
            .collect();
        Ok(Response::new(wire::ClaimTasksResponse { tasks }))
    }

    async fn report_task(
        &self,
        request: Request<wire::ReportTaskRequest>,
    ) -> Result<Response<wire::ReportTaskResponse>, Status> {
        let caller = principal(&request)?;
        let (id, token, outcome) = connector::task_report(request.into_inner()).map_err(invalid)?;
        let receipt = self.delivery.report_task(&caller, id, token, outcome).await?;
        Ok(Response::new(wire::ReportTaskResponse {
            status: connector::receipt(receipt).into(),
        }))
    }
}
