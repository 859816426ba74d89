//! Enum values as REST spells them: `STAGE_DEMO_BOOKED` is `demo_booked`.

use prost_reflect::EnumDescriptor;

/// The short words of an enum, without the one that says nothing.
pub fn all(descriptor: &EnumDescriptor) -> Vec<String> {
    descriptor
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| short(descriptor, value.name()))
        .collect()
}

/// The word of a number; none for a number that the enum lacks.
pub fn of(descriptor: &EnumDescriptor, number: i32) -> Option<String> {
    descriptor
        .get_value(number)
        .map(|value| short(descriptor, value.name()))
}

/// The number of a short word, or of a full name.
pub fn parse(descriptor: &EnumDescriptor, word: &str) -> Option<i32> {
    let prefix = prefix(descriptor);
    let is_lower = !word.bytes().any(|byte| byte.is_ascii_uppercase());
    let meant = |name: &str| {
        let short = name.strip_prefix(prefix.as_str()).unwrap_or(name);
        name == word || (is_lower && short.eq_ignore_ascii_case(word))
    };
    descriptor
        .values()
        .find(|value| meant(value.name()))
        .map(|value| value.number())
}

fn short(descriptor: &EnumDescriptor, name: &str) -> String {
    name.strip_prefix(prefix(descriptor).as_str())
        .unwrap_or(name)
        .to_ascii_lowercase()
}

/// What the enum's names begin with: that of zero without `UNSPECIFIED`.
fn prefix(descriptor: &EnumDescriptor) -> String {
    descriptor
        .default_value()
        .name()
        .strip_suffix("UNSPECIFIED")
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    fn stage() -> EnumDescriptor {
        DescriptorPool::decode(leads_proto::DESCRIPTORS)
            .unwrap()
            .get_enum_by_name("leads.v1.Stage")
            .unwrap()
    }

    #[test]
    fn short_words_and_full_names_are_read() {
        assert_eq!(parse(&stage(), "demo_booked"), Some(4));
        assert_eq!(parse(&stage(), "STAGE_DEMO_BOOKED"), Some(4));
        for word in [
            "DEMO_BOOKED",
            "stage_demo_booked",
            "Demo_Booked",
            "",
            "4",
            "unknown",
        ] {
            assert_eq!(parse(&stage(), word), None, "{word}");
        }
    }

    #[test]
    fn every_word_of_every_enum_is_read_back() {
        let pool = DescriptorPool::decode(leads_proto::DESCRIPTORS).unwrap();
        for descriptor in pool
            .all_enums()
            .filter(|descriptor| descriptor.full_name().starts_with("leads."))
        {
            for value in descriptor.values() {
                let word = of(&descriptor, value.number()).unwrap();
                assert_eq!(parse(&descriptor, &word), Some(value.number()), "{word}");
            }
        }
    }
}
