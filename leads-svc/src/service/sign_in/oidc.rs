//! The identity provider: OpenID Connect, authorisation code with PKCE, ID tokens with asymmetric signatures.
//!
//! Stored: the provider's description and keys, for an hour; keys are read again when a token is signed by one that is
//! not known. Moves: [`Provider::ticket`] makes what a browser leaves with; [`Provider::redeem`] exchanges the code and
//! answers with the verified address. Holds: issuer, audience, authorised party, signature, times and nonce of a token
//! are checked, and nothing of a token is logged.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use leads_proto::reason::Reason;
use leads_runtime::{
    clock::Clock,
    vendor::client::{ClientLimits, TransportError, VendorClient},
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, JsonWebKeySet, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
        CoreJwsSigningAlgorithm, CoreProviderMetadata,
    },
};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

use super::{ProviderSettings, Settings, passage::Trip, refused};
use crate::{
    domain::email::Email,
    service::error::{Error, Result},
};

/// How long a provider's description is believed.
const FRESH: TimeDelta = TimeDelta::hours(1);
/// How far the provider's clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// Exchanges with the provider at the same time.
const EXCHANGES: usize = 32;
/// Time for one call.
const CALL: Duration = Duration::from_secs(5);
/// Path of our side.
const CALLBACK: &str = "/sign-in/callback";

/// Signatures that are taken: none that is made with a secret that we hold as well, and not none.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// See the module.
pub(super) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    http: VendorClient,
    clock: Clock,
    known: Mutex<Option<(CoreProviderMetadata, DateTime<Utc>)>>,
    exchanges: Semaphore,
}

/// What a browser leaves with.
pub(super) struct Ticket {
    pub(super) url: Url,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
}

impl Provider {
    pub(super) fn new(provider: ProviderSettings, settings: &Settings, clock: Clock) -> Result<Self> {
        let limits = ClientLimits {
            total: CALL,
            allow_http: provider.issuer.scheme() == "http",
            ..ClientLimits::default()
        };
        let redirect = settings.base.join(CALLBACK).map_err(Error::internal)?;
        let secret = provider.client_secret;
        Ok(Self {
            issuer: IssuerUrl::new(provider.issuer_text).map_err(Error::internal)?,
            client_id: ClientId::new(provider.client_id),
            client_secret: (!secret.is_empty()).then(|| ClientSecret::new(secret.expose().to_owned())),
            redirect: RedirectUrl::from_url(redirect),
            http: VendorClient::new(limits).map_err(Error::internal)?,
            clock,
            known: Mutex::default(),
            exchanges: Semaphore::new(EXCHANGES),
        })
    }

    pub(super) fn issuer(&self) -> &str {
        self.issuer.as_str()
    }

    /// Makes what a browser leaves with.
    pub(super) async fn ticket(&self) -> Result<Ticket> {
        let metadata = self.metadata().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = CoreClient::from_provider_metadata(metadata, self.client_id.clone(), None)
            .set_redirect_uri(self.redirect.clone());
        let (url, state, nonce) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("email".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Ticket {
            url,
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Exchanges a code for the verified address of whoever signed in there.
    pub(super) async fn redeem(&self, code: &str, trip: &Trip) -> Result<Email> {
        let _place = self.exchanges.try_acquire().map_err(|_| {
            Error::new(
                Reason::Overloaded,
                "too many people sign in at this moment; try again",
            )
            .retry_after(Duration::from_secs(1))
        })?;
        let metadata = self.metadata().await?;
        let token = self.exchange(&metadata, code, &trip.verifier).await?;
        let nonce = Nonce::new(trip.nonce.clone());
        let claims = match self.verified(&metadata, &token, &nonce) {
            Ok(claims) => claims,
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
            )) => {
                // The provider may sign with a key that it has since we asked.
                let metadata = self.with_new_keys(metadata).await?;
                self.verified(&metadata, &token, &nonce).map_err(bad_token)?
            }
            Err(problem) => return Err(bad_token(problem)),
        };
        self.address(claims)
    }

    fn address(&self, claims: &CoreIdTokenClaims) -> Result<Email> {
        // The library leaves this to its users: a token for somebody else that names us among its audiences.
        if claims
            .authorized_party()
            .is_some_and(|party| *party != self.client_id)
        {
            return Err(bad_token(ClaimsVerificationError::InvalidAudience(
                "the authorised party is another client".to_owned(),
            )));
        }
        let Some(email) = claims.email().filter(|_| claims.email_verified() == Some(true)) else {
            tracing::info!("sign-in refused: the token has no verified address");
            return Err(refused(
                "the identity provider does not say that your address is verified; ask its administrator",
            ));
        };
        Email::parse(email.as_str()).map_err(|_| refused("the identity provider sent no valid address"))
    }

    async fn exchange(
        &self,
        metadata: &CoreProviderMetadata,
        code: &str,
        verifier: &str,
    ) -> Result<CoreIdToken> {
        let post = [CoreClientAuthMethod::ClientSecretPost];
        let by_body = metadata
            .token_endpoint_auth_methods_supported()
            .is_some_and(|methods| methods.as_slice() == post);
        let client = CoreClient::from_provider_metadata(
            metadata.clone(),
            self.client_id.clone(),
            self.client_secret.clone(),
        )
        .set_redirect_uri(self.redirect.clone())
        .set_auth_type(if by_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        });
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|_| unavailable("its description names no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        let http = self.caller();
        let answer = match request.request_async(&http).await {
            Ok(answer) => answer,
            Err(RequestTokenError::ServerResponse(refusal)) => {
                // Codes of the standard; the description that comes with them is the provider's.
                tracing::info!(code = %refusal.error(), "sign-in refused: the provider took no code");
                return Err(refused("the identity provider refused the code; begin again"));
            }
            Err(RequestTokenError::Request(error)) => return Err(unavailable(error)),
            // What could not be read may hold tokens: not even its error is kept.
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                return Err(unavailable("the token endpoint's answer cannot be read"));
            }
        };
        answer
            .id_token()
            .cloned()
            .ok_or_else(|| unavailable("the token endpoint's answer has no ID token"))
    }

    fn verified<'a>(
        &self,
        metadata: &CoreProviderMetadata,
        token: &'a CoreIdToken,
        nonce: &Nonce,
    ) -> Result<&'a CoreIdTokenClaims, ClaimsVerificationError> {
        let now = self.clock.now();
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), None);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now)
            .set_issue_time_verifier_fn(move |issued| {
                if issued > now + AHEAD {
                    return Err("issued in the future".to_owned());
                }
                Ok(())
            });
        token.claims(&verifier, nonce)
    }

    /// The provider's description, at most an hour old.
    async fn metadata(&self) -> Result<CoreProviderMetadata> {
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        if let Some((metadata, read_at)) = &*known
            && now - *read_at < FRESH
        {
            return Ok(metadata.clone());
        }
        let http = self.caller();
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &http)
            .await
            .map_err(unavailable)?;
        *known = Some((metadata.clone(), now));
        Ok(metadata)
    }

    async fn with_new_keys(&self, metadata: CoreProviderMetadata) -> Result<CoreProviderMetadata> {
        let http = self.caller();
        let keys = JsonWebKeySet::fetch_async(metadata.jwks_uri(), &http)
            .await
            .map_err(unavailable)?;
        let metadata = metadata.set_jwks(keys);
        if let Some((known, _)) = &mut *self.known.lock().await {
            *known = metadata.clone();
        }
        Ok(metadata)
    }

    /// Our HTTP client in the library's form: TLS, no redirects, bounded time and answers.
    fn caller(&self) -> impl Fn(HttpRequest) -> Answering + use<> {
        let client = self.http.clone();
        move |request| {
            let client = client.clone();
            Box::pin(async move {
                let (parts, body) = request.into_parts();
                let answer = client
                    .send(http::Request::from_parts(parts, Bytes::from(body)))
                    .await?;
                let mut response = HttpResponse::new(answer.body.to_vec());
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers;
                Ok(response)
            })
        }
    }
}

type Answering = std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send>>;

fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        Reason::IdentityProviderUnavailable,
        "the identity provider cannot be reached or does not answer as it should; try again later",
    )
    .because(source)
}

fn bad_token(problem: ClaimsVerificationError) -> Error {
    tracing::warn!(problem = %problem, "sign-in refused: the ID token is not valid");
    refused("the identity provider's answer is not valid; begin again")
}
