//! Checks a connection: token, version, rights, and the fields of Lead. It creates nothing: an admin has to, and is told
//! what. Repeating it does no harm.

use leads_proto::leads::connector::v1::ConnectionFacts;
use leads_proto::leads::v1::SyncReason;
use leads_runtime::delivery::connector::Task;
use leads_runtime::delivery::{Connection, LeaseBudget, Outcome, TaskOutcome};

use crate::api::{Describe, Field, Resource, Version};
use crate::errors::{not_sent, of_task};
use crate::map::{KEY_FIELD, OWN_FIELDS, OwnField, STANDARD_FIELDS};
use crate::service::{Reply, SalesforceApi};

/// Carries out the task.
pub async fn run(
    api: &SalesforceApi,
    connection: &Connection,
    task: &Task,
    lease: LeaseBudget,
) -> TaskOutcome {
    match checked(api, connection, task, lease).await {
        Ok(facts) => TaskOutcome::Connected(facts),
        Err(Ended::Met(outcome)) => of_task(outcome),
        Err(Ended::Failed(reason)) => TaskOutcome::Failed(reason),
    }
}

/// What becomes of a task that this version does not know: a newer one may.
pub fn unknown_task() -> TaskOutcome {
    TaskOutcome::Retry {
        class: "UNKNOWN_TASK",
        after: None,
        code: String::new(),
        message: "this version of the connector does not know the task".to_owned(),
    }
}

/// Why a check went no further.
enum Ended {
    Met(Outcome),
    Failed(SyncReason),
}

async fn checked(
    api: &SalesforceApi,
    connection: &Connection,
    task: &Task,
    lease: LeaseBudget,
) -> Result<ConnectionFacts, Ended> {
    let (mut caller, org) = api.checker(connection, task, lease).await.map_err(Ended::Met)?;
    let version = api.rules().api_version.clone();
    let versions: Vec<Version> = answer(api.get(&mut caller, Resource::Versions).await)?;
    if !versions.iter().any(|known| known.version == version) {
        return Err(failed(
            "API_VERSION",
            format!("The org does not serve version {version} of the REST API."),
            "",
            "Set vendor.api_version of crm-salesforce to a version that it serves.",
        ));
    }
    let lead: Describe = answer(api.get(&mut caller, Resource::Describe).await)?;
    if !lead.createable || !lead.updateable {
        return Err(failed(
            "FORBIDDEN",
            "The user that the app runs as may not create and edit leads.".to_owned(),
            "",
            "Give it read, create, edit and delete on Lead by a permission set, then connect again.",
        ));
    }
    if let Some(reason) = own_fields(&lead.fields)
        .or_else(|| standard_fields(&lead.fields))
        .or_else(|| mandatory_fields(&lead.fields))
    {
        return Err(Ended::Failed(reason));
    }
    let instance = caller.instance_url();
    let host = instance.split_once("://").map_or("", |(_, host)| host);
    Ok(ConnectionFacts {
        account_id: org,
        ui_domain: host.to_owned(),
        limits: Some(api.rules().limits_seen(caller.usage)),
    })
}

/// Every field of ours that is missing, or is not what it has to be, in one text.
fn own_fields(fields: &[Field]) -> Option<SyncReason> {
    let mut wrong: Vec<(&OwnField, String)> = Vec::new();
    for own in &OWN_FIELDS {
        let problem = match fields.iter().find(|field| field.name == own.name) {
            None => Some(own.setup.to_owned()),
            Some(field) => misfit(own, field),
        };
        wrong.extend(problem.map(|problem| (own, problem)));
    }
    let (first, _) = wrong.first()?;
    let list: Vec<String> = wrong
        .iter()
        .map(|(own, problem)| format!("{} {problem}", own.name))
        .collect();
    Some(SyncReason {
        code: "FIELDS".to_owned(),
        message: format!("Lead needs: {}", list.join("; ")),
        field: first.name.to_owned(),
        hint: "In Salesforce open Setup > Object Manager > Lead > Fields & Relationships > New and create them with these API \
               names (the part before __c). Make them visible and editable for the user that the app runs as: a field \
               without field-level security looks as if it were missing. Then connect again."
            .to_owned(),
    })
}

/// What an existing field lacks.
fn misfit(own: &OwnField, field: &Field) -> Option<String> {
    if field.kind != own.kind {
        return Some(format!("is {}, must be {}", field.kind, own.setup));
    }
    if own.name == KEY_FIELD && !(field.external_id && field.unique) {
        return Some("must be Unique and External ID".to_owned());
    }
    if field.length < own.length {
        return Some(format!("must be {}", own.setup));
    }
    (!field.createable || !field.updateable).then(|| "must be editable for the user".to_owned())
}

fn standard_fields(fields: &[Field]) -> Option<SyncReason> {
    let is_writable = |name: &str| {
        fields
            .iter()
            .any(|field| field.name == name && field.createable && field.updateable)
    };
    let hidden: Vec<&str> = STANDARD_FIELDS
        .into_iter()
        .filter(|name| !is_writable(name))
        .collect();
    let first = hidden.first()?;
    Some(SyncReason {
        code: "FIELDS".to_owned(),
        message: format!(
            "The user that the app runs as may not write {}.",
            hidden.join(", ")
        ),
        field: (*first).to_owned(),
        hint: "Make the fields editable for it by field-level security, then connect again.".to_owned(),
    })
}

/// Fields that new leads need and that nothing is written to: every new lead would be refused.
fn mandatory_fields(fields: &[Field]) -> Option<SyncReason> {
    let is_ours =
        |name: &str| OWN_FIELDS.iter().any(|own| own.name == name) || STANDARD_FIELDS.contains(&name);
    let needed: Vec<&str> = fields
        .iter()
        .filter(|field| field.createable && !field.nillable && !field.defaulted_on_create)
        .map(|field| field.name.as_str())
        .filter(|name| !is_ours(name))
        .collect();
    let first = needed.first()?;
    Some(SyncReason {
        code: "MANDATORY_FIELDS".to_owned(),
        message: format!(
            "New leads need {}, which Leads does not write.",
            needed.join(", ")
        ),
        field: (*first).to_owned(),
        hint: "Give the fields a default value in Salesforce, or do not require them, then connect again."
            .to_owned(),
    })
}

fn failed(code: &str, message: String, field: &str, hint: &str) -> Ended {
    Ended::Failed(SyncReason {
        code: code.to_owned(),
        message,
        field: field.to_owned(),
        hint: hint.to_owned(),
    })
}

fn answer<T>(reply: Reply<T>) -> Result<T, Ended> {
    let ended = match reply {
        Reply::Answer(answer) => return Ok(answer),
        Reply::Refused(fault) => fault.outcome(),
        Reply::Lost(why) | Reply::NotSent(why) => not_sent("UNAVAILABLE", why),
        Reply::NotStarted => Outcome::NotStarted,
    };
    Err(Ended::Met(ended))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_named_within_what_leads_svc_keeps() {
        let reason = own_fields(&[]).unwrap();
        for own in &OWN_FIELDS {
            assert!(reason.message.contains(own.name), "{}", own.name);
        }
        assert!(reason.message.chars().count() <= 500, "{}", reason.message.len());
        assert!(reason.hint.chars().count() <= 500, "{}", reason.hint.len());
    }
}
