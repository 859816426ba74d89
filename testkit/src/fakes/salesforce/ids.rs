//! Record ids: 15 characters that tell case apart, and 3 that make them safe where nobody does.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The n-th id of a kind of record, in 18 characters.
pub(super) fn record(prefix: &str, n: u64) -> String {
    let mut digits = Vec::new();
    let mut rest = n;
    while digits.len() < 7 {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        digits.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
        rest /= 62;
    }
    let short: String = prefix
        .chars()
        .chain("bn000".chars())
        .chain(digits.into_iter().rev())
        .collect();
    full(&short).unwrap_or(short)
}

/// The 18 characters of an id of 15 or 18; none if it is no id.
pub(super) fn full(id: &str) -> Option<String> {
    if !id.is_ascii() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let short = match id.len() {
        15 => id,
        18 => id.get(..15)?,
        _ => return None,
    };
    let mut full = short.to_owned();
    for part in short.as_bytes().chunks(5) {
        let upper = part
            .iter()
            .enumerate()
            .filter(|(_, byte)| byte.is_ascii_uppercase())
            .fold(0_usize, |bits, (at, _)| bits | (1 << at));
        full.push(char::from(CHECK.get(upper).copied()?));
    }
    Some(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lengths_name_one_record() {
        // From Salesforce's own documentation of the format.
        assert_eq!(full("001A0000006Vm9u").as_deref(), Some("001A0000006Vm9uIAC"));
        assert_eq!(full("001A0000006Vm9uIAC").as_deref(), Some("001A0000006Vm9uIAC"));
        assert_eq!(full("not an id"), None);
    }

    #[test]
    fn ids_differ() {
        assert_ne!(record("00Q", 1), record("00Q", 2));
        assert_eq!(record("00Q", 1).len(), 18);
    }
}
