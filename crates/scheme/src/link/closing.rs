//! Why a connection is closed (network-iso8583.md section 1.2).

use iso8583::FrameFault;

/// The reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// A frame was begun and not completed in time, or the stream ended inside it.
    PartialFrame,
    /// The peer closed it.
    PeerClosed,
    /// A length above the largest frame.
    Oversized,
    /// A length that is not one.
    BadLength,
    /// Too many messages that cannot be decoded.
    Garbage,
    /// Nothing was received for too long.
    Idle,
    /// Echo tests were not answered.
    NoEcho,
    /// The platform's sign-ons were not accepted.
    NoSignOn,
    /// TLS was not agreed on in time, or the peer lacks a certificate.
    Tls,
    /// The peer does not read.
    SlowReader,
    /// Too many connections, or an address that is not allowed.
    Refused,
    /// The platform stops.
    Stopped,
}

impl CloseReason {
    /// Its name in logs and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PartialFrame => "partial_frame",
            Self::PeerClosed => "peer_closed",
            Self::Oversized => "oversized",
            Self::BadLength => "bad_length",
            Self::Garbage => "garbage",
            Self::Idle => "idle",
            Self::NoEcho => "no_echo",
            Self::NoSignOn => "no_sign_on",
            Self::Tls => "tls",
            Self::SlowReader => "slow_reader",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }
}

impl From<FrameFault> for CloseReason {
    fn from(fault: FrameFault) -> Self {
        match fault {
            FrameFault::Oversized => Self::Oversized,
            FrameFault::BadLength => Self::BadLength,
        }
    }
}
