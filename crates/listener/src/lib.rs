//! The common parts of all listeners, for any API. [`serve_listener`] accepts connections and gives
//! each a place. Its requests pass [`shell`] (trace id, own task, request log, panics) on their way
//! to the routes of an API. Those read bodies with [`body`], identify the caller with [`peer`],
//! count calls with [`limiter`] and carry out calls that have a key with [`once`].

pub mod body;
pub mod document;
pub mod limiter;
mod listener;
pub mod once;
pub mod peer;
mod places;
pub mod shell;
mod stalled;

pub use listener::{ListenerSettings, MAX_CONNECTIONS, Stop, serve_listener};
pub use peer::PeerAddress;
pub use shell::HttpService;
