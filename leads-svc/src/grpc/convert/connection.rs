//! Connections to CRMs.

use std::collections::BTreeMap;

use leads_proto::leads::v1::{self, connect_provider_request::Credentials};

use super::{lead, salesforce, times, words};
use crate::{
    domain::{
        ids,
        sync::Provider,
        violation::{Violation, Violations},
    },
    service::integrations::{Owing, State},
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

/// The CRM that a request names.
///
/// # Errors
/// Its violation.
pub fn provider(number: i32) -> Result<Provider, Vec<Violation>> {
    let mut violations = Violations::default();
    let provider = required(number, &mut violations);
    violations.into_result(provider)
}

/// Which CRM to connect, and its secret.
///
/// # Errors
/// Every violation.
pub fn credentials(request: &v1::ConnectProviderRequest) -> Result<(Provider, String), Vec<Violation>> {
    let mut violations = Violations::default();
    let provider = required(request.provider, &mut violations);
    let secret = match (provider, &request.credentials) {
        (Provider::Hubspot, Some(Credentials::Hubspot(hubspot))) => {
            hubspot_token(&hubspot.access_token, &mut violations)
        }
        (Provider::Hubspot, _) => hubspot_token("", &mut violations),
        (Provider::Salesforce, Some(Credentials::Salesforce(given))) => {
            salesforce::read(given, &mut violations)
        }
        (Provider::Salesforce, _) => {
            violations.add(
                "salesforce",
                "is required: the app and the flow by which it gets its tokens",
            );
            String::new()
        }
    };
    check_mapping(&request.field_mapping, &mut violations);
    if provider == Provider::Salesforce && !request.field_mapping.is_empty() {
        violations.add(
            "field_mapping",
            "is for HubSpot alone: what is written to Salesforce is fixed",
        );
    }
    violations.into_result((provider, secret))
}

fn hubspot_token(given: &str, violations: &mut Violations) -> String {
    let secret = given.trim();
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
    secret.to_owned()
}

fn required(number: i32, violations: &mut Violations) -> Provider {
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

/// A connection, to the wire.
pub fn connection(owing: Owing) -> v1::Connection {
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
