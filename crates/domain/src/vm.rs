//! The records of dialect 2, the VM API: apps, their products, and the data that their cards have
//! in addition to the card record (vm-api.md).

use ipnet::IpNet;

use crate::text::text_enum;
use crate::{
    CardId, CardStatus, EnterpriseId, PeriodUse, ProfileId, SealedUrl, Timestamp, VelocityLimit,
    VelocityLimits, VelocityUse, VmAppId, VmFees, VmFlowId,
};

text_enum! {
    /// The source of a card's money (vm-api.md section 7.4).
    VmFunding {
        /// The card holds its own balance.
        Prepaid = "save",
        /// The card draws on the merchant's wallet within limits.
        CreditLine = "share",
    }
}

/// A merchant's application, which authenticates and owns cards. Its secret is kept as a
/// digest only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmApp {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id of the record.
    pub vm_app_id: VmAppId,
    /// The app's id on the wire.
    pub app_id: String,
    /// SHA-256 of its secret.
    pub secret_digest: [u8; 32],
    /// The merchant's RSA public key, DER of its SPKI, which encrypts answers.
    pub merchant_public_key: Option<Vec<u8>>,
    /// URL that receives webhooks.
    pub webhook_url: Option<SealedUrl>,
    /// True if webhooks carry our own signature header.
    pub signs_webhooks: bool,
    /// Networks that may call; empty = any in the sandbox, none in production.
    pub ip_whitelist: Vec<IpNet>,
    /// The operator's charges for it.
    pub fees: VmFees,
    /// Created.
    pub created_at: Timestamp,
}

/// A product that an app can open cards of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmProduct {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The app that may use it.
    pub vm_app_id: VmAppId,
    /// The code that createCard takes.
    pub product_code: String,
    /// The profile that gives numbers, network and hold days.
    pub profile_id: ProfileId,
    /// Prepaid or credit line.
    pub funding: VmFunding,
    /// Place where its cards are issued, as displayed.
    pub issuing_area: String,
    /// Number of cards that may still be opened.
    pub remaining_cards: i64,
    /// Created.
    pub created_at: Timestamp,
}

/// Limits of a card in minor units; zero means no limit of that kind (vm-api.md section 16, row
/// 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmLimits {
    /// Per authorisation.
    pub single_minor: i64,
    /// Per day.
    pub day_minor: i64,
    /// Per month.
    pub month_minor: i64,
    /// On everything ever authorised and not given back.
    pub total_minor: i64,
}

impl VmLimits {
    /// The limits of a card under a profile: for each, the lower of the card's and the profile's.
    #[must_use]
    pub fn within(&self, profile: VelocityLimits) -> VelocityLimits {
        let least = |limit: VelocityLimit, minor: i64| {
            let own = Some(minor).filter(|minor| *minor > 0);
            let amount_minor = own.into_iter().chain(limit.amount_minor).min();
            VelocityLimit { amount_minor, ..limit }
        };
        VelocityLimits {
            single: least(profile.single, self.single_minor),
            daily: least(profile.daily, self.day_minor),
            monthly: least(profile.monthly, self.month_minor),
        }
    }

    /// The unused part of the day's limit; 0 without a limit of that kind.
    #[must_use]
    pub fn day_left_minor(&self, used: &VelocityUse) -> i64 {
        left_minor(self.day_minor, used.day)
    }

    /// The unused part of the month's limit; 0 without a limit of that kind.
    #[must_use]
    pub fn month_left_minor(&self, used: &VelocityUse) -> i64 {
        left_minor(self.month_minor, used.month)
    }

    /// The part of `available_minor` that the daily, monthly and total limits allow to be spent.
    fn leave_minor(&self, available_minor: i64, used: &VelocityUse) -> i64 {
        let left = [
            (self.day_minor, self.day_left_minor(used)),
            (self.month_minor, self.month_left_minor(used)),
            (self.total_minor, self.total_minor.saturating_sub(used.total_minor).max(0)),
        ];
        let limited = left.into_iter().filter(|(limit_minor, _)| *limit_minor > 0);
        limited.fold(available_minor.max(0), |least, (_, left)| least.min(left))
    }

    /// The total limit; `None` without one.
    #[must_use]
    pub fn total(&self) -> Option<i64> {
        Some(self.total_minor).filter(|minor| *minor > 0)
    }
}

fn left_minor(limit_minor: i64, used: PeriodUse) -> i64 {
    limit_minor.saturating_sub(used.amount_minor).clamp(0, limit_minor.max(0))
}

/// The data that a card of dialect 2 has in addition to its card record.
#[derive(Clone, PartialEq, Eq)]
pub struct VmCard {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// The app that opened it.
    pub vm_app_id: VmAppId,
    /// Its id on the wire, a UUID.
    pub card_uuid: String,
    /// The product that it was opened under.
    pub product_code: String,
    /// The source of its money.
    pub funding: VmFunding,
    /// The caller's label.
    pub label: String,
    /// Name, address and contact, sealed by the vault.
    pub sealed_holder: Vec<u8>,
    /// Its limits.
    pub limits: VmLimits,
    /// Opened.
    pub created_at: Timestamp,
}

impl VmCard {
    /// The amount that can be spent with the card now, minor units: for a prepaid card its balance,
    /// for a credit-line card the amount that wallet and limits leave, and 0 for a card that has
    /// ended. `available_minor` is the balance of its account.
    #[must_use]
    pub fn spendable_minor(
        &self,
        status: CardStatus,
        available_minor: i64,
        used: &VelocityUse,
    ) -> i64 {
        match (status, self.funding) {
            (CardStatus::Invalid, _) => 0,
            (_, VmFunding::Prepaid) => available_minor,
            (_, VmFunding::CreditLine) => self.limits.leave_minor(available_minor, used),
        }
    }
}

text_enum! {
    /// The cause of a movement of the balance of a card of dialect 2 (vm-api.md section 6.12).
    VmFlowKind {
        /// Its initial load.
        Create = "Create",
        /// It was loaded again.
        Recharge = "Recharge",
        /// Some of it went back to the app's balance.
        Refund = "Refund",
        /// The card ended: all of it went back.
        Delete = "Delete",
        /// An authorisation set it aside, or gave it back.
        Authorization = "Authorization",
        /// It was spent for good, or came back after that.
        Settlement = "Settlement",
        /// It was charged for a service.
        Fee = "Fee",
    }
}

/// One movement of a card's balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmFlow {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub flow_id: VmFlowId,
    /// The card.
    pub card_id: CardId,
    /// The cause.
    pub kind: VmFlowKind,
    /// Negative if it takes from the card; minor units of its currency.
    pub amount_minor: i64,
    /// The amount that could be spent afterwards, minor units.
    pub balance_minor: i64,
    /// A remark for readers of the list.
    pub remark: String,
    /// When (business time).
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(funding: VmFunding, limits: VmLimits) -> VmCard {
        VmCard {
            enterprise_id: EnterpriseId::from_i64(1),
            card_id: CardId::from_i64(2),
            vm_app_id: VmAppId::from_i64(3),
            card_uuid: String::new(),
            product_code: String::new(),
            funding,
            label: String::new(),
            sealed_holder: Vec::new(),
            limits,
            created_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn what_can_be_spent_is_the_minimum_of_wallet_and_limits() {
        let of = |amount_minor| PeriodUse { amount_minor, ..PeriodUse::default() };
        let used = VelocityUse { day: of(30), month: of(40), total_minor: 50 };
        let limits = |day_minor, month_minor, total_minor| VmLimits {
            single_minor: 1,
            day_minor,
            month_minor,
            total_minor,
        };
        for (limits, wallet_minor, expected) in [
            (limits(0, 0, 0), 70, 70),
            (limits(0, 0, 0), -1, 0),
            (limits(90, 0, 0), 70, 60),
            (limits(90, 95, 0), 70, 55),
            (limits(90, 95, 100), 70, 50),
            (limits(20, 95, 100), 70, 0),
            (limits(0, 0, 100), 20, 20),
        ] {
            let line = card(VmFunding::CreditLine, limits);
            let spendable = line.spendable_minor(CardStatus::Frozen, wallet_minor, &used);
            assert_eq!(spendable, expected, "{limits:?}");
            assert_eq!(line.spendable_minor(CardStatus::Invalid, wallet_minor, &used), 0);
            let own = card(VmFunding::Prepaid, limits);
            let spendable = own.spendable_minor(CardStatus::Activated, wallet_minor, &used);
            assert_eq!(spendable, wallet_minor);
        }
        assert_eq!(limits(20, 95, 0).day_left_minor(&used), 0);
        assert_eq!(limits(20, 95, 0).month_left_minor(&used), 55);
        assert_eq!(VmLimits::default().month_left_minor(&used), 0);
    }

    #[test]
    fn the_lower_limit_applies_and_zero_means_no_limit() {
        let of = |amount_minor| VelocityLimit { amount_minor, count: Some(3) };
        let profile = VelocityLimits { single: of(Some(500)), daily: of(None), monthly: of(None) };
        let limits = VmLimits { single_minor: 600, day_minor: 70, ..VmLimits::default() };
        let expected =
            VelocityLimits { single: of(Some(500)), daily: of(Some(70)), monthly: of(None) };
        assert_eq!(limits.within(profile), expected);
        assert_eq!(VmLimits { single_minor: 9, ..limits }.within(profile).single, of(Some(9)));
        assert_eq!(
            (limits.total(), VmLimits { total_minor: 5, ..limits }.total()),
            (None, Some(5))
        );
    }
}
