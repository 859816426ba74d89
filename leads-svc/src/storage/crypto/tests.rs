//! What opens, and what does not.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const KEK: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEK: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn kek(text: &str) -> KeyEncryptionKey {
    KeyEncryptionKey::from_base64(text).unwrap()
}

fn keys(workspace: u128) -> WorkspaceKeys {
    WorkspaceKeys::of(Uuid::from_u128(workspace), 1, &new_secret())
}

fn place(column: &'static str, row: u128) -> Place {
    Place {
        column,
        row: Uuid::from_u128(row),
    }
}

fn data(workspace: u128, number: i16) -> Wrapped {
    Wrapped {
        workspace: Uuid::from_u128(workspace),
        purpose: Purpose::Data,
        number,
    }
}

fn with<'a>(keys: &'a WorkspaceKeys, id: Uuid, secret: &Secret) -> ContactSecrets<'a> {
    let secrets = HashMap::from([(id, Arc::new(secret.clone()))]);
    ContactSecrets::new(keys, secrets, HashSet::new())
}

#[test]
fn a_value_opens_only_in_its_own_place() {
    let keys_a = keys(1);
    let sealed = keys_a
        .seal(place("contacts.profile", 1), b"ana@acme.example")
        .unwrap();
    assert_eq!(
        keys_a.open(place("contacts.profile", 1), &sealed).unwrap(),
        b"ana@acme.example"
    );
    for elsewhere in [place("contacts.profile", 2), place("messages.sealed", 1)] {
        assert_eq!(keys_a.open(elsewhere, &sealed), Err(Error::Authentication));
    }
    assert_eq!(
        keys(2).open(place("contacts.profile", 1), &sealed),
        Err(Error::Authentication)
    );
}

#[test]
fn a_value_of_a_contact_needs_the_secret_of_the_contact_and_the_data_key_of_the_workspace() {
    let (first, second) = (new_secret(), new_secret());
    let workspace = Uuid::from_u128(1);
    let keys = WorkspaceKeys::of(workspace, 2, &second).and_opening(1, &first);
    let (id, secret) = (Uuid::from_u128(7), new_secret());
    let here = place("messages.sealed", 1);
    let sealed = keys.contact_sealer(id, &secret).seal(here, b"hello").unwrap();
    assert_eq!(with(&keys, id, &secret).open(here, &sealed).unwrap(), b"hello");
    assert_eq!(keys.open(here, &sealed), Err(Error::NoKey));
    let none = ContactSecrets::new(&keys, HashMap::new(), HashSet::from([id]));
    assert_eq!(none.open(here, &sealed), Err(Error::Destroyed));
    assert!(none.is_destroyed(&sealed));
    assert_eq!(
        with(&keys, id, &new_secret()).open(here, &sealed),
        Err(Error::Authentication)
    );
    let before = WorkspaceKeys::of(workspace, 1, &first);
    assert_eq!(
        with(&before, id, &secret).open(here, &sealed),
        Err(Error::DataKey(2))
    );
    // What was sealed before contacts had keys is opened beside what is sealed with them.
    let old = before.seal(here, b"old").unwrap();
    assert_eq!(with(&keys, id, &secret).open(here, &old).unwrap(), b"old");
}

#[test]
fn a_secret_is_unwrapped_only_for_what_it_was_wrapped_for_and_by_a_key_that_is_configured() {
    let wrapped = kek(KEK).wrap(data(1, 1), new_secret().as_slice()).unwrap();
    for elsewhere in [
        data(2, 1),
        data(1, 2),
        Wrapped {
            purpose: Purpose::Audit,
            ..data(1, 1)
        },
    ] {
        assert!(kek(KEK).unwrap(elsewhere, &wrapped).is_err());
    }
    assert!(kek(OTHER_KEK).unwrap(data(1, 1), &wrapped).is_err());
    let both = KeyEncryptionKeys::new(kek(OTHER_KEK), Some(kek(KEK)));
    assert!(both.unwrap(kek(KEK).id(), data(1, 1), &wrapped).is_ok());
    let alone = KeyEncryptionKeys::from(kek(OTHER_KEK));
    assert_eq!(
        alone.unwrap(kek(KEK).id(), data(1, 1), &wrapped),
        Err(Error::UnknownKeyEncryptionKey)
    );
}

#[test]
fn equal_addresses_of_two_workspaces_have_different_indexes() {
    let (a, b) = (keys(1), keys(2));
    let index = |keys: &WorkspaceKeys, kind| keys.value_indexes(kind, "x@y.example");
    assert_eq!(index(&a, "email"), index(&a, "email"));
    assert_ne!(index(&a, "email"), index(&b, "email"));
    assert_ne!(index(&a, "email"), index(&a, "mailbox"));
    let words = ["acme".to_owned()];
    assert_ne!(a.search_tokens(&words), b.search_tokens(&words));
}

#[test]
fn index_and_audit_keys_outlive_the_data_key_that_they_first_came_from() {
    let first = new_secret();
    let alone = WorkspaceKeys::of(Uuid::from_u128(1), 1, &first);
    let (index, audit) = WorkspaceKeys::first_secrets(&first);
    let later = WorkspaceKeys::of(Uuid::from_u128(1), 2, &new_secret())
        .with_indexes(vec![IndexKey::new(1, &index, true).unwrap()])
        .with_audit(&audit);
    let found = |keys: &WorkspaceKeys| keys.value_indexes("email", "x@y.example");
    assert_eq!(found(&alone), found(&later));
    let words = ["acme".to_owned()];
    assert_eq!(alone.search_tokens(&words), later.search_tokens(&words));
}

proptest! {
    #[test]
    fn damage_is_an_error_and_never_a_panic(plain in prop::collection::vec(any::<u8>(), 0..80), cut in 0usize..64, flip in 0usize..80, of_contact in any::<bool>()) {
        let keys = keys(1);
        let (id, secret) = (Uuid::from_u128(7), new_secret());
        let here = place("contacts.profile", 1);
        let sealed = if of_contact {
            keys.contact_sealer(id, &secret).seal(here, &plain).unwrap()
        } else {
            keys.seal(here, &plain).unwrap()
        };
        let secrets = with(&keys, id, &secret);
        prop_assert_eq!(secrets.open(here, &sealed).unwrap(), plain);
        prop_assert!(secrets.open(here, &sealed[..cut.min(sealed.len() - 1)]).is_err());
        let mut damaged = sealed.clone();
        let at = flip % damaged.len();
        damaged[at] ^= 1;
        prop_assert!(secrets.open(here, &damaged).is_err());
    }
}
