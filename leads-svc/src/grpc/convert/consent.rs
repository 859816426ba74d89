//! Consents, from and to the wire.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use leads_proto::leads::v1;
use uuid::Uuid;

use super::{
    query,
    times::{self, timestamp},
    words,
};
use crate::{
    domain::{
        consent::{Consent, Details},
        lead::Channel,
        text,
        violation::{Violation, Violations},
    },
    service::consents::ConsentState,
};

const MAX_TEXT: usize = 4_000;
const MAX_LANGUAGE: usize = 35;
const MAX_PAGE: usize = 2_000;

/// A consent to record, and of which lead; one without a channel came by the API.
///
/// # Errors
/// Every violation.
pub fn record(
    request: &v1::RecordConsentRequest,
    now: DateTime<Utc>,
) -> Result<(Uuid, Consent), Vec<Violation>> {
    let mut violations = Violations::default();
    let id = query::lead("lead_id", &request.lead_id, &mut violations);
    let given = request.consent.clone().unwrap_or_default();
    let channel = words::read_channel("consent.channel", given.channel, &mut violations);
    let channel = channel.unwrap_or(Channel::Api);
    let consent = read("consent", &given, channel, (now, now), &mut violations);
    violations.into_result((id, consent))
}

/// A consent that was sent, asked in `channel`; given at the first of two times if it does not say when, and not after the
/// second, which is now.
pub fn read(
    prefix: &str,
    given: &v1::Consent,
    channel: Channel,
    (default_at, now): (DateTime<Utc>, DateTime<Utc>),
    violations: &mut Violations,
) -> Consent {
    let at = |field: &str| format!("{prefix}.{field}");
    text::name(&at("purpose"), &given.purpose, 64, violations);
    if given.text.chars().count() > MAX_TEXT || given.text.contains('\0') {
        violations.add(at("text"), "must have at most 4000 characters and no NUL");
    }
    let version = text::optional(&at("version"), &given.version, 64, violations);
    let said_at = match &given.at {
        None => default_at,
        said => times::read_past(&at("at"), said.as_ref(), now, violations),
    };
    let basis = words::read_basis(&at("basis"), given.basis, violations);
    let is_tag = given.language.len() <= MAX_LANGUAGE
        && given
            .language
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !given.language.is_empty() && !is_tag {
        violations.add(at("language"), "must be a BCP 47 tag such as pt-BR");
    }
    if !given.method.is_empty() {
        text::name(&at("method"), &given.method, 64, violations);
    }
    let page = text::optional(&at("page"), &given.page, MAX_PAGE, violations);
    let expires_at = times::read(&at("expires_at"), given.expires_at.as_ref(), violations);
    if expires_at.is_some_and(|expiry| expiry <= said_at) {
        violations.add(at("expires_at"), "must be later than the consent");
    }
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Consent {
        purpose: given.purpose.clone(),
        given: given.given,
        text: given.text.clone(),
        version: version.unwrap_or_default(),
        channel,
        at: said_at,
        details: Details {
            basis: basis.unwrap_or_default(),
            language: filled(&given.language),
            method: filled(&given.method),
            page,
            expires_at,
            recorded_by: None,
        },
    }
}

/// A consent.
pub fn consent(consent: Consent) -> v1::Consent {
    let mut text_hash = String::with_capacity(64);
    for byte in consent.text_hash() {
        let _ = write!(text_hash, "{byte:02x}");
    }
    let details = consent.details;
    v1::Consent {
        purpose: consent.purpose,
        given: consent.given,
        text: consent.text,
        version: consent.version,
        at: Some(timestamp(consent.at)),
        channel: words::channel(consent.channel).into(),
        basis: words::basis(details.basis).into(),
        language: details.language.unwrap_or_default(),
        method: details.method.unwrap_or_default(),
        page: details.page.unwrap_or_default(),
        expires_at: details.expires_at.map(timestamp),
        recorded_by: details.recorded_by.unwrap_or_default(),
        text_hash,
    }
}

/// What holds for a purpose.
pub fn state(state: ConsentState) -> v1::ConsentState {
    v1::ConsentState {
        purpose: state.record.purpose.clone(),
        standing: words::standing(state.standing).into(),
        record: Some(consent(state.record)),
    }
}
