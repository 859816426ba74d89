//! A real Redis server for a test, gone when it is dropped.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::AsyncCommands;

use super::connection::Redis;
use super::keys::{Destination, Lane};
use crate::process::config::RedisConfig;

pub(crate) struct TestServer {
    process: Child,
    port: u16,
    directory: tempfile::TempDir,
}

impl TestServer {
    /// Starts a server without persistence on a free port.
    pub(crate) async fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self {
            process: spawn(port, &directory),
            port,
            directory,
        };
        server.wait().await;
        server
    }

    /// Kills the server, with all that it holds.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, empty, on the same port.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(self.port, &self.directory);
        self.wait().await;
    }

    pub(crate) fn redis(&self) -> Redis {
        Redis::open(&RedisConfig {
            url: format!("redis://127.0.0.1:{}/0", self.port).into(),
        })
        .unwrap()
    }

    /// Entries on a destination's job streams.
    pub(crate) async fn depth(&self, destination: Destination) -> usize {
        let mut entries = 0;
        for lane in Lane::ALL {
            let length: usize = self
                .redis()
                .commands()
                .xlen(destination.stream(lane))
                .await
                .unwrap();
            entries += length;
        }
        entries
    }

    async fn wait(&mut self) {
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not answer on port {}", self.port);
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(port: u16, directory: &tempfile::TempDir) -> Child {
    Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .args(["--port", &port.to_string()])
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
