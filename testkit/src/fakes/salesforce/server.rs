//! The server: a simulation behind a listener.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::control;
use super::options::SalesforceOptions;
use super::simulation::Simulation;
use crate::fakes::listener::{Listener, Vendor};

/// A Salesforce org on a loopback port. Dropping it stops it at once; [`Self::shutdown`] lets answers finish.
#[derive(Debug)]
pub struct SalesforceServer {
    listener: Listener<Simulation>,
}

impl SalesforceServer {
    /// Binds and serves.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn start(options: SalesforceOptions) -> anyhow::Result<Self> {
        let simulation = Simulation::new(&options);
        let control = control::router(Arc::clone(&simulation));
        let listener = Listener::start(options.port, simulation, control).await?;
        Ok(Self { listener })
    }

    /// The org's login and instance address, without a final slash.
    pub fn base_url(&self) -> String {
        self.listener.base_url()
    }

    /// Root of the control API.
    pub fn control_url(&self) -> String {
        format!("{}/_sim", self.base_url())
    }

    /// Stops accepting, lets answers finish for 2 s, then closes what is left. Hung requests are cut, late
    /// applications are dropped.
    pub async fn shutdown(self) {
        self.listener.shutdown().await;
    }
}

impl Deref for SalesforceServer {
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
