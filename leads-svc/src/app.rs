//! Puts the process together: the only file that sees everything.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use http::request::Parts;
use leads_proto::{
    DESCRIPTORS,
    leads::{
        connector::v1::connector_service_server::ConnectorServiceServer,
        v1::{
            contacts_service_server::ContactsServiceServer,
            integrations_service_server::IntegrationsServiceServer, leads_service_server::LeadsServiceServer,
            members_service_server::MembersServiceServer, privacy_service_server::PrivacyServiceServer,
            workspaces_service_server::WorkspacesServiceServer,
        },
    },
};
use leads_runtime::{
    clock::Clock,
    process::{
        health::{self, Readiness},
        shutdown,
        tasks::TaskSet,
        telemetry::{self, Telemetry},
    },
    stream::{Publisher, Redis},
};
use tonic::service::Routes;

use crate::{
    config::Config,
    dispatch::{Dispatcher, Gauges, Sweeper, Withdrawer},
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
    jobs::{self, housekeeping::STORAGE_CHECK},
    service::{auth::Auth, connector::Delivery, core::Core, sign_in::SignIn},
    storage::{Store, crypto::UNSEALED},
};

/// Readiness check that holds while the doors are open.
const DOORS_CHECK: &str = "doors";
/// What reflection lists: the connectors' API is not for callers.
const PUBLIC_SERVICES: [&str; 7] = [
    "leads.v1.LeadsService",
    "leads.v1.ContactsService",
    "leads.v1.WorkspacesService",
    "leads.v1.MembersService",
    "leads.v1.IntegrationsService",
    "leads.v1.PrivacyService",
    "grpc.health.v1.Health",
];
/// Services whose health callers may ask for: the process as a whole, and by name.
const HEALTH_SERVICES: [&str; 7] = [
    "",
    "leads.v1.LeadsService",
    "leads.v1.ContactsService",
    "leads.v1.WorkspacesService",
    "leads.v1.MembersService",
    "leads.v1.IntegrationsService",
    "leads.v1.PrivacyService",
];
/// What the tasks may take to end beyond the doors' own drain.
const GRACE: Duration = Duration::from_secs(3);

/// Connects to the database.
///
/// # Errors
/// It cannot be reached.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let keks = config.crypto.keks().context("crypto.kek")?;
    let (options, keys) = (config.storage.options(), config.key_store());
    let store = Store::connect_with(&options, keys.expose(), keks, Clock::system())
        .await
        .with_context(|| {
            format!(
                "no connection to storage.url {} or keys.url {keys}",
                config.storage.url
            )
        })?;
    Ok(store.with_default_plan(config.plans.default))
}

/// Serves until a signal says otherwise.
///
/// # Errors
/// Something that the process cannot do without failed.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let telemetry = telemetry::init("leads-svc", &config.telemetry)?;
    let tasks = TaskSet::new(shutdown::on_signal().context("signal handlers")?);
    let ended = serve(&config, &telemetry, &tasks).await;
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "leads-svc ends");
    }
    telemetry.shutdown();
    ended
}

async fn serve(config: &Config, telemetry: &Telemetry, tasks: &TaskSet) -> anyhow::Result<()> {
    let readiness = Readiness::new(&[STORAGE_CHECK, DOORS_CHECK]);
    health::serve(config.ops.listen, readiness.clone(), telemetry.metrics(), tasks)
        .await
        .with_context(|| format!("ops.listen {}", config.ops.listen))?;
    let Some(store) = connected(config, tasks).await? else {
        return Ok(());
    };
    check_key(&store).await?;
    if store.bypasses_policies().await? {
        tracing::warn!(
            "row-level security does not hold the database role: give one that is no superuser and has no BYPASSRLS"
        );
    }

    if UNSEALED {
        tracing::error!("this build stores personal data in the open: it is for measurements only");
    }
    let core = Core::new(store.clone(), tasks.clone());
    core.fill_keys().await.context("keys.url")?;
    let auth = Auth::new(store.clone(), config.server.rate());
    let delivery = Delivery::new(core.clone(), config.delivery.times(), &telemetry.meter());
    open_doors(config, telemetry, tasks, &readiness, &core, &auth, delivery).await?;
    readiness.set(DOORS_CHECK, true);

    let publisher = Publisher::new(Redis::open(&config.redis).context("redis.url")?);
    let gauges = Gauges::new(store.clone(), publisher.clone(), &telemetry.meter());
    let withdrawer = Withdrawer {
        store: store.clone(),
        publisher: publisher.clone(),
    };
    let dispatcher = Dispatcher {
        store: store.clone(),
        publisher,
        wake: core.wake(),
        interval: Duration::from_millis(config.delivery.publish_interval_ms),
        window: config.delivery.window,
        patience: Duration::from_millis(config.delivery.republish_after_ms),
    };
    let sweeper = Sweeper {
        store,
        wake: core.wake(),
        interval: Duration::from_millis(config.delivery.sweep_interval_ms),
    };
    let stop = tasks.stop_token();
    tasks.spawn("dispatcher", dispatcher.run(stop.clone()));
    tasks.spawn("sweeper", sweeper.run(stop.clone()));
    tasks.spawn("withdrawer", withdrawer.run(stop.clone()));
    tasks.spawn("gauges", gauges.run(stop.clone()));
    tasks.spawn("backfill", jobs::backfill::run(core.clone(), stop.clone()));
    tasks.spawn("keys", jobs::keys::run(core.clone(), stop.clone()));
    tasks.spawn("renewal", jobs::renewal::run(core.clone(), stop.clone()));
    tasks.spawn("retention", jobs::retention::run(core.clone(), stop.clone()));
    tasks.spawn(
        "housekeeping",
        jobs::housekeeping::run(core.clone(), auth, readiness.clone(), stop.clone()),
    );

    stop.cancelled().await;
    readiness.set(DOORS_CHECK, false);
    let drained = tasks.drain(Limits::default().drain + GRACE).await;
    // What the last calls used.
    if let Err(error) = core.note_usage().await {
        tracing::warn!(error = %error, "use of plans was not noted");
    }
    drained?;
    tracing::info!("leads-svc has stopped");
    Ok(())
}

/// The database, once it can be reached and is migrated; `None` if the process is to stop before.
async fn connected(config: &Config, tasks: &TaskSet) -> anyhow::Result<Option<Store>> {
    const PAUSE: Duration = Duration::from_secs(1);
    let stop = tasks.stop_token();
    loop {
        match open_migrated(config).await {
            Ok(Some(store)) => return Ok(Some(store)),
            Ok(None) => tracing::info!("waiting for the database to be migrated: leads-svc migrate"),
            Err(error) if config.storage.url.expose().starts_with("sqlite") => return Err(error),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the database is away"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn open_migrated(config: &Config) -> anyhow::Result<Option<Store>> {
    let store = open_store(config).await?;
    if config.storage.migrate_at_start {
        store.migrate().await.context("migration")?;
    } else if !store.is_migrated().await? {
        return Ok(None);
    }
    Ok(Some(store))
}

/// Refuses a key-encryption key that does not open what is stored, and a key store of another database.
///
/// # Errors
/// One of them is another one, or a database is away.
pub async fn check_key(store: &Store) -> anyhow::Result<()> {
    let some = store.count_unreadable_workspaces().await?;
    anyhow::ensure!(
        some == 0,
        "crypto.kek is not the key-encryption key of {some} workspaces in this database: give the one they were made with"
    );
    let roots = store
        .key_store()
        .count_unreadable_roots(store.keyring().keks())
        .await?;
    anyhow::ensure!(
        roots == 0,
        "crypto.kek is not the key-encryption key of the key store at keys.url: give the one it was made with"
    );
    store.load_secrets().await.context("crypto.kek")?;
    anyhow::ensure!(
        !store.has_other_key_store().await?,
        "the key store at keys.url has none of the contacts' keys: give the one that belongs to this database, or restore \
         its backup"
    );
    Ok(())
}

async fn open_doors(
    config: &Config,
    telemetry: &Telemetry,
    tasks: &TaskSet,
    readiness: &Readiness,
    core: &Core,
    auth: &Auth,
    delivery: Delivery,
) -> anyhow::Result<()> {
    let limits = Limits {
        connections_per_address: config.server.connections_per_address,
        ..Limits::default()
    };
    let (reporter, health) = tonic_health::server::health_reporter();
    tasks.spawn(
        "public health",
        readiness
            .clone()
            .report(reporter, &HEALTH_SERVICES, tasks.stop_token()),
    );
    let most = limits.message_bytes;
    let leads = LeadsServiceServer::new(Leads::new(core.clone())).max_encoding_message_size(most);
    let contacts = ContactsServiceServer::new(Contacts::new(core.clone())).max_encoding_message_size(most);
    let workspaces =
        WorkspacesServiceServer::new(Workspaces::new(core.clone())).max_encoding_message_size(most);
    let integrations =
        IntegrationsServiceServer::new(Integrations::new(core.clone())).max_encoding_message_size(most);
    let privacy = PrivacyServiceServer::new(Privacy::new(core.clone())).max_encoding_message_size(most);
    let members = MembersServiceServer::new(Members::new(core.clone())).max_encoding_message_size(most);
    let mut public = Routes::new(leads)
        .add_service(contacts)
        .add_service(workspaces)
        .add_service(members)
        .add_service(integrations)
        .add_service(privacy)
        .add_service(health);
    if config.server.reflection {
        let builder = || {
            PUBLIC_SERVICES
                .iter()
                .fold(tonic_reflection::server::Builder::configure(), |builder, name| {
                    builder.with_service_name(*name)
                })
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        };
        public = public
            .add_service(builder().build_v1()?)
            .add_service(builder().build_v1alpha()?);
    }
    let rest = Rest::new(limits.message_bytes)?;
    let stack = Stack::new("leads.v1", auth.clone(), limits.clone(), &telemetry.meter())?;
    let clock = core.store.clock().clone();
    let rules = Arc::new(move |call: &Parts, message: &[u8]| check::violations(call, message, clock.now()));
    let framed = layers::framed(Calls::new(public), limits.message_bytes);
    let calls = stack.around(rest.decoding(framed, rules));
    let mut rest = rest.serving(calls.clone());
    if let Some(settings) = config.sign_in.settings() {
        let sign_in = SignIn::new(core.clone(), auth.clone(), settings).context("sign_in")?;
        rest = Desk::new(core.clone(), sign_in).in_front_of(rest);
    }
    let routed = route(calls, Some(rest));

    let connectors = Routes::new(ConnectorServiceServer::new(Connectors::new(delivery)));
    let stack = Stack::new(
        "leads.connector.v1",
        auth.clone(),
        limits.clone(),
        &telemetry.meter(),
    )?;
    let inner = route(
        stack.around(layers::framed(Calls::new(connectors), limits.message_bytes)),
        None,
    );

    for (name, address, calls) in [
        ("public door", config.server.listen, routed),
        ("connectors' door", config.server.connector_listen, inner),
    ] {
        let door = Door::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        tracing::info!(address = %door.address(), "{name} is open");
        tasks.spawn(name, door.serve(calls, limits.clone(), tasks.stop_token()));
    }
    Ok(())
}
