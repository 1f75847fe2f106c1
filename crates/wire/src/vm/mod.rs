//! Dialect 2, the VM API (vm-api.md): the RSA envelope's framing, its codes, and the plain
//! objects inside it. No I/O, no keys.

pub mod account;
pub mod amount;
pub mod card;
mod card_answer;
pub mod envelope;
pub mod error_code;
pub mod flow;
pub mod framing;
pub mod parameters;
pub mod product;
mod schema;
pub mod settings;
mod standing;
pub mod time;
pub mod token;
pub mod transaction;
pub mod webhook;

pub use error_code::VmError;
pub use settings::VmSettings;
