//! A TCP proxy whose link can be slow, narrow, cut or silent, switchable while connections run.
//!
//! How it moves: each direction of a connection has a reader, which stamps what it read with the time it may go on,
//! and a writer, which waits for that time; so latency delays bytes without narrowing the link. What must hold:
//! bytes are never reordered, changed or dropped from the middle of a stream.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::tally;
use anyhow::Result;
use bytes::Bytes;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

const CHUNK: usize = 16 * 1024;

/// How a link behaves. The default passes everything on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Delay of every chunk, each way.
    pub latency: Duration,
    /// Further delay of up to this much, drawn per chunk.
    pub jitter: Duration,
    /// Bytes a second, each way; `None` is unlimited.
    pub bytes_per_second: Option<u64>,
    /// Cuts a connection once so many bytes went through it, both ways together, counted from its start.
    pub cut_after: Option<u64>,
    /// Accepts connections and swallows what they send; nothing arrives, nothing comes back.
    pub black_hole: bool,
    /// Closes new connections at once.
    pub refuse: bool,
}

/// A proxy on a free port of 127.0.0.1 in front of one server. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    link: watch::Sender<Link>,
    cut: watch::Sender<()>,
    connections: Arc<AtomicU64>,
    _running: DropGuard,
}

#[derive(Clone)]
struct Switches {
    link: watch::Receiver<Link>,
    cut: watch::Receiver<()>,
    /// Of this connection.
    bytes: Arc<AtomicU64>,
    end: CancellationToken,
}

impl Proxy {
    /// Listens for connections to pass on to `upstream`; `seed` decides the jitter.
    pub async fn start(upstream: SocketAddr, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (link, link_seen) = watch::channel(Link::default());
        let (cut, cut_seen) = watch::channel(());
        let (running, connections) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
        let (end, count) = (running.clone(), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Some(Ok((client, _))) = end.run_until_cancelled(listener.accept()).await {
                let number = count.fetch_add(1, Ordering::Relaxed);
                // Each connection sees only the cuts that come after its start.
                let mut cut = cut_seen.clone();
                cut.mark_unchanged();
                let switches = Switches {
                    link: link_seen.clone(),
                    cut,
                    bytes: Arc::default(),
                    end: end.child_token(),
                };
                tokio::spawn(connection(client, upstream, switches, seed.wrapping_add(number)));
            }
        });
        Ok(Self {
            address,
            link,
            cut,
            connections,
            _running: running.drop_guard(),
        })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the link for running and for new connections.
    pub fn set(&self, link: Link) {
        if link != Link::default() {
            tally::note("broken or slowed links");
        }
        self.link.send_replace(link);
    }

    /// Back to a link without faults. Connections that were cut stay cut.
    pub fn heal(&self) {
        self.set(Link::default());
    }

    /// Cuts every connection now; new ones are accepted.
    pub fn cut_now(&self) {
        tally::note("cut links");
        self.cut.send_replace(());
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn connection(mut client: TcpStream, upstream: SocketAddr, switches: Switches, seed: u64) {
    let start = switches.link.borrow().clone();
    if start.refuse {
        return;
    }
    let (mut cut, mut link, end) = (switches.cut.clone(), switches.link.clone(), switches.end.clone());
    if start.black_hole {
        // Dialling the server would let it see a connection that a swallowed SYN never makes.
        let swallow = async {
            let mut buffer = vec![0; CHUNK];
            while client.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
        };
        tokio::select! { () = swallow => {}, _ = cut.changed() => {}, () = end.cancelled() => {} }
        return;
    }
    let Ok(server) = TcpStream::connect(upstream).await else {
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let there = pump(
        client_read,
        server_write,
        switches.clone(),
        StdRng::seed_from_u64(seed),
    );
    let back = pump(
        server_read,
        client_write,
        switches.clone(),
        StdRng::seed_from_u64(!seed),
    );
    let refused = async {
        // A link that starts to refuse cuts what runs, as a firewall that resets does.
        if link.wait_for(|link| link.refuse).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        _ = cut.changed() => {}
        () = refused => {}
        () = end.cancelled() => {}
    }
}

/// Moves one direction; returns when its source ends, after passing that on, or ends the connection on an error.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, switches: Switches, mut random: StdRng) {
    let (sender, mut due) = mpsc::channel::<(Instant, Bytes)>(256);
    let reader = async {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match from.read(&mut buffer).await {
                Ok(0) => break,
                Ok(read) => read,
                Err(_) => return switches.end.cancel(),
            };
            let link = switches.link.borrow().clone();
            let jitter = link.jitter.mul_f64(random.random_range(0.0..=1.0));
            let chunk = Bytes::copy_from_slice(buffer.get(..read).unwrap_or_default());
            if sender
                .send((Instant::now() + link.latency + jitter, chunk))
                .await
                .is_err()
            {
                return;
            }
        }
        drop(sender);
    };
    let writer = async {
        while let Some((at, chunk)) = due.recv().await {
            tokio::time::sleep_until(at).await;
            if write(&mut to, chunk, &switches).await.is_err() {
                return switches.end.cancel();
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reader, writer);
}

async fn write(to: &mut OwnedWriteHalf, mut chunk: Bytes, switches: &Switches) -> std::io::Result<()> {
    let mut watched = switches.link.clone();
    // A black hole keeps what it has: it is delivered if the link heals before somebody gives up.
    let link = watched
        .wait_for(|link| !link.black_hole)
        .await
        .map_err(std::io::Error::other)?
        .clone();
    let length = chunk.len() as u64;
    if let Some(rate) = link.bytes_per_second {
        tokio::time::sleep(Duration::from_secs_f64(length as f64 / rate.max(1) as f64)).await;
    }
    let before = switches.bytes.fetch_add(length, Ordering::Relaxed);
    let left = link
        .cut_after
        .map(|limit| limit.saturating_sub(before))
        .filter(|left| *left < length);
    if let Some(left) = left {
        to.write_all(&chunk.split_to(usize::try_from(left).unwrap_or(0)))
            .await?;
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    to.write_all(&chunk).await
}
