//! The card network's side. A PAN that arrives becomes a fingerprint at once; the clear
//! PAN ends here.

mod card_reference;
mod error;
mod network;
mod pin;
mod purchase;

pub use error::SchemeError;
pub use network::SimulatedNetwork;
pub use purchase::{CardReference, Increment, Purchase, Refund, RefundOf};
