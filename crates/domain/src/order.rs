//! A card order and its states from PENDING to SUCCEED.

use crate::text::text_enum;
use crate::{CardId, CustomerId, EnterpriseId, ErrorCode, OrderId, ProfileId, Timestamp};

text_enum! {
    /// The kind of card that is ordered.
    OrderType {
        /// A new virtual card.
        Virtual = "VIRTUAL",
        /// A physical twin of a virtual card.
        VirtualToPhysical = "VIRTUAL_TO_PHYSICAL",
        /// A new card in place of an old one.
        Replacement = "REPLACEMENT",
    }
}

text_enum! {
    /// The state of an order (cardbridge-open-api.md section 7.1).
    OrderStatus {
        /// Taken in.
        Pending = "PENDING",
        /// The customer's data passed.
        CustomerPass = "CUSTOMER_PASS",
        /// Identity checks passed.
        KycPass = "KYC_PASS",
        /// The issuer knows the customer.
        ChannelCustomerPass = "CHANNEL_CUSTOMER_PASS",
        /// The plastic's data is set.
        PhysicalSettingCompleted = "PHYSICAL_SETTING_COMPLETED",
        /// The card is there. Final.
        Succeed = "SUCCEED",
        /// No card will come. Final.
        Failed = "FAILED",
    }
}

impl OrderStatus {
    /// True if no other state follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeed | Self::Failed)
    }

    /// The next state of an order of this type when its step succeeds; `None` after a final state
    /// or for a state that the type does not have.
    #[must_use]
    pub const fn next(self, order_type: OrderType) -> Option<Self> {
        use OrderStatus::{
            ChannelCustomerPass, CustomerPass, KycPass, Pending, PhysicalSettingCompleted, Succeed,
        };
        match (order_type, self) {
            (OrderType::Virtual, Pending) => Some(CustomerPass),
            (OrderType::Virtual, CustomerPass) => Some(KycPass),
            (OrderType::Virtual, KycPass) => Some(ChannelCustomerPass),
            (OrderType::VirtualToPhysical, Pending) => Some(PhysicalSettingCompleted),
            (OrderType::Virtual, ChannelCustomerPass)
            | (OrderType::VirtualToPhysical, PhysicalSettingCompleted)
            | (OrderType::Replacement, Pending) => Some(Succeed),
            _ => None,
        }
    }
}

/// Why an order ended as FAILED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFailure {
    /// The dialect's code.
    pub error_code: ErrorCode,
    /// A sentence for the enterprise.
    pub error_reason: String,
}

/// A card order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardOrder {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub order_id: OrderId,
    /// The caller's own reference, unique per enterprise.
    pub card_order_ref: String,
    /// Profile to issue under.
    pub profile_id: ProfileId,
    /// Cardholder.
    pub customer_id: CustomerId,
    /// The kind of card that is ordered.
    pub order_type: OrderType,
    /// State.
    pub status: OrderStatus,
    /// The new card, once SUCCEED.
    pub card_id: Option<CardId>,
    /// Why it failed, once FAILED.
    pub failure: Option<OrderFailure>,
    /// True if it waits for EDD evidence.
    pub need_edd_file: bool,
    /// Source card of a twin or replacement.
    pub replace_card_id: Option<CardId>,
    /// Created.
    pub created_at: Timestamp,
    /// Last changed.
    pub modified_at: Timestamp,
}

impl CardOrder {
    /// A PENDING order for a virtual card that replaces no other card.
    #[must_use]
    pub const fn pending(
        enterprise_id: EnterpriseId,
        order_id: OrderId,
        card_order_ref: String,
        profile_id: ProfileId,
        customer_id: CustomerId,
        created_at: Timestamp,
    ) -> Self {
        Self {
            enterprise_id,
            order_id,
            card_order_ref,
            profile_id,
            customer_id,
            order_type: OrderType::Virtual,
            status: OrderStatus::Pending,
            card_id: None,
            failure: None,
            need_edd_file: false,
            replace_card_id: None,
            created_at,
            modified_at: created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_order_passes_its_five_states() {
        let mut path = vec![OrderStatus::Pending];
        while let Some(next) = path.last().and_then(|s| s.next(OrderType::Virtual)) {
            path.push(next);
        }
        let texts: Vec<_> = path.iter().map(|s| s.as_str()).collect();
        assert_eq!(
            texts,
            ["PENDING", "CUSTOMER_PASS", "KYC_PASS", "CHANNEL_CUSTOMER_PASS", "SUCCEED"]
        );
    }

    #[test]
    fn nothing_follows_a_final_state() {
        for order_type in OrderType::ALL {
            assert_eq!(OrderStatus::Succeed.next(*order_type), None);
            assert_eq!(OrderStatus::Failed.next(*order_type), None);
        }
    }
}
