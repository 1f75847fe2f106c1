//! Dialect 1, the CardBridge open API, and the hosted pages, on the public listener.
//!
//! A request passes the listener's shell, the guard of the dialect (a signature) and one
//! handler, which parses, calls one function and renders. Every route stands in
//! `cardbridge/routes.rs`.

mod cardbridge;
mod pages;
mod state;
mod uploads;

pub use cardbridge::{
    internal_error, normalise_path, open_api_document, public_paths, routes, transport_failure,
};
pub use state::{ApiSettings, ApiState};
