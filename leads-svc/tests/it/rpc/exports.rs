//! A person's data over REST: as JSON, and as a table.

use leads_testkit::http::Http;
use serde_json::json;

use super::service::Service;
use crate::world::{World, email, on_both_databases};

on_both_databases!(an_export_is_json_or_a_table_as_the_caller_accepts,);

async fn an_export_is_json_or_a_table_as_the_caller_accepts(world: World) {
    world.lead("ana").await;
    let service = Service::start(world).await;
    let key = service.key_of(service.world.workspace).await;
    let client = Http::new(service.base()).bearer(key);
    let (path, asked) = ("/v1/privacy:exportSubject", json!({"email": email("ana")}));
    let answer = client.post(path, &asked).await.unwrap().json().unwrap();
    assert_eq!(answer["contact"]["email"], email("ana"));
    assert_eq!(answer["audit_entries"][0]["action"], "export.made");

    let accept = [("accept", "text/csv")];
    let table = client
        .send(http::Method::POST, path, &accept, Some(&asked))
        .await
        .unwrap();
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    let line = format!("\"contact.email\",\"{}\"\r\n", email("ana"));
    assert!(table.text().starts_with("field,value\r\n"));
    assert!(table.text().contains(&line), "{}", table.text());

    let nobody = json!({"email": email("bo")});
    let refused = client
        .send(http::Method::POST, path, &accept, Some(&nobody))
        .await
        .unwrap();
    assert_eq!(refused.status, 404);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
}
