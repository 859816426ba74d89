//! The fault proxy, in front of an echo server.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use leads_testkit::faults::{Link, Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const LIMIT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

async fn echo() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    Ok(address)
}

async fn proxied(link: Link) -> Result<(Proxy, TcpStream)> {
    let proxy = Proxy::start(echo().await?, 7).await?;
    proxy.set(link);
    let stream = TcpStream::connect(proxy.address()).await?;
    Ok((proxy, stream))
}

async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> Result<Duration> {
    let start = Instant::now();
    stream.write_all(bytes).await?;
    let mut answer = vec![0; bytes.len()];
    timeout(LIMIT, stream.read_exact(&mut answer)).await??;
    assert_eq!(answer, bytes);
    Ok(start.elapsed())
}

/// Bytes that arrive before the connection ends, however it ends.
async fn until_the_end(stream: &mut TcpStream) -> Result<usize> {
    let mut all = Vec::new();
    let _ = timeout(LIMIT, stream.read_to_end(&mut all)).await?;
    Ok(all.len())
}

#[tokio::test]
async fn a_healthy_link_passes_everything_and_the_end() -> Result<()> {
    let (proxy, mut stream) = proxied(Link::default()).await?;
    let large: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (mut read, mut write) = stream.split();
    let mut back = Vec::new();
    let (sent, received) = tokio::join!(
        async {
            write.write_all(&large).await?;
            write.shutdown().await
        },
        timeout(LIMIT, read.read_to_end(&mut back))
    );
    sent?;
    received??;
    assert_eq!(back, large);
    assert_eq!(proxy.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn latency_counts_each_way_and_can_change_while_connected() -> Result<()> {
    let latency = Duration::from_millis(60);
    let (proxy, mut stream) = proxied(Link {
        latency,
        jitter: latency,
        ..Link::default()
    })
    .await?;
    assert!(exchange(&mut stream, b"ping").await? >= 2 * latency);
    proxy.heal();
    exchange(&mut stream, b"ping").await?;
    Ok(())
}

#[tokio::test]
async fn bandwidth_is_bounded() -> Result<()> {
    let (_proxy, mut stream) = proxied(Link {
        bytes_per_second: Some(100_000),
        ..Link::default()
    })
    .await?;
    assert!(exchange(&mut stream, &[1; 20_000]).await? >= Duration::from_millis(190));
    Ok(())
}

#[tokio::test]
async fn a_connection_is_cut_after_exactly_so_many_bytes() -> Result<()> {
    let (_proxy, mut stream) = proxied(Link {
        cut_after: Some(15),
        ..Link::default()
    })
    .await?;
    stream.write_all(b"0123456789").await?;
    assert_eq!(until_the_end(&mut stream).await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_cut_ends_what_runs_and_spares_what_comes() -> Result<()> {
    let (proxy, mut stream) = proxied(Link::default()).await?;
    exchange(&mut stream, b"ping").await?;
    proxy.cut_now();
    assert_eq!(until_the_end(&mut stream).await?, 0);
    let mut second = TcpStream::connect(proxy.address()).await?;
    exchange(&mut second, b"ping").await?;
    Ok(())
}

#[tokio::test]
async fn a_black_hole_accepts_and_never_answers() -> Result<()> {
    let (proxy, mut stream) = proxied(Link {
        black_hole: true,
        ..Link::default()
    })
    .await?;
    stream.write_all(b"ping").await?;
    assert!(timeout(SHORT, stream.read_u8()).await.is_err());
    proxy.heal();
    assert!(
        timeout(SHORT, stream.read_u8()).await.is_err(),
        "what was swallowed stays swallowed"
    );
    Ok(())
}

#[tokio::test]
async fn a_running_connection_that_falls_into_a_black_hole_resumes() -> Result<()> {
    let (proxy, mut stream) = proxied(Link::default()).await?;
    exchange(&mut stream, b"ping").await?;
    proxy.set(Link {
        black_hole: true,
        ..Link::default()
    });
    stream.write_all(b"x").await?;
    assert!(timeout(SHORT, stream.read_u8()).await.is_err());
    proxy.heal();
    assert_eq!(timeout(LIMIT, stream.read_u8()).await??, b'x');
    Ok(())
}

#[tokio::test]
async fn a_refusing_link_closes_old_and_new_connections() -> Result<()> {
    let (proxy, mut stream) = proxied(Link::default()).await?;
    exchange(&mut stream, b"ping").await?;
    proxy.set(Link {
        refuse: true,
        ..Link::default()
    });
    assert_eq!(until_the_end(&mut stream).await?, 0);
    let mut second = TcpStream::connect(proxy.address()).await?;
    assert_eq!(until_the_end(&mut second).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_dropped_proxy_is_gone() -> Result<()> {
    let (proxy, mut stream) = proxied(Link::default()).await?;
    exchange(&mut stream, b"ping").await?;
    let address = proxy.address();
    drop(proxy);
    assert_eq!(until_the_end(&mut stream).await?, 0);
    let gone = async || Ok(TcpStream::connect(address).await.is_err().then_some(()));
    leads_testkit::wait::until("the port to close", LIMIT, gone).await
}
