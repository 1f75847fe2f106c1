//! The operator API and the sandbox API, on the admin listener.
//!
//! A request passes the listener's shell, the operator's token and the key that has a call
//! carried out once (`operator/guard.rs`), then one handler, which parses, calls one function
//! and renders. Every route stands in `operator/routes.rs` or `sandbox/routes.rs`.

mod answer_body;
mod call;
mod card_reference;
mod fields;
mod operator;
mod paging;
mod problem;
mod problem_codes;
pub mod request_bodies;
mod route;
mod sandbox;
mod state;

pub use operator::{admin_service, openapi_document};
pub use state::{AdminToken, ApiSettings, ApiState};
