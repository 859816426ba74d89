//! Credentials that nobody was given: how few of them cost a query, and how leaked ones are found.

use std::{fs, path::Path};

use leads_svc::{
    service::{
        auth::{Auth, Rate},
        keys::{Presented, mint},
        principal::{Bound, Scope},
    },
    storage::{Options, Store, crypto::KeyEncryptionKey},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use regex::Regex;
use tonic::Code;

use super::service::{Service, reason};
use crate::world::{World, on_both_databases};

on_both_databases!(
    guessing_is_slowed_down_and_good_keys_pass_meanwhile,
    another_key_encryption_key_ends_all_credentials,
);

const LIST: &str = "/leads.v1.LeadsService/ListLeads";
/// What a scanner for leaked secrets looks for; docs/how-to/keys-and-members.md has it.
const LEAKED: &str = r"\b[apc]k_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}\b";

#[tokio::test]
async fn of_a_million_forged_keys_none_reaches_the_database() {
    let world = World::sqlite().await;
    let (_, text) = mint(&world.store, &Bound::Platform, "forged", Scope::ALL, None);
    let mut random = StdRng::seed_from_u64(5);
    let mut passed = 0;
    for _ in 0..1_000_000 {
        let mut forged = text.clone().into_bytes();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(3..forged.len());
            forged[at] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                [random.random_range(0..63)];
        }
        let forged = String::from_utf8(forged).unwrap();
        // A letter may have been replaced by itself.
        passed += usize::from(forged != text && Presented::parse(&forged).is_some());
    }
    assert_eq!(passed, 0);
}

#[tokio::test]
async fn a_scanner_finds_every_planted_key_and_none_in_the_sources() {
    let world = World::sqlite().await;
    let leaked = Regex::new(LEAKED).unwrap();
    let bounds = [
        Bound::Workspace(world.workspace),
        Bound::Platform,
        Bound::Destination("hubspot".to_owned()),
    ];
    for index in 0..300 {
        let (_, text) = mint(&world.store, &bounds[index % 3], "planted", Scope::ALL, None);
        let planted = format!("line\nexport LEADS_KEY=\"{text}\" # key\n");
        assert_eq!(leaked.find(&planted).unwrap().as_str(), text);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files) = (
        vec![root.join("src"), root.join("tests"), root.join("../docs")],
        0,
    );
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                files += 1;
                assert!(!leaked.is_match(&text), "{}", path.display());
            }
        }
    }
    assert!(files > 100, "{files}");
}

#[test]
fn digests_of_credentials_are_compared_in_constant_time_only() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service");
    let short_cut = Regex::new(r"digest\)*\s*[!=]=|[!=]=\s*[&*\w.]*digest").unwrap();
    assert!(short_cut.is_match("row.digest == given") && short_cut.is_match("a != &key.digest"));
    let mut comparisons = 0;
    for file in ["keys.rs", "auth.rs", "rotation.rs"] {
        let source = fs::read_to_string(folder.join(file)).unwrap();
        comparisons += source.matches("ct_eq(").count();
        assert!(
            !short_cut.is_match(&source),
            "{file} compares a digest with == or !="
        );
    }
    assert_eq!(comparisons, 1);
}

async fn guessing_is_slowed_down_and_good_keys_pass_meanwhile(world: World) {
    let service = Service::start(world).await;
    let good = service.key_of(service.world.workspace).await;
    let own = Bound::Workspace(service.world.workspace);
    let mut slowed = 0;
    for round in 0..150 {
        let (_, wrong) = mint(&service.world.store, &own, "never stored", Scope::ALL, None);
        let refused = service.call(LIST, &wrong, Vec::new()).await.unwrap_err();
        match (refused.code(), reason(&refused).as_str()) {
            (Code::Unauthenticated, _) => {}
            (Code::ResourceExhausted, "RATE_LIMITED") => slowed += 1,
            other => panic!("{other:?}"),
        }
        if round % 10 == 0 {
            assert!(service.call(LIST, &good, Vec::new()).await.is_ok());
        }
    }
    // 100 are free; some come back while the calls take their time.
    assert!((30..=50).contains(&slowed), "{slowed}");

    let fresh = service.replica().await;
    let (key, right) = mint(&service.world.store, &own, "guessed at", Scope::ALL, None);
    service.world.store.create_key(key, "test").await.unwrap();
    let mut slowed = 0;
    for _ in 0..40 {
        // The same public part with another secret, and so with another checksum.
        let guess = guess(&right);
        let refused = fresh.call(LIST, &guess, None, Vec::new()).await.unwrap_err();
        slowed += usize::from(refused.code() == Code::ResourceExhausted);
    }
    assert!((10..=20).contains(&slowed), "{slowed}");
    assert!(fresh.call(LIST, &right, None, Vec::new()).await.is_ok());
}

/// A key with the public part of another one, and a secret of its own.
fn guess(text: &str) -> String {
    let mut random = rand::rng();
    let letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let secret: String = (0..43)
        .map(|_| char::from(letters[random.random_range(0..62)]))
        .collect();
    let body = format!("{}_{secret}", text.rsplit_once('_').unwrap().0);
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut checksum = [0; 6];
    for digit in checksum.iter_mut().rev() {
        *digit = letters[rest % 62];
        rest /= 62;
    }
    let text = format!("{body}{}", String::from_utf8(checksum.to_vec()).unwrap());
    assert!(Presented::parse(&text).is_some());
    text
}

async fn another_key_encryption_key_ends_all_credentials(world: World) {
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    let rate = Rate {
        per_second: 100.try_into().unwrap(),
        burst: 100.try_into().unwrap(),
    };
    for (kek, is_same) in [("A".repeat(43), true), ("B".repeat(42) + "A", false)] {
        let options = Options {
            url: service.world.database.url(),
            max_connections: 2,
        };
        let kek = KeyEncryptionKey::from_base64(&(kek + "=")).unwrap();
        let clock = service.world.store.clock().clone();
        let store = Store::connect(&options, kek, clock).await.unwrap();
        let known = Auth::new(store, rate).authenticate(&key, None).await;
        assert_eq!(known.is_ok(), is_same);
    }
}
