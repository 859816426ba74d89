//! An answer as a table: a line per value, with the path of its field.

use http::{HeaderMap, header};
use serde_json::Value;

/// Whether the caller asks for a table rather than for JSON.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|accept| accept.to_str().ok())
        .flat_map(|accept| accept.split(','))
        .any(|range| {
            let media_type = range.split(';').next().unwrap_or_default();
            media_type.trim().eq_ignore_ascii_case("text/csv")
        })
}

/// The table, as RFC 4180 has it, with the columns `field` and `value`.
pub fn table(answer: &Value) -> String {
    let mut table = "field,value\r\n".to_owned();
    add(&mut table, "", answer);
    table
}

fn add(table: &mut String, path: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                add(table, &format!("{path}{dot}{name}"), member);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                add(table, &format!("{path}[{index}]"), item);
            }
        }
        Value::Null => {}
        Value::String(text) => line(table, path, text),
        Value::Bool(_) | Value::Number(_) => line(table, path, &value.to_string()),
    }
}

fn line(table: &mut String, path: &str, value: &str) {
    cell(table, path);
    table.push(',');
    cell(table, value);
    table.push_str("\r\n");
}

fn cell(table: &mut String, text: &str) {
    table.push('"');
    // A spreadsheet would take it for a formula.
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        table.push('\'');
    }
    table.push_str(&text.replace('"', "\"\""));
    table.push('"');
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_has_a_line_with_its_path() {
        let answer = json!({"a": {"b": [1, {"c": "x"}], "d": true}, "e": null, "f": "say \"hi\",\nthere"});
        assert_eq!(
            table(&answer),
            "field,value\r\n\"a.b[0]\",\"1\"\r\n\"a.b[1].c\",\"x\"\r\n\"a.d\",\"true\"\r\n\
             \"f\",\"say \"\"hi\"\",\nthere\"\r\n"
        );
    }

    #[test]
    fn no_value_is_a_formula() {
        for text in ["=1+1", "+34600000000", "-2", "@SUM(A1)", "\tx"] {
            assert!(
                table(&json!({ "a": text })).contains(&format!("\"'{text}\"")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_table_is_asked_for_by_its_media_type() {
        let accepts = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            is_wanted(&headers)
        };
        assert!(accepts("text/csv") && accepts("application/json;q=0.1, Text/CSV; header=present"));
        assert!(!accepts("*/*") && !accepts("application/json"));
    }
}
