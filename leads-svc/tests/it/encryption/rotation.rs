//! Keys of every level take each other's place while calls go on.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use leads_proto::reason::Reason;
use leads_svc::{
    domain::{audit::Action, filter::Filter, page::LeadQuery},
    service::{
        core::Core,
        keys::{Presented, mint},
        plan::Collected,
        principal::{Bound, Principal, Scope},
    },
    storage::{
        Store,
        crypto::{KeyEncryptionKeys, Purpose},
        entity::{contact, data_key, identity},
        rekeying::Rotated,
    },
};
use leads_testkit::wait;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{answers, headers, key_of, renew_all};
use crate::{
    erasures::erase,
    population::everything,
    stored_answers::ask,
    world::{World, email, kek, lead as lead_of, on_both_databases, open_with, use_cases, warm},
};

on_both_databases!(
    keys_of_all_levels_are_rotated_while_calls_go_on,
    the_audit_log_of_a_workspace_is_intact_under_its_next_data_key,
    a_key_that_is_still_being_replaced_is_not_replaced_again,
    an_erased_person_stays_away_under_the_next_index_key,
    an_index_key_that_was_just_retired_is_not_forgotten_yet,
    credentials_of_an_older_release_work_though_the_key_encryption_key_changes_with_the_upgrade,
    a_contact_can_have_a_new_key_at_once,
    a_request_from_before_an_erasure_brings_nobody_back_under_the_next_data_key,
    who_signed_in_stays_so_under_the_next_key_encryption_key,
);

async fn credentials_of_an_older_release_work_though_the_key_encryption_key_changes_with_the_upgrade(
    world: World,
) {
    let digest_after_upgrade = async |keks: KeyEncryptionKeys| {
        // As the release before left it: the installation has no secrets of its own.
        data_key::Entity::delete_many()
            .filter(data_key::Column::WorkspaceId.eq(Uuid::nil()))
            .exec(&world.raw)
            .await
            .unwrap();
        let clock = world.store.clock().clone();
        let store = open_with(&world.database.admin_url(), keks, clock).await;
        store.migrate().await.unwrap();
        store.keyring().digest("a credential").unwrap()
    };
    let before = digest_after_upgrade(kek('A').into()).await;
    let both = KeyEncryptionKeys::new(kek('B'), Some(kek('A')));
    assert_eq!(digest_after_upgrade(both).await, before);
}

const WAIT: Duration = Duration::from_secs(60);

/// Callers of several replicas that capture, read, list and search without end. The first failure is theirs to tell.
struct Traffic {
    tasks: Vec<JoinHandle<Result<(), String>>>,
    calls: Vec<Arc<AtomicU64>>,
    stop: Arc<AtomicBool>,
}

impl Traffic {
    fn start(cores: &[Core], world: &World) -> Self {
        let mut traffic = Self {
            tasks: Vec::new(),
            calls: Vec::new(),
            stop: Arc::default(),
        };
        // Two callers of each.
        for core in cores.iter().chain(cores) {
            traffic.join(core, world);
        }
        traffic
    }

    fn join(&mut self, core: &Core, world: &World) {
        let calls = Arc::<AtomicU64>::default();
        let caller = Caller {
            core: core.clone(),
            principal: world.caller.clone(),
            name: format!("caller{}", self.tasks.len()),
        };
        let requests: Vec<_> = (0..12)
            .map(|person| {
                let mut request = warm(&format!("{}.{person}", caller.name));
                // Said once, so that nobody's conversation grows without end.
                request.messages[0].id = "m1".to_owned();
                world.read(request)
            })
            .collect();
        let (seen, stop) = (Arc::clone(&calls), Arc::clone(&self.stop));
        self.calls.push(calls);
        self.tasks.push(tokio::spawn(async move {
            let mut round = 0_usize;
            while !stop.load(Relaxed) {
                caller
                    .round(requests[round % requests.len()].clone())
                    .await
                    .map_err(|error| format!("{} in round {round}: {error}", caller.name))?;
                seen.fetch_add(1, Relaxed);
                round += 1;
            }
            Ok(())
        }));
    }

    /// Waits until every caller has begun and ended a round that began after this call.
    async fn turn(&self) {
        let before: Vec<u64> = self.calls.iter().map(|calls| calls.load(Relaxed)).collect();
        wait::until("a turn of every caller", WAIT, async || {
            let all = self.calls.iter().zip(&before).zip(&self.tasks);
            let mut done =
                all.map(|((calls, before), task)| calls.load(Relaxed) >= before + 2 || task.is_finished());
            Ok(done.all(|done| done).then_some(()))
        })
        .await
        .unwrap();
        for task in &self.tasks {
            assert!(!task.is_finished(), "a caller has failed");
        }
    }

    async fn end(self) {
        self.stop.store(true, Relaxed);
        for task in self.tasks {
            task.await.unwrap().unwrap();
        }
    }
}

struct Caller {
    core: Core,
    principal: Principal,
    name: String,
}

impl Caller {
    async fn round(&self, capture: leads_svc::domain::capture::Capture) -> Result<(), String> {
        let by = &self.principal;
        let email = capture.profile.email.clone();
        let collected = self.core.collect(by, capture, None).await.map_err(told)?;
        let leads_svc::service::capture::Answered::Now(collected) = collected else {
            return Err("answered before".to_owned());
        };
        let lead = match collected {
            Collected::Created(view) | Collected::Merged(view) => view.lead.id,
            Collected::Contact(_) => return Err("not a lead".to_owned()),
        };
        let view = self.core.get_lead(by, lead).await.map_err(told)?;
        if view.contact.profile.email != email {
            return Err("another person's address".to_owned());
        }
        self.core
            .list_conversation(by, lead, 50, "")
            .await
            .map_err(told)?;
        self.core.list_activities(by, lead, 50, "").await.map_err(told)?;
        let query = LeadQuery {
            filter: Filter::words(vec!["acme".to_owned()]),
            ..everything()
        };
        let page = self.core.list_leads(by, &query, 200, "").await.map_err(told)?;
        match page.items.iter().any(|view| view.lead.id == lead) {
            true => Ok(()),
            false => Err("a search does not find the person".to_owned()),
        }
    }
}

fn told(error: leads_svc::service::error::Error) -> String {
    format!("{error:?}")
}

/// Lets a key that was announced come into use, as slowly as it does where clocks do not jump: every replica has read it
/// before any uses it.
async fn come_into_use(world: &World, traffic: &Traffic, cores: &[Core]) {
    for seconds in [3, 4, 4] {
        world.pass(Duration::from_secs(seconds));
        for core in cores {
            core.forget(world.workspace).await;
        }
        traffic.turn().await;
    }
}

async fn numbers(store: &Store, workspace: Uuid, purpose: Purpose) -> Vec<i16> {
    let keys = store.key_numbers().await.unwrap();
    keys.into_iter()
        .filter(|key| key.workspace == workspace && key.purpose == purpose.word())
        .map(|key| key.number)
        .collect()
}

async fn keys_of_all_levels_are_rotated_while_calls_go_on(world: World) {
    let (key, text) = mint(
        &world.store,
        &Bound::Workspace(world.workspace),
        "a key",
        &Scope::of_workspaces().collect::<Vec<_>>(),
        None,
    );
    world.store.create_key(key.clone(), "test").await.unwrap();
    let clock = world.store.clock().clone();
    let url = world.database.url();
    // Replicas that know the next key-encryption key already run beside those that do not use it yet.
    let both = KeyEncryptionKeys::new(kek('A'), Some(kek('B')));
    let (second, _) = use_cases(&open_with(&url, both, clock.clone()).await);
    let mut cores = vec![world.core.clone(), second];
    let traffic = Traffic::start(&cores, &world);
    traffic.turn().await;

    let rotated = world
        .store
        .rotate_data_key(world.workspace, "test")
        .await
        .unwrap();
    assert_eq!(rotated, Rotated::Announced(2));
    come_into_use(&world, &traffic, &cores).await;
    world.pass(Duration::from_secs(130));
    traffic.turn().await;
    renew_all(&world).await;
    traffic.turn().await;
    assert_eq!(numbers(&world.store, world.workspace, Purpose::Data).await, [2]);

    let rotated = world
        .store
        .rotate_index_key(world.workspace, "test")
        .await
        .unwrap();
    assert_eq!(rotated, Rotated::Announced(2));
    come_into_use(&world, &traffic, &cores).await;
    world.pass(Duration::from_secs(130));
    traffic.turn().await;
    while numbers(&world.store, world.workspace, Purpose::Index).await != [2] {
        if world.core.renew_some().await.unwrap() == 0 {
            come_into_use(&world, &traffic, &cores).await;
            world.pass(Duration::from_secs(60));
        }
    }
    traffic.turn().await;
    let names = identity::Entity::find().all(&world.raw).await.unwrap();
    assert!(names.iter().all(|row| row.key_number == 2));

    world
        .store
        .key_store()
        .rotate_root(world.store.keyring().keks())
        .await
        .unwrap();
    traffic.turn().await;

    let contacts = contact::Entity::find().all(&world.raw).await.unwrap();
    let mut former = HashSet::new();
    for row in contacts.iter().take(8) {
        former.extend(row.key_id);
        let rotated = world
            .store
            .rotate_contact_key(world.workspace, row.id, "test")
            .await;
        assert_eq!(rotated.unwrap(), Rotated::InUse);
    }
    traffic.turn().await;
    world.pass(Duration::from_secs(26 * 3_600));
    world.core.destroy_former_keys().await.unwrap();
    traffic.turn().await;

    // The next key-encryption key wraps everything, while replicas that use it and replicas that only know it serve; the
    // last one that does not know it has ended.
    traffic.end().await;
    let next = KeyEncryptionKeys::new(kek('B'), Some(kek('A')));
    let rewrapping = open_with(&url, next, clock.clone()).await;
    let (third, _) = use_cases(&rewrapping);
    cores = vec![cores.remove(1), third];
    let traffic = Traffic::start(&cores, &world);
    traffic.turn().await;
    assert!(rewrapping.rewrap().await.unwrap() > 0);
    for core in &cores {
        core.forget(world.workspace).await;
    }
    world.pass(Duration::from_secs(3));
    traffic.turn().await;
    traffic.end().await;
    assert_eq!(rewrapping.rewrap().await.unwrap(), 0);

    let last = open_with(&url, kek('B'), clock).await;
    assert_eq!(last.count_unreadable_workspaces().await.unwrap(), 0);
    let (core, _) = use_cases(&last);
    let presented = Presented::parse(&text).unwrap();
    assert!(presented.matches(&last, &key));
    let now = contact::Entity::find().all(&world.raw).await.unwrap();
    assert!(now.iter().all(|row| !former.contains(&row.key_id.unwrap())));
    let page = core
        .list_leads(&world.caller, &everything(), 200, "")
        .await
        .unwrap();
    assert_eq!(page.items.len(), now.len());
    for view in page.items {
        core.list_conversation(&world.caller, view.lead.id, 50, "")
            .await
            .unwrap();
        for (column, header) in headers(&world, view.lead.contact_id).await {
            assert_eq!(header.number, 2, "{column}");
        }
    }
}

async fn the_audit_log_of_a_workspace_is_intact_under_its_next_data_key(world: World) {
    world
        .store
        .rotate_data_key(world.workspace, "test")
        .await
        .unwrap();
    renew_all(&world).await;
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let walk = world
        .store
        .walk_audit(world.workspace, &keys, Vec::new())
        .await
        .unwrap();
    assert!(walk.fault.is_none());
    let entries = leads_svc::storage::entity::audit::Entity::find()
        .all(&world.raw)
        .await
        .unwrap();
    let word = Action::EncryptionKeyRotated.word();
    assert!(entries.iter().any(|entry| entry.action == word));
}

async fn a_key_that_is_still_being_replaced_is_not_replaced_again(world: World) {
    let rotate = || world.store.rotate_data_key(world.workspace, "test");
    assert_eq!(rotate().await.unwrap(), Rotated::Announced(2));
    assert_eq!(rotate().await.unwrap(), Rotated::UnderWay);
    renew_all(&world).await;
    assert_eq!(rotate().await.unwrap(), Rotated::Announced(3));
    let absent = world.store.rotate_data_key(Uuid::new_v4(), "test").await.unwrap();
    assert_eq!(absent, Rotated::Absent);
}

async fn an_erased_person_stays_away_under_the_next_index_key(world: World) {
    let (ana, ben) = (world.lead("ana").await, world.lead("ben").await);
    world.core.delete_lead(&world.caller, ana.id).await.unwrap();
    world
        .store
        .rotate_index_key(world.workspace, "test")
        .await
        .unwrap();
    renew_all(&world).await;
    world.core.forget(world.workspace).await;
    // The key by which the erased are known stays, and looks for them only.
    assert_eq!(
        numbers(&world.store, world.workspace, Purpose::Index).await,
        [1, 2]
    );
    let back = world
        .core
        .collect(&world.caller, world.read(warm("ana")), None)
        .await;
    assert!(back.is_err());
    let again = lead_of(world.collect(warm("ben")).await);
    assert_eq!(again.id, ben.id);
    let carl = world.lead("carl").await;
    let names = identity::Entity::find().all(&world.raw).await.unwrap();
    let of = |contact: Uuid| names.iter().filter(move |row| row.contact_id == contact);
    assert!(of(carl.contact_id).count() > 0);
    assert!(
        of(carl.contact_id)
            .chain(of(ben.contact_id))
            .all(|row| row.key_number == 2)
    );
}

async fn an_index_key_that_was_just_retired_is_not_forgotten_yet(world: World) {
    let (workspace, store) = (world.workspace, &world.store);
    store.rotate_index_key(workspace, "test").await.unwrap();
    world.pass(Duration::from_secs(150));
    data_key::Entity::update_many()
        .filter(data_key::Column::WorkspaceId.eq(workspace))
        .filter(data_key::Column::Purpose.eq(Purpose::Index.word()))
        .filter(data_key::Column::Number.eq(1))
        .col_expr(
            data_key::Column::RetiredAt,
            Expr::value(Some(store.clock().now())),
        )
        .exec(&world.raw)
        .await
        .unwrap();
    world.core.renew_some().await.unwrap();
    assert_eq!(numbers(store, workspace, Purpose::Index).await, [1, 2]);
    renew_all(&world).await;
    assert_eq!(numbers(store, workspace, Purpose::Index).await, [2]);
}

async fn a_contact_can_have_a_new_key_at_once(world: World) {
    let lead = world.lead("ana").await;
    let before = world.view(lead.id).await;
    let old = key_of(&world, lead.contact_id).await.unwrap();
    let rotated = world
        .store
        .rotate_contact_key(world.workspace, lead.contact_id, "test")
        .await;
    assert_eq!(rotated.unwrap(), Rotated::InUse);
    let new = key_of(&world, lead.contact_id).await.unwrap();
    assert_ne!(old, new);
    for (column, header) in headers(&world, lead.contact_id).await {
        assert_eq!(header.contact_key, Some(new), "{column}");
    }
    assert!(answers(&world).await.is_empty());
    assert_eq!(world.view(lead.id).await.contact.profile, before.contact.profile);
    // Erasing meanwhile takes the old one along.
    world.core.delete_lead(&world.caller, lead.id).await.unwrap();
    let keks = world.store.keyring().keks();
    let both = HashSet::from([old, new]);
    let found = world.store.key_store().secrets(keks, both.clone()).await.unwrap();
    assert_eq!(found.destroyed, both);
}

async fn a_request_from_before_an_erasure_brings_nobody_back_under_the_next_data_key(world: World) {
    let id = Uuid::new_v4();
    ask(&world, "ana", id).await.unwrap();
    erase(&world, "ana").await;
    world
        .store
        .rotate_data_key(world.workspace, "test")
        .await
        .unwrap();
    renew_all(&world).await;
    assert_eq!(numbers(&world.store, world.workspace, Purpose::Data).await, [2]);
    let refused = ask(&world, "ana", id).await.err().unwrap();
    assert_eq!(refused.reason, Reason::ErasedSubject);
}

async fn who_signed_in_stays_so_under_the_next_key_encryption_key(world: World) {
    let (url, clock) = (world.database.url(), world.store.clock().clone());
    let marks = async |store: &Store| store.sign_in_indexes(&email("ana")).await.unwrap();
    let digest = |store: &Store| store.keyring().digest("session secret").unwrap();
    let next = KeyEncryptionKeys::new(kek('B'), Some(kek('A')));
    let rewrapping = open_with(&url, next, clock.clone()).await;
    assert!(rewrapping.rewrap().await.unwrap() > 0);
    let last = open_with(&url, kek('B'), clock).await;
    assert_eq!(marks(&last).await, marks(&world.store).await);
    assert_eq!(digest(&last), digest(&world.store));
}
