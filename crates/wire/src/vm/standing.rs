//! What rows of transactions are called, and how they stand (vm-api.md section 6.9).

/// What kind of row, as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Authorised or declined.
    Authorization,
    /// Cleared.
    Settlement,
    /// Taken back, or its time ran out.
    AuthorisationCancel,
    /// Given back by a shop.
    Refund,
}

/// How a row stands, as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Done.
    Complete,
    /// Refused.
    Declined,
    /// Not settled.
    Pending,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] =
        [Self::Authorization, Self::Settlement, Self::AuthorisationCancel, Self::Refund];

    /// The text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "Authorization",
            Self::Settlement => "Settlement",
            Self::AuthorisationCancel => "Authorization Cancel",
            Self::Refund => "Refund",
        }
    }

    /// Reads the text on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Declined, Self::Pending];

    /// The text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETE",
            Self::Declined => "DECLINED",
            Self::Pending => "PENDING",
        }
    }

    /// Reads the text on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}
