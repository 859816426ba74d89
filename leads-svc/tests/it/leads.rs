//! Changing and deleting leads.

use futures::future::join_all;
use leads_proto::reason::Reason;
use leads_svc::{
    domain::{
        lead::{Outcome, Stage},
        page::LeadQuery,
    },
    service::leads::LeadChange,
    storage::entity::{activity, consent, contact, lead as lead_table, message, score, sync_job},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::world::{World, on_both_databases, warm};

on_both_databases!(
    a_change_raises_the_revision_and_tells_before_and_after,
    a_change_to_the_same_changes_nothing,
    an_old_etag_is_refused_and_the_new_one_told,
    one_of_many_changes_with_the_same_etag_wins,
    many_changes_without_an_etag_all_count,
    a_lead_is_closed_with_an_outcome_and_reopened_without,
    tags_and_owner_are_replaced_and_cleared,
    a_deleted_lead_leaves_the_blind_index_of_its_address_alone,
    deleting_while_others_list_breaks_no_list,
    settings_changed_at_once_by_two_callers_are_both_kept,
);

fn stage(stage: Stage) -> LeadChange {
    LeadChange {
        stage: Some(stage),
        ..LeadChange::default()
    }
}

async fn a_change_raises_the_revision_and_tells_before_and_after(world: World) {
    let lead = world.lead("ana").await;
    world.pass(std::time::Duration::from_secs(60));
    let view = world
        .core
        .update_lead(&world.caller, lead.id, stage(Stage::Qualified))
        .await
        .unwrap();
    assert_eq!((view.lead.stage, view.lead.revision), (Stage::Qualified, 2));
    assert!(view.lead.stage_changed_at > lead.stage_changed_at);
    let page = world
        .core
        .list_activities(&world.caller, lead.id, 1, "")
        .await
        .unwrap();
    let change = &page.items[0].details.changes[0];
    assert_eq!(
        (page.items[0].kind.as_str(), page.items[0].actor.as_str()),
        ("stage_changed", "key:testkey")
    );
    assert_eq!(
        (
            change.field.as_str(),
            change.before.as_str(),
            change.after.as_str()
        ),
        ("stage", "new", "qualified")
    );
    assert!(!page.next.is_empty());
}

async fn a_change_to_the_same_changes_nothing(world: World) {
    let lead = world.lead("ana").await;
    let view = world
        .core
        .update_lead(&world.caller, lead.id, stage(Stage::New))
        .await
        .unwrap();
    assert_eq!(view.lead, lead);
    assert_eq!(world.timeline(lead.id).await, ["captured", "scored"]);
}

async fn an_old_etag_is_refused_and_the_new_one_told(world: World) {
    let lead = world.lead("ana").await;
    let with_etag = |etag: String| LeadChange {
        etag: Some(etag),
        ..stage(Stage::Contacted)
    };
    let view = world
        .core
        .update_lead(&world.caller, lead.id, with_etag(lead.etag()))
        .await
        .unwrap();
    let error = world
        .core
        .update_lead(&world.caller, lead.id, with_etag(lead.etag()))
        .await
        .unwrap_err();
    assert_eq!(error.reason, Reason::EtagMismatch);
    assert_eq!(error.metadata, [("etag", view.lead.etag())]);
}

async fn one_of_many_changes_with_the_same_etag_wins(world: World) {
    let lead = world.lead("ana").await;
    let (other, _) = world.replica().await;
    let changed = join_all((0..16).map(|index| {
        let core = if index % 2 == 0 {
            world.core.clone()
        } else {
            other.clone()
        };
        let change = LeadChange {
            owner: Some(format!("owner {index}")),
            etag: Some(lead.etag()),
            ..LeadChange::default()
        };
        let (caller, id) = (world.caller.clone(), lead.id);
        tokio::spawn(async move { core.update_lead(&caller, id, change).await })
    }))
    .await;
    let mut winners = Vec::new();
    for result in changed {
        match result.unwrap() {
            Ok(view) => winners.push(view.lead.owner),
            Err(error) => assert_eq!(error.reason, Reason::EtagMismatch),
        }
    }
    let stored = world.view(lead.id).await.lead;
    assert_eq!((winners, stored.revision), (vec![stored.owner], 2));
}

async fn many_changes_without_an_etag_all_count(world: World) {
    let lead = world.lead("ana").await;
    let (other, _) = world.replica().await;
    let changed = join_all((0..24).map(|index| {
        let core = if index % 2 == 0 {
            world.core.clone()
        } else {
            other.clone()
        };
        let change = LeadChange {
            owner: Some(format!("owner {index}")),
            ..LeadChange::default()
        };
        let (caller, id) = (world.caller.clone(), lead.id);
        tokio::spawn(async move { core.update_lead(&caller, id, change).await })
    }))
    .await;
    for result in changed {
        result.unwrap().unwrap();
    }
    assert_eq!(world.view(lead.id).await.lead.revision, 25);
    assert_eq!(world.timeline(lead.id).await.len(), 2 + 24);
}

async fn a_lead_is_closed_with_an_outcome_and_reopened_without(world: World) {
    let lead = world.lead("ana").await.id;
    let update = async |change| world.core.update_lead(&world.caller, lead, change).await;
    let refused = update(stage(Stage::Closed)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::StageTransition);
    assert_eq!(
        refused.metadata,
        [("from", "new".to_owned()), ("to", "closed".to_owned())]
    );
    let won = LeadChange {
        outcome: Some(Some(Outcome::Won)),
        ..stage(Stage::Closed)
    };
    assert_eq!(
        update(won.clone()).await.unwrap().lead.outcome,
        Some(Outcome::Won)
    );
    assert_eq!(
        update(stage(Stage::New)).await.unwrap_err().reason,
        Reason::StageTransition
    );
    let reopened = update(stage(Stage::Opportunity)).await.unwrap().lead;
    assert_eq!((reopened.stage, reopened.outcome), (Stage::Opportunity, None));
    let open_with_outcome = LeadChange { stage: None, ..won };
    assert_eq!(
        update(open_with_outcome).await.unwrap_err().reason,
        Reason::StageTransition
    );
}

async fn tags_and_owner_are_replaced_and_cleared(world: World) {
    let lead = world.lead("ana").await.id;
    let update = async |tags: &[&str], owner: &str| {
        let change = LeadChange {
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            owner: Some(owner.to_owned()),
            ..LeadChange::default()
        };
        let lead = world
            .core
            .update_lead(&world.caller, lead, change)
            .await
            .unwrap()
            .lead;
        (lead.tags, lead.owner)
    };
    assert_eq!(
        update(&["a", "b"], "sam").await,
        (vec!["a".into(), "b".into()], "sam".into())
    );
    assert_eq!(update(&["c"], "").await, (vec!["c".into()], String::new()));
    assert_eq!(update(&[], "").await, (Vec::new(), String::new()));
}

async fn a_deleted_lead_leaves_the_blind_index_of_its_address_alone(world: World) {
    world.connect().await;
    let mut request = warm("ana");
    request.consents.push(leads_proto::leads::v1::Consent {
        purpose: "sales_contact".to_owned(),
        given: true,
        ..Default::default()
    });
    let lead = crate::world::lead(world.collect(request).await);
    world.core.delete_lead(&world.caller, lead.id).await.unwrap();
    let left = [
        (
            "leads",
            lead_table::Entity::find().count(&world.raw).await.unwrap(),
        ),
        (
            "contacts",
            contact::Entity::find()
                .filter(contact::Column::ErasedAt.is_null())
                .count(&world.raw)
                .await
                .unwrap(),
        ),
        (
            "messages",
            message::Entity::find().count(&world.raw).await.unwrap(),
        ),
        (
            "consents",
            consent::Entity::find().count(&world.raw).await.unwrap(),
        ),
        ("scores", score::Entity::find().count(&world.raw).await.unwrap()),
        (
            "activities",
            activity::Entity::find().count(&world.raw).await.unwrap(),
        ),
        (
            "sync_jobs",
            sync_job::Entity::find().count(&world.raw).await.unwrap(),
        ),
    ];
    assert!(left.iter().all(|(_, rows)| *rows == 0), "{left:?}");
    let again = world.core.delete_lead(&world.caller, lead.id).await.unwrap_err();
    assert_eq!(again.reason, Reason::NotFound);
}

async fn deleting_while_others_list_breaks_no_list(world: World) {
    let captured = (0..40).map(|person| world.collect(warm(&format!("person{person}"))));
    let leads: Vec<_> = join_all(captured)
        .await
        .into_iter()
        .map(crate::world::lead)
        .collect();
    let (core, caller) = (world.core.clone(), world.caller.clone());
    let deleting = tokio::spawn(async move {
        for lead in leads {
            core.delete_lead(&caller, lead.id).await.unwrap();
        }
    });
    let query = LeadQuery::everything();
    loop {
        let page = world
            .core
            .list_leads(&world.caller, &query, 200, "")
            .await
            .unwrap();
        for view in page.items.iter().take(2) {
            match world.core.get_lead(&world.caller, view.lead.id).await {
                Ok(_) => {}
                Err(error) => assert_eq!(error.reason, Reason::NotFound),
            }
        }
        if page.items.is_empty() {
            break;
        }
    }
    deleting.await.unwrap();
}

async fn settings_changed_at_once_by_two_callers_are_both_kept(world: World) {
    let (other, _) = world.replica().await;
    for round in 1..=10 {
        let hot = world.core.update_settings(&world.caller, move |mut settings| {
            settings.hot_threshold = 50 + round;
            settings
        });
        let sync = other.update_settings(&world.caller, move |mut settings| {
            settings.sync_threshold = round;
            settings
        });
        let (hot, sync) = tokio::join!(hot, sync);
        hot.unwrap();
        sync.unwrap();
        let kept = world
            .store
            .find_workspace(world.workspace)
            .await
            .unwrap()
            .unwrap()
            .settings;
        assert_eq!((kept.hot_threshold, kept.sync_threshold), (50 + round, round));
    }
}
