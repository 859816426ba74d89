//! What a program without the product would do: the same rows into the same tables, one transaction a capture, one
//! prepared statement a table, on as many connections as there are callers.

use std::{
    collections::HashMap,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use sqlx::{ConnectOptions, Connection as _, PgConnection, sqlite::SqliteConnectOptions};
use tokio::sync::Mutex;

use super::rows::{Cell, Connection, TABLES};

/// Rows of one capture: a statement and its values for each table.
type Bundle = Vec<(Arc<str>, Vec<Cell>)>;

/// Copies what a database was given into another one with the same tables.
#[derive(Debug)]
pub struct Baseline {
    from: Connection,
    to: String,
    seen: [usize; TABLES.len()],
}

impl Baseline {
    /// From one database to the other, which has the tables and no rows of them.
    pub async fn new(from: &str, to: &str) -> Result<Self> {
        Ok(Self {
            from: connect(from).await?,
            to: to.to_owned(),
            seen: [0; TABLES.len()],
        })
    }

    /// Reads what was captured since the last call.
    pub async fn gather(&mut self) -> Result<Vec<Bundle>> {
        let mut bundles: Vec<Bundle> = Vec::new();
        let mut place: HashMap<Vec<u8>, usize> = HashMap::new();
        for (table, seen) in TABLES.iter().zip(&mut self.seen) {
            let found = table.read(&mut self.from, *seen).await?;
            *seen += found.rows.len();
            let owner = table.owner.and_then(|owner| position(&found.columns, owner));
            let id = position(&found.columns, "id");
            let mut values: Vec<Vec<Cell>> = vec![Vec::new(); bundles.len()];
            let mut counts = vec![0; bundles.len()];
            for (number, row) in found.rows.into_iter().enumerate() {
                let at = match owner.and_then(|owner| row.get(owner)).and_then(key) {
                    // A new person: the next call's row. Its rows are counted by the first table.
                    None => number,
                    Some(owner) if table.name == "contacts" => *place.entry(owner).or_insert(number),
                    Some(owner) => *place.get(&owner).context("a row of an unknown person")?,
                };
                if table.owner.is_none() {
                    values.push(Vec::new());
                    counts.push(0);
                    bundles.push(Vec::new());
                }
                // Later tables name the lead instead of the person.
                if table.name == "leads"
                    && let Some(lead) = id.and_then(|id| row.get(id)).and_then(key)
                {
                    place.insert(lead, at);
                }
                values.get_mut(at).context("more people than calls")?.extend(row);
                *counts.get_mut(at).context("more people than calls")? += 1;
            }
            let mut statements: HashMap<usize, Arc<str>> = HashMap::new();
            for ((bundle, values), count) in bundles.iter_mut().zip(values).zip(counts) {
                if count > 0 {
                    let sql = statements
                        .entry(count)
                        .or_insert_with(|| insert(table.name, &found.columns, count).into());
                    bundle.push((Arc::clone(sql), values));
                }
            }
        }
        Ok(bundles)
    }

    /// Writes them on `connections` connections, and says how long that took. SQLite takes one writer at a time, so
    /// there its one connection goes from hand to hand.
    pub async fn write(&self, bundles: Vec<Bundle>, connections: usize) -> Result<Duration> {
        ensure!(!bundles.is_empty(), "nothing was captured");
        let own = if is_sqlite(&self.to) { 1 } else { connections };
        let mut open = Vec::new();
        for _ in 0..own {
            let mut connection = connect(&self.to).await?;
            // Prepared before the clock starts, as a pool's connections are after a moment.
            if let Some(first) = bundles.first() {
                store(&mut connection, first, "ROLLBACK").await?;
            }
            open.push(Arc::new(Mutex::new(connection)));
        }
        let bundles = Arc::new(bundles);
        let next = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let tasks: Vec<_> = open
            .iter()
            .cycle()
            .take(connections)
            .map(|connection| {
                let (connection, bundles, next) =
                    (Arc::clone(connection), Arc::clone(&bundles), Arc::clone(&next));
                tokio::spawn(async move {
                    while let Some(bundle) = bundles.get(next.fetch_add(1, Ordering::Relaxed)) {
                        store(&mut *connection.lock().await, bundle, "COMMIT").await?;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(start.elapsed())
    }
}

/// Opens a connection with the settings of leads-svc.
pub async fn connect(url: &str) -> Result<Connection> {
    if is_sqlite(url) {
        let options = SqliteConnectOptions::from_str(url)?
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(30))
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL");
        return Ok(Connection::Sqlite(options.connect().await?));
    }
    Ok(Connection::Postgres(PgConnection::connect(url).await?))
}

async fn store(connection: &mut Connection, bundle: &Bundle, end: &'static str) -> Result<()> {
    let begin = match connection {
        Connection::Postgres(_) => "BEGIN",
        Connection::Sqlite(_) => "BEGIN IMMEDIATE",
    };
    connection.run(begin).await?;
    for (sql, cells) in bundle {
        connection.write(sql, cells.iter()).await?;
    }
    connection.run(end).await
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

fn position(columns: &[String], name: &str) -> Option<usize> {
    columns.iter().position(|column| column == name)
}

fn key(cell: &Cell) -> Option<Vec<u8>> {
    match cell {
        Cell::Uuid(Some(id)) => Some(id.as_bytes().to_vec()),
        Cell::Bytes(Some(bytes)) => Some(bytes.clone()),
        _ => None,
    }
}

fn insert(table: &str, columns: &[String], rows: usize) -> String {
    let row = |number: usize| {
        let first = number * columns.len() + 1;
        let marks: Vec<String> = (first..first + columns.len())
            .map(|at| format!("${at}"))
            .collect();
        format!("({})", marks.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES {}",
        columns.join(", "),
        rows.join(", ")
    )
}
