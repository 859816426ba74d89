//! The operator's command line.

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};
use leads_runtime::process::{self, config as settings};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    app,
    config::Config,
    domain::{ids, plan::Plan, sync::Provider, workspace::Settings},
    qualify::jsonl,
    service::{
        audit::{Anchor, mac_text, parse_mac},
        keys::mint,
        principal::{Bound, Scope},
        workspaces,
    },
    storage::Store,
};

mod keys;

/// Whom the audit log names for what this command line does.
const OPERATOR: &str = "operator";

/// The system of record of Leads.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// TOML file that overrides defaults.
    #[arg(long, env = "LEADS_SVC_CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until it is told to stop.
    Serve,
    /// Brings the database up to date.
    Migrate {
        /// Then gives this role what the service needs: one that owns no tables and that the policies hold. Postgres only.
        #[arg(long, value_name = "ROLE")]
        grant_to: Option<String>,
    },
    /// Workspaces.
    #[command(subcommand)]
    Workspace(WorkspaceCommand),
    /// Credentials.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Encryption keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Scores conversations: one JSON object a line in, one a line out.
    Qualify {
        /// File of conversations; `-` for standard input.
        file: PathBuf,
    },
    /// Checks the settings and prints them with secrets hidden.
    CheckConfig,
}

#[derive(Debug, Subcommand)]
enum WorkspaceCommand {
    /// Creates a workspace and a key with all of its scopes.
    Create {
        /// Name for people.
        #[arg(long)]
        name: String,
        /// UUID by which a repeated command is recognised for 24 hours: it prints the same workspace and key.
        #[arg(long)]
        request_id: Option<Uuid>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Gives a workspace a plan: free, starter, growth, business or enterprise.
    SetPlan {
        /// `ws_…`
        workspace: String,
        /// The plan.
        #[arg(value_parser = plan_of)]
        plan: Plan,
    },
    /// Lists workspaces with their plans, oldest first.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Walks through the log of a workspace; fails and names the first entry that is not as it was written.
    Verify {
        /// The workspace, `ws_…`.
        workspace: String,
        /// What the log has to pass through, from the service's log (`audit anchor`): the number, `:`, the MAC.
        #[arg(long = "anchor", value_name = "N:MAC")]
        anchors: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Creates a credential; its text is printed once and stored nowhere.
    Create(KeyArgs),
    /// Ends a credential of any kind; running replicas refuse it within five seconds.
    Revoke {
        /// Public part: the letters between the first and the second `_`.
        id: String,
    },
}

#[derive(Debug, Args)]
#[group(skip)]
struct KeyArgs {
    /// For callers of this workspace (`ak_`).
    #[arg(long, group = "bound")]
    workspace: Option<String>,
    /// For the operator's own backend services (`pk_`).
    #[arg(long, group = "bound")]
    platform: bool,
    /// For a connector (`ck_`), such as `hubspot`.
    #[arg(long, group = "bound")]
    connector: Option<String>,
    /// Name for people.
    #[arg(long)]
    name: String,
    /// Scopes of a workspace's or a platform key, separated by commas; all that it can have if absent.
    #[arg(long, value_delimiter = ',')]
    scopes: Vec<String>,
    /// Days after which the key ends by itself; never if absent.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    valid_days: Option<u16>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Cli {
    /// Carries the command out.
    ///
    /// # Errors
    /// What went wrong, for a person.
    pub fn run(self) -> anyhow::Result<()> {
        if let Command::Qualify { file } = &self.command {
            return qualify(file);
        }
        let config = Config::load(self.config)?;
        if matches!(self.command, Command::CheckConfig) {
            return Ok(std::io::stdout().write_all(settings::describe(&config).as_bytes())?);
        }
        process::crypto_provider();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            match self.command {
                Command::Serve => app::run(config).await,
                Command::Migrate { grant_to } => migrate(&config, grant_to.as_deref()).await,
                Command::Workspace(command) => workspace(&migrated(&config).await?, command).await,
                Command::Key(KeyCommand::Create(args)) => create_key(&migrated(&config).await?, args).await,
                Command::Key(KeyCommand::Revoke { id }) => revoke_key(&migrated(&config).await?, &id).await,
                Command::Keys(command) => command.run(&migrated(&config).await?).await,
                Command::Audit(command) => audit(&migrated(&config).await?, command).await,
                Command::Qualify { .. } | Command::CheckConfig => Ok(()),
            }
        })
    }
}

async fn migrated(config: &Config) -> anyhow::Result<Store> {
    let store = app::open_store(config).await?;
    if config.storage.migrate_at_start {
        store.migrate().await.context("migration")?;
    } else if !store.is_migrated().await? {
        bail!("the database is not up to date: run leads-svc migrate");
    }
    app::check_key(&store).await?;
    Ok(store)
}

async fn migrate(config: &Config, grant_to: Option<&str>) -> anyhow::Result<()> {
    let store = app::open_store(config).await?;
    store.migrate().await?;
    match grant_to {
        Some(role) => Ok(store.grant_to(role).await?),
        None => Ok(()),
    }
}

async fn workspace(store: &Store, command: WorkspaceCommand) -> anyhow::Result<()> {
    match command {
        WorkspaceCommand::Create {
            name,
            request_id,
            json,
        } => {
            let name = name.trim();
            if name.is_empty() || name.chars().count() > 200 {
                bail!("--name must have 1 to 200 characters");
            }
            let founded = workspaces::create(store, name, Settings::default(), request_id, OPERATOR).await?;
            let (id, key) = (ids::format::<ids::Workspace>(founded.workspace.id), founded.key);
            let lines = [format!("workspace {id}"), format!("key       {key}")];
            print(json, &json!({"workspace": id, "name": name, "key": key}), &lines)
        }
        WorkspaceCommand::SetPlan { workspace, plan } => {
            let id = ids::parse::<ids::Workspace>(&workspace)
                .map_err(|problem| anyhow::anyhow!("{workspace} {problem}"))?;
            if !store.set_plan(id, plan, OPERATOR).await? {
                bail!("there is no workspace {workspace}");
            }
            Ok(())
        }
        WorkspaceCommand::List { json } => {
            let all = store.list_workspaces().await?;
            let id =
                |workspace: &crate::domain::workspace::Workspace| ids::format::<ids::Workspace>(workspace.id);
            let values: Vec<Value> = all
                .iter()
                .map(|workspace| json!({"workspace": id(workspace), "plan": workspace.plan.word(), "name": workspace.name}))
                .collect();
            let lines: Vec<String> = all
                .iter()
                .map(|workspace| {
                    format!(
                        "{}  {:10}  {}",
                        id(workspace),
                        workspace.plan.word(),
                        workspace.name
                    )
                })
                .collect();
            print(json, &Value::Array(values), &lines)
        }
    }
}

fn plan_of(word: &str) -> Result<Plan, String> {
    Plan::parse(word).ok_or_else(|| {
        let known = Plan::ALL.map(Plan::word).join(", ");
        format!("there is no such plan; known are: {known}")
    })
}

async fn create_key(store: &Store, args: KeyArgs) -> anyhow::Result<()> {
    let (bound, scopes) = match (&args.workspace, args.platform, &args.connector) {
        (Some(workspace), ..) => {
            let id = ids::parse::<ids::Workspace>(workspace)
                .map_err(|problem| anyhow::anyhow!("--workspace {problem}"))?;
            if store.find_workspace(id).await?.is_none() {
                bail!("there is no workspace {workspace}");
            }
            (
                Bound::Workspace(id),
                scopes(&args.scopes, Scope::of_workspaces().collect())?,
            )
        }
        (None, true, _) => (
            Bound::Platform,
            scopes(&args.scopes, Scope::of_platforms().collect())?,
        ),
        (None, false, Some(destination)) => {
            let Some(provider) = Provider::parse(destination) else {
                let known: Vec<&str> = Provider::ALL.into_iter().map(Provider::name).collect();
                bail!(
                    "there is no connector {destination}; known are: {}",
                    known.join(", ")
                );
            };
            (
                Bound::Destination(provider.name().to_owned()),
                vec![Scope::Connector],
            )
        }
        (None, false, None) => bail!("say for whom: --workspace, --platform or --connector"),
    };
    let expires_at = args
        .valid_days
        .map(|days| store.clock().now() + TimeDelta::days(days.into()));
    let (key, text) = mint(store, &bound, &args.name, &scopes, expires_at);
    let id = key.id.clone();
    store.create_key(key, OPERATOR).await?;
    print(
        args.json,
        &json!({"id": id, "key": text}),
        std::slice::from_ref(&text),
    )
}

async fn revoke_key(store: &Store, id: &str) -> anyhow::Result<()> {
    if !store.revoke_any_key(id, OPERATOR).await? {
        bail!("there is no key {id}: give the public part alone");
    }
    Ok(())
}

async fn audit(store: &Store, command: AuditCommand) -> anyhow::Result<()> {
    let AuditCommand::Verify {
        workspace,
        anchors,
        json,
    } = command;
    let id = ids::parse::<ids::Workspace>(&workspace)
        .map_err(|problem| anyhow::anyhow!("the workspace {problem}"))?;
    if store.find_workspace(id).await?.is_none() {
        bail!("there is no workspace {workspace}");
    }
    let anchors = anchors
        .iter()
        .map(|text| {
            anchor(text).with_context(|| {
                format!("--anchor {text}: expected is a number, `:` and a MAC of 43 letters")
            })
        })
        .collect::<anyhow::Result<Vec<Anchor>>>()?;
    let keys = store.workspace_keys(id).await?;
    let walk = store.walk_audit(id, &keys, anchors).await?;
    let last = format!("{}:{}", walk.last.n, mac_text(&walk.last.mac));
    let fault = walk
        .fault
        .map(|fault| json!({"n": fault.n, "problem": format!("{:?}", fault.problem)}));
    let answer = json!({"intact": fault.is_none(), "last": last, "fault": fault});
    match walk.fault {
        None => print(
            json,
            &answer,
            &[format!("intact, {} entries, newest {last}", walk.last.n)],
        ),
        Some(fault) => {
            print(json, &answer, &[format!("as it was written up to {last}")])?;
            bail!(
                "the log of {workspace} is not as it was written: entry {} is {:?}",
                fault.n,
                fault.problem
            )
        }
    }
}

fn anchor(text: &str) -> Option<Anchor> {
    let (n, mac) = text.split_once(':')?;
    Some(Anchor {
        n: n.parse().ok()?,
        mac: parse_mac(mac)?,
    })
}

/// The scopes of these names among those that a key can have; all if none is named.
fn scopes(names: &[String], possible: Vec<Scope>) -> anyhow::Result<Vec<Scope>> {
    if names.is_empty() {
        return Ok(possible);
    }
    names
        .iter()
        .map(|name| {
            Scope::parse(name)
                .filter(|scope| possible.contains(scope))
                .with_context(|| {
                    let known: Vec<&str> = possible.iter().map(|scope| scope.name()).collect();
                    format!("there is no scope {name}; known are: {}", known.join(", "))
                })
        })
        .collect()
}

fn qualify(file: &PathBuf) -> anyhow::Result<()> {
    let input: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(BufReader::new(
            File::open(file).with_context(|| file.display().to_string())?,
        ))
    };
    let mut output = BufWriter::new(std::io::stdout().lock());
    for (number, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("line {}", number + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = jsonl::qualify_line(&line).with_context(|| format!("line {}", number + 1))?;
        writeln!(output, "{answer}")?;
    }
    Ok(output.flush()?)
}

fn print(as_json: bool, value: &Value, lines: &[String]) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    if as_json {
        writeln!(output, "{value}")?;
    } else {
        for line in lines {
            writeln!(output, "{line}")?;
        }
    }
    Ok(())
}
