//! The connectors' API, from and to the wire.

use std::time::Duration;

use leads_proto::leads::{
    connector::v1::{self as wire, get_connection_response::Credentials},
    v1,
};
use type_safe_id::StaticType;
use uuid::Uuid;

use super::{lead, salesforce, times, words};
use crate::{
    domain::{
        ids,
        sync::{Action, JobReport, Provider, Reason},
        violation::{Violation, Violations},
    },
    service::connector::{
        Claimed, Connection, Facts, Granted, Limits, Named, Outcome, Receipt, Record, Refusal, Report,
        Session, Target, TokenLease, Unused,
    },
};

/// Most jobs of one call.
const MAX_JOBS: usize = 500;
/// Longest vendor text that is kept, in characters.
const MAX_VENDOR_TEXT: usize = 500;
/// Longest code, field name, record or account id that is kept, in characters.
const MAX_VENDOR_NAME: usize = 64;
/// Longest time for which a job is put off.
const MAX_PUT_OFF: Duration = Duration::from_secs(3_600);
/// Longest address of a page that is kept, in characters.
const MAX_VENDOR_URL: usize = 2_000;

/// Hints of a claim. Streams may hold anything: what names no job of ours is `None`, and its neighbours go on.
///
/// # Errors
/// Every violation.
pub fn hints(hints: &[wire::JobHint]) -> Result<Vec<Option<Named>>, Vec<Violation>> {
    let mut violations = Violations::default();
    count("hints", hints.len(), &mut violations);
    let named = hints
        .iter()
        .map(|hint| {
            let job = ids::parse::<ids::Job>(&hint.job_id).ok()?;
            Some(Named {
                job,
                generation: hint.generation,
            })
        })
        .collect();
    violations.into_result(named)
}

/// The answer to a hint that names no job of ours.
pub fn gone(hint: &wire::JobHint) -> wire::ClaimResult {
    wire::ClaimResult {
        job_id: hint.job_id.clone(),
        result: Some(wire::claim_result::Result::Refusal(wire::Refusal::Gone.into())),
    }
}

/// The answer to one hint.
pub fn claimed(claimed: Claimed, lease: Duration) -> wire::ClaimResult {
    let result = match claimed.result {
        Ok(granted) => wire::claim_result::Result::Grant(grant(*granted, lease)),
        Err(refused) => wire::claim_result::Result::Refusal(
            match refused {
                Refusal::Gone => wire::Refusal::Gone,
                Refusal::Done => wire::Refusal::Done,
                Refusal::NotDue => wire::Refusal::NotDue,
                Refusal::Held => wire::Refusal::Held,
            }
            .into(),
        ),
    };
    wire::ClaimResult {
        job_id: ids::format::<ids::Job>(claimed.job),
        result: Some(result),
    }
}

/// Reports of jobs.
///
/// # Errors
/// Every violation.
pub fn reports(outcomes: Vec<wire::JobOutcome>) -> Result<Vec<Report>, Vec<Violation>> {
    let mut violations = Violations::default();
    count("outcomes", outcomes.len(), &mut violations);
    let mut reports = Vec::with_capacity(outcomes.len());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let at = |field: &str| format!("outcomes[{index}].{field}");
        let job = job(&at("job_id"), &outcome.job_id, &mut violations);
        let token = token(&at("lease_token"), &outcome.lease_token, &mut violations);
        match outcome.outcome {
            Some(outcome) => reports.push(Report {
                job,
                token,
                outcome: report(outcome),
            }),
            None => violations.add(at("outcome"), "is required"),
        }
    }
    violations.into_result(reports)
}

/// Leases that are given back.
///
/// # Errors
/// Every violation.
pub fn leases(leases: &[wire::JobLease]) -> Result<Vec<Unused>, Vec<Violation>> {
    let mut violations = Violations::default();
    count("leases", leases.len(), &mut violations);
    let read = leases
        .iter()
        .enumerate()
        .map(|(index, lease)| {
            let at = |field: &str| format!("leases[{index}].{field}");
            Unused {
                job: job(&at("job_id"), &lease.job_id, &mut violations),
                token: token(&at("lease_token"), &lease.lease_token, &mut violations),
                after: times::read_duration(lease.after.as_ref())
                    .unwrap_or_default()
                    .min(MAX_PUT_OFF),
            }
        })
        .collect();
    violations.into_result(read)
}

/// What became of a report.
pub fn receipt(receipt: Receipt) -> wire::ReportStatus {
    match receipt {
        Receipt::Recorded => wire::ReportStatus::Recorded,
        Receipt::LeaseLost => wire::ReportStatus::LeaseLost,
        Receipt::Gone => wire::ReportStatus::Gone,
    }
}

/// A connection with its secret.
pub fn connection(connection: Connection, secret: String) -> wire::GetConnectionResponse {
    let credentials = match connection.provider {
        Provider::Hubspot => Some(Credentials::Hubspot(wire::HubspotSecret { access_token: secret })),
        Provider::Salesforce => salesforce::secret(&secret).map(Credentials::Salesforce),
    };
    wire::GetConnectionResponse {
        workspace_id: ids::format::<ids::Workspace>(connection.workspace),
        credentials,
        field_mapping: connection.field_mapping,
        account_id: connection.account_id,
        ui_domain: connection.ui_domain,
        limits: connection.limits.map(|limits| wire::VendorLimits {
            calls: limits.calls,
            window: Some(times::duration(Duration::from_millis(limits.window_ms))),
            daily_calls: limits.daily_calls,
        }),
        version: connection.version,
    }
}

/// Whose session is to be renewed, and in which version.
///
/// # Errors
/// Every violation.
pub fn refresh(request: &wire::LeaseTokenRefreshRequest) -> Result<(Uuid, i64), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = id::<ids::Connection>("connection_id", &request.connection_id, &mut violations);
    violations.into_result((id, request.version))
}

/// The right to renew a session, or how long another has it.
pub fn token_lease(lease: TokenLease, granted: Duration) -> wire::LeaseTokenRefreshResponse {
    let (token, lease) = match lease {
        TokenLease::Granted(token) => (token.to_string(), Some(granted)),
        TokenLease::Held(left) => (String::new(), Some(left)),
        TokenLease::Newer => (String::new(), None),
    };
    wire::LeaseTokenRefreshResponse {
        lease_token: token,
        lease: lease.map(times::duration),
    }
}

/// A session, what it belongs to, the lease that it was begun under, and the refresh token that came with it.
///
/// # Errors
/// Every violation.
pub fn new_session(
    request: wire::PutConnectionTokenRequest,
) -> Result<(Target, Uuid, Session, Option<String>), Vec<Violation>> {
    use wire::put_connection_token_request::Target as Wire;
    let mut violations = Violations::default();
    let target = match &request.target {
        Some(Wire::ConnectionId(text)) => {
            Target::Connection(id::<ids::Connection>("connection_id", text, &mut violations))
        }
        Some(Wire::TaskId(text)) => Target::Task(id::<ids::Task>("task_id", text, &mut violations)),
        None => {
            violations.add("target", "is required: connection_id or task_id");
            Target::Connection(Uuid::nil())
        }
    };
    let token = token("lease_token", &request.lease_token, &mut violations);
    let session = salesforce::session(&request, &mut violations);
    let newest = Some(request.refresh_token).filter(|token| !token.is_empty());
    violations.into_result((target, token, session, newest))
}

/// A task's id, token and outcome.
///
/// # Errors
/// Every violation.
pub fn task_report(request: wire::ReportTaskRequest) -> Result<(Uuid, Uuid, Outcome), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = id::<ids::Task>("task_id", &request.task_id, &mut violations);
    let token = token("lease_token", &request.lease_token, &mut violations);
    let outcome = match request.outcome {
        Some(wire::report_task_request::Outcome::Connected(facts)) => Outcome::Connected(Facts {
            account_id: name(facts.account_id),
            ui_domain: clean(facts.ui_domain, 255),
            limits: facts.limits.map(|limits| Limits {
                calls: limits.calls,
                window_ms: times::read_duration(limits.window.as_ref())
                    .and_then(|window| window.as_millis().try_into().ok())
                    .unwrap_or_default(),
                daily_calls: limits.daily_calls,
            }),
        }),
        Some(wire::report_task_request::Outcome::Failed(reason)) => Outcome::Failed(sync_reason(reason)),
        Some(wire::report_task_request::Outcome::Retry(retry)) => {
            let after = times::read_duration(retry.after.as_ref());
            Outcome::Retry {
                reason: retry_reason(retry),
                after,
            }
        }
        None => {
            violations.add("outcome", "is required");
            Outcome::Failed(Reason::default())
        }
    };
    violations.into_result((id, token, outcome))
}

fn grant(granted: Granted, lease: Duration) -> wire::Grant {
    let Granted { grant, hot } = granted;
    let lead_id = ids::format::<ids::Lead>(grant.lead);
    wire::Grant {
        lease_token: grant.token.to_string(),
        lease: Some(times::duration(lease)),
        action: action(grant.action, grant.verify).into(),
        connection_id: ids::format::<ids::Connection>(grant.connection),
        connection_version: grant.connection_version,
        attempt: grant.attempt,
        solo: grant.solo,
        traceparent: grant.traceparent,
        record_ids: grant.record_ids,
        lead_ids: grant.lead_ids.into_iter().map(ids::format::<ids::Lead>).collect(),
        lead: Some(match grant.record {
            Some(record) => snapshot(*record, grant.external_id, hot),
            None => wire::LeadSnapshot {
                lead_id,
                ..wire::LeadSnapshot::default()
            },
        }),
    }
}

fn action(action: Action, verify: bool) -> wire::Action {
    match (action, verify) {
        (Action::Upsert, false) => wire::Action::Write,
        (Action::Upsert, true) => wire::Action::Verify,
        (Action::Remove, false) => wire::Action::Remove,
        (Action::Remove, true) => wire::Action::VerifyRemoved,
        (Action::Erase, false) => wire::Action::Erase,
        (Action::Erase, true) => wire::Action::VerifyErased,
    }
}

fn snapshot(record: Record, external_id: String, hot: bool) -> wire::LeadSnapshot {
    let (lead, profile) = (record.lead, record.contact.profile);
    wire::LeadSnapshot {
        lead_id: ids::format::<ids::Lead>(lead.id),
        revision: lead.sync_revision,
        external_id,
        email: profile.email.unwrap_or_default(),
        name: profile.name.unwrap_or_default(),
        phone: profile.phone.unwrap_or_default(),
        company: profile.company.unwrap_or_default(),
        title: profile.title.unwrap_or_default(),
        stage: words::stage(lead.stage).into(),
        outcome: lead
            .outcome
            .map_or(v1::Outcome::Unspecified, words::outcome)
            .into(),
        channel: words::channel(lead.channel).into(),
        score: lead.score.into(),
        band: lead::band(lead.score).into(),
        hot,
        dimension_points: record
            .score
            .map(|score| {
                score
                    .dimensions
                    .into_iter()
                    .map(|part| (part.key, part.points.into()))
                    .collect()
            })
            .unwrap_or_default(),
        captured_at: Some(times::timestamp(lead.captured_at)),
        owner: lead.owner,
    }
}

fn report(outcome: wire::job_outcome::Outcome) -> JobReport {
    use wire::job_outcome::Outcome as Wire;
    match outcome {
        Wire::Delivered(delivered) => JobReport::Delivered {
            external_id: name(delivered.external_id),
            url: clean(delivered.url, MAX_VENDOR_URL),
        },
        Wire::Retry(retry) => {
            let after = times::read_duration(retry.after.as_ref());
            JobReport::Retry {
                reason: retry_reason(retry),
                after,
            }
        }
        Wire::Rejected(rejected) => JobReport::Rejected(Reason {
            code: name(rejected.code),
            message: text(rejected.message),
            field: name(rejected.field),
            hint: text(rejected.hint),
            vendor_code: name(rejected.vendor_code),
        }),
        Wire::Unknown(unknown) => JobReport::Unknown {
            why: text(unknown.why),
        },
        Wire::Paused(paused) => JobReport::Paused {
            rest: times::read_duration(paused.r#for.as_ref()),
            reason: paused.reason.map(sync_reason).unwrap_or_default(),
            connection_version: paused.connection_version,
        },
        Wire::Gone(gone) => JobReport::Gone {
            records: i64::from(gone.records.max(0)),
        },
        Wire::Verified(verified) => JobReport::Verified {
            external_id: name(verified.external_id),
            url: clean(verified.url, MAX_VENDOR_URL),
            revision: verified.revision,
        },
    }
}

fn retry_reason(retry: wire::Retry) -> Reason {
    Reason {
        code: name(retry.class),
        message: text(retry.message),
        vendor_code: name(retry.vendor_code),
        hint: "nothing to do: it is tried again".to_owned(),
        field: String::new(),
    }
}

fn sync_reason(reason: v1::SyncReason) -> Reason {
    Reason {
        code: name(reason.code),
        message: text(reason.message),
        field: name(reason.field),
        hint: text(reason.hint),
        vendor_code: String::new(),
    }
}

fn job(field: &str, text: &str, violations: &mut Violations) -> Uuid {
    id::<ids::Job>(field, text, violations)
}

fn id<K: StaticType>(field: &str, text: &str, violations: &mut Violations) -> Uuid {
    ids::parse::<K>(text).unwrap_or_else(|problem| {
        violations.add(field, problem);
        Uuid::nil()
    })
}

fn token(field: &str, text: &str, violations: &mut Violations) -> Uuid {
    Uuid::try_parse(text).unwrap_or_else(|_| {
        violations.add(field, "is not a lease token");
        Uuid::nil()
    })
}

fn count(field: &str, count: usize, violations: &mut Violations) {
    if !(1..=MAX_JOBS).contains(&count) {
        violations.add(field, format!("must have 1 to {MAX_JOBS} entries"));
    }
}

fn name(text: String) -> String {
    clean(text, MAX_VENDOR_NAME)
}

fn text(text: String) -> String {
    clean(text, MAX_VENDOR_TEXT)
}

/// What a vendor said, so that it can be stored whatever it is: a report must never fail for it.
fn clean(text: String, most: usize) -> String {
    let storable = text.chars().filter(|character| *character != '\0');
    storable.take(most).collect()
}
