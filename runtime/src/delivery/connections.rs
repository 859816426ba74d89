//! Connections as leads-svc knows them, kept for a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use super::connector::Connection;
use super::service::LeadsService;

/// How long an answer is used. What a customer changes takes effect with the next grant, which names its version.
const KEPT: Duration = Duration::from_secs(60);
/// Connections beyond this many make expired ones go.
const MANY: usize = 1_000;

/// A cache that asks once for all who need a connection at the same time.
pub(super) struct Connections {
    service: LeadsService,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
    by_workspace: Mutex<HashMap<String, Arc<Connection>>>,
}

type Slot = tokio::sync::Mutex<Option<(Instant, Arc<Connection>)>>;

impl Connections {
    pub(super) fn new(service: LeadsService) -> Self {
        Self {
            service,
            slots: Mutex::default(),
            by_workspace: Mutex::default(),
        }
    }

    /// The connection in this version or a newer one, at most a minute old.
    ///
    /// # Errors
    /// leads-svc is away, or knows no such connection.
    pub(super) async fn get(&self, id: &str, version: i64) -> Result<Arc<Connection>, Status> {
        self.fetch(id, KEPT, version).await
    }

    /// The connection as it is now.
    ///
    /// # Errors
    /// As for [`Connections::get`].
    pub(super) async fn refetch(&self, id: &str) -> Result<Arc<Connection>, Status> {
        self.fetch(id, Duration::ZERO, 0).await
    }

    /// The connection that the workspace's last job used, however old: good enough to know whose quota a job will use.
    pub(super) fn last_of(&self, workspace: &str) -> Option<Arc<Connection>> {
        self.by_workspace
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(workspace)
            .cloned()
    }

    async fn fetch(&self, id: &str, kept: Duration, version: i64) -> Result<Arc<Connection>, Status> {
        let slot = self.slot(id);
        let mut slot = slot.lock().await;
        if let Some((at, connection)) = slot.as_ref()
            && at.elapsed() < kept
            && connection.settings.version >= version
        {
            return Ok(connection.clone());
        }
        let settings = self.service.connection(id).await?;
        let connection = Arc::new(Connection {
            id: id.to_owned(),
            settings,
        });
        *slot = Some((Instant::now(), connection.clone()));
        let mut by_workspace = self.by_workspace.lock().unwrap_or_else(PoisonError::into_inner);
        if by_workspace.len() > MANY * 10 {
            by_workspace.clear();
        }
        by_workspace.insert(connection.settings.workspace_id.clone(), connection.clone());
        Ok(connection)
    }

    fn slot(&self, id: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() > MANY {
            let is_fresh = |slot: &Arc<Slot>| {
                slot.try_lock().map_or(true, |slot| {
                    slot.as_ref().is_some_and(|(at, _)| at.elapsed() < KEPT)
                })
            };
            slots.retain(|_, slot| is_fresh(slot));
        }
        slots.entry(id.to_owned()).or_default().clone()
    }
}
