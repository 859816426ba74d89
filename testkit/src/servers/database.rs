//! A database of a test's own, dropped with it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use anyhow::{Context, Result, ensure};

/// A role of the server that is no superuser; its password is its name. It has no rights unless they are granted.
pub const APP_ROLE: &str = "leads_app";

/// A fresh database. Dropping this drops it, with the connections that are still open.
#[derive(Debug)]
pub struct TestDatabase {
    /// `postgres://…` URL, with the rights of a superuser.
    pub url: String,
    /// The same with the rights that [`APP_ROLE`] was granted.
    pub app_url: String,
    name: String,
    admin: Psql,
    keep_waiting: bool,
}

impl TestDatabase {
    pub(super) fn new(admin: Psql, name: String, keep_waiting: bool) -> Self {
        let url = with_database(admin.url(), &name);
        Self {
            app_url: with_role(&url, APP_ROLE),
            url,
            name,
            admin,
            keep_waiting,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL in it and returns the rows as psql prints them: columns separated by `|`, a row a line.
    pub async fn sql(&self, statement: &str) -> Result<String> {
        self.admin.of(&self.url).run(statement).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), self.name.clone());
        let dropping =
            thread::spawn(move || admin.run_now(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        // A server of the tests' own goes away as a whole; nobody else tidies up a shared one.
        if self.keep_waiting {
            let _ = dropping.join();
        }
    }
}

/// The psql program and whom it talks to.
#[derive(Clone, Debug)]
pub(super) struct Psql {
    program: PathBuf,
    url: String,
}

impl Psql {
    pub fn new(program: impl AsRef<Path>, url: &str) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            url: url.to_owned(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn of(&self, url: &str) -> Self {
        Self::new(&self.program, url)
    }

    pub async fn run(&self, statement: &str) -> Result<String> {
        let (psql, statement) = (self.clone(), statement.to_owned());
        tokio::task::spawn_blocking(move || psql.run_now(&statement)).await?
    }

    pub fn run_now(&self, statement: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.url,
            "-c",
            statement,
        ]);
        let output = command
            .env("PGCONNECT_TIMEOUT", "10")
            .output()
            .context("run psql")?;
        ensure!(
            output.status.success(),
            "{statement}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

/// The same server and parameters, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, None), |(left, right)| (left, Some(right)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address
        .char_indices()
        .skip_while(|(at, _)| *at < authority)
        .find(|(_, c)| *c == '/');
    let server = end.and_then(|(at, _)| address.get(..at)).unwrap_or(address);
    parameters.map_or_else(
        || format!("{server}/{name}"),
        |parameters| format!("{server}/{name}?{parameters}"),
    )
}

/// The same server and database, as another role.
fn with_role(url: &str, role: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    format!("{scheme}://{role}:{role}@{server}{path}")
}

#[cfg(test)]
mod tests {
    use super::{with_database, with_role};

    #[test]
    fn only_the_role_of_a_url_changes() {
        for (url, expected) in [
            ("postgres://u:p@h:1/db", "postgres://app:app@h:1/db"),
            (
                "postgres://h/db?sslmode=disable",
                "postgres://app:app@h/db?sslmode=disable",
            ),
        ] {
            assert_eq!(with_role(url, "app"), expected);
        }
    }

    #[test]
    fn only_the_database_of_a_url_changes() {
        for (url, expected) in [
            ("postgres://u:p@h:1/old", "postgres://u:p@h:1/new"),
            ("postgres://u@h:1", "postgres://u@h:1/new"),
            (
                "postgresql://h/old?sslmode=disable&a=b/c",
                "postgresql://h/new?sslmode=disable&a=b/c",
            ),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
