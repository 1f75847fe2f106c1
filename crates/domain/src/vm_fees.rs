//! The fees that the operator charges an app of dialect 2 (vm-api.md section 7.5). Pure.

use crate::text::text_enum;
use crate::{Authorisation, AuthorisationStatus, Direction, TransactionType};

/// The price of a service: a share of its amount, but at least a minimum fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmFee {
    /// Hundredths of a percent of the amount.
    pub basis_points: u32,
    /// Minimum fee, minor units; without a share it is the fee.
    pub least_minor: i64,
}

impl VmFee {
    /// The whole amount.
    pub const MAX_BASIS_POINTS: u32 = 10_000;

    /// The fee for an amount, minor units; fractions of a minor unit are rounded up.
    #[must_use]
    pub fn of(self, amount_minor: i64) -> i64 {
        let all = i128::from(Self::MAX_BASIS_POINTS);
        let share = i128::from(amount_minor.max(0)) * i128::from(self.basis_points);
        let share = (share + all - 1) / all;
        i64::try_from(share).unwrap_or(i64::MAX).max(self.least_minor)
    }

    /// True if it is ever above zero.
    #[must_use]
    pub const fn is_charged(self) -> bool {
        self.basis_points > 0 || self.least_minor > 0
    }
}

text_enum! {
    /// The reason for a fee on an authorisation, as a list of movements names it.
    VmFeeKind {
        /// It was approved.
        Authorisation = "authorisation fee",
        /// It was declined.
        Decline = "decline fee",
        /// It was approved in another currency than the card's.
        CrossBorder = "cross-border fee",
    }
}

/// The fees that the operator charges an app; by default there are none. All of them are charged to
/// the app's balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmFees {
    /// For opening a card, minor units.
    pub opening_minor: i64,
    /// For an approved authorisation.
    pub authorisation: VmFee,
    /// For a declined authorisation.
    pub decline: VmFee,
    /// For an approved authorisation in a currency other than the card's, on top.
    pub cross_border: VmFee,
}

impl VmFees {
    /// Nothing is charged.
    pub const NONE: Self = {
        let nothing = VmFee { basis_points: 0, least_minor: 0 };
        Self { opening_minor: 0, authorisation: nothing, decline: nothing, cross_border: nothing }
    };

    /// True if authorisations are ever charged.
    #[must_use]
    pub const fn charges_authorisations(&self) -> bool {
        self.authorisation.is_charged()
            || self.decline.is_charged()
            || self.cross_border.is_charged()
    }

    /// The fees of a decided authorisation, minor units each, if `amount_minor` of it is new. There
    /// is no fee if the cardholder receives money, nor for an inquiry, which moves nothing.
    #[must_use]
    pub fn of_authorisation(&self, it: &Authorisation, amount_minor: i64) -> Vec<(VmFeeKind, i64)> {
        let is_free =
            it.direction == Direction::Incoming || it.transaction_type == TransactionType::Inquiry;
        let is_abroad = it.acquirer_amount.currency() != it.amount.currency();
        let due = match it.status {
            _ if is_free => [None, None],
            AuthorisationStatus::Pending => [None, None],
            AuthorisationStatus::Declined => [Some((VmFeeKind::Decline, self.decline)), None],
            AuthorisationStatus::Approved => [
                Some((VmFeeKind::Authorisation, self.authorisation)),
                is_abroad.then_some((VmFeeKind::CrossBorder, self.cross_border)),
            ],
        };
        let fees = due.into_iter().flatten().map(|(kind, fee)| (kind, fee.of(amount_minor)));
        fees.filter(|(_, minor)| *minor > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AccountOwner, AuthId, CardId, Currency, CustomerId, EnterpriseId, Money, OutsId, Payer,
        Timestamp, VmAppId,
    };

    #[test]
    fn a_fee_is_a_share_and_at_least_the_minimum() {
        let fee = VmFee { basis_points: 100, least_minor: 45 };
        for (amount_minor, expected) in [(0, 45), (4_500, 45), (4_501, 46), (10_000, 100)] {
            assert_eq!(fee.of(amount_minor), expected, "{amount_minor}");
        }
        assert_eq!(VmFee::default().of(i64::MAX), 0);
        assert_eq!(VmFee { basis_points: u32::MAX, least_minor: 0 }.of(i64::MAX), i64::MAX);
    }

    fn purchase(acquirer: Currency) -> Authorisation {
        let payer = Payer {
            enterprise_id: EnterpriseId::from_i64(1),
            card_id: CardId::from_i64(3),
            customer_id: CustomerId::from_i64(4),
            account: AccountOwner::VmWallet(VmAppId::from_i64(6)),
        };
        let (auth_id, outs_id) = (AuthId::from_i64(2), OutsId::from_i64(5));
        let amount = Money::new(1_000, Currency::USD);
        let acquirer_amount = Money::new(1_350, acquirer);
        let it = Authorisation::purchase(payer, auth_id, outs_id, amount, Timestamp::default());
        Authorisation { acquirer_amount, ..it }
    }

    #[test]
    fn each_decision_has_its_fees_and_what_moves_no_money_out_is_free() {
        let fee = |basis_points, least_minor| VmFee { basis_points, least_minor };
        let fees = VmFees {
            opening_minor: 100,
            authorisation: fee(200, 0),
            decline: fee(0, 30),
            cross_border: fee(100, 45),
        };
        let mut it = purchase(Currency::SGD);
        assert_eq!(fees.of_authorisation(&it, 1_000), []);
        it.status = AuthorisationStatus::Approved;
        let expected = [(VmFeeKind::Authorisation, 20), (VmFeeKind::CrossBorder, 45)];
        assert_eq!(fees.of_authorisation(&it, 1_000), expected);
        assert_eq!(VmFees::NONE.of_authorisation(&it, 1_000), []);
        let mut home = purchase(Currency::USD);
        home.status = AuthorisationStatus::Approved;
        assert_eq!(fees.of_authorisation(&home, 1_000), [(VmFeeKind::Authorisation, 20)]);
        it.status = AuthorisationStatus::Declined;
        assert_eq!(fees.of_authorisation(&it, 1_000), [(VmFeeKind::Decline, 30)]);
        let refund = Authorisation { direction: Direction::Incoming, ..it.clone() };
        let inquiry = Authorisation { transaction_type: TransactionType::Inquiry, ..it };
        assert_eq!(fees.of_authorisation(&refund, 1_000), []);
        assert_eq!(fees.of_authorisation(&inquiry, 1_000), []);
        assert!(fees.charges_authorisations());
        assert!(!VmFees { opening_minor: 100, ..VmFees::NONE }.charges_authorisations());
    }
}
