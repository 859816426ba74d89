//! Single records, stages, merges and erasure.

use serde_json::json;

use super::{Lab, V3, lead};
use crate::fakes::hubspot::{DEFAULT_PORTAL, DEFAULT_TOKEN, RequestFilter};

#[tokio::test]
async fn a_record_is_created_read_changed_and_deleted() {
    let lab = Lab::new().await;
    let made = lab
        .send("POST", V3, json!({"properties": {"email": "a+b@x.org"}}))
        .await;
    let id = made.json["id"].as_str().unwrap().to_owned();
    assert_eq!(made.status, 201);
    let patched = lab
        .send(
            "PATCH",
            &format!("{V3}/a%2Bb%40x.org?idProperty=email"),
            json!({"properties": {"city": "Rome"}}),
        )
        .await;
    assert_eq!(
        (&patched.json["id"], &patched.json["properties"]["city"]),
        (&json!(id), &json!("Rome"))
    );
    let cleared = lab
        .send(
            "PATCH",
            &format!("{V3}/{id}"),
            json!({"properties": {"city": "", "state": null}}),
        )
        .await;
    assert!(cleared.json["properties"].get("city").is_none());
    let read = lab
        .get(&format!(
            "{V3}/{id}?properties=email,city&propertiesWithHistory=city"
        ))
        .await;
    assert_eq!(read.json["properties"]["email"], "a+b@x.org");
    let past = read.json["propertiesWithHistory"]["city"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!([&past[0]["value"], &past[1]["value"]], ["", "Rome"]);
    assert_eq!(
        lab.send("DELETE", &format!("{V3}/{id}"), json!({})).await.status,
        204
    );
    assert_eq!(
        lab.send("PATCH", &format!("{V3}/{id}"), json!({"properties": {}}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn creating_needs_a_name_or_address_that_is_free() {
    let lab = Lab::new().await;
    let create = async |properties| lab.send("POST", V3, json!({"properties": properties})).await;
    assert_eq!(create(json!({"city": "Rome"})).await.status, 400);
    assert_eq!(create(json!({"email": "a@x.org"})).await.status, 201);
    let taken = create(json!({"email": "A@x.org"})).await;
    assert!(taken.status == 409 && taken.json["message"].as_str().unwrap().contains("Existing ID: "));
    assert_eq!(
        create(json!({"email": "b@x.org", "createdate": "1"})).await.json["errors"][0]["code"],
        "READ_ONLY_VALUE"
    );
}

#[tokio::test]
async fn an_unknown_numeric_id_gets_a_page_and_any_other_json() {
    let lab = Lab::new().await;
    let page = lab.get(&format!("{V3}/424242")).await;
    assert!(page.status == 404 && page.text.starts_with("<!DOCTYPE html>"));
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    for id in ["abc", "0", "-5"] {
        let answer = lab.get(&format!("{V3}/{id}")).await;
        assert_eq!(
            (answer.status, &answer.json["category"]),
            (404, &json!("OBJECT_NOT_FOUND")),
            "{id}"
        );
    }
    let wrong = lab.send("PUT", &format!("{V3}/1"), json!({})).await;
    assert!(wrong.status == 405 && wrong.text.contains("<html>"));
}

#[tokio::test]
async fn every_write_moves_lastmodifieddate() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    let before = lab.get(&format!("{V3}/{id}")).await.json["properties"]["lastmodifieddate"].clone();
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    lab.upsert(vec![lead(1)]).await;
    let after = lab.get(&format!("{V3}/{id}")).await.json;
    assert!(after["properties"]["lastmodifieddate"].as_str() > before.as_str());
    assert_eq!(after["updatedAt"], after["properties"]["lastmodifieddate"]);
}

#[tokio::test]
async fn the_stage_goes_forward_only_unless_it_is_cleared_first() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    let set = async |stage: &str| {
        let body = json!({"properties": {"lifecyclestage": stage}});
        let answer = lab.send("PATCH", &format!("{V3}/{id}"), body).await;
        assert_eq!(answer.status, 200, "a backward write is no error");
        lab.get(&format!("{V3}/{id}?properties=lifecyclestage"))
            .await
            .json["properties"]["lifecyclestage"]
            .clone()
    };
    assert_eq!(set("opportunity").await, "opportunity");
    assert_eq!(set("lead").await, "opportunity");
    assert!(set("").await.is_null());
    assert_eq!(set("lead").await, "lead");
}

#[tokio::test]
async fn both_ids_of_a_merge_lead_to_the_survivor() {
    let lab = Lab::new().await;
    let (first, second) = (lab.seed(1).await, lab.seed(2).await);
    let body = json!({"primaryObjectId": first.to_string(), "objectIdToMerge": second.to_string()});
    let merged = lab.send("POST", &format!("{V3}/merge"), body).await;
    let survivor: u64 = merged.json["id"].as_str().unwrap().parse().unwrap();
    assert!(
        survivor != first && survivor != second,
        "the survivor's id is new"
    );
    for old in [first, second] {
        assert_eq!(
            lab.get(&format!("{V3}/{old}")).await.json["id"],
            survivor.to_string()
        );
    }
    let by_second = lab
        .server
        .find_contact_by(DEFAULT_PORTAL, "email", "lead.2@example.org")
        .unwrap();
    assert_eq!(
        (by_second.id, by_second.merged_ids),
        (survivor, vec![first, second])
    );
    assert!(
        lab.server
            .find_contact_by(DEFAULT_PORTAL, "lead_key", "lead_2")
            .is_none(),
        "the primary's key stays"
    );
    let kept = lab.server.patch_portal(
        DEFAULT_PORTAL,
        &crate::fakes::hubspot::PortalPatch {
            merge_keeps_primary_id: Some(true),
            ..Default::default()
        },
    );
    assert!(kept.is_ok());
    let third = lab.seed(3).await;
    assert_eq!(
        lab.server
            .merge_contacts(DEFAULT_PORTAL, survivor, third)
            .unwrap(),
        survivor
    );
    assert_eq!(
        lab.server.find_contact(DEFAULT_PORTAL, third).unwrap().id,
        survivor
    );
}

#[tokio::test]
async fn making_a_secondary_address_primary_swaps_them() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    lab.server
        .edit_contact(DEFAULT_PORTAL, Some(id), &[("hs_additional_emails", "b@x.org")])
        .unwrap();
    lab.send(
        "PATCH",
        &format!("{V3}/{id}"),
        json!({"properties": {"email": "b@x.org"}}),
    )
    .await;
    let found = lab
        .server
        .find_contact_by(DEFAULT_PORTAL, "email", "lead.1@example.org")
        .unwrap();
    assert_eq!((found.id, found.properties["email"].as_str()), (id, "b@x.org"));
    assert_eq!(found.properties["hs_additional_emails"], "lead.1@example.org");
}

#[tokio::test]
async fn erasing_leaves_no_trace_of_the_person() {
    let lab = Lab::new().await;
    let input = json!({"id": "Canary@x.org", "idProperty": "email", "properties": {"firstname": "Canary"}});
    let made = lab.upsert(vec![input]).await;
    let id: u64 = made.json["results"][0]["id"].as_str().unwrap().parse().unwrap();
    lab.send(
        "PATCH",
        &format!("{V3}/canary%40x.org?idProperty=email"),
        json!({"properties": {"email": "new@x.org"}}),
    )
    .await;
    let body = json!({"objectId": "new@x.org", "idProperty": "email"});
    assert_eq!(
        lab.send("POST", &format!("{V3}/gdpr-delete"), body.clone())
            .await
            .status,
        204
    );
    assert!(
        lab.server.is_erased(DEFAULT_PORTAL, id) && lab.server.contacts(DEFAULT_PORTAL).unwrap().is_empty()
    );
    let log = serde_json::to_string(&lab.server.requests(&RequestFilter::default()))
        .unwrap()
        .to_lowercase();
    assert!(!log.contains("canary") && !log.contains("new@x.org") && !log.contains(DEFAULT_TOKEN));
    assert_eq!(
        lab.send("POST", &format!("{V3}/gdpr-delete"), body).await.status,
        204,
        "again is no error"
    );
}

#[tokio::test]
async fn lists_are_paged() {
    let lab = Lab::new().await;
    lab.upsert((0..5).map(lead).collect()).await;
    let first = lab.get(&format!("{V3}?limit=3")).await.json;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let rest = lab.get(&format!("{V3}?limit=3&after={after}")).await.json;
    assert_eq!(
        (rest["results"].as_array().unwrap().len(), rest.get("paging")),
        (2, None)
    );
}
