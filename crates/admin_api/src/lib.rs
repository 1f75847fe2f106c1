//! The operator API and the sandbox API, on the admin listener.
//!
//! A request passes the listener's shell, the check of the operator's token and of its
//! `Idempotency-Key` (`operator/guard.rs`), then one handler, which parses, calls one function
//! and renders. The tables of routes are `operator/table.rs` and `sandbox/routes.rs`.

mod answer_body;
mod begun;
mod call;
mod card_reference;
mod fields;
mod operator;
mod paging;
mod problem;
mod problem_codes;
pub mod request_bodies;
mod reversing;
mod route;
mod sandbox;
mod state;

pub use operator::{admin_service, openapi_document};
pub use state::{AdminToken, ApiSettings, ApiState};
