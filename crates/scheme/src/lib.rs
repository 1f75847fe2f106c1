//! The card network's side: links that speak ISO 8583, and simulated messages. A PAN that arrives
//! becomes a fingerprint at once; the clear PAN ends here.

mod card_reference;
mod error;
mod intake;
mod link;
mod network;
mod order;
mod pin;
mod purchase;
mod translate;

pub use error::SchemeError;
pub use intake::Intake;
pub use link::{
    ConnectionState, ConnectionStatus, Link, LinkCaps, LinkCounters, LinkMode, LinkSettings,
    LinkState, LinkStatus, LinkTimes, LinkTls, ManageError, Management, ManagementAnswer, SignOn,
    Target, serve_link,
};
pub use network::SimulatedNetwork;
pub use purchase::{CardReference, Increment, Purchase, Refund, RefundOf};
pub use translate::{Code, Codes, Place, RequestRules};
