//! Bodies of property definitions.

use serde::Deserialize;

use super::errors::Refusal;
use super::schema::{Choice, Definition, Kind};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    pub name: Option<String>,
    pub label: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub field_type: Option<String>,
    pub group_name: Option<String>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub has_unique_value: bool,
    #[serde(default)]
    pub options: Vec<Choice>,
    #[serde(default)]
    pub external_options: bool,
    #[serde(default)]
    pub hidden: bool,
    #[serde(default)]
    pub form_field: bool,
    pub display_order: Option<i32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Update {
    pub label: Option<String>,
    pub description: Option<String>,
    pub group_name: Option<String>,
    pub field_type: Option<String>,
    pub options: Option<Vec<Choice>>,
    pub hidden: Option<bool>,
    pub form_field: Option<bool>,
    pub display_order: Option<i32>,
}

/// Checks names and types; groups and uniqueness are the schema's business.
pub(super) fn define(create: Create, at_ms: u64) -> Result<Definition, Refusal> {
    let name = create.name.ok_or(Refusal::RequiredField("name"))?;
    let label = create.label.ok_or(Refusal::RequiredField("label"))?;
    let kind = create.kind.ok_or(Refusal::RequiredField("type"))?;
    let field_type = create.field_type.ok_or(Refusal::RequiredField("fieldType"))?;
    let group = create.group_name.ok_or(Refusal::RequiredField("groupName"))?;
    let kind =
        Kind::parse(&kind).ok_or_else(|| Refusal::Validation(format!("{kind} is not a property type")))?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.bytes().all(is_name) {
        return Err(Refusal::Validation(format!(
            "{name}: a name has lower-case letters, digits and underscores and starts with a letter"
        )));
    }
    Ok(Definition {
        label,
        description: create.description,
        field_type,
        group,
        options: create.options,
        unique: create.has_unique_value,
        external_options: create.external_options,
        hidden: create.hidden,
        form_field: create.form_field,
        display_order: create.display_order.unwrap_or(-1),
        created_ms: at_ms,
        updated_ms: at_ms,
        ..Definition::new(&name, kind)
    })
}
