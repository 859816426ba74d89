//! Requests with as much wrong as they can have.

use leads_proto::leads::{
    connector::v1 as wire,
    v1::{self, connect_provider_request::Credentials},
};
use prost::Message;
use prost_types::{FieldMask, Timestamp};

fn mask(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    })
}

/// A request of the method with as much wrong as it can have, and the fields that are to be named; none if the method
/// has no input.
pub fn wrong(path: &str) -> Option<(Vec<u8>, &'static [&'static str])> {
    let long = "x".repeat(300);
    let of_lead = |lead_id: &str| v1::ListConversationRequest {
        lead_id: lead_id.to_owned(),
        page_size: -1,
        ..Default::default()
    };
    let settings = v1::Settings {
        hot_threshold: Some(0),
        sync_threshold: Some(101),
        required_fields: vec!["email".to_owned()],
        ideal_customer: Some(v1::IdealCustomer {
            budget_min: Some(-1),
            currency: "euro".to_owned(),
            ..Default::default()
        }),
        country: Some("XX".to_owned()),
        consent_policy: 99,
        consent_purpose: "Sales contact".to_owned(),
        retention_days: [("new".to_owned(), 36_501)].into(),
        ..Default::default()
    };
    let (bytes, fields): (Vec<u8>, &[&str]) = match path.trim_start_matches('/') {
        "leads.v1.LeadsService/CollectLead" => (
            v1::CollectLeadRequest {
                request_id: "x".to_owned(),
                channel: 99,
                contact: Some(v1::Contact {
                    email: "nobody".to_owned(),
                    name: long.clone(),
                    phone: "call me".to_owned(),
                    company: " ".to_owned(),
                    title: "a\0b".to_owned(),
                    attributes: [("a b".to_owned(), "c".to_owned())].into(),
                    ..Default::default()
                }),
                intent: Some(v1::Intent {
                    signal: "Bad Signal".to_owned(),
                    ..Default::default()
                }),
                consents: vec![v1::Consent {
                    at: Some(Timestamp {
                        seconds: 4_000_000_000,
                        nanos: 0,
                    }),
                    ..Default::default()
                }],
                messages: vec![v1::Message::default()],
                conversation_id: long,
                captured_at: Some(Timestamp {
                    seconds: 4_000_000_000,
                    nanos: 0,
                }),
            }
            .encode_to_vec(),
            &[
                "request_id",
                "channel",
                "captured_at",
                "contact.email",
                "contact.name",
                "contact.phone",
                "contact.company",
                "contact.title",
                "contact.attributes",
                "intent.signal",
                "consents[0].purpose",
                "consents[0].at",
                "messages[0].role",
                "messages[0].text",
                "conversation_id",
            ],
        ),
        "leads.v1.LeadsService/BatchCollectLeads" => (Vec::new(), &["requests"]),
        "leads.v1.LeadsService/GetLead" => (
            v1::GetLeadRequest {
                lead_id: "contact_01h455vb4pex5vsknk084sn02q".to_owned(),
            }
            .encode_to_vec(),
            &["lead_id"],
        ),
        "leads.v1.LeadsService/ListLeads" => (
            v1::ListLeadsRequest {
                page_size: -1,
                order_by: "name".to_owned(),
                score_min: Some(101),
                score_max: Some(-1),
                stage: 99,
                channel: 99,
                sync: 99,
                q: "!!!".to_owned(),
                filter: "score >= eighty".to_owned(),
                tag: vec![String::new()],
                owner: long,
                captured_after: Some(Timestamp {
                    seconds: i64::MAX,
                    nanos: 0,
                }),
                read_mask: mask(&["surprise"]),
                ..Default::default()
            }
            .encode_to_vec(),
            &[
                "filter",
                "tag[0]",
                "owner",
                "captured_after",
                "read_mask",
                "page_size",
                "order_by",
                "score_min",
                "score_max",
                "stage",
                "channel",
                "sync",
                "q",
            ],
        ),
        "leads.v1.LeadsService/UpdateLead" => (
            v1::UpdateLeadRequest {
                lead: Some(v1::Lead {
                    id: "x".to_owned(),
                    etag: "x".to_owned(),
                    stage: 99,
                    outcome: 99,
                    tags: vec![String::new()],
                    owner: long,
                    ..Default::default()
                }),
                update_mask: mask(&["stage", "outcome", "tags", "owner", "score"]),
            }
            .encode_to_vec(),
            &[
                "lead.id",
                "lead.score",
                "lead.etag",
                "lead.stage",
                "lead.outcome",
                "lead.tags[0]",
                "lead.owner",
            ],
        ),
        "leads.v1.LeadsService/MergeLeads" => (
            v1::MergeLeadsRequest {
                choices: [
                    ("score".to_owned(), "survivor".to_owned()),
                    ("stage".to_owned(), "both".to_owned()),
                ]
                .into(),
                ..Default::default()
            }
            .encode_to_vec(),
            &["lead_id", "absorbed_lead_id", "choices.score", "choices.stage"],
        ),
        "leads.v1.LeadsService/UnmergeLead" => (
            v1::UnmergeLeadRequest {
                merge_id: "x".to_owned(),
                ..Default::default()
            }
            .encode_to_vec(),
            &["lead_id", "merge_id"],
        ),
        "leads.v1.LeadsService/DeleteLead" | "leads.v1.LeadsService/ListDuplicates" => {
            (Vec::new(), &["lead_id"])
        }
        "leads.v1.LeadsService/AppendConversation" => (
            v1::AppendConversationRequest {
                request_id: "x".to_owned(),
                conversation_id: long,
                ..Default::default()
            }
            .encode_to_vec(),
            &["lead_id", "request_id", "conversation_id", "messages"],
        ),
        "leads.v1.LeadsService/ListConversation"
        | "leads.v1.LeadsService/ListActivities"
        | "leads.v1.LeadsService/ListScores" => (of_lead("x").encode_to_vec(), &["lead_id", "page_size"]),
        "leads.v1.LeadsService/SyncLead" => (
            v1::SyncLeadRequest {
                provider: 99,
                ..Default::default()
            }
            .encode_to_vec(),
            &["lead_id", "provider"],
        ),
        "leads.v1.ContactsService/UpsertContact" => (
            v1::UpsertContactRequest {
                contact: Some(v1::Contact {
                    id: "lead_01h455vb4pex5vsknk084sn02q".to_owned(),
                    email: "nobody".to_owned(),
                    visitor_id: "a b".to_owned(),
                    ..Default::default()
                }),
                channel: 99,
                request_id: "x".to_owned(),
            }
            .encode_to_vec(),
            &[
                "request_id",
                "channel",
                "contact.id",
                "contact.email",
                "contact.visitor_id",
            ],
        ),
        "leads.v1.ContactsService/GetContact" => (Vec::new(), &["contact_id"]),
        "leads.v1.ContactsService/ListContacts" => (
            v1::ListContactsRequest {
                page_size: -1,
                q: "!!!".to_owned(),
                ..Default::default()
            }
            .encode_to_vec(),
            &["page_size", "q"],
        ),
        "leads.v1.ContactsService/AppendContactConversation" => (
            v1::AppendContactConversationRequest {
                request_id: "x".to_owned(),
                conversation_id: long,
                ..Default::default()
            }
            .encode_to_vec(),
            &["contact_id", "request_id", "conversation_id", "messages"],
        ),
        "leads.v1.WorkspacesService/CreateWorkspace" => (
            v1::CreateWorkspaceRequest {
                name: String::new(),
                settings: Some(settings),
                request_id: "x".to_owned(),
            }
            .encode_to_vec(),
            &[
                "name",
                "settings.hot_threshold",
                "settings.sync_threshold",
                "settings.required_fields[0]",
                "settings.country",
                "settings.ideal_customer.budget_min",
                "settings.ideal_customer.currency",
                "settings.consent_policy",
                "settings.consent_purpose",
                "settings.retention_days.new",
                "request_id",
            ],
        ),
        "leads.v1.WorkspacesService/UpdateSettings" => (
            v1::UpdateSettingsRequest {
                settings: Some(settings),
                update_mask: mask(&[
                    "name",
                    "hot_threshold",
                    "sync_threshold",
                    "required_fields",
                    "country",
                ]),
            }
            .encode_to_vec(),
            &[
                "update_mask",
                "settings.hot_threshold",
                "settings.sync_threshold",
                "settings.required_fields[0]",
                "settings.country",
            ],
        ),
        "leads.v1.WorkspacesService/SetPlan" => (v1::SetPlanRequest { plan: 99 }.encode_to_vec(), &["plan"]),
        "leads.v1.WorkspacesService/CreateApiKey" => (
            v1::CreateApiKeyRequest {
                name: String::new(),
                scopes: vec!["leads.read".to_owned(), "nothing".to_owned()],
                expires_at: Some(Timestamp {
                    seconds: 1_000,
                    nanos: 0,
                }),
                member_id: "x".to_owned(),
            }
            .encode_to_vec(),
            &["name", "scopes[1]", "expires_at", "member_id"],
        ),
        "leads.v1.WorkspacesService/RotateApiKey" => (
            v1::RotateApiKeyRequest {
                key_id: "ak_1".to_owned(),
                overlap: Some(prost_types::Duration {
                    seconds: -1,
                    nanos: 0,
                }),
            }
            .encode_to_vec(),
            &["key_id", "overlap"],
        ),
        "leads.v1.WorkspacesService/RevokeApiKey" => (Vec::new(), &["key_id"]),
        "leads.v1.MembersService/CreateMember" => (
            v1::CreateMemberRequest {
                email: "nobody".to_owned(),
                role: 99,
            }
            .encode_to_vec(),
            &["email", "role"],
        ),
        "leads.v1.MembersService/ListMembers" => (
            v1::ListMembersRequest {
                page_size: -1,
                ..Default::default()
            }
            .encode_to_vec(),
            &["page_size"],
        ),
        "leads.v1.MembersService/UpdateMember" => (Vec::new(), &["member_id", "role"]),
        "leads.v1.MembersService/DeleteMember" => (Vec::new(), &["member_id"]),
        "leads.v1.IntegrationsService/ConnectProvider" => (
            v1::ConnectProviderRequest {
                provider: 99,
                credentials: Some(Credentials::Hubspot(v1::HubspotCredentials {
                    access_token: "two words".to_owned(),
                })),
                field_mapping: [
                    ("email".to_owned(), String::new()),
                    ("shoe_size".to_owned(), "x".to_owned()),
                    ("title".to_owned(), "Job Title".to_owned()),
                ]
                .into(),
            }
            .encode_to_vec(),
            &[
                "provider",
                "hubspot.access_token",
                "field_mapping.email",
                "field_mapping.shoe_size",
                "field_mapping.title",
            ],
        ),
        "leads.v1.IntegrationsService/GetConnection" | "leads.v1.IntegrationsService/DisconnectProvider" => {
            (Vec::new(), &["provider"])
        }
        "leads.v1.PrivacyService/RecordConsent" => (
            v1::RecordConsentRequest {
                lead_id: "x".to_owned(),
                consent: Some(v1::Consent {
                    text: "a\0b".to_owned(),
                    version: long.clone(),
                    channel: 99,
                    basis: 99,
                    language: "not a tag".to_owned(),
                    method: "By Phone".to_owned(),
                    page: " ".to_owned(),
                    at: Some(Timestamp {
                        seconds: 2_000,
                        nanos: 0,
                    }),
                    expires_at: Some(Timestamp {
                        seconds: 1_000,
                        nanos: 0,
                    }),
                    ..Default::default()
                }),
            }
            .encode_to_vec(),
            &[
                "lead_id",
                "consent.purpose",
                "consent.text",
                "consent.version",
                "consent.channel",
                "consent.basis",
                "consent.language",
                "consent.method",
                "consent.page",
                "consent.expires_at",
            ],
        ),
        "leads.v1.PrivacyService/ListConsents" => (of_lead("x").encode_to_vec(), &["lead_id", "page_size"]),
        "leads.v1.PrivacyService/ExportSubject" => (Vec::new(), &["email"]),
        "leads.v1.PrivacyService/EraseSubject" => (
            v1::EraseSubjectRequest {
                email: "nobody".to_owned(),
                lead_id: "x".to_owned(),
                contact_id: "y".to_owned(),
            }
            .encode_to_vec(),
            &["lead_id", "contact_id", "email"],
        ),
        "leads.v1.PrivacyService/GetErasure" => (
            v1::GetErasureRequest {
                erasure_id: "lead_x".to_owned(),
            }
            .encode_to_vec(),
            &["erasure_id"],
        ),
        "leads.v1.PrivacyService/ListErasures" => (
            v1::ListErasuresRequest {
                page_size: -1,
                ..Default::default()
            }
            .encode_to_vec(),
            &["page_size"],
        ),
        "leads.v1.PrivacyService/PreviewRetention" => (
            v1::PreviewRetentionRequest {
                retention_days: [("new".to_owned(), -1), ("won".to_owned(), 3)].into(),
                page_size: -1,
                ..Default::default()
            }
            .encode_to_vec(),
            &["retention_days.new", "retention_days", "page_size"],
        ),
        "leads.v1.PrivacyService/ListAuditEntries" => (
            v1::ListAuditEntriesRequest {
                page_size: -1,
                subject: long,
                ..Default::default()
            }
            .encode_to_vec(),
            &["page_size", "subject"],
        ),
        "leads.v1.PrivacyService/VerifyAudit" => (
            v1::VerifyAuditRequest {
                anchors: vec![v1::AuditAnchor {
                    n: 0,
                    mac: "x".to_owned(),
                }],
            }
            .encode_to_vec(),
            &["anchors[0].n", "anchors[0].mac"],
        ),
        "leads.connector.v1.ConnectorService/Heartbeat" => (
            wire::HeartbeatRequest {
                replica: "a\0b".to_owned(),
            }
            .encode_to_vec(),
            &["replica"],
        ),
        "leads.connector.v1.ConnectorService/GetConnection" => (Vec::new(), &["connection_id"]),
        "leads.connector.v1.ConnectorService/LeaseTokenRefresh" => (Vec::new(), &["connection_id"]),
        "leads.connector.v1.ConnectorService/PutConnectionToken" => (
            wire::PutConnectionTokenRequest {
                refresh_token: "two words".to_owned(),
                ..Default::default()
            }
            .encode_to_vec(),
            &[
                "target",
                "lease_token",
                "access_token",
                "refresh_token",
                "instance_url",
            ],
        ),
        "leads.connector.v1.ConnectorService/ClaimJobs" => (
            wire::ClaimJobsRequest {
                hints: vec![wire::JobHint::default(); 501],
                ..Default::default()
            }
            .encode_to_vec(),
            &["hints"],
        ),
        "leads.connector.v1.ConnectorService/ReportOutcomes" => (
            wire::ReportOutcomesRequest {
                outcomes: vec![wire::JobOutcome::default()],
            }
            .encode_to_vec(),
            &[
                "outcomes[0].job_id",
                "outcomes[0].lease_token",
                "outcomes[0].outcome",
            ],
        ),
        "leads.connector.v1.ConnectorService/ReleaseJobs" => (
            wire::ReleaseJobsRequest {
                leases: vec![wire::JobLease::default()],
            }
            .encode_to_vec(),
            &["leases[0].job_id", "leases[0].lease_token"],
        ),
        "leads.connector.v1.ConnectorService/ClaimTasks" => (Vec::new(), &["limit"]),
        "leads.connector.v1.ConnectorService/ReportTask" => {
            (Vec::new(), &["task_id", "lease_token", "outcome"])
        }
        "leads.v1.WorkspacesService/GetWorkspace"
        | "leads.v1.WorkspacesService/GetUsage"
        | "leads.v1.MembersService/GetMe"
        | "leads.v1.WorkspacesService/ListApiKeys"
        | "leads.v1.IntegrationsService/ListConnections" => return None,
        _ => panic!("{path} has no bad-input case"),
    };
    Some((bytes, fields))
}
