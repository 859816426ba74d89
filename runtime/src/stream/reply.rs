//! Reads what XREADGROUP and XAUTOCLAIM answer, entry by entry: anything may have been written into a stream, and what
//! one entry holds must not hide the others.

use std::collections::HashMap;

use redis::Value;

/// Names and values of an entry; of a name that is there twice the last value counts.
pub(super) type Fields = HashMap<Vec<u8>, Vec<u8>>;

/// An entry as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawEntry {
    pub(super) id: String,
    pub(super) fields: Fields,
}

/// Entries by the key of their stream.
pub(super) fn read(reply: Value) -> Vec<(String, Vec<RawEntry>)> {
    let streams = match reply {
        Value::Map(streams) => streams,
        Value::Array(streams) => streams
            .into_iter()
            .filter_map(|stream| {
                let mut parts = array(stream).into_iter();
                Some((parts.next()?, parts.next()?))
            })
            .collect(),
        _ => Vec::new(),
    };
    streams
        .into_iter()
        .filter_map(|(key, list)| Some((text(key)?, entries(list))))
        .collect()
}

/// Where the next search begins, and the entries that were taken over.
pub(super) fn taken_over(reply: Value) -> Option<(String, Vec<RawEntry>)> {
    let mut parts = array(reply).into_iter();
    Some((text(parts.next()?)?, entries(parts.next()?)))
}

/// An entry that was deleted meanwhile comes without fields, or as nil.
pub(super) fn entries(list: Value) -> Vec<RawEntry> {
    let entry = |entry: Value| {
        let mut parts = array(entry).into_iter();
        let id = text(parts.next()?)?;
        Some(RawEntry {
            id,
            fields: parts.next().map(fields).unwrap_or_default(),
        })
    };
    array(list).into_iter().filter_map(entry).collect()
}

fn fields(value: Value) -> Fields {
    let pairs = match value {
        Value::Map(pairs) => pairs,
        value => {
            let mut parts = array(value).into_iter();
            std::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
        }
    };
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((bytes(name)?, bytes(value)?)))
        .collect()
}

fn array(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        _ => Vec::new(),
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &[u8]) -> Value {
        Value::BulkString(text.to_vec())
    }

    #[test]
    fn odd_entries_do_not_hide_good_ones() {
        let good = Value::Array(vec![bulk(b"1-1"), Value::Array(vec![bulk(b"v"), bulk(b"1")])]);
        let odd = Value::Array(vec![
            bulk(b"1-2"),
            Value::Array(vec![bulk(b"\xff"), bulk(b"\xfe"), bulk(b"alone")]),
        ]);
        let deleted = Value::Array(vec![bulk(b"1-3"), Value::Nil]);
        let list = Value::Array(vec![odd, Value::Nil, deleted, good]);
        let read = read(Value::Array(vec![Value::Array(vec![bulk(b"key"), list.clone()])]));
        let ids = |entries: &[RawEntry]| entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        assert_eq!(read[0].0, "key");
        assert_eq!(ids(&read[0].1), ["1-2", "1-3", "1-1"]);
        assert_eq!(
            read[0].1[2].fields,
            Fields::from([(b"v".to_vec(), b"1".to_vec())])
        );

        let (cursor, entries) =
            taken_over(Value::Array(vec![bulk(b"0-0"), list, Value::Array(vec![])])).unwrap();
        assert_eq!((cursor.as_str(), entries.len()), ("0-0", 3));
    }
}
