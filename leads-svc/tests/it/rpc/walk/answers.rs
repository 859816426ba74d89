//! What an answer may hold, and what is learned from it.

use prost_reflect::{DynamicMessage, MapKey, ReflectMessage, Value};

use super::{
    calls::{Answer, Call},
    known::{Kind, Known, Page, Tenant, ids_of},
};

/// Fails with what an answer gives away: a word or an id of a workspace other than `owner`, unless the caller said it.
/// Nobody's answer, such as the platform's, has none of any.
pub fn judge(
    tenants: &[Tenant],
    known: &Known,
    owner: Option<usize>,
    said: &str,
    answer: &str,
) -> Result<(), String> {
    let lower = answer.to_lowercase();
    for (index, tenant) in tenants.iter().enumerate() {
        if owner == Some(index) {
            continue;
        }
        for canary in [tenant.canary, tenant.phone] {
            if lower.contains(canary) && !said.contains(canary) {
                return Err(format!("the word {canary} of workspace {index}"));
            }
        }
    }
    for (_, id) in ids_of(answer) {
        check_id(known, owner, said, id)?;
    }
    Ok(())
}

fn check_id(known: &Known, owner: Option<usize>, said: &str, id: &str) -> Result<(), String> {
    match known.owner(id) {
        Some(whose) if Some(whose) != owner && !said.contains(&id.to_lowercase()) => {
            Err(format!("{id} of workspace {whose}"))
        }
        _ => Ok(()),
    }
}

/// Notes what an answer says that the workspace has, and fails if somebody else has it.
pub fn learn(known: &mut Known, owner: usize, call: &Call, answer: &Answer) -> Result<(), String> {
    let said = call.said();
    for (kind, id) in ids_of(&answer.all) {
        if !said.contains(id) {
            known.note(owner, kind, id);
        }
    }
    let Some(message) = &answer.message else {
        return Ok(());
    };
    let mut texts = Vec::new();
    texts_of(message, &mut texts);
    for (message, field, text) in texts {
        match (message.as_str(), field.as_str()) {
            ("ApiKey", "id" | "replaced_by") | ("AuditEntry" | "AuditAnchor", "mac") => {
                check_id(known, Some(owner), &said, &text)?;
                let kind = if field == "mac" { Kind::Mac } else { Kind::Key };
                // A log without entries has a MAC of zeros.
                let is_nobodys = text.trim_matches('A').is_empty();
                if !is_nobodys && !said.contains(&text.to_lowercase()) {
                    known.note(owner, kind, &text);
                }
            }
            ("Message", "id" | "conversation_id") | ("Contact", "visitor_ids") if !text.is_empty() => {
                known.note(owner, Kind::Chosen, &text);
            }
            (_, "next_page_token") if !text.is_empty() => {
                let page = Page {
                    method: call.method.name().to_owned(),
                    request: call.request.clone(),
                    token: text,
                };
                known.note_page(owner, page);
            }
            _ => {}
        }
    }
    Ok(())
}

/// All texts of a message: the name of their message, their field, themselves.
fn texts_of(message: &DynamicMessage, texts: &mut Vec<(String, String, String)>) {
    let name = message.descriptor().name().to_owned();
    for (field, value) in message.fields() {
        texts_in(&name, field.name(), value, texts);
    }
}

fn texts_in(message: &str, field: &str, value: &Value, texts: &mut Vec<(String, String, String)>) {
    let mut text = |text: &str| texts.push((message.to_owned(), field.to_owned(), text.to_owned()));
    match value {
        Value::String(value) => text(value),
        Value::Message(inner) => texts_of(inner, texts),
        Value::List(values) => {
            for value in values {
                texts_in(message, field, value, texts);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                if let MapKey::String(key) = key {
                    texts.push((message.to_owned(), field.to_owned(), key.clone()));
                }
                texts_in(message, field, value, texts);
            }
        }
        _ => {}
    }
}
