//! Between the messages of a network and the domain's words (network-iso8583.md sections 3 to 5).

mod chip;
mod codes;
pub(crate) mod field;
mod identity;
mod merchant;
mod order;
mod presented;
mod reading;
mod reply;
mod track;

pub(crate) use chip::answer_chip;
pub use codes::Code;
pub(crate) use codes::Refusal;
pub use merchant::Place;
pub(crate) use order::{Network, order_of, require};
pub use reading::{CardReading, Cvv2Place};
pub(crate) use reply::{Reply, reply_of};
