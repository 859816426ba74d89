//! A door in front of a small LeadsService whose answers the tests choose by the lead's id.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    ops::Add,
    sync::{
        Arc, Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::request::Parts;
use leads_proto::leads::v1::{
    self as pb, leads_service_server::LeadsService, leads_service_server::LeadsServiceServer,
};
use leads_proto::reason::Reason;
use leads_runtime::{clock::Clock, process::telemetry::Metrics};
use leads_svc::{
    domain::workspace::Settings,
    grpc::{
        convert::check,
        layers::{self, Calls, Limits, Stack},
        server::{self, Door},
    },
    http::Rest,
    service::{
        auth::{Auth, Rate},
        error::Error,
        keys::mint,
        principal::{Bound, Principal, Scope},
        workspaces,
    },
    storage::{Options, Store, crypto::KeyEncryptionKey},
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, service::Routes};
use tracing_subscriber::layer::SubscriberExt;

/// Credentials that the door's store knows.
pub struct Keys {
    /// Every scope of a workspace.
    pub all: String,
    /// Only reading leads.
    pub reader: String,
    /// A connector's.
    pub connector: String,
}

/// A served door; dropping it stops it.
pub struct Served {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    pub stop: CancellationToken,
    pub served: JoinHandle<()>,
    pub metrics: Metrics,
    pub keys: Keys,
    _folder: TempDir,
    _guard: DropGuard,
}

/// What happened in handlers.
#[derive(Default)]
pub struct Seen {
    /// Handlers that began.
    pub started: AtomicUsize,
    /// Handlers of slow calls that were dropped before they were done.
    pub dropped: AtomicUsize,
    /// Slow calls go on when this is notified.
    pub go: Notify,
}

impl Seen {
    pub fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    pub fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// Serves with the documented limits.
pub async fn serve() -> Served {
    serve_with(Limits::default()).await
}

pub async fn serve_with(limits: Limits) -> Served {
    serve_at(limits, 1000).await
}

/// Serves keys that may make `burst` calls at once, and a thousandth of that every second.
pub async fn serve_at(limits: Limits, burst: u32) -> Served {
    trace();
    let folder = tempfile::tempdir().unwrap();
    let (auth, keys) = authentication(&folder, burst).await;
    let seen = Arc::new(Seen::default());
    let (_, health) = tonic_health::server::health_reporter();
    let routes = Routes::new(
        LeadsServiceServer::new(Stub(seen.clone())).max_encoding_message_size(limits.message_bytes),
    )
    .add_service(health);
    let rest = Rest::new(limits.message_bytes).unwrap();
    let rules =
        Arc::new(|call: &Parts, message: &[u8]| check::violations(call, message, Clock::system().now()));
    let framed = layers::framed(Calls::new(routes), limits.message_bytes);
    let metrics = Metrics::standalone("leads-svc").unwrap();
    let stack = Stack::new("leads.v1", auth, limits.clone(), &metrics.meter()).unwrap();
    let calls = stack.around(rest.decoding(framed, rules));
    let door = Door::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = door.address();
    let stop = CancellationToken::new();
    let routed = server::route(calls.clone(), Some(rest.serving(calls)));
    let served = tokio::spawn(door.serve(routed, limits, stop.clone()));
    Served {
        address,
        seen,
        served,
        metrics,
        keys,
        _folder: folder,
        _guard: stop.clone().drop_guard(),
        stop,
    }
}

async fn authentication(folder: &TempDir, burst: u32) -> (Auth, Keys) {
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("leads.db").display());
    let kek = KeyEncryptionKey::from_base64(&"A".repeat(43).add("=")).unwrap();
    let store = Store::connect(
        &Options {
            url,
            max_connections: 2,
        },
        kek,
        Clock::system(),
    )
    .await
    .unwrap();
    store.migrate().await.unwrap();
    let workspace = Bound::Workspace(
        workspaces::create(&store, "Acme", Settings::default(), None, "test")
            .await
            .unwrap()
            .workspace
            .id,
    );
    let everything: Vec<Scope> = Scope::of_workspaces().collect();
    let mut texts = Vec::new();
    for (bound, scopes) in [
        (&workspace, everything.as_slice()),
        (&workspace, &[Scope::LeadsRead]),
        (&Bound::Destination("hubspot".to_owned()), &[Scope::Connector]),
    ] {
        let (key, text) = mint(&store, bound, "test", scopes, None);
        store.create_key(key, "test").await.unwrap();
        texts.push(text);
    }
    let [all, reader, connector] = texts.try_into().unwrap();
    let burst = NonZeroU32::new(burst).unwrap();
    let rate = Rate {
        per_second: NonZeroU32::new(burst.get().div_ceil(1000)).unwrap(),
        burst,
    };
    (
        Auth::new(store, rate),
        Keys {
            all,
            reader,
            connector,
        },
    )
}

/// Gives spans their places in traces, as the process does. For the whole binary: a subscriber for one thread would
/// miss spans whose place in the code another thread was the first to reach.
fn trace() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let traces = tracing_opentelemetry::layer().with_tracer(tracer);
        // Fails if another test has installed one, which does.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(traces));
    });
}

/// Waits until the condition holds; fails after 10 seconds.
pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let end = tokio::time::Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(tokio::time::Instant::now() < end, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

struct Stub(Arc<Seen>);

/// Counts a slow handler that does not reach its end.
struct Unfinished<'a>(&'a Seen, bool);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn lead(id: &str) -> pb::Lead {
    pb::Lead {
        id: id.to_owned(),
        stage: 1,
        etag: "7".to_owned(),
        revision: 7,
        ..Default::default()
    }
}

#[tonic::async_trait]
impl LeadsService for Stub {
    async fn collect_lead(
        &self,
        request: Request<pb::CollectLeadRequest>,
    ) -> Result<Response<pb::CollectLeadResponse>, Status> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        let request = request.into_inner();
        let mut lead = lead("lead_new");
        lead.contact = request.contact;
        lead.intent = request.intent;
        lead.channel = request.channel;
        let mut response = Response::new(pb::CollectLeadResponse {
            result: 1,
            lead: Some(lead),
            contact: None,
        });
        response
            .metadata_mut()
            .insert("x-http-status", "201".parse().unwrap());
        Ok(response)
    }

    async fn get_lead(&self, request: Request<pb::GetLeadRequest>) -> Result<Response<pb::Lead>, Status> {
        self.0.started.fetch_add(1, Ordering::SeqCst);
        assert!(request.extensions().get::<Principal>().is_some());
        match request.into_inner().lead_id.as_str() {
            "slow" => {
                let mut unfinished = Unfinished(&self.0, false);
                self.0.go.notified().await;
                unfinished.1 = true;
                Ok(Response::new(lead("slow")))
            }
            "panic" => panic!("canary-of-the-panic"),
            "broken" => Err(Error::internal("canary-of-the-inside").into()),
            "missing" => Err(Error::not_found("lead").into()),
            "foreign" => Err(Status::failed_precondition("canary-of-the-inside")),
            "large" => Ok(Response::new(pb::Lead {
                owner: "x".repeat(5 << 20),
                ..lead("large")
            })),
            id => Ok(Response::new(lead(id))),
        }
    }

    async fn list_leads(
        &self,
        request: Request<pb::ListLeadsRequest>,
    ) -> Result<Response<pb::ListLeadsResponse>, Status> {
        let request = request.into_inner();
        let mut lead = lead("lead_1");
        lead.stage = request.stage;
        lead.owner = format!("{:?} {} {}", request.score_min, request.page_size, request.q);
        Ok(Response::new(pb::ListLeadsResponse {
            leads: vec![lead],
            ..Default::default()
        }))
    }

    async fn update_lead(
        &self,
        request: Request<pb::UpdateLeadRequest>,
    ) -> Result<Response<pb::Lead>, Status> {
        let request = request.into_inner();
        let mut lead = request.lead.unwrap_or_default();
        if lead.stage == 6 {
            let error = Error::invalid_field("lead.outcome", "is required when the stage is closed");
            return Err(error.into());
        }
        if lead.etag == "stale" {
            return Err(Error::new(Reason::EtagMismatch, "somebody was faster").into());
        }
        lead.tags = request.update_mask.unwrap_or_default().paths;
        Ok(Response::new(lead))
    }

    async fn delete_lead(
        &self,
        _: Request<pb::DeleteLeadRequest>,
    ) -> Result<Response<pb::DeleteLeadResponse>, Status> {
        Ok(Response::new(pb::DeleteLeadResponse::default()))
    }

    async fn batch_collect_leads(
        &self,
        _: Request<pb::BatchCollectLeadsRequest>,
    ) -> Result<Response<pb::BatchCollectLeadsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn append_conversation(
        &self,
        request: Request<pb::AppendConversationRequest>,
    ) -> Result<Response<pb::AppendConversationResponse>, Status> {
        let appended = request.into_inner().messages.len() as i32;
        Ok(Response::new(pb::AppendConversationResponse {
            lead: None,
            appended,
            skipped: 0,
        }))
    }

    async fn list_conversation(
        &self,
        _: Request<pb::ListConversationRequest>,
    ) -> Result<Response<pb::ListConversationResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn sync_lead(
        &self,
        request: Request<pb::SyncLeadRequest>,
    ) -> Result<Response<pb::SyncLeadResponse>, Status> {
        let provider = request.into_inner().provider;
        let link = pb::CrmLink {
            provider,
            status: 4,
            ..Default::default()
        };
        Ok(Response::new(pb::SyncLeadResponse {
            crm_links: vec![link],
        }))
    }

    async fn list_activities(
        &self,
        _: Request<pb::ListActivitiesRequest>,
    ) -> Result<Response<pb::ListActivitiesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_duplicates(
        &self,
        _: Request<pb::ListDuplicatesRequest>,
    ) -> Result<Response<pb::ListDuplicatesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn merge_leads(
        &self,
        _: Request<pb::MergeLeadsRequest>,
    ) -> Result<Response<pb::MergeLeadsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unmerge_lead(
        &self,
        _: Request<pb::UnmergeLeadRequest>,
    ) -> Result<Response<pb::UnmergeLeadResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_scores(
        &self,
        _: Request<pb::ListScoresRequest>,
    ) -> Result<Response<pb::ListScoresResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
