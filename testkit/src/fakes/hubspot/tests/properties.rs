//! Property definitions, groups and account details.

use serde_json::{Value, json};

use super::{Lab, V3};

const PATH: &str = "/crm/v3/properties/contacts";

fn definition(name: &str, unique: bool) -> Value {
    json!({"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "contactinformation",
        "hasUniqueValue": unique})
}

#[tokio::test]
async fn a_property_is_made_once_archived_and_brought_back() {
    let lab = Lab::new().await;
    let made = lab.send("POST", PATH, definition("my_key", true)).await;
    assert_eq!((made.status, &made.json["hasUniqueValue"]), (201, &json!(true)));
    let again = lab.send("POST", PATH, definition("my_key", true)).await;
    assert_eq!(
        (again.status, &again.json["category"]),
        (409, &json!("OBJECT_ALREADY_EXISTS"))
    );
    assert_eq!(again.json["subCategory"], "Properties.PROPERTY_WITH_NAME_EXISTS");
    assert_eq!(
        lab.send("DELETE", &format!("{PATH}/my_key"), json!({}))
            .await
            .status,
        204
    );
    assert_eq!(lab.get(&format!("{PATH}/my_key")).await.status, 404);
    assert_eq!(
        lab.get(&format!("{PATH}/my_key?archived=true")).await.json["archived"],
        true
    );
    let write = lab
        .send(
            "POST",
            V3,
            json!({"properties": {"email": "a@x.org", "my_key": "1"}}),
        )
        .await;
    assert_eq!(write.json["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
    assert_eq!(
        lab.send("POST", PATH, definition("my_key", false)).await.json["hasUniqueValue"],
        true
    );
    assert_eq!(
        lab.get(PATH).await.json["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| p["name"] == "my_key")
            .count(),
        1
    );
}

#[tokio::test]
async fn bad_definitions_are_refused() {
    let lab = Lab::new().await;
    let mut no_group = definition("x", false);
    no_group["groupName"] = json!("nowhere");
    let mut no_type = definition("x", false);
    no_type["type"] = json!("text");
    for body in [
        no_group,
        no_type,
        definition("Bad Name", false),
        json!({"name": "x"}),
    ] {
        assert_eq!(lab.send("POST", PATH, body).await.status, 400);
    }
    // `lead_key` is the first of ten.
    for n in 1..10 {
        assert_eq!(
            lab.send("POST", PATH, definition(&format!("key_{n}"), true))
                .await
                .status,
            201
        );
    }
    assert_eq!(
        lab.send("POST", PATH, definition("key_10", true)).await.status,
        400
    );
    assert_eq!(
        lab.send("DELETE", &format!("{PATH}/email"), json!({}))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn options_can_be_read_and_replaced() {
    let lab = Lab::new().await;
    let status = lab.get(&format!("{PATH}/hs_lead_status")).await.json;
    assert!(
        status["options"]
            .as_array()
            .unwrap()
            .iter()
            .any(|option| option["value"] == "OPEN_DEAL")
    );
    let only = json!({"options": [{"label": "Hot", "value": "HOT", "hidden": false}]});
    assert_eq!(
        lab.send("PATCH", &format!("{PATH}/hs_lead_status"), only)
            .await
            .status,
        200
    );
    let set = async |value: &str| {
        let body = json!({"properties": {"firstname": "A", "hs_lead_status": value}});
        lab.send("POST", V3, body).await
    };
    assert_eq!(set("HOT").await.status, 201);
    assert_eq!(set("NEW").await.json["errors"][0]["code"], "INVALID_OPTION");
}

#[tokio::test]
async fn unique_values_belong_to_one_contact() {
    let lab = Lab::new().await;
    lab.seed(1).await;
    let body = json!({"properties": {"firstname": "B", "lead_key": "lead_1"}});
    let refused = lab.send("POST", V3, body).await;
    assert_eq!(
        (refused.status, &refused.json["errors"][0]["code"]),
        (400, &json!("CONFLICTING_UNIQUE_VALUE"))
    );
}

#[tokio::test]
async fn groups_and_account_details_are_served() {
    let lab = Lab::new().await;
    let group = json!({"name": "leads", "label": "Leads"});
    assert_eq!(
        lab.send("POST", &format!("{PATH}/groups"), group.clone())
            .await
            .status,
        201
    );
    assert_eq!(
        lab.send("POST", &format!("{PATH}/groups"), group).await.status,
        409
    );
    assert_eq!(
        lab.get(&format!("{PATH}/groups/leads")).await.json["label"],
        "Leads"
    );
    assert_eq!(
        lab.get(&format!("{PATH}/groups")).await.json["results"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        lab.get("/account-info/v3/details").await.json["uiDomain"],
        "app.hubspot.com"
    );
}
