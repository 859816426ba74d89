//! Rules for text that people typed.

use std::borrow::Cow;

use super::violation::Violations;

/// Checks an optional text field and takes surrounding spaces off. Empty means absent.
pub fn optional(field: &str, value: &str, max_chars: usize, violations: &mut Violations) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    let trimmed = value.trim();
    if trimmed.is_empty() {
        violations.add(field, "holds only spaces; leave it out instead");
        return None;
    }
    if let Some(problem) = problem(trimmed, max_chars) {
        violations.add(field, problem);
        return None;
    }
    Some(trimmed.to_owned())
}

/// Checks a required text field and takes surrounding spaces off.
pub fn required(field: &str, value: &str, max_chars: usize, violations: &mut Violations) -> String {
    if value.is_empty() {
        violations.add(field, "is required");
        return String::new();
    }
    optional(field, value, max_chars, violations).unwrap_or_default()
}

/// Checks a machine name: 1 to `max` lower-case letters, digits and `_`.
pub fn name(field: &str, value: &str, max: usize, violations: &mut Violations) {
    let fits = (1..=max).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !fits {
        violations.add(
            field,
            format!("must be 1 to {max} lower-case letters, digits or _"),
        );
    }
}

/// Whether the character neither shows nor belongs into a line of text: controls, and marks that change the direction
/// of what follows or have no width.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn problem(value: &str, max_chars: usize) -> Option<Cow<'static, str>> {
    let chars = value.chars().count();
    if chars > max_chars {
        return Some(format!("has {chars} characters; at most {max_chars} are allowed").into());
    }
    if value.chars().any(char::is_control) {
        return Some("holds control characters".into());
    }
    None
}
