//! The operator API on the admin listener (operator-and-sandbox.md section 3).

mod api_keys;
mod authorisation_body;
mod authorisations;
mod balance;
mod cards;
mod deliveries;
mod documents;
mod enterprise_body;
mod enterprise_patch;
mod enterprises;
mod funds;
mod fx_rates;
mod guard;
mod health;
pub(crate) mod idempotency;
mod jobs;
mod key_extraction;
mod ledger;
mod outstandings;
mod path_text;
mod plastic;
mod profile_body;
mod profiles;
mod recon;
mod reveals;
mod routes;
mod tickets;
mod transactions;
mod vm_apps;
mod vm_fees;
mod vm_products;

pub(crate) use authorisation_body::AuthorisationBody;
pub(crate) use path_text::PathText;
pub use routes::{admin_service, openapi_document};
pub(crate) use tickets::{IntentTicketBody, KycTicketBody, decide_intent, decide_kyc};
pub(crate) use transactions::TransactionBody;
