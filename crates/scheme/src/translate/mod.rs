//! Between the messages of a network and the domain's words (network-iso8583.md sections 3 to 5).

mod amounts;
mod balances;
mod chip;
mod codes;
mod fact;
mod facts;
pub(crate) mod field;
mod identity;
mod merchant;
mod moments;
mod order;
mod presence;
mod presented;
mod reading;
mod reconciliation;
mod reply;
mod rules;
mod track;

pub(crate) use chip::answer_chip;
pub(crate) use codes::Refusal;
pub use codes::{Code, Codes};
pub(crate) use fact::{advice_of, reversal_of};
pub use merchant::Place;
pub(crate) use order::{Network, order_of};
pub(crate) use presence::require;
pub use reading::{CardReading, Cvv2Place};
pub(crate) use reconciliation::{Reconciliation, fields_of, reconciliation_of};
pub(crate) use reply::{Reply, Settled, reply_of, reply_of_advice, reply_of_reversal};
pub use rules::RequestRules;
