//! Both dialects and the hosted pages, on the public listener.
//!
//! A request passes the listener's shell, its dialect's own guard (a signature, or a token and
//! an envelope) and one handler, which parses, calls one function and renders. Every route
//! stands in `cardbridge/routes.rs` or `vm/routes.rs`.

mod cardbridge;
mod pages;
mod state;
mod uploads;
mod vm;

pub use cardbridge::{open_api_document, public_paths, public_service};
pub use state::{ApiSettings, ApiState};
pub use vm::{vm_api_document, vm_paths};
