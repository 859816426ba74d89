//! Real databases and streams for tests, found on the machine and started for them.

mod database;
mod postgres;
mod redis;

pub use database::{APP_ROLE, TestDatabase};
pub use postgres::Postgres;
pub use redis::Redis;
