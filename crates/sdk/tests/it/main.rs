//! The client against a server that gives one answer, and the server half against the platform.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod notice;
