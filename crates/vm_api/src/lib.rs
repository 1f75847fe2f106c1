//! Dialect 2, the VM API. The envelope is a layer round plain handlers; the table of routes is
//! `routes.rs`.

mod account;
mod budget;
mod call;
mod caller;
mod cards;
mod envelope;
mod listings;
mod openapi;
mod opening;
mod operation;
mod repeats;
mod reply;
mod routes;
mod state;
mod token;
mod webhooks;

pub use reply::json;
pub use routes::{routes, vm_api_document, vm_paths};
pub use state::{ApiSettings, ApiState};
