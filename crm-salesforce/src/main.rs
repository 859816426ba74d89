//! `crm-salesforce serve` and `crm-salesforce check-config`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use crm_salesforce::config::Config;
use crm_salesforce::limits;
use crm_salesforce::service::SalesforceApi;
use crm_salesforce::session::Sessions;
use crm_salesforce::sink::Salesforce;
use leads_runtime::clock::Clock;
use leads_runtime::delivery::{self, Destination, DriverParts, LeadsService, VendorCalls};
use leads_runtime::process::health::{self, Readiness};
use leads_runtime::process::tasks::TaskSet;
use leads_runtime::process::telemetry::Telemetry;
use leads_runtime::process::{self, config, shutdown, telemetry};
use leads_runtime::quota::{LiveReplicas, Quota};
use leads_runtime::stream::{self, Redis};
use leads_runtime::vendor::VendorClient;

/// What the tasks may take to end beyond the delivery's own drain.
const GRACE: Duration = Duration::from_secs(3);

/// Keeps Salesforce leads in step with leads.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// TOML file that overrides defaults.
    #[arg(long, env = "CRM_SALESFORCE_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Delivers until it is told to stop.
    Serve,
    /// Checks the settings and prints them with secrets hidden.
    CheckConfig,
}

fn main() -> ExitCode {
    match execute(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // For whoever typed the command: what went wrong and why, without a trace of the code.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<()> {
    let config = Config::load(cli.config)?;
    match cli.command {
        Command::CheckConfig => Ok(std::io::stdout().write_all(config::describe(&config).as_bytes())?),
        Command::Serve => {
            process::crypto_provider();
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?
                .block_on(run(config))
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let telemetry = telemetry::init("crm-salesforce", &config.telemetry)?;
    let tasks = TaskSet::new(shutdown::on_signal().context("signal handlers")?);
    let ended = serve(&config, &telemetry, &tasks).await;
    if let Err(error) = &ended {
        tracing::error!(error = format!("{error:#}"), "crm-salesforce ends");
    }
    telemetry.shutdown();
    ended
}

/// Delivers until the task set is stopped.
async fn serve(config: &Config, telemetry: &Telemetry, tasks: &TaskSet) -> anyhow::Result<()> {
    let readiness = Readiness::new(&[delivery::READY_LEADS, delivery::READY_REDIS]);
    health::serve(config.ops.listen, readiness.clone(), telemetry.metrics(), tasks)
        .await
        .with_context(|| format!("ops.listen {}", config.ops.listen))?;

    let redis = Redis::open(&config.redis).context("redis.url")?;
    let replicas = LiveReplicas::default();
    let destination = stream::Destination::new(Salesforce::NAME);
    let quota = Quota::new(
        redis.clone(),
        destination,
        config.delivery.quota(),
        replicas.clone(),
    );
    let client = VendorClient::new(config.vendor.client_limits()).context("the HTTP client")?;
    let calls = VendorCalls::new(
        client,
        quota.clone(),
        Arc::new(limits::feedback),
        &config.delivery.calls(),
        &telemetry.meter(),
    );
    let needed = calls.needed();
    let service = LeadsService::connect_lazy(&config.leads)?;
    let rules = config.vendor.rules();
    let sessions = Sessions::new(calls.clone(), service.clone(), rules.clone(), Clock::system());
    let salesforce = Salesforce::new(SalesforceApi::new(calls, sessions, rules));
    let parts = DriverParts {
        service,
        redis,
        quota,
        replicas,
        config: config.delivery.clone(),
        needed,
        replica: config.leads.replica_name(),
        readiness,
        meter: telemetry.meter(),
    };
    delivery::start(Arc::new(salesforce), parts, tasks);

    tasks.stop_token().cancelled().await;
    tasks
        .drain(Duration::from_millis(config.delivery.drain_ms) + GRACE)
        .await?;
    tracing::info!("crm-salesforce has stopped");
    Ok(())
}
