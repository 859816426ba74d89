//! Settings of workspaces.

use std::collections::BTreeMap;

use leads_proto::leads::v1;
use uuid::Uuid;

use crate::domain::{
    consent_policy::ConsentPolicy,
    contact::Field,
    icp::IdealCustomer,
    identity::Country,
    ids,
    lead::Stage,
    retention::{MAX_DAYS, Retention},
    text,
    violation::{Violation, Violations},
    workspace::{Settings, Workspace},
};

use super::{capture, times::timestamp, words};

const MAX_TERMS: usize = 50;
const PATHS: [&str; 9] = [
    "ideal_customer",
    "hot_threshold",
    "sync_threshold",
    "required_fields",
    "merge_address_variants",
    "country",
    "consent_policy",
    "consent_purpose",
    "retention_days",
];

/// A workspace, to the wire.
pub fn workspace(workspace: Workspace) -> v1::Workspace {
    v1::Workspace {
        id: ids::format::<ids::Workspace>(workspace.id),
        name: workspace.name,
        settings: Some(settings(workspace.settings)),
        created_at: Some(timestamp(workspace.created_at)),
        plan: words::plan(workspace.plan).into(),
    }
}

fn settings(settings: Settings) -> v1::Settings {
    let ideal = settings.ideal_customer;
    v1::Settings {
        ideal_customer: Some(v1::IdealCustomer {
            budget_min: ideal.budget_min.and_then(|budget| budget.try_into().ok()),
            budget_max: ideal.budget_max.and_then(|budget| budget.try_into().ok()),
            currency: ideal.currency.unwrap_or_else(|| "USD".to_owned()),
            product_terms: ideal.product_terms,
        }),
        hot_threshold: Some(settings.hot_threshold.into()),
        sync_threshold: Some(settings.sync_threshold.into()),
        required_fields: settings
            .required_fields
            .into_iter()
            .map(|field| field.name().to_owned())
            .collect(),
        merge_address_variants: Some(settings.merge_address_variants),
        country: Some(
            settings
                .country
                .map_or_else(String::new, |country| country.code().to_owned()),
        ),
        consent_policy: words::policy(settings.consent_policy).into(),
        consent_purpose: settings.consent_purpose,
        retention_days: settings
            .retention
            .days()
            .map(|(stage, days)| (stage.to_owned(), days.into()))
            .collect(),
    }
}

/// Name, settings and request id of a workspace to create.
type NewWorkspace = (String, Patch, Option<Uuid>);

/// A workspace to create.
///
/// # Errors
/// Every violation.
pub fn new_workspace(request: &v1::CreateWorkspaceRequest) -> Result<NewWorkspace, Vec<Violation>> {
    let mut violations = Violations::default();
    let name = text::required("name", &request.name, 200, &mut violations);
    let given = request.settings.clone().unwrap_or_default();
    let patch = read("settings", &given, &[], &mut violations);
    let request_id = capture::request_id(&request.request_id, &mut violations);
    violations.into_result((name, patch, request_id))
}

/// What to change of a workspace's settings.
///
/// # Errors
/// Every violation.
pub fn change(request: &v1::UpdateSettingsRequest) -> Result<Patch, Vec<Violation>> {
    let mut violations = Violations::default();
    let mask = request.update_mask.clone().unwrap_or_default().paths;
    let given = request.settings.clone().unwrap_or_default();
    if mask.is_empty() && given == v1::Settings::default() {
        violations.add(
            "update_mask",
            format!("names nothing to change; {} can be", PATHS.join(", ")),
        );
    }
    let patch = read("settings", &given, &mask, &mut violations);
    violations.into_result(patch)
}

/// What `given` changes of some settings: the fields that `mask` names, or all that are set if it is empty.
pub fn read(prefix: &str, given: &v1::Settings, mask: &[String], violations: &mut Violations) -> Patch {
    for path in mask {
        let root = path.split('.').next().unwrap_or_default();
        if !PATHS.contains(&root) {
            violations.add(
                "update_mask",
                format!("{path:?} cannot be changed; {} can be", PATHS.join(", ")),
            );
        }
    }
    let has = |field: &str| mask.is_empty() || mask.iter().any(|path| path.split('.').next() == Some(field));
    let at = |field: &str| format!("{prefix}.{field}");
    Patch {
        ideal_customer: given
            .ideal_customer
            .as_ref()
            .filter(|_| has("ideal_customer"))
            .map(|ideal| ideal_customer(&at("ideal_customer"), ideal, violations)),
        hot_threshold: given
            .hot_threshold
            .filter(|_| has("hot_threshold"))
            .and_then(|score| threshold(&at("hot_threshold"), score, 1, violations)),
        sync_threshold: given
            .sync_threshold
            .filter(|_| has("sync_threshold"))
            .and_then(|score| threshold(&at("sync_threshold"), score, 0, violations)),
        required_fields: (has("required_fields") && (!mask.is_empty() || !given.required_fields.is_empty()))
            .then(|| required_fields(&at("required_fields"), &given.required_fields, violations)),
        merge_address_variants: given
            .merge_address_variants
            .filter(|_| has("merge_address_variants")),
        country: given
            .country
            .as_deref()
            .filter(|_| has("country"))
            .map(|code| country(&at("country"), code, violations)),
        consent_policy: has("consent_policy")
            .then(|| words::read_policy(&at("consent_policy"), given.consent_policy, violations))
            .flatten(),
        consent_purpose: (has("consent_purpose") && !given.consent_purpose.is_empty()).then(|| {
            text::name(&at("consent_purpose"), &given.consent_purpose, 64, violations);
            given.consent_purpose.clone()
        }),
        retention: (has("retention_days") && (!mask.is_empty() || !given.retention_days.is_empty()))
            .then(|| retention(&at("retention_days"), &given.retention_days, violations)),
    }
}

/// Settings to change.
#[derive(Debug, Default)]
pub struct Patch {
    ideal_customer: Option<IdealCustomer>,
    hot_threshold: Option<u8>,
    sync_threshold: Option<u8>,
    required_fields: Option<Vec<Field>>,
    merge_address_variants: Option<bool>,
    country: Option<Option<Country>>,
    consent_policy: Option<ConsentPolicy>,
    consent_purpose: Option<String>,
    retention: Option<Retention>,
}

impl Patch {
    /// The settings after the change.
    pub fn apply(self, settings: Settings) -> Settings {
        Settings {
            ideal_customer: self.ideal_customer.unwrap_or(settings.ideal_customer),
            hot_threshold: self.hot_threshold.unwrap_or(settings.hot_threshold),
            sync_threshold: self.sync_threshold.unwrap_or(settings.sync_threshold),
            required_fields: self.required_fields.unwrap_or(settings.required_fields),
            merge_address_variants: self
                .merge_address_variants
                .unwrap_or(settings.merge_address_variants),
            country: self.country.unwrap_or(settings.country),
            consent_policy: self.consent_policy.unwrap_or(settings.consent_policy),
            consent_purpose: self.consent_purpose.unwrap_or(settings.consent_purpose),
            retention: self.retention.unwrap_or(settings.retention),
        }
    }
}

fn ideal_customer(prefix: &str, given: &v1::IdealCustomer, violations: &mut Violations) -> IdealCustomer {
    let at = |field: &str| format!("{prefix}.{field}");
    let mut budget = |field: &str, value: Option<i64>| {
        value.and_then(|value| {
            u64::try_from(value)
                .map_err(|_| violations.add(at(field), "must not be negative"))
                .ok()
        })
    };
    let (budget_min, budget_max) = (
        budget("budget_min", given.budget_min),
        budget("budget_max", given.budget_max),
    );
    if budget_min.zip(budget_max).is_some_and(|(min, max)| min > max) {
        violations.add(at("budget_min"), "is larger than budget_max");
    }
    let currency = if given.currency.is_empty() {
        "USD"
    } else {
        &given.currency
    };
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        violations.add(at("currency"), "must be an ISO 4217 code such as EUR");
    }
    if given.product_terms.len() > MAX_TERMS {
        violations.add(
            at("product_terms"),
            format!("may have at most {MAX_TERMS} entries"),
        );
    }
    let product_terms = given
        .product_terms
        .iter()
        .take(MAX_TERMS)
        .enumerate()
        .map(|(index, term)| {
            text::required(&format!("{prefix}.product_terms[{index}]"), term, 100, violations)
        })
        .collect();
    IdealCustomer {
        budget_min,
        budget_max,
        currency: Some(currency.to_owned()),
        product_terms,
    }
}

fn threshold(field: &str, score: i32, least: u8, violations: &mut Violations) -> Option<u8> {
    match u8::try_from(score) {
        Ok(score) if (least..=100).contains(&score) => Some(score),
        Ok(_) | Err(_) => {
            violations.add(field, format!("must be {least} to 100"));
            None
        }
    }
}

fn country(field: &str, code: &str, violations: &mut Violations) -> Option<Country> {
    let country = Country::parse(code);
    if country.is_none() && !code.is_empty() {
        violations.add(field, "must be an ISO 3166-1 code of two letters, such as DE");
    }
    country
}

fn required_fields(field: &str, names: &[String], violations: &mut Violations) -> Vec<Field> {
    let mut fields = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match Field::parse(name) {
            Some(known) if !fields.contains(&known) => fields.push(known),
            Some(_) => {}
            None => {
                let known: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
                violations.add(
                    format!("{field}[{index}]"),
                    format!("is not one of {}", known.join(", ")),
                );
            }
        }
    }
    fields
}

/// How long leads are kept, by the words of their stages.
pub fn retention(field: &str, given: &BTreeMap<String, i32>, violations: &mut Violations) -> Retention {
    let mut retention = Retention::default();
    for (name, days) in given {
        let Some(stage) = Stage::parse(name) else {
            let known: Vec<&str> = Stage::ALL.iter().map(|stage| stage.word()).collect();
            violations.add(field, format!("names stages: {}", known.join(", ")));
            continue;
        };
        match u16::try_from(*days) {
            Ok(days) if days <= MAX_DAYS => retention = retention.with(stage, days),
            Ok(_) | Err(_) => {
                violations.add(format!("{field}.{name}"), format!("must be 0 to {MAX_DAYS} days"));
            }
        }
    }
    retention
}
