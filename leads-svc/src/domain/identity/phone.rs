//! Phone numbers: as they are stored, and as E.164 where the country is known.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, enums::Region};
use serde::{Deserialize, Serialize};

/// A country by its ISO 3166-1 code of two letters, upper case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Country(String);

impl Country {
    /// The country of that code, in either case; `None` if no numbering plan is known for it.
    pub fn parse(code: &str) -> Option<Self> {
        let code = code.to_ascii_uppercase();
        region(&code).map(|_| Self(code))
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.0
    }
}

/// A number as it is stored: its digits, with the leading + if it has one.
///
/// # Errors
/// What is wrong with it.
pub fn read_phone(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let (plus, rest) = match text.strip_prefix('+') {
        Some(rest) => ("+", rest),
        None => ("", text),
    };
    // "+49 (0) 151": the zero in brackets is dialled inside the country only.
    let rest = if plus.is_empty() {
        rest.to_owned()
    } else {
        rest.replacen("(0)", "", 1)
    };
    let mut digits = String::with_capacity(rest.len());
    for character in rest.chars() {
        match character {
            '0'..='9' => digits.push(character),
            ' ' | '.' | '-' | '/' | '(' | ')' | '\u{a0}' => {}
            _ => return Err("may hold digits, spaces, . - / ( ) and one leading +"),
        }
    }
    if !(6..=15).contains(&digits.len()) {
        return Err("must have 6 to 15 digits");
    }
    Ok(format!("{plus}{digits}"))
}

/// The number as E.164, such as `+4915112345678`. A number without a leading + is read as dialled inside `country`.
/// `None` if the country is not known, or has no such numbers by its numbering plan: then the number identifies nobody.
pub fn phone_key(phone: &str, country: Option<&Country>) -> Option<String> {
    let country = country.and_then(|country| region(&country.0));
    if country.is_none() && !phone.starts_with('+') {
        return None;
    }
    let number: PhoneNumber = PHONE_NUMBER_UTIL.parse(phone, country).ok()?;
    number
        .is_valid()
        .then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

fn region(code: &str) -> Option<Region> {
    Region::from_code(code)
        .ok()
        .filter(|region| *region != Region::World)
        .filter(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn phones_lose_their_decoration() {
        assert_eq!(read_phone("+49 (0)151 234-567"), Ok("+49151234567".to_owned()));
        assert_eq!(read_phone(" 0151/234567 "), Ok("0151234567".to_owned()));
        for text in ["call me", "12345", "+", "++49151234567", &"1".repeat(40)] {
            assert!(read_phone(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spellings_of_one_number_have_one_key() {
        let (spain, germany, states) = (Country::parse("es"), Country::parse("DE"), Country::parse("US"));
        for (spelling, country, key) in [
            ("+34600123456", &None, "+34600123456"),
            ("600123456", &spain, "+34600123456"),
            ("0034600123456", &spain, "+34600123456"),
            ("015112345678", &germany, "+4915112345678"),
            ("+49015112345678", &None, "+4915112345678"),
            ("2025550173", &states, "+12025550173"),
            ("12025550173", &states, "+12025550173"),
            ("+34600123456", &states, "+34600123456"),
        ] {
            assert_eq!(
                phone_key(spelling, country.as_ref()).as_deref(),
                Some(key),
                "{spelling}"
            );
        }
    }

    #[test]
    fn a_number_of_no_known_country_has_no_key() {
        for phone in [
            "600123456",
            "015112345678",
            "+999123456",
            "+3460",
            "+349999999999999",
            "",
        ] {
            assert_eq!(phone_key(phone, None), None, "{phone}");
        }
        for code in ["", "XX", "ESP", "é", "001"] {
            assert_eq!(Country::parse(code), None, "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(phone in "\\+?[0-9]{6,15}") {
            if let Some(key) = phone_key(&phone, Country::parse("DE").as_ref()) {
                prop_assert_eq!(phone_key(&key, None), Some(key.clone()));
            }
        }
    }
}
