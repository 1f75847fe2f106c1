//! The rules of all three OpenAPI documents and of the pages beside them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod openapi_rules;
mod samples;
mod written_contract;
