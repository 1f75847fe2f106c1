//! Webhooks, from the outbox to the enterprise's server (cardbridge-open-api.md section 9).

mod attempt;
mod receiver;
mod retry;
mod under_way;
mod worker;

pub use retry::RETRY_DELAYS_S;
pub use worker::WebhookWorker;
