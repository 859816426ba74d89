//! A connector, the HubSpot that it writes to, and leads to write.
//!
//! With `HUBSPOT_TEST_PROXY` (a URL) and `HUBSPOT_TEST_PORT` set, the simulator listens on that port and the connector
//! calls the proxy: that way a proxy that checks HubSpot's published document can stand between the two. Run the tests
//! one at a time then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crm_hubspot::api::Endpoints;
use crm_hubspot::limits;
use crm_hubspot::service::HubspotApi;
use crm_hubspot::sink::Hubspot;
use leads_proto::leads::connector::v1::{
    ConnectionFacts, GetConnectionResponse, HubspotSecret, LeadSnapshot, VendorLimits,
    get_connection_response::Credentials,
};
use leads_proto::leads::v1::{Band, Channel, Stage};
use leads_runtime::clock::Clock;
use leads_runtime::delivery::connector::{Task, TaskKind};
use leads_runtime::delivery::{
    CallSettings, Connection, Destination, ItemOutcome, LeaseBudget, Outcome, TaskOutcome, VendorCalls,
    WorkItem,
};
use leads_runtime::process::config::RedisConfig;
use leads_runtime::process::telemetry::Metrics;
use leads_runtime::quota::{LiveReplicas, Quota, QuotaSettings};
use leads_runtime::stream::{self, Lane};
use leads_runtime::vendor::{ClientLimits, VendorClient};
use leads_testkit::fakes::hubspot::{
    ContactView, DEFAULT_PORTAL, DEFAULT_TOKEN, HubspotOptions, HubspotServer, PortalOptions, RequestFilter,
    Route, Tier,
};
use leads_testkit::servers::Redis;

/// The account of all tests.
pub const PORTAL: u64 = DEFAULT_PORTAL;

/// A connector at work.
pub struct Bench {
    /// HubSpot.
    pub hubspot: HubspotServer,
    /// The connector.
    pub connector: Hubspot,
    /// Its connection.
    pub connection: Connection,
    _redis: Redis,
}

/// What differs from test to test.
pub struct Setting {
    /// HubSpot.
    pub options: HubspotOptions,
    /// Longest time for a call.
    pub timeout: Duration,
    /// Contacts.
    pub object_path: &'static str,
}

impl Default for Setting {
    fn default() -> Self {
        let portal = PortalOptions::new(PORTAL)
            .token(DEFAULT_TOKEN)
            .tier(Tier::Unlimited);
        Self {
            options: HubspotOptions {
                portals: vec![portal],
                ..HubspotOptions::default()
            },
            timeout: Duration::from_secs(5),
            object_path: "/crm/v3/objects/contacts",
        }
    }
}

impl Bench {
    /// A connector whose connection has never been checked.
    pub async fn unconnected(setting: Setting) -> Self {
        let port = std::env::var("HUBSPOT_TEST_PORT")
            .ok()
            .and_then(|port| port.parse().ok());
        let options = HubspotOptions {
            port: port.unwrap_or(setting.options.port),
            ..setting.options
        };
        let hubspot = HubspotServer::start(options).await.unwrap();
        let redis = Redis::start().await.unwrap();
        let endpoints = Endpoints {
            base_url: std::env::var("HUBSPOT_TEST_PROXY").unwrap_or_else(|_| hubspot.base_url()),
            object_path: setting.object_path.to_owned(),
            property_path: "/crm/v3/properties/contacts".to_owned(),
            account_path: "/account-info/v3/details".to_owned(),
        };
        let limits = ClientLimits {
            total: setting.timeout,
            allow_http: true,
            ..ClientLimits::default()
        };
        let quota = Quota::new(
            stream::Redis::open(&RedisConfig {
                url: redis.url().into(),
            })
            .unwrap(),
            stream::Destination::new(Hubspot::NAME),
            QuotaSettings::default(),
            LiveReplicas::default(),
        );
        let clock = Clock::system();
        let times = clock.clone();
        let calls = VendorCalls::new(
            VendorClient::new(limits).unwrap(),
            quota,
            Arc::new(move |response| limits::feedback(response, times.now())),
            &CallSettings {
                quota_wait: Duration::from_secs(2),
                ..CallSettings::default()
            },
            &Metrics::standalone("crm-hubspot").unwrap().meter(),
        );
        let settings = GetConnectionResponse {
            workspace_id: "ws_1".into(),
            credentials: Some(Credentials::Hubspot(HubspotSecret {
                access_token: DEFAULT_TOKEN.into(),
            })),
            limits: Some(VendorLimits {
                calls: 100_000,
                window: Some(prost_types::Duration {
                    seconds: 10,
                    nanos: 0,
                }),
                daily_calls: 0,
            }),
            ..GetConnectionResponse::default()
        };
        let connection = Connection {
            id: "conn_1".into(),
            settings,
        };
        Self {
            hubspot,
            connector: Hubspot::new(HubspotApi::new(calls, endpoints, clock)),
            connection,
            _redis: redis,
        }
    }

    /// A connector whose connection is ready.
    pub async fn start(setting: Setting) -> Self {
        let mut bench = Self::unconnected(setting).await;
        let facts = bench.connected().await;
        bench.connection.settings.account_id = facts.account_id;
        bench.connection.settings.ui_domain = facts.ui_domain;
        bench.connection.settings.limits = facts.limits;
        bench.hubspot.clear_requests();
        bench
    }

    /// Checks the connection.
    pub async fn connect(&self) -> TaskOutcome {
        self.connector
            .connect_task(&self.connection, &task(), lease())
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

    /// Reads leads back.
    pub async fn verify(&self, items: Vec<WorkItem>) -> BTreeMap<String, ItemOutcome> {
        by_job(self.connector.verify(&self.connection, items, lease()).await)
    }

    /// The contact that holds a lead.
    pub fn contact_of(&self, lead_id: &str) -> ContactView {
        self.hubspot
            .find_contact_by(PORTAL, "leads_lead_id", lead_id)
            .unwrap()
    }

    /// The calls that arrived since the connection was checked.
    pub fn routes(&self) -> Vec<Route> {
        self.hubspot
            .requests(&RequestFilter::default())
            .iter()
            .map(|entry| entry.route)
            .collect()
    }

    /// No two contacts share an address or our key, and no revision went back.
    pub fn assert_sound(&self) {
        assert_eq!(self.hubspot.duplicates(PORTAL).unwrap(), []);
        assert_eq!(self.hubspot.steps_back(PORTAL, "leads_revision").unwrap(), []);
    }
}

/// The task that checks a connection.
pub fn task() -> Task {
    Task {
        id: "task_1".into(),
        lease_token: "token".into(),
        kind: TaskKind::Connect,
    }
}

/// A lease with time to spare.
pub fn lease() -> LeaseBudget {
    LeaseBudget::new(Duration::from_secs(60), Lane::Normal)
}

/// A new lead's job.
pub fn item(n: usize) -> WorkItem {
    WorkItem {
        job_id: format!("job-{n}"),
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
        lead_ids: Vec::new(),
        attempt: 0,
        solo: false,
        traceparent: String::new(),
    }
}

/// The job of a lead that is linked to a record already.
pub fn linked(n: usize, external_id: impl ToString) -> WorkItem {
    let mut item = item(n);
    item.lead.external_id = external_id.to_string();
    item.lead.revision = 2;
    item
}

/// The record that a lead was delivered to.
pub fn record_of(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Delivered { external_id, .. } => external_id.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn by_job(outcomes: Vec<ItemOutcome>) -> BTreeMap<String, ItemOutcome> {
    let count = outcomes.len();
    let by_job: BTreeMap<_, _> = outcomes.into_iter().map(|it| (it.job_id.clone(), it)).collect();
    assert_eq!(by_job.len(), count, "an outcome per job");
    by_job
}
