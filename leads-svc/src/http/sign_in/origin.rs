//! Whether a request may have been brought about by another site.
//!
//! Browsers say where a request comes from, in `Sec-Fetch-Site` and `Origin`, and pages cannot change either. A header
//! of our own comes on top: a page of another origin can send it only after asking, and is never answered that it may.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// What a page of ours sends with every write.
pub(super) const OWN_HEADER: HeaderName = HeaderName::from_static("leads-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Why a call with a session's cookie may be another site's; `None` if it is not. `own` is our origin.
pub(super) fn of_call(method: &Method, headers: &HeaderMap, own: &str) -> Option<&'static str> {
    if is_read(method) {
        return foreign(headers, own, true);
    }
    of_form(headers, own).or_else(|| {
        let carries = headers.get(&OWN_HEADER).is_some_and(|value| value == "1");
        (!carries).then_some("a write with a session needs the header `leads-csrf: 1`")
    })
}

/// The same for a form of ours, which can send no header.
pub(super) fn of_form(headers: &HeaderMap, own: &str) -> Option<&'static str> {
    foreign(headers, own, false).or_else(|| {
        let says_nothing = !headers.contains_key(&FETCH_SITE) && !headers.contains_key(header::ORIGIN);
        says_nothing
            .then_some("the request does not say where it comes from: neither Sec-Fetch-Site nor Origin came")
    })
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// What the browser says against us. A reader may have typed the address.
fn foreign(headers: &HeaderMap, own: &str, may_be_typed: bool) -> Option<&'static str> {
    let fits = |name: &HeaderName, allowed: &[&str]| {
        let mut values = headers.get_all(name).iter();
        values.all(|value| is_among(value, allowed))
    };
    let sites: &[&str] = if may_be_typed {
        &["same-origin", "none"]
    } else {
        &["same-origin"]
    };
    if !fits(&FETCH_SITE, sites) {
        return Some("the request comes from another site");
    }
    if !fits(&header::ORIGIN, &[own]) {
        return Some("the request comes from another origin");
    }
    None
}

fn is_among(value: &HeaderValue, allowed: &[&str]) -> bool {
    allowed.iter().any(|known| value == known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://leads.example";

    fn call(method: &Method, sent: &[(&'static str, &'static str)]) -> bool {
        of_call(method, &headers(sent), OWN).is_none()
    }

    fn headers(sent: &[(&'static str, &'static str)]) -> HeaderMap {
        sent.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn reads_are_refused_to_other_origins() {
        for sent in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("origin", OWN)],
        ] {
            assert!(call(&Method::GET, sent), "{sent:?}");
            assert!(call(&Method::HEAD, sent), "{sent:?}");
        }
        for sent in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://leads.example")],
            &[("origin", "null")],
            &[("origin", OWN), ("sec-fetch-site", "cross-site")],
            &[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "same-origin"),
            ],
        ] {
            assert!(!call(&Method::GET, sent), "{sent:?}");
        }
    }

    #[test]
    fn writes_need_a_word_of_the_browser_and_the_header() {
        let own = ("leads-csrf", "1");
        for sent in [
            &[own, ("origin", OWN)][..],
            &[own, ("sec-fetch-site", "same-origin")],
            &[own, ("origin", OWN), ("sec-fetch-site", "same-origin")],
        ] {
            for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
                assert!(call(&method, sent), "{method} {sent:?}");
            }
        }
        for sent in [
            &[][..],
            &[own],
            &[("origin", OWN)],
            &[("leads-csrf", "0"), ("origin", OWN)],
            &[own, ("sec-fetch-site", "none")],
            &[own, ("sec-fetch-site", "same-site")],
            &[own, ("origin", "null")],
            &[own, ("origin", "https://leads.example.evil.example")],
        ] {
            assert!(!call(&Method::POST, sent), "{sent:?}");
        }
    }

    #[test]
    fn forms_need_a_word_of_the_browser_alone() {
        assert_eq!(of_form(&headers(&[("origin", OWN)]), OWN), None);
        assert!(of_form(&headers(&[]), OWN).is_some());
        assert!(of_form(&headers(&[("origin", "null")]), OWN).is_some());
    }
}
