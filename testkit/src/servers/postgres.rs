//! Postgres for tests: one cluster per test binary, a fresh database per test.
//!
//! The server is found on PATH or where Debian, Red Hat and Homebrew put it; with LEADS_TEST_POSTGRES_URL a running
//! one is used instead. Data is in a temporary folder, fsync is on as in production.

use std::{
    collections::HashMap,
    env, fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};

use super::database::{APP_ROLE, Psql, TestDatabase};
use crate::{
    faults::tally,
    ports::free_port,
    process::{Process, Program, find_on_path},
    wait,
};

const START_LIMIT: Duration = Duration::from_secs(60);
const MISSING: &str = "no Postgres server found: run `apt-get install postgresql`, put initdb, postgres and psql on \
                       PATH, or set LEADS_TEST_POSTGRES_URL to a running server's URL";
/// Socket paths longer than 107 bytes are refused by the kernel; `.s.PGSQL.<port>.lock` needs 21 of them.
const LONGEST_SOCKET_FOLDER: usize = 85;

static SHARED: OnceCell<Postgres> = OnceCell::const_new();

/// A Postgres server.
#[derive(Debug)]
pub struct Postgres {
    admin: Psql,
    cluster: Option<Cluster>,
    templates: Mutex<HashMap<String, TestDatabase>>,
}

#[derive(Debug)]
struct Cluster {
    // Before the folder: fields are dropped in this order.
    process: std::sync::Mutex<Option<Process>>,
    program: Program,
    _folder: TempDir,
}

impl Postgres {
    /// The server of this test binary: LEADS_TEST_POSTGRES_URL, or a cluster that the first call creates.
    ///
    /// # Errors
    /// Nothing to start; the text says what to install.
    pub async fn shared() -> Result<&'static Self> {
        SHARED
            .get_or_try_init(async || match env::var("LEADS_TEST_POSTGRES_URL") {
                Ok(url) if !url.is_empty() => Self::running_at(&url).await,
                _ => Self::start().await,
            })
            .await
    }

    /// A cluster of the caller's own, gone when dropped.
    pub async fn start() -> Result<Self> {
        let binaries = find_binaries().context(MISSING)?;
        let folder = tempfile::Builder::new().prefix("leads-postgres-").tempdir()?;
        let user = unprivileged_user()?;
        if let Some(user) = &user {
            chown(folder.path(), Some(user.id), None)?;
        }
        let (logs, data) = (folder.path().join("logs"), folder.path().join("data"));
        fs::create_dir(&logs)?;
        let as_user = |program: Program| match &user {
            Some(user) => program.user(user.name),
            None => program,
        };
        let initdb = as_user(Program::new(binaries.join("initdb"), &logs))
            .args([
                "--auth=trust",
                "--username=leads",
                "--encoding=UTF8",
                "--no-instructions",
                "--pgdata",
            ])
            .arg(&data);
        // Linguistic order by default, so that a query that relies on "C" without saying so is found out.
        let linguistic = initdb
            .clone()
            .args(["--locale=C", "--locale-provider=icu", "--icu-locale=en"]);
        if linguistic.output(START_LIMIT).await.is_err() {
            let _ = fs::remove_dir_all(&data);
            initdb
                .arg("--locale=C")
                .output(START_LIMIT)
                .await
                .context("create the Postgres cluster")?;
        }

        let port = free_port()?;
        let sockets = folder.path().as_os_str();
        let sockets = if sockets.len() > LONGEST_SOCKET_FOLDER {
            Path::new("")
        } else {
            folder.path()
        };
        let program = as_user(Program::new(binaries.join("postgres"), &logs))
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"])
            .arg(sockets)
            .args([
                "-c",
                "max_connections=400",
                "-c",
                "shared_buffers=64MB",
                "-c",
                "timezone=UTC",
            ])
            .scratch(folder.path());
        let admin = Psql::new(
            binaries.join("psql"),
            &format!("postgres://leads@127.0.0.1:{port}/postgres"),
        );
        let cluster = Cluster {
            process: std::sync::Mutex::new(None),
            program,
            _folder: folder,
        };
        let postgres = Self {
            admin,
            cluster: Some(cluster),
            templates: Mutex::default(),
        };
        postgres.restart().await?;
        postgres.admin.run(&app_role()).await?;
        Ok(postgres)
    }

    async fn running_at(url: &str) -> Result<Self> {
        let psql = find_on_path(&["psql"]).or_else(|| find_binaries().map(|folder| folder.join("psql")));
        let psql = psql.context("psql is missing: run `apt-get install postgresql-client`")?;
        let admin = Psql::new(psql, url);
        admin.run("SELECT 1").await.context("LEADS_TEST_POSTGRES_URL")?;
        admin.run(&app_role()).await?;
        Ok(Self {
            admin,
            cluster: None,
            templates: Mutex::default(),
        })
    }

    /// URL of its maintenance database, with the rights of a superuser.
    pub fn url(&self) -> &str {
        self.admin.url()
    }

    /// An empty database.
    pub async fn database(&self) -> Result<TestDatabase> {
        self.create("template0").await
    }

    /// A copy of a database that `prepare` filled once: the first call of a `name` creates it and hands its URL to
    /// `prepare`, which must be done with it when it returns.
    pub async fn from_template(
        &self,
        name: &str,
        prepare: impl AsyncFnOnce(String) -> Result<()>,
    ) -> Result<TestDatabase> {
        let mut templates = self.templates.lock().await;
        let template = match templates.get(name) {
            Some(template) => template,
            None => {
                let template = self.create("template0").await?;
                prepare(template.url.clone())
                    .await
                    .with_context(|| format!("prepare the template {name}"))?;
                // Only a database without connections can be copied.
                let database = template.name();
                self.admin
                    .run(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"))
                    .await?;
                let others = format!("FROM pg_stat_activity WHERE datname = '{database}'");
                self.admin
                    .run(&format!("SELECT pg_terminate_backend(pid) {others}"))
                    .await?;
                wait::until("the template's connections to end", START_LIMIT, async || {
                    let left = self.admin.run(&format!("SELECT count(*) {others}")).await?;
                    Ok((left == "0").then_some(()))
                })
                .await?;
                templates.entry(name.to_owned()).or_insert(template)
            }
        };
        self.create(template.name()).await
    }

    /// Kills the server of the caller's own as a power cut would.
    ///
    /// # Errors
    /// It is not ours.
    pub fn kill(&self) -> Result<()> {
        let mut process = self.own_process()?;
        if let Some(process) = process.as_mut() {
            process.kill()?;
            tally::note("kills of Postgres");
        }
        *process = None;
        Ok(())
    }

    /// Process id of the server of the caller's own, while it runs.
    ///
    /// # Errors
    /// It is not ours, or cannot be asked.
    pub fn pid(&self) -> Result<Option<u32>> {
        Ok(self.own_process()?.as_ref().map(Process::pid))
    }

    /// The end of the output of the server of the caller's own, once it has ended by itself.
    ///
    /// # Errors
    /// It is not ours, or cannot be asked.
    pub fn last_words(&self) -> Result<Option<String>> {
        let mut process = self.own_process()?;
        let Some(process) = process.as_mut() else {
            return Ok(None);
        };
        Ok((!process.is_running()?).then(|| process.tail()))
    }

    /// Starts the server of the caller's own again, with its data, on its port.
    ///
    /// # Errors
    /// It is not ours; no answer within a minute.
    pub async fn restart(&self) -> Result<()> {
        self.kill()?;
        let program = &self.cluster.as_ref().context("not a server of our own")?.program;
        wait::until("Postgres to start", START_LIMIT, async || {
            if self.admin.run("SELECT 1").await.is_ok() {
                return Ok(Some(()));
            }
            let mut process = self.own_process()?;
            if let Some(running) = process.as_mut() {
                if running.is_running()? {
                    return Ok(None);
                }
                // It gives up while back ends of a killed predecessor are still ending: then it is started again.
                ensure!(
                    running.tail().contains("still in use"),
                    "Postgres ended\n{}",
                    running.tail()
                );
            }
            *process = Some(program.start()?);
            Ok(None)
        })
        .await
    }

    async fn create(&self, template: &str) -> Result<TestDatabase> {
        let name = format!("t_{}", uuid::Uuid::new_v4().simple());
        self.admin
            .run(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await?;
        Ok(TestDatabase::new(
            self.admin.clone(),
            name,
            self.cluster.is_none(),
        ))
    }

    fn own_process(&self) -> Result<std::sync::MutexGuard<'_, Option<Process>>> {
        let cluster = self
            .cluster
            .as_ref()
            .context("the server of LEADS_TEST_POSTGRES_URL is not ours")?;
        Ok(cluster
            .process
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// Makes [`APP_ROLE`] if the server has no such role.
fn app_role() -> String {
    format!(
        "DO $$ BEGIN CREATE ROLE {APP_ROLE} LOGIN PASSWORD '{APP_ROLE}'; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
}

struct User {
    name: &'static str,
    id: u32,
}

/// Postgres refuses to run as root: there it runs as one of the users that can do nothing else.
fn unprivileged_user() -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        let output = Command::new("id").args(["-u", name]).output().context("run id")?;
        if output.status.success() {
            let id = String::from_utf8(output.stdout)?.trim().parse()?;
            return Ok(Some(User { name, id }));
        }
    }
    bail!("Postgres does not run as root, and there is neither a user postgres nor nobody")
}

/// The folder that holds all programs of the newest server.
fn find_binaries() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "psql"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let mut installed: Vec<(u32, PathBuf)> = [
        "/usr/lib/postgresql",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
    ]
    .iter()
    .filter_map(|parent| fs::read_dir(parent).ok())
    .flatten()
    .filter_map(|entry| Some(entry.ok()?.path()))
    .filter_map(|folder| {
        let name = folder.file_name()?.to_str()?;
        let version = name
            .trim_start_matches("pgsql-")
            .trim_start_matches("postgresql@")
            .parse()
            .ok()?;
        Some((version, folder.join("bin")))
    })
    .collect();
    installed.sort();
    let on_path =
        find_on_path(&["initdb"]).and_then(|file| Some(fs::canonicalize(file).ok()?.parent()?.to_owned()));
    on_path
        .into_iter()
        .chain(installed.into_iter().rev().map(|(_, folder)| folder))
        .find(complete)
}
