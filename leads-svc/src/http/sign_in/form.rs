//! Forms and queries: pairs of a name and a text.

use http::{HeaderMap, header};
use http_body_util::{BodyExt, Limited};
use leads_proto::reason::Reason;
use tonic::body::Body;
use url::form_urlencoded;

use crate::service::error::{Error, Result};

/// A key and a path are all that a form of ours holds.
const MAX_BYTES: usize = 4 * 1024;

/// See the module. Debug output would show keys, so there is none.
#[derive(Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The pairs of a query.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        Self::parse(query.unwrap_or_default().as_bytes())
    }

    /// The pairs of a form that was posted.
    ///
    /// # Errors
    /// `UNSUPPORTED_MEDIA_TYPE`, `MESSAGE_TOO_LARGE`, `MALFORMED_REQUEST`.
    pub(super) async fn of_body(headers: &HeaderMap, body: Body) -> Result<Self> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(Error::new(
                Reason::UnsupportedMediaType,
                "the content type must be application/x-www-form-urlencoded",
            ));
        }
        let read = Limited::new(body, MAX_BYTES).collect().await;
        let bytes = read
            .map_err(|error| {
                if error.is::<http_body_util::LengthLimitError>() {
                    Error::new(Reason::MessageTooLarge, "the form is larger than 4 KiB")
                } else {
                    Error::new(Reason::MalformedRequest, "the request ended before its form did")
                }
            })?
            .to_bytes();
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The text of a name; empty if it is not there, or there twice.
    pub(super) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The text of a name, if it is there once.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        let (_, text) = found.next()?;
        found.next().is_none().then_some(text)
    }
}
