//! What all three OpenAPI documents, and the pages beside them, must be.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod openapi_rules;
mod samples;
mod written_contract;
