//! What the identity provider, or somebody in its place, gets wrong.

use leads_svc::domain::member::Role;
use leads_testkit::fakes::oidc::{Fault, Kind, OidcOptions};

use super::browser::{
    Browser, PASSAGE, SESSION, SIGN_INS, audited, member, provider_with, set_cookies, text, with_ana,
    with_provider,
};
use crate::{
    rpc::service::Service,
    world::{World, on_both_databases},
};

on_both_databases!(a_wrong_token_signs_nobody_in,);

async fn a_wrong_token_signs_nobody_in(world: World) {
    let (service, provider, _) = with_ana(world, Role::Admin).await;
    for (fault, status) in [
        (Fault::WrongNonce, 403),
        (Fault::NoNonce, 403),
        (Fault::WrongAudience, 403),
        (Fault::FurtherAudience, 403),
        (Fault::OtherParty, 403),
        (Fault::WrongIssuer, 403),
        (Fault::Expired, 403),
        (Fault::FromTomorrow, 403),
        (Fault::AlgNone, 403),
        (Fault::HmacWithPublicKey, 403),
        (Fault::HmacWithSecret, 403),
        (Fault::BrokenSignature, 403),
        (Fault::ForeignKey, 403),
        (Fault::UnknownKey, 403),
        (Fault::UnverifiedAddress, 403),
        (Fault::SilentAboutVerification, 403),
        (Fault::NoAddress, 403),
        (Fault::CodeRefused, 403),
        (Fault::OtherIssuerReturns, 403),
        (Fault::TokenFails, 503),
        (Fault::NoIdToken, 503),
    ] {
        provider.set_fault(Some(fault));
        let mut browser = Browser::of(&service);
        let answer = browser.through_provider("").await;
        assert_eq!(answer.status, status, "{fault:?}: {answer:?}");
        let page = text(&answer);
        assert!(page.contains("role=\"alert\""), "{fault:?}");
        assert!(
            !page.contains("leads.example") && !page.contains("eyJ"),
            "{fault:?}: {page}"
        );
        assert!(!browser.cookies.contains_key(SESSION), "{fault:?}");
        assert!(!browser.cookies.contains_key(PASSAGE), "{fault:?}");
    }
    assert_eq!(audited(&service.world, SIGN_INS).await, []);
    for fault in [Some(Fault::VerifiedAsText), None] {
        provider.set_fault(fault);
        assert_eq!(
            Browser::of(&service).through_provider("").await.status,
            303,
            "{fault:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_of_the_provider_are_read_when_a_token_needs_them() {
    let (service, provider, _) = with_ana(World::sqlite().await, Role::Agent).await;
    let signs_in = async || Browser::of(&service).through_provider("").await.status == 303;
    assert!(signs_in().await && signs_in().await);
    let asked = || {
        (
            provider.requests("/.well-known/openid-configuration"),
            provider.requests("/keys"),
        )
    };
    assert_eq!(asked(), (1, 1));
    provider.rotate_keys(Kind::P256).unwrap();
    assert!(signs_in().await && signs_in().await);
    assert_eq!(asked(), (1, 2));
    provider.add_key(Kind::Rsa).unwrap();
    assert!(signs_in().await);
    assert_eq!(asked(), (1, 3));
    // After an hour everything is read again.
    service.world.pass(std::time::Duration::from_secs(3_601));
    Browser::of(&service).leave_and_return("").await;
    assert_eq!(asked(), (2, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_away_is_asked_again_by_the_next_one() {
    let (service, provider, _) = with_ana(World::sqlite().await, Role::Agent).await;
    for fault in [Fault::NoDescription, Fault::OtherDescription] {
        provider.set_fault(Some(fault));
        let answer = Browser::of(&service).get("/sign-in/oidc").await;
        assert_eq!((answer.status, set_cookies(&answer).len()), (503, 0), "{fault:?}");
        // The page with the key does not need it.
        assert_eq!(Browser::of(&service).get("/sign-in").await.status, 200);
    }
    provider.set_fault(Some(Fault::TokenHangs));
    let mut browser = Browser::of(&service);
    let back = browser.leave_and_return("").await;
    let since = std::time::Instant::now();
    assert_eq!(browser.get(&back).await.status, 503);
    assert!(since.elapsed() < std::time::Duration::from_secs(10));
    provider.set_fault(None);
    assert_eq!(browser.through_provider("").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_without_a_secret_has_the_verifier_alone() {
    let world = World::sqlite().await;
    let provider = provider_with(OidcOptions {
        client_secret: String::new(),
        ..OidcOptions::default()
    })
    .await;
    member(&world, &world.caller, "ana", Role::Agent).await;
    let service = Service::start_with(world, with_provider(&provider, "")).await;
    assert_eq!(Browser::of(&service).through_provider("").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_client_secret_signs_nobody_in() {
    let world = World::sqlite().await;
    let provider = super::browser::provider().await;
    member(&world, &world.caller, "ana", Role::Agent).await;
    let service = Service::start_with(world, with_provider(&provider, "another secret")).await;
    assert_eq!(Browser::of(&service).through_provider("").await.status, 403);
}
