//! Reconciliation with a card network: what its messages of a window come to, and how that compares
//! with what a peer says (network-iso8583.md section 3.7).

use std::fmt;
use std::str::FromStr;

use crate::text::text_enum;
use crate::{Currency, Money, Timestamp};

text_enum! {
    /// The total to which a message counts.
    TotalKind {
        /// A refund that is posted at once.
        Credit = "CREDIT",
        /// A reversal of one.
        CreditReversed = "CREDIT_REVERSED",
        /// A sale that is posted at once.
        Debit = "DEBIT",
        /// A reversal of one.
        DebitReversed = "DEBIT_REVERSED",
        /// An inquiry.
        Inquiry = "INQUIRY",
        /// An authorisation.
        Authorisation = "AUTHORISATION",
    }
}

/// The total to which a message counts, and with how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// The total.
    pub kind: TotalKind,
    /// The amount, in the currency of the settlement if the message has one; `None` of an inquiry
    /// without a currency.
    pub amount: Option<Money>,
}

/// How many messages count to a total, and what they come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// How many.
    pub count: i64,
    /// In minor units.
    pub amount_minor: i64,
}

/// The totals of a window, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkTotals([Total; TotalKind::ALL.len()]);

impl LinkTotals {
    /// One of them.
    #[must_use]
    pub const fn of(&self, kind: TotalKind) -> Total {
        self.0[kind as usize]
    }

    /// Adds a message; `None` if the sum is too large.
    #[must_use]
    pub fn plus(mut self, kind: TotalKind, amount_minor: i64) -> Option<Self> {
        let total = &mut self.0[kind as usize];
        total.count = total.count.checked_add(1)?;
        total.amount_minor = total.amount_minor.checked_add(amount_minor)?;
        Some(self)
    }

    /// What the acquirer is owed, in minor units: debits less their reversals, less credits, which
    /// their reversals lower. `None` if it is too large.
    #[must_use]
    pub fn net_minor(&self) -> Option<i64> {
        let amount = |kind| self.of(kind).amount_minor;
        let net = amount(TotalKind::Debit).checked_sub(amount(TotalKind::DebitReversed))?;
        let net = net.checked_sub(amount(TotalKind::Credit))?;
        net.checked_add(amount(TotalKind::CreditReversed))
    }
}

/// A window between two moments of real time: what arrived at or after the first and before the
/// second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReconciliationWindow {
    /// The cut-over that opened it; `None` = there is none.
    pub from: Option<Timestamp>,
    /// The cut-over that closed it; `None` = it is open.
    pub to: Option<Timestamp>,
}

text_enum! {
    /// How a reconciliation ended.
    ReconciliationVerdict {
        /// Every value that the peer gave is ours.
        Agreed = "AGREED",
        /// Some are not.
        Different = "DIFFERENT",
        /// Our totals could not be computed.
        NotComputed = "NOT_COMPUTED",
    }
}

/// A value that the peer gave and that is not ours. As text: field, the peer's value, ours, with a
/// blank between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDifference {
    /// The number of the field.
    pub field: u8,
    /// The peer's value.
    pub given: String,
    /// Ours.
    pub own: String,
}

impl fmt::Display for FieldDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.field, self.given, self.own)
    }
}

/// A text that is no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a field, the peer's value and ours")]
pub struct FieldDifferenceError;

impl FromStr for FieldDifference {
    type Err = FieldDifferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(' ').map(str::to_owned);
        let mut next = || parts.next().ok_or(FieldDifferenceError);
        let field = next()?.parse().map_err(|_| FieldDifferenceError)?;
        let (given, own) = (next()?, next()?);
        if parts.next().is_some() {
            Err(FieldDifferenceError)
        } else {
            Ok(Self { field, given, own })
        }
    }
}

/// The last reconciliation of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciliationResult {
    /// The link's name.
    pub link: String,
    /// When it was computed, in real time.
    pub computed_at: Timestamp,
    /// The type of the message, four digits.
    pub mti: String,
    /// The acquirer's number without leading zeros.
    pub acquirer: String,
    /// System trace audit number.
    pub stan: String,
    /// The local date and time of the message, 14 digits.
    pub stamp: String,
    /// The settlement date that it names: MMDD.
    pub settlement_date: Option<String>,
    /// The currency of the totals.
    pub currency: Currency,
    /// The window of what has no settlement date.
    pub window: ReconciliationWindow,
    /// How it ended.
    pub verdict: ReconciliationVerdict,
    /// What differs, in order of the fields.
    pub differences: Vec<FieldDifference>,
}

impl ReconciliationResult {
    /// True if both are of the same message, which may have been sent again, and end alike.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let identity = |it: &Self| (it.acquirer.clone(), it.stan.clone(), it.stamp.clone());
        identity(self) == identity(other)
            && self.verdict == other.verdict
            && self.differences == other.differences
    }
}

/// A cut-over of a link: one window ends, the next begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOver {
    /// The link's name.
    pub link: String,
    /// When, in real time.
    pub at: Timestamp,
    /// System trace audit number of its message.
    pub stan: String,
    /// When its message was sent, in the peer's words: MMDDhhmmss.
    pub transmitted_at: String,
    /// Where it came from, the same for each message of one connection.
    pub origin: i64,
}

impl CutOver {
    /// Where those of operators come from: each is meant.
    pub const OF_OPERATOR: i64 = 0;

    /// For so long, in milliseconds, the same cut-over may come from other connections.
    pub const SAME_WITHIN_MS: i64 = 60_000;

    /// True if this one was announced as `earlier` before: a peer repeats what it got no answer to,
    /// and may announce a cut-over on each of its connections.
    #[must_use]
    pub fn is_same(&self, earlier: &Self, is_repeat: bool) -> bool {
        let is_sent_again = self.stan == earlier.stan
            && (is_repeat || self.transmitted_at == earlier.transmitted_at);
        let is_near = self.at.millis_since(earlier.at) < Self::SAME_WITHIN_MS;
        is_sent_again || (is_near && self.origin != earlier.origin) || self.at <= earlier.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_checked_sums() {
        let added = [
            (TotalKind::Debit, 61_550),
            (TotalKind::DebitReversed, 20_000),
            (TotalKind::Credit, 2_500),
            (TotalKind::CreditReversed, 500),
            (TotalKind::Debit, 50),
        ];
        let totals = added
            .into_iter()
            .try_fold(LinkTotals::default(), |totals, (kind, minor)| totals.plus(kind, minor));
        let totals = totals.unwrap();
        assert_eq!(totals.of(TotalKind::Debit), Total { count: 2, amount_minor: 61_600 });
        assert_eq!(totals.of(TotalKind::Inquiry), Total::default());
        assert_eq!(totals.net_minor(), Some(39_600));
        let large = totals.plus(TotalKind::Credit, i64::MAX - 2_500).unwrap();
        assert_eq!(large.clone().plus(TotalKind::Credit, 1), None);
        assert_eq!(large.net_minor(), Some(500 + 41_600 - i64::MAX));
    }

    #[test]
    fn a_cut_over_is_known_by_its_numbers_and_from_other_connections_for_a_minute() {
        let cut_over = |seconds: i64, stan: &str, sent: &str, origin| CutOver {
            link: "a".into(),
            at: Timestamp::from_micros(0).plus_seconds(seconds),
            stan: stan.into(),
            transmitted_at: sent.into(),
            origin,
        };
        let first = cut_over(100, "000001", "1129235959", 1);
        assert!(!cut_over(101, "000002", "1130000000", 1).is_same(&first, false));
        assert!(cut_over(101, "000002", "1130000000", 2).is_same(&first, false));
        assert!(!cut_over(160, "000002", "1130000000", 2).is_same(&first, false));
        assert!(cut_over(300, "000001", "1130000400", 1).is_same(&first, true));
        assert!(!cut_over(300, "000001", "1130000400", 1).is_same(&first, false));
        assert!(cut_over(300, "000001", "1129235959", 2).is_same(&first, false));
        assert!(cut_over(99, "000002", "1129235958", 1).is_same(&first, false));
    }

    #[test]
    fn a_difference_is_a_text_and_back() {
        let it = FieldDifference { field: 97, given: "D01".into(), own: "C00".into() };
        assert_eq!(it.to_string().parse(), Ok(it));
        for text in ["", "97 D01", "x D01 C00", "97 D01 C00 1"] {
            assert_eq!(text.parse::<FieldDifference>(), Err(FieldDifferenceError), "{text}");
        }
    }
}
