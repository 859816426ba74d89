//! Redis servers and what can be done to them.

use std::time::Duration;

use anyhow::Result;
use leads_testkit::servers::Redis;

#[tokio::test]
async fn each_server_is_of_its_own() -> Result<()> {
    let (one, two) = (Redis::start().await?, Redis::start().await?);
    one.command::<()>(&["SET", "key", "value"]).await?;
    assert_eq!(
        one.command::<Option<String>>(&["GET", "key"]).await?.as_deref(),
        Some("value")
    );
    assert_eq!(two.command::<Option<String>>(&["GET", "key"]).await?, None);
    one.flushall().await?;
    assert_eq!(one.command::<Option<String>>(&["GET", "key"]).await?, None);
    Ok(())
}

#[tokio::test]
async fn a_restarted_server_is_empty_and_keeps_its_port() -> Result<()> {
    let mut redis = Redis::start().await?;
    let url = redis.url();
    redis.command::<()>(&["SET", "key", "value"]).await?;
    redis.kill()?;
    assert!(redis.command::<()>(&["PING"]).await.is_err());
    redis.restart().await?;
    assert_eq!(redis.url(), url);
    assert_eq!(redis.command::<i64>(&["DBSIZE"]).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_frozen_server_answers_nothing_until_thawed() -> Result<()> {
    let mut redis = Redis::start().await?;
    redis.process().freeze()?;
    let address = ("127.0.0.1", redis.port());
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"PING\r\n").await?;
    let early = tokio::time::timeout(Duration::from_millis(200), stream.readable()).await;
    assert!(early.is_err(), "a frozen server answered");
    redis.process().thaw()?;
    let mut answer = [0; 7];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer).await?;
    assert_eq!(&answer, b"+PONG\r\n");
    Ok(())
}
