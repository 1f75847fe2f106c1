//! The findings of a verification.

use std::fmt::Display;

/// The most violations that a report lists.
pub(super) const MAX_VIOLATIONS: usize = 100;
/// Rows read at a time.
pub(super) const PAGE_ROWS: i64 = 1_000;

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The account, authorisation or PAN, by id.
    pub subject: String,
    /// The rule that does not hold.
    pub rule: String,
}

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Accounts checked.
    pub accounts: u64,
    /// Transfers replayed.
    pub transfers: u64,
    /// Transfers that are exported and deleted; what they came to is carried forward.
    pub carried_transfers: u64,
    /// The violations, at most a hundred.
    pub violations: Vec<Violation>,
}

impl VerifyReport {
    /// Notes a violation, while there is room.
    pub(super) fn note(&mut self, subject: impl Display, rule: impl Into<String>) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation { subject: subject.to_string(), rule: rule.into() });
        }
    }
}
