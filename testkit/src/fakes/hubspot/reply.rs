//! An answer before it becomes HTTP: status, body, and what the log should know about each input.

use serde::Serialize;

use super::log::Row;

/// Body with its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Json(Vec<u8>),
    Html(String),
    Empty,
}

/// What a handler answers.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub body: Body,
    /// One per input, in input order; empty for calls without inputs.
    pub rows: Vec<Row>,
}

impl Reply {
    pub fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            body,
            rows: Vec::new(),
        }
    }

    pub fn json<T: Serialize>(status: u16, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => Self::new(status, Body::Json(bytes)),
            Err(error) => Self::new(500, Body::Html(error.to_string())),
        }
    }

    pub fn no_content() -> Self {
        Self::new(204, Body::Empty)
    }

    #[must_use]
    pub fn with_rows(mut self, rows: Vec<Row>) -> Self {
        self.rows = rows;
        self
    }

    pub fn content_type(&self) -> Option<&'static str> {
        match self.body {
            Body::Json(_) => Some("application/json;charset=utf-8"),
            Body::Html(_) => Some("text/html;charset=utf-8"),
            Body::Empty => None,
        }
    }

    pub fn bytes(self) -> Vec<u8> {
        match self.body {
            Body::Json(bytes) => bytes,
            Body::Html(text) => text.into_bytes(),
            Body::Empty => Vec::new(),
        }
    }
}
