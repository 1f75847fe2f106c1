//! What all listeners share, whatever API is behind them.
//!
//! [`serve_listener`] accepts connections and gives each a place; a request of one passes
//! [`shell`] (trace id, task of its own, request log, panics) on its way to the routes of an
//! API. Those read bodies by [`body`], find out who calls by [`peer`], count calls by
//! [`limiter`] and carry out a call with a key by [`once`].

pub mod body;
pub mod document;
pub mod limiter;
mod listener;
pub mod once;
pub mod peer;
mod places;
pub mod shell;
mod stalled;

pub use listener::{ListenerSettings, MAX_CONNECTIONS, serve_listener};
pub use peer::PeerAddress;
pub use shell::HttpService;
