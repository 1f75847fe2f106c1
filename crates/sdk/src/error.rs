//! The failures of a call.

use domain::ErrorCode;
use thiserror::Error;

/// Why a call gave no result.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The base URL is not an absolute `http` or `https` URL.
    #[error("the base URL must be an absolute http or https URL")]
    BaseUrl,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Setup(#[source] reqwest::Error),
    /// The request could not be written as JSON.
    #[error("the request could not be written as JSON")]
    Request(#[source] serde_json::Error),
    /// No answer, or only part of one, arrived. Carries no URL, since queries are private.
    #[error("the call did not complete")]
    Transport(#[source] reqwest::Error),
    /// The answer is larger than any that the API gives.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer is not an envelope.
    #[error("HTTP {http_status} without an envelope")]
    NotAnEnvelope {
        /// HTTP status.
        http_status: u16,
    },
    /// The platform refused the request.
    #[error("{code}: {}", detail.as_deref().or(message.as_deref()).unwrap_or("no message"))]
    Refused {
        /// Code of cardbridge-open-api.md section 11.
        code: String,
        /// Its short text.
        message: Option<String>,
        /// The exact fault.
        detail: Option<String>,
        /// HTTP status.
        http_status: u16,
    },
    /// A success whose data is not what the operation returns.
    #[error("the answer's data has an unexpected form")]
    Data(#[source] serde_json::Error),
}

impl ClientError {
    /// The code of the platform's refusal, if it refused and the code is published.
    #[must_use]
    pub fn refusal(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => code.parse().ok(),
            _ => None,
        }
    }
}
