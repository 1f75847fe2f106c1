//! Links to card networks: listeners, connections, sign-on and caps (network-iso8583.md sections 1
//! and 7). What is decided is in pure files (`session`, `echo`, `garbage`, `rate`, `outage`,
//! `read_buffer`); `listening`, `connection` and `writer` do the I/O.

mod authentication;
mod chips;
mod closing;
mod connection;
mod echo;
mod garbage;
mod listening;
mod meters;
mod outage;
mod outgoing;
mod pins;
mod rate;
mod read_buffer;
mod security;
mod session;
mod settings;
mod shared;
mod socket;
mod status;
mod writer;
mod zone_keys;

pub use listening::serve_link;
pub use security::{LinkSecurity, MacUse};
pub use session::ConnectionState;
pub use settings::{LinkCaps, LinkSettings, LinkTimes, SignOn};
pub use shared::Link;
pub use status::{ConnectionStatus, LinkCounters, LinkKeyStatus, LinkState, LinkStatus};
pub use zone_keys::keep_keys;
