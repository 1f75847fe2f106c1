//! A card profile: the BIN range, currency and rules under which cards are issued.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::{Currency, EnterpriseId, ProfileId, Timestamp};

/// Why a text is not a BIN range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a BIN range is 6 to 11 digits, or two such numbers of one length joined by a hyphen")]
pub struct BinRangeError;

/// The leading digits that PANs of a profile begin with: one prefix (`41111100`) or
/// an inclusive range of prefixes of one length (`41111100-41111199`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinRange {
    low: u64,
    high: u64,
    digits: usize,
}

impl BinRange {
    /// The first of its prefixes, as digits.
    #[must_use]
    pub fn first_prefix(&self) -> String {
        format!("{:0width$}", self.low, width = self.digits)
    }

    /// Lowest prefix.
    #[must_use]
    pub const fn low(&self) -> u64 {
        self.low
    }

    /// Highest prefix.
    #[must_use]
    pub const fn high(&self) -> u64 {
        self.high
    }

    /// Length of the prefixes in digits.
    #[must_use]
    pub const fn digits(&self) -> usize {
        self.digits
    }
}

impl FromStr for BinRange {
    type Err = BinRangeError;
    fn from_str(text: &str) -> Result<Self, BinRangeError> {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let plain = |t: &str| (6..=11).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
        if !plain(low) || !plain(high) || low.len() != high.len() || low > high {
            return Err(BinRangeError);
        }
        let number = |t: &str| t.parse().map_err(|_| BinRangeError);
        Ok(Self { low: number(low)?, high: number(high)?, digits: low.len() })
    }
}

impl fmt::Display for BinRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.digits;
        if self.low == self.high {
            write!(f, "{:0width$}", self.low)
        } else {
            write!(f, "{:0width$}-{:0width$}", self.low, self.high)
        }
    }
}

/// A limit on the spending of one card over one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VelocityLimit {
    /// Most that may be spent, in minor units of the profile's currency.
    pub amount_minor: Option<i64>,
    /// Most authorisations.
    pub count: Option<i64>,
}

/// The limits of each card of a profile; a missing number means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VelocityLimits {
    /// One authorisation.
    pub single: VelocityLimit,
    /// One UTC+8 day.
    pub daily: VelocityLimit,
    /// One UTC+8 month.
    pub monthly: VelocityLimit,
}

/// A kind of card that is issued, and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardProfile {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub profile_id: ProfileId,
    /// Name, for operators.
    pub name: String,
    /// The range of its PANs.
    pub bin_range: BinRange,
    /// Card network, e.g. `VISA`.
    pub network: String,
    /// Billing currency: the currency of the deposit that its purchases draw on.
    pub currency: Currency,
    /// Layout codes of its physical cards.
    pub card_layouts: Vec<String>,
    /// Countries (alpha-2) that it serves; empty = all.
    pub supported_countries: Vec<String>,
    /// Days after which the hold of a NORMAL authorisation expires.
    pub hold_days_normal: u32,
    /// Days after which the hold of a PRE_AUTH authorisation expires.
    pub hold_days_pre_auth: u32,
    /// Limits of each card.
    pub limits: VelocityLimits,
    /// Created.
    pub created_at: Timestamp,
}

impl CardProfile {
    /// Default of `hold_days_normal` (operator-and-sandbox.md section 5).
    pub const DEFAULT_HOLD_DAYS_NORMAL: u32 = 7;
    /// Default of `hold_days_pre_auth`.
    pub const DEFAULT_HOLD_DAYS_PRE_AUTH: u32 = 30;
    /// Months a card is valid after the month in which it was issued.
    pub const VALID_MONTHS: i32 = 48;

    /// A VISA profile in US dollars for every country, without layouts and limits.
    #[must_use]
    pub fn visa_usd(
        enterprise_id: EnterpriseId,
        profile_id: ProfileId,
        name: String,
        bin_range: BinRange,
        created_at: Timestamp,
    ) -> Self {
        Self {
            enterprise_id,
            profile_id,
            name,
            bin_range,
            network: "VISA".to_owned(),
            currency: Currency::USD,
            card_layouts: Vec::new(),
            supported_countries: Vec::new(),
            hold_days_normal: Self::DEFAULT_HOLD_DAYS_NORMAL,
            hold_days_pre_auth: Self::DEFAULT_HOLD_DAYS_PRE_AUTH,
            limits: VelocityLimits::default(),
            created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bin_ranges_keep_their_text() {
        for text in ["411111", "41111100", "41111100-41111199", "012345"] {
            assert_eq!(text.parse::<BinRange>().unwrap().to_string(), text);
        }
        for bad in
            ["", "41111", "411111222222", "411111-41111", "411112-411111", "41111a", "411111-"]
        {
            assert_eq!(bad.parse::<BinRange>(), Err(BinRangeError), "{bad}");
        }
    }
}
