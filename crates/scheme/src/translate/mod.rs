//! Between the messages of a network and the domain's words (network-iso8583.md sections 3 to 5).

mod amounts;
mod balances;
mod chip;
mod chosen_codes;
mod codes;
mod dates;
mod fact;
mod facts;
pub(crate) mod field;
mod identity;
mod kind;
mod merchant;
mod moments;
mod order;
mod place;
mod presence;
mod presented;
mod reading;
mod reconciliation;
mod reply;
mod rules;
mod track;
mod words;

pub(crate) use chip::answer_chip;
pub use chosen_codes::Codes;
pub(crate) use codes::{Code, Refusal};
pub(crate) use dates::with_year;
pub(crate) use fact::{advice_of, reversal_of};
pub(crate) use order::{Network, order_of};
pub use place::Place;
pub(crate) use presence::require;
pub use reading::{CardReading, Cvv2Place};
pub(crate) use reconciliation::{FieldText, Reconciliation, fields_of, reconciliation_of};
pub(crate) use reply::{Reply, Settled, reply_of, reply_of_advice, reply_of_reversal};
pub use rules::RequestRules;
pub(crate) use words::{ManagementWords, Topic, management_words};
