//! One-time extraction of an API key (cardbridge-open-api.md section 4). Pure.

use std::net::IpAddr;

use crate::text::text_enum;
use crate::{EnterpriseId, Timestamp};

text_enum! {
    /// The outcome of an attempt to fetch a key with a code that exists.
    ExtractionOutcome {
        /// The key was made and handed over.
        Extracted = "EXTRACTED",
        /// The code's time is over.
        Expired = "EXPIRED",
        /// The code was used before.
        Used = "USED",
        /// Another address than the registered one asked; the code stays as it is.
        WrongAddress = "WRONG_ADDRESS",
    }
}

/// A code that fetches one API key once. The code itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyExtraction {
    /// SHA-256 of the code.
    pub code_digest: [u8; 32],
    /// The enterprise whose key it fetches.
    pub enterprise_id: EnterpriseId,
    /// The only address that may fetch it.
    pub source_ip: IpAddr,
    /// Created (business time).
    pub created_at: Timestamp,
    /// When it expires (business time).
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

impl KeyExtraction {
    /// Validity of a code, in seconds (cardbridge-open-api.md section 14, U2).
    pub const VALIDITY_S: i64 = 24 * 3_600;

    /// The outcome of an attempt from `source`, checked in the order of cardbridge-open-api.md
    /// section 4.
    #[must_use]
    pub fn judge(&self, source: IpAddr, now: Timestamp) -> ExtractionOutcome {
        if now >= self.expires_at {
            ExtractionOutcome::Expired
        } else if self.used_at.is_some() {
            ExtractionOutcome::Used
        } else if source.to_canonical() != self.source_ip.to_canonical() {
            ExtractionOutcome::WrongAddress
        } else {
            ExtractionOutcome::Extracted
        }
    }
}

/// An attempt to fetch a key with a code that exists, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractionAttempt {
    /// The enterprise whose key was requested.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub attempt_id: i64,
    /// Its outcome.
    pub outcome: ExtractionOutcome,
    /// The address that asked.
    pub source_ip: IpAddr,
    /// The key that was made, if one was.
    pub api_key: Option<String>,
    /// When (business time).
    pub attempted_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_registered_address_fetches_it_once_and_in_time() {
        let at = Timestamp::from_micros;
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let fresh = KeyExtraction {
            code_digest: [0; 32],
            enterprise_id: EnterpriseId::from_i64(1),
            source_ip: address("192.0.2.7"),
            created_at: at(0),
            expires_at: at(100),
            used_at: None,
        };
        let used = KeyExtraction { used_at: Some(at(1)), ..fresh.clone() };
        let (own, other) = (address("192.0.2.7"), address("192.0.2.8"));
        assert_eq!(fresh.judge(own, at(99)), ExtractionOutcome::Extracted);
        assert_eq!(fresh.judge(address("::ffff:192.0.2.7"), at(0)), ExtractionOutcome::Extracted);
        assert_eq!(fresh.judge(own, at(100)), ExtractionOutcome::Expired);
        assert_eq!(fresh.judge(other, at(0)), ExtractionOutcome::WrongAddress);
        assert_eq!(used.judge(own, at(2)), ExtractionOutcome::Used);
        assert_eq!(used.judge(own, at(100)), ExtractionOutcome::Expired);
    }
}
