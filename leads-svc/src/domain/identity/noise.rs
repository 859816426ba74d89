//! Values that many unrelated people give and that therefore say nothing about who somebody is.
//!
//! Noise only keeps such values out of the suggestions of duplicates. Addresses that are equal are one lead, whoever
//! reads the mailbox: two captures of `info@acme.com` are one lead, as the contract says, since a CRM keeps one record
//! per address too.

use super::domain;

/// Most leads that can share a value before it is noise.
pub const MOST_HOLDERS: usize = 20;

const SHARED_INBOXES: [&str; 43] = [
    "abuse",
    "accounts",
    "admin",
    "administration",
    "billing",
    "buchhaltung",
    "careers",
    "contact",
    "contacto",
    "customerservice",
    "donotreply",
    "enquiries",
    "feedback",
    "finance",
    "hello",
    "help",
    "helpdesk",
    "hola",
    "hostmaster",
    "hr",
    "info",
    "inquiries",
    "jobs",
    "kontakt",
    "legal",
    "mail",
    "mailerdaemon",
    "marketing",
    "media",
    "newsletter",
    "noreply",
    "office",
    "orders",
    "postmaster",
    "press",
    "privacy",
    "reception",
    "root",
    "sales",
    "security",
    "service",
    "support",
    "webmaster",
];

const PLACEHOLDERS: [&str; 24] = [
    "aaa",
    "abc",
    "anonymous",
    "asd",
    "asdf",
    "demo",
    "dummy",
    "example",
    "fake",
    "foo",
    "foobar",
    "guest",
    "na",
    "nobody",
    "none",
    "null",
    "qwerty",
    "sample",
    "test",
    "tester",
    "testing",
    "unknown",
    "xxx",
    "xyz",
];

/// Sorted words of names that stand for nobody.
const NOBODIES: [&[&str]; 6] = [
    &["doe", "jane"],
    &["doe", "john"],
    &["first", "last"],
    &["first", "last", "name"],
    &["erika", "mustermann"],
    &["max", "mustermann"],
];

/// Domains that are reserved for tests and for examples (RFC 2606), and one that people type. Names below `.example`
/// are not among them: demonstrations live there, with companies of their own.
const RESERVED: [&str; 4] = ["example.com", "example.net", "example.org", "test.com"];
const RESERVED_ENDS: [&str; 3] = [".invalid", ".localhost", ".test"];

/// Whether a team reads the address, or nobody at all.
pub fn is_shared_inbox(address: &str) -> bool {
    let name: String = name(address)
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_' | '.'))
        .collect();
    SHARED_INBOXES.binary_search(&name.as_str()).is_ok()
}

/// Whether the address was made up to get past a form.
pub fn is_placeholder_address(address: &str) -> bool {
    let is_reserved = domain(address).is_some_and(|domain| {
        RESERVED.contains(&domain) || RESERVED_ENDS.iter().any(|end| domain.ends_with(end))
    });
    is_reserved || is_placeholder(name(address).trim_end_matches(|letter: char| letter.is_ascii_digit()))
}

/// Whether the E.164 number was made up: one digit over and over, or digits in their order, after any country code.
pub fn is_placeholder_phone(e164: &str) -> bool {
    const UP: &str = "012345678901234567890";
    const DOWN: &str = "098765432109876543210";
    let digits = e164.trim_start_matches('+');
    (1..=3)
        .filter_map(|code| digits.get(code..))
        .filter(|national| national.len() >= 6)
        .any(|national| {
            let is_one_digit = national
                .bytes()
                .zip(national.bytes().skip(1))
                .all(|(a, b)| a == b);
            is_one_digit || UP.contains(national) || DOWN.contains(national)
        })
}

/// Whether the name, as lower-case words in alphabetical order, stands for nobody.
pub fn is_placeholder_name(words: &[String]) -> bool {
    words.iter().any(|word| is_placeholder(word)) || NOBODIES.iter().any(|nobody| nobody == &words)
}

fn is_placeholder(word: &str) -> bool {
    PLACEHOLDERS.binary_search(&word).is_ok()
}

/// The part before the @ without its tag.
fn name(address: &str) -> &str {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    local.split_once('+').map_or(local, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_are_told_from_people() {
        assert!(SHARED_INBOXES.is_sorted() && PLACEHOLDERS.is_sorted());
        for address in [
            "info@acme.com",
            "no-reply@acme.com",
            "sales+ads@acme.com",
            "do.not_reply@acme.com",
        ] {
            assert!(is_shared_inbox(address), "{address}");
        }
        for address in ["ana@acme.com", "infante@acme.com", "helena@acme.com"] {
            assert!(!is_shared_inbox(address), "{address}");
        }
    }

    #[test]
    fn made_up_values_are_noise() {
        for address in [
            "test@acme.com",
            "test12@acme.com",
            "asdf@gmail.com",
            "ana@example.com",
            "a@b.test",
        ] {
            assert!(is_placeholder_address(address), "{address}");
        }
        for phone in [
            "+34000000000",
            "+15555555555",
            "+49123456",
            "+491234567890",
            "+34987654321",
        ] {
            assert!(is_placeholder_phone(phone), "{phone}");
        }
        for name in ["test", "doe john", "ana test", "na"] {
            let words: Vec<String> = name.split(' ').map(str::to_owned).collect();
            assert!(is_placeholder_name(&words), "{name}");
        }
    }

    #[test]
    fn values_of_people_are_none() {
        for address in [
            "ana@acme.com",
            "testa@acme.com",
            "ana@acme.example",
            "ana@contest.com",
        ] {
            assert!(!is_placeholder_address(address), "{address}");
        }
        for phone in ["+34600123456", "+12025550173", "+4915112345678"] {
            assert!(!is_placeholder_phone(phone), "{phone}");
        }
        let words = ["ana".to_owned(), "ruiz".to_owned()];
        assert!(!is_placeholder_name(&words));
    }
}
