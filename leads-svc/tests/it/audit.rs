//! The audit log: what is recorded, that every change of it is found, and who read personal data.

use std::time::Duration;

use leads_svc::{
    domain::{
        audit::{Act, Action, Anchor, Fault, Problem},
        email::Email,
        ids,
        member::Role,
        page::LeadQuery,
        plan::Plan,
    },
    service::principal::{Bound, Principal, Scope},
    storage::{audit::Walk, entity::personal_read},
};
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use crate::world::{HUBSPOT, World, email, on_both_databases, paused};

on_both_databases!(
    every_act_is_recorded_in_its_transaction,
    a_refused_act_leaves_no_entry,
    entries_that_are_appended_at_once_form_one_chain,
    every_mutation_of_the_table_is_found_at_its_place,
    a_cut_tail_is_found_by_the_anchors_that_were_told,
    a_walk_while_entries_are_appended_finds_nothing_wrong,
    pages_of_the_log_hold_every_entry_once,
    reads_are_counted_by_caller_method_and_minute,
);

async fn actions(world: &World) -> Vec<String> {
    let page = world
        .core
        .list_audit_entries(&world.caller, "", 200, "")
        .await
        .unwrap();
    page.items.into_iter().rev().map(|entry| entry.action).collect()
}

async fn walk(world: &World, anchors: Vec<Anchor>) -> Walk {
    world.core.verify_audit(&world.caller, anchors).await.unwrap()
}

async fn fault(world: &World) -> Option<(i64, Problem)> {
    let Fault { n, problem } = walk(world, Vec::new()).await.fault?;
    Some((n, problem))
}

async fn append(world: &World, count: usize) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    for _ in 0..count {
        let act = Act::new("test", Action::ExportMade, "lead_x").with("kind", "test");
        world.store.record(world.workspace, &keys, act).await.unwrap();
    }
}

async fn sql(world: &World, statement: &str) {
    world.raw.execute_unprepared(statement).await.unwrap();
}

/// A member with a key that is replaced, who is removed; then another plan.
async fn members_and_plans(world: &World) {
    let (core, caller) = (&world.core, &world.caller);
    let address = Email::parse(&email("member")).unwrap();
    let member = core.create_member(caller, &address, Role::Agent).await.unwrap();
    core.update_member(caller, member.id, Role::Viewer).await.unwrap();
    let scopes = vec!["leads.read".to_owned()];
    let (key, _) = core
        .create_api_key(caller, "Ana", &scopes, None, Some(member.id))
        .await
        .unwrap();
    let (new, _) = core.rotate_api_key(caller, &key.id, None).await.unwrap();
    core.delete_member(caller, member.id).await.unwrap();
    core.delete_member(caller, member.id).await.unwrap_err();
    let platform = Principal::new(
        "platform".to_owned(),
        Bound::Platform,
        vec![Scope::PlatformWorkspaces],
    );
    core.set_plan(&platform.within(world.workspace), Plan::Growth)
        .await
        .unwrap();
    let details = async |subject: String| {
        let page = core.list_audit_entries(caller, &subject, 50, "").await.unwrap();
        let details = page.items.into_iter().rev().map(|entry| entry.details);
        details.collect::<Vec<String>>()
    };
    let mut ended = [key.id.as_str(), new.id.as_str()];
    ended.sort_unstable();
    assert_eq!(
        details(ids::format::<ids::Member>(member.id)).await,
        [
            r#"{"role":"agent"}"#.to_owned(),
            r#"{"role":"agent -> viewer"}"#.to_owned(),
            format!(r#"{{"keys":"{}"}}"#, ended.join(" ")),
        ]
    );
    let rotated = details(format!("key:{}", key.id)).await.pop().unwrap();
    assert!(
        rotated.contains(&format!(r#""new":"key:{}""#, new.id)),
        "{rotated}"
    );
    let workspace = details(ids::format::<ids::Workspace>(world.workspace)).await;
    assert_eq!(workspace.last().unwrap(), r#"{"plan":"enterprise -> growth"}"#);
}

async fn every_act_is_recorded_in_its_transaction(world: World) {
    world.connect().await;
    let lead = world.lead("ana").await;
    world.lead("bo").await;
    for grant in world.grants().await {
        world.report(&grant, paused(None)).await;
    }
    world
        .change_settings(|settings| settings.hot_threshold = 71)
        .await;
    let scopes = vec!["leads.read".to_owned()];
    let (key, _) = world
        .core
        .create_api_key(&world.caller, "reader", &scopes, None, None)
        .await
        .unwrap();
    for _again in 0..2 {
        world.core.revoke_api_key(&world.caller, &key.id).await.unwrap();
    }
    members_and_plans(&world).await;
    world.core.delete_lead(&world.caller, lead.id).await.unwrap();
    world
        .core
        .disconnect_provider(&world.caller, HUBSPOT)
        .await
        .unwrap();
    assert_eq!(
        actions(&world).await,
        [
            "workspace.created",
            "key.created",
            "connection.made",
            "connection.paused",
            "settings.changed",
            "key.created",
            "key.revoked",
            "member.created",
            "member.changed",
            "key.created",
            "key.created",
            "key.rotated",
            "member.removed",
            "plan.set",
            "lead.deleted",
            "erasure.requested",
            "erasure.settled",
            "connection.ended",
        ]
    );
    let page = world
        .core
        .list_audit_entries(&world.caller, &format!("key:{}", key.id), 50, "")
        .await
        .unwrap();
    let by: Vec<(i64, &str)> = page
        .items
        .iter()
        .map(|entry| (entry.n, entry.actor.as_str()))
        .collect();
    assert_eq!(by, [(7, "key:testkey"), (6, "key:testkey")]);
    let page = world
        .core
        .list_audit_entries(&world.caller, "", 50, "")
        .await
        .unwrap();
    assert_eq!(page.items[13].details, r#"{"hot_threshold":"80 -> 71"}"#);
    assert_eq!(fault(&world).await, None);
}

async fn a_refused_act_leaves_no_entry(world: World) {
    let core = &world.core;
    core.delete_lead(&world.caller, Uuid::from_u128(1))
        .await
        .unwrap_err();
    core.revoke_api_key(&world.caller, "AAAAAAAAAAAA")
        .await
        .unwrap_err();
    core.disconnect_provider(&world.caller, HUBSPOT)
        .await
        .unwrap_err();
    assert_eq!(actions(&world).await, ["workspace.created", "key.created"]);
}

async fn entries_that_are_appended_at_once_form_one_chain(world: World) {
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let (other, _) = world.replica().await;
    let mut writers = tokio::task::JoinSet::new();
    for (task, store) in [world.store.clone(), other.store.clone()]
        .into_iter()
        .cycle()
        .take(8)
        .enumerate()
    {
        let (workspace, keys) = (world.workspace, keys.clone());
        writers.spawn(async move {
            for _ in 0..20 {
                let act = Act::new(&format!("task {task}"), Action::ExportMade, "lead_x");
                store.record(workspace, &keys, act).await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let walk = walk(&world, Vec::new()).await;
    assert_eq!((walk.last.n, walk.fault), (162, None));
}

async fn every_mutation_of_the_table_is_found_at_its_place(world: World) {
    append(&world, 119).await;
    assert_eq!(fault(&world).await, None);
    sql(&world, "CREATE TABLE kept AS SELECT * FROM audit").await;
    sql(&world, "CREATE TABLE kept_heads AS SELECT * FROM audit_heads").await;
    sql(&world, "CREATE TABLE kept_anchors AS SELECT * FROM audit_anchors").await;
    let swap = "UPDATE audit SET mac = (SELECT mac FROM kept WHERE kept.n = 45 - audit.n), \
                actor = (SELECT actor FROM kept WHERE kept.n = 45 - audit.n), \
                at = (SELECT at FROM kept WHERE kept.n = 45 - audit.n) WHERE n IN (20, 25)";
    let insert = "INSERT INTO audit SELECT workspace_id, 122, at, actor, action, subject, details, mac \
                  FROM kept WHERE n = 121";
    let cut_head = "UPDATE audit_heads SET n = 60, mac = (SELECT mac FROM kept WHERE n = 60)";
    let cases: [(&[&str], (i64, Problem)); 11] = [
        (
            &["UPDATE audit SET actor = 'Test' WHERE n = 17"],
            (17, Problem::Altered),
        ),
        (
            &["UPDATE audit SET action = 'lead.deleted' WHERE n = 18"],
            (18, Problem::Altered),
        ),
        (
            &["UPDATE audit SET subject = 'lead_y' WHERE n = 1"],
            (1, Problem::Altered),
        ),
        (
            &["UPDATE audit SET details = '{}' WHERE n = 121"],
            (121, Problem::Altered),
        ),
        (&["DELETE FROM audit WHERE n = 1"], (1, Problem::Missing)),
        (&["DELETE FROM audit WHERE n = 77"], (77, Problem::Missing)),
        (&[swap], (20, Problem::Altered)),
        (&[insert], (122, Problem::Altered)),
        (&["DELETE FROM audit WHERE n > 110"], (111, Problem::Missing)),
        (
            &["DELETE FROM audit WHERE n > 60", cut_head],
            (61, Problem::Missing),
        ),
        (
            &[
                "DELETE FROM audit",
                "DELETE FROM audit_heads",
                "DELETE FROM audit_anchors",
            ],
            (1, Problem::Missing),
        ),
    ];
    for (statements, expected) in cases {
        for statement in statements {
            sql(&world, statement).await;
        }
        assert_eq!(fault(&world).await, Some(expected), "{statements:?}");
        for (table, kept) in [
            ("audit", "kept"),
            ("audit_heads", "kept_heads"),
            ("audit_anchors", "kept_anchors"),
        ] {
            sql(&world, &format!("DELETE FROM {table}")).await;
            sql(&world, &format!("INSERT INTO {table} SELECT * FROM {kept}")).await;
        }
        assert_eq!(fault(&world).await, None, "{statements:?}");
    }
}

async fn a_cut_tail_is_found_by_the_anchors_that_were_told(world: World) {
    append(&world, 30).await;
    let told = walk(&world, Vec::new()).await.last;
    sql(&world, "DELETE FROM audit WHERE n > 20").await;
    sql(
        &world,
        "UPDATE audit_heads SET n = 20, mac = (SELECT mac FROM audit WHERE n = 20)",
    )
    .await;
    assert_eq!(fault(&world).await, None);
    let found = walk(&world, vec![told]).await;
    assert_eq!(
        (found.last.n, found.fault),
        (
            20,
            Some(Fault {
                n: 21,
                problem: Problem::Missing
            })
        )
    );
}

async fn a_walk_while_entries_are_appended_finds_nothing_wrong(world: World) {
    let (store, workspace) = (world.store.clone(), world.workspace);
    let keys = store.workspace_keys(workspace).await.unwrap();
    let appending = tokio::spawn(async move {
        for _ in 0..150 {
            let act = Act::new("test", Action::ExportMade, "lead_x");
            store.record(workspace, &keys, act).await.unwrap();
        }
    });
    while !appending.is_finished() {
        assert_eq!(fault(&world).await, None);
    }
    appending.await.unwrap();
    assert_eq!(walk(&world, Vec::new()).await.last.n, 152);
}

async fn pages_of_the_log_hold_every_entry_once(world: World) {
    append(&world, 22).await;
    let (mut token, mut numbers) = (String::new(), Vec::new());
    loop {
        let page = world
            .core
            .list_audit_entries(&world.caller, "", 10, &token)
            .await
            .unwrap();
        numbers.extend(page.items.iter().map(|entry| entry.n));
        token = page.next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(numbers, (1..=24).rev().collect::<Vec<i64>>());
}

async fn reads_are_counted_by_caller_method_and_minute(world: World) {
    let (ana, _bo) = (world.lead("ana").await, world.lead("bo").await);
    // To the beginning of a minute, so that all reads before the next pass are of one.
    let second = world.store.clock().now().timestamp() % 60;
    world.pass(Duration::from_secs(60 - second as u64));
    for _ in 0..3 {
        world.view(ana.id).await;
    }
    let query = LeadQuery::everything();
    world
        .core
        .list_leads(&world.caller, &query, 50, "")
        .await
        .unwrap();
    world.pass(Duration::from_secs(60));
    world.view(ana.id).await;
    world
        .core
        .get_lead(&world.caller, Uuid::from_u128(1))
        .await
        .unwrap_err();
    for _again in 0..2 {
        world.core.note_reads().await.unwrap();
    }
    let mut noted: Vec<(String, i64)> = personal_read::Entity::find()
        .all(&world.raw)
        .await
        .unwrap()
        .into_iter()
        .map(|row| {
            assert_eq!(row.workspace_id, world.workspace);
            assert_eq!(row.actor, "key:testkey");
            assert_eq!(row.minute.timestamp() % 60, 0);
            (row.method, row.leads)
        })
        .collect();
    noted.sort_unstable();
    assert_eq!(
        noted,
        [
            ("GetLead".to_owned(), 1),
            ("GetLead".to_owned(), 3),
            ("ListLeads".to_owned(), 2)
        ]
    );
    world.pass(Duration::from_secs(366 * 86_400));
    world.core.forget_old_answers().await.unwrap();
    assert!(
        personal_read::Entity::find()
            .all(&world.raw)
            .await
            .unwrap()
            .is_empty()
    );
}

/// `cargo test --release -p leads-svc --test it rate_of_verification -- --ignored --nocapture` tells the rates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn rate_of_verification() {
    use leads_svc::domain::audit::Verifier;
    let world = World::sqlite().await;
    let keys = world.store.workspace_keys(world.workspace).await.unwrap();
    let (mut head, mut entries, mut values) = (None, Vec::new(), Vec::new());
    for _ in 0..200_000 {
        let act = Act::new(
            "key:abcdefghijkl",
            Action::LeadDeleted,
            format!("lead_{}", Uuid::new_v4()),
        );
        let at = world.store.clock().now();
        let entry = keys.audit().extend(world.workspace, head.as_ref(), act, at);
        head = Some(Anchor {
            n: entry.n,
            mac: entry.mac.clone(),
        });
        values.push(leads_svc::storage::entity::audit::Model {
            workspace_id: world.workspace,
            n: entry.n,
            at,
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            details: entry.details.clone(),
            mac: entry.mac.clone(),
        });
        entries.push(entry);
    }
    let started = std::time::Instant::now();
    let mut verifier = Verifier::new(keys.audit(), world.workspace, []);
    for entry in &entries {
        verifier.push(entry).unwrap();
    }
    verifier.finish(head.as_ref()).unwrap();
    let chain = 200_000.0 / started.elapsed().as_secs_f64();

    use leads_svc::storage::entity::{audit, audit_head};
    use sea_orm::IntoActiveModel;
    sql(&world, "DELETE FROM audit").await;
    sql(&world, "DELETE FROM audit_heads").await;
    for rows in values.chunks(1_000) {
        let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
        audit::Entity::insert_many(rows).exec(&world.raw).await.unwrap();
    }
    let head = head.unwrap();
    let head = audit_head::Model {
        workspace_id: world.workspace,
        n: head.n,
        mac: head.mac,
    };
    audit_head::Entity::insert(head.into_active_model())
        .exec(&world.raw)
        .await
        .unwrap();
    let started = std::time::Instant::now();
    assert_eq!(walk(&world, Vec::new()).await.fault, None);
    let whole = 200_000.0 / started.elapsed().as_secs_f64();
    println!("{chain:.0} entries a second in memory, {whole:.0} from SQLite");
    assert!(chain > 100_000.0 && whole > 100_000.0);
}
