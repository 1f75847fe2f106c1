//! Plays the world around the platform: an enterprise with its own HTTP server for authorisation
//! notices and webhooks, a merchant of dialect 2, and a card network or its host by a script.
//! Everything goes over real connections.

mod behaviour;
mod enterprise;
mod merchant;
pub mod network;

pub use behaviour::Behaviour;
pub use enterprise::{Enterprise, Notice, Trust, Webhook};
pub use merchant::Merchant;
