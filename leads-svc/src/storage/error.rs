//! What can go wrong between the service and its database, by what the caller can do about it.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlErr, SqlxError};

/// Result of a storage call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a storage call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint refused a row: somebody was faster.
    #[error("conflict on {constraint}")]
    Conflict {
        /// The database's words for it.
        constraint: String,
    },
    /// Concurrent transactions exclude each other; the whole transaction can be repeated.
    #[error("transactions exclude each other")]
    Serialization(#[source] DbErr),
    /// The database cannot be reached, or takes no more connections.
    #[error("database unavailable")]
    Unavailable(#[source] DbErr),
    /// A lock or statement took too long.
    #[error("database timed out")]
    Timeout(#[source] DbErr),
    /// A row does not hold what the code that wrote it guarantees.
    #[error("{table}.{column} of row {row} cannot be read: {problem}")]
    Inconsistent {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// Which row.
        row: String,
        /// What is wrong.
        problem: String,
    },
    /// Anything else: a defect of ours.
    #[error("database refused a statement")]
    Statement(#[source] DbErr),
}

impl Error {
    /// A row that cannot be read.
    pub fn inconsistent(
        table: &'static str,
        column: &'static str,
        row: impl ToString,
        problem: impl ToString,
    ) -> Self {
        Self::Inconsistent {
            table,
            column,
            row: row.to_string(),
            problem: problem.to_string(),
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(constraint)) = error.sql_err() {
            return Self::Conflict { constraint };
        }
        match &error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed)
            | DbErr::Conn(_) => Self::Unavailable(error),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                match classify(cause) {
                    Kind::Serialization => Self::Serialization(error),
                    Kind::Unavailable => Self::Unavailable(error),
                    Kind::Timeout => Self::Timeout(error),
                    Kind::Statement => Self::Statement(error),
                }
            }
            _ => Self::Statement(error),
        }
    }
}

enum Kind {
    Serialization,
    Unavailable,
    Timeout,
    Statement,
}

fn classify(error: &SqlxError) -> Kind {
    match error {
        SqlxError::Io(_)
        | SqlxError::PoolTimedOut
        | SqlxError::PoolClosed
        | SqlxError::WorkerCrashed
        | SqlxError::Tls(_) => Kind::Unavailable,
        SqlxError::Database(cause) => cause.code().as_deref().map_or(Kind::Statement, by_code),
        // A statement that its own code does not fit, and what later releases of the library may add.
        _ => Kind::Statement,
    }
}

/// By Postgres' SQLSTATE, which has five characters, or SQLite's result code, which has fewer.
fn by_code(code: &str) -> Kind {
    if code.len() < 5 {
        return code.parse().map_or(Kind::Statement, by_result_code);
    }
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Kind::Serialization,
        // Lock not available, statement cancelled.
        "55P03" | "57014" => Kind::Timeout,
        // Read-only: after a failover we may still be connected to what is a standby now.
        "25006" => Kind::Unavailable,
        // Connection, resource and operator classes.
        _ if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => Kind::Unavailable,
        _ => Kind::Statement,
    }
}

fn by_result_code(code: u32) -> Kind {
    /// The snapshot is older than what it is to be written over.
    const BUSY_SNAPSHOT: u32 = 517;
    if code == BUSY_SNAPSHOT {
        return Kind::Serialization;
    }
    // The lowest byte is the primary code, the others say more.
    match code & 0xff {
        // BUSY, LOCKED.
        5 | 6 => Kind::Timeout,
        // READONLY, IOERR, FULL, CANTOPEN.
        8 | 10 | 13 | 14 => Kind::Unavailable,
        _ => Kind::Statement,
    }
}
