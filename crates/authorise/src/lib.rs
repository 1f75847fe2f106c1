//! One authorisation from its arrival to its answer, in named steps: load, check, convert, hold,
//! forward, settle. Each step leaves its line in the decision receipt. What the network sends
//! afterwards (increment, completion, reversal, clearing and refund) is here too.

mod admissible;
mod advice;
mod authoriser;
mod authoriser_parts;
mod balances;
mod caller;
mod checks;
mod clearing;
mod convert;
mod decision;
mod decline;
mod endpoint;
mod expiry;
mod fault;
mod forward;
mod held;
mod hold;
mod late;
mod late_reads;
mod left_behind;
mod load;
mod network_facts;
mod parts;
mod receipt;
mod recover;
mod repeat;
mod request;
mod reversal;
mod settle;
#[cfg(test)]
mod test_objects;
mod three_ds;
mod undecided;
mod unusable;
mod webhooks;

pub use advice::advice_worker;
pub use authoriser::Authoriser;
pub use authoriser_parts::AuthoriserParts;
pub use balances::CardBalances;
pub use clearing::{ClearingError, ForceRequest};
pub use expiry::HoldExpiryWorker;
pub use network_facts::NetworkFacts;
pub use request::{
    AdviceAnswer, AdviceRequest, AuthorisationAnswer, AuthorisationRequest, AuthoriseError,
    ChipVerdict, NetworkReversal, NotFollowed, Presented, PresentedValue, ReversalAnswer,
    ReversalRequest,
};
pub use three_ds::{ChallengeError, Challenges, challenge_expiry_worker};
