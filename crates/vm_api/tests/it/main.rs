//! Dialect 2 over real sockets, on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod acceptance;
mod cards;
mod envelope;
mod fees;
mod filters;
mod listings;
mod openapi;
mod repeats;
mod settings;
mod storms;
mod tokens;
mod webhooks;
