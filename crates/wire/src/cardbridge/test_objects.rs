//! Objects that tests of several modules write out.

use domain::{
    ArrivingAuthorisation, AuthId, AuthType, Authorisation, Card, CardId, CardOrder, CardStatus,
    CardStatusReason, CardType, Currency, CustomerId, Direction, EnterpriseId, HoldState, Merchant,
    Money, OrderId, OrderStatus, OrderType, OutsId, PanId, ProfileId, Timestamp, TransactionType,
};

pub(crate) fn moment() -> Timestamp {
    Timestamp::parse_rfc3339("2025-01-15T02:30:00Z").unwrap()
}

pub(crate) fn order() -> CardOrder {
    CardOrder {
        enterprise_id: EnterpriseId::from_i64(4_538_700_000_000_000_001),
        order_id: OrderId::from_i64(4_648_341_259_241_665_024),
        card_order_ref: "ord-1001".to_owned(),
        profile_id: ProfileId::from_i64(4_874_478_085_033_224_960),
        customer_id: CustomerId::from_i64(4_879_846_599_637_290_752),
        order_type: OrderType::Virtual,
        status: OrderStatus::Pending,
        card_id: None,
        failure: None,
        need_edd_file: false,
        replace_card_id: None,
        created_at: moment(),
        modified_at: moment(),
    }
}

pub(crate) fn card() -> Card {
    Card {
        enterprise_id: EnterpriseId::from_i64(4_538_700_000_000_000_001),
        card_id: CardId::from_i64(4_591_298_458_535_677_185),
        profile_id: ProfileId::from_i64(4_538_749_501_943_027_969),
        customer_id: CustomerId::from_i64(4_595_849_907_119_562_497),
        pan_id: PanId::from_i64(1),
        card_type: CardType::Virtual,
        status: CardStatus::Activated,
        status_reason: CardStatusReason::Normal,
        pan_first6: "411111".to_owned(),
        pan_last4: "1111".to_owned(),
        currency: Currency::USD,
        valid_until: moment(),
        account: domain::AccountOwner::Deposit,
        invalidate_reason: None,
        created_at: moment(),
        modified_at: moment(),
    }
}

pub(crate) fn authorisation() -> Authorisation {
    Authorisation {
        hold_state: HoldState::Pending,
        hold_remaining_minor: 2050,
        ..Authorisation::arriving(ArrivingAuthorisation {
            enterprise_id: EnterpriseId::from_i64(4_538_700_000_000_000_001),
            auth_id: AuthId::from_i64(4_934_950_835_815_641_999),
            card_id: CardId::from_i64(4_934_950_835_815_641_344),
            customer_id: CustomerId::from_i64(4_879_846_599_637_290_752),
            outs_id: OutsId::from_i64(4_934_950_835_815_642_000),
            original_auth_id: None,
            account: domain::AccountOwner::Deposit,
            direction: Direction::Outgoing,
            auth_type: AuthType::Normal,
            transaction_type: TransactionType::Purchase,
            amount: Money::new(2050, Currency::SGD),
            acquirer_amount: Money::new(1550, Currency::USD),
            fx_rate: "1.3226".to_owned(),
            merchant: Merchant {
                merchant_id: Some("M0001".to_owned()),
                name: Some("TEST SHOP SINGAPORE".to_owned()),
                country: Some("SG".to_owned()),
                mcc: Some("5999".to_owned()),
            },
            network_key: None,
            created_at: moment(),
        })
    }
}
