//! Records in and out.

use serde_json::{Value, json};

use super::{Lab, UPSERT};
use crate::fakes::salesforce::{DuplicateRule, RequestFilter, Route, SalesforceOptions};

fn lead(n: usize) -> Value {
    json!({
        "attributes": {"type": "Lead"}, "Leads_Lead_Id__c": format!("lead_{n}"), "LastName": "Lovelace",
        "Company": "Engines", "Email": format!("person{n}@example.org"), "Leads_Revision__c": 1,
    })
}

fn body(records: Vec<Value>) -> Value {
    json!({"allOrNone": false, "records": records})
}

#[tokio::test]
async fn answers_are_in_order_and_a_failure_leaves_the_others_alone() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let mut bare = lead(2);
    bare.as_object_mut().unwrap().remove("Company");
    let got = lab
        .send("PATCH", UPSERT, body(vec![lead(1), bare, lead(3)]))
        .await;
    assert_eq!(got.status, 200, "{}", got.text);
    assert_eq!(
        (&got.json[0]["created"], &got.json[2]["success"]),
        (&json!(true), &json!(true))
    );
    let error = &got.json[1]["errors"][0];
    assert_eq!(
        (&error["statusCode"], &error["fields"]),
        (&json!("REQUIRED_FIELD_MISSING"), &json!(["Company"]))
    );
    assert!(got.json[1].get("id").is_none(), "{}", got.text);
    assert_eq!(got.usage.as_deref(), Some("api-usage=1/115000"));

    let again = lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    assert_eq!(again.json[0]["created"], json!(false));
    assert_eq!(again.json[0]["id"], got.json[0]["id"]);
    assert_eq!(lab.server.leads().len(), 2);
}

#[tokio::test]
async fn a_key_that_comes_twice_is_refused_for_both_rows() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let got = lab
        .send("PATCH", UPSERT, body(vec![lead(1), lead(2), lead(1)]))
        .await;
    let codes: Vec<_> = (0..3).map(|n| &got.json[n]["errors"][0]["statusCode"]).collect();
    assert_eq!(
        codes,
        [&json!("DUPLICATE_VALUE"), &Value::Null, &json!("DUPLICATE_VALUE")]
    );
}

#[tokio::test]
async fn two_hundred_records_are_the_most_and_a_field_that_is_missing_refuses_the_request() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let many = body((0..201).map(lead).collect());
    assert_eq!(lab.send("PATCH", UPSERT, many).await.status, 400);
    lab.server.remove_field("Leads_Revision__c");
    let got = lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    assert_eq!(
        (got.status, &got.json[0]["errorCode"]),
        (400, &json!("INVALID_FIELD"))
    );
    lab.server.remove_field("Leads_Lead_Id__c");
    assert_eq!(lab.send("PATCH", UPSERT, body(vec![lead(1)])).await.status, 404);
    assert_eq!(lab.server.leads().len(), 0);
}

#[tokio::test]
async fn all_or_none_takes_everything_back() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let mut bare = lead(2);
    bare.as_object_mut().unwrap().remove("LastName");
    let got = lab
        .send(
            "PATCH",
            UPSERT,
            json!({"allOrNone": true, "records": [lead(1), bare]}),
        )
        .await;
    assert_eq!(
        got.json[0]["errors"][0]["statusCode"],
        json!("ALL_OR_NONE_OPERATION_ROLLED_BACK")
    );
    assert_eq!(lab.server.leads().len(), 0);
}

#[tokio::test]
async fn values_are_checked_as_their_fields_say() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    for (field, value, code) in [
        ("LastName", json!("x".repeat(81)), "STRING_TOO_LONG"),
        ("Email", json!("nobody"), "INVALID_EMAIL_ADDRESS"),
        ("Leads_Hot__c", Value::Null, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Leads_Score__c", json!("many"), "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("IsConverted", json!(true), "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ] {
        let mut record = lead(1);
        record[field] = value;
        let got = lab.send("PATCH", UPSERT, body(vec![record])).await;
        assert_eq!(got.json[0]["errors"][0]["statusCode"], json!(code), "{field}");
    }
}

#[tokio::test]
async fn leads_are_deleted_once_and_read_no_more() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let made = lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    let id = made.json[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/services/data/v62.0/composite/sobjects?ids={id}&allOrNone=false");
    assert_eq!(
        lab.send("DELETE", &path, json!({})).await.json[0]["success"],
        json!(true)
    );
    let again = lab.send("DELETE", &path, json!({})).await;
    assert_eq!(
        again.json[0]["errors"][0]["statusCode"],
        json!("ENTITY_IS_DELETED")
    );
    let read = format!("/services/data/v62.0/composite/sobjects/Lead?ids={id}&fields=Email");
    assert_eq!(lab.get(&read).await.json, json!([null]));
    let anew = lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    assert_eq!(
        anew.json[0]["created"],
        json!(true),
        "the recycle bin holds no keys"
    );
}

#[tokio::test]
async fn a_converted_lead_takes_no_more_writes() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let made = lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    lab.server
        .convert_lead(made.json[0]["id"].as_str().unwrap())
        .unwrap();
    let got = lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    assert_eq!(
        got.json[0]["errors"][0]["statusCode"],
        json!("CANNOT_UPDATE_CONVERTED_LEAD")
    );
    let found = lab
        .query("SELECT Id, ConvertedContactId FROM Lead WHERE IsConverted = true")
        .await;
    assert_eq!(found.json["totalSize"], json!(1));
}

#[tokio::test]
async fn duplicate_rules_warn_or_refuse() {
    let lab = Lab::new(SalesforceOptions {
        duplicate_rule: DuplicateRule::Alert,
        ..SalesforceOptions::default()
    })
    .await;
    lab.send("PATCH", UPSERT, body(vec![lead(1)])).await;
    let mut double = lead(2);
    double["Email"] = json!("person1@example.org");
    let refused = lab.send("PATCH", UPSERT, body(vec![double.clone()])).await;
    assert_eq!(
        refused.json[0]["errors"][0]["statusCode"],
        json!("DUPLICATES_DETECTED")
    );
    let saved = lab
        .request("PATCH", UPSERT)
        .header("Sforce-Duplicate-Rule-Header", "allowSave=true")
        .json(&body(vec![double]));
    saved.send().await.unwrap();
    assert_eq!(lab.server.duplicates().len(), 1);
}

#[tokio::test]
async fn an_assignment_rule_runs_unless_the_header_says_no() {
    let lab = Lab::new(SalesforceOptions {
        assigns: true,
        ..SalesforceOptions::default()
    })
    .await;
    let quiet = lab
        .request("PATCH", UPSERT)
        .header("Sforce-Auto-Assign", "FALSE")
        .json(&body(vec![lead(1)]));
    quiet.send().await.unwrap();
    lab.send("PATCH", UPSERT, body(vec![lead(2)])).await;
    let owner = |n| {
        lab.server
            .find_lead_by("Leads_Lead_Id__c", n)
            .unwrap()
            .text("OwnerId")
    };
    assert!(owner("lead_1").starts_with("005") && owner("lead_2").starts_with("00G"));
}

#[tokio::test]
async fn queries_find_by_key_page_and_name_what_they_do_not_know() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    for chunk in (0..2_100).collect::<Vec<_>>().chunks(200) {
        lab.send("PATCH", UPSERT, body(chunk.iter().map(|n| lead(*n)).collect()))
            .await;
    }
    let found = lab
        .query("SELECT Id, Leads_Revision__c FROM Lead WHERE Leads_Lead_Id__c IN ('lead_7', 'LEAD_9', 'x')")
        .await;
    assert_eq!(found.json["totalSize"], json!(2), "{}", found.text);
    let page = lab.query("SELECT Id FROM Lead ORDER BY SystemModstamp").await;
    assert_eq!(
        (&page.json["done"], &page.json["totalSize"]),
        (&json!(false), &json!(2_100))
    );
    let rest = lab.get(page.json["nextRecordsUrl"].as_str().unwrap()).await;
    assert_eq!(rest.json["records"].as_array().unwrap().len(), 100);
    let wrong = lab.query("SELECT Colour FROM Lead").await;
    assert_eq!(wrong.json[0]["errorCode"], json!("INVALID_FIELD"));
    assert_eq!(
        lab.query("SELECT FROM").await.json[0]["errorCode"],
        json!("MALFORMED_QUERY")
    );
}

#[tokio::test]
async fn describe_versions_and_limits_are_there() {
    let lab = Lab::new(SalesforceOptions::default()).await;
    let described = lab.get("/services/data/v62.0/sobjects/Lead/describe").await;
    let fields = described.json["fields"].as_array().unwrap().clone();
    let key = fields
        .iter()
        .find(|field| field["name"] == "Leads_Lead_Id__c")
        .unwrap();
    assert_eq!((&key["externalId"], &key["unique"]), (&json!(true), &json!(true)));
    let versions = lab.get("/services/data/").await;
    assert!(
        versions
            .json
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["version"] == "62.0")
    );
    assert_eq!(versions.usage, None);
    let limits = lab.get("/services/data/v62.0/limits").await;
    assert_eq!(limits.json["DailyApiRequests"]["Remaining"], json!(114_998));
    assert_eq!(lab.get("/services/data/v12.0/limits").await.status, 404);
    let routes: Vec<_> = lab
        .server
        .requests(&RequestFilter::default())
        .iter()
        .map(|entry| entry.route)
        .collect();
    assert_eq!(routes[..3], [Route::Token, Route::Describe, Route::Versions]);
}
