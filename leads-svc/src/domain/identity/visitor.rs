//! Ids that a channel gives its visitors, such as a widget's cookie or a chat account.

/// Checks a visitor id; equal bytes are equal ids.
///
/// # Errors
/// What is wrong with it.
pub fn check_visitor(id: &str) -> Result<(), &'static str> {
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(())
        .ok_or("must be 1 to 128 visible ASCII characters without spaces")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_visible() {
        assert!(check_visitor("wa:34600123456/~!").is_ok());
        assert!(check_visitor(&"v".repeat(128)).is_ok());
        for id in ["", "a b", "a\n", "\u{e9}", "\0", &"v".repeat(129)] {
            assert!(check_visitor(id).is_err(), "{id:?}");
        }
    }
}
