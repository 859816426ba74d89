//! Single values: from JSON, and from the text of a path or a query.

use base64::Engine;
use prost_reflect::{Kind, MapKey, Value};

use super::{json::Node, words};

/// What is wrong with a value and what is expected. Never holds the value: it may be personal.
pub type Wrong = String;

/// A value of the kind, from JSON. Messages are not single values.
pub fn from_json(kind: &Kind, node: &Node) -> Result<Value, Wrong> {
    match (kind, node) {
        (Kind::String, Node::Text(text)) => Ok(Value::String(text.clone())),
        (Kind::Bool, Node::Bool(bool)) => Ok(Value::Bool(*bool)),
        (Kind::Bytes | Kind::Enum(_), Node::Text(text)) => from_text(kind, text),
        // As in ProtoJSON, 64-bit numbers may come as text, since not every client can hold them.
        (Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64, Node::Text(text)) => {
            from_text(kind, text)
        }
        (Kind::Float | Kind::Double, Node::Number(number)) => number
            .as_f64()
            .ok_or_else(|| expected(kind))
            .and_then(|number| float(kind, number)),
        (_, Node::Number(number)) if is_integer(kind) => {
            let whole = number
                .as_i64()
                .map(i128::from)
                .or(number.as_u64().map(i128::from))
                .or_else(|| {
                    let float = number.as_f64()?;
                    (float.fract() == 0.0 && float.abs() < 2_f64.powi(64)).then_some(float as i128)
                });
            whole
                .and_then(|whole| integer(kind, whole))
                .ok_or_else(|| expected(kind))
        }
        (kind, node) => Err(format!("{}, not {}", expected(kind), node.kind())),
    }
}

/// A value of the kind, from the text of a path or a query.
pub fn from_text(kind: &Kind, text: &str) -> Result<Value, Wrong> {
    let wrong = || expected(kind);
    match kind {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bool => text.parse().map(Value::Bool).map_err(|_| wrong()),
        Kind::Enum(descriptor) => words::parse(descriptor, text)
            .map(Value::EnumNumber)
            .ok_or_else(wrong),
        Kind::Bytes => {
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            let bytes = STANDARD
                .decode(text)
                .or_else(|_| URL_SAFE_NO_PAD.decode(text))
                .map_err(|_| wrong())?;
            Ok(Value::Bytes(bytes.into()))
        }
        Kind::Float | Kind::Double => text
            .parse()
            .map_err(|_| wrong())
            .and_then(|number: f64| float(kind, number)),
        Kind::Message(_) => Err(wrong()),
        _ => text
            .parse()
            .ok()
            .and_then(|whole| integer(kind, whole))
            .ok_or_else(wrong),
    }
}

/// The key of a map entry.
pub fn key(kind: &Kind, text: &str) -> Result<MapKey, Wrong> {
    from_text(kind, text)?
        .into_map_key()
        .ok_or_else(|| expected(kind))
}

fn is_integer(kind: &Kind) -> bool {
    integer(kind, 0).is_some()
}

/// The whole number, if it fits.
fn integer(kind: &Kind, whole: i128) -> Option<Value> {
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => whole.try_into().ok().map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => whole.try_into().ok().map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => whole.try_into().ok().map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => whole.try_into().ok().map(Value::U64),
        Kind::Bool
        | Kind::String
        | Kind::Bytes
        | Kind::Float
        | Kind::Double
        | Kind::Enum(_)
        | Kind::Message(_) => None,
    }
}

/// The number, if it is finite: no field of ours means anything else.
fn float(kind: &Kind, number: f64) -> Result<Value, Wrong> {
    match kind {
        Kind::Float if (number as f32).is_finite() => Ok(Value::F32(number as f32)),
        Kind::Double if number.is_finite() => Ok(Value::F64(number)),
        _ => Err(expected(kind)),
    }
}

fn expected(kind: &Kind) -> Wrong {
    match kind {
        Kind::String => "must be a text".to_owned(),
        Kind::Bool => "must be true or false".to_owned(),
        Kind::Bytes => "must be a text in base64".to_owned(),
        Kind::Float | Kind::Double => "must be a finite number".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "must be a whole number of 32 bits".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "must be a whole number of 32 bits, 0 or more".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "must be a whole number of 64 bits".to_owned(),
        Kind::Uint64 | Kind::Fixed64 => "must be a whole number of 64 bits, 0 or more".to_owned(),
        Kind::Enum(descriptor) => format!("must be one of {}", words::all(descriptor).join(", ")),
        Kind::Message(_) => "must be an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::json, *};

    fn read(kind: &Kind, text: &str) -> Result<Value, Wrong> {
        from_json(kind, &json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn whole_numbers_are_read_when_they_fit() {
        assert_eq!(read(&Kind::Int32, "7"), Ok(Value::I32(7)));
        assert_eq!(read(&Kind::Int32, "7.0"), Ok(Value::I32(7)));
        assert_eq!(
            read(&Kind::Int64, "\"9223372036854775807\""),
            Ok(Value::I64(i64::MAX))
        );
        assert_eq!(
            read(&Kind::Uint64, "18446744073709551615"),
            Ok(Value::U64(u64::MAX))
        );
        for text in [
            "2147483648",
            "-2147483649",
            "1.5",
            "1e30",
            "\"7\"",
            "true",
            "null",
            "[7]",
        ] {
            assert!(read(&Kind::Int32, text).is_err(), "{text}");
        }
        for text in ["1e300", "\"9223372036854775808\"", "\"\"", "\" 1\"", "\"1.0\""] {
            assert!(read(&Kind::Int64, text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_must_be_finite() {
        assert_eq!(read(&Kind::Double, "1.5"), Ok(Value::F64(1.5)));
        for text in ["NaN", "inf", "-Infinity", ""] {
            assert!(from_text(&Kind::Double, text).is_err(), "{text}");
        }
        assert!(read(&Kind::Float, "1e39").is_err());
    }

    #[test]
    fn refusals_do_not_repeat_the_value() {
        let wrong = read(&Kind::Int32, "\"ana@acme.example\"").unwrap_err();
        assert_eq!(wrong, "must be a whole number of 32 bits, not a text");
    }
}
