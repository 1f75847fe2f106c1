//! Between the messages of a network and the domain's words (network-iso8583.md sections 3 to 5).

mod amounts;
mod balances;
mod codes;
pub(crate) mod field;
mod identity;
mod merchant;
mod order;
mod presented;
mod reply;

pub use codes::Code;
pub(crate) use codes::Refusal;
pub use merchant::Place;
pub(crate) use order::{Network, advice_of, order_of, require, reversal_of};
pub(crate) use reply::{Reply, reply_of, reply_of_advice, reply_of_reversal};
