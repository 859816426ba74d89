//! The provider's own rules: a client that breaks one gets nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{digest, signature};
use serde_json::Value;
use url::Url;

use super::{Fault, Kind, OidcOptions, OidcServer, User};

const BACK: &str = "https://leads.example/sign-in/callback";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-the-standard-which-wants-43";

async fn started() -> OidcServer {
    let options = OidcOptions {
        redirect_uris: vec![BACK.to_owned()],
        users: vec![User::new("ana@acme.example")],
        ..OidcOptions::default()
    };
    let server = OidcServer::start(options).await.unwrap();
    server.sign_in_as(Some("ana@acme.example"));
    server
}

fn client() -> reqwest::Client {
    // The tests of this crate speak to servers of this machine alone.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// The parameters of a right request, with one of them changed or left out.
fn asked(change: Option<(&str, &str)>) -> Vec<(String, String)> {
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    [
        ("response_type", "code"),
        ("client_id", "leads"),
        ("redirect_uri", BACK),
        ("scope", "openid email"),
        ("state", "a-state-of-enough-letters"),
        ("nonce", "a-nonce-of-enough-letters"),
        ("code_challenge_method", "S256"),
        ("code_challenge", &challenge),
    ]
    .into_iter()
    .map(|(name, value)| match change {
        Some((changed, other)) if changed == name => (name.to_owned(), other.to_owned()),
        _ => (name.to_owned(), value.to_owned()),
    })
    .collect()
}

async fn authorized(server: &OidcServer, change: Option<(&str, &str)>) -> Result<Url, u16> {
    let url = Url::parse_with_params(&format!("{}/authorize", server.issuer()), asked(change)).unwrap();
    let answer = client().get(url).send().await.unwrap();
    match answer.headers().get("location") {
        Some(back) => Ok(Url::parse(back.to_str().unwrap()).unwrap()),
        None => Err(answer.status().as_u16()),
    }
}

async fn code(server: &OidcServer) -> String {
    let back = authorized(server, None).await.unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    code.1.into_owned()
}

async fn redeem(server: &OidcServer, code: &str, verifier: &str, secret: &str) -> (u16, Value) {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", BACK)
        .append_pair("code_verifier", verifier)
        .finish();
    let answer = client()
        .post(format!("{}/token", server.issuer()))
        .basic_auth("leads", Some(secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_gets_no_code() {
    let server = started().await;
    assert!(authorized(&server, None).await.is_ok());
    for (name, wrong) in [
        ("response_type", "token"),
        ("client_id", "another"),
        ("redirect_uri", "https://leads.example/sign-in/callback/"),
        ("redirect_uri", "https://evil.example/"),
        ("scope", "email"),
        ("state", ""),
        ("nonce", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge", ""),
    ] {
        assert_eq!(authorized(&server, Some((name, wrong))).await, Err(400), "{name}");
    }
}

#[tokio::test]
async fn a_code_is_redeemed_once_with_its_verifier_and_the_clients_secret() {
    let server = started().await;
    let (status, answer) = redeem(&server, &code(&server).await, VERIFIER, "secret-of-leads").await;
    assert_eq!((status, answer["id_token"].is_string()), (200, true), "{answer}");
    let used = code(&server).await;
    redeem(&server, &used, VERIFIER, "secret-of-leads").await;
    for (code, verifier, secret, error) in [
        (used.as_str(), VERIFIER, "secret-of-leads", "invalid_grant"),
        ("made-up", VERIFIER, "secret-of-leads", "invalid_grant"),
        (
            &code(&server).await,
            "another",
            "secret-of-leads",
            "invalid_grant",
        ),
        (&code(&server).await, VERIFIER, "another", "invalid_client"),
    ] {
        let (status, answer) = redeem(&server, code, verifier, secret).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)));
    }
}

#[tokio::test]
async fn tokens_are_signed_by_the_newest_published_key() {
    let server = started().await;
    for (kind, algorithm) in [
        (None, "RS256"),
        (Some(Kind::P256), "ES256"),
        (Some(Kind::Rsa), "RS256"),
    ] {
        if let Some(kind) = kind {
            server.rotate_keys(kind).unwrap();
        }
        let (_, answer) = redeem(&server, &code(&server).await, VERIFIER, "secret-of-leads").await;
        let token = answer["id_token"].as_str().unwrap();
        let (signed, mark) = token.rsplit_once('.').unwrap();
        let mark = URL_SAFE_NO_PAD.decode(mark).unwrap();
        let header: Value = decoded(signed.split('.').next().unwrap());
        let keys: Value = client()
            .get(format!("{}/keys", server.issuer()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let key = &keys["keys"][0];
        assert_eq!(
            (&header["kid"], header["alg"].as_str()),
            (&key["kid"], Some(algorithm))
        );
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        let holds = if algorithm == "ES256" {
            let point = [vec![4], bytes("x"), bytes("y")].concat();
            signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                .verify(signed.as_bytes(), &mark)
        } else {
            let parts = signature::RsaPublicKeyComponents {
                n: bytes("n"),
                e: bytes("e"),
            };
            parts.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &mark)
        };
        assert!(holds.is_ok(), "{algorithm}");
    }
}

#[tokio::test]
async fn a_fault_changes_what_it_says_and_nothing_else() {
    let server = started().await;
    for (fault, claim, expected) in [
        (Fault::WrongNonce, "nonce", "\"of-another-sign-in\""),
        (Fault::NoNonce, "nonce", "null"),
        (Fault::WrongAudience, "aud", "\"another-client\""),
        (Fault::WrongIssuer, "iss", "\"https://id.evil.example\""),
        (Fault::UnverifiedAddress, "email_verified", "false"),
        (Fault::SilentAboutVerification, "email_verified", "null"),
        (Fault::VerifiedAsText, "email_verified", "\"true\""),
        (Fault::NoAddress, "email", "null"),
    ] {
        server.set_fault(Some(fault));
        let (_, answer) = redeem(&server, &code(&server).await, VERIFIER, "secret-of-leads").await;
        let token = answer["id_token"].as_str().unwrap();
        let claims = decoded(token.split('.').nth(1).unwrap());
        assert_eq!(claims[claim].to_string(), expected, "{fault:?}");
        assert_eq!(claims["sub"], "subject-of-ana@acme.example", "{fault:?}");
    }
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
