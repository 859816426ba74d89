//! The testkit's own servers, process runner and proxy, tried for real.

mod postgres;
mod process;
mod proxy;
mod redis;
