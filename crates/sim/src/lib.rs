//! Plays the world round the platform: an enterprise with its own HTTP server for
//! authorisation notices and webhooks, and an operator (who in the sandbox is also the
//! card network and the shopper). Everything goes through real HTTP.

mod behaviour;
mod enterprise;
mod operator;

pub use behaviour::Behaviour;
pub use enterprise::{Enterprise, Notice, Trust, Webhook};
pub use operator::{Operator, OperatorError};
