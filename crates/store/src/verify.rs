//! `ledger verify`: every balance derived again from its entries.

use crate::{Store, StoreError};

/// Something that does not add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The account or authorisation, by id.
    pub subject: String,
    /// The rule that does not hold.
    pub rule: String,
}

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Accounts looked at.
    pub accounts: u64,
    /// Transfers replayed.
    pub transfers: u64,
    /// What does not add up, at most a hundred.
    pub violations: Vec<Violation>,
}

impl Store {
    /// Derives every balance again from its transfers and every held balance from its open
    /// holds, on one consistent reading.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn verify_ledger(&self) -> Result<VerifyReport, StoreError> {
        todo!()
    }
}
