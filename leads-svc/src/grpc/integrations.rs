//! IntegrationsService: parse, call the use case, convert.

use leads_proto::leads::v1::{self, integrations_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{invalid, principal},
    convert::connection,
};
use crate::service::core::Core;

/// Serves the RPCs of connections.
#[derive(Debug, Clone)]
pub struct Integrations {
    core: Core,
}

impl Integrations {
    /// Serves `core`.
    pub fn new(core: Core) -> Self {
        Self { core }
    }
}

#[tonic::async_trait]
impl integrations_service_server::IntegrationsService for Integrations {
    async fn connect_provider(
        &self,
        request: Request<v1::ConnectProviderRequest>,
    ) -> Result<Response<v1::Connection>, Status> {
        let caller = principal(&request)?;
        let request = request.into_inner();
        let (provider, secret) = connection::credentials(&request).map_err(invalid)?;
        let owing = self
            .core
            .connect_provider(&caller, provider, &secret, &request.field_mapping)
            .await?;
        Ok(Response::new(connection::connection(owing)))
    }

    async fn get_connection(
        &self,
        request: Request<v1::GetConnectionRequest>,
    ) -> Result<Response<v1::Connection>, Status> {
        let caller = principal(&request)?;
        let provider = connection::provider(request.get_ref().provider).map_err(invalid)?;
        Ok(Response::new(connection::connection(
            self.core.get_connection(&caller, provider).await?,
        )))
    }

    async fn list_connections(
        &self,
        request: Request<v1::ListConnectionsRequest>,
    ) -> Result<Response<v1::ListConnectionsResponse>, Status> {
        let connections = self.core.list_connections(&principal(&request)?).await?;
        Ok(Response::new(v1::ListConnectionsResponse {
            connections: connections.into_iter().map(connection::connection).collect(),
        }))
    }

    async fn disconnect_provider(
        &self,
        request: Request<v1::DisconnectProviderRequest>,
    ) -> Result<Response<v1::DisconnectProviderResponse>, Status> {
        let caller = principal(&request)?;
        let provider = connection::provider(request.get_ref().provider).map_err(invalid)?;
        self.core.disconnect_provider(&caller, provider).await?;
        Ok(Response::new(v1::DisconnectProviderResponse {}))
    }
}
