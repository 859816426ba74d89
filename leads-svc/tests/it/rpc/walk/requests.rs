//! Random requests of any method, from the contract's description of it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use leads_proto::leads::v1;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind as Type, MapKey, MessageDescriptor, MethodDescriptor, Value,
};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use super::{
    known::{Kind, Known, Tenant, nothing, unlike},
    roles::{Role, chance, keys, masked, range, role},
};

const TEXTS: &[&str] = &[
    "we need a chatbot for customer support",
    "our budget is 60,000 EUR a year",
    "I am the CTO and I sign the contract",
    "just looking around",
    "we want to be live within two weeks",
];

/// A request, and what of it is another workspace's.
#[derive(Debug, Clone)]
pub struct Made {
    pub message: DynamicMessage,
    pub foreign: Vec<String>,
}

/// Makes requests of one workspace.
pub struct Maker<'a> {
    pub tenants: &'a [Tenant],
    pub tenant: usize,
    pub known: &'a Known,
    pub now: DateTime<Utc>,
    pub random: &'a mut StdRng,
    foreign: Vec<String>,
    method: String,
}

impl<'a> Maker<'a> {
    pub fn new(
        tenants: &'a [Tenant],
        tenant: usize,
        known: &'a Known,
        now: DateTime<Utc>,
        random: &'a mut StdRng,
    ) -> Self {
        Self {
            tenants,
            tenant,
            known,
            now,
            random,
            foreign: Vec::new(),
            method: String::new(),
        }
    }

    pub fn request(mut self, method: &MethodDescriptor) -> Made {
        method.name().clone_into(&mut self.method);
        let message = match self.page(method) {
            Some(message) => message,
            None => self.message(method.input()),
        };
        Made {
            message,
            foreign: self.foreign,
        }
    }

    /// The request that a list goes on with: of the caller's own list, or of another workspace's.
    fn page(&mut self, method: &MethodDescriptor) -> Option<DynamicMessage> {
        let field = method.input().get_field_by_name("page_token")?;
        if !self.random.random_bool(0.3) {
            return None;
        }
        let owner = if self.random.random_bool(0.6) {
            self.tenant
        } else {
            self.other()
        };
        let page = self.known.page(owner, method.name(), self.random)?;
        let mut message = if owner == self.tenant || self.random.random_bool(0.5) {
            DynamicMessage::decode(method.input(), page.request.as_slice()).unwrap()
        } else {
            self.message(method.input())
        };
        if owner != self.tenant {
            self.foreign.push(page.token.clone());
            self.foreign
                .extend(foreign_ids(&message, self.known, self.tenant));
        }
        message.set_field(&field, Value::String(page.token));
        Some(message)
    }

    fn message(&mut self, described: MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(described.clone());
        match described.full_name() {
            "google.protobuf.Timestamp" => {
                let at = self.now.timestamp() - self.random.random_range(1..86_400);
                message.set_field_by_name("seconds", Value::I64(at));
                return message;
            }
            "google.protobuf.Duration" => {
                message.set_field_by_name("seconds", Value::I64(self.random.random_range(0..3_600)));
                return message;
            }
            "google.protobuf.FieldMask" => {
                let some = masked(&self.method);
                let paths = some.iter().filter(|_| self.random.random_bool(0.5));
                let paths = paths.map(|path| Value::String((*path).to_owned())).collect();
                message.set_field_by_name("paths", Value::List(paths));
                return message;
            }
            _ => {}
        }
        let subject = self.random.random_bool(0.5);
        let salesforce = self.random.random_bool(0.3);
        for field in described.fields() {
            // One of the two is to be given.
            let left_out = match (described.name(), field.name()) {
                ("ExportSubjectRequest", name) => (name == "email") == subject,
                // Each CRM takes credentials of its own.
                ("ConnectProviderRequest", "hubspot" | "field_mapping") => salesforce,
                ("ConnectProviderRequest", "salesforce") => !salesforce,
                _ => false,
            };
            if (described.name(), field.name()) == ("ConnectProviderRequest", "provider") {
                let provider = if salesforce {
                    v1::Provider::Salesforce
                } else {
                    v1::Provider::Hubspot
                };
                message.set_field(&field, Value::EnumNumber(provider.into()));
                continue;
            }
            if !left_out
                && self
                    .random
                    .random_bool(chance(&self.method, described.name(), field.name()))
            {
                let value = self.field(&described, &field);
                message.set_field(&field, value);
            }
        }
        message
    }

    fn field(&mut self, message: &MessageDescriptor, field: &FieldDescriptor) -> Value {
        if field.is_map() {
            let Type::Message(entry) = field.kind() else {
                unreachable!("a map has entries")
            };
            let value = entry.map_entry_value_field();
            let mut map = HashMap::new();
            for _ in 0..self.random.random_range(0..3) {
                let key = match keys(&self.method, field.name()) {
                    Some(keys) => (*keys.choose(self.random).unwrap()).to_owned(),
                    None => format!("key_{}", self.slug()),
                };
                let value = self.value(message, field, value.kind());
                map.insert(MapKey::String(key), value);
            }
            return Value::Map(map);
        }
        if field.is_list() {
            let count = self.random.random_range(1..4);
            let values = (0..count).map(|_| self.value(message, field, field.kind()));
            return Value::List(values.collect());
        }
        self.value(message, field, field.kind())
    }

    fn value(&mut self, message: &MessageDescriptor, field: &FieldDescriptor, kind: Type) -> Value {
        let number = |maker: &mut Self| maker.random.random_range(range(&maker.method, field.name()));
        match kind {
            Type::String => Value::String(self.text(message, field)),
            Type::Bool => Value::Bool(self.random.random()),
            Type::Int32 => Value::I32(number(self) as i32),
            Type::Int64 => Value::I64(number(self)),
            Type::Enum(described) => {
                let values: Vec<i32> = described.values().map(|value| value.number()).collect();
                let number = match described.name() {
                    // The plans below have no room for a walk.
                    "Plan" => 5,
                    _ => *values[1..].choose(self.random).unwrap(),
                };
                Value::EnumNumber(number)
            }
            Type::Message(described) => {
                let mut value = self.message(described);
                if field.name() == "expires_at" {
                    let at = self.now.timestamp() + self.random.random_range(86_400..1_000_000);
                    value.set_field_by_name("seconds", Value::I64(at));
                }
                Value::Message(value)
            }
            other => panic!("{}: no values for {other:?}", field.full_name()),
        }
    }

    fn text(&mut self, message: &MessageDescriptor, field: &FieldDescriptor) -> String {
        let Tenant { canary, phone, .. } = self.tenants[self.tenant];
        match role(&self.method, message.name(), field.name()) {
            Role::Text => format!("{} {canary}", TEXTS.choose(self.random).unwrap()),
            Role::Slug => self.slug(),
            Role::Email => match self.random.random_range(0..10) {
                // Whom all of them know.
                0 => format!("shared{}@leads.example", self.random.random_range(0..3)),
                _ => format!("p{}.{canary}@leads.example", self.random.random_range(0..40)),
            },
            Role::Phone => format!("{phone}{}", self.random.random_range(100_000..100_020)),
            Role::Words => match self.random.random_range(0..10) {
                0..4 => canary.to_owned(),
                4..8 => self.tenants[self.other()].canary.to_owned(),
                _ => "shared".to_owned(),
            },
            Role::Id(kind) => self.id(kind),
            Role::Subject => {
                let kind = [Kind::Lead, Kind::Member, Kind::Connection, Kind::Workspace];
                let kind = *kind.choose(self.random).unwrap();
                self.id(kind)
            }
            Role::Page => unlike(&"x".repeat(80), self.random),
            Role::Etag => self.random.random_range(1..6).to_string(),
            Role::Pick(some) => (*some.choose(self.random).unwrap()).to_owned(),
        }
    }

    fn slug(&mut self) -> String {
        format!("asked_{}", self.tenants[self.tenant].canary)
    }

    /// Mostly one of the caller's own.
    fn id(&mut self, kind: Kind) -> String {
        let drawn = match self.random.random_range(0..100) {
            0..62 => self.known.pick(self.tenant, kind, self.random),
            62..88 => {
                let other = self.other();
                let foreign = self.known.pick(other, kind, self.random);
                if kind != Kind::Chosen {
                    self.foreign.extend(foreign.clone());
                }
                foreign
            }
            _ => None,
        };
        drawn.unwrap_or_else(|| nothing(kind, self.random))
    }

    fn other(&mut self) -> usize {
        (self.tenant + self.random.random_range(1..self.tenants.len())) % self.tenants.len()
    }
}

/// Ids of a message that are another workspace's.
fn foreign_ids(message: &DynamicMessage, known: &Known, tenant: usize) -> Vec<String> {
    let text = message.to_string();
    let ids = super::known::ids_of(&text).map(|(_, id)| id.to_owned());
    ids.filter(|id| known.owner(id).is_some_and(|owner| owner != tenant))
        .collect()
}
