//! What a connector asks about another connector's jobs and connections, and what it is told.

use leads_proto::leads::connector::v1 as wire;
use leads_svc::domain::ids;
use prost::Message;
use tonic::Status;
use uuid::Uuid;

use super::service::seen;

/// What a connector's request names.
pub struct Owned {
    pub connection: Uuid,
    pub job: String,
    pub generation: i64,
}

/// A valid request of the connectors' API that names what is the owner's.
pub fn connectors(path: &str, owner: &Owned) -> Option<Vec<u8>> {
    let token = Uuid::from_u128(1).to_string();
    Some(
        match path.strip_prefix("/leads.connector.v1.ConnectorService/")? {
            "Heartbeat" => wire::HeartbeatRequest {
                replica: "stranger".to_owned(),
            }
            .encode_to_vec(),
            "GetConnection" => wire::GetConnectionRequest {
                connection_id: ids::format::<ids::Connection>(owner.connection),
            }
            .encode_to_vec(),
            "LeaseTokenRefresh" => wire::LeaseTokenRefreshRequest {
                connection_id: ids::format::<ids::Connection>(owner.connection),
                version: 1,
            }
            .encode_to_vec(),
            "PutConnectionToken" => wire::PutConnectionTokenRequest {
                target: Some(wire::put_connection_token_request::Target::ConnectionId(
                    ids::format::<ids::Connection>(owner.connection),
                )),
                lease_token: token,
                access_token: "stolen".to_owned(),
                instance_url: "https://elsewhere.example".to_owned(),
                refresh_token: String::new(),
            }
            .encode_to_vec(),
            "ClaimJobs" => wire::ClaimJobsRequest {
                replica: "stranger".to_owned(),
                hints: vec![wire::JobHint {
                    job_id: owner.job.clone(),
                    generation: owner.generation,
                }],
            }
            .encode_to_vec(),
            "ReportOutcomes" => wire::ReportOutcomesRequest {
                outcomes: vec![wire::JobOutcome {
                    job_id: owner.job.clone(),
                    lease_token: token,
                    calls: 1,
                    outcome: Some(wire::job_outcome::Outcome::Delivered(wire::Delivered::default())),
                }],
            }
            .encode_to_vec(),
            "ReleaseJobs" => wire::ReleaseJobsRequest {
                leases: vec![wire::JobLease {
                    job_id: owner.job.clone(),
                    lease_token: token,
                    after: None,
                }],
            }
            .encode_to_vec(),
            "ClaimTasks" => wire::ClaimTasksRequest {
                replica: "stranger".to_owned(),
                limit: 20,
            }
            .encode_to_vec(),
            "ReportTask" => wire::ReportTaskRequest {
                task_id: ids::format::<ids::Task>(Uuid::from_u128(1)),
                lease_token: token,
                outcome: Some(wire::report_task_request::Outcome::Connected(
                    wire::ConnectionFacts::default(),
                )),
            }
            .encode_to_vec(),
            _ => panic!("{path} has no isolation case"),
        },
    )
}

/// An answer without the ids that were asked about.
pub fn told(answer: Result<Vec<u8>, Status>, about: &Owned) -> String {
    let connection = ids::format::<ids::Connection>(about.connection);
    let text = match answer {
        Ok(answer) => String::from_utf8_lossy(&answer).into_owned(),
        Err(status) => format!("{:?}", seen(&status)),
    };
    text.replace(&about.job, "(job)")
        .replace(&connection, "(connection)")
}
