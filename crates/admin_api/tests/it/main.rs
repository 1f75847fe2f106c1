//! The operator and sandbox APIs over real sockets, on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod balance;
mod end_of_time;
mod enterprises;
mod idempotency;
mod keyed_calls;
mod listing;
mod long_answers;
mod mailbox;
mod openapi;
mod parts;
mod pasted_keys;
mod problems;
mod purchases;
mod vm_apps;
mod vm_cards_elsewhere;
