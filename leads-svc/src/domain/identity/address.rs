//! When two addresses reach one mailbox, by what the mailbox's provider documents.

/// How a provider reads the part before the @. The table is closed: a rule is in it only if the provider documents that
/// it holds for every mailbox of the domain, and that nobody else can own the variant.
///
/// Left out on purpose: Yahoo (`base-keyword@` hangs on a base name that is not the account's), iCloud (tags work, but
/// Apple documents none), dots and hyphens at Proton (undocumented), one name at several domains of Microsoft, Proton
/// or Apple (several mailboxes), and every custom domain (its administrator decides).
struct Provider {
    domains: &'static [&'static str],
    /// The domain that stands for all of them, if the same name at each of them is the same mailbox.
    stands_for_all: Option<&'static str>,
    /// Whether dots before the @ mean nothing.
    ignores_dots: bool,
}

/// All of them drop what stands from the first + on.
const PROVIDERS: [Provider; 4] = [
    // support.google.com/mail/answer/7436150 (dots), /22370 (plus), /10313 (googlemail.com)
    Provider {
        domains: &["gmail.com", "googlemail.com"],
        stands_for_all: Some("gmail.com"),
        ignores_dots: true,
    },
    // Sub-addressing since 2013; names of these accounts cannot hold a +.
    Provider {
        domains: &["outlook.com", "hotmail.com", "live.com", "msn.com"],
        stands_for_all: None,
        ignores_dots: false,
    },
    // fastmail.help, "Plus addressing and subdomain addressing"
    Provider {
        domains: &["fastmail.com", "fastmail.fm"],
        stands_for_all: None,
        ignores_dots: false,
    },
    // proton.me/support/addresses-and-aliases, "+aliases"
    Provider {
        domains: &["proton.me", "protonmail.com", "protonmail.ch", "pm.me"],
        stands_for_all: None,
        ignores_dots: false,
    },
];

/// Mail for everybody at domains of their own; what one address there says about its neighbour is nothing.
const FREE_MAIL: [&str; 42] = [
    "126.com",
    "139.com",
    "163.com",
    "aim.com",
    "bigpond.com",
    "bk.ru",
    "bol.com.br",
    "btinternet.com",
    "comcast.net",
    "duck.com",
    "fastmail.com",
    "fastmail.fm",
    "foxmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "googlemail.com",
    "hey.com",
    "icloud.com",
    "inbox.ru",
    "laposte.net",
    "libero.it",
    "list.ru",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "naver.com",
    "orange.fr",
    "pm.me",
    "proton.me",
    "protonmail.ch",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "seznam.cz",
    "t-online.de",
    "uol.com.br",
    "verizon.net",
    "wanadoo.fr",
    "web.de",
    "wp.pl",
];

/// Free mail under many countries, such as `yahoo.co.uk`.
const FREE_MAIL_FAMILIES: [&str; 13] = [
    "aol",
    "gmx",
    "hotmail",
    "live",
    "msn",
    "outlook",
    "rocketmail",
    "tutanota",
    "yahoo",
    "yandex",
    "ymail",
    "zoho",
    "zohomail",
];

/// The form in which two normalised addresses are compared: the address itself, or, with `merge_variants`, the address
/// of the mailbox that its provider delivers it to.
pub fn address_key(address: &str, merge_variants: bool) -> String {
    mailbox(address)
        .filter(|_| merge_variants)
        .unwrap_or_else(|| address.to_owned())
}

/// The address of the mailbox that the provider delivers the address to; `None` if its provider is not known to
/// deliver several addresses to one mailbox.
pub fn mailbox(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let provider = PROVIDERS
        .iter()
        .find(|provider| provider.domains.contains(&domain))?;
    let mut name = without_tag(local).to_owned();
    if provider.ignores_dots {
        name.retain(|letter| letter != '.');
    }
    Some(format!("{name}@{}", provider.stands_for_all.unwrap_or(domain)))
}

/// The address that this one is probably a variant of: by its provider's rules, and without a tag at any other domain.
/// Good for a suggestion only.
pub fn untagged(address: &str) -> String {
    let key = address_key(address, true);
    match key.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{domain}", without_tag(local)),
        None => key,
    }
}

/// What stands after the @.
pub fn domain(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

/// Whether anybody can have an address at that domain, so that it names no company.
pub fn is_free_mail(domain: &str) -> bool {
    // `yahoo.fr` and `yahoo.co.uk`, but not `yahoo.acme.com`.
    let is_of_family = |(name, rest): (&str, &str)| {
        FREE_MAIL_FAMILIES.contains(&name) && rest.split('.').all(|label| label.len() <= 3)
    };
    FREE_MAIL.binary_search(&domain).is_ok() || domain.split_once('.').is_some_and(is_of_family)
}

fn without_tag(local: &str) -> &str {
    match local.split_once('+') {
        Some((name, _)) if !name.is_empty() => name,
        Some(_) | None => local,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variants_that_reach_one_mailbox_have_one_key() {
        for (variant, key) in [
            ("a.n.a.ruiz+ads@gmail.com", "anaruiz@gmail.com"),
            ("ana.ruiz@googlemail.com", "anaruiz@gmail.com"),
            ("ana.ruiz+ads+more@outlook.com", "ana.ruiz@outlook.com"),
            ("ana+x@hotmail.com", "ana@hotmail.com"),
            ("ana+x@fastmail.com", "ana@fastmail.com"),
            ("ana-ruiz+x@proton.me", "ana-ruiz@proton.me"),
        ] {
            assert_eq!(address_key(variant, true), key, "{variant}");
            assert_eq!(address_key(variant, false), variant);
        }
    }

    #[test]
    fn what_may_be_two_mailboxes_keeps_two_keys() {
        for address in [
            "ana.ruiz@outlook.com",
            "ana+ads@acme.com",
            "a.na@acme.com",
            "ana-shop@yahoo.com",
            "ana+x@yahoo.com",
            "ana+x@icloud.com",
            "ana.ruiz@proton.me",
            "ana+x@mail.gmail.com",
            "+x@gmail.com",
        ] {
            assert_eq!(address_key(address, true), address);
        }
        assert_ne!(
            address_key("ana@hotmail.com", true),
            address_key("ana@outlook.com", true)
        );
        assert_ne!(address_key("ana@proton.me", true), address_key("ana@pm.me", true));
    }

    #[test]
    fn a_suggestion_takes_tags_off_everywhere() {
        assert_eq!(untagged("ana+ads@acme.com"), "ana@acme.com");
        assert_eq!(untagged("a.na+ads@googlemail.com"), "ana@gmail.com");
        assert_eq!(untagged("+ads@acme.com"), "+ads@acme.com");
    }

    #[test]
    fn free_mail_is_told_from_company_mail() {
        assert!(FREE_MAIL.is_sorted());
        for domain in ["gmail.com", "yahoo.co.uk", "gmx.de", "live.nl", "web.de"] {
            assert!(is_free_mail(domain), "{domain}");
        }
        for domain in [
            "acme.com",
            "live.acme.com",
            "yahoo.acme.com",
            "outlook-partners.com",
            "gmx",
        ] {
            assert!(!is_free_mail(domain), "{domain}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key_and_keeps_a_name(
            local in "[a-z+][a-z+.]{0,4}[a-z]",
            domain in prop::sample::select(vec!["gmail.com", "googlemail.com", "outlook.com", "acme.com"]),
        ) {
            let key = address_key(&format!("{local}@{domain}"), true);
            prop_assert_eq!(address_key(&key, true), key.clone());
            prop_assert!(!key.starts_with('@'));
        }
    }
}
