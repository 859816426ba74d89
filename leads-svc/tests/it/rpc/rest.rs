//! REST in front of the whole service: what a refusal calls by which name.

use leads_svc::{
    domain::ids,
    service::principal::{Bound, Scope},
};

use super::service::Service;
use crate::world::{World, on_both_databases};

on_both_databases!(
    a_patch_of_nothing_says_what_can_be_changed,
    a_patch_of_what_cannot_be_changed_names_it_and_says_what_to_do,
    what_cannot_be_read_and_what_breaks_a_rule_are_told_together,
);

const SETTINGS: &str = "PATCH /v1/workspace/settings";

async fn a_patch_of_nothing_says_what_can_be_changed(world: World) {
    let lead = world.lead("ana").await.id;
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    let lead = format!("PATCH /v1/leads/{}", ids::format::<ids::Lead>(lead));
    let answer = service.rest(&lead, &key, "{}").await;
    assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()));
    assert_eq!(
        answer.fields(),
        ["body: names nothing to change; stage, outcome, tags, owner can be"]
    );
    assert_eq!(
        service.rest(SETTINGS, &key, "{}").await.fields(),
        [
            "body: names nothing to change; ideal_customer, hot_threshold, sync_threshold, required_fields, \
             merge_address_variants, country, consent_policy, consent_purpose, retention_days can be"
        ]
    );
    let masked = format!("{lead}?update_mask=mood");
    assert_eq!(
        service.rest(&masked, &key, "{}").await.fields(),
        ["update_mask: \"mood\" is no field of a lead; stage, outcome, tags, owner can be changed"]
    );
}

async fn a_patch_of_what_cannot_be_changed_names_it_and_says_what_to_do(world: World) {
    let lead = world.lead("ana").await.id;
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    let lead = format!("PATCH /v1/leads/{}", ids::format::<ids::Lead>(lead));
    let body = r#"{"contact": {"name": "Ana"}, "score": {"total": 100}, "owner": "bo"}"#;
    let answer = service.rest(&lead, &key, body).await;
    assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()));
    assert_eq!(
        answer.fields(),
        [
            "contact: cannot be changed here: collect the lead again with its new contact; stage, outcome, tags, owner \
             can be",
            "score: cannot be changed; stage, outcome, tags, owner can be",
        ]
    );
    assert_eq!(service.rest(&lead, &key, r#"{"owner": "bo"}"#).await.status, 200);
}

async fn what_cannot_be_read_and_what_breaks_a_rule_are_told_together(world: World) {
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    let platform = service.key(&Bound::Platform, &[Scope::PlatformWorkspaces]).await;
    for (line, body, told) in [
        (
            SETTINGS,
            r#"{"hot_threshold": 0, "sync_threshold": "x", "mood": 1}"#,
            &["hot_threshold", "mood", "sync_threshold"][..],
        ),
        (
            "POST /v1/workspaces",
            r#"{"name": 5, "settings": {"hot_threshold": 101}}"#,
            &["name", "settings.hot_threshold"],
        ),
        (
            "POST /v1/apiKeys",
            r#"{"name": "", "scopes": ["leads.read", "mood"], "expires_at": "soon"}"#,
            &["expires_at", "name", "scopes[1]"],
        ),
        (
            "POST /v1/apiKeys/a-b:rotate",
            r#"{"overlap": "soon"}"#,
            &["key_id", "overlap"],
        ),
        (
            "POST /v1/members",
            r#"{"email": "nobody", "role": "boss"}"#,
            &["email", "role"],
        ),
        (
            "PATCH /v1/members/x",
            r#"{"role": "boss"}"#,
            &["member_id", "role"],
        ),
        (
            "POST /v1/workspace:setPlan",
            r#"{"plan": "gold", "mood": 1}"#,
            &["mood", "plan"],
        ),
        (
            "PUT /v1/connections/hubspot",
            r#"{"hubspot": {"access_token": 1}, "field_mapping": {"mood": "x"}}"#,
            &["field_mapping.mood", "hubspot.access_token"],
        ),
        (
            "POST /v1/leads/x:sync",
            r#"{"provider": "fax"}"#,
            &["lead_id", "provider"],
        ),
        (
            "POST /v1/leads/x/conversation",
            r#"{"messages": [{"role": "visitor", "text": 1}, {"role": "fax"}]}"#,
            &[
                "lead_id",
                "messages[0].text",
                "messages[1].role",
                "messages[1].text",
            ],
        ),
        (
            "GET /v1/leads/x/activities?page_size=-1&mood=1",
            "",
            &["lead_id", "mood", "page_size"],
        ),
    ] {
        let key = match line {
            "POST /v1/workspaces" | "POST /v1/workspace:setPlan" => &platform,
            _ => &key,
        };
        let answer = service.rest(line, key, body).await;
        assert_eq!(answer.problem(), (400, "INVALID_FIELDS".into()), "{line}");
        let mut fields: Vec<String> = answer.fields();
        fields
            .iter_mut()
            .for_each(|field| field.truncate(field.find(':').unwrap()));
        fields.sort_unstable();
        assert_eq!(fields, told, "{line}: {:?}", answer.fields());
    }
}
