//! JSON as sent: unlike a map of values it keeps double keys, so that they can be refused by name.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// An object, as sent: keys may repeat.
    Object(Vec<(String, Node)>),
}

/// Reads a document: UTF-8 without a byte-order mark, at most 128 levels deep, nothing after it.
///
/// # Errors
/// What is wrong and where, for the caller to read.
pub fn parse(bytes: &[u8]) -> Result<Node, String> {
    if bytes.starts_with(&[0xef, 0xbb, 0xbf])
        || bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
    {
        return Err("the body must be JSON in UTF-8 without a byte-order mark".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| format!("the body is not valid JSON: {error}"))
}

impl Node {
    /// What the value is, for refusals.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a boolean",
            Node::Number(_) => "a number",
            Node::Text(_) => "a text",
            Node::List(_) => "a list",
            Node::Object(_) => "an object",
        }
    }

    /// The same as a plain value; none if a key repeats.
    pub fn into_value(self) -> Option<serde_json::Value> {
        Some(match self {
            Node::Null => serde_json::Value::Null,
            Node::Bool(bool) => bool.into(),
            Node::Number(number) => serde_json::Value::Number(number),
            Node::Text(text) => text.into(),
            Node::List(nodes) => nodes
                .into_iter()
                .map(Node::into_value)
                .collect::<Option<Vec<_>>>()?
                .into(),
            Node::Object(members) => {
                let mut map = serde_json::Map::new();
                for (key, node) in members {
                    if map.insert(key, node.into_value()?).is_some() {
                        return None;
                    }
                }
                map.into()
            }
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Node, E> {
        Ok(Node::Bool(bool))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_keys_are_kept() {
        let Node::Object(members) = parse(br#"{"a":1,"a":2}"#).unwrap() else {
            panic!()
        };
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn what_is_not_one_utf8_document_is_refused() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            b"".as_slice(),
            b"{} {}",
            b"{\"a\":1e400}",
            b"{\"a\":NaN}",
            b"{'a':1}",
            b"{\"a\":1,}",
            b"\xef\xbb\xbf{}",
            b"\xff\xfe{\0}\0",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            deep.as_bytes(),
            &utf16,
        ] {
            assert!(parse(bytes).is_err(), "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
