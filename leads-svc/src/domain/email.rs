//! Email addresses: what is accepted, and the form in which two spellings of one address are equal.

use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

use super::text::is_hidden;

const MAX_BYTES: usize = 254;

/// An address in its normalised form: NFC, lower case, the domain as A-labels without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_BYTES {
            return Err("is longer than 254 bytes");
        }
        if text
            .chars()
            .any(|character| is_hidden(character) || character.is_whitespace())
        {
            return Err("holds spaces or characters that do not show");
        }
        let (local, domain) = text.rsplit_once('@').ok_or("has no @")?;
        let local: String = local.nfc().flat_map(char::to_lowercase).collect();
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| "has no valid domain")?;
        let address = format!("{local}@{domain}");
        let options = Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        EmailAddress::parse_with_options(&address, options).map_err(|_| "is not an email address")?;
        if address.len() > MAX_BYTES {
            return Err("is longer than 254 bytes");
        }
        Ok(Self(address))
    }

    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_address_are_equal() {
        for (left, right) in [
            ("Ana@Acme.Example", "ana@acme.example"),
            ("jörg@exämple.de", "jo\u{308}rg@xn--exmple-cua.de"),
            ("a@b.example.", "a@b.example"),
        ] {
            assert_eq!(Email::parse(left), Email::parse(right), "{left}");
            assert!(Email::parse(left).is_ok(), "{left}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_an_address() {
        let long_local = format!("{}@b.example", "a".repeat(65));
        let long = format!("a@{}.example", "b".repeat(260));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b.example",
            "a@b@c.example",
            ".a@b.example",
            "a..b@c.example",
            "a b@c.example",
            "a@b.example\r\nBcc: x",
            "a\0@b.example",
            "<script>@b.example",
            "a@localhost",
            "a@[127.0.0.1]",
            "a\u{200b}@b.example",
            "\u{202e}a@b.example",
            "Ana <a@b.example>",
            &long_local,
            &long,
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}@[a-zA-Zäß.-]{1,30}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            }
        }
    }
}
