//! A fresh database with the use cases above it, and short ways to bring about what a test is about.

use std::{collections::BTreeMap, ops::Add, time::Duration};

use chrono::TimeDelta;
use leads_proto::leads::v1::CollectLeadRequest;
use leads_runtime::{clock::Clock, process::tasks::TaskSet};
use leads_svc::{
    domain::{
        capture::Capture,
        lead::Lead,
        sync::{JobReport, Provider, Reason},
        violation::Violations,
        workspace::Settings,
    },
    grpc::convert,
    service::{
        capture::Answered,
        connector::{Claimed, Delivery, Times},
        core::Core,
        plan::Collected,
        principal::{Bound, Principal, Scope},
        view::LeadView,
        workspaces,
    },
    storage::{
        Options, Store,
        connections::Facts,
        crypto::{KeyEncryptionKey, KeyEncryptionKeys},
        entity::{activity, connection, sync_job},
        jobs::{
            claim::{Grant, Named, Refusal},
            publish::Hint,
            report::{Receipt, Report},
        },
        tasks::Outcome,
    },
};
use leads_testkit::{
    captures,
    servers::{APP_ROLE, Postgres, TestDatabase},
};
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const HUBSPOT: Provider = Provider::Hubspot;
pub const LEASE: Duration = Duration::from_secs(30);
pub const VERIFY_AFTER: Duration = Duration::from_secs(60);
pub const PATIENCE: Duration = Duration::from_secs(15);
/// Token of every connection that the tests make.
pub const VENDOR_TOKEN: &str = "pat-canary-token";

/// Stamps tests, functions that take a [`World`], on both databases.
macro_rules! on_both_databases {
    ($($name:ident,)+) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::world::World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::world::World::postgres().await).await;
            }
        })+
    };
}
pub(crate) use on_both_databases;

/// One replica of the service on a database of its own, with a workspace. A connector is played by the test.
pub struct World {
    pub store: Store,
    pub core: Core,
    pub delivery: Delivery,
    pub workspace: Uuid,
    /// Has every scope of the workspace.
    pub caller: Principal,
    pub connector: Principal,
    /// For looking into tables.
    pub raw: DatabaseConnection,
    pub database: Database,
}

/// Where the rows are; dropping it removes them.
pub enum Database {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

impl Database {
    /// As the service is given it: on Postgres with the rights of its role.
    pub fn url(&self) -> String {
        match self {
            Database::Sqlite(folder) => {
                format!("sqlite://{}?mode=rwc", folder.path().join("leads.db").display())
            }
            Database::Postgres(database) => database.app_url.clone(),
        }
    }

    /// The same with every right, to look into tables.
    pub fn admin_url(&self) -> String {
        match self {
            Database::Sqlite(_) => self.url(),
            Database::Postgres(database) => database.url.clone(),
        }
    }
}

pub async fn open(url: &str, clock: Clock) -> Store {
    open_with(url, kek('A'), clock).await
}

/// The key-encryption key of every test that needs no other is that of `A`.
pub fn kek(letter: char) -> KeyEncryptionKey {
    KeyEncryptionKey::from_base64(&letter.to_string().repeat(42).add("A=")).unwrap()
}

pub async fn open_with(url: &str, keks: impl Into<KeyEncryptionKeys>, clock: Clock) -> Store {
    let options = Options {
        url: url.to_owned(),
        max_connections: 8,
    };
    Store::connect(&options, keks, clock).await.unwrap()
}

impl World {
    pub async fn sqlite() -> Self {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let store = open(&database.url(), Clock::system()).await;
        store.migrate().await.unwrap();
        Self::on(store, database).await
    }

    pub async fn postgres() -> Self {
        let server = Postgres::shared().await.unwrap();
        let database = server
            .from_template("leads-svc", async |url| {
                let store = open(&url, Clock::system()).await;
                store.migrate().await?;
                Ok(store.grant_to(APP_ROLE).await?)
            })
            .await
            .unwrap();
        let database = Database::Postgres(database);
        let store = open(&database.url(), Clock::system()).await;
        Self::on(store, database).await
    }

    async fn on(store: Store, database: Database) -> Self {
        let workspace = founded(&store, "Acme", settings()).await;
        let (core, delivery) = use_cases(&store);
        Self {
            raw: sea_orm::Database::connect(database.admin_url()).await.unwrap(),
            caller: caller(workspace),
            connector: connector(),
            store,
            core,
            delivery,
            workspace,
            database,
        }
    }

    /// Another replica of the service: the same database and clock, nothing else shared.
    pub async fn replica(&self) -> (Core, Delivery) {
        use_cases(&open(&self.database.url(), self.store.clock().clone()).await)
    }

    /// Another workspace of the same service, and a caller of it.
    pub async fn tenant(&self, settings: Settings) -> (Uuid, Principal) {
        let workspace = founded(&self.store, "Other", settings).await;
        (workspace, caller(workspace))
    }

    /// Lets time pass.
    pub fn pass(&self, time: impl Into<std::time::Duration>) {
        let clock = self.store.clock();
        clock.set_offset(clock.offset() + TimeDelta::from_std(time.into()).unwrap());
    }

    pub async fn change_settings(&self, change: impl FnOnce(&mut Settings) + Send) {
        let apply = |mut settings: Settings| {
            change(&mut settings);
            settings
        };
        self.core.update_settings(&self.caller, apply).await.unwrap();
    }

    pub async fn collect(&self, request: CollectLeadRequest) -> Collected {
        self.collect_as(&self.caller, request).await
    }

    pub async fn collect_as(&self, caller: &Principal, request: CollectLeadRequest) -> Collected {
        let capture = self.read(request);
        match self.core.collect(caller, capture, None).await.unwrap() {
            Answered::Now(collected) => collected,
            Answered::Before(_) => panic!("answered before, without a request id"),
        }
    }

    /// The capture of a request, as the API reads it.
    pub fn read(&self, request: CollectLeadRequest) -> Capture {
        convert::capture::capture(request, self.store.clock().now())
            .unwrap()
            .0
    }

    /// Captures somebody of that name and returns the lead.
    pub async fn lead(&self, name: &str) -> Lead {
        lead(self.collect(warm(name)).await)
    }

    pub async fn lead_as(&self, caller: &Principal, name: &str) -> Lead {
        lead(self.collect_as(caller, warm(name)).await)
    }

    pub async fn view(&self, lead: Uuid) -> LeadView {
        self.core.get_lead(&self.caller, lead).await.unwrap()
    }

    /// Connects the workspace; the connector has checked it.
    pub async fn connect(&self) -> Uuid {
        self.connect_workspace(self.workspace).await
    }

    pub async fn connect_workspace(&self, workspace: Uuid) -> Uuid {
        let keys = self.store.workspace_keys(workspace).await.unwrap();
        let id = self
            .store
            .connect_provider(workspace, &keys, HUBSPOT, VENDOR_TOKEN, &BTreeMap::new(), "test")
            .await
            .unwrap();
        let tasks = self.delivery.claim_tasks(&self.connector, 20).await.unwrap();
        let (task, ..) = tasks
            .into_iter()
            .find(|(task, ..)| task.connection == id)
            .unwrap();
        let outcome = Outcome::Connected(Facts {
            account_id: "42".to_owned(),
            ui_domain: "app.hubspot.example".to_owned(),
            limits: None,
        });
        let receipt = self
            .delivery
            .report_task(&self.connector, task.id, task.token, outcome)
            .await;
        assert_eq!(receipt.unwrap(), Receipt::Recorded);
        self.core.forget(workspace).await;
        id
    }

    pub async fn connection(&self, id: Uuid) -> connection::Model {
        connection::Entity::find_by_id(id)
            .one(&self.raw)
            .await
            .unwrap()
            .unwrap()
    }

    /// Hints of everything that is due, as the dispatcher takes them.
    pub async fn publish(&self) -> Vec<Hint> {
        self.store.publish_due(HUBSPOT, 1_000, PATIENCE).await.unwrap()
    }

    pub async fn claim(&self, hints: &[Hint]) -> Vec<Claimed> {
        self.delivery.claim(&self.connector, &named(hints)).await.unwrap()
    }

    /// Publishes what is due and takes the leases of all of it.
    pub async fn grants(&self) -> Vec<Grant> {
        let hints = self.publish().await;
        if hints.is_empty() {
            return Vec::new();
        }
        self.claim(&hints).await.into_iter().map(granted).collect()
    }

    /// Publishes the one job that is due and takes its lease.
    pub async fn grant(&self) -> Grant {
        let mut grants = self.grants().await;
        assert_eq!(grants.len(), 1, "{grants:?}");
        grants.pop().unwrap()
    }

    pub async fn report(&self, grant: &Grant, outcome: JobReport) -> Receipt {
        self.report_all(vec![(grant.clone(), outcome)])
            .await
            .pop()
            .unwrap()
    }

    pub async fn report_all(&self, outcomes: Vec<(Grant, JobReport)>) -> Vec<Receipt> {
        let mut reports = Vec::new();
        for (grant, outcome) in outcomes {
            let job = self.job(grant.lead).await.map_or_else(Uuid::nil, |job| job.id);
            let token = grant.token;
            reports.push(Report { job, token, outcome });
        }
        self.delivery.report(&self.connector, &reports).await.unwrap()
    }

    /// Delivers the one job that is due.
    pub async fn deliver(&self) {
        let grant = self.grant().await;
        assert_eq!(self.report(&grant, delivered()).await, Receipt::Recorded);
    }

    /// The job of a lead, as it is stored.
    pub async fn job(&self, lead: Uuid) -> Option<sync_job::Model> {
        sync_job::Entity::find()
            .filter(sync_job::Column::LeadId.eq(lead))
            .one(&self.raw)
            .await
            .unwrap()
    }

    pub async fn state(&self, lead: Uuid) -> String {
        self.job(lead)
            .await
            .map_or_else(|| "none".to_owned(), |job| job.state)
    }

    /// Whether a lead's timeline says that its sync was given up; read where it lies, as the lead may be unreadable.
    pub async fn told_of_failure(&self, lead: Uuid) -> bool {
        let told = activity::Entity::find()
            .filter(activity::Column::LeadId.eq(lead))
            .filter(activity::Column::Kind.eq("sync_failed"));
        told.one(&self.raw).await.unwrap().is_some()
    }

    /// Kinds of a lead's timeline, oldest first.
    pub async fn timeline(&self, lead: Uuid) -> Vec<String> {
        let page = self
            .core
            .list_activities(&self.caller, lead, 200, "")
            .await
            .unwrap();
        page.items
            .into_iter()
            .rev()
            .map(|activity| activity.kind)
            .collect()
    }
}

async fn founded(store: &Store, name: &str, settings: Settings) -> Uuid {
    let founded = workspaces::create(store, name, settings, None, "test")
        .await
        .unwrap();
    founded.workspace.id
}

pub fn use_cases(store: &Store) -> (Core, Delivery) {
    let core = Core::new(store.clone(), TaskSet::new(CancellationToken::new()));
    let times = Times {
        lease: LEASE,
        verify_after: VERIFY_AFTER,
    };
    let meter = opentelemetry::global::meter("test");
    (core.clone(), Delivery::new(core, times, &meter))
}

fn caller(workspace: Uuid) -> Principal {
    let scopes = Scope::of_workspaces().collect();
    Principal::new("testkey".to_owned(), Bound::Workspace(workspace), scopes)
}

fn connector() -> Principal {
    let bound = Bound::Destination("hubspot".to_owned());
    Principal::new("testconn".to_owned(), bound, vec![Scope::Connector])
}

/// Settings that the captures of the testkit are made for.
pub fn settings() -> Settings {
    let mut violations = Violations::default();
    let patch = convert::settings::read("", &captures::settings(), &[], &mut violations);
    assert!(violations.is_empty());
    patch.apply(Settings::default())
}

pub fn email(name: &str) -> String {
    format!("{name}@leads.example")
}

/// Somebody who is to be synced and is not hot.
pub fn warm(name: &str) -> CollectLeadRequest {
    plain(captures::warm(&email(name)))
}

pub fn hot(name: &str) -> CollectLeadRequest {
    plain(captures::hot(&email(name)))
}

pub fn cold(name: &str) -> CollectLeadRequest {
    plain(captures::cold(&email(name)))
}

fn plain(mut request: CollectLeadRequest) -> CollectLeadRequest {
    request.request_id.clear();
    request
}

pub fn lead(collected: Collected) -> Lead {
    match collected {
        Collected::Created(view) | Collected::Merged(view) => view.lead,
        Collected::Contact(contact) => panic!("{contact:?} is no lead"),
    }
}

pub fn named(hints: &[Hint]) -> Vec<Named> {
    hints
        .iter()
        .map(|hint| Named {
            job: hint.job,
            generation: hint.generation,
        })
        .collect()
}

pub fn granted(claimed: Claimed) -> Grant {
    match claimed.result {
        Ok(granted) => granted.grant,
        Err(refusal) => panic!("{} was refused: {refusal:?}", claimed.job),
    }
}

/// Refusals, where every job was refused.
pub fn refusals(claimed: Vec<Claimed>) -> Vec<Refusal> {
    claimed
        .into_iter()
        .map(|claimed| claimed.result.expect_err("a refusal"))
        .collect()
}

pub fn delivered() -> JobReport {
    JobReport::Delivered {
        external_id: "1001".to_owned(),
        url: "https://app.hubspot.example/1001".to_owned(),
    }
}

pub fn delivered_as(record: &str) -> JobReport {
    JobReport::Delivered {
        external_id: record.to_owned(),
        url: format!("https://app.hubspot.example/{record}"),
    }
}

pub fn gone(records: i64) -> JobReport {
    JobReport::Gone { records }
}

pub fn retry(after: Option<Duration>) -> JobReport {
    JobReport::Retry {
        reason: reason("UNAVAILABLE"),
        after,
    }
}

pub fn rejected() -> JobReport {
    JobReport::Rejected(reason("VALIDATION"))
}

pub fn unknown() -> JobReport {
    JobReport::Unknown {
        why: "timed out after the request was sent".to_owned(),
    }
}

pub fn paused(rest: Option<Duration>) -> JobReport {
    JobReport::Paused {
        rest,
        reason: reason("DAILY_LIMIT"),
        connection_version: 0,
    }
}

pub fn verified(revision: i64) -> JobReport {
    JobReport::Verified {
        external_id: if revision > 0 {
            "1001".to_owned()
        } else {
            String::new()
        },
        url: String::new(),
        revision,
    }
}

pub fn reason(code: &str) -> Reason {
    Reason {
        code: code.to_owned(),
        message: format!("the CRM said {code}"),
        hint: "see the CRM".to_owned(),
        ..Reason::default()
    }
}
