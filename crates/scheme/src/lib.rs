//! The card network's side: links that speak ISO 8583, and simulated messages. A PAN that arrives
//! becomes a fingerprint at once; the clear PAN ends here.

mod card_reference;
mod error;
mod intake;
mod link;
mod network;
mod network_code;
mod order;
mod pin;
mod purchase;
mod translate;

pub use error::SchemeError;
pub use intake::Intake;
pub use link::{
    ConnectionState, ConnectionStatus, Link, LinkCaps, LinkCounters, LinkKeyStatus, LinkMode,
    LinkSecurity, LinkSettings, LinkState, LinkStatus, LinkTimes, LinkTls, MacUse, ManageError,
    Management, ManagementAnswer, OwnSender, SignOn, Target, keep_keys, serve_link,
};
pub use network::SimulatedNetwork;
pub use purchase::{
    CardReference, Increment, MessageClass, NetworkDecision, Purchase, Refund, RefundOf, Reversing,
};
pub use translate::{CardReading, Codes, Cvv2Place, Place, RequestRules};
