//! Why a request was not sent, or brought no usable answer.

use thiserror::Error;

/// Why a request brought no usable answer. No text shows the URL, the headers or
/// a body, so it may be logged and shown to an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OutboundError {
    /// The URL cannot be used; the text says why.
    #[error("the URL is not usable: {0}")]
    BadUrl(&'static str),
    /// The host is, or resolves only to, addresses that the policy refuses.
    #[error("the address is refused by policy")]
    AddressRefused,
    /// No connection: unknown name, refused, unreachable, or the TLS handshake failed.
    #[error("no connection could be made")]
    Connect,
    /// The deadline passed before the whole answer was read.
    #[error("the deadline passed")]
    Timeout,
    /// The answer's body is larger than the caller's limit.
    #[error("the answer (status {status}) is larger than the limit")]
    TooLarge {
        /// HTTP status of the answer that was cut off.
        status: u16,
    },
    /// The connection broke or the other side did not speak HTTP.
    #[error("the exchange broke off")]
    Broken,
}

/// The client could not be built.
#[derive(Debug, Error)]
#[error("the HTTPS client cannot be built: {0}")]
pub struct SetupError(#[source] pub(crate) rustls::Error);
