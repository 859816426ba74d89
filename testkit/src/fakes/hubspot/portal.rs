//! One account behind its lock, and the order in which a request is checked before its handler runs.

use std::sync::Arc;
use std::sync::Mutex;

use axum::body::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Builder;

use super::batch_input::{ReadBody, WriteBody};
use super::batch_write::Mode;
use super::clock::Clock;
use super::contact::{Contact, Properties, Record};
use super::errors::Refusal;
use super::limits::Limits;
use super::options::PortalOptions;
use super::reply::Reply;
use super::route::{Route, Target};
use super::schema::Schema;
use super::store::{Stamp, Store};

/// What a handler needs to know of a request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub target: Target,
    /// Decoded, in order, names may repeat.
    pub query: Vec<(String, String)>,
    pub body: Bytes,
    pub at_ms: u64,
    pub seq: u64,
}

impl Call {
    pub fn stamp(&self) -> Stamp {
        Stamp {
            at_ms: self.at_ms,
            request: self.seq,
        }
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.param(name) == Some("true")
    }

    /// Repeated and comma-separated values alike.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self
            .query
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','));
        values
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Whether an admin's validation rules and nullable values apply (2026-09 on).
    pub fn is_2026_09(&self) -> bool {
        self.target.dated.as_deref() == Some("2026-09")
    }
}

/// A body that parsed.
#[derive(Debug)]
enum Parsed {
    Nothing,
    Write(WriteBody),
    Read(ReadBody),
    Object(Value),
}

/// One account.
#[derive(Debug)]
pub(super) struct Portal {
    pub id: u64,
    pub state: Mutex<State>,
}

/// Everything that an account owns.
#[derive(Debug)]
pub(super) struct State {
    pub id: u64,
    pub options: PortalOptions,
    pub schema: Schema,
    pub store: Store,
    pub limits: Limits,
    pub rng: StdRng,
    pub clock: Clock,
    /// Addresses of erased contacts that the log has yet to forget.
    pub erased: Vec<String>,
}

impl State {
    pub fn new(options: PortalOptions, clock: Clock, seed: u64, history_capacity: usize) -> Self {
        Self {
            id: options.portal_id,
            schema: Schema::default(),
            store: Store::new(history_capacity),
            limits: Limits::new(&options),
            rng: StdRng::seed_from_u64(seed ^ options.portal_id),
            clock,
            erased: Vec::new(),
            options,
        }
    }

    /// Answers an authenticated request. Checked in HubSpot's order: object type, body, scopes, then the rest
    /// (measured by the authors of PyPI backlot).
    pub fn answer(&mut self, call: &Call, scopes: &[String]) -> Reply {
        match self.checked(call, scopes) {
            Ok(parsed) => self.dispatch(call, parsed),
            Err(refusal) => self.refuse(refusal),
        }
    }

    pub fn refuse(&mut self, refusal: Refusal) -> Reply {
        let correlation = self.correlation();
        refusal.into_reply(&correlation)
    }

    /// A random UUID that depends on the seed only.
    pub fn correlation(&mut self) -> String {
        Builder::from_random_bytes(self.rng.random())
            .into_uuid()
            .to_string()
    }

    /// Link of a record in HubSpot's own pages.
    pub fn url(&self, id: u64) -> String {
        format!(
            "https://{}/contacts/{}/record/0-1/{id}",
            self.options.ui_domain, self.id
        )
    }

    /// The record with the named properties; unset ones are null or left out, as the path family has it.
    pub fn record(&self, call: &Call, contact: &Contact, names: &[Arc<str>]) -> Record {
        let nulls = self.options.nulls_for_unset || call.is_2026_09();
        let mut properties = Vec::with_capacity(names.len());
        for name in names {
            let value = contact.value(name, &self.clock);
            if value.is_some() || (nulls && self.schema.live(name).is_some()) {
                properties.push((Arc::clone(name), value));
            }
        }
        Record {
            id: contact.id.to_string(),
            properties: Properties(properties),
            created_at: self.clock.iso(contact.created_ms),
            updated_at: self.clock.iso(contact.updated_ms),
            archived: !contact.is_live(),
            archived_at: contact.archived_ms.map(|at| self.clock.iso(at)),
            url: self.url(contact.id),
            new: None,
            object_write_trace_id: None,
            properties_with_history: None,
        }
    }

    fn checked(&self, call: &Call, scopes: &[String]) -> Result<Parsed, Refusal> {
        let route = call.target.route;
        match route {
            Route::Unknown => return Err(Refusal::NotFoundPage),
            Route::WrongMethod => return Err(Refusal::NotAllowed),
            _ => {}
        }
        if let Some(kind) = &call.target.object_type
            && !matches!(kind.as_str(), "contacts" | "contact" | "0-1" | "CONTACT")
        {
            return Err(Refusal::UnknownType(kind.clone()));
        }
        let parsed = match route {
            _ if !route.has_body() => Parsed::Nothing,
            Route::BatchUpsert | Route::BatchUpdate | Route::BatchCreate | Route::BatchArchive => {
                Parsed::Write(parse(&call.body)?)
            }
            Route::BatchRead => Parsed::Read(parse(&call.body)?),
            _ => Parsed::Object(parse(&call.body)?),
        };
        let wanted = route.scopes();
        if wanted.is_empty()
            || wanted
                .iter()
                .any(|scope| scopes.iter().any(|granted| granted == scope))
        {
            Ok(parsed)
        } else {
            Err(Refusal::MissingScopes(wanted))
        }
    }

    fn dispatch(&mut self, call: &Call, parsed: Parsed) -> Reply {
        match (call.target.route, parsed) {
            (Route::BatchUpsert, Parsed::Write(body)) => self.write_batch(call, body, Mode::Upsert),
            (Route::BatchUpdate, Parsed::Write(body)) => self.write_batch(call, body, Mode::Update),
            (Route::BatchCreate, Parsed::Write(body)) => self.write_batch(call, body, Mode::Create),
            (Route::BatchArchive, Parsed::Write(body)) => self.archive_batch(call, body),
            (Route::BatchRead, Parsed::Read(body)) => self.read_batch(call, body),
            (Route::Create, Parsed::Object(body)) => self.create(call, body),
            (Route::Update, Parsed::Object(body)) => self.update(call, body),
            (Route::GdprDelete, Parsed::Object(body)) => self.gdpr_delete(&body),
            (Route::Merge, Parsed::Object(body)) => self.merge_records(call, &body),
            (Route::Search, Parsed::Object(body)) => self.search(call, body),
            (Route::PropertyCreate, Parsed::Object(body)) => self.create_property(call, body),
            (Route::PropertyUpdate, Parsed::Object(body)) => self.update_property(call, body),
            (Route::GroupCreate, Parsed::Object(body)) => self.create_group(&body),
            (Route::List, _) => self.list(call),
            (Route::Get, _) => self.get(call),
            (Route::Archive, _) => self.archive(call),
            (Route::PropertyList, _) => self.list_properties(call),
            (Route::PropertyGet, _) => self.get_property(call),
            (Route::PropertyArchive, _) => self.archive_property(call),
            (Route::GroupList, _) => self.list_groups(),
            (Route::GroupGet, _) => self.get_group(call),
            (Route::AccountDetails, _) => self.account_details(),
            _ => self.refuse(Refusal::NotFoundPage),
        }
    }
}

/// A body of the wrong shape is worded like one that is not JSON; both are 400.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(invalid)
}

pub(super) fn parse_value<T: DeserializeOwned>(body: Value) -> Result<T, Refusal> {
    serde_json::from_value(body).map_err(invalid)
}

fn invalid(error: serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    Refusal::InvalidJson(format!("line {line}, column {column}: {error}"))
}
