//! What a field takes.

use serde_json::Value;

use super::errors::RowError;
use super::schema::{FieldSpec, Kind};

/// The value as it is stored; null empties the field.
pub(super) fn read(field: &FieldSpec, value: &Value) -> Result<Value, RowError> {
    let name = field.name.as_str();
    let wrong = |code: &str, message: String| Err(RowError::new(code, message, &[name]));
    if !field.writable {
        return wrong(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            format!(
                "Unable to create/update fields: {name}. Please check the security settings of this field"
            ),
        );
    }
    match (field.kind, value) {
        (Kind::Boolean, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Boolean, _) => wrong(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            format!("{name}: value not of required type: {value}"),
        ),
        (_, Value::Null) if !field.nillable => wrong(
            "REQUIRED_FIELD_MISSING",
            format!("Required fields are missing: [{name}]"),
        ),
        (_, Value::Null) => Ok(Value::Null),
        (Kind::Double, Value::Number(_)) => Ok(value.clone()),
        (Kind::Double, Value::String(text)) => match text.parse::<f64>() {
            Ok(number) => Ok(serde_json::json!(number)),
            Err(_) => wrong(
                "INVALID_TYPE_ON_FIELD_IN_RECORD",
                format!("{name}: value not of required type: {text}"),
            ),
        },
        (Kind::String | Kind::Email | Kind::Phone | Kind::Picklist, Value::String(text)) => {
            let length = text.chars().count();
            if length > field.length {
                return wrong(
                    "STRING_TOO_LONG",
                    format!(
                        "{name}: data value too large: {text} (max length={})",
                        field.length
                    ),
                );
            }
            if text.is_empty() && !field.nillable {
                return wrong(
                    "REQUIRED_FIELD_MISSING",
                    format!("Required fields are missing: [{name}]"),
                );
            }
            if field.kind == Kind::Email && !text.is_empty() && !is_address(text) {
                return wrong(
                    "INVALID_EMAIL_ADDRESS",
                    format!("{name}: invalid email address: {text}"),
                );
            }
            Ok(if text.is_empty() {
                Value::Null
            } else {
                value.clone()
            })
        }
        (Kind::Reference | Kind::Datetime | Kind::Id, Value::String(_)) => Ok(value.clone()),
        _ => wrong(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            format!("{name}: value not of required type: {value}"),
        ),
    }
}

fn is_address(text: &str) -> bool {
    let plain = text.is_ascii() && !text.contains(char::is_whitespace);
    let halves = text.split_once('@');
    plain && halves.is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
}
