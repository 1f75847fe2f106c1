//! The name on a physical card and its delivery address: sealed under its order first, then under
//! the card until it is shipped.

use domain::{CardId, EnterpriseId, ErrorCode, OrderId};
use vault::Vault;
use wire::cardbridge::replacement::PhysicalInfo;
use zeroize::Zeroizing;

use crate::application::UnreadableError;
use crate::magic::{OrderOutcome, Scenario};

/// The purpose under which the vault seals the delivery data of an open order.
const ORDER_PURPOSE: &str = "order-delivery";
/// The purpose under which the vault seals the delivery data of a card.
const CARD_PURPOSE: &str = "card-delivery";

/// The sandbox's magic words, longer ones first, in either case. They stand alone or before a
/// hyphen, so Failla gets her card.
const OUTCOMES: [(&str, ErrorCode); 2] = [
    ("fail-channel-customer", ErrorCode::ChannelCustomerNotFound),
    ("fail", ErrorCode::CardOrderVirtualToPhysicalFailed),
];
const SLOW: &str = "slow";

/// The scenario that the name on the card chooses: for such an order it serves as the customer's
/// name (operator-and-sandbox.md section 4).
pub fn scenario(info: &PhysicalInfo) -> Scenario {
    let name = info.embossing_name.trim_start().to_ascii_lowercase();
    let begins_with = |word: &str| {
        name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let named = OUTCOMES.iter().find(|(word, _)| begins_with(word));
    let outcome = named.map_or(OrderOutcome::Pass, |(_, code)| OrderOutcome::Fail(*code));
    Scenario { outcome, slow: begins_with(SLOW) }
}

/// Seals delivery data under their order.
pub fn seal_for_order(
    vault: &Vault,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
    info: &PhysicalInfo,
) -> Vec<u8> {
    vault.seal_secret(enterprise_id, ORDER_PURPOSE, &order_id.to_string(), &json(info))
}

/// Opens what [`seal_for_order`] made.
///
/// # Errors
/// [`UnreadableError`].
pub fn open_of_order(
    vault: &Vault,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
    sealed: &[u8],
) -> Result<PhysicalInfo, UnreadableError> {
    let json = vault.open_secret(enterprise_id, ORDER_PURPOSE, &order_id.to_string(), sealed)?;
    serde_json::from_slice(&json).map_err(|_| UnreadableError::Json)
}

/// Seals delivery data under their card.
pub fn seal_for_card(
    vault: &Vault,
    enterprise_id: EnterpriseId,
    card_id: CardId,
    info: &PhysicalInfo,
) -> Vec<u8> {
    vault.seal_secret(enterprise_id, CARD_PURPOSE, &card_id.to_string(), &json(info))
}

/// Opens what [`seal_for_card`] made.
///
/// # Errors
/// [`UnreadableError`].
pub fn open_of_card(
    vault: &Vault,
    enterprise_id: EnterpriseId,
    card_id: CardId,
    sealed: &[u8],
) -> Result<PhysicalInfo, UnreadableError> {
    let json = vault.open_secret(enterprise_id, CARD_PURPOSE, &card_id.to_string(), sealed)?;
    serde_json::from_slice(&json).map_err(|_| UnreadableError::Json)
}

fn json(info: &PhysicalInfo) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(serde_json::to_vec(info).expect("a struct of texts is JSON"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::SystemRandom;
    use vault::MasterKey;

    use super::*;

    fn named(name: &str) -> PhysicalInfo {
        PhysicalInfo { embossing_name: name.to_owned(), ..PhysicalInfo::default() }
    }

    #[test]
    fn the_name_on_the_card_chooses_the_scenario() {
        let failed = OrderOutcome::Fail(ErrorCode::CardOrderVirtualToPhysicalFailed);
        let lost = OrderOutcome::Fail(ErrorCode::ChannelCustomerNotFound);
        for (name, outcome, slow) in [
            ("TEST USER", OrderOutcome::Pass, false),
            ("FAIL", failed, false),
            ("fail me", failed, false),
            ("FAILLA", OrderOutcome::Pass, false),
            ("FAIL-CHANNEL-CUSTOMER", lost, false),
            ("SLOW-2", OrderOutcome::Pass, true),
            ("SLOWIK", OrderOutcome::Pass, false),
        ] {
            assert_eq!(scenario(&named(name)), Scenario { outcome, slow }, "{name}");
        }
    }

    #[test]
    fn delivery_data_open_under_their_own_record_only() {
        let key = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(key, Arc::new(SystemRandom));
        let owner = EnterpriseId::from_i64(1);
        let sealed = seal_for_card(&vault, owner, CardId::from_i64(9), &named("TEST USER"));
        assert!(!sealed.windows(4).any(|window| window == b"TEST"));
        let open = |id: i64| open_of_card(&vault, owner, CardId::from_i64(id), &sealed);
        assert!(open(9).ok().unwrap() == named("TEST USER"));
        assert!(open(10).is_err());
        assert!(open_of_order(&vault, owner, OrderId::from_i64(9), &sealed).is_err());
    }
}
