//! Plays the world around the platform: an enterprise with its own HTTP server for authorisation
//! notices and webhooks, and a merchant of dialect 2. Everything goes over real HTTP.

mod behaviour;
mod enterprise;
mod merchant;

pub use behaviour::Behaviour;
pub use enterprise::{Enterprise, Notice, Trust, Webhook};
pub use merchant::Merchant;
