//! The owner of the money in a ledger account.

use crate::{CardId, VmAppId};

/// The owner of the money in a ledger account. An owner has one account in each currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum AccountOwner {
    /// The enterprise's guarantee deposit, which forwarded cards draw on.
    #[default]
    Deposit,
    /// A VM app's balance, which prepaid cards are loaded from.
    VmBalance(VmAppId),
    /// A VM app's wallet, which its credit-line cards draw on.
    VmWallet(VmAppId),
    /// A prepaid card's own balance.
    Card(CardId),
}

impl AccountOwner {
    /// The stored text of its kind.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Deposit => "DEPOSIT",
            Self::VmBalance(_) => "VM_BALANCE",
            Self::VmWallet(_) => "VM_WALLET",
            Self::Card(_) => "CARD",
        }
    }

    /// The stored id of the app or card; zero for a deposit, which the enterprise owns.
    #[must_use]
    pub const fn owner_id(self) -> i64 {
        match self {
            Self::Deposit => 0,
            Self::VmBalance(app) | Self::VmWallet(app) => app.as_i64(),
            Self::Card(card) => card.as_i64(),
        }
    }

    /// Reads the stored text and id.
    #[must_use]
    pub fn parse(purpose: &str, owner_id: i64) -> Option<Self> {
        match purpose {
            "DEPOSIT" => Some(Self::Deposit),
            "VM_BALANCE" => Some(Self::VmBalance(VmAppId::from_i64(owner_id))),
            "VM_WALLET" => Some(Self::VmWallet(VmAppId::from_i64(owner_id))),
            "CARD" => Some(Self::Card(CardId::from_i64(owner_id))),
            _ => None,
        }
    }

    /// True if the enterprise is asked to decide for cards that draw on this owner's money.
    #[must_use]
    pub const fn is_forwarded(self) -> bool {
        matches!(self, Self::Deposit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        for owner in [
            AccountOwner::Deposit,
            AccountOwner::VmBalance(VmAppId::from_i64(1)),
            AccountOwner::VmWallet(VmAppId::from_i64(2)),
            AccountOwner::Card(CardId::from_i64(3)),
        ] {
            assert_eq!(AccountOwner::parse(owner.purpose(), owner.owner_id()), Some(owner));
        }
        assert_eq!(AccountOwner::parse("OTHER", 1), None);
    }
}
