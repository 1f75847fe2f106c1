//! Listeners and routes: dialect 1 on the public listener, the operator API and the
//! sandbox API on the admin listener.
//!
//! A request passes [`listener::serve_listener`], the shell every listener shares (trace id,
//! request log, panics), the listener's own guard (signature or token) and one
//! handler, which parses, calls one function and renders. Every route stands in
//! `cardbridge/routes.rs`, `operator/routes.rs` or `sandbox/routes.rs`.

mod card_reference;
mod cardbridge;
mod fields;
mod operator;
mod pages;
mod paging;
mod problem;
mod problem_codes;
pub mod request_bodies;
mod sandbox;
mod state;
mod uploads;
mod vm;

pub use cardbridge::{open_api_document, public_paths, public_service};
pub use operator::{admin_service, openapi_document};
pub use state::{AdminToken, ApiSettings, ApiState};
pub use vm::{vm_api_document, vm_paths};
