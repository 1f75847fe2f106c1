//! Dialect 1, the CardBridge open API, and the hosted pages, on the public listener.
//!
//! A request passes the listener's shell, the guard of the dialect (`guard.rs`: a signature) and
//! one handler, which parses, calls one function and renders. Every route is in `routes.rs`.

mod authenticate;
mod call;
mod card;
mod card_order;
mod card_redirect;
mod customer;
mod enterprise;
mod explained;
mod foreign_fields;
mod guard;
mod intent_ticket;
mod kyc;
mod openapi;
mod operation;
mod pages;
mod reply;
mod routes;
mod secret_extract;
mod secure_card;
mod send_otp;
mod settlement;
mod signers;
mod simulation;
mod state;
mod three_ds;
mod upload;
mod uploads;
mod webhooks;

pub use reply::transport_failure;
pub use routes::{internal_error, normalise_path, open_api_document, public_paths, routes};
pub use signers::Signers;
pub use state::{ApiSettings, ApiState};
