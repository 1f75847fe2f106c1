//! The card network's side. A PAN that arrives becomes a fingerprint at once; the clear
//! PAN ends here.

mod card_reference;
mod error;
mod intake;
mod network;
mod order;
mod pin;
mod purchase;

pub use error::SchemeError;
pub use intake::Intake;
pub use network::SimulatedNetwork;
pub use purchase::{CardReference, Increment, Purchase, Refund, RefundOf};
