//! Where somebody goes after signing in: a path of ours, never another site.

use serde::{Deserialize, Serialize};

/// Where to go if nothing else was asked for.
const HOME: &str = "/sign-in";
const MAX_BYTES: usize = 512;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target(String);

impl Target {
    /// The path that was asked for, or the page that says who is signed in. A path begins with one slash: a second one,
    /// or what browsers read as one, would name another host.
    pub fn asked(path: &str) -> Self {
        let mut letters = path.bytes();
        let is_ours = letters.next() == Some(b'/')
            && !matches!(letters.next(), Some(b'/' | b'\\'))
            && path.len() <= MAX_BYTES
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        Self(if is_ours { path } else { HOME }.to_owned())
    }

    /// The path, with its query.
    pub fn path(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn other_sites_are_no_targets() {
        for path in ["/leads", "/leads?stage=new&q=a%20b", "/a//b", "/"] {
            assert_eq!(Target::asked(path).path(), path);
        }
        for path in [
            "",
            "leads",
            "//evil.example",
            "/\\evil.example",
            "/a\\b",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "/ä",
            "/a b",
            &format!("/{}", "a".repeat(512)),
        ] {
            assert_eq!(Target::asked(path).path(), HOME, "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_is_on_our_host(path in "[/\\\\]{0,3}[ -~\\t]{0,20}") {
            let base = Url::parse("https://leads.example").unwrap();
            let there = base.join(Target::asked(&path).path()).unwrap();
            prop_assert_eq!(there.origin(), base.origin());
        }
    }
}
