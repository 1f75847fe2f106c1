//! Objects that tests of several modules write out.

use domain::{
    AuthId, Authorisation, Card, CardId, CardOrder, CardStatus, CardStatusReason, CardType,
    Currency, CustomerId, EnterpriseId, HoldState, Merchant, Money, OrderId, OutsId, PanId, Payer,
    ProfileId, Timestamp,
};

pub(crate) fn moment() -> Timestamp {
    Timestamp::parse_rfc3339("2025-01-15T02:30:00Z").unwrap()
}

pub(crate) fn order() -> CardOrder {
    CardOrder::pending(
        EnterpriseId::from_i64(4_538_700_000_000_000_001),
        OrderId::from_i64(4_648_341_259_241_665_024),
        "ord-1001".to_owned(),
        ProfileId::from_i64(4_874_478_085_033_224_960),
        CustomerId::from_i64(4_879_846_599_637_290_752),
        moment(),
    )
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
    let payer = Payer {
        enterprise_id: EnterpriseId::from_i64(4_538_700_000_000_000_001),
        card_id: CardId::from_i64(4_934_950_835_815_641_344),
        customer_id: CustomerId::from_i64(4_879_846_599_637_290_752),
        account: domain::AccountOwner::Deposit,
    };
    let auth_id = AuthId::from_i64(4_934_950_835_815_641_999);
    let outs_id = OutsId::from_i64(4_934_950_835_815_642_000);
    Authorisation {
        acquirer_amount: Money::new(1550, Currency::USD),
        fx_rate: "1.3226".to_owned(),
        merchant: Merchant {
            merchant_id: Some("M0001".to_owned()),
            name: Some("TEST SHOP SINGAPORE".to_owned()),
            city: None,
            country: Some("SG".to_owned()),
            mcc: Some("5999".to_owned()),
        },
        hold_state: HoldState::Pending,
        hold_remaining_minor: 2050,
        ..Authorisation::purchase(
            payer,
            auth_id,
            outs_id,
            Money::new(2050, Currency::SGD),
            moment(),
        )
    }
}
