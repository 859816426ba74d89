//! What browsers need: the sign-in pages, and the cookie in front of REST.
//!
//! How a request moves: paths of signing in are answered here; with every other request the session's cookie is taken
//! off and handed on as an extension, together with whether another site may have brought the request about. gRPC and
//! gRPC-web do not come through here: they take keys alone. What must hold: what a cookie allows is never done for
//! another site, nothing of a form or a cookie is logged, and no answer may be framed, cached or read by another origin.

mod answers;
mod cookies;
mod desk;
mod form;
mod origin;
mod pages;

pub use self::desk::Desk;
