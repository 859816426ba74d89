//! Checks a connection and makes it ready: token, scopes, account, limits, mapping, and the properties of ours that are
//! missing. Repeating it does no harm.
//!
//! Nothing is created before everything else holds, and all scopes that are missing are named at once.

use std::collections::BTreeMap;

use leads_proto::leads::{connector::v1::ConnectionFacts, v1::SyncReason};
use leads_runtime::delivery::TaskOutcome;
use serde_json::Value;

use crate::api::{
    AccountDetails, BatchInput, BatchRead, BatchWrite, Endpoint, Property, PropertyCreate, PropertyList,
    ReadInput,
};
use crate::errors::{Fault, Kind, missing_scopes};
use crate::map::{KEY_PROPERTY, Mapping, MappingProblem, OWN_PROPERTIES, REVISION_PROPERTY};
use crate::request::Reply;
use crate::service::{Caller, HubspotApi};

/// Why a check went no further.
type Ended = TaskOutcome;

/// Carries out the task.
pub async fn run(api: &HubspotApi, caller: &Caller, field_mapping: &BTreeMap<String, String>) -> TaskOutcome {
    match checked(api, caller, field_mapping).await {
        Ok(facts) => TaskOutcome::Connected(facts),
        Err(ended) => ended,
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

async fn checked(
    api: &HubspotApi,
    caller: &Caller,
    field_mapping: &BTreeMap<String, String>,
) -> Result<ConnectionFacts, Ended> {
    let (account, seen) = api
        .get_with_limits::<AccountDetails>(caller, Endpoint::AccountDetails)
        .await;
    let account = answer(account)?;

    let mut missing = Vec::new();
    let properties = scoped(
        api.get::<PropertyList>(caller, Endpoint::PropertyList).await,
        &mut missing,
    )?;
    let reads = api
        .send::<Value>(caller, Endpoint::BatchRead, &nobody_to_read())
        .await;
    scoped(unless_refused(reads), &mut missing)?;
    let writes = api
        .send::<Value>(caller, Endpoint::BatchUpsert, &nobody_to_write())
        .await;
    scoped(unless_refused(writes), &mut missing)?;
    let (Some(properties), true) = (properties, missing.is_empty()) else {
        return Err(TaskOutcome::Failed(missing_scopes(&missing)));
    };

    let properties = properties.results;
    let (mapping, mut problems) = Mapping::new(field_mapping);
    // Those of ours that are missing are about to be made.
    let own = |name: &str| OWN_PROPERTIES.iter().any(|own| own.name == name);
    problems.extend(
        mapping
            .check(&properties)
            .into_iter()
            .filter(|problem| match problem {
                MappingProblem::Missing { property, .. } => !own(property),
                _ => true,
            }),
    );
    if let Some(reason) = key_reason(&properties).or_else(|| mapping_reason(&problems)) {
        return Err(TaskOutcome::Failed(reason));
    }
    for own in OWN_PROPERTIES.iter().filter(|own| mapping.writes(own.name)) {
        if !properties.iter().any(|property| property.name == own.name) {
            create(api, caller, own).await?;
        }
    }
    Ok(ConnectionFacts {
        account_id: account.portal_id.to_string(),
        ui_domain: account.ui_domain.unwrap_or_default(),
        limits: seen.limits(),
    })
}

/// Makes a property, unless somebody else made it in the meantime.
async fn create(api: &HubspotApi, caller: &Caller, property: &PropertyCreate) -> Result<(), Ended> {
    match api
        .send::<Value>(caller, Endpoint::PropertyCreate, property)
        .await
    {
        Reply::Refused(fault) if fault.kind == Kind::Conflict => Ok(()),
        Reply::Refused(mut fault) if fault.kind == Kind::Validation || fault.kind == Kind::Refused => {
            fault.property = property.name.to_owned();
            Err(TaskOutcome::Failed(SyncReason {
                code: "PROPERTY_NOT_CREATED".to_owned(),
                message: fault.message,
                field: fault.property,
                hint: "Create the property in HubSpot (Settings > Properties > Contact properties), or make room for \
                       it: an account has at most ten properties with unique values. Then connect again."
                    .to_owned(),
            }))
        }
        reply => answer(reply).map(drop),
    }
}

/// The answer, or how the task ends without it.
fn answer<T>(reply: Reply<T>) -> Result<T, Ended> {
    let retry = |class: &'static str, message: String| TaskOutcome::Retry {
        class,
        after: None,
        code: String::new(),
        message,
    };
    match reply {
        Reply::Answer(answer) => Ok(answer),
        Reply::Refused(fault) => Err(fault.task_outcome()),
        Reply::Lost(why) | Reply::NotSent(why) => Err(retry("UNAVAILABLE", why)),
        Reply::NotStarted => Err(retry(
            "RATE_LIMITED",
            "no time or no quota was left to ask HubSpot".to_owned(),
        )),
    }
}

/// The answer, or `None` with the missing scopes noted.
fn scoped<T>(reply: Reply<T>, missing: &mut Vec<Fault>) -> Result<Option<T>, Ended> {
    match reply {
        Reply::Refused(fault) if fault.kind == Kind::Scope => {
            missing.push(fault);
            Ok(None)
        }
        reply => answer(reply).map(Some),
    }
}

/// HubSpot looks at scopes before it looks at rows: any other refusal means that the scope is there.
fn unless_refused(reply: Reply<Value>) -> Reply<Value> {
    match reply {
        Reply::Refused(fault) if fault.kind.is_about_rows() => Reply::Answer(Value::Null),
        // Nothing can have been written.
        Reply::Lost(why) => Reply::NotSent(why),
        reply => reply,
    }
}

fn nobody_to_read() -> BatchInput {
    BatchInput::Read(BatchRead {
        id_property: None,
        inputs: vec![ReadInput { id: "0".to_owned() }],
        properties: Vec::new(),
        properties_with_history: Vec::new(),
    })
}

fn nobody_to_write() -> BatchInput {
    BatchInput::Write(BatchWrite { inputs: Vec::new() })
}

/// Our key and revision must be what `connect` would have made of them: uniqueness cannot be added later.
fn key_reason(properties: &[Property]) -> Option<SyncReason> {
    let named = |name: &str| properties.iter().find(|property| property.name == name);
    let key = named(KEY_PROPERTY).filter(|key| !key.has_unique_value || key.kind != "string");
    let revision = named(REVISION_PROPERTY).filter(|revision| revision.kind != "number");
    let (name, wanted) = match (key, revision) {
        (Some(_), _) => (KEY_PROPERTY, "a text with unique values"),
        (None, Some(_)) => (REVISION_PROPERTY, "a number"),
        (None, None) => return None,
    };
    Some(SyncReason {
        code: "KEY_PROPERTY".to_owned(),
        message: format!("The property {name} exists and is not {wanted}."),
        field: name.to_owned(),
        hint: format!(
            "Delete {name} in HubSpot (Settings > Properties), also from the archive, and connect again."
        ),
    })
}

fn mapping_reason(problems: &[MappingProblem]) -> Option<SyncReason> {
    let first = problems.first()?;
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let code = match first {
        MappingProblem::Missing { .. } => "MISSING_PROPERTY",
        _ => "INVALID_MAPPING",
    };
    Some(SyncReason {
        code: code.to_owned(),
        message: texts.join("; "),
        field: first.subject().to_owned(),
        hint: "Change the field mapping of the connection, or the properties in HubSpot, and connect again."
            .to_owned(),
    })
}
