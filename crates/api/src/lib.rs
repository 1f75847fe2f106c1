//! Listeners and routes: dialect 1 on the public listener, the operator API and the
//! sandbox API on the admin listener.
//!
//! A request passes [`serve_listener`], the shell every listener shares (trace id,
//! request log, panics), the listener's own guard (signature or token) and one
//! handler, which parses, calls one function and renders. Every route stands in
//! `cardbridge/routes.rs`, `operator/routes.rs` or `sandbox/routes.rs`.

mod address_limit;
mod body;
mod card_reference;
mod cardbridge;
mod described;
mod document;
mod fields;
mod listener;
mod once;
mod operator;
mod pages;
mod paging;
mod peer;
mod places;
mod problem;
mod problem_codes;
pub mod provision;
pub mod request_bodies;
mod sandbox;
mod shell;
mod stalled;
mod state;
mod uploads;
mod vm;

pub use cardbridge::{open_api_document, public_paths, public_service};
pub use listener::{ListenerSettings, MAX_CONNECTIONS, serve_listener};
pub use operator::{admin_service, openapi_document};
pub use peer::PeerAddress;
pub use shell::HttpService;
pub use state::{AdminToken, ApiSettings, ApiState, Mode};
pub use vm::{vm_api_document, vm_paths};
