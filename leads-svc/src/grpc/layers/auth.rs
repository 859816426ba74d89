//! Who calls, how often they may, and whether the method is theirs.

use std::{
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use leads_proto::reason::Reason;
use tonic::{Status, transport::server::TcpConnectInfo};
use uuid::Uuid;

use crate::{
    domain::ids,
    grpc::status::refuse,
    service::{
        auth::{Auth, RateState},
        error::Error,
        principal::{Principal, Scope},
        sessions::Presented,
    },
};

/// Names the workspace that a platform key acts in.
const WORKSPACE: HeaderName = HeaderName::from_static("leads-workspace");

/// What a call takes of its key's rate: one as it comes, more once its message is read. Clones share it.
#[derive(Debug, Clone)]
pub struct Allowance {
    auth: Auth,
    state: Arc<Mutex<RateState>>,
}

impl Allowance {
    fn new(auth: &Auth, principal: &Principal) -> Result<Self, Error> {
        let state = auth.admit(principal, NonZeroU32::MIN)?;
        Ok(Self {
            auth: auth.clone(),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Makes the call count as `calls`, though never as more than a whole burst: that could not be had at any time.
    ///
    /// # Errors
    /// `RATE_LIMITED`, with the delay.
    pub fn count_as(&self, principal: &Principal, calls: usize) -> Result<(), Error> {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX).min(self.state().limit);
        let Some(more) = NonZeroU32::new(calls.saturating_sub(1)) else {
            return Ok(());
        };
        let state = self.auth.admit(principal, more)?;
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    /// Where the key stands.
    pub fn state(&self) -> RateState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller of a request, if its key or its session is valid, is within its rate and has the scope. `allowance` is set as soon as it
/// is known, for the answer's headers.
///
/// # Errors
/// `UNAUTHENTICATED`, `AMBIGUOUS_CREDENTIALS`, `CROSS_SITE`, `RATE_LIMITED`, `SCOPE_REQUIRED`, `INVALID_FIELDS` or `NOT_FOUND` for the
/// workspace that it names, or what the check itself met.
pub async fn admit(
    auth: &Auth,
    headers: &HeaderMap,
    extensions: &Extensions,
    scope: Scope,
    allowance: &mut Option<Allowance>,
) -> Result<Principal, Status> {
    let principal = match extensions.get::<Presented>() {
        // Only REST puts it there, and only where no key came.
        Some(session) => auth.authenticate_session(session, peer(extensions)).await?,
        None => auth.authenticate(bearer(headers)?, peer(extensions)).await?,
    };
    *allowance = Some(Allowance::new(auth, &principal)?);
    principal.require(scope)?;
    Ok(auth.enter(principal, workspace(headers)?).await?)
}

/// Tells the caller what is left of its rate, in the fields of the IETF's draft.
pub fn tell_rate(headers: &mut HeaderMap, rate: &RateState) {
    let left = format!(
        "\"key\";r={};t={}",
        rate.remaining,
        rate.reset.as_secs_f64().ceil()
    );
    let policy = format!(
        "\"key\";q={};w={}",
        rate.limit,
        rate.window.as_secs_f64().ceil().max(1.0)
    );
    for (name, value) in [("ratelimit", left), ("ratelimit-policy", policy)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, Status> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let missing = || {
        refuse(
            Reason::Unauthenticated,
            "send one header `authorization: Bearer` with a key",
        )
    };
    let value = values.next().ok_or_else(missing)?;
    if values.next().is_some() {
        return Err(refuse(
            Reason::AmbiguousCredentials,
            "more than one authorization header came; send one",
        ));
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(missing());
    }
    Ok(token)
}

/// The workspace that the call names.
fn workspace(headers: &HeaderMap) -> Result<Option<Uuid>, Status> {
    let mut values = headers.get_all(WORKSPACE).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let refused = |text: String| Status::from(Error::invalid_field(WORKSPACE.as_str(), text));
    if values.next().is_some() {
        return Err(refused("came more than once; send it once".to_owned()));
    }
    let id = value.to_str().unwrap_or_default();
    ids::parse::<ids::Workspace>(id).map(Some).map_err(refused)
}

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    Some(
        extensions
            .get::<TcpConnectInfo>()?
            .remote_addr?
            .ip()
            .to_canonical(),
    )
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt;

    use super::*;

    fn refused(values: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        match bearer(&headers) {
            Ok(token) => format!("token {token}"),
            Err(status) => status.get_details_error_info().unwrap().reason,
        }
    }

    #[test]
    fn one_bearer_token_is_taken_and_all_else_refused() {
        assert_eq!(refused(&["Bearer ak_1"]), "token ak_1");
        assert_eq!(refused(&["bearer ak_1"]), "token ak_1");
        for values in [
            &[][..],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Basic dXNlcg=="],
            &["ak_1"],
        ] {
            assert_eq!(refused(values), "UNAUTHENTICATED", "{values:?}");
        }
        assert_eq!(refused(&["Bearer ak_1", "Bearer ak_1"]), "AMBIGUOUS_CREDENTIALS");
    }
}
