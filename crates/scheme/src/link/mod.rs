//! Links to card networks: listeners, connections, sign-on and caps (network-iso8583.md sections 1
//! and 7). What is decided is in pure files (`session`, `own_requests` with
//! `sign_on` and `echo`, `reconnect`, `garbage`, `rate`, `outage`, `read_buffer`); `serving`,
//! `connecting`, `life` and `writer` do the I/O; `connection` handles what was read.

mod authentication;
mod chips;
mod closing;
mod command;
mod connecting;
mod connection;
mod deliveries;
mod echo;
mod facts;
mod forced;
mod garbage;
mod life;
mod managing;
mod meters;
mod outage;
mod outgoing;
mod own;
mod own_requests;
mod pins;
mod processing;
mod rate;
mod read_buffer;
mod reconciling;
mod reconnect;
mod security;
mod serving;
mod session;
mod settings;
mod shared;
mod sign_on;
mod socket;
mod status;
mod writer;
mod zone_keys;

pub use managing::ManageError;
pub use own::{Management, OwnSender};
pub use own_requests::ManagementAnswer;
pub use security::{LinkSecurity, MacUse};
pub use serving::serve_link;
pub use session::ConnectionState;
pub use settings::{LinkCaps, LinkMode, LinkSettings, LinkTimes, LinkTls, SignOn, Target};
pub use shared::Link;
pub use status::{ConnectionStatus, LinkCounters, LinkKeyStatus, LinkState, LinkStatus};
pub use zone_keys::keep_keys;
