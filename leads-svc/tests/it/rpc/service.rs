//! The service behind its two doors, and calls that carry whatever bytes a test says.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::{Buf, BufMut};
use http::{request::Parts, uri::PathAndQuery};
use leads_proto::leads::{
    connector::v1::connector_service_server::ConnectorServiceServer,
    v1::{
        contacts_service_server::ContactsServiceServer,
        integrations_service_server::IntegrationsServiceServer, leads_service_server::LeadsServiceServer,
        members_service_server::MembersServiceServer, privacy_service_server::PrivacyServiceServer,
        workspaces_service_server::WorkspacesServiceServer,
    },
};
use leads_svc::{
    domain::ids,
    grpc::{
        connector::Connectors,
        contacts::Contacts,
        convert::check,
        integrations::Integrations,
        layers::{self, Calls, Limits, Stack},
        leads::Leads,
        members::Members,
        privacy::Privacy,
        server::{Door, route},
        workspaces::Workspaces,
    },
    http::{Desk, Rest},
    service::{
        auth::{Auth, Rate},
        connector::Delivery,
        core::Core,
        keys::mint,
        principal::{Bound, Scope},
        sign_in::{Settings, SignIn},
    },
};
use opentelemetry::metrics::Meter;
use prost::Message;
use prost_reflect::DescriptorPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    service::Routes,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::{
    edge::client::{Plain, raw},
    world::World,
};

/// Calls that a key may make at once, where a test does not say.
const BURST: u32 = 10_000;

/// A world and the doors of one replica.
pub struct Service {
    pub world: World,
    pub doors: Doors,
}

/// The doors of one replica.
pub struct Doors {
    pub auth: Auth,
    pub rest: SocketAddr,
    public: Channel,
    connectors: Channel,
    _stop: DropGuard,
}

/// Paths of all methods of the contract.
pub fn methods() -> Vec<String> {
    let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .map(|method| format!("/{}/{}", method.parent_service().full_name(), method.name()))
        .collect()
}

/// Of metrics that nobody looks at.
fn meter() -> Meter {
    opentelemetry::global::meter("test")
}

impl Doors {
    async fn open(
        core: Core,
        delivery: Delivery,
        burst: u32,
        meter: &Meter,
        sign_in: Option<Settings>,
    ) -> Self {
        let rate = Rate {
            per_second: NonZeroU32::new(burst.div_ceil(1_000)).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        };
        let (limits, stop) = (Limits::default(), CancellationToken::new());
        let auth = Auth::new(core.store.clone(), rate);
        let clock = core.store.clock().clone();
        let public = Routes::new(LeadsServiceServer::new(Leads::new(core.clone())))
            .add_service(ContactsServiceServer::new(Contacts::new(core.clone())))
            .add_service(WorkspacesServiceServer::new(Workspaces::new(core.clone())))
            .add_service(MembersServiceServer::new(Members::new(core.clone())))
            .add_service(IntegrationsServiceServer::new(Integrations::new(core.clone())))
            .add_service(PrivacyServiceServer::new(Privacy::new(core.clone())));
        let connectors = Routes::new(ConnectorServiceServer::new(Connectors::new(delivery)));
        let rest = Rest::new(limits.message_bytes).unwrap();
        let rules =
            Arc::new(move |call: &Parts, message: &[u8]| check::violations(call, message, clock.now()));
        let (mut channels, mut addresses) = (Vec::new(), Vec::new());
        for (package, routes) in [("leads.v1", public), ("leads.connector.v1", connectors)] {
            let stack = Stack::new(package, auth.clone(), limits.clone(), meter).unwrap();
            let framed = layers::framed(Calls::new(routes), limits.message_bytes);
            let calls = stack.around(rest.decoding(framed, rules.clone()));
            let door = Door::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let endpoint = Endpoint::from_shared(format!("http://{}", door.address())).unwrap();
            channels.push(endpoint.connect_lazy());
            addresses.push(door.address());
            let mut rest = rest.serving(calls.clone());
            if let Some(settings) = &sign_in {
                let sign_in = SignIn::new(core.clone(), auth.clone(), settings.clone()).unwrap();
                rest = Desk::new(core.clone(), sign_in).in_front_of(rest);
            }
            let routed = route(calls, Some(rest));
            tokio::spawn(door.serve(routed, limits.clone(), stop.clone()));
        }
        Self {
            auth,
            rest: addresses[0],
            connectors: channels.pop().unwrap(),
            public: channels.pop().unwrap(),
            _stop: stop.drop_guard(),
        }
    }

    /// Calls a method with these bytes as its message, and the workspace named if there is one.
    pub async fn call(
        &self,
        path: &str,
        key: &str,
        workspace: Option<&str>,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        let channel = if path.starts_with("/leads.connector.") {
            &self.connectors
        } else {
            &self.public
        };
        let mut client = Grpc::new(channel.clone());
        client.ready().await.unwrap();
        let mut request = Request::new(request);
        request.set_timeout(Duration::from_secs(20));
        let metadata = request.metadata_mut();
        metadata.insert("authorization", format!("Bearer {key}").parse().unwrap());
        if let Some(workspace) = workspace {
            metadata.insert("leads-workspace", workspace.parse().unwrap());
        }
        let path: PathAndQuery = path.parse().unwrap();
        client
            .unary(request, path, Raw)
            .await
            .map(tonic::Response::into_inner)
    }
}

impl Service {
    pub async fn start(world: World) -> Self {
        Self::start_at(world, BURST).await
    }

    /// Serves keys that may make `burst` calls at once, and a thousandth of that every second.
    pub async fn start_at(world: World, burst: u32) -> Self {
        let doors = Doors::open(world.core.clone(), world.delivery.clone(), burst, &meter(), None).await;
        Self { world, doors }
    }

    /// Serves people with browsers as well.
    pub async fn start_with(world: World, sign_in: Settings) -> Self {
        let (core, delivery) = (world.core.clone(), world.delivery.clone());
        let doors = Doors::open(core, delivery, BURST, &meter(), Some(sign_in)).await;
        Self { world, doors }
    }

    /// Serves with metrics that somebody looks at.
    pub async fn start_metered(world: World, meter: &Meter) -> Self {
        let doors = Doors::open(world.core.clone(), world.delivery.clone(), BURST, meter, None).await;
        Self { world, doors }
    }

    /// The doors of another replica on the same database.
    pub async fn replica(&self) -> Doors {
        let (core, delivery) = self.world.replica().await;
        Doors::open(core, delivery, BURST, &meter(), None).await
    }

    /// The same, for people with browsers as well.
    pub async fn replica_with(&self, sign_in: Settings) -> Doors {
        let (core, delivery) = self.world.replica().await;
        Doors::open(core, delivery, BURST, &meter(), Some(sign_in)).await
    }

    /// A new key.
    pub async fn key(&self, bound: &Bound, scopes: &[Scope]) -> String {
        let (key, text) = mint(&self.world.store, bound, "test", scopes, None);
        self.world.store.create_key(key, "test").await.unwrap();
        text
    }

    /// A key with every scope of a workspace.
    pub async fn key_of(&self, workspace: Uuid) -> String {
        let scopes: Vec<Scope> = Scope::of_workspaces().collect();
        self.key(&Bound::Workspace(workspace), &scopes).await
    }

    pub async fn connector_key(&self, destination: &str) -> String {
        self.key(&Bound::Destination(destination.to_owned()), &[Scope::Connector])
            .await
    }

    /// Calls a method with these bytes as its message.
    pub async fn call(&self, path: &str, key: &str, request: Vec<u8>) -> Result<Vec<u8>, Status> {
        self.doors.call(path, key, None, request).await
    }

    /// Calls a method in the workspace that the call names.
    pub async fn ask_in<A: Message + Default>(
        &self,
        workspace: Uuid,
        path: &str,
        key: &str,
        request: &impl Message,
    ) -> Result<A, Status> {
        let workspace = ids::format::<ids::Workspace>(workspace);
        let request = request.encode_to_vec();
        let answer = self.doors.call(path, key, Some(&workspace), request).await?;
        Ok(A::decode(answer.as_slice()).unwrap())
    }

    /// Where REST is.
    pub fn base(&self) -> String {
        format!("http://{}", self.doors.rest)
    }

    /// A REST call, such as `GET /v1/leads`.
    pub async fn rest(&self, line: &str, key: &str, body: &str) -> Plain {
        let request = format!(
            "{line} HTTP/1.1\r\nhost: leads.example\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        raw(self.doors.rest, request.as_bytes()).await.unwrap()
    }

    pub async fn ask<A: Message + Default>(
        &self,
        path: &str,
        key: &str,
        request: &impl Message,
    ) -> Result<A, Status> {
        let answer = self.call(path, key, request.encode_to_vec()).await?;
        Ok(A::decode(answer.as_slice()).unwrap())
    }
}

/// The reason of a refusal.
pub fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// Everything of a refusal that a caller sees.
pub fn seen(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (
        status.code(),
        status.message().to_owned(),
        status.details().to_vec(),
    )
}

/// Messages as their bytes.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Raw
    }

    fn decoder(&mut self) -> Self {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length).to_vec()))
    }
}
