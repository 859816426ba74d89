//! Endpoints of property definitions and groups.

use serde_json::{Value, json};

use super::errors::Refusal;
use super::portal::{Call, State, parse_value};
use super::property_body::{Update, define};
use super::reply::Reply;
use super::schema::{Definition, Refused};

impl State {
    /// 201; 409 if the name is taken by a live property.
    pub fn create_property(&mut self, call: &Call, body: Value) -> Reply {
        let definition = match parse_value(body).and_then(|create| define(create, call.at_ms)) {
            Ok(definition) => definition,
            Err(refusal) => return self.refuse(refusal),
        };
        let name = definition.name.to_string();
        let group = definition.group.clone();
        match self.schema.create(definition) {
            Ok(()) => {
                self.store.reindex(&self.schema);
                self.property_reply(201, &name)
            }
            Err(Refused::Exists) => self.refuse(Refusal::PropertyExists(name)),
            Err(Refused::TooManyUnique) => {
                let message = "There is a limit of 10 properties with unique values per object type.";
                self.refuse(Refusal::Validation(message.to_owned()))
            }
            Err(Refused::NoSuchGroup) => self.refuse(Refusal::Validation(format!(
                "property group {group} does not exist"
            ))),
        }
    }

    /// 200; `options` replaces the whole list.
    pub fn update_property(&mut self, call: &Call, body: Value) -> Reply {
        let update: Update = match parse_value(body) {
            Ok(update) => update,
            Err(refusal) => return self.refuse(refusal),
        };
        if update
            .group_name
            .as_ref()
            .is_some_and(|group| !self.schema.groups.contains_key(group))
        {
            return self.refuse(Refusal::Validation(
                "that property group does not exist".to_owned(),
            ));
        }
        let name = call.target.arg.clone();
        let Some(definition) = self
            .schema
            .any_mut(&name)
            .filter(|definition| definition.archived_ms.is_none())
        else {
            return self.no_property(&name);
        };
        definition.updated_ms = call.at_ms;
        replace(&mut definition.label, update.label);
        replace(&mut definition.description, update.description);
        replace(&mut definition.group, update.group_name);
        replace(&mut definition.field_type, update.field_type);
        replace(&mut definition.options, update.options);
        replace(&mut definition.hidden, update.hidden);
        replace(&mut definition.form_field, update.form_field);
        replace(&mut definition.display_order, update.display_order);
        self.property_reply(200, &name)
    }

    /// 204; HubSpot's own properties stay.
    pub fn archive_property(&mut self, call: &Call) -> Reply {
        let name = call.target.arg.clone();
        match self.schema.any_mut(&name) {
            Some(definition) if definition.hubspot_defined => self.refuse(Refusal::Validation(format!(
                "{name} is a HubSpot defined property"
            ))),
            Some(definition) if definition.archived_ms.is_none() => {
                definition.archived_ms = Some(call.at_ms);
                self.store.reindex(&self.schema);
                Reply::no_content()
            }
            _ => self.no_property(&name),
        }
    }

    /// 200; `archived=true` shows an archived one.
    pub fn get_property(&mut self, call: &Call) -> Reply {
        let (name, archived) = (&call.target.arg, call.flag("archived"));
        match self
            .schema
            .any(name)
            .filter(|definition| definition.archived_ms.is_some() == archived)
        {
            Some(definition) => Reply::json(200, &self.property(definition)),
            None => self.no_property(name),
        }
    }

    /// 200 with all live (or, with `archived=true`, archived) properties.
    pub fn list_properties(&self, call: &Call) -> Reply {
        let archived = call.flag("archived");
        let shown = self
            .schema
            .all()
            .filter(|definition| definition.archived_ms.is_some() == archived);
        let results: Vec<Value> = shown.map(|definition| self.property(definition)).collect();
        Reply::json(200, &json!({"results": results}))
    }

    pub fn list_groups(&self) -> Reply {
        let results: Vec<Value> = self
            .schema
            .groups
            .iter()
            .map(|(name, label)| group(name, label))
            .collect();
        Reply::json(200, &json!({"results": results}))
    }

    pub fn get_group(&mut self, call: &Call) -> Reply {
        match self.schema.groups.get(&call.target.arg) {
            Some(label) => Reply::json(200, &group(&call.target.arg, label)),
            None => self.refuse(Refusal::NotFound("property group not found".to_owned())),
        }
    }

    /// 201; 409 if the name is taken.
    pub fn create_group(&mut self, body: &Value) -> Reply {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(name), Some(label)) = (text("name"), text("label")) else {
            return self.refuse(Refusal::RequiredField("name, label"));
        };
        if self.schema.groups.contains_key(&name) {
            return self.refuse(Refusal::PropertyExists(name));
        }
        let reply = Reply::json(201, &group(&name, &label));
        self.schema.groups.insert(name, label);
        reply
    }

    fn no_property(&mut self, name: &str) -> Reply {
        self.refuse(Refusal::NotFound(format!("Unable to find property: {name}")))
    }

    fn property_reply(&mut self, status: u16, name: &str) -> Reply {
        match self.schema.any(name) {
            Some(definition) => Reply::json(status, &self.property(definition)),
            None => self.no_property(name),
        }
    }

    fn property(&self, definition: &Definition) -> Value {
        let own = !definition.hubspot_defined;
        let mut body = json!({
            "name": *definition.name,
            "label": definition.label,
            "description": definition.description,
            "type": definition.kind,
            "fieldType": definition.field_type,
            "groupName": definition.group,
            "options": definition.options,
            "displayOrder": definition.display_order,
            "calculated": false,
            "externalOptions": definition.external_options,
            "hasUniqueValue": definition.unique,
            "hidden": definition.hidden,
            "hubspotDefined": definition.hubspot_defined,
            "formField": definition.form_field,
            "archived": definition.archived_ms.is_some(),
            "dataSensitivity": "non_sensitive",
            "createdAt": self.clock.iso(definition.created_ms),
            "updatedAt": self.clock.iso(definition.updated_ms),
            "modificationMetadata": {"archivable": own, "readOnlyDefinition": !own,
                "readOnlyOptions": false, "readOnlyValue": definition.read_only},
        });
        if let (Some(at), Some(fields)) = (definition.archived_ms, body.as_object_mut()) {
            fields.insert("archivedAt".to_owned(), json!(self.clock.iso(at)));
        }
        body
    }
}

fn group(name: &str, label: &str) -> Value {
    json!({"name": name, "label": label, "displayOrder": -1, "archived": false})
}

fn replace<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
