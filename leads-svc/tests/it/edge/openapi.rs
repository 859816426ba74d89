//! The OpenAPI document.

use std::collections::BTreeSet;

use serde_json::Value;

use super::door;

#[tokio::test]
async fn the_document_lists_every_public_method_and_needs_no_key() {
    let served = door::serve().await;
    let answer = served
        .rest("GET /openapi.json", &[("authorization", "")], "")
        .await;
    assert_eq!(answer.status, 200);
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let operations: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let pool = prost_reflect::DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
    let methods: BTreeSet<String> = pool
        .services()
        .filter(|service| service.package_name() == "leads.v1")
        .flat_map(|service| {
            service
                .methods()
                .map(|method| method.name().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(operations, methods);
}

#[tokio::test]
async fn every_reference_leads_to_a_schema_and_every_field_has_a_description() {
    let served = door::serve().await;
    let document = served.rest("GET /openapi.json", &[], "").await.json();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.get(name).is_some_and(Value::is_object), "{name}");
    }
    for (name, schema) in schemas {
        for (field, schema) in schema["properties"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name}.{field}");
        }
    }
}

#[tokio::test]
async fn the_page_for_people_lists_paths_and_reasons_and_runs_nothing() {
    let served = door::serve().await;
    let answer = served.rest("GET /docs", &[("authorization", "")], "").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none'")
    );
    let page = String::from_utf8(answer.body).unwrap();
    for word in [
        "/v1/leads/{lead_id}:sync",
        "leads.v1.LeadsService/CollectLead",
        "ETAG_MISMATCH",
    ] {
        assert!(page.contains(word), "{word}");
    }
    assert!(!page.contains("<script"));
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str() {
                    Some(reference) if key == "$ref" => {
                        references.insert(reference.to_owned());
                    }
                    _ => collect(member, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
