//! Inserts of any number of rows into any tables, as few statements of few texts.
//!
//! On Postgres a round trip is what costs: the rows of each table travel as one JSON array, so that one statement takes
//! all tables, and its text does not depend on how many rows there are. SQLite has no round trips.

use chrono::SecondsFormat;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, Iden, IntoActiveModel, Iterable, JsonValue, ModelTrait,
    QueryTrait, Statement, Value, sea_query::InsertStatement,
};
use serde_json::Map;

use super::{error::Result, scope::Reach};

/// Most rows of one statement on SQLite. Smaller ones have powers of two, so that few texts are to be prepared.
const ROWS_PER_STATEMENT: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) enum NewRows {
    /// For Postgres: what they are about, where there are policies; parts of the statement, and for each its rows.
    Postgres(Option<Reach>, Vec<(String, JsonValue)>),
    /// For SQLite: one after the other.
    Sqlite(Vec<InsertStatement>),
}

impl NewRows {
    /// No rows yet. Where all are of one workspace, Postgres refuses those of another.
    pub(super) fn of(backend: DbBackend, reach: Reach) -> Self {
        match backend {
            DbBackend::Postgres => Self::Postgres(Some(reach), Vec::new()),
            _ => Self::Sqlite(Vec::new()),
        }
    }

    /// No rows yet, of tables that have no policies.
    pub(super) fn of_no_workspace(backend: DbBackend) -> Self {
        match backend {
            DbBackend::Postgres => Self::Postgres(None, Vec::new()),
            _ => Self::Sqlite(Vec::new()),
        }
    }

    /// Adds rows of one table.
    ///
    /// # Errors
    /// The table has a column of a type that no other has: a defect.
    pub(super) fn and<E>(mut self, rows: Vec<E::Model>) -> Result<Self>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        if rows.is_empty() {
            return Ok(self);
        }
        match &mut self {
            Self::Postgres(_, parts) => {
                let table = E::default().table_name().to_owned();
                let names: Vec<String> = E::Column::iter().map(|column| column.to_string()).collect();
                let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                let columns = quoted.join(", ");
                let number = parts.len() + 2;
                let sql = format!(
                    "INSERT INTO \"{table}\" ({columns}) \
                     SELECT {columns} FROM jsonb_populate_recordset(NULL::\"{table}\", ${number}), scope"
                );
                let rows: Result<Vec<JsonValue>> = rows.iter().map(|row| object::<E>(row, &names)).collect();
                parts.push((sql, JsonValue::Array(rows?)));
            }
            Self::Sqlite(statements) => {
                let mut waiting = rows.into_iter().map(IntoActiveModel::into_active_model);
                while let Some(size) = waiting.len().checked_ilog2() {
                    let size = ROWS_PER_STATEMENT.min(1 << size);
                    let some: Vec<E::ActiveModel> = waiting.by_ref().take(size).collect();
                    #[expect(clippy::disallowed_methods, reason = "SQLite has no policies to enter")]
                    statements.push(E::insert_many(some).into_query());
                }
            }
        }
        Ok(self)
    }

    /// Whether they are all stored or none without a transaction around them.
    pub(super) fn is_one_statement(&self) -> bool {
        matches!(self, Self::Postgres(..))
    }

    /// Inserts them.
    ///
    /// # Errors
    /// `Conflict` if a row of the same key is there.
    pub(super) async fn insert(self, database: &impl ConnectionTrait) -> Result<()> {
        match self {
            Self::Postgres(reach, parts) => {
                let (parts, rows): (Vec<String>, Vec<Value>) = parts
                    .into_iter()
                    .map(|(sql, rows)| (sql, Value::Json(Some(Box::new(rows)))))
                    .unzip();
                let Some((last, first)) = parts.split_last() else {
                    return Ok(());
                };
                // Each part is joined to what is entered: no row is there to be checked before it is.
                let (kind, word) = match reach {
                    Some(reach) => (Reach::TYPE, reach.word()),
                    None => ("text", String::new()),
                };
                let entrance = format!("scope AS MATERIALIZED (SELECT CAST($1 AS {kind}) AS entered)");
                let with: Vec<String> = std::iter::once(entrance)
                    .chain(
                        first
                            .iter()
                            .enumerate()
                            .map(|(number, sql)| format!("part_{number} AS ({sql})")),
                    )
                    .collect();
                let sql = format!("WITH {} {last}", with.join(", "));
                let values: Vec<Value> = std::iter::once(word.into()).chain(rows).collect();
                let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
                database.execute_raw(statement).await?;
            }
            Self::Sqlite(statements) => {
                for statement in &statements {
                    database.execute(statement).await?;
                }
            }
        }
        Ok(())
    }
}

fn object<E: EntityTrait>(row: &E::Model, names: &[String]) -> Result<JsonValue> {
    let cells: Result<Map<String, JsonValue>> = names
        .iter()
        .zip(E::Column::iter())
        .map(|(name, column)| Ok((name.clone(), cell(row.get(column))?)))
        .collect();
    Ok(JsonValue::Object(cells?))
}

/// A value as JSON that Postgres reads as a value of the column's type.
fn cell(value: Value) -> Result<JsonValue> {
    Ok(match value {
        Value::Bool(value) => value.into(),
        Value::SmallInt(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::BigInt(value) => value.into(),
        Value::String(value) => value.into(),
        Value::Uuid(value) => value.map(|id| id.to_string()).into(),
        Value::Bytes(value) => value.map(|bytes| hexadecimal(&bytes)).into(),
        Value::ChronoDateTimeUtc(value) => value
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true))
            .into(),
        Value::Json(value) => value.map_or(JsonValue::Null, |value| *value),
        other => {
            let problem = format!("no table has a column for {:?}", other.as_null());
            return Err(DbErr::Type(problem).into());
        }
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(DIGITS.get(usize::from(digit)));
        }
    }
    text
}
