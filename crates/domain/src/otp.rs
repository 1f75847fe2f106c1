//! One-time passwords that an enterprise chose and we deliver (cardbridge-open-api.md section
//! 6.7.3). The password itself is never stored.

use crate::Timestamp;
use crate::text::text_enum;

text_enum! {
    /// The outcome of a delivery.
    OtpDeliveryStatus {
        /// On its way.
        Pending = "PENDING",
        /// The channel took it.
        Succeeded = "SUCCEED",
        /// The channel did not take it.
        Failed = "FAILED",
    }
}

/// One delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtpDelivery {
    /// Its outcome.
    pub status: OtpDeliveryStatus,
    /// When it began (real time).
    pub sent_at: Timestamp,
}
