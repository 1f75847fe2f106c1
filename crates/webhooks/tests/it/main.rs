//! Webhooks from a real embedded store to a real HTTP receiver.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod bed;
mod deliveries;
mod isolation;
mod receiver;
mod settings;
