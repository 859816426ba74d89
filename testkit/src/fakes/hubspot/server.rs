//! The server: a simulation behind a listener.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::control;
use super::options::HubspotOptions;
use super::simulation::Simulation;
use crate::fakes::listener::{Listener, Vendor};

/// A HubSpot on a loopback port. Dropping it stops it at once; [`Self::shutdown`] lets answers finish.
#[derive(Debug)]
pub struct HubspotServer {
    listener: Listener<Simulation>,
}

impl HubspotServer {
    /// Binds and serves.
    ///
    /// # Errors
    /// The port is taken, or two portals or tokens are the same.
    pub async fn start(options: HubspotOptions) -> anyhow::Result<Self> {
        let simulation = Simulation::new(&options)?;
        let control = control::router(Arc::clone(&simulation));
        let listener = Listener::start(options.port, simulation, control).await?;
        Ok(Self { listener })
    }

    /// Where the connector's base URL points, without a final slash.
    pub fn base_url(&self) -> String {
        self.listener.base_url()
    }

    /// Root of the control API.
    pub fn control_url(&self) -> String {
        format!("{}/_sim", self.base_url())
    }

    /// The simulation, for tasks that outlive a borrow of the server.
    pub fn simulation(&self) -> Arc<Simulation> {
        Arc::clone(self.listener.vendor())
    }

    /// Stops accepting, lets answers finish for 2 s, then closes what is left. Hung requests are cut, late
    /// applications are dropped.
    pub async fn shutdown(self) {
        self.listener.shutdown().await;
    }
}

impl Deref for HubspotServer {
    type Target = Simulation;

    fn deref(&self) -> &Simulation {
        self.listener.vendor()
    }
}

impl Vendor for Simulation {
    fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    async fn serve(self: &Arc<Self>, request: Request) -> Option<Response> {
        self.respond(request).await
    }
}
