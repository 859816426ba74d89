//! Steps of the walk: a random call of a workspace, what may be in its answer, and its twin.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use leads_proto::leads::v1;
use leads_svc::{
    domain::ids,
    service::principal::{Bound, Scope},
};
use leads_testkit::{captures, http::Http};
use prost::Message;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{
    answers::{judge, learn},
    calls::{Answer, Call, Over},
    cases::{CASES, Caller},
    known::{Kind, Known, Tenant, nothing},
    requests::{Made, Maker},
    twins::{difference, twin},
};
use crate::{rpc::service::Service, world::World};

const CREATE: &str = "/leads.v1.WorkspacesService/CreateWorkspace";
/// A word of each workspace's texts, and the beginning of its phone numbers.
const WORKSPACES: [(&str, &str); 3] = [
    ("qzalfaqz", "+34611"),
    ("qzbetaqz", "+34622"),
    ("qzgamaqz", "+34633"),
];

/// What became of the calls of a method.
#[derive(Debug, Default, Clone)]
pub struct Count {
    pub cases: u64,
    /// Those that were carried out.
    pub answered: u64,
    /// Those that were carried out and had a word of the caller's own.
    pub own: u64,
    /// Those over REST.
    pub rest: u64,
    /// Those that were compared with their twins.
    pub twins: u64,
    pub refused: BTreeMap<String, u64>,
}

/// What walkers share.
pub struct Walk {
    pub service: Service,
    pub tenants: Vec<Tenant>,
    pub known: Mutex<Known>,
    pub counts: Mutex<BTreeMap<String, Count>>,
    pub left: AtomicI64,
    http: Http,
    platform: String,
    pool: DescriptorPool,
}

impl Walk {
    pub async fn on(world: World, meter: &opentelemetry::metrics::Meter, cases: i64) -> Self {
        let service = Service::start_metered(world, meter).await;
        let scopes: Vec<Scope> = Scope::of_platforms().collect();
        let platform = service.key(&Bound::Platform, &scopes).await;
        let (mut tenants, mut connections) = (Vec::new(), Vec::new());
        for (canary, phone) in WORKSPACES {
            let request = v1::CreateWorkspaceRequest {
                name: format!("The works of {canary}"),
                settings: Some(captures::settings()),
                ..Default::default()
            };
            let made: v1::CreateWorkspaceResponse = service.ask(CREATE, &platform, &request).await.unwrap();
            let id = ids::parse::<ids::Workspace>(&made.workspace.unwrap().id).unwrap();
            let connection = service.world.connect_workspace(id).await;
            connections.push(ids::format::<ids::Connection>(connection));
            tenants.push(Tenant::of(&service, id, canary, phone).await);
        }
        let mut known = Known::of(&tenants);
        for (owner, connection) in connections.iter().enumerate() {
            known.note(owner, Kind::Connection, connection);
        }
        Self {
            known: Mutex::new(known),
            http: Http::new(service.base()),
            counts: Mutex::default(),
            left: AtomicI64::new(cases),
            pool: DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap(),
            tenants,
            platform,
            service,
        }
    }

    /// Goes on until there are cases enough.
    pub async fn go(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let weights: u32 = CASES.iter().map(|(.., weight)| weight).sum();
        while self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            let mut drawn = random.random_range(0..weights);
            let mut cases = CASES.iter();
            let (service, method, caller, _) = cases
                .find(|(.., weight)| {
                    let found = drawn < *weight;
                    drawn = drawn.wrapping_sub(*weight);
                    found
                })
                .unwrap();
            self.step(service, method, *caller, &mut random).await;
        }
    }

    async fn step(&self, service: &str, method: &str, caller: Caller, random: &mut StdRng) {
        let service = self.pool.get_service_by_name(service).unwrap();
        let method = service.methods().find(|known| known.name() == method).unwrap();
        let tenant = random.random_range(0..self.tenants.len());
        let now = self.service.world.store.clock().now();
        let made = {
            let known = self.known.lock().unwrap();
            Maker::new(&self.tenants, tenant, &known, now, random).request(&method)
        };
        let Made { message, mut foreign } = made;
        let over = match random.random_range(0..100) {
            0..25 => Over::Rest,
            25..35 if method.name() == "ExportSubject" => Over::Table,
            _ => Over::Grpc,
        };
        let (key, workspace) = self.credentials(&method, caller, tenant, &mut foreign, random);
        foreign.sort_unstable();
        foreign.dedup();
        let call = Call {
            request: message.encode_to_vec(),
            method,
            key,
            workspace,
            over,
        };
        let owner = (call.method.name() != "CreateWorkspace").then_some(tenant);
        let answer = call.send(&self.service, &self.http).await;
        self.note(owner, &call, &answer, !foreign.is_empty());
        if !foreign.is_empty() {
            self.compare(&call, answer, &foreign, random).await;
        }
    }

    /// Key, and the workspace that the call names: now and then one that is none of the key's business.
    fn credentials(
        &self,
        method: &MethodDescriptor,
        caller: Caller,
        tenant: usize,
        foreign: &mut Vec<String>,
        random: &mut StdRng,
    ) -> (String, Option<String>) {
        let Tenant { name, key, .. } = &self.tenants[tenant];
        if method.name() == "CreateWorkspace" {
            return (self.platform.clone(), None);
        }
        let drawn = random.random_range(0..100);
        if caller == Caller::Platform || drawn < 20 {
            return (self.platform.clone(), Some(name.clone()));
        }
        match drawn {
            20..24 => {
                let other = (tenant + random.random_range(1..self.tenants.len())) % self.tenants.len();
                foreign.push(self.tenants[other].name.clone());
                (key.clone(), Some(self.tenants[other].name.clone()))
            }
            24..26 => (key.clone(), Some(nothing(Kind::Workspace, random))),
            26..30 => (key.clone(), Some(name.clone())),
            _ => (key.clone(), None),
        }
    }

    /// Fails if the answer says too much; learns from it, and counts it.
    fn note(&self, owner: Option<usize>, call: &Call, answer: &Answer, is_compared: bool) {
        let leak = {
            let mut known = self.known.lock().unwrap();
            judge(&self.tenants, &known, owner, &call.said(), &answer.all).and_then(|()| match owner {
                Some(owner) if answer.is_ok => learn(&mut known, owner, call, answer),
                _ => Ok(()),
            })
        };
        if let Err(leak) = leak {
            self.fail(
                call,
                answer,
                &format!("the answer to workspace {owner:?} has {leak}"),
            );
        }
        let is_own =
            owner.is_some_and(|owner| answer.all.to_lowercase().contains(self.tenants[owner].canary));
        self.count(&call.path(), |count| {
            count.answered += u64::from(answer.is_ok);
            count.own += u64::from(answer.is_ok && is_own);
            count.rest += u64::from(call.over != Over::Grpc);
            count.twins += u64::from(is_compared);
            if !answer.is_ok {
                *count.refused.entry(answer.verdict.clone()).or_default() += 1;
            }
        });
    }

    pub fn count(&self, path: &str, add: impl FnOnce(&mut Count)) {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(path.to_owned()).or_default();
        count.cases += 1;
        add(count);
    }

    /// Fails if what is another workspace's is answered otherwise than what is nobody's.
    async fn compare(&self, call: &Call, first: Answer, foreign: &[String], random: &mut StdRng) {
        let mut answer = first;
        let mut told = None;
        // Others may have changed what both calls depend on between them.
        for _ in 0..3 {
            let (twin, pairs) = twin(call, foreign, random);
            let unknown = twin.send(&self.service, &self.http).await;
            told = difference(&answer, &unknown, &pairs);
            if told.is_none() {
                return;
            }
            // What was carried out may be gone by now: it stands against another of nothing.
            if !answer.is_ok {
                answer = call.send(&self.service, &self.http).await;
            }
        }
        let told = told.unwrap_or_default();
        self.fail(
            call,
            &answer,
            &format!("{foreign:?} of another workspace is told from nothing: {told}"),
        );
    }

    fn fail(&self, call: &Call, answer: &Answer, leak: &str) -> ! {
        let counts = self.counts.lock().unwrap();
        let cases: u64 = counts.values().map(|count| count.cases).sum();
        let request = prost_reflect::DynamicMessage::decode(call.method.input(), call.request.as_slice());
        panic!(
            "LEAK after {cases} cases: {} over {:?}, naming {:?}: {leak}\nrequest: {}\nanswer: {} {}",
            call.path(),
            call.over,
            call.workspace,
            request.unwrap(),
            answer.verdict,
            answer.all,
        )
    }
}
