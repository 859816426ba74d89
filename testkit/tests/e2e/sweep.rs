//! Looks for texts in everything that the product keeps or tells: every column of every table, every key of Redis, every
//! log and metric, every record of the CRM.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use leads_testkit::{fakes::hubspot::DEFAULT_PORTAL, stack::Stack};
use redis::Value;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};

/// What was looked through, and what was found where.
#[derive(Debug, Default)]
pub struct Sweep {
    tables: usize,
    rows: usize,
    values: usize,
    database_bytes: usize,
    redis_keys: usize,
    redis_bytes: usize,
    log_bytes: usize,
    metric_bytes: usize,
    records: usize,
    record_bytes: usize,
    /// Place and text of each hit.
    pub hits: Vec<(String, String)>,
}

impl Sweep {
    /// Looks for the texts everywhere.
    pub async fn of(stack: &mut Stack, texts: &[&str]) -> Result<Self> {
        let mut sweep = Self::default();
        let forms: Vec<(String, Vec<Vec<u8>>)> = texts
            .iter()
            .map(|text| ((*text).to_owned(), forms(text)))
            .collect();
        sweep.database(&stack.storage_url, &forms).await?;
        sweep.redis(stack, &forms).await?;
        for service in std::iter::once(&mut stack.leads).chain(&mut stack.connectors) {
            let metrics = service.metrics().await?;
            sweep.metric_bytes += metrics.len();
            sweep.look("metrics", metrics.as_bytes(), &forms);
            let process = service.process()?;
            let (name, files) = (
                process.name().to_owned(),
                process.log_files().map(ToOwned::to_owned),
            );
            for file in files {
                let log = std::fs::read(&file).with_context(|| format!("read the log of {name}"))?;
                sweep.log_bytes += log.len();
                sweep.look(&format!("the log of {name}"), &log, &forms);
            }
        }
        for record in stack.hubspot.contacts(DEFAULT_PORTAL)? {
            let text = serde_json::to_string(&record)?;
            sweep.records += 1;
            sweep.record_bytes += text.len();
            sweep.look(
                &format!("HubSpot's record {}", record.id),
                text.as_bytes(),
                &forms,
            );
        }
        let log = serde_json::to_string(&stack.hubspot.requests(&Default::default()))?;
        sweep.look("HubSpot's log", log.as_bytes(), &forms);
        Ok(sweep)
    }

    /// What was looked through, in a line.
    pub fn told(&self) -> String {
        format!(
            "{} hits in {} tables, {} rows, {} values ({} bytes), {} keys of Redis ({} bytes), logs ({} bytes), metrics \
             ({} bytes), {} records of HubSpot ({} bytes)",
            self.hits.len(),
            self.tables,
            self.rows,
            self.values,
            self.database_bytes,
            self.redis_keys,
            self.redis_bytes,
            self.log_bytes,
            self.metric_bytes,
            self.records,
            self.record_bytes,
        )
    }

    async fn database(&mut self, url: &str, forms: &[(String, Vec<Vec<u8>>)]) -> Result<()> {
        if url.starts_with("sqlite") {
            let mut connection = SqliteConnection::connect(url).await?;
            let tables: Vec<(String,)> = sqlx::query_as(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .fetch_all(&mut connection)
            .await?;
            for (table,) in tables {
                let columns: Vec<(String,)> = sqlx::query_as("SELECT name FROM pragma_table_info(?)")
                    .bind(&table)
                    .fetch_all(&mut connection)
                    .await?;
                let columns: Vec<String> = columns
                    .into_iter()
                    .map(|(name,)| format!("CAST(\"{name}\" AS BLOB)"))
                    .collect();
                let select = format!("SELECT {} FROM \"{table}\"", columns.join(", "));
                let rows = sqlx::query(sqlx::AssertSqlSafe(select))
                    .fetch_all(&mut connection)
                    .await?;
                let read = |row: &sqlx::sqlite::SqliteRow, place: usize| row.try_get(place);
                self.table(&table, &rows, columns.len(), read, forms)?;
            }
            connection.close().await?;
        } else {
            let mut connection = PgConnection::connect(url).await?;
            let tables: Vec<(String,)> =
                sqlx::query_as("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
                    .fetch_all(&mut connection)
                    .await?;
            for (table,) in tables {
                let columns: Vec<(String, String)> = sqlx::query_as(
                    "SELECT column_name::text, data_type::text FROM information_schema.columns \
                     WHERE table_schema = 'public' AND table_name = $1",
                )
                .bind(&table)
                .fetch_all(&mut connection)
                .await?;
                let columns: Vec<String> = columns
                    .into_iter()
                    .map(|(name, kind)| match kind.as_str() {
                        "bytea" => format!("\"{name}\""),
                        _ => format!("convert_to(\"{name}\"::text, 'UTF8')"),
                    })
                    .collect();
                let select = format!("SELECT {} FROM \"{table}\"", columns.join(", "));
                let rows = sqlx::query(sqlx::AssertSqlSafe(select))
                    .fetch_all(&mut connection)
                    .await?;
                let read = |row: &sqlx::postgres::PgRow, place: usize| row.try_get(place);
                self.table(&table, &rows, columns.len(), read, forms)?;
            }
            connection.close().await?;
        }
        Ok(())
    }

    fn table<R>(
        &mut self,
        table: &str,
        rows: &[R],
        columns: usize,
        read: impl Fn(&R, usize) -> sqlx::Result<Option<Vec<u8>>>,
        forms: &[(String, Vec<Vec<u8>>)],
    ) -> Result<()> {
        self.tables += 1;
        self.rows += rows.len();
        for row in rows {
            for place in 0..columns {
                let value = read(row, place)?.unwrap_or_default();
                self.values += 1;
                self.database_bytes += value.len();
                self.look(&format!("column {place} of {table}"), &value, forms);
            }
        }
        Ok(())
    }

    async fn redis(&mut self, stack: &Stack, forms: &[(String, Vec<Vec<u8>>)]) -> Result<()> {
        let keys: Vec<String> = stack.redis.command(&["KEYS", "*"]).await?;
        for key in keys {
            let kind: String = stack.redis.command(&["TYPE", &key]).await?;
            let command: &[&str] = match kind.as_str() {
                "string" => &["GET", &key],
                "hash" => &["HGETALL", &key],
                "list" => &["LRANGE", &key, "0", "-1"],
                "set" => &["SMEMBERS", &key],
                "zset" => &["ZRANGE", &key, "0", "-1", "WITHSCORES"],
                "stream" => &["XRANGE", &key, "-", "+"],
                // Gone since its name was read.
                "none" => continue,
                other => bail!("{key} is a {other}"),
            };
            let mut bytes = key.clone().into_bytes();
            gather(&stack.redis.command::<Value>(command).await?, &mut bytes);
            self.redis_keys += 1;
            self.redis_bytes += bytes.len();
            self.look(&format!("{key} in Redis"), &bytes, forms);
        }
        Ok(())
    }

    fn look(&mut self, place: &str, bytes: &[u8], forms: &[(String, Vec<Vec<u8>>)]) {
        let lower = bytes.to_ascii_lowercase();
        for (text, forms) in forms {
            if forms
                .iter()
                .any(|form| contains(bytes, form) || contains(&lower, form))
            {
                self.hits.push((place.to_owned(), text.clone()));
            }
        }
    }
}

/// Shorter forms are found in anything that is encrypted.
const SHORTEST: usize = 8;

/// A text as it may be written: as it is, in lower case, as hexadecimal digits, in base64 at any of three offsets.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut forms = vec![
        text.as_bytes().to_vec(),
        text.to_lowercase().into_bytes(),
        hex.into_bytes(),
    ];
    for offset in 0..3 {
        let encoded = STANDARD.encode([vec![b' '; offset], text.as_bytes().to_vec()].concat());
        // The ends depend on what stands around the text.
        let inner = encoded.get(4..encoded.len().saturating_sub(4));
        forms.push(inner.unwrap_or_default().as_bytes().to_vec());
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

fn contains(bytes: &[u8], form: &[u8]) -> bool {
    bytes.windows(form.len()).any(|window| window == form)
}

fn gather(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::BulkString(text) => bytes.extend_from_slice(text),
        Value::SimpleString(text) => bytes.extend_from_slice(text.as_bytes()),
        Value::Int(number) => bytes.extend_from_slice(number.to_string().as_bytes()),
        Value::Array(values) | Value::Set(values) => values.iter().for_each(|value| gather(value, bytes)),
        Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            gather(key, bytes);
            gather(value, bytes);
        }),
        other => bytes.extend_from_slice(format!("{other:?}").as_bytes()),
    }
    bytes.push(b' ');
}
