//! The limits that processes share.

/// A limit that processes share. Its number stands in reports, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LimitName {
    /// Weights of dialect 1, by API key.
    OpenApiWeights = 1,
    /// Tries to extract keys, by network address.
    KeyExtractions = 2,
    /// Failures to get a token of dialect 2, by network address.
    VmTokenFailures = 3,
    /// Tokens of dialect 2, by app.
    VmTokens = 4,
    /// Envelopes of dialect 2 that cannot be read, by app and network address.
    VmEnvelopes = 5,
}

impl LimitName {
    pub(super) const ALL: [Self; 5] = [
        Self::OpenApiWeights,
        Self::KeyExtractions,
        Self::VmTokenFailures,
        Self::VmTokens,
        Self::VmEnvelopes,
    ];
}
