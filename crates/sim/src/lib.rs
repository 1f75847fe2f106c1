//! Plays the world round the platform: an enterprise with its own HTTP server for
//! authorisation notices and webhooks, a merchant of dialect 2, and an operator (who in the sandbox
//! is also the card network and the shopper). Everything goes through real HTTP.

mod behaviour;
mod enterprise;
mod merchant;
mod operator;

pub use behaviour::Behaviour;
pub use enterprise::{Enterprise, Notice, Trust, Webhook};
pub use merchant::Merchant;
pub use operator::{Operator, OperatorError};
