//! Stand-in: what the platform approves in place of an enterprise that gives no usable answer
//! (network-iso8583.md section 6.3). Pure.

use crate::{AuthType, Authorisation, Currency, Direction, TransactionType};

/// How much the platform approves in place of an enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandIn {
    /// The only billing currency in which it approves.
    pub currency: Currency,
    /// The most of one authorisation, with its increments, in minor units.
    pub amount_minor: i64,
    /// The most of a UTC+8 day, in minor units.
    pub daily_total_minor: i64,
}

impl StandIn {
    /// True if the terms are about authorisations like `it`: purchases and cash of forwarded cards
    /// that are neither reserved nor complete a reservation.
    #[must_use]
    pub fn covers(&self, it: &Authorisation) -> bool {
        it.account.is_forwarded()
            && it.direction == Direction::Outgoing
            && it.auth_type == AuthType::Normal
            && matches!(it.transaction_type, TransactionType::Purchase | TransactionType::Cash)
            && it.amount.currency() == self.currency
    }

    /// True if the terms allow an approval of `added_minor` that raises its bill to `raised_minor`,
    /// on a day on which stand-in approved `used_minor` so far.
    #[must_use]
    pub const fn allows(&self, added_minor: i64, raised_minor: i64, used_minor: i64) -> bool {
        let total_minor = used_minor.saturating_add(added_minor);
        raised_minor <= self.amount_minor && total_minor <= self.daily_total_minor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AccountOwner, AuthId, CardId, CustomerId, EnterpriseId, Money, OutsId, Payer, Timestamp,
        VmAppId,
    };

    const TERMS: StandIn =
        StandIn { currency: Currency::USD, amount_minor: 500, daily_total_minor: 1_200 };

    fn purchase() -> Authorisation {
        let payer = Payer {
            enterprise_id: EnterpriseId::from_i64(1),
            card_id: CardId::from_i64(2),
            customer_id: CustomerId::from_i64(3),
            account: AccountOwner::Deposit,
        };
        let (auth_id, outs_id) = (AuthId::from_i64(6), OutsId::from_i64(7));
        let amount = Money::new(500, Currency::USD);
        Authorisation::purchase(payer, auth_id, outs_id, amount, Timestamp::default())
    }

    #[test]
    fn limits_may_be_reached_and_not_exceeded() {
        for (added, raised, used, is_allowed) in [
            (500, 500, 0, true),
            (500, 500, 700, true),
            (500, 500, 701, false),
            (501, 501, 0, false),
            (1, 501, 0, false),
            (1, 1, i64::MAX, false),
        ] {
            assert_eq!(TERMS.allows(added, raised, used), is_allowed, "{added} {raised} {used}");
        }
    }

    #[test]
    fn only_plain_purchases_and_cash_of_forwarded_cards_are_covered() {
        let it = purchase();
        assert!(TERMS.covers(&it));
        assert!(
            TERMS.covers(&Authorisation { transaction_type: TransactionType::Cash, ..it.clone() })
        );
        for other in [
            Authorisation { transaction_type: TransactionType::Inquiry, ..it.clone() },
            Authorisation { transaction_type: TransactionType::Refund, ..it.clone() },
            Authorisation { auth_type: AuthType::PreAuth, ..it.clone() },
            Authorisation { auth_type: AuthType::PreAuthCompletion, ..it.clone() },
            Authorisation { direction: Direction::Incoming, ..it.clone() },
            Authorisation { amount: Money::new(500, Currency::SGD), ..it.clone() },
            Authorisation { account: AccountOwner::VmWallet(VmAppId::from_i64(8)), ..it },
        ] {
            assert!(!TERMS.covers(&other), "{other:?}");
        }
    }
}
