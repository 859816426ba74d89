//! Connections to Redis: one that is shared for short commands, and one of its own for each blocking reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};

use crate::process::config::RedisConfig;

/// What redis-rs reports; its texts hold no password.
pub type RedisError = redis::RedisError;

/// Longest wait for a connection and for the answer to a short command.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long sent bytes may stay unacknowledged before the kernel gives a connection up, as behind a silent firewall.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// What a blocking reader waits beyond its block time before it gives up.
const BLOCK_MARGIN: Duration = Duration::from_secs(2);

/// A Redis server that may be away. Clones share the connection, which is made when it is first needed.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    commands: Arc<Mutex<ConnectionManager>>,
}

impl Redis {
    /// Prepares connections; nothing is sent yet. Call it within a tokio runtime.
    ///
    /// # Errors
    /// The URL is not one of Redis.
    pub fn open(config: &RedisConfig) -> Result<Self, RedisError> {
        let tcp = TcpSettings::default()
            .set_nodelay(true)
            .set_user_timeout(UNACKNOWLEDGED);
        let info = config.url.expose().into_connection_info()?.set_tcp_settings(tcp);
        let client = Client::open(info)?;
        let commands = Arc::new(Mutex::new(manager(&client)?));
        Ok(Self { client, commands })
    }

    /// A handle for short commands. A command fails after a second, and is never repeated by itself.
    pub fn commands(&self) -> ConnectionManager {
        self.commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A connection of its own whose commands may block for `block`.
    ///
    /// # Errors
    /// The server cannot be reached within a second.
    pub async fn blocking(&self, block: Duration) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(block + BLOCK_MARGIN));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// How the server makes room when its memory is full, such as `noeviction`; `None` if it does not say. Any policy that
    /// evicts keys without a time to live can evict whole streams; the hints come back, but late.
    pub async fn eviction_policy(&self) -> Option<String> {
        let mut command = redis::cmd("CONFIG");
        command.arg("GET").arg("maxmemory-policy");
        let answer: Result<HashMap<String, String>, _> = command.query_async(&mut self.commands()).await;
        answer.ok()?.remove("maxmemory-policy")
    }

    /// Says that a command failed. A server that was demoted, or does not answer, is connected to anew, since the name
    /// may lead to another one by now.
    pub fn failed(&self, error: &RedisError) {
        if is_stale(error)
            && let Ok(fresh) = manager(&self.client)
        {
            *self.commands.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

/// Whether a connection is of no more use after this error, although it may still be open.
pub(super) fn is_stale(error: &RedisError) -> bool {
    error.is_io_error() || error.code() == Some("READONLY") || error.is_unrecoverable_error()
}

fn manager(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT))
        .set_number_of_retries(1)
        .set_max_delay(TIMEOUT);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
