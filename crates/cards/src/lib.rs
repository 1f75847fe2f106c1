//! Everything that has a life cycle and is not money: card orders and cards.
//!
//! [`Cards`] handles requests; [`order_worker`] moves orders on, one commit per step, each step
//! decided by the pure [`next_step`]; [`kyc_review_worker`] and [`intent_ticket_worker`] move
//! tickets on.

mod application;
mod apply;
mod contact;
mod customers;
mod delivery;
mod document_age;
mod edd;
mod error;
mod finish;
mod guidance;
mod issue;
mod kyc;
mod life;
mod magic;
mod normal;
mod plastic;
mod reading;
mod replacement;
mod review;
mod review_worker;
mod secure_data;
mod step;
mod velocity;
mod vm;
mod worker;

pub use apply::{Cards, CardsSettings, IdentityChecks};
pub use contact::{normalise_email, normalise_phone_of};
pub use error::CardsError;
pub use guidance::{NewGuidanceLink, RedirectRule, check_guided_card};
pub use magic::{OrderOutcome, Scenario};
pub use review::Verdict;
pub use review_worker::{intent_ticket_worker, kyc_review_worker};
pub use secure_data::RevealedCard;
pub use step::{StepDecision, next_step};
pub use velocity::CardVelocity;
pub use vm::{OpenedVmCard, VmRefusal};
pub use worker::order_worker;
