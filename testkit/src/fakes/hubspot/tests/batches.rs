//! Batch upsert, create, update, archive and read.

use serde_json::json;

use super::{Lab, V3, lead, untraced, with};
use crate::fakes::hubspot::{DEFAULT_PORTAL, Outcome, RequestFilter};

#[tokio::test]
async fn upsert_creates_then_updates_and_lower_cases_addresses() {
    let lab = Lab::new().await;
    let made = lab.upsert(vec![lead(1)]).await;
    let record = &made.json["results"][0];
    assert_eq!(
        (made.status, &made.json["status"], &record["new"]),
        (200, &json!("COMPLETE"), &json!(true))
    );
    assert_eq!(record["properties"]["email"], "lead.1@example.org");
    assert!(made.json.get("errors").is_none() && record["url"].as_str().unwrap().contains("/record/0-1/"));
    let again = lab.upsert(vec![with(lead(1), "lead_rev", "2")]).await;
    assert_eq!(
        (&again.json["results"][0]["new"], &again.json["results"][0]["id"]),
        (&json!(false), &record["id"])
    );
}

#[tokio::test]
async fn results_come_in_another_order_that_depends_on_the_seed() {
    let order = async || {
        let lab = Lab::new().await;
        let answer = lab.upsert((0..20).map(lead).collect()).await;
        let results = answer.json["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|record| record["objectWriteTraceId"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (first, second) = (order().await, order().await);
    let sent: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    assert!(first != sent && first == second);
}

#[tokio::test]
async fn one_bad_row_without_trace_ids_refuses_the_whole_batch() {
    let lab = Lab::new().await;
    let answer = lab
        .upsert(vec![
            untraced(lead(1)),
            untraced(with(lead(2), "email", "nobody")),
        ])
        .await;
    assert_eq!(
        (answer.status, &answer.json["category"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    assert!(
        answer.json["message"]
            .as_str()
            .unwrap()
            .starts_with("Property values were not valid: [{")
    );
    assert_eq!(answer.json["errors"][0]["code"], "INVALID_EMAIL");
    assert_eq!(
        answer.json["errors"][0]["context"]["propertyName"],
        json!(["email"])
    );
    assert!(
        lab.server.contacts(DEFAULT_PORTAL).unwrap().is_empty(),
        "nothing is written"
    );
    let rows = &lab.server.requests(&RequestFilter::default())[0].rows;
    assert_eq!(
        (rows[0].outcome, rows[1].outcome),
        (Outcome::Untouched, Outcome::Invalid)
    );
}

#[tokio::test]
async fn with_unique_trace_ids_the_good_rows_are_written_and_the_bad_ones_named() {
    let lab = Lab::new().await;
    let bad = [with(lead(2), "email", "nobody"), with(lead(3), "nope", "x")];
    let answer = lab.upsert([vec![lead(1)], bad.to_vec()].concat()).await;
    assert_eq!((answer.status, &answer.json["numErrors"]), (207, &json!(2)));
    assert_eq!(answer.json["results"].as_array().unwrap().len(), 1);
    let (first, second) = (&answer.json["errors"][0], &answer.json["errors"][1]);
    assert_eq!(first["context"]["objectWriteTraceId"], json!(["t2"]));
    assert_eq!(second["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
    assert_eq!(
        first["errors"],
        json!([]),
        "every second row has its codes in the message only"
    );
    assert!(first["message"].as_str().unwrap().contains("INVALID_EMAIL"));
    let mut same = vec![lead(4), with(lead(5), "email", "nobody")];
    same[1]["objectWriteTraceId"] = json!("t4");
    assert_eq!(
        lab.upsert(same).await.status,
        400,
        "trace ids that repeat are none"
    );
}

#[tokio::test]
async fn a_repeated_id_refuses_the_batch_even_with_trace_ids() {
    let lab = Lab::new().await;
    let by_email = |address: &str, trace: &str| json!({"id": address, "idProperty": "email", "objectWriteTraceId": trace, "properties": {"firstname": "A"}});
    let answer = lab
        .upsert(vec![by_email("a@x.org", "1"), by_email("A@X.org", "2")])
        .await;
    assert_eq!(
        (answer.status, &answer.json["context"]["ids"]),
        (400, &json!(["a@x.org"]))
    );
    assert!(
        answer.json["message"]
            .as_str()
            .unwrap()
            .starts_with("Duplicate IDs found in batch input: [a@x.org]")
    );
}

#[tokio::test]
async fn an_address_of_another_contact_refuses_the_whole_batch_with_409() {
    let lab = Lab::new().await;
    let owner = lab
        .server
        .edit_contact(DEFAULT_PORTAL, None, &[("email", "lead.2@example.org")])
        .unwrap();
    let answer = lab.upsert((0..10).map(lead).collect()).await;
    assert_eq!(
        (answer.status, &answer.json["category"]),
        (409, &json!("CONFLICT"))
    );
    assert_eq!(
        answer.json["message"],
        format!("Contact already exists. Existing ID: {owner}")
    );
    assert_eq!(lab.server.contacts(DEFAULT_PORTAL).unwrap().len(), 1);
    let rows = &lab.server.requests(&RequestFilter {
        status: Some(409),
        ..RequestFilter::default()
    })[0]
        .rows;
    assert_eq!(
        (rows[2].outcome, rows[2].key.as_str()),
        (Outcome::Conflict, "lead_2")
    );
    let twins = lab
        .upsert(vec![lead(20), with(lead(21), "email", "lead.20@example.org")])
        .await;
    assert_eq!(twins.status, 409, "two new rows with one address");
}

#[tokio::test]
async fn one_hundred_inputs_pass_and_one_more_is_refused() {
    let lab = Lab::new().await;
    assert_eq!(
        lab.upsert((0..100).map(lead).collect()).await.json["results"]
            .as_array()
            .unwrap()
            .len(),
        100
    );
    assert_eq!(lab.upsert((0..101).map(lead).collect()).await.status, 400);
}

#[tokio::test]
async fn a_body_without_inputs_is_an_empty_success() {
    let lab = Lab::new().await;
    let bare = json!({"properties": {"email": "a@x.org"}});
    for body in [json!({}), bare] {
        let answer = lab.send("POST", &format!("{V3}/batch/upsert"), body).await;
        assert_eq!((answer.status, &answer.json["results"]), (200, &json!([])));
    }
    assert!(lab.server.contacts(DEFAULT_PORTAL).unwrap().is_empty());
}

#[tokio::test]
async fn a_key_that_is_not_unique_or_an_input_without_id_is_refused() {
    let lab = Lab::new().await;
    let by_city = json!({"id": "Rome", "idProperty": "city", "properties": {"firstname": "A"}});
    assert_eq!(lab.upsert(vec![by_city]).await.status, 400);
    let no_id = json!({"idProperty": "email", "properties": {"email": "a@x.org"}});
    let answer = lab.upsert(vec![no_id]).await;
    assert_eq!(answer.json["message"], "Some required fields were not set: [id]");
}

#[tokio::test]
async fn reads_find_by_id_address_and_unique_property_and_list_misses() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    let second = [("hs_additional_emails", "old@example.org;older@example.org")];
    lab.server
        .edit_contact(DEFAULT_PORTAL, Some(id), &second)
        .unwrap();
    for (property, wanted) in [
        (None, id.to_string()),
        (Some("email"), "OLDER@example.org".into()),
        (Some("lead_key"), "lead_1".into()),
    ] {
        let mut body = json!({"properties": ["email"], "inputs": [{"id": wanted}, {"id": "9"}, {"id": "8"}]});
        if let Some(property) = property {
            body["idProperty"] = json!(property);
        }
        let answer = lab.send("POST", &format!("{V3}/batch/read"), body).await;
        assert_eq!(
            (answer.status, &answer.json["numErrors"]),
            (207, &json!(2)),
            "{property:?}"
        );
        let found = &answer.json["results"][0];
        assert_eq!(
            found["properties"]["email"], "lead.1@example.org",
            "the primary address, whatever was asked"
        );
        assert_eq!(answer.json["errors"][0]["category"], "OBJECT_NOT_FOUND");
        assert_eq!(
            answer.json["errors"][0]["context"]["id"],
            json!(["9"]),
            "clients met both names"
        );
        assert_eq!(answer.json["errors"][1]["context"]["ids"], json!(["8"]));
    }
    let all = lab
        .send(
            "POST",
            &format!("{V3}/batch/read"),
            json!({"inputs": [{"id": id.to_string()}]}),
        )
        .await;
    assert_eq!(all.status, 200);
}

#[tokio::test]
async fn update_takes_record_ids_and_unique_keys_but_no_addresses() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    let update = async |id: &str, property: Option<&str>| {
        let mut input = json!({"id": id, "properties": {"city": "Rome"}, "objectWriteTraceId": "u"});
        if let Some(property) = property {
            input["idProperty"] = json!(property);
        }
        lab.send("POST", &format!("{V3}/batch/update"), json!({"inputs": [input]}))
            .await
    };
    assert_eq!(
        update(&id.to_string(), None).await.json["results"][0]["properties"]["city"],
        "Rome"
    );
    assert_eq!(update("lead_1", Some("lead_key")).await.status, 200);
    let by_email = update("lead.1@example.org", Some("email")).await;
    assert!(by_email.status == 400 && by_email.json["message"].as_str().unwrap().contains("non-unique"));
    let missing = update("42", None).await;
    assert_eq!(
        (missing.status, &missing.json["errors"][0]["category"]),
        (207, &json!("OBJECT_NOT_FOUND"))
    );
    assert_eq!(
        missing.json["errors"][0]["context"]["objectWriteTraceId"],
        json!(["u"])
    );
}

#[tokio::test]
async fn create_answers_201_and_names_only_the_first_conflict() {
    let lab = Lab::new().await;
    let path = format!("{V3}/batch/create");
    let input =
        |address: &str, trace: &str| json!({"properties": {"email": address}, "objectWriteTraceId": trace});
    let made = lab
        .send(
            "POST",
            &path,
            json!({"inputs": [input("a@x.org", "1"), input("b@x.org", "2")]}),
        )
        .await;
    assert_eq!(
        (made.status, made.json["results"].as_array().unwrap().len()),
        (201, 2)
    );
    assert!(made.json["results"][0].get("new").is_none());
    let inputs = json!([
        input("c@x.org", "1"),
        input("a@x.org", "2"),
        input("b@x.org", "3")
    ]);
    let traced = lab.send("POST", &path, json!({"inputs": inputs})).await;
    assert_eq!((traced.status, &traced.json["numErrors"]), (207, &json!(2)));
    let inputs = json!([untraced(input("a@x.org", "")), untraced(input("b@x.org", ""))]);
    let whole = lab.send("POST", &path, json!({"inputs": inputs})).await;
    assert_eq!((whole.status, &whole.json["category"]), (409, &json!("CONFLICT")));
}

#[tokio::test]
async fn archived_contacts_give_their_keys_free() {
    let lab = Lab::new().await;
    let id = lab.seed(1).await;
    let inputs = json!({"inputs": [{"id": id.to_string()}, {"id": "77"}]});
    assert_eq!(
        lab.send("POST", &format!("{V3}/batch/archive"), inputs)
            .await
            .status,
        204
    );
    assert_eq!(lab.get(&format!("{V3}/{id}")).await.status, 404);
    assert_eq!(
        lab.get(&format!("{V3}/{id}?archived=true")).await.json["archived"],
        true
    );
    assert_ne!(lab.seed(1).await, id, "the same key now makes a new contact");
}

#[tokio::test]
async fn the_dated_path_family_enforces_required_properties_and_sends_nulls() {
    let mut portal = crate::fakes::hubspot::PortalOptions::new(DEFAULT_PORTAL);
    portal.required_properties = vec!["company".to_owned()];
    let lab = Lab::with(portal).await;
    let body = json!({"inputs": [lead(1)]});
    let refused = lab
        .send("POST", "/crm/objects/2026-09/contacts/batch/upsert", body.clone())
        .await;
    assert_eq!(
        refused.json["errors"][0]["errors"][0]["code"],
        "MISSING_REQUIRED_PROPERTY"
    );
    assert_eq!(
        lab.send("POST", "/crm/objects/2026-03/contacts/batch/upsert", body)
            .await
            .status,
        200
    );
    let read = json!({"inputs": [{"id": "lead_1"}], "idProperty": "lead_key", "properties": ["city"]});
    let dated = lab
        .send("POST", "/crm/objects/2026-09/contacts/batch/read", read.clone())
        .await;
    assert!(dated.json["results"][0]["properties"]["city"].is_null());
    let v3 = lab.send("POST", &format!("{V3}/batch/read"), read).await;
    assert!(v3.json["results"][0]["properties"].get("city").is_none());
}
