//! Plans: what they hide and bring back, what waits, and where their limits are.

use std::time::Duration;

use futures::future::join_all;
use leads_proto::{leads::v1, reason::Reason};
use leads_svc::{
    domain::{
        page::{LeadQuery, Order},
        plan::Plan,
        sync::{Lane, Status},
        usage::{Counts, Month},
    },
    grpc::convert,
    service::{
        capture::{Answered, Request},
        error::Error,
        plan::Collected,
        principal::{Bound, Principal, Scope},
    },
    storage::jobs::claim::Refusal,
};
use uuid::Uuid;

use crate::{
    population::{everything, filtered},
    world::{World, cold, hot, lead, on_both_databases, refusals, warm},
};

on_both_databases!(
    scores_are_hidden_below_growth_and_all_there_after_an_upgrade,
    syncs_wait_below_growth_and_go_on_after_an_upgrade,
    what_a_plan_lacks_is_refused_with_the_plan_that_has_it,
    hot_leads_overtake_only_with_a_plan_that_routes_them,
    captures_end_at_the_limit_and_start_again_with_the_month_or_the_plan,
    captures_at_once_do_not_pass_the_limit,
    use_is_noted_by_every_replica_and_failed_captures_are_not_counted,
    keys_end_at_the_limit_of_the_plan,
    filters_are_written_from_the_business_plan_on,
);

/// All words of a refusal's metadata, by name.
fn told<'a>(error: &'a Error, name: &str) -> &'a str {
    let (_, value) = error.metadata.iter().find(|(key, _)| *key == name).unwrap();
    value
}

async fn give(world: &World, plan: Plan) {
    let bound = Bound::Workspace(world.workspace);
    let operator = Principal::new("operator".to_owned(), bound, vec![Scope::PlatformWorkspaces]);
    let workspace = world.core.set_plan(&operator, plan).await.unwrap();
    assert_eq!(workspace.plan, plan);
}

async fn scores_are_hidden_below_growth_and_all_there_after_an_upgrade(world: World) {
    let before = world.lead("ana").await;
    let shown = world.view(before.id).await;
    assert!(shown.score.is_some());
    give(&world, Plan::Starter).await;
    let after = lead(world.collect(hot("ben")).await);
    for id in [before.id, after.id] {
        assert_eq!(world.view(id).await.score, None);
        assert!(!world.timeline(id).await.contains(&"scored".to_owned()));
        let refused = world.core.list_scores(&world.caller, id, 50, "").await;
        assert_eq!(refused.unwrap_err().reason, Reason::PlanRequired);
    }
    let page = world.core.list_leads(&world.caller, &everything(), 50, "").await;
    assert!(page.unwrap().items.iter().all(|view| view.score.is_none()));
    let by_score = LeadQuery {
        order: Order::parse("score desc").unwrap(),
        ..everything()
    };
    let filters = [
        "score >= 50",
        "score.band = hot",
        "NOT (stage = new OR score.budget > 1)",
        "score.scored_at < -1d",
        "score.framework:*",
    ];
    for query in filters.map(filtered).into_iter().chain([by_score]) {
        let refused = world.core.list_leads(&world.caller, &query, 50, "").await;
        assert_eq!(refused.unwrap_err().reason, Reason::PlanRequired);
    }

    give(&world, Plan::Growth).await;
    let again = world.view(before.id).await;
    assert_eq!((again.score, again.lead), (shown.score, shown.lead));
    assert!(world.view(after.id).await.score.unwrap().total >= 80);
    assert!(world.timeline(after.id).await.contains(&"scored".to_owned()));
}

async fn filters_are_written_from_the_business_plan_on(world: World) {
    let id = world.lead("ana").await.id;
    let written = LeadQuery {
        is_written: true,
        ..filtered("stage = new")
    };
    give(&world, Plan::Growth).await;
    let refused = world.core.list_leads(&world.caller, &written, 50, "").await;
    let refused = refused.map(|page| page.items.len()).unwrap_err();
    assert_eq!(refused.reason, Reason::PlanRequired);
    assert_eq!(
        (told(&refused, "entitlement"), told(&refused, "unlocked_by")),
        ("advanced_filters", "business")
    );
    let counted = world.core.count_leads(&world.caller, &written, 1).await;
    assert_eq!(counted.unwrap_err().reason, Reason::PlanRequired);
    // As parameters it is the same filter, on every plan.
    let page = world
        .core
        .list_leads(&world.caller, &filtered("stage = new"), 50, "")
        .await;
    assert_eq!(page.unwrap().items[0].lead.id, id);
    give(&world, Plan::Business).await;
    let page = world.core.list_leads(&world.caller, &written, 50, "").await;
    assert_eq!(page.unwrap().items[0].lead.id, id);
}

async fn syncs_wait_below_growth_and_go_on_after_an_upgrade(world: World) {
    world.connect().await;
    let early = world.lead("ana").await;
    let on_its_way = world.publish().await;
    assert_eq!(on_its_way.len(), 1);
    give(&world, Plan::Starter).await;
    assert_eq!(refusals(world.claim(&on_its_way).await), [Refusal::Held]);
    let late = world.lead("ben").await;
    assert_eq!(world.publish().await, []);
    for id in [early.id, late.id] {
        let link = world.view(id).await.links.remove(0);
        assert_eq!(link.status, Status::Pending);
        let reason = link.reason.unwrap();
        assert_eq!(reason.code, "PLAN_REQUIRED");
        assert!(reason.hint.contains("growth"), "{}", reason.hint);
    }

    give(&world, Plan::Growth).await;
    let mut granted = world.claim(&on_its_way).await;
    assert!(granted.pop().unwrap().result.is_ok());
    world.deliver().await;
    assert_eq!(world.view(late.id).await.links[0].status, Status::Synced);
}

async fn what_a_plan_lacks_is_refused_with_the_plan_that_has_it(world: World) {
    let lead = world.lead("ana").await;
    give(&world, Plan::Free).await;
    let connect = world
        .core
        .connect_provider(&world.caller, crate::world::HUBSPOT, "pat", &Default::default())
        .await
        .unwrap_err();
    let sync = world
        .core
        .sync_lead(&world.caller, lead.id, None)
        .await
        .unwrap_err();
    for refused in [connect, sync] {
        assert_eq!(refused.reason, Reason::PlanRequired);
        assert_eq!(told(&refused, "entitlement"), "crm_sync");
        assert_eq!(told(&refused, "plan"), "free");
        assert_eq!(told(&refused, "unlocked_by"), "growth");
    }
    let unknown = world.core.sync_lead(&world.caller, Uuid::nil(), None).await;
    assert_eq!(unknown.unwrap_err().reason, Reason::PlanRequired);
}

async fn hot_leads_overtake_only_with_a_plan_that_routes_them(world: World) {
    world.connect().await;
    let first = lead(world.collect(hot("ana")).await);
    give(&world, Plan::Starter).await;
    let second = lead(world.collect(hot("ben")).await);
    let lane = async |id| Lane::from_rank(world.job(id).await.unwrap().lane);
    assert_eq!(
        (lane(first.id).await, lane(second.id).await),
        (Lane::Hot, Lane::Normal)
    );
}

async fn note(world: &World, captures: i64) {
    let month = Month::of(world.store.clock().now());
    let used = (world.workspace, month, Counts { captures, leads: 0 });
    world.store.add_usage(&[used]).await.unwrap();
    world.core.forget(world.workspace).await;
}

async fn capture(world: &World, name: &str) -> Result<Answered<Collected>, Error> {
    world
        .core
        .collect(&world.caller, world.read(cold(name)), None)
        .await
}

async fn captures_end_at_the_limit_and_start_again_with_the_month_or_the_plan(world: World) {
    give(&world, Plan::Free).await;
    note(&world, 249).await;
    let mut request = warm("ana");
    request.request_id = "0198f2d4-0000-7000-8000-000000000001".to_owned();
    let again = || {
        let (capture, key) = convert::capture::capture(request.clone(), world.store.clock().now()).unwrap();
        (capture, key.unwrap())
    };
    let encode = |_: &Collected| vec![7];
    let keyed = |key| Some(Request { key, encode: &encode });
    let (first, key) = again();
    let stored = world.core.collect(&world.caller, first, keyed(key)).await;
    assert!(matches!(stored, Ok(Answered::Now(_))));

    let refused = capture(&world, "ben").await.unwrap_err();
    assert_eq!(refused.reason, Reason::PlanLimit);
    assert_eq!(told(&refused, "limit"), "captures_per_month");
    assert_eq!((told(&refused, "max"), told(&refused, "used")), ("250", "250"));
    assert_eq!(told(&refused, "unlocked_by"), "starter");
    let (repeated, key) = again();
    let kept = world.core.collect(&world.caller, repeated, keyed(key)).await;
    assert!(matches!(kept, Ok(Answered::Before(_))));

    give(&world, Plan::Starter).await;
    capture(&world, "ben").await.unwrap();
    give(&world, Plan::Free).await;
    assert_eq!(
        capture(&world, "eve").await.unwrap_err().reason,
        Reason::PlanLimit
    );
    world.pass(Duration::from_secs(32 * 86_400));
    capture(&world, "eve").await.unwrap();
}

async fn captures_at_once_do_not_pass_the_limit(world: World) {
    give(&world, Plan::Free).await;
    note(&world, 245).await;
    let names: Vec<String> = (0..20).map(|index| format!("person{index}")).collect();
    let captured = join_all(names.iter().map(|name| capture(&world, name))).await;
    assert_eq!(captured.iter().filter(|result| result.is_ok()).count(), 5);
    world.core.note_usage().await.unwrap();
    assert_eq!(
        capture(&world, "late").await.unwrap_err().reason,
        Reason::PlanLimit
    );
}

async fn use_is_noted_by_every_replica_and_failed_captures_are_not_counted(world: World) {
    give(&world, Plan::Growth).await;
    let (other, _) = world.replica().await;
    capture(&world, "ana").await.unwrap();
    capture(&world, "ana").await.unwrap();
    let from_there = other.collect(&world.caller, world.read(cold("ben")), None).await;
    assert!(from_there.is_ok());
    // A workspace that is not there: the capture fails after it was counted, or before.
    let nobody = Principal::new(
        "nobody".to_owned(),
        Bound::Workspace(Uuid::from_u128(5)),
        vec![Scope::LeadsWrite],
    );
    let lost = world.core.collect(&nobody, world.read(cold("eve")), None).await;
    assert_eq!(lost.unwrap_err().reason, Reason::NotFound);
    let too_long = convert::capture::capture(crowded(), world.store.clock().now()).unwrap();
    for _ in 0..10 {
        let grown = world.core.collect(&world.caller, too_long.0.clone(), None).await;
        assert!(grown.is_ok());
    }
    let refused = world.core.collect(&world.caller, too_long.0, None).await;
    assert_eq!(refused.unwrap_err().reason, Reason::LimitExceeded);

    // What this replica has not noted is told by it all the same.
    let report = world.core.usage(&world.caller).await.unwrap();
    assert_eq!(
        report.counts,
        Counts {
            captures: 12,
            leads: 1
        }
    );
    for core in [&world.core, &other] {
        core.note_usage().await.unwrap();
        core.note_usage().await.unwrap();
    }
    let all = Counts {
        captures: 13,
        leads: 2,
    };
    assert_eq!(world.core.usage(&world.caller).await.unwrap().counts, all);
    let month = Month::of(world.store.clock().now());
    assert_eq!(world.store.usage(world.workspace, month).await.unwrap(), all);
}

/// A visitor without an email, with 1,000 messages.
fn crowded() -> v1::CollectLeadRequest {
    let mut request = cold("crowd");
    let said = v1::Message {
        role: v1::MessageRole::Visitor.into(),
        text: "hello".to_owned(),
        ..Default::default()
    };
    request.messages = vec![said; 1_000];
    request.intent = None;
    request
}

async fn keys_end_at_the_limit_of_the_plan(world: World) {
    give(&world, Plan::Free).await;
    let scopes = ["leads.read".to_owned()];
    let create = || {
        world
            .core
            .create_api_key(&world.caller, "key", &scopes, None, None)
    };
    // The workspace was created with one.
    let (first, _) = create().await.unwrap();
    create().await.unwrap();
    let refused = create().await.unwrap_err();
    assert_eq!(refused.reason, Reason::PlanLimit);
    assert_eq!(
        (told(&refused, "max"), told(&refused, "unlocked_by")),
        ("3", "starter")
    );
    // Neither a replaced key nor a revoked one counts.
    let rotated = world.core.rotate_api_key(&world.caller, &first.id, None).await;
    let (successor, _) = rotated.unwrap();
    assert_eq!(create().await.unwrap_err().reason, Reason::PlanLimit);
    world
        .core
        .revoke_api_key(&world.caller, &successor.id)
        .await
        .unwrap();
    create().await.unwrap();
}
