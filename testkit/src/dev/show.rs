//! What a developer sees.
#![expect(clippy::print_stdout, reason = "this is the program's output")]

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{absolute, demo::Shown, folder::DESCRIPTION};
use crate::{
    fakes::{
        hubspot::{DEFAULT_PORTAL, DEFAULT_TOKEN},
        salesforce::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET},
    },
    stack::{PEOPLE, Stack},
};

/// One line of progress.
pub fn step(text: &str) {
    println!("· {text}");
}

/// Everything that a person or a script needs to use a running stack.
pub fn describe(stack: &mut Stack, folder: &Path) -> Result<Value> {
    let mut processes = json!({"leads-dev": std::process::id(), "redis": stack.redis.process().pid()});
    if let (Some(postgres), Some(processes)) = (&stack.postgres, processes.as_object_mut()) {
        processes.insert("postgres".to_owned(), postgres.pid()?.into());
    }
    let mut ops = json!({});
    for service in stack.services() {
        let (url, process) = (service.ops_url().to_owned(), service.process()?);
        let (name, pid) = (process.name().to_owned(), process.pid());
        if let (Some(processes), Some(ops)) = (processes.as_object_mut(), ops.as_object_mut()) {
            processes.insert(name.clone(), pid.into());
            ops.insert(name, json!({"url": url, "metrics": format!("{url}/metrics")}));
        }
    }
    let mut simulators = json!({"hubspot": {
        "url": stack.hubspot.base_url(),
        "control": stack.hubspot.control_url(),
        "portal": DEFAULT_PORTAL,
        "token": DEFAULT_TOKEN,
    }});
    if let (Some(salesforce), Some(simulators)) = (&stack.salesforce, simulators.as_object_mut()) {
        let described = json!({
            "url": salesforce.server.base_url(),
            "control": salesforce.server.control_url(),
            "client_id": DEFAULT_CLIENT_ID,
            "client_secret": DEFAULT_CLIENT_SECRET,
        });
        simulators.insert("salesforce".to_owned(), described);
    }
    Ok(json!({
        "grpc": stack.url.trim_start_matches("http://"),
        "rest": stack.url,
        "ops": ops,
        "simulators": simulators,
        "sign_in": stack.sign_in.as_ref().map(|sign_in| json!({
            "url": format!("{}/sign-in", sign_in.base),
            "provider": sign_in.provider.issuer(),
            "people": PEOPLE.iter().map(|(email, _)| email).collect::<Vec<_>>(),
        })),
        "redis": stack.redis.url(),
        "storage": stack.storage_url,
        "workspace": {"id": stack.workspace.id, "key": stack.workspace.key},
        "processes": processes,
        "logs": folder.join("logs"),
    }))
}

/// The stack that holds the folder.
pub fn running(folder: &Path) -> Result<()> {
    let file = absolute(folder).join(DESCRIPTION);
    let Ok(text) = fs::read_to_string(&file) else {
        println!(
            "Another ./dev is just starting here; see {} in a moment.",
            file.display()
        );
        return Ok(());
    };
    let description: Value = serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    println!(
        "Leads runs here already, as process {}. Stop it with Ctrl-C there.\n",
        at(&description, "/processes/leads-dev")
    );
    commands(&description, "kim@northwind.example");
    Ok(())
}

/// The stack that has just come up.
pub fn ready(description: &Value, shown: Option<&Shown>) -> Result<()> {
    if let Some(shown) = shown {
        println!(
            "\n{:>5}  {:<9} {:<16} {:<12} contact",
            "score", "band", "sync", "channel"
        );
        for line in &shown.lines {
            println!("{line}");
        }
    }
    println!("\nLeads is ready.\n");
    commands(
        description,
        shown.map_or("kim@northwind.example", |shown| &shown.synced_address),
    );
    println!("\nCtrl-C stops everything.");
    Ok(())
}

fn commands(description: &Value, address: &str) {
    let get = |path| at(description, path);
    let (rest, grpc, key) = (get("/rest"), get("/grpc"), get("/workspace/key"));
    println!("  gRPC            {grpc}");
    println!("  REST            {rest}");
    for (name, entry) in description
        .pointer("/ops")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        println!("  {name:<15} {} (/readyz, /metrics)", at(entry, "/url"));
    }
    println!(
        "  HubSpot         {} (simulated; control API {})",
        get("/simulators/hubspot/url"),
        get("/simulators/hubspot/control")
    );
    println!(
        "  Salesforce      {} (simulated; control API {})",
        get("/simulators/salesforce/url"),
        get("/simulators/salesforce/control")
    );
    println!(
        "  sign in         {} (as {}; simulated provider)",
        get("/sign_in/url"),
        get("/sign_in/people/0")
    );
    println!("  workspace       {}, key {key}", get("/workspace/id"));
    println!("  logs            {}", get("/logs"));
    let (hubspot, token) = (get("/simulators/hubspot/url"), get("/simulators/hubspot/token"));
    let salesforce = get("/simulators/salesforce/url");
    println!(
        "
Hot leads:
  curl -s -H 'authorization: Bearer {key}' '{rest}/v1/leads?score_min=80'
A capture with a conversation:
  curl -s -H 'authorization: Bearer {key}' -H 'content-type: application/json' '{rest}/v1/leads:collect' -d '{CAPTURE}'
A contact as HubSpot has it:
  curl -s -H 'authorization: Bearer {token}' '{hubspot}/crm/v3/objects/contacts/{address}?idProperty=email&properties=leads_score,leads_hot,leads_lead_id'
A lead as Salesforce has it:
  curl -s '{salesforce}/_sim/leads?field=Email&value={address}'
By gRPC (reflection is on):
  grpcurl -plaintext -H 'authorization: Bearer {key}' {grpc} leads.v1.LeadsService/ListLeads"
    );
}

const CAPTURE: &str = r#"{"channel": "widget", "contact": {"email": "kim@northwind.example", "name": "Kim Berg", "title": "COO"}, "intent": {"signal": "asked_pricing"}, "messages": [{"role": "visitor", "text": "We need a support chatbot within three weeks. Budget is 45,000 EUR a year and I decide."}]}"#;

fn at(document: &Value, path: &str) -> String {
    match document.pointer(path) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    }
}
