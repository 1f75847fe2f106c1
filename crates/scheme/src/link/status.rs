//! What an operator sees of a link (network-iso8583.md section 7.6).

use std::net::SocketAddr;

use domain::{LinkKeyKind, Timestamp, text_enum};

use super::session::ConnectionState;

text_enum! {
    /// The state of a link to a card network.
    LinkState {
        /// A connection is signed on.
        Up = "UP",
        /// No connection is signed on.
        Down = "DOWN",
        /// It stops.
        Draining = "DRAINING",
    }
}

/// A connection.
#[derive(Debug, Clone)]
pub struct ConnectionStatus {
    /// Its number within the link.
    pub id: u64,
    /// The peer's address.
    pub peer: SocketAddr,
    /// The name in the peer's certificate; `None` without TLS, and if it shows none.
    pub tls_peer: Option<String>,
    /// Its state.
    pub state: ConnectionState,
    /// When it was made, in real time.
    pub since: Timestamp,
    /// Requests under way.
    pub in_flight: usize,
    /// When something was received last, in real time.
    pub last_received_at: Option<Timestamp>,
    /// When something was sent last, in real time.
    pub last_sent_at: Option<Timestamp>,
}

/// Counts of a link since the start of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinkCounters {
    /// Messages that were decoded.
    pub received: u64,
    /// Answers that were written.
    pub answered: u64,
    /// Requests that were approved.
    pub approved: u64,
    /// Requests that were declined.
    pub declined: u64,
    /// Requests that were known already.
    pub repeats: u64,
    /// Messages that could not be decoded.
    pub format_errors: u64,
    /// Messages without the right authentication code.
    pub mac_errors: u64,
    /// PIN blocks that could not be opened.
    pub pin_errors: u64,
    /// Messages that were answered without a decision.
    pub refused: u64,
    /// Answers that could not be written, or came too late to be.
    pub undelivered: u64,
    /// Reversals that came before their originals.
    pub early_reversals: u64,
    /// Advices and reversals that are not posted, so that an operator must look.
    pub unposted_advices: u64,
}

/// A zone key in use.
#[derive(Debug, Clone)]
pub struct LinkKeyStatus {
    /// Its use.
    pub kind: LinkKeyKind,
    /// Its check value: six hexadecimal digits.
    pub check_value: String,
    /// When it came, in real time; for one of the configuration, when the process started.
    pub activated_at: Timestamp,
}

/// A link.
#[derive(Debug, Clone)]
pub struct LinkStatus {
    /// Its state.
    pub state: LinkState,
    /// Its connections, oldest first.
    pub connections: Vec<ConnectionStatus>,
    /// Its counters.
    pub counters: LinkCounters,
    /// Its zone keys.
    pub keys: Vec<LinkKeyStatus>,
}
