//! What the fields of requests are for. A field of text that is not here fails the walk: say what it is for.

use super::known::Kind;

/// What a text stands for.
#[derive(Debug, Clone, Copy)]
pub enum Role {
    /// Words of the caller's own.
    Text,
    /// The same, in lower-case letters and `_`.
    Slug,
    /// An address.
    Email,
    /// A phone number.
    Phone,
    /// Words to search for.
    Words,
    /// An id.
    Id(Kind),
    /// The id of anything.
    Subject,
    /// Where a list goes on.
    Page,
    /// A version to compare with.
    Etag,
    /// One of these.
    Pick(&'static [&'static str]),
}

const SCOPES: &[&str] = &[
    "leads.read",
    "leads.write",
    "leads.delete",
    "integrations.read",
    "workspace.read",
    "workspace.admin",
    "privacy.read",
];
const FILTERS: &[&str] = &[
    "score >= 20 OR NOT crm.hubspot.status = error",
    "name:* AND captured_at > -30d",
    "NOT tags:nobody-has-this",
    "stage != closed AND (email:example OR owner:*)",
];
const STAGES: &[&str] = &["new", "contacted", "qualified", "opportunity"];

/// What a field of text is for; of maps, their values.
pub fn role(method: &str, message: &str, field: &str) -> Role {
    match (message, field) {
        (_, "request_id") => Role::Id(Kind::Chosen),
        (_, "page_token") => Role::Page,
        (_, "lead_id" | "absorbed_lead_id") | ("Lead", "id") => Role::Id(Kind::Lead),
        (_, "contact_id") | ("Contact", "id") => Role::Id(Kind::Contact),
        (_, "member_id") => Role::Id(Kind::Member),
        (_, "key_id") => Role::Id(Kind::Key),
        (_, "merge_id") => Role::Id(Kind::Merge),
        (_, "erasure_id") => Role::Id(Kind::Erasure),
        ("AuditAnchor", "mac") => Role::Id(Kind::Mac),
        ("ListAuditEntriesRequest", "subject") => Role::Subject,
        ("Message", "id") | (_, "conversation_id" | "visitor_id") => Role::Id(Kind::Chosen),
        (_, "etag") => Role::Etag,
        (_, "email") => Role::Email,
        (_, "phone") => Role::Phone,
        (_, "q") => Role::Words,
        ("Contact", "name" | "company" | "title" | "attributes") => Role::Text,
        ("Intent", "detail") | ("Message" | "Consent", "text") => Role::Text,
        ("Intent", "signal") | ("Consent", "method") => Role::Slug,
        ("Consent", "purpose") | ("Settings", "consent_purpose") => {
            Role::Pick(&["sales_contact", "newsletter"])
        }
        ("Consent", "version" | "page") => Role::Text,
        ("Consent", "language") => Role::Pick(&["en", "es", "pt-BR"]),
        ("Lead", "tags" | "owner") | ("ListLeadsRequest", "tag" | "owner") => Role::Text,
        ("ListLeadsRequest", "filter") => Role::Pick(FILTERS),
        ("ListLeadsRequest", "order_by") => {
            Role::Pick(&["captured_at desc", "captured_at", "score", "stage, owner desc"])
        }
        ("MergeLeadsRequest", "choices") => Role::Pick(&["survivor", "absorbed"]),
        ("CreateWorkspaceRequest" | "CreateApiKeyRequest", "name") => Role::Text,
        ("CreateApiKeyRequest", "scopes") => Role::Pick(SCOPES),
        ("Settings", "required_fields") => Role::Pick(&["name", "phone", "company", "title"]),
        ("Settings", "country") => Role::Pick(&["ES", "DE", "US"]),
        ("IdealCustomer", "currency") => Role::Pick(&["EUR", "USD"]),
        ("IdealCustomer", "product_terms") => Role::Text,
        ("ConnectProviderRequest", "field_mapping") => Role::Slug,
        ("HubspotCredentials", "access_token") => Role::Slug,
        ("SalesforceCredentials", "login_url") => Role::Pick(&["https://acme.my.salesforce.example"]),
        ("SalesforceCredentials", "client_id") => Role::Slug,
        ("SalesforceClientCredentials" | "SalesforceRefreshToken", _) => Role::Slug,
        ("SalesforceJwtBearer", "username") => Role::Slug,
        ("SalesforceJwtBearer", "private_key") => Role::Pick(&["-----BEGIN PRIVATE KEY-----"]),
        _ => panic!("{method}: no role for {message}.{field}"),
    }
}

/// Keys of a map.
pub fn keys(method: &str, field: &str) -> Option<&'static [&'static str]> {
    Some(match field {
        // Drawn like the values.
        "attributes" => return None,
        "choices" => &["contact.name", "contact.company", "stage", "tags", "owner"],
        "retention_days" => STAGES,
        "field_mapping" => &["company", "title", "phone", "owner"],
        _ => panic!("{method}: no keys for {field}"),
    })
}

/// Fields that a mask can name.
pub fn masked(method: &str) -> &'static [&'static str] {
    match method {
        "UpdateLead" => &["stage", "outcome", "tags", "owner"],
        "ListLeads" => &["id", "contact.name", "score", "tags", "crm_links", "captured_at"],
        "UpdateSettings" => &["hot_threshold", "sync_threshold", "ideal_customer", "country"],
        _ => panic!("{method}: no fields for its mask"),
    }
}

/// How often a field is set, from 0 (never: output only) to 1.
pub fn chance(method: &str, message: &str, field: &str) -> f64 {
    match (message, field) {
        ("Lead", "id") | ("Contact" | "Consent", "email" | "purpose") => 1.0,
        ("Lead", "stage" | "tags" | "owner") => 0.5,
        ("Lead", "outcome" | "etag") => 0.2,
        ("Lead", _) => 0.0,
        ("Contact", "id") if method == "UpsertContact" => 0.5,
        ("Contact", "name" | "phone" | "company" | "title" | "attributes") => 0.7,
        ("Contact", "visitor_id") => 0.3,
        ("Contact", _) => 0.0,
        ("Message", "conversation_id") => 0.0,
        ("Consent", "channel") if method != "RecordConsent" => 0.0,
        ("Consent", "recorded_by" | "text_hash") => 0.0,
        ("Intent", "detail") | ("Consent", "given" | "text") => 0.9,
        ("Intent" | "Message" | "Consent", "at" | "id" | "expires_at" | "basis") => 0.2,
        ("Message" | "Intent" | "AuditAnchor", _) => 1.0,
        ("Consent", _) => 0.4,
        ("EraseSubjectRequest", _) => 0.4,
        ("Settings", _) => 0.25,
        ("IdealCustomer", _) => 0.7,
        ("CreateApiKeyRequest", "member_id" | "expires_at") => 0.3,
        (_, "request_id" | "page_token" | "merge_id" | "update_mask" | "captured_at") => 0.3,
        (_, "q" | "field_mapping" | "choices") => 0.3,
        ("ListLeadsRequest", "score_min" | "score_max" | "stage" | "channel" | "sync") => 0.15,
        ("ListLeadsRequest", "tag" | "owner" | "captured_after" | "captured_before") => 0.05,
        ("ListLeadsRequest", "filter" | "read_mask") => 0.3,
        ("ListAuditEntriesRequest", "subject") | (_, "retention_days") => 0.5,
        ("CollectLeadRequest", "messages" | "consents") => 0.5,
        ("CollectLeadRequest", "intent") => 0.85,
        _ => 1.0,
    }
}

/// The range that numbers of a field are drawn from.
pub fn range(method: &str, field: &str) -> std::ops::Range<i64> {
    match field {
        "page_size" => 1..6,
        "score_min" => 0..40,
        "score_max" => 50..101,
        "hot_threshold" => 40..101,
        "sync_threshold" => 1..40,
        "budget_min" => 1_000..20_000,
        "budget_max" => 100_000..900_000,
        "retention_days" => 400..3_000,
        "n" => 1..60,
        _ => panic!("{method}: no range for {field}"),
    }
}
