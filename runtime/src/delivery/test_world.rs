//! A connector of a vendor that takes everything, on a real Redis, against a leads-svc on the wire.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leads_proto::leads::connector::v1 as wire;
use opentelemetry::global;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use wire::get_connection_response::Credentials;
use wire::job_outcome::Outcome as Reported;

use super::connector::{AccountLimits, Task, TaskKind};
use super::test_leads::TestLeads;
use super::*;
use crate::process::health::Readiness;
use crate::process::tasks::TaskSet;
use crate::process::telemetry::inject_current;
use crate::quota::{LiveReplicas, Quota};
use crate::stream::test_server::TestServer;
use crate::stream::{self, Body, Hint, JobHint, Lane, Publisher};

pub(super) const NAME: stream::Destination = stream::Destination::new("testcrm");
pub(super) const ANYWHERE: &str = "127.0.0.1:0";

/// A vendor that takes everything, except where the lead's id says otherwise.
#[derive(Default)]
pub(super) struct TestCrm {
    pub(super) writes: Mutex<Vec<Write>>,
    /// While set, writes wait until they are let go.
    pub(super) gate: Mutex<Option<Arc<Notify>>>,
    /// What was asked for of records that are to be gone.
    pub(super) gone: Mutex<Vec<String>>,
}

#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) leads: Vec<String>,
    pub(super) token: String,
    pub(super) traceparent: Option<String>,
}

impl TestCrm {
    pub(super) fn writes(&self) -> Vec<Write> {
        self.writes.lock().unwrap().clone()
    }

    fn ends(&self, asked: impl Into<String>, items: Vec<WorkItem>, outcome: &Outcome) -> Vec<ItemOutcome> {
        self.gone.lock().unwrap().push(asked.into());
        items
            .into_iter()
            .map(|item| ItemOutcome {
                job_id: item.job_id,
                outcome: outcome.clone(),
                calls: 1,
            })
            .collect()
    }

    async fn note(&self, connection: &Connection, items: &[WorkItem]) -> String {
        let Some(Credentials::Hubspot(secret)) = &connection.settings.credentials else {
            panic!("no credentials")
        };
        let leads = items.iter().map(|item| item.lead.lead_id.clone()).collect();
        let token = secret.access_token.clone();
        let traceparent = inject_current();
        self.writes.lock().unwrap().push(Write {
            leads,
            token: token.clone(),
            traceparent,
        });
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        token
    }
}

impl Destination for TestCrm {
    const NAME: &'static str = "testcrm";

    fn batch_size(&self) -> usize {
        100
    }

    fn default_limits(&self) -> AccountLimits {
        AccountLimits {
            calls: 1_000,
            window: Duration::from_secs(10),
            daily: None,
        }
    }

    async fn write(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        let token = self.note(connection, &items).await;
        lease.count_call();
        let outcome = |item: WorkItem| {
            let outcome = match item.lead.lead_id.as_str() {
                _ if token == "revoked" => Outcome::Paused {
                    for_: None,
                    reason: Default::default(),
                },
                "lead-forgotten" => return None,
                "lead-unlucky" => Outcome::NotStarted,
                id => Outcome::Delivered {
                    external_id: format!("crm-{id}"),
                    url: String::new(),
                },
            };
            Some(ItemOutcome {
                job_id: item.job_id,
                outcome,
                calls: lease.calls(),
            })
        };
        items.into_iter().filter_map(outcome).collect()
    }

    async fn verify(
        &self,
        connection: &Connection,
        items: Vec<WorkItem>,
        _lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        self.note(connection, &items).await;
        let verified = |item: WorkItem| {
            let outcome = Outcome::Verified {
                external_id: String::new(),
                url: String::new(),
                revision: 0,
            };
            ItemOutcome {
                job_id: item.job_id,
                outcome,
                calls: 1,
            }
        };
        items.into_iter().map(verified).collect()
    }

    async fn remove(
        &self,
        _connection: &Connection,
        items: Vec<WorkItem>,
        _lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        self.ends("remove", items, &Outcome::Gone { records: 1 })
    }

    async fn erase(
        &self,
        _connection: &Connection,
        items: Vec<WorkItem>,
        _lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        self.ends("erase", items, &Outcome::Gone { records: 1 })
    }

    async fn verify_gone(
        &self,
        _connection: &Connection,
        items: Vec<WorkItem>,
        archived: bool,
        _lease: LeaseBudget,
    ) -> Vec<ItemOutcome> {
        let absent = Outcome::Verified {
            external_id: String::new(),
            url: String::new(),
            revision: 0,
        };
        self.ends(format!("verify_gone {archived}"), items, &absent)
    }

    async fn connect_task(&self, _connection: &Connection, task: &Task, _lease: LeaseBudget) -> TaskOutcome {
        assert_eq!(task.kind, TaskKind::Connect);
        TaskOutcome::Connected(wire::ConnectionFacts {
            account_id: "a1".into(),
            ..Default::default()
        })
    }
}

pub(super) struct World {
    pub(super) redis: TestServer,
    pub(super) leads: TestLeads,
    pub(super) address: SocketAddr,
    pub(super) crm: Arc<TestCrm>,
    pub(super) tasks: TaskSet,
    pub(super) readiness: Readiness,
    pub(super) replicas: LiveReplicas,
    pub(super) quota: Quota,
}

impl World {
    pub(super) async fn new() -> Self {
        let redis = TestServer::start().await;
        let leads = TestLeads::default();
        let address = leads.start(ANYWHERE.parse().unwrap()).await;
        let replicas = LiveReplicas::default();
        let quota = Quota::new(
            redis.redis(),
            NAME,
            DeliveryConfig::default().quota(),
            replicas.clone(),
        );
        let tasks = TaskSet::new(CancellationToken::new());
        let readiness = Readiness::new(&[]);
        Self {
            redis,
            leads,
            address,
            crm: Arc::default(),
            tasks,
            readiness,
            replicas,
            quota,
        }
    }

    pub(super) fn run(&self) {
        let config = LeadsConfig {
            endpoint: format!("http://{}", self.address),
            credential: "ck_test".into(),
            replica: "replica-1".into(),
        };
        let parts = DriverParts {
            service: LeadsService::connect_lazy(&config).unwrap(),
            redis: self.redis.redis(),
            quota: self.quota.clone(),
            replicas: self.replicas.clone(),
            config: DeliveryConfig {
                drain_ms: 2_000,
                ..DeliveryConfig::default()
            },
            needed: Duration::from_secs(12),
            replica: config.replica_name(),
            readiness: self.readiness.clone(),
            meter: global::meter("test"),
        };
        start(self.crm.clone(), parts, &self.tasks);
    }

    pub(super) async fn publish(&self, lane: Lane, job: &str, workspace: &str, traceparent: &str) {
        let hint = JobHint {
            job: job.into(),
            generation: 1,
            workspace: workspace.into(),
            traceparent: traceparent.into(),
        };
        self.hint(Body::Job(lane, hint)).await;
    }

    pub(super) async fn hint(&self, body: Body) {
        let published = Publisher::new(self.redis.redis())
            .publish(&[Hint {
                destination: NAME,
                body,
            }])
            .await;
        assert!(published.results[0].is_ok(), "{published:?}");
    }

    pub(super) async fn depth(&self) -> usize {
        self.redis.depth(NAME).await
    }

    pub(super) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let give_up = Instant::now() + Duration::from_secs(20);
        while !holds().await {
            assert!(Instant::now() < give_up, "waited in vain until {what}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) async fn until_settled(&self, reported: usize) {
        self.until("all is reported and acknowledged", async || {
            self.leads.outcomes().len() == reported && self.depth().await == 0
        })
        .await;
    }

    pub(super) async fn stop(&self) {
        self.tasks.stop_token().cancel();
        assert_eq!(self.tasks.drain(Duration::from_secs(10)).await, Ok(()));
    }
}

pub(super) fn delivered(lead: &str) -> Reported {
    Reported::Delivered(wire::Delivered {
        external_id: format!("crm-{lead}"),
        url: String::new(),
    })
}
