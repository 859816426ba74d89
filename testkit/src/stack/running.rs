//! Building a stack and taking it down.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use leads_proto::leads::v1::{
    ConnectProviderRequest, Connection, ConnectionState, GetConnectionRequest, HubspotCredentials, Provider,
    UpdateSettingsRequest, connect_provider_request::Credentials,
};
use rand::RngExt;
use tempfile::TempDir;

use super::{Cli, Postgresql, Salesforce, Service, SignIn, StackOptions, Storage, Workspace};
use crate::{
    captures,
    client::Clients,
    fakes::hubspot::{DEFAULT_TOKEN, HubspotServer},
    faults::Proxy,
    ports::free_port,
    process::Program,
    servers::{Postgres, Redis, TestDatabase},
    wait,
};

const CONNECT_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running product. Dropping it kills everything; [`Self::stop`] lets it end in order.
#[derive(Debug)]
pub struct Stack {
    // Fields are dropped in this order: first who calls, then who is called, the folder last.
    /// Replicas of the HubSpot connector.
    pub connectors: Vec<Service>,
    /// The simulated Salesforce with its connector, if asked for.
    pub salesforce: Option<Salesforce>,
    /// The system of record.
    pub leads: Service,
    /// Fault proxies, if asked for.
    pub links: Option<Links>,
    /// The simulated HubSpot.
    pub hubspot: HubspotServer,
    /// The simulated identity provider, if asked for.
    pub sign_in: Option<SignIn>,
    /// Hints and quotas.
    pub redis: Redis,
    /// The workspace that all tests use.
    pub workspace: Workspace,
    /// Callers of the workspace.
    pub clients: Clients,
    /// The operator's commands.
    pub cli: Cli,
    /// Base URL of gRPC and REST.
    pub url: String,
    /// Database URL of leads-svc.
    pub storage_url: String,
    /// The Postgres server, if the stack has one of its own.
    pub postgres: Option<Postgres>,
    _database: Option<TestDatabase>,
    _folder: Option<TempDir>,
}

/// A proxy in each link, named by who dials and who is dialled.
#[derive(Debug)]
pub struct Links {
    /// leads-svc to Redis.
    pub leads_redis: Proxy,
    /// Connectors to Redis.
    pub connector_redis: Proxy,
    /// Connectors to leads-svc.
    pub connector_leads: Proxy,
    /// Connectors to HubSpot.
    pub connector_hubspot: Proxy,
}

struct Database {
    url: String,
    server: Option<Postgres>,
    database: Option<TestDatabase>,
}

impl Stack {
    /// Starts everything with the defaults.
    pub async fn start() -> Result<Self> {
        Self::start_with(StackOptions::default()).await
    }

    /// Starts everything and waits until it is ready, and connected if asked for.
    ///
    /// # Errors
    /// Something is not built or installed, which the text names; a process that ended or did not become ready, with
    /// the end of its output.
    pub async fn start_with(options: StackOptions) -> Result<Self> {
        let temporary = match &options.folder {
            None => Some(tempfile::Builder::new().prefix("leads-stack-").tempdir()?),
            Some(_) => None,
        };
        let folder = options
            .folder
            .as_deref()
            .or(temporary.as_ref().map(TempDir::path))
            .context("no folder")?;
        let logs = folder.join("logs");
        fs::create_dir_all(&logs)?;

        let progress = options.progress;
        progress("Redis");
        let redis = Redis::start().await?;
        progress("the HubSpot simulator");
        let hubspot = HubspotServer::start(options.hubspot.clone()).await?;
        if matches!(options.storage, Storage::Postgres(_)) {
            progress("Postgres");
        }
        let database = Database::start(&options.storage, folder).await?;
        let [listen, connector_listen, ops] = [free_port()?, free_port()?, free_port()?];
        let leads_url = format!("http://127.0.0.1:{connector_listen}");
        let links = match options.proxied {
            true => Some(Links::start(&redis, &leads_url, &hubspot).await?),
            false => None,
        };

        let sign_in = match options.sign_in {
            true => Some(SignIn::start(listen).await?),
            false => None,
        };
        let kek = options
            .kek
            .clone()
            .unwrap_or_else(|| STANDARD.encode(rand::rng().random::<[u8; 32]>()));
        let leads_redis = links.as_ref().map_or(redis.url(), |links| {
            format!("redis://{}", links.leads_redis.address())
        });
        let program = Program::ours(options.leads_binary, &logs)?
            .envs(options.timing.leads())
            .env("LEADS_SVC__SERVER__LISTEN", format!("127.0.0.1:{listen}"))
            .env(
                "LEADS_SVC__SERVER__CONNECTOR_LISTEN",
                format!("127.0.0.1:{connector_listen}"),
            )
            .env("LEADS_SVC__OPS__LISTEN", format!("127.0.0.1:{ops}"))
            .env("LEADS_SVC__STORAGE__URL", &database.url)
            .env("LEADS_SVC__REDIS__URL", leads_redis)
            .env("LEADS_SVC__CRYPTO__KEK", kek)
            .envs(sign_in.iter().flat_map(SignIn::environment))
            .envs(options.leads_env.clone());
        let cli = Cli::new(program.clone());
        progress("leads-svc");
        cli.migrate().await?;
        let workspace = cli.create_workspace(&options.workspace).await?;
        let credential = cli.create_connector_credential("hubspot").await?;
        let mut serve = program.arg("serve");
        if let Some(temporary) = &temporary {
            serve = serve.scratch(temporary.path());
        }
        let mut leads = Service::new(serve, ops);
        leads.start().await?;

        progress("crm-hubspot");
        let mut connectors = Vec::new();
        for number in 0..options.connectors {
            let ops = free_port()?;
            let through = links.as_ref();
            let redis = through.map_or(redis.url(), |links| {
                format!("redis://{}", links.connector_redis.address())
            });
            let leads = through.map_or(leads_url.clone(), |links| http(&links.connector_leads));
            let vendor = through.map_or(hubspot.base_url(), |links| http(&links.connector_hubspot));
            let program = Program::ours("crm-hubspot", &logs)?
                .name(if options.connectors == 1 {
                    "crm-hubspot".to_owned()
                } else {
                    format!("crm-hubspot-{number}")
                })
                .envs(options.timing.connector("CRM_HUBSPOT"))
                .env("CRM_HUBSPOT__OPS__LISTEN", format!("127.0.0.1:{ops}"))
                .env("CRM_HUBSPOT__LEADS__ENDPOINT", leads)
                .env("CRM_HUBSPOT__LEADS__CREDENTIAL", &credential)
                .env("CRM_HUBSPOT__LEADS__REPLICA", format!("hubspot-{number}"))
                .env("CRM_HUBSPOT__REDIS__URL", redis)
                .env("CRM_HUBSPOT__VENDOR__BASE_URL", vendor)
                .env("CRM_HUBSPOT__VENDOR__ALLOW_HTTP", "true")
                .envs(options.connector_env.clone())
                .arg("serve");
            let mut connector = Service::new(program, ops);
            connector.start().await?;
            connectors.push(connector);
        }

        let salesforce = match &options.salesforce {
            Some(org) => {
                progress("crm-salesforce and its simulator");
                let place = super::salesforce::Place {
                    logs: &logs,
                    leads_url: &leads_url,
                    redis_url: redis.url(),
                    timing: options.timing,
                };
                Some(Salesforce::start(org.clone(), &cli, place).await?)
            }
            None => None,
        };
        let url = format!("http://127.0.0.1:{listen}");
        let mut stack = Self {
            connectors,
            salesforce,
            leads,
            links,
            hubspot,
            sign_in,
            redis,
            clients: Clients::new(&url, &workspace.key)?,
            workspace,
            cli,
            url,
            storage_url: database.url,
            postgres: database.server,
            _database: database.database,
            _folder: temporary,
        };
        if options.connect {
            progress("the connections");
        }
        stack.set_up(options.connect).await?;
        Ok(stack)
    }

    /// Connects the workspace to the simulator with this token and waits until that works.
    pub async fn connect_hubspot(&mut self, token: &str) -> Result<Connection> {
        let credentials = Credentials::Hubspot(HubspotCredentials {
            access_token: token.to_owned(),
        });
        self.connect(Provider::Hubspot, credentials).await
    }

    /// Connects the workspace to a CRM and waits until that works.
    pub async fn connect(&mut self, provider: Provider, credentials: Credentials) -> Result<Connection> {
        let request = ConnectProviderRequest {
            provider: provider.into(),
            credentials: Some(credentials),
            ..ConnectProviderRequest::default()
        };
        self.clients.integrations.connect_provider(request).await?;
        let connected = wait::until("the CRM to be connected", CONNECT_LIMIT, async || {
            let request = GetConnectionRequest {
                provider: provider.into(),
            };
            let connection = self
                .clients
                .integrations
                .get_connection(request)
                .await?
                .into_inner();
            ensure!(
                connection.state() != ConnectionState::Failed,
                "refused: {:?}",
                connection.problem
            );
            Ok((connection.state() == ConnectionState::Connected).then_some(connection))
        });
        let connected = connected.await;
        connected.with_context(|| self.tails())
    }

    /// Ends every process in order, callers first.
    ///
    /// # Errors
    /// A process that does not end within 30 s or ends with another status than 0.
    pub async fn stop(mut self) -> Result<()> {
        for service in self.services() {
            let process = service.process()?;
            let status = process.stop(STOP_LIMIT).await?;
            ensure!(
                status.success(),
                "{} ended with {status}\n{}",
                process.name(),
                process.tail()
            );
        }
        self.hubspot.shutdown().await;
        if let Some(salesforce) = self.salesforce {
            salesforce.server.shutdown().await;
        }
        Ok(())
    }

    /// Every process of ours, callers first.
    pub fn services(&mut self) -> impl Iterator<Item = &mut Service> {
        let salesforce = self
            .salesforce
            .as_mut()
            .map(|salesforce| &mut salesforce.connector);
        self.connectors
            .iter_mut()
            .chain(salesforce)
            .chain([&mut self.leads])
    }

    /// The end of every process's output, for failure messages.
    pub fn tails(&mut self) -> String {
        self.services()
            .filter_map(|service| Some(service.process().ok()?.tail()))
            .collect::<Vec<_>>()
            .join("\n")
    }

    async fn set_up(&mut self, connect: bool) -> Result<()> {
        let request = UpdateSettingsRequest {
            settings: Some(captures::settings()),
            update_mask: None,
        };
        self.clients
            .workspaces
            .update_settings(request)
            .await
            .context("set the ideal customer")?;
        if let Some(sign_in) = &self.sign_in {
            sign_in.add_members(&self.clients).await.context("add members")?;
        }
        if connect {
            self.connect_hubspot(DEFAULT_TOKEN).await?;
            if let Some(salesforce) = &self.salesforce {
                let credentials = salesforce.credentials();
                self.connect(Provider::Salesforce, credentials).await?;
            }
        }
        Ok(())
    }
}

impl Links {
    async fn start(redis: &Redis, leads_url: &str, hubspot: &HubspotServer) -> Result<Self> {
        let address = |url: &str| url.trim_start_matches("http://").parse().context("address");
        let redis = ([127, 0, 0, 1], redis.port()).into();
        Ok(Self {
            leads_redis: Proxy::start(redis, 1).await?,
            connector_redis: Proxy::start(redis, 2).await?,
            connector_leads: Proxy::start(address(leads_url)?, 3).await?,
            connector_hubspot: Proxy::start(address(&hubspot.base_url())?, 4).await?,
        })
    }
}

impl Database {
    async fn start(storage: &Storage, folder: &Path) -> Result<Self> {
        match storage {
            Storage::Sqlite => {
                let url = format!("sqlite://{}?mode=rwc", folder.join("leads.db").display());
                Ok(Self {
                    url,
                    server: None,
                    database: None,
                })
            }
            Storage::Postgres(Postgresql::Shared) => {
                let database = Postgres::shared().await?.database().await?;
                Ok(Self {
                    url: database.url.clone(),
                    server: None,
                    database: Some(database),
                })
            }
            Storage::Postgres(Postgresql::Own) => {
                let server = Postgres::start().await?;
                let database = server.database().await?;
                Ok(Self {
                    url: database.url.clone(),
                    server: Some(server),
                    database: Some(database),
                })
            }
        }
    }
}

fn http(proxy: &Proxy) -> String {
    format!("http://{}", proxy.address())
}
