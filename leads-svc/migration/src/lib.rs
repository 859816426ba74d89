//! Schema of leads-svc. Migrations are appended, never changed: a release first adds what the next one needs, and only
//! a later one drops what nothing uses.

use sea_orm_migration::prelude::*;

mod key_store;
mod m0001_workspaces;
mod m0002_leads;
mod m0003_delivery;
mod m0004_breaker;
mod m0005_connections;
mod m0006_plans;
mod m0007_members;
mod m0008_audit;
mod m0009_consents;
mod m0010_identities;
mod m0011_statistics;
mod m0012_merges;
mod m0013_erasures;
pub mod m0015_isolation;
mod m0016_sessions;
mod m0017_failing;
mod m0018_keys;
mod m0019_filters;
mod m0020_token_leases;

pub use key_store::KeyStoreMigrator;

/// All migrations, in order.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_workspaces::Migration),
            Box::new(m0002_leads::Migration),
            Box::new(m0003_delivery::Migration),
            Box::new(m0004_breaker::Migration),
            Box::new(m0005_connections::Migration),
            Box::new(m0006_plans::Migration),
            Box::new(m0007_members::Migration),
            Box::new(m0008_audit::Migration),
            Box::new(m0009_consents::Migration),
            Box::new(m0010_identities::Migration),
            Box::new(m0011_statistics::Migration),
            Box::new(m0012_merges::Migration),
            Box::new(m0013_erasures::Migration),
            Box::new(m0015_isolation::Migration),
            Box::new(m0016_sessions::Migration),
            Box::new(m0017_failing::Migration),
            Box::new(m0018_keys::Migration),
            Box::new(m0019_filters::Migration),
            Box::new(m0020_token_leases::Migration),
        ]
    }
}
