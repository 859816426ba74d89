//! A connector, the Salesforce that it writes to, the leads-svc that keeps its sessions, and leads to write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crm_salesforce::api::Rules;
use crm_salesforce::limits;
use crm_salesforce::service::SalesforceApi;
use crm_salesforce::session::Sessions;
use crm_salesforce::sink::Salesforce;
use leads_proto::leads::connector::v1::{
    ConnectionFacts, GetConnectionResponse, LeadSnapshot, SalesforceSecret, VendorLimits,
    get_connection_response::Credentials,
};
use leads_proto::leads::v1::salesforce_credentials::Flow;
use leads_proto::leads::v1::{Band, Channel, SalesforceClientCredentials, SalesforceCredentials, Stage};
use leads_runtime::clock::Clock;
use leads_runtime::delivery::connector::{Task, TaskKind};
use leads_runtime::delivery::{
    CallSettings, Connection, Destination, ItemOutcome, LeadsConfig, LeadsService, LeaseBudget, Outcome,
    TaskOutcome, VendorCalls, WorkItem,
};
use leads_runtime::process::config::RedisConfig;
use leads_runtime::process::telemetry::Metrics;
use leads_runtime::quota::{LiveReplicas, Quota, QuotaSettings};
use leads_runtime::stream::{self, Lane};
use leads_runtime::vendor::{ClientLimits, VendorClient};
use leads_testkit::fakes::salesforce::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, LeadView, RequestFilter, Route, SalesforceOptions,
    SalesforceServer,
};
use leads_testkit::servers::Redis;

use crate::leads::Leads;

/// A connector at work.
pub struct Bench {
    /// Salesforce.
    pub salesforce: SalesforceServer,
    /// leads-svc.
    pub leads: Leads,
    /// The connector.
    pub connector: Salesforce,
    /// Its connection.
    pub connection: Connection,
    redis: Redis,
    timeout: Duration,
    endpoint: String,
}

/// What differs from test to test.
pub struct Setting {
    /// Salesforce.
    pub options: SalesforceOptions,
    /// Longest time for a call.
    pub timeout: Duration,
    /// How the app proves itself.
    pub client_id: &'static str,
    /// The same.
    pub flow: Flow,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            options: SalesforceOptions::default(),
            timeout: Duration::from_secs(5),
            client_id: DEFAULT_CLIENT_ID,
            flow: Flow::ClientCredentials(SalesforceClientCredentials {
                client_secret: DEFAULT_CLIENT_SECRET.into(),
            }),
        }
    }
}

impl Bench {
    /// A connector whose connection has never been checked.
    pub async fn unconnected(setting: Setting) -> Self {
        let salesforce = SalesforceServer::start(setting.options).await.unwrap();
        let redis = Redis::start().await.unwrap();
        let settings = GetConnectionResponse {
            workspace_id: "ws_1".into(),
            credentials: Some(Credentials::Salesforce(SalesforceSecret {
                credentials: Some(SalesforceCredentials {
                    login_url: salesforce.base_url(),
                    client_id: setting.client_id.into(),
                    flow: Some(setting.flow),
                }),
                ..SalesforceSecret::default()
            })),
            limits: Some(VendorLimits {
                calls: 10_000,
                window: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
                daily_calls: 0,
            }),
            version: 1,
            ..GetConnectionResponse::default()
        };
        let (leads, address) = Leads::start(settings.clone()).await;
        let endpoint = format!("http://{address}");
        let connector = connector(&redis, &endpoint, setting.timeout);
        Self {
            salesforce,
            leads,
            connector,
            connection: Connection {
                id: "conn_1".into(),
                settings,
            },
            redis,
            timeout: setting.timeout,
            endpoint,
        }
    }

    /// A connector whose connection is ready.
    pub async fn start(setting: Setting) -> Self {
        let mut bench = Self::unconnected(setting).await;
        let facts = bench.connected().await;
        bench.connection.settings.account_id = facts.account_id;
        bench.connection.settings.ui_domain = facts.ui_domain;
        bench.salesforce.clear_requests();
        bench
    }

    /// Another replica of the connector.
    pub fn replica(&self) -> Salesforce {
        connector(&self.redis, &self.endpoint, self.timeout)
    }

    /// Checks the connection.
    pub async fn connect(&self) -> TaskOutcome {
        let task = Task {
            id: "task_1".into(),
            lease_token: "token".into(),
            kind: TaskKind::Connect,
        };
        self.connector
            .connect_task(&self.connection, &task, lease())
            .await
    }

    /// Checks the connection, which has to work.
    pub async fn connected(&self) -> ConnectionFacts {
        match self.connect().await {
            TaskOutcome::Connected(facts) => facts,
            other => panic!("{other:?}"),
        }
    }

    /// Writes leads; the outcomes by job.
    pub async fn write(&self, items: Vec<WorkItem>) -> BTreeMap<String, ItemOutcome> {
        by_job(self.connector.write(&self.connection, items, lease()).await)
    }

    /// Writes one lead.
    pub async fn write_one(&self, item: WorkItem) -> Outcome {
        self.write(vec![item]).await.into_values().next().unwrap().outcome
    }

    /// The record of a lead.
    pub fn record_of(&self, lead_id: &str) -> LeadView {
        self.salesforce.find_lead_by("Leads_Lead_Id__c", lead_id).unwrap()
    }

    /// The calls that arrived since the connection was checked.
    pub fn routes(&self) -> Vec<Route> {
        self.salesforce
            .requests(&RequestFilter::default())
            .iter()
            .map(|entry| entry.route)
            .collect()
    }

    /// No two leads share an address, and no revision went back.
    pub fn assert_sound(&self) {
        assert_eq!(self.salesforce.duplicates(), []);
        assert_eq!(self.salesforce.steps_back(), []);
    }
}

fn connector(redis: &Redis, endpoint: &str, timeout: Duration) -> Salesforce {
    let quota = Quota::new(
        stream::Redis::open(&RedisConfig {
            url: redis.url().into(),
        })
        .unwrap(),
        stream::Destination::new(Salesforce::NAME),
        QuotaSettings::default(),
        LiveReplicas::default(),
    );
    let limits = ClientLimits {
        total: timeout,
        allow_http: true,
        ..ClientLimits::default()
    };
    let calls = VendorCalls::new(
        VendorClient::new(limits).unwrap(),
        quota,
        Arc::new(limits::feedback),
        &CallSettings {
            quota_wait: Duration::from_secs(2),
            ..CallSettings::default()
        },
        &Metrics::standalone("crm-salesforce").unwrap().meter(),
    );
    let service = LeadsService::connect_lazy(&LeadsConfig {
        endpoint: endpoint.to_owned(),
        credential: "ck_test".into(),
        replica: String::new(),
    })
    .unwrap();
    let rules = Rules {
        api_version: "62.0".into(),
        domains: vec!["127.0.0.1".into()],
        allow_http: true,
        calls_per_second: 10_000,
    };
    let sessions = Sessions::new(calls.clone(), service, rules.clone(), Clock::system());
    Salesforce::new(SalesforceApi::new(calls, sessions, rules))
}

/// A lease with time to spare.
pub fn lease() -> LeaseBudget {
    LeaseBudget::new(Duration::from_secs(60), Lane::Normal)
}

/// A new lead's job.
pub fn item(n: usize) -> WorkItem {
    WorkItem {
        job_id: format!("job-{n:03}"),
        lease_token: "token".into(),
        lead: LeadSnapshot {
            lead_id: format!("lead_{n}"),
            revision: 1,
            email: format!("person{n}@example.org"),
            name: "Ada Lovelace".into(),
            company: "Analytical Engines".into(),
            stage: Stage::New.into(),
            channel: Channel::Widget.into(),
            score: 81,
            band: Band::Hot.into(),
            hot: true,
            dimension_points: [("budget".to_owned(), 20), ("need".to_owned(), 25)].into(),
            ..LeadSnapshot::default()
        },
        record_ids: Vec::new(),
        lead_ids: vec![format!("lead_{n}")],
        attempt: 0,
        solo: false,
        traceparent: String::new(),
    }
}

/// The job of a lead that is linked to a record already, with its next revision.
pub fn linked(n: usize, external_id: impl ToString) -> WorkItem {
    let mut item = item(n);
    item.lead.external_id = external_id.to_string();
    item.lead.revision = 2;
    item
}

/// The record that a lead was delivered to.
pub fn id_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { external_id, .. } => external_id.clone(),
        other => panic!("{other:?}"),
    }
}

/// Outcomes by job.
pub fn by_job(outcomes: Vec<ItemOutcome>) -> BTreeMap<String, ItemOutcome> {
    let count = outcomes.len();
    let by_job: BTreeMap<_, _> = outcomes.into_iter().map(|it| (it.job_id.clone(), it)).collect();
    assert_eq!(by_job.len(), count, "an outcome per job");
    by_job
}
