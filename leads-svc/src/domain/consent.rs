//! What a person agreed to or refused. Records are only ever added; what holds now is derived from them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::lead::Channel;

/// One record, with the fields of a consent record of ISO/IEC TS 27560.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What for.
    pub purpose: String,
    /// Given; false if it was refused, or withdrawn after it was given.
    pub given: bool,
    /// Exact text that was shown.
    pub text: String,
    /// The caller's version of the text.
    pub version: String,
    /// Where it was asked.
    pub channel: Channel,
    /// When.
    pub at: DateTime<Utc>,
    /// How it was asked and what it rests on.
    pub details: Details,
}

/// What a record says beyond the decision itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What the processing rests on.
    #[serde(default)]
    pub basis: LawfulBasis,
    /// Language of the text, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How the person answered, such as `checkbox`, `reply` or `spoken`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Page or form on which it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// From when on it no longer holds; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Who recorded it: the actor of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
}

/// Article 6(1) of the GDPR, (a) to (f).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawfulBasis {
    /// The person agreed.
    #[default]
    Consent,
    /// A contract with the person, or steps before it that they asked for.
    Contract,
    /// A duty by law.
    LegalObligation,
    /// Somebody's life.
    VitalInterests,
    /// A task in the public interest.
    PublicTask,
    /// Interests that outweigh the person's.
    LegitimateInterests,
}

impl LawfulBasis {
    /// Every basis, in the order of the law.
    pub const ALL: [LawfulBasis; 6] = [
        LawfulBasis::Consent,
        LawfulBasis::Contract,
        LawfulBasis::LegalObligation,
        LawfulBasis::VitalInterests,
        LawfulBasis::PublicTask,
        LawfulBasis::LegitimateInterests,
    ];

    /// The word that storage and the contract use.
    pub const fn word(self) -> &'static str {
        match self {
            LawfulBasis::Consent => "consent",
            LawfulBasis::Contract => "contract",
            LawfulBasis::LegalObligation => "legal_obligation",
            LawfulBasis::VitalInterests => "vital_interests",
            LawfulBasis::PublicTask => "public_task",
            LawfulBasis::LegitimateInterests => "legitimate_interests",
        }
    }

    /// The basis of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.word() == word)
    }
}

impl Consent {
    /// SHA-256 of the exact text, which proves what was shown where the text itself is kept elsewhere.
    pub fn text_hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

/// What holds for a purpose, from the least restrictive to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// Agreed, and still so.
    Given,
    /// Agreed for a time that is over.
    Expired,
    /// Asked, and not agreed.
    Refused,
    /// Agreed, and taken back.
    Withdrawn,
}

/// What holds for a purpose and which record says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Current<'a> {
    /// What holds.
    pub standing: Standing,
    /// The record that decides.
    pub record: &'a Consent,
}

/// What holds for `purpose` at `now` by the records of one person, given in the order in which they were stored: the
/// newest counts, of equally old ones the last. Records of the future do not count yet. `None` if the person was never
/// asked.
pub fn current<'a>(records: &'a [Consent], purpose: &str, now: DateTime<Utc>) -> Option<Current<'a>> {
    let heard = || {
        records
            .iter()
            .filter(|record| record.purpose == purpose && record.at <= now)
    };
    let record = heard().max_by_key(|record| record.at)?;
    let standing = match record.given {
        true if record.details.expires_at.is_some_and(|expiry| expiry <= now) => Standing::Expired,
        true => Standing::Given,
        false if heard().any(|earlier| earlier.given) => Standing::Withdrawn,
        false => Standing::Refused,
    };
    Some(Current { standing, record })
}

/// What holds for one person whom two leads were, which were merged at `merged_at`. A record that is newer than the
/// merge speaks for the whole person; of older ones the more restrictive counts, so that a merge never allows what one
/// of the two had not allowed. A lead that was never asked says nothing.
pub fn united<'a>(
    survivor: Option<Current<'a>>,
    absorbed: Option<Current<'a>>,
    merged_at: DateTime<Utc>,
) -> Option<Current<'a>> {
    let (Some(survivor), Some(absorbed)) = (survivor, absorbed) else {
        return survivor.or(absorbed);
    };
    let newest = if absorbed.record.at > survivor.record.at {
        absorbed
    } else {
        survivor
    };
    if newest.record.at > merged_at || survivor.standing == absorbed.standing {
        return Some(newest);
    }
    Some(if survivor.standing > absorbed.standing {
        survivor
    } else {
        absorbed
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute)
    }

    fn said(given: bool, minute: i64) -> Consent {
        Consent {
            purpose: "sales_contact".into(),
            given,
            text: "May we contact you?".into(),
            version: String::new(),
            channel: Channel::Widget,
            at: at(minute),
            details: Details::default(),
        }
    }

    fn standing(records: &[Consent], minute: i64) -> Option<Standing> {
        current(records, "sales_contact", at(minute)).map(|current| current.standing)
    }

    #[test]
    fn the_newest_record_counts_whatever_the_order_of_arrival() {
        assert_eq!(standing(&[], 9), None);
        assert_eq!(standing(&[said(true, 1)], 9), Some(Standing::Given));
        assert_eq!(standing(&[said(false, 1)], 9), Some(Standing::Refused));
        assert_eq!(
            standing(&[said(false, 2), said(true, 1)], 9),
            Some(Standing::Withdrawn)
        );
        assert_eq!(
            standing(&[said(false, 1), said(true, 2)], 9),
            Some(Standing::Given)
        );
        assert_eq!(
            standing(&[said(true, 1), said(false, 1)], 9),
            Some(Standing::Withdrawn)
        );
        assert_eq!(standing(&[said(true, 1)], 0), None, "not said yet");
        assert!(current(&[said(true, 1)], "newsletter", at(9)).is_none());
    }

    #[test]
    fn consent_for_a_time_expires_at_its_end() {
        let mut record = said(true, 1);
        record.details.expires_at = Some(at(5));
        assert_eq!(standing(std::slice::from_ref(&record), 4), Some(Standing::Given));
        assert_eq!(
            standing(std::slice::from_ref(&record), 5),
            Some(Standing::Expired)
        );
    }

    #[test]
    fn a_consent_after_the_merge_ends_a_refusal_before_it() {
        let (refused, given) = ([said(false, 1)], [said(true, 2)]);
        let standing = |given: &[Consent]| {
            let sides = [&refused, given].map(|side| current(side, "sales_contact", at(9)));
            united(sides[0], sides[1], at(3)).map(|current| current.standing)
        };
        assert_eq!(standing(&given), Some(Standing::Refused));
        assert_eq!(standing(&[said(true, 4)]), Some(Standing::Given));
    }

    #[test]
    fn the_hash_is_of_the_exact_text() {
        let hash = said(true, 1).text_hash();
        assert_eq!(hash[..4], [0x7e, 0x71, 0x28, 0xfa]);
        let mut other = said(true, 1);
        other.text.push(' ');
        assert_ne!(other.text_hash(), hash);
    }

    #[test]
    fn every_basis_is_found_by_its_word_and_stored_by_it() {
        for basis in LawfulBasis::ALL {
            assert_eq!(LawfulBasis::parse(basis.word()), Some(basis));
            assert_eq!(serde_json::to_value(basis).unwrap(), basis.word());
        }
    }

    fn records() -> impl Strategy<Value = Vec<Consent>> {
        let record = (any::<bool>(), 0..10_i64, prop::option::of(0..20_i64));
        prop::collection::vec(record, 0..4).prop_map(|records| {
            let record = |(given, minute, expiry): (bool, i64, Option<i64>)| {
                let mut record = said(given, minute);
                record.details.expires_at = expiry.map(at);
                record
            };
            records.into_iter().map(record).collect()
        })
    }

    proptest! {
        #[test]
        fn a_merge_never_widens_consent(left in records(), right in records(), later in 10..30_i64) {
            let now = at(later);
            let sides = [&left, &right].map(|side| current(side, "sales_contact", now));
            let united = united(sides[0], sides[1], at(10)).map(|current| current.standing);
            let strictest = sides.into_iter().flatten().map(|current| current.standing).max();
            prop_assert_eq!(united, strictest);
        }
    }
}
