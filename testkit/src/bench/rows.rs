//! Rows of one capture, read from one database and written to another as they are, by plain SQL.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Column, Executor, PgConnection, Row, SqliteConnection, TypeInfo, ValueRef,
    postgres::PgRow, sqlite::SqliteRow,
};
use uuid::Uuid;

/// Tables that a capture of a new person writes, in the order of its inserts, with the column that names whose row it
/// is and the one that grows with time.
pub const TABLES: [Table; 7] = [
    Table::new("idempotency", None, "created_at"),
    Table::new("contacts", Some("id"), "id"),
    Table::new("leads", Some("contact_id"), "id"),
    Table::new("messages", Some("contact_id"), "id"),
    Table::new("scores", Some("lead_id"), "id"),
    Table::new("activities", Some("lead_id"), "id"),
    Table::new("sync_jobs", Some("lead_id"), "id"),
];

/// See [`TABLES`].
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Name.
    pub name: &'static str,
    /// Column of the person or lead; none if rows belong to calls.
    pub owner: Option<&'static str>,
    /// Column by which newer rows come later.
    pub order: &'static str,
}

/// A column's value, with the type that Postgres wants for it even if it is NULL. SQLite knows text, bytes and numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Uuid(Option<Uuid>),
    Bytes(Option<Vec<u8>>),
    Small(Option<i16>),
    Int(Option<i32>),
    Big(Option<i64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Json(Option<Value>),
    Time(Option<DateTime<Utc>>),
}

/// Rows of one table with the names of their columns.
#[derive(Debug, Default)]
pub struct Read {
    /// Names, in the order of the cells.
    pub columns: Vec<String>,
    /// Cells by row.
    pub rows: Vec<Vec<Cell>>,
}

/// A connection to either database.
#[derive(Debug)]
pub enum Connection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Table {
    const fn new(name: &'static str, owner: Option<&'static str>, order: &'static str) -> Self {
        Self { name, owner, order }
    }

    /// Reads the rows that came after the first `known`.
    pub async fn read(self, connection: &mut Connection, known: usize) -> Result<Read> {
        let Self { name, order, .. } = self;
        let sql = AssertSqlSafe(format!(
            "SELECT * FROM {name} ORDER BY {order} LIMIT 10000000 OFFSET {known}"
        ));
        match connection {
            Connection::Postgres(connection) => {
                let found = connection.fetch_all(sqlx::query(sql)).await?;
                Ok(Read {
                    columns: found.first().map(names).unwrap_or_default(),
                    rows: found.iter().map(postgres_cells).collect::<Result<_>>()?,
                })
            }
            Connection::Sqlite(connection) => {
                let found = connection.fetch_all(sqlx::query(sql)).await?;
                Ok(Read {
                    columns: found.first().map(names).unwrap_or_default(),
                    rows: found.iter().map(sqlite_cells).collect::<Result<_>>()?,
                })
            }
        }
    }
}

impl Connection {
    /// Runs a statement without parameters.
    pub async fn run(&mut self, sql: &'static str) -> Result<()> {
        match self {
            Self::Postgres(connection) => connection.execute(sql).await.map(drop)?,
            Self::Sqlite(connection) => connection.execute(sql).await.map(drop)?,
        }
        Ok(())
    }

    /// Runs a prepared statement with these values; it is prepared at its first use.
    pub async fn write<'a>(&mut self, sql: &str, cells: impl Iterator<Item = &'a Cell>) -> Result<()> {
        macro_rules! bind_all {
            ($connection:expr) => {{
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for cell in cells {
                    query = match cell.clone() {
                        Cell::Uuid(value) => query.bind(value),
                        Cell::Bytes(value) => query.bind(value),
                        Cell::Small(value) => query.bind(value),
                        Cell::Int(value) => query.bind(value),
                        Cell::Big(value) => query.bind(value),
                        Cell::Bool(value) => query.bind(value),
                        Cell::Text(value) => query.bind(value),
                        Cell::Json(value) => query.bind(value),
                        Cell::Time(value) => query.bind(value),
                    };
                }
                $connection.execute(query).await.map(drop)?;
            }};
        }
        match self {
            Self::Postgres(connection) => bind_all!(connection),
            Self::Sqlite(connection) => bind_all!(connection),
        }
        Ok(())
    }

    /// The single number that a query answers.
    pub async fn number(&mut self, sql: &'static str) -> Result<i64> {
        Ok(match self {
            Self::Postgres(connection) => connection.fetch_one(sql).await?.try_get(0)?,
            Self::Sqlite(connection) => connection.fetch_one(sql).await?.try_get(0)?,
        })
    }
}

fn names<R: Row>(row: &R) -> Vec<String> {
    row.columns()
        .iter()
        .map(|column| column.name().to_owned())
        .collect()
}

fn postgres_cells(row: &PgRow) -> Result<Vec<Cell>> {
    let cell = |at: usize| {
        Ok(match row.try_get_raw(at)?.type_info().name() {
            "UUID" => Cell::Uuid(row.try_get(at)?),
            "BYTEA" => Cell::Bytes(row.try_get(at)?),
            "INT2" => Cell::Small(row.try_get(at)?),
            "INT4" => Cell::Int(row.try_get(at)?),
            "INT8" => Cell::Big(row.try_get(at)?),
            "BOOL" => Cell::Bool(row.try_get(at)?),
            "TEXT" | "VARCHAR" => Cell::Text(row.try_get(at)?),
            "JSONB" => Cell::Json(row.try_get(at)?),
            "TIMESTAMPTZ" => Cell::Time(row.try_get(at)?),
            other => bail!("a column of type {other}"),
        })
    };
    (0..row.len()).map(cell).collect()
}

fn sqlite_cells(row: &SqliteRow) -> Result<Vec<Cell>> {
    let cell = |at: usize| {
        let value = row.try_get_raw(at)?;
        if value.is_null() {
            return Ok(Cell::Text(None));
        }
        let kind = value.type_info().name().to_owned();
        Ok(match kind.as_str() {
            "TEXT" => Cell::Text(row.try_get_unchecked(at)?),
            "BLOB" => Cell::Bytes(row.try_get_unchecked(at)?),
            "INTEGER" => Cell::Big(row.try_get_unchecked(at)?),
            other => bail!("a value of type {other}"),
        })
    };
    (0..row.len()).map(cell).collect()
}
