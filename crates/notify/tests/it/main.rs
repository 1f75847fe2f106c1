//! Webhooks from a real embedded store to a real HTTP receiver.

mod bed;
mod deliveries;
mod isolation;
mod receiver;
mod settings;
