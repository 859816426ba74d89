//! IntegrationsService: parse, call the use case, convert.

use std::collections::BTreeMap;

use leads_proto::leads::v1::{self, connect_provider_request::Credentials, integrations_service_server};
use tonic::{Request, Response, Status};

use super::{
    call::{invalid, principal},
    convert::{lead, times, words},
};
use crate::{
    domain::{ids, sync::Provider, violation::Violations},
    service::{
        core::Core,
        integrations::{Owing, State},
    },
};

/// Lead fields that a CRM can be sent.
const FIELDS: [&str; 19] = [
    "email",
    "name",
    "first_name",
    "last_name",
    "phone",
    "company",
    "title",
    "lifecycle",
    "stage",
    "channel",
    "score",
    "band",
    "hot",
    "owner",
    "captured_at",
    "budget_points",
    "authority_points",
    "need_points",
    "timing_points",
];
const MAX_TOKEN: usize = 512;
const MAX_PROPERTY: usize = 100;

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
        let mut violations = Violations::default();
        let provider = provider(request.provider, &mut violations);
        let secret = match &request.credentials {
            Some(Credentials::Hubspot(hubspot)) => hubspot.access_token.trim(),
            None => "",
        };
        if secret.is_empty() {
            violations.add(
                "hubspot.access_token",
                "is required: the token of a private app or a service key",
            );
        } else if secret.len() > MAX_TOKEN || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            violations.add(
                "hubspot.access_token",
                "does not look like a token: letters, digits and signs, at most 512",
            );
        }
        check_mapping(&request.field_mapping, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        let owing = self
            .core
            .connect_provider(&caller, provider, secret, &request.field_mapping)
            .await?;
        Ok(Response::new(connection(owing)))
    }

    async fn get_connection(
        &self,
        request: Request<v1::GetConnectionRequest>,
    ) -> Result<Response<v1::Connection>, Status> {
        let caller = principal(&request)?;
        let mut violations = Violations::default();
        let provider = provider(request.get_ref().provider, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        Ok(Response::new(connection(
            self.core.get_connection(&caller, provider).await?,
        )))
    }

    async fn list_connections(
        &self,
        request: Request<v1::ListConnectionsRequest>,
    ) -> Result<Response<v1::ListConnectionsResponse>, Status> {
        let connections = self.core.list_connections(&principal(&request)?).await?;
        Ok(Response::new(v1::ListConnectionsResponse {
            connections: connections.into_iter().map(connection).collect(),
        }))
    }

    async fn disconnect_provider(
        &self,
        request: Request<v1::DisconnectProviderRequest>,
    ) -> Result<Response<v1::DisconnectProviderResponse>, Status> {
        let caller = principal(&request)?;
        let mut violations = Violations::default();
        let provider = provider(request.get_ref().provider, &mut violations);
        violations.into_result(()).map_err(invalid)?;
        self.core.disconnect_provider(&caller, provider).await?;
        Ok(Response::new(v1::DisconnectProviderResponse {}))
    }
}

fn provider(number: i32, violations: &mut Violations) -> Provider {
    let provider = words::read_provider("provider", number, violations);
    words::required("provider", provider, number, violations).unwrap_or(Provider::Hubspot)
}

fn check_mapping(mapping: &BTreeMap<String, String>, violations: &mut Violations) {
    for (field, property) in mapping {
        let path = format!("field_mapping.{field}");
        if !FIELDS.contains(&field.as_str()) {
            violations.add(
                path,
                format!("is not a field that can be sent; {} can be", FIELDS.join(", ")),
            );
            continue;
        }
        let fits = property.len() <= MAX_PROPERTY
            && property
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !fits {
            violations.add(
                path,
                "must be a property's internal name: lower-case letters, digits and _",
            );
        } else if field == "email" && property.is_empty() {
            violations.add(path, "cannot be left out");
        }
    }
    let mut properties: Vec<&String> = mapping.values().filter(|property| !property.is_empty()).collect();
    properties.sort_unstable();
    if properties.windows(2).any(|pair| pair.first() == pair.last()) {
        violations.add("field_mapping", "writes two fields to one property");
    }
}

fn connection(owing: Owing) -> v1::Connection {
    let Owing { connection, owed } = owing;
    let state = match connection.state {
        State::Connecting => v1::ConnectionState::Connecting,
        State::Connected => v1::ConnectionState::Connected,
        State::Paused => v1::ConnectionState::Paused,
        State::Failed => v1::ConnectionState::Failed,
    };
    v1::Connection {
        id: ids::format::<ids::Connection>(connection.id),
        provider: words::provider(connection.provider).into(),
        state: state.into(),
        problem: connection.problem.map(lead::reason),
        account_id: connection.account_id,
        field_mapping: connection.field_mapping,
        created_at: Some(times::timestamp(connection.created_at)),
        checked_at: connection.checked_at.map(times::timestamp),
        owed: owed.try_into().unwrap_or(i32::MAX),
    }
}
