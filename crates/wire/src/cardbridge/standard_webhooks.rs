//! The headers of the Standard Webhooks specification, sent beside the dialect's own
//! `X-Signature`. Here the secret is base64-decoded first.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{hmac_sha256, hmac_sha256_matches};
use thiserror::Error;

/// Header with the message's id, the deduplication key.
pub const ID_HEADER: &str = "webhook-id";
/// Header with the seconds since the epoch at which this attempt is made (real time).
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Our own header with the message's number among all messages about its object, from 1. A receiver
/// that has not seen the number before this one has missed a message.
pub const SEQUENCE_HEADER: &str = "webhook-sequence";
/// Header with one or more signatures, separated by blanks.
pub const SIGNATURE_HEADER: &str = "webhook-signature";
/// Largest distance of the timestamp from the receiver's own time, in seconds.
pub const TOLERANCE_SECONDS: i64 = 300;

const VERSION: &str = "v1,";
/// Most signatures read from one header: rotation needs two.
const MAX_SIGNATURES: usize = 8;

/// A secret that is not base64, so it cannot be a key of this scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the secret is not base64")]
pub struct SecretError;

/// Why a webhook cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StandardWebhookError {
    /// The secret is not base64.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The timestamp is not a number, or too far from now.
    #[error("the timestamp is outside the tolerance")]
    Timestamp,
    /// No signature matches.
    #[error("no signature matches")]
    Signature,
}

/// The value of `webhook-signature`: `v1,` and the base64 HMAC-SHA256 of
/// `id.timestamp.body`.
///
/// # Errors
/// The secret is not base64.
pub fn signature(
    secret: &str,
    id: &str,
    timestamp_seconds: i64,
    body: &[u8],
) -> Result<String, SecretError> {
    let key = STANDARD.decode(secret).map_err(|_| SecretError)?;
    let timestamp = timestamp_seconds.to_string();
    let tag = hmac_sha256(&key, &message(id, &timestamp, body));
    Ok(format!("{VERSION}{}", STANDARD.encode(tag)))
}

/// Checks that one of the signatures in the header is right and the timestamp is near.
///
/// # Errors
/// Says which of the two checks failed, or that the secret is not a key.
pub fn verify(
    secret: &str,
    id: &str,
    timestamp_header: &str,
    signature_header: &str,
    body: &[u8],
    now_seconds: i64,
) -> Result<(), StandardWebhookError> {
    let key = STANDARD.decode(secret).map_err(|_| SecretError)?;
    let timestamp: i64 = timestamp_header.parse().map_err(|_| StandardWebhookError::Timestamp)?;
    if now_seconds.abs_diff(timestamp) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(StandardWebhookError::Timestamp);
    }
    let parts = message(id, timestamp_header, body);
    let matches =
        |tag: &str| STANDARD.decode(tag).is_ok_and(|tag| hmac_sha256_matches(&key, &parts, &tag));
    signature_header
        .split(' ')
        .take(MAX_SIGNATURES)
        .filter_map(|text| text.strip_prefix(VERSION))
        .any(matches)
        .then_some(())
        .ok_or(StandardWebhookError::Signature)
}

fn message<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const BODY: &[u8] = br#"{"webhookId":"1"}"#;
    const NOW: i64 = 1_735_689_600;

    #[test]
    fn a_signature_is_that_of_id_timestamp_and_body() {
        // Computed with:
        // openssl dgst -sha256 -mac HMAC -macopt key:0123456789abcdef0123456789abcdef
        let expected = "v1,YEZNLAUzuJPbDc9fIvZS/ENZA4lWgyZS7MHdfBwiIcY=";
        assert_eq!(signature(SECRET, "1", NOW, BODY).as_deref(), Ok(expected));
        assert_eq!(signature("***", "1", NOW, BODY), Err(SecretError));
    }

    #[test]
    fn a_receiver_accepts_what_was_sent_and_nothing_else() {
        let good = signature(SECRET, "1", NOW, BODY).unwrap();
        let rotated = format!("v1,AAAA v2,x {good}");
        let now_text = NOW.to_string();
        let check = |id: &str, time: &str, sign: &str, body: &[u8], now| {
            verify(SECRET, id, time, sign, body, now)
        };
        assert_eq!(check("1", &now_text, &good, BODY, NOW + 300), Ok(()));
        assert_eq!(check("1", &now_text, &rotated, BODY, NOW - 300), Ok(()));
        let timestamp = Err(StandardWebhookError::Timestamp);
        assert_eq!(check("1", &now_text, &good, BODY, NOW + 301), timestamp);
        assert_eq!(check("1", "soon", &good, BODY, NOW), timestamp);
        let signature = Err(StandardWebhookError::Signature);
        assert_eq!(check("2", &now_text, &good, BODY, NOW), signature);
        assert_eq!(check("1", &(NOW + 1).to_string(), &good, BODY, NOW), signature);
        assert_eq!(check("1", &now_text, &good, b"{}", NOW), signature);
        assert_eq!(check("1", &now_text, &good[3..], BODY, NOW), signature);
    }
}
