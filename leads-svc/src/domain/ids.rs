//! Identifiers as callers see them: TypeIDs, a prefix that names the kind and a UUIDv7 in base32.

use type_safe_id::{DynamicType, Error, StaticType, TypeSafeId};
use uuid::Uuid;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $prefix:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
            pub struct $kind;

            impl StaticType for $kind {
                const TYPE: &'static str = $prefix;
            }
        )+
    };
}

kinds! {
    /// A workspace.
    Workspace = "ws";
    /// A contact.
    Contact = "contact";
    /// A lead.
    Lead = "lead";
    /// A member of a workspace.
    Member = "member";
    /// A session of somebody who signed in.
    Session = "session";
    /// A message that the caller gave no id.
    Message = "msg";
    /// A merge of leads.
    Merge = "merge";
    /// An erasure of a person.
    Erasure = "erasure";
    /// An entry of a timeline.
    Activity = "act";
    /// A connection to a CRM.
    Connection = "conn";
    /// A sync job.
    Job = "job";
    /// A connection task.
    Task = "task";
}

/// The identifier of a `K`, such as `lead_01h455vb4pex5vsknk084sn02q`.
pub fn format<K: StaticType>(id: Uuid) -> String {
    TypeSafeId::<K>::from_uuid(id).to_string()
}

/// Reads an identifier of a `K`.
///
/// # Errors
/// What is wrong with it, naming both kinds if it is of another one.
pub fn parse<K: StaticType>(text: &str) -> Result<Uuid, String> {
    if text.is_empty() {
        return Err(format!("is required: a {}_… id", K::TYPE));
    }
    match text.parse::<TypeSafeId<K>>() {
        Ok(id) => Ok(id.uuid()),
        Err(Error::IncorrectType { .. }) => match text.parse::<TypeSafeId<DynamicType>>() {
            Ok(other) => Err(format!(
                "is a {}_… id where a {}_… id belongs",
                other.type_prefix(),
                K::TYPE
            )),
            Err(_) => Err(malformed::<K>()),
        },
        Err(_) => Err(malformed::<K>()),
    }
}

fn malformed<K: StaticType>() -> String {
    format!("is not an id: {}_ and 26 characters are expected", K::TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_it_formats() {
        let id = Uuid::from_u128(0x0198_f2d4_0000_7000_8000_0000_0000_0001);
        let text = format::<Lead>(id);
        assert!(text.starts_with("lead_"), "{text}");
        assert_eq!(parse::<Lead>(&text), Ok(id));
    }

    #[test]
    fn names_both_kinds_when_one_is_given_for_the_other() {
        let contact = format::<Contact>(Uuid::nil());
        let error = parse::<Lead>(&contact).unwrap_err();
        assert!(error.contains("contact_") && error.contains("lead_"), "{error}");
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in [
            "",
            "lead",
            "lead_",
            "lead_../",
            "LEAD_01h455vb4pex5vsknk084sn02q",
            "lead_%00",
            "01h455vb4pex5vsknk084sn02q",
        ] {
            assert!(parse::<Lead>(text).is_err(), "{text}");
        }
        assert!(parse::<Lead>(&"a".repeat(300)).is_err());
    }
}
