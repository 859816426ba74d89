//! The connector of all three workspaces: what each grant, task and stream entry says is of one of them alone.

use std::{collections::HashMap, sync::atomic::Ordering};

use leads_proto::leads::{connector::v1 as wire, v1};
use leads_testkit::servers::Redis;
use prost::Message;
use prost_types::Duration;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tonic::Status;

use super::{
    answers::judge,
    known::{Kind, ids_of, nothing, unlike},
    walker::Walk,
};
const SERVICE: &str = "/leads.connector.v1.ConnectorService";

/// A lease that is to be reported on.
struct Held {
    job: String,
    token: String,
    action: wire::Action,
    revision: i64,
    owner: usize,
}

/// See the module.
pub struct Connector<'a> {
    walk: &'a Walk,
    redis: Redis,
    key: String,
    /// The credential of the other destination.
    elsewhere: String,
    random: StdRng,
    held: Vec<Held>,
    /// Entries that were read from the streams.
    pub entries: u64,
    /// Leads that were granted.
    pub granted: u64,
}

impl<'a> Connector<'a> {
    pub async fn of(walk: &'a Walk, redis: Redis, seed: u64) -> Self {
        Self {
            key: walk.service.connector_key("hubspot").await,
            elsewhere: walk.service.connector_key("salesforce").await,
            random: StdRng::seed_from_u64(seed),
            held: Vec::new(),
            entries: 0,
            granted: 0,
            walk,
            redis,
        }
    }

    /// Goes on as long as the walkers do.
    pub async fn go(&mut self) {
        while self.walk.left.load(Ordering::Relaxed) > 0 {
            self.tasks(&self.key.clone()).await;
            self.tasks(&self.elsewhere.clone()).await;
            self.renew().await;
            self.claim().await;
            self.report().await;
            self.ask_about_connections().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    async fn call<A: Message + Default>(&self, method: &str, request: &impl Message) -> Result<A, Status> {
        self.call_as(&self.key, method, request).await
    }

    async fn call_as<A: Message + Default>(
        &self,
        key: &str,
        method: &str,
        request: &impl Message,
    ) -> Result<A, Status> {
        let path = format!("{SERVICE}/{method}");
        let answer = self.walk.service.ask::<A>(&path, key, request).await;
        self.walk.count(&path, |count| match &answer {
            Ok(_) => count.answered += 1,
            Err(status) => *count.refused.entry(format!("{:?}", status.code())).or_default() += 1,
        });
        answer
    }

    /// Fails if a part of an answer has anything of a workspace that it is not about.
    fn judge(&self, owner: usize, part: &impl Message, what: &str) {
        let part = String::from_utf8_lossy(&part.encode_to_vec()).into_owned();
        let mut known = self.walk.known.lock().unwrap();
        if let Err(leak) = judge(&self.walk.tenants, &known, Some(owner), "", &part) {
            panic!("LEAK: {what} of workspace {owner} has {leak}: {part}");
        }
        for (kind, id) in ids_of(&part) {
            known.note(owner, kind, id);
        }
    }

    fn owner(&self, workspace: &str) -> usize {
        let tenants = &self.walk.tenants;
        tenants
            .iter()
            .position(|tenant| tenant.name == workspace)
            .unwrap()
    }

    /// Renews a session of the other destination.
    async fn renew(&mut self) {
        let owner = self.random.random_range(0..self.walk.tenants.len());
        let connection = {
            let known = self.walk.known.lock().unwrap();
            known.pick(owner, Kind::Connection, &mut self.random)
        };
        let Some(connection_id) = connection else { return };
        let key = self.elsewhere.clone();
        let request = wire::GetConnectionRequest {
            connection_id: connection_id.clone(),
        };
        let path = format!("{SERVICE}/GetConnection");
        let found = self
            .walk
            .service
            .ask::<wire::GetConnectionResponse>(&path, &key, &request);
        let Ok(found) = found.await else { return };
        self.judge(owner, &found, "a connection");
        let request = wire::LeaseTokenRefreshRequest {
            connection_id: connection_id.clone(),
            version: found.version,
        };
        let right = self.call_as::<wire::LeaseTokenRefreshResponse>(&key, "LeaseTokenRefresh", &request);
        let Ok(right) = right.await else { return };
        if !right.lease_token.is_empty() {
            let target = wire::put_connection_token_request::Target::ConnectionId(connection_id);
            self.put(target, right.lease_token, owner).await;
        }
    }

    /// Keeps a session that is the workspace's own.
    async fn put(
        &self,
        target: wire::put_connection_token_request::Target,
        lease_token: String,
        owner: usize,
    ) {
        let request = wire::PutConnectionTokenRequest {
            target: Some(target),
            lease_token,
            access_token: format!("00D!{}", self.walk.tenants[owner].canary),
            instance_url: "https://acme.my.salesforce.example".to_owned(),
            refresh_token: String::new(),
        };
        let _ = self
            .call_as::<wire::PutConnectionTokenResponse>(&self.elsewhere, "PutConnectionToken", &request)
            .await;
    }

    async fn tasks(&mut self, key: &str) {
        let request = wire::ClaimTasksRequest {
            replica: "walk".to_owned(),
            limit: 5,
        };
        let Ok(answer) = self
            .call_as::<wire::ClaimTasksResponse>(key, "ClaimTasks", &request)
            .await
        else {
            return;
        };
        for task in answer.tasks {
            let owner = self.owner(&task.connection.as_ref().unwrap().workspace_id);
            self.judge(owner, &task, "a task");
            let canary = self.walk.tenants[owner].canary;
            if key == self.elsewhere {
                let target = wire::put_connection_token_request::Target::TaskId(task.task_id.clone());
                self.put(target, task.lease_token.clone(), owner).await;
            }
            let report = wire::ReportTaskRequest {
                task_id: task.task_id,
                lease_token: task.lease_token,
                outcome: Some(wire::report_task_request::Outcome::Connected(
                    wire::ConnectionFacts {
                        account_id: canary.to_owned(),
                        ui_domain: format!("{canary}.hubspot.example"),
                        limits: None,
                    },
                )),
            };
            let _ = self
                .call_as::<wire::ReportTaskResponse>(key, "ReportTask", &report)
                .await;
        }
    }

    /// Reads the streams, and claims what they name.
    async fn claim(&mut self) {
        let lane = ["hot", "normal", "bulk"][self.random.random_range(0..3)];
        let stream = format!("leads:{{hubspot}}:{lane}");
        let range = ["XRANGE", stream.as_str(), "-", "+", "COUNT", "20"];
        let entries: Vec<(String, HashMap<String, String>)> = self.redis.command(&range).await.unwrap();
        let mut hints = Vec::new();
        let mut owners = HashMap::new();
        for (id, fields) in &entries {
            let owner = self.owner(&fields["workspace"]);
            let text = format!("{fields:?}");
            let canary = self
                .walk
                .tenants
                .iter()
                .find(|tenant| text.contains(tenant.canary));
            assert!(canary.is_none(), "LEAK: the stream {stream} has {text}");
            let leak = {
                let known = self.walk.known.lock().unwrap();
                judge(&self.walk.tenants, &known, Some(owner), "", &text)
            };
            assert!(leak.is_ok(), "LEAK: an entry of {stream} has {leak:?}: {text}");
            owners.insert(fields["job"].clone(), owner);
            hints.push(wire::JobHint {
                job_id: fields["job"].clone(),
                generation: fields["gen"].parse().unwrap(),
            });
            let _: i64 = self.redis.command(&["XDEL", &stream, id]).await.unwrap();
        }
        self.entries += entries.len() as u64;
        if hints.is_empty() {
            return;
        }
        self.claim_elsewhere(&hints[0]).await;
        hints.push(wire::JobHint {
            job_id: nothing(Kind::Job, &mut self.random),
            generation: 1,
        });
        let request = wire::ClaimJobsRequest {
            replica: "walk".to_owned(),
            hints,
        };
        let Ok(answer) = self.call::<wire::ClaimJobsResponse>("ClaimJobs", &request).await else {
            return;
        };
        for result in answer.results {
            let Some(wire::claim_result::Result::Grant(grant)) = &result.result else {
                continue;
            };
            let owner = owners[&result.job_id];
            self.judge(owner, &result, "a grant");
            let lead = grant.lead.as_ref().unwrap();
            self.granted += 1;
            self.held.push(Held {
                job: result.job_id.clone(),
                token: grant.lease_token.clone(),
                action: grant.action(),
                revision: lead.revision,
                owner,
            });
        }
    }

    /// What is of one destination is nothing to another's connector.
    async fn claim_elsewhere(&mut self, hint: &wire::JobHint) {
        let unknown = wire::JobHint {
            job_id: unlike(&hint.job_id, &mut self.random),
            ..*hint
        };
        let mut answers = Vec::new();
        for hint in [hint.clone(), unknown] {
            let request = wire::ClaimJobsRequest {
                replica: "walk".to_owned(),
                hints: vec![hint],
            };
            let path = format!("{SERVICE}/ClaimJobs");
            let claimed = self
                .walk
                .service
                .ask::<wire::ClaimJobsResponse>(&path, &self.elsewhere, &request);
            let results = claimed.await.unwrap().results;
            answers.push(
                results
                    .into_iter()
                    .map(|claimed| claimed.result)
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(
            answers[0], answers[1],
            "LEAK: a job of another destination is told from nothing"
        );
    }

    async fn report(&mut self) {
        let held = std::mem::take(&mut self.held);
        let (mut outcomes, mut leases) = (Vec::new(), Vec::new());
        for held in held {
            if self.random.random_bool(0.1) {
                leases.push(wire::JobLease {
                    job_id: held.job,
                    lease_token: held.token,
                    after: None,
                });
                continue;
            }
            let outcome = Some(self.outcome(&held));
            outcomes.push(wire::JobOutcome {
                job_id: held.job,
                lease_token: held.token,
                calls: 1,
                outcome,
            });
        }
        if !outcomes.is_empty() {
            let request = wire::ReportOutcomesRequest { outcomes };
            let _ = self
                .call::<wire::ReportOutcomesResponse>("ReportOutcomes", &request)
                .await;
        }
        if !leases.is_empty() {
            let request = wire::ReleaseJobsRequest { leases };
            let _ = self
                .call::<wire::ReleaseJobsResponse>("ReleaseJobs", &request)
                .await;
        }
    }

    /// An outcome whose words are the workspace's own.
    fn outcome(&mut self, held: &Held) -> wire::job_outcome::Outcome {
        use wire::job_outcome::Outcome;
        let canary = self.walk.tenants[held.owner].canary;
        let says = format!("the CRM says {canary}");
        match held.action {
            wire::Action::Verify => {
                return Outcome::Verified(wire::Verified {
                    external_id: format!("{canary}-1"),
                    url: String::new(),
                    revision: held.revision,
                });
            }
            wire::Action::Remove | wire::Action::Erase => {
                return Outcome::Gone(wire::Gone { records: 1 });
            }
            wire::Action::VerifyRemoved | wire::Action::VerifyErased => {
                return Outcome::Verified(wire::Verified::default());
            }
            wire::Action::Write | wire::Action::Unspecified => {}
        }
        match self.random.random_range(0..20) {
            0..3 => Outcome::Rejected(wire::Rejected {
                code: "VALIDATION".to_owned(),
                message: says,
                ..Default::default()
            }),
            3 => Outcome::Retry(wire::Retry {
                class: "UNAVAILABLE".to_owned(),
                message: says,
                ..Default::default()
            }),
            4 => Outcome::Unknown(wire::Unknown { why: says }),
            5 => Outcome::Paused(wire::Paused {
                r#for: Some(Duration { seconds: 1, nanos: 0 }),
                reason: Some(v1::SyncReason {
                    code: "DAILY_LIMIT".to_owned(),
                    message: says,
                    ..Default::default()
                }),
                connection_version: 0,
            }),
            _ => Outcome::Delivered(wire::Delivered {
                external_id: format!("{canary}-1"),
                url: format!("https://app.hubspot.example/{canary}"),
            }),
        }
    }

    async fn ask_about_connections(&mut self) {
        let owner = self.random.random_range(0..self.walk.tenants.len());
        let connection = {
            let known = self.walk.known.lock().unwrap();
            known.pick(owner, Kind::Connection, &mut self.random)
        };
        if let Some(connection_id) = connection {
            let request = wire::GetConnectionRequest { connection_id };
            let found = self
                .call::<wire::GetConnectionResponse>("GetConnection", &request)
                .await;
            if let Ok(found) = found {
                assert_eq!(
                    self.owner(&found.workspace_id),
                    owner,
                    "LEAK: a workspace was told of another's"
                );
                self.judge(owner, &found, "a connection");
            }
        }
        let request = wire::HeartbeatRequest {
            replica: "walk".to_owned(),
        };
        let _ = self.call::<wire::HeartbeatResponse>("Heartbeat", &request).await;
    }
}
