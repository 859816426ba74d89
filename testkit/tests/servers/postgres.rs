//! Clusters, databases and templates.

use anyhow::Result;
use leads_testkit::servers::Postgres;

#[tokio::test]
async fn each_database_is_empty_and_of_its_own() -> Result<()> {
    let postgres = Postgres::shared().await?;
    let (one, two) = (postgres.database().await?, postgres.database().await?);
    one.sql("CREATE TABLE leads (id int); INSERT INTO leads VALUES (7)")
        .await?;
    assert_eq!(one.sql("SELECT id FROM leads").await?, "7");
    assert!(two.sql("SELECT id FROM leads").await.is_err());
    assert_eq!(two.sql("SHOW fsync").await?, "on");
    Ok(())
}

#[tokio::test]
async fn a_template_is_prepared_once_and_copied() -> Result<()> {
    let postgres = Postgres::shared().await?;
    let mut prepared = 0;
    for expected in ["1", "1", "1"] {
        let database = postgres
            .from_template("counted", async |url| {
                prepared += 1;
                let admin = std::process::Command::new("psql")
                    .args(["-d", &url, "-c", "CREATE TABLE t AS SELECT 1 AS n"])
                    .output()?;
                anyhow::ensure!(
                    admin.status.success(),
                    "{}",
                    String::from_utf8_lossy(&admin.stderr)
                );
                Ok(())
            })
            .await?;
        assert_eq!(database.sql("SELECT count(*) FROM t").await?, expected);
        database.sql("INSERT INTO t VALUES (2)").await?;
    }
    assert_eq!(prepared, 1);
    Ok(())
}

#[tokio::test]
async fn committed_rows_survive_a_killed_server() -> Result<()> {
    let postgres = Postgres::start().await?;
    let database = postgres.database().await?;
    database
        .sql("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
        .await?;
    postgres.kill()?;
    assert!(database.sql("SELECT 1").await.is_err());
    postgres.restart().await?;
    assert_eq!(database.sql("SELECT n FROM t").await?, "1");
    Ok(())
}

#[tokio::test]
async fn a_dropped_database_is_gone() -> Result<()> {
    let postgres = Postgres::shared().await?;
    let (kept, dropped) = (postgres.database().await?, postgres.database().await?);
    let name = dropped.sql("SELECT current_database()").await?;
    drop(dropped);
    let count = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    let limit = std::time::Duration::from_secs(30);
    leads_testkit::wait::until("the database to go", limit, async || {
        Ok((kept.sql(&count).await? == "0").then_some(()))
    })
    .await
}
