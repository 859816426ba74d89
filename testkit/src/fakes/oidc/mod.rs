//! A stateful OpenID Connect provider: discovery, keys, authorisation with PKCE, tokens, key rotation, and the wrong
//! tokens that an attacker or a broken provider would send.
//!
//! What is stored: the keys and which of them are published, the codes that were given and not redeemed, the people who
//! can sign in, a log of requests. All of it is in memory and gone with the server.
//!
//! How it moves: `/authorize` checks what the client asks and gives a code; `/token` takes each code once, with the
//! client's credentials and the verifier that fits the challenge, and answers with an ID token.
//!
//! What must hold: without a fault everything is as the specification says, and a request that breaks it is refused, so
//! that a client that forgets PKCE, nonce or state fails its tests.

mod fault;
pub(in crate::fakes) mod keys;
mod options;
mod pages;
mod server;
mod state;
mod tokens;

#[cfg(test)]
mod tests;

pub use self::{
    fault::Fault,
    options::{OidcOptions, User},
    server::OidcServer,
    state::Kind,
};
