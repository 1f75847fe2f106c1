//! Webhooks, from the outbox to the enterprise's server (cardbridge-open-api.md section 9).

mod attempt;
mod deliveries_in_flight;
mod receiver;
mod retry;
mod worker;

pub use retry::RETRY_DELAYS_S;
pub use worker::WebhookWorker;
