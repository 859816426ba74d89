//! People with browsers: how they sign in, what their sessions may do, and what other sites and providers try.

mod attacks;
mod browser;
mod keys;
mod pages;
mod provider;
mod sessions;
mod tokens;
