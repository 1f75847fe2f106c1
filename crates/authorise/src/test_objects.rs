//! Objects that unit tests start from.

use domain::{
    AuthId, Authorisation, Card, CardId, CardProfile, CardStatus, CardStatusReason, CardType,
    Currency, CustomerId, EnterpriseId, Money, OutsId, PanId, ProfileId, Timestamp, VelocityLimits,
};

const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(1);
const PROFILE: ProfileId = ProfileId::from_i64(2);

/// An activated card in USD.
pub(crate) fn card() -> Card {
    Card {
        enterprise_id: ENTERPRISE,
        card_id: CardId::from_i64(3),
        profile_id: PROFILE,
        customer_id: CustomerId::from_i64(4),
        pan_id: PanId::from_i64(5),
        card_type: CardType::Virtual,
        status: CardStatus::Activated,
        status_reason: CardStatusReason::Normal,
        pan_first6: "411111".to_owned(),
        pan_last4: "1111".to_owned(),
        account: domain::AccountOwner::Deposit,
        currency: Currency::USD,
        valid_until: Timestamp::from_micros(i64::MAX),
        invalidate_reason: None,
        created_at: Timestamp::from_micros(0),
        modified_at: Timestamp::from_micros(0),
    }
}

/// The profile of [`card`], without limits.
pub(crate) fn profile() -> CardProfile {
    CardProfile {
        enterprise_id: ENTERPRISE,
        profile_id: PROFILE,
        name: "test".to_owned(),
        bin_range: "41111100".parse().unwrap(),
        network: "VISA".to_owned(),
        currency: Currency::USD,
        card_layouts: Vec::new(),
        supported_countries: Vec::new(),
        hold_days_normal: 7,
        hold_days_pre_auth: 30,
        limits: VelocityLimits::default(),
        created_at: Timestamp::from_micros(0),
    }
}

/// A purchase with [`card`] that is not decided yet.
pub(crate) fn authorisation() -> Authorisation {
    let (auth_id, outs_id) = (AuthId::from_i64(6), OutsId::from_i64(7));
    let (amount, now) = (Money::new(1550, Currency::USD), Timestamp::from_micros(0));
    Authorisation::purchase(&card(), auth_id, outs_id, amount, now)
}
